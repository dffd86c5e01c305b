package dev.geodesic.it.ws;

import static dev.geodesic.it.ws.Features.call;
import static dev.geodesic.it.ws.Features.ok;
import static dev.geodesic.it.ws.Features.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.testkit.Proves;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Modules that misbehave: their call fails, the database goes on, its neighbours do not notice. */
interface ContainmentTests {

    @Test
    @Proves("module-abi.md 6")
    @Proves("execution.md 2.2")
    @Proves("module-abi.md 7")
    default void callsThatFail() {
        for (String crate : Features.CRATES) {
            try (TestDatabase db = Features.publish(crate)) {
                WsClient watcher = db.open(Subprotocol.V2);
                watcher.subscribe(1, 1, "SELECT * FROM pile");
                assertEquals("applied 1/1 {}", watcher.next());
                for (String how : List.of("panic", "trap", "recursion", "duplicate")) {
                    assertEquals("530 " + Features.FATAL, refused(db, "misbehave", how), crate + " " + how);
                }
                assertTrue(refused(db, "misbehave", "error").startsWith("530 told to fail"), crate);
                // A new instance each time: globals do not survive, data do.
                ok(db, "count_calls", "a");
                ok(db, "count_calls", "b");
                assertEquals("530 " + Features.FATAL, refused(db, "misbehave", "trap"));
                ok(db, "count_calls", "c");
                assertEquals(List.of("[\"a\",1]", "[\"b\",2]", "[\"c\",1]"),
                        db.sql("SELECT label, timer FROM tick").stream().sorted().toList(), crate);
                watcher.silent();
                assertEquals(List.of(), db.sql("SELECT * FROM pile"));
            } catch (AssertionError e) {
                throw new AssertionError(crate + ": " + e.getMessage(), e);
            }
        }
    }

    /** Imports, called directly: every errno, and pointers that lead nowhere. */
    @Test
    @Proves("module-abi.md 4")
    @Proves("module-abi.md 5.1")
    @Proves("module-abi.md 5.3")
    @Proves("module-abi.md 5.4")
    @Proves("module-abi.md 5.5")
    @Proves("module-abi.md 5.6")
    @Proves("module-abi.md 5.7")
    @Proves("module-abi.md 5.8")
    @Proves("module-abi.md 5.10")
    @Proves("module-abi.md 7")
    default void importsDoWhatTheyShould() {
        for (String crate : Features.CRATES) {
            try (TestDatabase db = Features.publish(crate)) {
                ok(db, "check_abi");
                ok(db, "check_abi");
                assertEquals(2, Features.logged(db, "said directly\""), crate);
                assertEquals(2, Features.logged(db, "Timing span \\\"said directly\\\": "), crate);
                for (String how : List.of("null", "out of bounds", "long", "utf8", "bad out", "many elements")) {
                    assertEquals("530 " + Features.FATAL, refused(db, "trap_by_import", how), crate + " " + how);
                }
                ok(db, "check_abi");
            } catch (AssertionError e) {
                throw new AssertionError(crate + ": " + e.getMessage(), e);
            }
        }
    }

    /** Much of everything, within what is allowed: succeeds, and neighbours go on meanwhile. */
    @Test
    @Timeout(120)
    @Proves("execution.md 11")
    default void muchOfEverything() {
        try (TestDatabase db = Features.publish(); TestDatabase neighbour = Features.publish()) {
            for (String how : List.of("log flood", "long line", "open iterators", "giant row", "many rows")) {
                CompletableFuture<HttpResponse<String>> done =
                        CompletableFuture.supplyAsync(() -> call(db, db.owner, "misbehave", how));
                int calls = 0;
                while (!done.isDone()) {
                    ok(neighbour, "spin", 1L);
                    calls++;
                }
                HttpResponse<String> answer = done.join();
                assertTrue(answer.statusCode() == 200 || answer.statusCode() == 530, how + ": " + answer.statusCode());
                assertTrue(calls > 0, how);
                // Whatever became of it, the database works.
                ok(db, "clear_pile");
                ok(db, "count_calls", how);
            }
        }
    }

    /** Memory and time come to an end, for a call as for a schedule, and the neighbour does not notice. */
    @Test
    @Timeout(240)
    @Proves("module-abi.md 6")
    @Proves("execution.md 5.2")
    default void memoryAndTimeEnd() {
        try (TestDatabase db = Features.publish(); TestDatabase neighbour = Features.publish()) {
            assertEquals("530 " + Features.FATAL, refused(db, "misbehave", "memory"));
            WsClient client = db.open(Subprotocol.V2);
            client.subscribe(1, 1, "SELECT * FROM timer");
            ok(db, "start_timer", "spins", "spin", 500_000L, false);
            long slowest = 0;
            String message = null;
            while (message == null || !message.contains("timer-")) {
                long start = System.nanoTime();
                ok(neighbour, "spin", 1L);
                slowest = Math.max(slowest, System.nanoTime() - start);
                message = client.nextOrNull(200);
            }
            assertTrue(slowest < 5_000_000_000L, "a neighbour waited " + slowest / 1_000_000 + " ms");
            ok(db, "count_calls", "again");
            assertEquals(0, Features.ticks(db, "spins"), "rolled back");
            assertEquals(List.of(), db.sql("SELECT * FROM timer"), "a one-shot row goes even if its run never ends by itself");
        }
    }
}
