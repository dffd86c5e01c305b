/**
 * Taking snapshots of a database while it runs, and forgetting what nobody needs any more. A {@link
 * dev.geodesic.engine.snapshot.Snapshotter} watches one database's log ({@link dev.geodesic.engine.snapshot.WatchedLog}); when
 * enough has been appended, or when it is asked, it waits for its turn on the one thread of the server ({@link
 * dev.geodesic.engine.snapshot.SnapshotWorker}), writes a draft from a view of one moment, waits for the log, publishes, reads
 * the file back, and then deletes what the {@link dev.geodesic.engine.snapshot.RetentionPlan} does not keep. How the files look
 * and how they are loaded is the business of {@code durability}. A snapshot that fails costs time at the next start and
 * nothing else: it never stops a database.
 */
package dev.geodesic.engine.snapshot;
