package dev.geodesic.engine.snapshot;

import dev.geodesic.engine.durability.LogFiles;
import java.util.List;

/**
 * What of a database's past is on disk.
 *
 * @param snapshots oldest first
 * @param damaged names of files of damaged snapshots, which nothing reads any more
 * @param segments of the log, oldest first
 * @param fromOffset smallest number of transactions to which the database can be set back
 * @param fromMicros commit time of the last of them, in microseconds since 1970; 0 for the empty state
 * @param untilOffset largest such number: all durable transactions
 * @param untilMicros commit time of the last transaction
 */
public record SnapshotListing(
        List<SnapshotEntry> snapshots,
        List<String> damaged,
        List<LogFiles.SegmentInfo> segments,
        long fromOffset,
        long fromMicros,
        long untilOffset,
        long untilMicros) {
}
