package dev.geodesic.engine.database;

import dev.geodesic.engine.backup.Past;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.LogFiles;
import dev.geodesic.engine.durability.SnapshotStore;

/** What a running database has on disk of its own past, durable transactions only. */
final class DatabasePast implements Past, AutoCloseable {

    private final SnapshotStore snapshots;
    private final LogFiles log;
    private final long from;
    private final long fromMicros;
    private final long until;
    private final long untilMicros;

    /**
     * @param snapshots closed with this
     * @param until all transactions below it are durable
     * @param nowMicros when that was so
     */
    DatabasePast(SnapshotStore snapshots, LogFiles log, long until, long nowMicros) {
        this.snapshots = snapshots;
        this.log = log;
        this.until = until;
        this.untilMicros = nowMicros;
        long logFrom = log.segments().stream().mapToLong(LogFiles.SegmentInfo::firstOffset).min().orElse(until);
        this.from = logFrom == 0 ? 0 : snapshots.offsets().stream().mapToLong(o -> o).filter(o -> o >= logFrom && o <= until)
                .min().orElse(until);
        this.fromMicros = from > 0 && snapshots.offsets().contains(from) ? snapshots.info(from).timeMicros() : 0;
    }

    @Override
    public SnapshotStore snapshots() {
        return snapshots;
    }

    @Override
    public long from() {
        return from;
    }

    @Override
    public long fromMicros() {
        return fromMicros;
    }

    @Override
    public long until() {
        return until;
    }

    @Override
    public long untilMicros() {
        return untilMicros;
    }

    @Override
    public long at(long micros) {
        return Math.min(until, log.offsetAfter(micros));
    }

    @Override
    public void transactions(long first, long next, LogFactory.Replay replay) {
        log.read(first, next, replay);
    }

    @Override
    public void close() {
        snapshots.close();
    }
}
