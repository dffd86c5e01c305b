package dev.geodesic.engine.durability;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.ThreadFactory;
import java.util.function.LongSupplier;

/**
 * How a commit log works.
 *
 * @param segmentBytesMax size at which a new segment begins; a larger commit gets a segment of its own
 * @param queueRecordsMax records that wait for the disk before {@link Durability#append} blocks
 * @param queueBytesMax bytes that wait likewise; one record may go over it
 * @param gatherMicrosMax how long after a force records are gathered before the next one, unless the writer runs out of work;
 *     0 forces what there is at once
 * @param threads makes the log's thread
 * @param salts a random number for each segment
 * @param patience how long one write and force may take before the disk counts as one that does not answer
 */
public record CommitLogOptions(
        long segmentBytesMax, int queueRecordsMax, int queueBytesMax, int gatherMicrosMax, ThreadFactory threads,
        LongSupplier salts, Duration patience) {

    /** Segments of 256 MiB; 16,384 records or 32 MiB wait; two milliseconds between forces. */
    public static final CommitLogOptions DEFAULTS = new CommitLogOptions(
            256L << 20, 16_384, 32 << 20, 2_000,
            Thread.ofPlatform().daemon().name("geodesic-log-", 0).factory(), new SecureRandom()::nextLong);

    public CommitLogOptions(
            long segmentBytesMax, int queueRecordsMax, int queueBytesMax, int gatherMicrosMax, ThreadFactory threads,
            LongSupplier salts) {
        this(segmentBytesMax, queueRecordsMax, queueBytesMax, gatherMicrosMax, threads, salts, Duration.ofSeconds(10));
    }

    public CommitLogOptions {
        if (segmentBytesMax < 1 || queueRecordsMax < 1 || queueBytesMax < 1 || gatherMicrosMax < 0) {
            throw new IllegalArgumentException("sizes of a log are positive, and times not negative");
        }
    }

    public CommitLogOptions withSegmentBytesMax(long bytes) {
        return new CommitLogOptions(bytes, queueRecordsMax, queueBytesMax, gatherMicrosMax, threads, salts, patience);
    }

    public CommitLogOptions withQueue(int recordsMax, int bytesMax) {
        return new CommitLogOptions(segmentBytesMax, recordsMax, bytesMax, gatherMicrosMax, threads, salts, patience);
    }

    public CommitLogOptions withGatherMicrosMax(int micros) {
        return new CommitLogOptions(segmentBytesMax, queueRecordsMax, queueBytesMax, micros, threads, salts, patience);
    }

    public CommitLogOptions withPatience(Duration time) {
        return new CommitLogOptions(
                segmentBytesMax, queueRecordsMax, queueBytesMax, gatherMicrosMax, threads, salts, time);
    }
}
