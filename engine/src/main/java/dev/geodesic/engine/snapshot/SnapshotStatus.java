package dev.geodesic.engine.snapshot;

import java.util.Optional;

/**
 * How the snapshots of a database are doing.
 *
 * @param last newest snapshot; empty if there is none
 * @param takenMicros when it was begun, in microseconds since 1970; of one from before the start, its last commit
 * @param durationMillis how long it took, reading it back included; 0 for one from before the start
 * @param running whether one is being taken
 * @param taken number of snapshots since the start
 * @param failures number of failures since the start
 * @param failure why the last attempt failed; empty if it did not
 * @param snapshotBytes of all snapshots on disk
 * @param logBytes of the log on disk
 */
public record SnapshotStatus(
        Optional<SnapshotEntry> last,
        long takenMicros,
        long durationMillis,
        boolean running,
        long taken,
        long failures,
        Optional<String> failure,
        long snapshotBytes,
        long logBytes) {
}
