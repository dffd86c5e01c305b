package dev.geodesic.it.ws;

import static dev.geodesic.it.ws.Features.awaitTicks;
import static dev.geodesic.it.ws.Features.logged;
import static dev.geodesic.it.ws.Features.nextRows;
import static dev.geodesic.it.ws.Features.ok;
import static dev.geodesic.it.ws.Features.pause;
import static dev.geodesic.it.ws.Features.refused;
import static dev.geodesic.it.ws.Features.ticks;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.testkit.Proves;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Schedules of the feature modules: spec/execution.md 5. */
interface ScheduleTests {

    /** Rows of a timer in the table, two views over it, a join with it and a view of such a join. */
    private static List<String> everywhere(char sign, String label, String how) {
        String row = sign + "[\"" + label + "\",\"" + how + "\"]";
        return Stream.of("tags_of_timers" + sign + "[\"" + label + "\"]", "timer" + row, "timer" + row, "timers_all" + row,
                "timers_watched" + row).toList();
    }

    /** One update when it comes, one when it goes, each with all that depends on the row. */
    @Test
    @Proves("execution.md 5.2")
    @Proves("execution.md 6.3")
    default void rowsOfReducersComeAndGoInOneUpdateEach() {
        for (Subprotocol subprotocol : List.of(Subprotocol.V2, Subprotocol.V3)) {
            try (TestDatabase db = Features.publish()) {
                WsClient watcher = db.open(subprotocol);
                watcher.subscribe(1, 1, "SELECT * FROM timer");
                watcher.subscribe(2, 2, "SELECT * FROM timers_watched", "SELECT * FROM timers_all");
                watcher.subscribe(3, 3, "SELECT timer.* FROM timer JOIN timer_tag ON timer.scheduled_id = timer_tag.timer "
                        + "WHERE timer_tag.tag = 'watched'");
                watcher.subscribe(4, 4, "SELECT * FROM tags_of_timers");
                for (int i = 1; i <= 4; i++) {
                    assertEquals("applied " + i + "/" + i + " {}", watcher.next());
                }
                for (String how : List.of("", "error", "panic")) {
                    ok(db, "start_timer", "watched", how, 200_000L, false);
                    assertEquals(everywhere('+', "watched", how), nextRows(watcher), subprotocol + " " + how);
                    assertEquals(everywhere('-', "watched", how), nextRows(watcher), subprotocol + " " + how);
                }
                watcher.silent();
                assertEquals(1, ticks(db, "watched"), "the runs that failed left nothing");
                assertEquals(1, logged(db, "timer watched fails"));
                assertEquals(1, logged(db, "timer watched panics"));
            }
        }
    }

    /** The row of a procedure goes before the procedure runs. */
    @Test
    @Proves("execution.md 5.3")
    default void rowsOfProceduresComeAndGoInOneUpdateEach() {
        try (TestDatabase db = Features.publish()) {
            WsClient watcher = db.open(Subprotocol.V2);
            watcher.subscribe(1, 1, "SELECT * FROM task");
            watcher.subscribe(2, 2, "SELECT * FROM tasks_all");
            watcher.subscribe(3, 3, "SELECT task.* FROM task JOIN timer_tag ON task.label = timer_tag.tag");
            watcher.subscribe(4, 4, "SELECT * FROM tick");
            for (int i = 1; i <= 4; i++) {
                assertEquals("applied " + i + "/" + i + " {}", watcher.next());
            }
            for (String how : List.of("", "panic")) {
                String row = "[\"once" + how + "\",\"" + how + "\"]";
                ok(db, "start_task", "once" + how, how, 200_000L, false);
                assertEquals(List.of("task+" + row, "task+" + row, "tasks_all+" + row), nextRows(watcher), how);
                assertEquals(List.of("task-" + row, "task-" + row, "tasks_all-" + row), nextRows(watcher), how);
                assertEquals(List.of("tick+[\"once" + how + "\",true,false]"), nextRows(watcher), how);
            }
            watcher.silent();
            assertEquals(List.of("[0]", "[0]"), db.sql("SELECT timer FROM tick"), "rows found by the procedures");
            assertEquals(1, logged(db, "task oncepanic panics"));
        }
    }

    /** The oldest client library sees the same. */
    @Test
    @Proves("execution.md 5.2")
    default void version1SeesRowsComeAndGo() {
        for (Subprotocol subprotocol : List.of(Subprotocol.V1_BSATN, Subprotocol.V1_JSON)) {
            try (TestDatabase db = Features.publish("1.12")) {
                WsClient watcher = db.open(subprotocol, "light=true");
                watcher.subscribe(1, 1, "SELECT * FROM timer", "SELECT * FROM timers_watched");
                assertEquals("applied 1/1 {}", watcher.next());
                for (String how : List.of("", "error")) {
                    String row = "[\"watched\",\"" + how + "\"]";
                    ok(db, "start_timer", "watched", how, 200_000L, false);
                    assertEquals(List.of("timer+" + row, "timers_watched+" + row), nextRows(watcher), subprotocol + how);
                    assertEquals(List.of("timer-" + row, "timers_watched-" + row), nextRows(watcher), subprotocol + how);
                }
            }
        }
    }

