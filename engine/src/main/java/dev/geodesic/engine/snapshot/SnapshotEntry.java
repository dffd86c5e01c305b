package dev.geodesic.engine.snapshot;

/**
 * A snapshot on disk.
 *
 * @param offset number of transactions in it
 * @param epoch of the log at that moment
 * @param commitMicros when the last of them was committed, in microseconds since 1970
 * @param bytes size of its file
 */
public record SnapshotEntry(long offset, long epoch, long commitMicros, long bytes) {
}
