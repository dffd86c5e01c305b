package dev.geodesic.engine.durability;

import dev.geodesic.engine.port.Disk;

/**
 * When snapshots are taken, and what is kept.
 *
 * @param disk where the directories of databases lie
 * @param transactions number of transactions after which the next one is taken
 * @param logBytes bytes in the log after which the next one is taken
 */
public record SnapshotOptions(Disk disk, long transactions, long logBytes, Retention retention) {

    /** In the file system, after a million transactions or 256 MiB of log. */
    public static final SnapshotOptions DEFAULTS =
            new SnapshotOptions(FileStorage::open, 1_000_000, 256L << 20, Retention.DEFAULTS);

    public SnapshotOptions {
        if (transactions < 1 || logBytes < 1) {
            throw new IllegalArgumentException("distances of snapshots are positive");
        }
    }
}
