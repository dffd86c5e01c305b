package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.Invariants;
import it.unimi.dsi.fastutil.objects.Object2LongOpenHashMap;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;

/**
 * The open snapshots of a database, and the steps since the oldest of them. A step is one application of changes, counted as
 * a transaction or not. While a snapshot is open the rows that a step retires are held back; once every open snapshot is younger
 * than the step they are freed, little by little. Nothing is kept while none is open, nor for a snapshot that walks over each
 * table once and has passed the row.
 *
 * <p>Threads: snapshots are opened under the shared lock and released on any thread; the writer does the rest under the
 * exclusive lock.
 */
final class History {

    private static final System.Logger LOG = System.getLogger(History.class.getName());
    private static final long NONE = Long.MAX_VALUE;
    /** Rows freed in one step beside as many as the step changes: some ten microseconds. */
    private static final int ROWS_PER_STEP = 64;
    private static final long NOWHERE = Long.MAX_VALUE;

    /** A state that snapshots show. */
    static final class Point {
        final long step;
        private final long retainedBefore;
        /** Rows of the tables that have changed since. Guarded by the database's lock. */
        private final Object2LongOpenHashMap<Table> counts = new Object2LongOpenHashMap<>();
        /** Where the one snapshot that walks over each table once has come. Guarded by the database's lock. */
        private final Object2LongOpenHashMap<Table> passed = new Object2LongOpenHashMap<>();
        private int snapshots;
        /** Whether any row may still be asked for. Guarded by the history's monitor. */
        private boolean anyOrder;

        private Point(long step, long retainedBefore) {
            this.step = step;
            this.retainedBefore = retainedBefore;
        }

        /** No row whose pointer is smaller will be asked for. Only one thread reads through the point. */
        void pass(Table table, long row) {
            passed.put(table, row);
        }

        void passAll(Table table) {
            passed.put(table, NOWHERE);
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

    private record Dropped(long step, Table table) {
    }

    private final ReferenceQueue<SnapshotView> abandoned = new ReferenceQueue<>();
    /** Guarded by this, as the next. */
    private final TreeMap<Long, Point> open = new TreeMap<>();
    private final Set<Lease> leases = new HashSet<>();
    private Runnable released = () -> { };
    /** Tables with something to free. */
    private final List<TableHistory> changed = new ArrayList<>();
    private final ArrayDeque<Dropped> dropped = new ArrayDeque<>();
    /** Everything up to this step has been freed. */
    private long freedFor = -1;
    private long step;
    /** Sum of all bytes that were ever held back. */
    private volatile long retained;
    private volatile boolean holds;

    // ---- snapshots ----

    /**
     * Shared lock.
     *
     * @param once whether each table will be walked over once, and nothing else
     */
    synchronized Point enter(boolean once) {
        Point point = open.computeIfAbsent(step, s -> new Point(s, retained));
        // Nothing has changed since the first one entered: what it has passed is all there.
        point.anyOrder |= !once || point.snapshots > 0;
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
            tell = wasOldest && holds ? released : () -> { };
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
        step++;
        synchronized (this) {
            if (open.isEmpty()) {
                return null;
            }
            long newestAnyOrder = -1;
            for (Point point : open.values()) {
                newestAnyOrder = point.anyOrder ? point.step : newestAnyOrder;
            }
            return new Recorder(open.lastKey(), newestAnyOrder, data);
        }
    }

    /** Notes what one step changes. */
    final class Recorder {
        private final long newest;
        /** Later rows need not be found by key. */
        private final long newestAnyOrder;
        private long bytes;
        private Table table;
        private TableHistory history;
        /** No snapshot asks for smaller pointers. */
        private long passed;

        private Recorder(long newest, long newestAnyOrder, TxData data) {
            this.newest = newest;
            this.newestAnyOrder = newestAnyOrder;
            for (Table table : data.dropped()) {
                dropped.add(new Dropped(step, table));
                bytes += table.memoryBytes();
            }
            holds |= !dropped.isEmpty();
        }

        void table(Table next) {
            table = next;
            passed = NOWHERE;
            synchronized (History.this) {
                for (Point point : open.values()) {
                    point.counts.putIfAbsent(next, next.store().liveCount());
                    passed = Math.min(passed, point.anyOrder ? 0 : point.passed.getLong(next));
                }
            }
            history = next.history();
            if (history == null && passed != NOWHERE) {
                history = new TableHistory(next);
                next.keepHistory(history);
                changed.add(history);
                holds = true;
            }
        }

        void retired(long row) {
            if (row >= passed && history.retire(row, step, newest, newestAnyOrder)) {
                bytes += table.store().length(row) + history.retiredBytes();
            }
        }

        void born(long row) {
            if (row >= passed) {
                history.born(row, step);
                bytes += TableHistory.BORN_BYTES;
            }
        }

        void end() {
            retained += bytes;
        }
    }

    /** Frees what no snapshot needs any more, about so many rows; true if there may be more. */
    boolean free(int rows) {
        long oldest = oldest();
        if (oldest == freedFor) {
            return false;
        }
        while (!dropped.isEmpty() && dropped.peek().step() <= oldest) {
            close(dropped.remove().table());
        }
        int left = rows;
        for (int i = changed.size() - 1; i >= 0 && left > 0; i--) {
            TableHistory history = changed.get(i);
            left = history.free(oldest, left);
            if (history.isEmpty()) {
                history.end();
                changed.set(i, changed.getLast());
                changed.removeLast();
            }
        }
        freedFor = left > 0 && oldest != NONE ? oldest : -1;
        holds = !changed.isEmpty() || !dropped.isEmpty();
        return left == 0 && holds;
    }

    /** Ends a dropped table that no snapshot shows, with what was still to be freed in it. */
    void close(Table table) {
        changed.remove(table.history());
        table.keepHistory(null);
        table.close();
    }

    /** Frees what the step that follows should free on the way. */
    void freeBefore(TxData next) {
        if (holds) {
            long rows = ROWS_PER_STEP;
            for (TxData.TableChange change : next.changes()) {
                rows += 2L * (change.deletes().size() + change.inserts().size());
            }
            free((int) Math.min(Integer.MAX_VALUE, rows));
        }
    }
}
