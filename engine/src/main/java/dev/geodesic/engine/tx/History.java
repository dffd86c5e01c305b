package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.table.RowPointers;
import it.unimi.dsi.fastutil.objects.Object2LongOpenHashMap;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeMap;

/**
 * The open snapshots of a database, and the steps since the oldest of them. A step is one application of changes, counted as
 * a transaction or not. While a snapshot is open each step is remembered, and the rows that it retired are held back; once
 * every open snapshot is younger than a step its rows are freed, little by little. Nothing is kept while none is open.
 *
 * <p>Threads: snapshots are opened under the shared lock and released on any thread; the writer does the rest under the
 * exclusive lock.
 */
final class History {

    private static final System.Logger LOG = System.getLogger(History.class.getName());
    private static final long NONE = Long.MAX_VALUE;
    /** Rows freed in one step beside as many as the step changes. */
    private static final int ROWS_PER_STEP = 1_024;
    private static final long STEP_BYTES = 128;
    private static final long CHANGE_BYTES = 320;

    /** A state that snapshots show. */
    static final class Point {
        final long step;
        private final long retainedBefore;
        /** Rows of the tables that have changed since. Guarded by the database's lock. */
        private final Object2LongOpenHashMap<Table> counts = new Object2LongOpenHashMap<>();
        private int snapshots;

        private Point(long step, long retainedBefore) {
            this.step = step;
            this.retainedBefore = retainedBefore;
        }

        long rowCount(Table table) {
            return counts.containsKey(table) ? counts.getLong(table) : table.store().liveCount();
        }
    }

    /** What a snapshot holds until it is closed, or until it is garbage because somebody forgot to. */
    final class Lease extends PhantomReference<SnapshotView> {
        private final Point point;
        /** Written under the monitor. */
        private volatile boolean released;

        private Lease(SnapshotView snapshot, Point point) {
            super(snapshot, abandoned);
            this.point = point;
        }

        void release() {
            History.this.release(this);
        }

        void requireHeld() {
            Invariants.check(!released, "the snapshot is open");
        }
    }

    private record Step(long number, TxData data) {
    }

    private final ReferenceQueue<SnapshotView> abandoned = new ReferenceQueue<>();
    /** Guarded by this, as the next. */
    private final TreeMap<Long, Point> open = new TreeMap<>();
    private final Set<Lease> leases = new HashSet<>();
    private Runnable released = () -> { };
    private final ArrayDeque<Step> steps = new ArrayDeque<>();
    private int nextChange;
    private int nextRow;
    private long step;
    /** Sum of all bytes that were ever held back. */
    private volatile long retained;
    private volatile boolean hasSteps;

    // ---- snapshots ----

    /** Shared lock. */
    synchronized Point enter() {
        Point point = open.computeIfAbsent(step, s -> new Point(s, retained));
        point.snapshots++;
        return point;
    }

    Lease lease(SnapshotView snapshot, Point point) {
        Lease lease = new Lease(snapshot, point);
        synchronized (this) {
            leases.add(lease);
        }
        return lease;
    }

    private void release(Lease lease) {
        Runnable tell;
        synchronized (this) {
            if (lease.released) {
                return;
            }
            lease.released = true;
            leases.remove(lease);
            if (--lease.point.snapshots > 0) {
                return;
            }
            boolean wasOldest = open.firstEntry().getValue() == lease.point;
            open.remove(lease.point.step);
            notifyAll();
            tell = wasOldest && hasSteps ? released : () -> { };
        }
        tell.run();
    }

    /** Bytes that are held back since a snapshot was opened. Any thread. */
    long retainedSince(Point point) {
        return retained - point.retainedBefore;
    }

    /** Called on any thread when rows can be freed; nothing waits for it. */
    synchronized void onReleased(Runnable action) {
        released = action;
    }

