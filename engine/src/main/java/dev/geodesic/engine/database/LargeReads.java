package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.SnapshotView;
import dev.geodesic.engine.tx.TxData;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Reads of clients that would hold up the writer: each at the offset at which its turn came, on threads that all databases
 * share. A bounded number of them waits.
 */
final class LargeReads implements Participant, AutoCloseable {

    private static final System.Logger LOG = System.getLogger(LargeReads.class.getName());
    private static final int OPEN_MAX = 256;

    private final CommittedState committed;
    private final Limits limits;
    private final Executor threads;
    private final Set<Job> open = ConcurrentHashMap.newKeySet();

    LargeReads(CommittedState committed, Limits limits, Executor threads) {
        this.committed = committed;
        this.limits = limits;
        this.threads = threads;
    }

    /** Opens the present state. Writer. Errors: LIMIT_EXCEEDED if too many reads wait, DATABASE_STOPPED. */
    SnapshotView snapshot() {
        if (open.size() >= OPEN_MAX) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "more than " + OPEN_MAX + " large queries wait to be read");
        }
        return committed.openSnapshot(limits.reads());
    }

    /**
     * Reads the snapshot and closes it.
     *
     * @param read runs on another thread
     * @param failed gets its error, on that thread or on the writer
     */
    void start(SnapshotView snapshot, Consumer<SnapshotView> read, Consumer<EngineException> failed) {
        Job job = new Job(snapshot, read, failed);
        open.add(job);
        try {
            threads.execute(job);
        } catch (RuntimeException e) {
            // The server ends.
            job.drop();
        }
    }

    /** Reads that wait for a thread cannot find out by themselves that they hold too much back. */
    @Override
    public void committed(TxData data, long timestampMicros) {
        if (!open.isEmpty()) {
            open.forEach(Job::dropIfOverLimit);
        }
    }

    /** Lets the reads that were begun end, for a while. */
    void drain(long deadlineNanos) {
        synchronized (open) {
            for (long left = deadlineNanos - System.nanoTime(); left > 0 && !open.isEmpty();
                    left = deadlineNanos - System.nanoTime()) {
                try {
                    TimeUnit.NANOSECONDS.timedWait(open, left);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    /** Gives up the reads that wait. */
    @Override
    public void close() {
        open.forEach(Job::drop);
    }

    private final class Job implements Runnable {

        private final SnapshotView snapshot;
        private final Consumer<SnapshotView> read;
        private final Consumer<EngineException> failed;
        private final AtomicBoolean taken = new AtomicBoolean();

        Job(SnapshotView snapshot, Consumer<SnapshotView> read, Consumer<EngineException> failed) {
            this.snapshot = snapshot;
            this.read = read;
            this.failed = failed;
        }

        void drop() {
            if (taken.compareAndSet(false, true)) {
                end();
            }
        }

        void dropIfOverLimit() {
            Optional<EngineException> error = taken.get() ? Optional.empty() : snapshot.limitError();
            if (error.isPresent() && taken.compareAndSet(false, true)) {
                end();
                failed.accept(error.get());
            }
        }

        private void end() {
            snapshot.close();
            open.remove(this);
            synchronized (open) {
                open.notifyAll();
            }
        }

        @Override
        public void run() {
            if (!taken.compareAndSet(false, true)) {
                return;
            }
            EngineException failure = null;
            try {
                read.accept(snapshot);
            } catch (EngineException e) {
                failure = committed.isClosed() ? Database.STOPPED : e;
            } catch (RuntimeException | OutOfMemoryError e) {
                // It read memory that has gone, or the answer is larger than memory: nothing has changed either way.
                failure = committed.isClosed() ? Database.STOPPED : new EngineException(ErrorCode.INTERNAL, "internal error", e);
            } finally {
                end();
            }
            if (failure != null) {
                if (Database.isFatal(failure)) {
                    LOG.log(System.Logger.Level.ERROR, "a read failed: " + failure.describe(), failure);
                }
                failed.accept(failure);
            }
        }
    }
}
