/**
 * What makes transactions survive. {@link dev.geodesic.engine.durability.TxRecord} turns a transaction's net change into
 * bytes, {@link dev.geodesic.engine.durability.Durability} keeps them (the commit log, or nothing for databases in memory),
 * {@link dev.geodesic.engine.durability.Recovery} applies them again at the start. The log says what changed, never what
 * to run again.
 *
 * <p>The commit log: {@link dev.geodesic.engine.durability.CommitLog} queues, writes and forces,
 * {@link dev.geodesic.engine.durability.LogReader} replays and repairs at the start and says why it may,
 * {@link dev.geodesic.engine.durability.LogFiles} reads, compresses, trims and verifies segments while the log runs,
 * {@link dev.geodesic.engine.durability.LogFormat} has the bytes (docs/formats/commitlog.md).
 *
 * <p>Snapshots: {@link dev.geodesic.engine.durability.SnapshotStore} writes a state to a file beside its writer, loads and checks
 * it, {@link dev.geodesic.engine.durability.SnapshotFormat} has the bytes (docs/formats/snapshot.md).
 * {@link dev.geodesic.engine.durability.DatabaseRecovery} makes a state from the newest snapshot that is whole and the log from
 * there. Loading and replaying build most index entries in bulk, in the order of their keys.
 *
 * <p>Files are reached through the port {@link dev.geodesic.engine.port.Storage} only, so that tests can take back what was not
 * forced.
 */
package dev.geodesic.engine.durability;
