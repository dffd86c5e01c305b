package dev.geodesic.engine.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.engine.schedule.ScheduleAt.Interval;
import dev.geodesic.engine.schedule.ScheduleAt.Time;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.testkit.Proves;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Rows of real tables on a clock of the test. */
class SchedulerTest {

    private static final long NOW = 1_700_000_000_000_000L;
    private static final long SECOND = 1_000_000;
    private static final long HORIZON = ((1L << 36) - 1) * 1000;

    private final ManualTimer timer = new ManualTimer(NOW);
    private final TimerRows rows = new TimerRows();
    private final List<DueCall> fired = new ArrayList<>();
    private final List<Runnable> running = new ArrayList<>();
    private boolean endAtOnce = true;
    private final Scheduler scheduler = new Scheduler("test", timer, (call, ended) -> {
        fired.add(call);
        if (endAtOnce) {
            ended.run();
        } else {
            running.add(ended);
        }
    });
    private final TableSchema jobs = rows.create("jobs", true, TableRole.STORED);

    @AfterEach
    void close() {
        scheduler.close();
        rows.close();
    }

    private void begin() {
        scheduler.restart(rows.committed.allTables());
    }

    private void change(long calledAt, Runnable work) {
        rows.tx.begin();
        work.run();
        scheduler.committed(rows.commit(), calledAt);
    }

    private void insert(long id, ScheduleAt at) {
        change(NOW, () -> rows.insert(jobs, id, at));
    }

    private DueCall call(long id, long due) {
        return new DueCall(jobs.tableId(), id, due);
    }

    @Test
    @Proves("execution.md 5.1")
    void rowsFireWhenTheyAreDueAndNotBefore() {
        begin();
        insert(1, new Time(NOW + 5 * SECOND));
        insert(2, new Interval(3 * SECOND));
        insert(3, new Interval(-4 * SECOND));
        assertEquals(3, scheduler.waiting());
        timer.advance(3 * SECOND - 1);
        assertEquals(List.of(), fired);
        timer.advance(1);
        assertEquals(List.of(call(2, NOW + 3 * SECOND)), fired);
        timer.advance(10 * SECOND);
        assertEquals(List.of(call(2, NOW + 3 * SECOND), call(3, NOW + 4 * SECOND), call(1, NOW + 5 * SECOND)), fired);
        assertEquals(0, scheduler.waiting(), "nobody has repeated them");
        assertEquals(0, timer.pending(), "nothing to wait for");
    }

    @Test
    @Proves("execution.md 5.1")
    void whatIsDueInThePastFiresAtOnce() {
        begin();
        insert(1, new Time(NOW - 1));
        insert(2, new Time(Long.MIN_VALUE));
        insert(3, new Time(NOW));
        assertEquals(List.of(call(1, NOW - 1), call(2, Long.MIN_VALUE), call(3, NOW)), fired);
    }

    @Test
    @Proves("execution.md 5.1")
    void anIntervalCountsFromTheCallOrFromNowWhicheverIsLater() {
        begin();
        change(NOW - 7, () -> rows.insert(jobs, 1, new Interval(10)));
        change(NOW + 7, () -> rows.insert(jobs, 2, new Interval(10)));
        timer.advance(100);
        assertEquals(List.of(call(1, NOW + 10), call(2, NOW + 17)), fired);
    }

    @Test
    @Proves("execution.md 5.1")
    void anUpdateReplacesAndADeleteForgets() {
        begin();
        insert(1, new Time(NOW + 10));
        insert(2, new Time(NOW + 20));
        insert(-1, new Time(NOW + 30));
        change(NOW, () -> rows.update(jobs, 1, new Time(NOW + 40)));
        change(NOW, () -> rows.delete(jobs, 2));
        timer.advance(100);
        assertEquals(List.of(call(-1, NOW + 30), call(1, NOW + 40)), fired);
    }

