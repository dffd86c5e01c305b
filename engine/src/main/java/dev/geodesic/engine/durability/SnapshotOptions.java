package dev.geodesic.engine.durability;

import dev.geodesic.engine.port.Disk;

/**
 * When snapshots are taken, and what is kept.
 *
 * @param disk where the directories of databases lie
 * @param transactions number of transactions after which the next one is taken
 * @param logBytes bytes in the log after which the next one is taken
 * @param retention what is kept
 * @param retainedBytes memory of deleted rows, and of what is known about new ones, that a snapshot holds back while it is
 *     written; one that needs more is given up, and the next one may hold back twice as much, up to eight times
 * @param compressLog whether closed segments of the log below the newest snapshot are compressed
 */
public record SnapshotOptions(
        Disk disk, long transactions, long logBytes, Retention retention, long retainedBytes, boolean compressLog) {

    private static final long RETAINED_BYTES = 512L << 20;

    /** In the file system, after a million transactions or 256 MiB of log. */
    public static final SnapshotOptions DEFAULTS =
            new SnapshotOptions(FileStorage::open, 1_000_000, 256L << 20, Retention.DEFAULTS);

    public SnapshotOptions {
        if (transactions < 1 || logBytes < 1 || retainedBytes < 1) {
            throw new IllegalArgumentException("distances and memory of snapshots are positive");
        }
    }

    /** With 512 MiB held back, and compression. */
    public SnapshotOptions(Disk disk, long transactions, long logBytes, Retention retention) {
        this(disk, transactions, logBytes, retention, RETAINED_BYTES, true);
    }
}
