package dev.geodesic.engine.durability;

import dev.geodesic.engine.port.Timer;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * Looks at the room on the disk from time to time, so that logs stop being written before they fail, and go on by themselves
 * when there is room again. Any thread.
 */
public final class DiskWatch implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(DiskWatch.class.getName());

    /** What there is room for; each includes what is behind it. */
    public enum Level {
        /** Everything. */
        AMPLE,
        /** Transactions; nothing that can wait, such as snapshots. */
        LOW,
        /** Transactions that only delete, and who is connected. */
        STOPPED,
        /** Ends of connections. */
        EXHAUSTED
    }

    private final Optional<DiskOptions> options;
    private final Timer timer;
    private final Executor threads;
    private volatile Level level = Level.AMPLE;
    private volatile long usableBytes = Long.MAX_VALUE;
    private volatile boolean closed;
    private boolean failing;

    /** @param threads looks may block */
    public DiskWatch(Optional<DiskOptions> options, Timer timer, Executor threads) {
        this.options = options;
        this.timer = timer;
        this.threads = threads;
        options.ifPresent(o -> {
            look(o);
            again(o);
        });
    }

    private void again(DiskOptions o) {
        if (!closed) {
            timer.after(TimeUnit.NANOSECONDS.toMicros(o.interval().toNanos()), () -> threads.execute(() -> {
                look(o);
                again(o);
            }));
        }
    }

    private synchronized void look(DiskOptions o) {
        long usable;
        try {
            usable = o.space().usableBytes();
            failing = false;
        } catch (IOException e) {
            // Whether the disk can be written, the logs find out.
            if (!failing) {
                LOG.log(System.Logger.Level.WARNING, "the room on the disk cannot be found out: " + e);
            }
            failing = true;
            return;
        }
        usableBytes = usable;
        Level before = level;
        level = usable < o.stopBytes() / 4 ? Level.EXHAUSTED
                : usable < o.stopBytes() ? Level.STOPPED
                : usable < o.warnBytes() ? Level.LOW : Level.AMPLE;
        if (level != before) {
            String room = usable + " bytes are left on the disk of the data directory";
            switch (level) {
                case AMPLE -> LOG.log(System.Logger.Level.INFO, room + ": enough again");
                case LOW -> LOG.log(System.Logger.Level.WARNING, room + ", less than geodesic.disk.warn.bytes="
                        + o.warnBytes() + ": snapshots are not taken; below geodesic.disk.stop.bytes=" + o.stopBytes()
                        + " nothing will be written any more");
                case STOPPED -> LOG.log(System.Logger.Level.ERROR, room + ", less than geodesic.disk.stop.bytes="
                        + o.stopBytes() + ": transactions that write anything but deletions are refused until there is more");
                case EXHAUSTED -> LOG.log(System.Logger.Level.ERROR, room + ", less than a quarter of geodesic.disk.stop.bytes="
                        + o.stopBytes() + ": all transactions and new connections are refused until there is more");
            }
        }
    }

    public Level level() {
        return level;
    }

    /** Whether there is room for what can wait: snapshots, compression. */
    public boolean isAmple() {
        return level == Level.AMPLE;
    }

    /** Whether there is room for new data. */
    public boolean isWritable() {
        return level.compareTo(Level.STOPPED) < 0;
    }

    /** As of the last look; {@code Long.MAX_VALUE} if nobody looks. */
    public long usableBytes() {
        return usableBytes;
    }

    @Override
    public void close() {
        closed = true;
    }
}