    @Test
    @Proves("execution.md 5.1")
    void whatIsRolledBackIsNotArmed() {
        begin();
        rows.tx.begin();
        rows.insert(jobs, 1, new Time(NOW + 10));
        rows.tx.rollback();
        insert(2, new Time(NOW + 10));
        rows.tx.begin();
        rows.delete(jobs, 2);
        rows.tx.rollback();
        timer.advance(100);
        assertEquals(List.of(call(2, NOW + 10)), fired);
    }

    @Test
    @Proves("execution.md 5.1")
    void aStartArmsEveryRowAndIntervalsBeginAnew() {
        TableSchema others = rows.create("others", true, TableRole.STORED);
        TableSchema plain = rows.create("plain", false, TableRole.STORED);
        rows.tx.begin();
        rows.insert(jobs, 1, new Interval(10));
        rows.insert(jobs, 2, new Time(NOW + 3));
        rows.insert(others, 1, new Time(NOW + 5));
        rows.insert(plain, 1, new Time(NOW + 6));
        rows.commit();
        timer.advance(7);
        assertEquals(List.of(), fired, "nothing happens before the start");
        begin();
        assertEquals(List.of(call(2, NOW + 3), new DueCall(others.tableId(), 1, NOW + 5)), fired);
        fired.clear();
        timer.advance(5);
        begin();
        timer.advance(9);
        assertTrue(fired.stream().noneMatch(c -> c.rowId() == 1 && c.tableId() == jobs.tableId()), "the old phase is gone");
        timer.advance(1);
        assertEquals(call(1, NOW + 22), fired.getLast());
    }

    @Test
    @Proves("execution.md 5.5")
    void oneCallAtATime() {
        endAtOnce = false;
        begin();
        insert(1, new Time(NOW));
        insert(2, new Time(NOW));
        insert(3, new Time(NOW + 10));
        timer.advance(1000);
        assertEquals(List.of(call(1, NOW)), fired);
        running.removeFirst().run();
        assertEquals(List.of(call(1, NOW), call(2, NOW)), fired);
        timer.advance(1000);
        running.removeFirst().run();
        assertEquals(call(3, NOW + 10), fired.getLast());
        assertEquals(3, fired.size());
    }

    @Test
    @Proves("execution.md 5.4")
    void repeatsWithoutDriftAndWithoutMakingUp() {
        endAtOnce = false;
        begin();
        insert(1, new Interval(10));
        List<Long> due = new ArrayList<>();
        long[] durations = {1, 3, 25, 10, 9, 0};
        for (long duration : durations) {
            timer.advanceTo(Math.max(timer.nowMicros(), NOW + 10 * (due.isEmpty() ? 1 : 0)));
            while (fired.isEmpty()) {
                timer.advance(1);
            }
            DueCall call = fired.removeFirst();
            due.add(call.dueMicros() - NOW);
            assertEquals(call.dueMicros(), timer.nowMicros());
            timer.advance(duration);
            scheduler.repeat(call, new Interval(10));
            running.removeFirst().run();
        }
        assertEquals(List.of(10L, 20L, 30L, 60L, 80L, 90L), due);
    }

