package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.Timers.SECOND;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Rows that are armed, moved, taken away, called, restarted and swapped at random on a clock of the test: what the real
 * database calls when, and which rows it keeps, against a list that is searched from end to end.
 */
@Proves("execution.md 5")
@Proves("execution.md 5.1")
@Proves("execution.md 5.2")
@Proves("execution.md 5.4")
class ScheduleModelTest {

    private static final List<String> ACTIONS = List.of("", "", "", "fail", "panic", "delete", "once", "every second");

    @TempDir
    private Path data;

    @Test
    void callsAreThoseOfTheModel() {
        int[] run = {0};
        Seeds.repeat(2, random -> new History(directory(run[0]++), random).steps(60));
    }

    private Path directory(int run) {
        try {
            return Files.createDirectories(data.resolve("run" + run));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A row as the model has it. */
    private static final class Row {

        private final String text;
        private final String action;
        private boolean interval;
        private long micros;
        private long due;

        Row(String text, String action) {
            this.text = text;
            this.action = action;
        }

        void arm(boolean isInterval, long newMicros, long base) {
            interval = isInterval;
            micros = newMicros;
            due = isInterval ? base + Math.abs(micros) : micros;
        }

        String shown() {
            return text + (interval ? " every " : " at ") + micros;
        }
    }

    private static final class History {

        private final Path data;
        private final Random random;
        private final ManualTimer timer = Timers.now();
        private final TapeLogs logs = new TapeLogs();
        private final Map<String, Row> rows = new TreeMap<>();
        private final List<String> called = new ArrayList<>();
        private Timers real;
        private boolean commented;
        /** Up to where the model has come. */
        private long now = timer.nowMicros();
        private int names;

        History(Path data, Random random) {
            this.data = data;
            this.random = random;
        }

        void steps(int count) {
            real = new Timers(data, logs, timer);
            try {
                real.test.commit(real.database, "disarm_all", "[]");
                for (int i = 0; i < count; i++) {
                    step();
                    check();
                }
            } finally {
                real.close();
            }
        }

        private void check() {
            assertEquals(
                    rows.values().stream().map(Row::shown).sorted().toList(),
                    real.jobs().stream()
                            .map(j -> j.text() + (j.interval() ? " every " : " at ") + j.micros()).sorted().toList());
            assertEquals(
                    called.stream().sorted().toList(),
                    real.runs().stream().filter(r -> !r.text().contains("init")).map(r -> r.text() + " " + r.at())
                            .sorted().toList());
        }

        private void step() {
            switch (random.nextInt(12)) {
                case 0, 1, 2 -> arm();
                case 3 -> rearm();
                case 4 -> disarm();
                case 5 -> assertInstanceOf(CallResult.Failed.class,
                        real.test.call(real.database, "arm_and_fail", "[" + at(random.nextBoolean(), someMicros()) + "]"));
                case 6 -> bySql();
                case 7 -> restart();
                case 8 -> swap();
                default -> pass(random.nextLong(20 * SECOND));
            }
            real.settle();
            callDue(timer.nowMicros());
        }

        private static String at(boolean interval, long micros) {
            return interval ? Timers.interval(micros) : Timers.time(micros);
        }

        /** For an interval. */
        private long someMicros() {
            return (random.nextBoolean() ? 1 : -1) * (SECOND / 2 + random.nextLong(15 * SECOND));
        }

        private long micros(boolean interval) {
            return interval ? someMicros() : timer.nowMicros() + random.nextLong(20 * SECOND) - 3 * SECOND;
        }

        private void arm() {
            if (rows.size() > 12) {
                return;
            }
            boolean interval = random.nextInt(3) == 0;
            Row row = new Row("job " + names++, ACTIONS.get(random.nextInt(ACTIONS.size())));
            row.arm(interval, micros(interval), timer.nowMicros());
            rows.put(row.text, row);
            real.arm(at(interval, row.micros), row.action, row.text);
        }

        private Row anyRow() {
            return rows.isEmpty() ? null : new ArrayList<>(rows.values()).get(random.nextInt(rows.size()));
        }

        private void rearm() {
            Row row = anyRow();
            if (row != null) {
                boolean interval = random.nextInt(3) == 0;
                row.arm(interval, micros(interval), timer.nowMicros());
                real.test.commit(
                        real.database, "rearm", "[" + real.job(row.text).id() + "," + at(interval, row.micros) + "]");
            }
        }

        private void disarm() {
            Row row = anyRow();
            if (row != null) {
                rows.remove(row.text);
                real.test.commit(real.database, "disarm", "[" + real.job(row.text).id() + "]");
            }
        }

        private void bySql() {
            Row row = anyRow();
            if (row == null) {
                return;
            }
            rows.remove(row.text);
            if (random.nextBoolean()) {
                real.database.sql(real.owner(), "DELETE FROM job WHERE text = '" + row.text + "'");
                return;
            }
            Row renamed = new Row("job " + names++, row.action);
            renamed.arm(row.interval, row.micros, timer.nowMicros());
            rows.put(renamed.text, renamed);
            real.database.sql(
                    real.owner(), "UPDATE job SET text = '" + renamed.text + "' WHERE text = '" + row.text + "'");
        }

        private void restart() {
            real.close();
            timer.advance(random.nextLong(10 * SECOND));
            real = new Timers(data, logs, timer);
            rearmAll();
        }

        private void swap() {
            // Alternately, because the same program again is no change.
            commented = !commented;
            byte[] program = commented ? ScheduledCallsTest.withComment(Timers.MODULE) : Timers.MODULE;
            Server server = real.test.server;
            server.publish(new PublishRequest(Optional.of("timers"), real.database.owner(), program, false));
            rearmAll();
        }

        private void rearmAll() {
            now = timer.nowMicros();
            rows.values().forEach(r -> r.arm(r.interval, r.micros, now));
        }

        private void pass(long micros) {
            long end = timer.nowMicros() + micros;
            real.pass(micros);
            callDue(end);
        }

        /** What the model calls until then. */
        private void callDue(long end) {
            Row next = first();
            while (next != null && next.due <= end) {
                now = Math.max(now, next.due);
                call(next);
                next = first();
            }
            now = end;
        }

        private Row first() {
            return rows.values().stream().min(Comparator.comparingLong(r -> r.due)).orElse(null);
        }

        private void call(Row row) {
            boolean commits = !row.action.equals("fail") && !row.action.equals("panic");
            if (commits) {
                called.add(row.text + " " + now);
            }
            if (row.action.equals("delete") || row.action.equals("once") || !row.interval && !row.action.equals("every second")) {
                rows.remove(row.text);
                return;
            }
            if (commits && row.action.equals("every second")) {
                row.interval = true;
                row.micros = SECOND;
            }
            long length = Math.abs(row.micros);
            long due = row.due;
            do {
                due += length;
            } while (due <= now);
            row.due = due;
        }
    }
}