    @Test
    @Proves("execution.md 2.3")
    @Proves("execution.md 5.1")
    @Proves("module-abi.md 7")
    default void everyCrateSchedules() {
        for (String crate : Features.CRATES) {
            try (TestDatabase db = Features.publish(crate)) {
                ok(db, "start_timer", "once", "", 100_000L, false);
                ok(db, "start_timer", "at once", "", -5_000_000L, false);
                ok(db, "start_timer", "often", "3", 30_000L, true);
                ok(db, "start_timer", "backwards", "2", -30_000L, true);
                awaitTicks(db, "once", 1);
                awaitTicks(db, "at once", 1);
                awaitTicks(db, "often", 3);
                awaitTicks(db, "backwards", 2);
                Features.await("rows", 0, () -> db.sql("SELECT * FROM timer").size());
                assertEquals(List.of("[true,false]"),
                        db.sql("SELECT by_database, has_connection FROM tick").stream().distinct().toList(), crate);
            } catch (AssertionError e) {
                throw new AssertionError(crate + ": " + e.getMessage(), e);
            }
        }
    }

    /** By a new row: works. By its own row: gone after the run, as the row that was due is. */
    @Test
    @Proves("execution.md 5.2")
    @Proves("execution.md 5.4")
    default void runsThatChangeTheirRow() {
        try (TestDatabase db = Features.publish()) {
            ok(db, "start_timer", "one", "insert", 10_000L, false);
            awaitTicks(db, "one again", 1);
            ok(db, "start_timer", "two", "postpone", 10_000L, false);
            ok(db, "start_timer", "three", "delete", 10_000L, false);
            ok(db, "start_timer", "four", "repeat", 10_000L, false);
            ok(db, "start_timer", "five", "slower", 10_000L, true);
            awaitTicks(db, "four", 3);
            awaitTicks(db, "five", 1);
            pause(200);
            assertEquals(List.of(1, 1, 1, 3, 1),
                    Stream.of("one", "two", "three", "four", "five").map(label -> ticks(db, label)).toList());
            assertEquals(List.of("[\"five\"]"), db.sql("SELECT label FROM timer"), "only the slow one is left");
        }
    }

    @Test
    @Proves("execution.md 5.1")
    default void rowsThatMoveOrGoInTime() {
        try (TestDatabase db = Features.publish()) {
            ok(db, "start_timer", "stopped", "", 300_000L, false);
            ok(db, "stop_timers", "stopped");
            ok(db, "start_timer", "sql", "", 300_000L, false);
            db.sql("DELETE FROM timer WHERE label = 'sql'");
            ok(db, "start_timer", "earlier", "", 600_000_000L, false);
            ok(db, "move_timers", "earlier", 50_000L, false);
            ok(db, "start_timer", "later", "", 200_000L, false);
            ok(db, "move_timers", "later", 600_000_000L, false);
            assertTrue(refused(db, "start_timer_and_fail", "rolled back", 100_000L).contains("armed in vain"));
            awaitTicks(db, "earlier", 1);
            pause(500);
            assertEquals(1, db.sql("SELECT * FROM tick").size());
            assertEquals(List.of("[\"later\"]"), db.sql("SELECT label FROM timer"));
        }
    }

    @Test
    @Proves("execution.md 5.1")
    @Proves("execution.md 11")
    @Proves("module-abi.md 5.6")
    default void farAwayIsRefused() {
        try (TestDatabase db = Features.publish()) {
            long most = 68_719_476_735_000L;
            assertEquals("530 " + Features.FATAL, refused(db, "start_timer", "far", "", most + 60_000_000, false));
            ok(db, "start_timer", "near", "", most - 60_000_000, false);
            assertEquals(List.of("[\"near\"]"), db.sql("SELECT label FROM timer"));
            assertEquals(1, logged(db, "\"Panic\""));
        }
    }

    /** As soon as possible, on its own, whatever becomes of the call that asked for it. */
    @Test
    @Proves("module-abi.md 5.8")
    default void immediateCalls() {
        for (String crate : Features.CRATES) {
            try (TestDatabase db = Features.publish(crate)) {
                ok(db, "tick_soon", "asked", false);
                assertTrue(refused(db, "tick_soon", "failed", true).contains("it runs all the same"));
                awaitTicks(db, "asked", 1);
                awaitTicks(db, "failed", 1);
                assertEquals(0, ticks(db, "failed was asked for"), crate);
                assertEquals(List.of("[true,false]"),
                        db.sql("SELECT by_database, has_connection FROM tick WHERE label = 'failed'"), crate);
            }
        }
    }

    /** Rows on disk are what counts when a module takes the place of another. */
    @Test
    @Proves("execution.md 8.3")
    @Proves("execution.md 5.1")
    default void schedulesGoOnInTheNextModule() throws Exception {
        try (TestDatabase db = Features.publish("2.8")) {
            ok(db, "start_timer", "late", "", 1_500_000L, false);
            ok(db, "start_timer", "often", "", 100_000L, true);
            awaitTicks(db, "often", 1);
            Http.ok("PUT", "database/" + db.name, db.owner.token(), Files.readAllBytes(Features.module("2.8")));
            int before = ticks(db, "often");
            awaitTicks(db, "late", 1);
            Features.await("more ticks", true, () -> ticks(db, "often") > before + 2);
            assertEquals(1, ticks(db, "late"));
        }
    }

    /** Missed ticks are skipped and not made up for. */
    @Test
    @Proves("execution.md 5.4")
    @Proves("execution.md 5.5")
    default void missedTicksAreSkipped() {
        try (TestDatabase db = Features.publish()) {
            ok(db, "start_timer", "beat", "6", 100_000L, true);
            ok(db, "start_task", "slow", "sleep", 150_000L, false);
            awaitTicks(db, "beat", 6);
            List<Long> at = db.sql("SELECT at FROM tick WHERE label = 'beat'").stream()
                    .map(row -> Long.parseLong(row.replaceAll("\\D", ""))).sorted().toList();
            // The procedure sleeps 500 ms, which the scheduler waits for.
            assertTrue(at.getLast() - at.getFirst() >= 810_000, "ticks were made up for: " + at);
        }
    }
}