    /** Zero means again at once, but what else is due comes first. */
    @Test
    @Proves("execution.md 5.4")
    void anIntervalOfZeroLetsOthersThrough() {
        endAtOnce = false;
        begin();
        insert(1, new Interval(0));
        insert(2, new Time(NOW));
        List<Long> ids = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            DueCall call = fired.removeFirst();
            ids.add(call.rowId());
            if (call.rowId() == 1) {
                scheduler.repeat(call, new Interval(0));
            }
            if (i == 2) {
                insert(3, new Time(NOW - 1));
            }
            running.removeFirst().run();
        }
        assertEquals(List.of(1L, 2L, 1L, 3L), ids);
        assertEquals(call(1, NOW), fired.getFirst());
    }

    @Test
    void aSynchronousCallOfIntervalZeroDoesNotNest() {
        int[] calls = {0};
        Scheduler[] self = new Scheduler[1];
        self[0] = new Scheduler("test", timer, (call, ended) -> {
            if (++calls[0] < 200_000) {
                self[0].repeat(call, new Interval(0));
            }
            ended.run();
        });
        self[0].restart(List.of());
        rows.tx.begin();
        rows.insert(jobs, 1, new Interval(0));
        self[0].committed(rows.commit(), NOW);
        assertEquals(200_000, calls[0]);
    }

    @Test
    @Proves("execution.md 5.3")
    void aRowThatWasArmedDuringItsCallKeepsTheNewTime() {
        endAtOnce = false;
        begin();
        insert(1, new Interval(10));
        timer.advance(10);
        DueCall call = fired.removeFirst();
        change(timer.nowMicros(), () -> rows.update(jobs, 1, new Interval(500)));
        scheduler.repeatUnlessArmed(call, new Interval(10));
        running.removeFirst().run();
        timer.advance(499);
        assertEquals(List.of(), fired);
        timer.advance(1);
        assertEquals(List.of(call(1, NOW + 510)), fired);
        scheduler.repeatUnlessArmed(fired.removeFirst(), new Interval(10));
        running.removeFirst().run();
        timer.advance(10);
        assertEquals(List.of(call(1, NOW + 520)), fired);
    }

    @Test
    @Proves("execution.md 2.3")
    void theTimestampIsNeverBeforeTheDueTime() {
        begin();
        assertEquals(NOW, scheduler.start(call(1, NOW - 5)));
        assertEquals(NOW + 5, scheduler.start(call(1, NOW + 5)));
    }

    @Test
    @Proves("execution.md 5.5")
    void warnsOfLateCallsButNotOfEveryOne() {
        Logger logger = Logger.getLogger(Scheduler.class.getName());
        List<String> lines = new ArrayList<>();
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord record) {
                // The logger is everybody's.
                if (record.getMessage().startsWith("database test:")) {
                    lines.add(record.getMessage());
                }
            }

            @Override
            public void flush() {
                // Nothing is kept back.
            }

            @Override
            public void close() {
                // Nothing is open.
            }
        };
        Level level = logger.getLevel();
        logger.setLevel(Level.WARNING);
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
        try {
            scheduler.start(call(1, NOW - 30_000));
            assertEquals(List.of(), lines);
            scheduler.start(call(1, NOW - 31_000));
            assertEquals(1, lines.size());
            assertTrue(lines.getFirst().contains("31 ms late"), lines::toString);
            scheduler.start(call(1, NOW - 40_000));
            scheduler.start(call(1, Long.MIN_VALUE));
            assertEquals(1, lines.size());
            timer.advance(SECOND);
            scheduler.start(call(-1, NOW));
            assertEquals(2, lines.size());
            assertTrue(lines.getLast().contains("1000 ms late") && lines.getLast().contains("row 18446744073709551615")
                    && lines.getLast().contains("3 late calls"), lines::toString);
        } finally {
            logger.removeHandler(handler);
            logger.setLevel(level);
            logger.setUseParentHandlers(true);
        }
    }

    @Test
    void looksAtTheClockNowAndThenBecauseItMayBeSet() {
        begin();
        insert(1, new Time(NOW + 3600 * SECOND));
        timer.set(NOW + 3600 * SECOND);
        timer.advance(Scheduler.SLEEP_MICROS_MAX);
        assertEquals(List.of(call(1, NOW + 3600 * SECOND)), fired);
        insert(2, new Time(timer.nowMicros() + SECOND));
        timer.set(NOW);
        timer.advance(10 * SECOND);
        assertEquals(1, fired.size(), "the clock went back: not due yet");
    }

    @Test
    void intervalsGoOnWhenTheClockIsSetBackOrForward() {
        begin();
        insert(1, new Interval(60 * SECOND));
        insert(2, new Time(NOW + 5 * SECOND));
        timer.set(NOW - 3600 * SECOND);
        timer.advance(Scheduler.SLEEP_MICROS_MAX);
        timer.advance(60 * SECOND);
        assertEquals(List.of(1L), fired.stream().map(DueCall::rowId).toList(), "an interval after the clock was found set back");
        scheduler.repeat(fired.getFirst(), new Interval(60 * SECOND));
        timer.set(NOW + 365L * 24 * 3600 * SECOND);
        timer.advance(Scheduler.SLEEP_MICROS_MAX);
        assertEquals(List.of(1L, 1L, 2L), fired.stream().map(DueCall::rowId).toList(), "what was missed is called once");
    }

    @Test
    @Proves("execution.md 5.5")
    void nothingFiresOnceClosed() {
        begin();
        insert(1, new Time(NOW + 10));
        scheduler.close();
        timer.advance(100);
        scheduler.repeat(call(1, NOW), new Interval(1));
        timer.advance(100);
        assertEquals(List.of(), fired);
        assertEquals(0, timer.pending());
    }

    @Test
    @Proves("execution.md 7")
    void rowsOfEventTablesAreGoneBeforeTheyCouldFire() {
        TableSchema events = rows.create("events", true, TableRole.EVENT);
        begin();
        change(NOW, () -> rows.insert(events, 1, new Time(NOW)));
        assertEquals(List.of(), fired);
        assertEquals(0, scheduler.waiting());
    }

    @Test
    @Proves("execution.md 5.2")
    void findsARowByItsId() {
        rows.tx.begin();
        rows.insert(jobs, 5, new Time(17));
        rows.insert(jobs, -6, new Interval(-18));
        ScheduleRow.Found found = ScheduleRow.find(rows.tx, rows.table(jobs), 5).orElseThrow();
        assertEquals(new Time(17), found.at());
        assertArrayEquals(TimerRows.row(5, new Time(17)), found.bytes());
        rows.commit();
        assertEquals(
                new Interval(-18), ScheduleRow.find(rows.committed.writerView(), rows.table(jobs), -6).orElseThrow().at());
        assertTrue(ScheduleRow.find(rows.committed.writerView(), rows.table(jobs), 6).isEmpty());
    }

    /** The row is part of the transaction all the same; the bindings of modules panic. */
    @Test
    @Proves("execution.md 5.1")
    @Proves("module-abi.md 5.6")
    void modulesCannotScheduleBeyondTheHorizon() {
        TableSchema plain = rows.create("plain", false, TableRole.STORED);
        rows.tx.begin();
        rows.insert(jobs, 100, new Interval(Long.MAX_VALUE));
        rows.insert(jobs, 101, new Time(Long.MAX_VALUE));
        rows.tx.calledAt(NOW);
        for (ScheduleAt near : List.of(new Interval(HORIZON - 1), new Interval(1 - HORIZON), new Time(NOW + HORIZON - 1),
                new Time(Long.MIN_VALUE), new Time(NOW - HORIZON))) {
            rows.insert(jobs, 1, near);
            rows.delete(jobs, 1);
        }
        long id = 2;
        for (ScheduleAt far : List.of(new Interval(HORIZON), new Interval(-HORIZON), new Interval(Long.MIN_VALUE),
                new Interval(Long.MAX_VALUE), new Time(NOW + HORIZON), new Time(Long.MAX_VALUE))) {
            long row = id++;
            assertTooLong(() -> rows.insert(jobs, row, far));
            assertTrue(ScheduleRow.find(rows.tx, rows.table(jobs), row).isPresent());
            rows.update(jobs, row, new Time(NOW));
            assertTooLong(() -> rows.update(jobs, row, far));
            rows.insert(plain, row, far);
        }
        rows.tx.rollback();
        rows.tx.begin();
        rows.insert(jobs, 1, new Interval(HORIZON));
        rows.tx.rollback();
    }

    private static void assertTooLong(Runnable work) {
        EngineException e = assertThrows(EngineException.class, work::run);
        assertEquals(ErrorCode.SCHEDULE_AT_DELAY_TOO_LONG, e.code());
        assertEquals("Specified delay in scheduling row was too long", e.getMessage());
    }
}
