/**
 * What makes transactions survive. {@link dev.geodesic.engine.durability.TxRecord} turns a transaction's net change into
 * bytes, {@link dev.geodesic.engine.durability.Durability} keeps them (the commit log, or nothing for databases in memory),
 * {@link dev.geodesic.engine.durability.Recovery} applies them again at the start. The log says what changed, never what
 * to run again.
 *
 * <p>The commit log: {@link dev.geodesic.engine.durability.CommitLog} queues, writes and forces,
 * {@link dev.geodesic.engine.durability.LogReader} replays and repairs at the start and says why it may,
 * {@link dev.geodesic.engine.durability.LogFiles} reads, compresses, trims and verifies segments while the log runs,
 * {@link dev.geodesic.engine.durability.LogFormat} has the bytes (docs/formats/commitlog.md). Files are reached through the
 * port {@link dev.geodesic.engine.port.Storage} only, so that tests can take back what was not forced.
 */
package dev.geodesic.engine.durability;