    /** Waits for all snapshots to be closed; false if that takes too long. */
    synchronized boolean awaitNone(long nanos) throws InterruptedException {
        long end = System.nanoTime() + nanos;
        while (!open.isEmpty()) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                return false;
            }
            wait(left);
        }
        return true;
    }

    private synchronized long oldest() {
        return open.isEmpty() ? NONE : open.firstKey();
    }

    /** Number of the step whose state the newest open snapshot shows; -1 if none is open. */
    private synchronized long newest() {
        return open.isEmpty() ? -1 : open.lastKey();
    }

    // ---- writer ----

    /** The changes that follow make a new state. */
    Recorder begin(TxData data) {
        for (Reference<? extends SnapshotView> forgotten = abandoned.poll(); forgotten != null; forgotten = abandoned.poll()) {
            Lease lease = (Lease) forgotten;
            if (!lease.released) {
                LOG.log(System.Logger.Level.WARNING, "a snapshot was not closed");
                lease.release();
            }
        }
        long newest = newest();
        step++;
        if (newest < 0) {
            return null;
        }
        steps.add(new Step(step, data));
        hasSteps = true;
        return new Recorder(newest, data);
    }

    /** Notes what one step changes. */
    final class Recorder {
        private final long newest;
        private long bytes;
        private Table table;
        private TableHistory history;

        private Recorder(long newest, TxData data) {
            this.newest = newest;
            bytes = STEP_BYTES + CHANGE_BYTES * data.changes().size();
            for (Table dropped : data.dropped()) {
                bytes += dropped.memoryBytes();
            }
        }

        void table(Table changed) {
            table = changed;
            history = changed.history();
            if (history == null) {
                history = new TableHistory(changed);
                changed.keepHistory(history);
            }
            synchronized (History.this) {
                open.values().forEach(p -> p.counts.putIfAbsent(changed, changed.store().liveCount()));
            }
        }

        void retired(long row) {
            if (history.retire(row, step, newest)) {
                bytes += table.store().length(row) + history.entryBytes();
            }
        }

        void born(long row) {
            history.born(row, step);
            bytes += history.entryBytes();
        }

        void end() {
            retained += bytes;
        }
    }

    /** Frees what no snapshot needs any more, about so many rows; true if there may be more. */
    boolean free(int rows) {
        long oldest = oldest();
        int left = rows;
        while (left > 0 && !steps.isEmpty() && steps.peek().number() <= oldest) {
            left = free(steps.peek(), left);
        }
        hasSteps = !steps.isEmpty();
        return hasSteps && steps.peek().number() <= oldest;
    }

    /** Frees what the step that follows should free on the way. */
    void freeBefore(TxData next) {
        if (hasSteps) {
            long rows = ROWS_PER_STEP;
            for (TxData.TableChange change : next.changes()) {
                rows += 2L * (change.deletes().size() + change.inserts().size());
            }
            free((int) Math.min(Integer.MAX_VALUE, rows));
        }
    }

    private int free(Step first, int rows) {
        int left = rows;
        while (nextChange < first.data().changes().size()) {
            TxData.TableChange change = first.data().changes().get(nextChange);
            TableHistory history = first.data().dropped().contains(change.table()) ? null : change.table().history();
            if (history != null) {
                RowPointers deletes = change.deletes();
                RowPointers inserts = change.inserts();
                for (int end = deletes.size() + inserts.size(); nextRow < end; nextRow++) {
                    if (left-- == 0) {
                        return 0;
                    }
                    if (nextRow < deletes.size()) {
                        history.free(deletes.get(nextRow), first.number());
                    } else {
                        history.forgetBirth(inserts.get(nextRow - deletes.size()), first.number());
                    }
                }
                if (history.isEmpty()) {
                    change.table().keepHistory(null);
                }
            }
            nextChange++;
            nextRow = 0;
        }
        first.data().dropped().forEach(Table::close);
        steps.remove();
        nextChange = 0;
        return left - 1;
    }
}
