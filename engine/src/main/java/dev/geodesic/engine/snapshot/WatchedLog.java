package dev.geodesic.engine.snapshot;

import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.LogFiles;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/** The log of a database whose snapshots a {@link Snapshotter} takes. Closing it ends them with the log. */
public final class WatchedLog implements Durability {

    private final Durability log;
    private final Snapshotter snapshotter;

    public WatchedLog(Durability log, Snapshotter snapshotter) {
        this.log = log;
        this.snapshotter = snapshotter;
    }

    @Override
    public void append(long txOffset, byte[] record, int offset, int length) {
        log.append(txOffset, record, offset, length);
        snapshotter.appended(txOffset, length);
    }

    @Override
    public void flush() {
        log.flush();
    }

    @Override
    public long durableOffset() {
        return log.durableOffset();
    }

    @Override
    public long epoch() {
        return log.epoch();
    }

    @Override
    public void listen(LongConsumer durable, Consumer<RuntimeException> failed) {
        log.listen(
                txOffset -> {
                    durable.accept(txOffset);
                    snapshotter.durable();
                },
                failure -> {
                    snapshotter.stop();
                    failed.accept(failure);
                });
    }

    @Override
    public Optional<LogFiles> files() {
        return log.files();
    }

    @Override
    public boolean hangs() {
        return log.hangs();
    }

    @Override
    public boolean isReleased() {
        return log.isReleased() && snapshotter.isReleased();
    }

    /** What works on the log's files ends when the log does. */
    @Override
    public void close() {
        snapshotter.stop();
        log.close();
        snapshotter.close();
    }
}
