package dev.geodesic.engine.schedule;

import dev.geodesic.engine.port.Timer;
import dev.geodesic.engine.table.RowCursor;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.engine.tx.TxData;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeSet;

/**
 * Knows which rows of a database are due when, and hands them out one at a time: the next call starts when the last one
 * has ended, so that a long one delays all others of its database (spec/execution.md 5.5). Thread-safe.
 *
 * <p>Holds between two commits: each row of a schedule table has one entry at most; an entry without a row fires into the
 * void. A row without an entry is one whose call is being made.
 */
public final class Scheduler implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Scheduler.class.getName());

    /** A call that starts later than this is worth a line (spec/execution.md 5.5). */
    static final long LATE_MICROS = 30_000;
    /** The clock may be set: nobody sleeps longer than this without looking at it. */
    static final long SLEEP_MICROS_MAX = 10_000_000;
    private static final long MICROS_BETWEEN_WARNINGS = 1_000_000;

    private record Key(int tableId, long rowId) {
    }

    /**
     * @param order tells entries of the same time apart, first come, first served
     * @param interval in microseconds; none for a single call
     */
    private record Entry(Key key, long due, long order, OptionalLong interval) {
    }

    private final String database;
    private final Timer timer;
    private final Firing firing;
    private final Map<Key, Entry> entries = new HashMap<>();
    private final TreeSet<Entry> queue =
            new TreeSet<>(Comparator.comparingLong(Entry::due).thenComparingLong(Entry::order));
    private long nextOrder;
    /** When somebody looked at the clock the last time. */
    private long lastNow = Long.MIN_VALUE;
    /** Between the first {@link #restart} and {@link #close}. */
    private boolean open;
    /** A call is being made. */
    private boolean busy;
    /** Somebody is in {@link #look}, and will look again. */
    private boolean advancing;
    private Timer.Wake wake;
    private long wakeAt;
    private long nextWarning = Long.MIN_VALUE;
    private int lateUnsaid;

    /** @param database name for warnings */
    public Scheduler(String database, Timer timer, Firing firing) {
        this.database = database;
        this.timer = timer;
        this.firing = firing;
    }

    /**
     * Forgets everything and arms every row: at the start, and when a program was replaced. Intervals begin now. The
     * caller keeps the tables from changing.
     */
    public void restart(Iterable<Table> tables) {
        synchronized (this) {
            open = true;
            entries.clear();
            queue.clear();
            long now = timer.nowMicros();
            for (Table table : tables) {
                if (isScheduled(table)) {
                    RowCursor rows = table.store().scan();
                    while (rows.next()) {
                        arm(table, rows.row(), now);
                    }
                }
            }
        }
        advance();
    }

    private static boolean isScheduled(Table table) {
        return table.schedule() != null && !table.schema().event();
    }

    /**
     * Follows a commit: new rows are armed, and replace what was armed under their id; deleted rows are forgotten.
     *
     * @param calledAt timestamp of the call that wrote, in microseconds since the epoch
     */
    public void committed(TxData data, long calledAt) {
        boolean changed = false;
        for (int i = 0; i < data.changes().size(); i++) {
            TxData.TableChange change = data.changes().get(i);
            if (isScheduled(change.table())) {
                follow(change, calledAt);
                changed = true;
            }
        }
        if (changed) {
            advance();
        }
    }

    private synchronized void follow(TxData.TableChange change, long calledAt) {
        Table table = change.table();
        RowPointers rows = change.deletes();
        for (int i = 0; i < rows.size(); i++) {
            disarm(new Key(table.id(), ScheduleRow.read(table, rows.get(i)).id()));
        }
        long base = Math.max(calledAt, timer.nowMicros());
        rows = change.inserts();
        for (int i = 0; i < rows.size(); i++) {
            arm(table, rows.get(i), base);
        }
    }

    private void arm(Table table, long row, long base) {
        ScheduleRow read = ScheduleRow.read(table, row);
        OptionalLong interval = read.at() instanceof ScheduleAt.Interval i ? OptionalLong.of(i.length()) : OptionalLong.empty();
        arm(new Key(table.id(), read.id()), read.at().firstDue(base), interval);
    }

    private void arm(Key key, long due, OptionalLong interval) {
        disarm(key);
        Entry entry = new Entry(key, due, nextOrder++, interval);
        entries.put(key, entry);
        queue.add(entry);
    }

    private void disarm(Key key) {
        Entry old = entries.remove(key);
        if (old != null) {
            queue.remove(old);
        }
    }

    /**
     * A call starts now. Warns if that is late.
     *
     * @return the call's timestamp: now, but not before it was due (spec/execution.md 2.3)
     */
    public long start(DueCall call) {
        long now = timer.nowMicros();
        // As an unsigned number, because a row may be due before any date.
        if (now > call.dueMicros() && Long.compareUnsigned(now - call.dueMicros(), LATE_MICROS) > 0) {
            warn(call, now);
        }
        return Math.max(now, call.dueMicros());
    }

    private synchronized void warn(DueCall call, long now) {
        lateUnsaid++;
        if (now >= nextWarning) {
            LOG.log(System.Logger.Level.WARNING, "database " + database + ": a scheduled call is "
                    + Long.divideUnsigned(now - call.dueMicros(), 1000) + " ms late (table " + call.tableId() + ", row "
                    + Long.toUnsignedString(call.rowId()) + (lateUnsaid > 1 ? "; " + lateUnsaid + " late calls since the last "
                    + "warning)" : ")"));
            nextWarning = now + MICROS_BETWEEN_WARNINGS;
            lateUnsaid = 0;
        }
    }

    /** The next tick of a row that was called and stays, replacing what its own call may have armed. */
    public synchronized void repeat(DueCall call, ScheduleAt.Interval interval) {
        if (open) {
            arm(new Key(call.tableId(), call.rowId()), interval.nextDue(call.dueMicros(), timer.nowMicros()),
                    OptionalLong.of(interval.length()));
        }
    }

    /** As {@link #repeat}, unless the row has been armed since the call began: then that is newer. */
    public synchronized void repeatUnlessArmed(DueCall call, ScheduleAt.Interval interval) {
        if (!entries.containsKey(new Key(call.tableId(), call.rowId()))) {
            repeat(call, interval);
        }
    }

    /** Rows that wait for their time. */
    public synchronized int waiting() {
        return entries.size();
    }

    private void ended() {
        look(true);
    }

    private void advance() {
        look(false);
    }

    /** No call is being made, and nobody looks for the next one. */
    public synchronized boolean rests() {
        return !busy && !advancing;
    }

    /** Hands out what is due, or sleeps until something is. */
    private void look(boolean ended) {
        synchronized (this) {
            busy &= !ended;
            if (advancing) {
                return;
            }
            advancing = true;
        }
        // A loop, because a call may end before fire() returns.
        DueCall call = next();
        while (call != null) {
            firing.fire(call, this::ended);
            // Under the lock it is decided at once whether there is more and who looks next.
            call = next();
        }
    }

    private synchronized DueCall next() {
        if (open && !busy && !queue.isEmpty()) {
            long now = timer.nowMicros();
            if (now < lastNow) {
                clockWentBack(now);
            }
            lastNow = now;
            Entry first = queue.first();
            if (first.due() <= now) {
                disarm(first.key());
                busy = true;
                return new DueCall(first.key().tableId(), first.key().rowId(), first.due());
            }
            sleep(first.due(), now);
        }
        advancing = false;
        return null;
    }

    /** Ticks go on: the next one is no farther away than an interval. Single calls have a time of day, and wait for it. */
    private void clockWentBack(long now) {
        for (Entry entry : List.copyOf(entries.values())) {
            if (entry.interval().isPresent() && Long.compareUnsigned(entry.due() - now, entry.interval().getAsLong()) > 0
                    && entry.due() > now) {
                arm(entry.key(), now + entry.interval().getAsLong(), entry.interval());
            }
        }
    }

    private void sleep(long due, long now) {
        if (wake != null) {
            if (wakeAt <= due) {
                return;
            }
            wake.cancel();
        }
        long micros = due - now;
        wakeAt = micros < 0 || micros > SLEEP_MICROS_MAX ? now + SLEEP_MICROS_MAX : due;
        wake = timer.after(wakeAt - now, this::awake);
    }

    private void awake() {
        synchronized (this) {
            wake = null;
        }
        advance();
    }

    /** Nothing fires any more; rows stay where they are. A call that runs is not waited for. */
    @Override
    public synchronized void close() {
        open = false;
        entries.clear();
        queue.clear();
        if (wake != null) {
            wake.cancel();
            wake = null;
        }
    }
}
