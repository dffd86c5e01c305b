/**
 * What the outside of the engine implements or receives: storage, threads, update sinks, metrics.
 */
package dev.geodesic.engine.port;
