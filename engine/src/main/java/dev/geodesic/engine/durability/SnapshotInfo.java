package dev.geodesic.engine.durability;

import dev.geodesic.engine.tx.SnapshotView;

/**
 * Which state a snapshot holds.
 *
 * @param nextOffset number of transactions in it, the offset of the first one that is not
 * @param epoch of the log at that moment
 * @param timeMicros commit time of the last transaction in it, in microseconds since 1970
 */
public record SnapshotInfo(long nextOffset, long epoch, long timeMicros) {

    /** Of what a view shows, with the epoch of the log that it belongs to. */
    public static SnapshotInfo of(SnapshotView view, long epoch) {
        return new SnapshotInfo(view.nextTxOffset(), epoch, view.commitMicros());
    }
}
