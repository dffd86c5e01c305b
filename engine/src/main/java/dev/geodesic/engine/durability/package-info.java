/**
 * What makes transactions survive. {@link dev.geodesic.engine.durability.TxRecord} turns a transaction's net change into
 * bytes, {@link dev.geodesic.engine.durability.Durability} keeps them (the commit log, or nothing for databases in memory),
 * {@link dev.geodesic.engine.durability.Recovery} applies them again at the start. The log says what changed, never what
 * to run again.
 */
package dev.geodesic.engine.durability;
