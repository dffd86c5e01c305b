package dev.geodesic.it.ws;

import static dev.geodesic.it.ws.Features.logged;
import static dev.geodesic.it.ws.Features.ok;
import static dev.geodesic.it.ws.Features.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** One module at several points of its life ({@code samples/modules/evolve}): spec/module-def.md 8, 9, spec/execution.md 8.3. */
interface RepublishTests {

    private static Path point(String name) {
        return Path.of("../samples/modules/evolve/evolve_" + name + ".wasm");
    }

    private static HttpResponse<String> send(TestDatabase db, String method, String path, String point) {
        try {
            return Http.send(method, "database/" + db.name + path, db.owner.token(), Files.readAllBytes(point(point)));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String publish(TestDatabase db, String point, String query) {
        HttpResponse<String> answer = send(db, "PUT", query, point);
        return answer.statusCode() == 200 ? "200 " + Http.string(answer.body(), "Success", "op")
                : answer.statusCode() + " " + answer.body();
    }

    private static String which(TestDatabase db) {
        return refused(db, "which").replaceFirst("^530 ", "");
    }

    /** Two rows, a client that sees them and the view, and a schedule. */
    private static WsClient start(TestDatabase db) {
        ok(db, "add", "a");
        ok(db, "add", "b");
        WsClient client = db.open(Subprotocol.V2);
        client.subscribe(1, 1, "SELECT * FROM thing", "SELECT * FROM how_many");
        assertEquals(3, Features.rows(client.next()).size());
        return client;
    }

    private static void assertUnchanged(TestDatabase db, WsClient client) {
        assertEquals("first", which(db));
        client.silent();
        assertEquals(List.of("[1,\"a\"]", "[2,\"b\"]"), db.sql("SELECT * FROM thing").stream().sorted().toList());
        assertEquals(List.of("[2]"), db.sql("SELECT * FROM how_many"));
        client.call(5, "add", "c");
        assertTrue(client.next().startsWith("result 5 ok 1{"));
    }

    @Test
    @Proves("module-def.md 8")
    @Proves("module-def.md 8.2")
    @Proves("execution.md 8.3")
    @Proves("execution.md 6.2")
    default void compatibleUpdatesKeepClientsAndData() {
        try (TestDatabase db = TestDatabase.publish(point("first"))) {
            WsClient client = start(db);
            String plan = send(db, "POST", "/pre_publish?style=NoColor", "more").body();
            assertTrue(plan.contains("\"break_clients\":false") && plan.contains("Created user table: tag (public)"), plan);
            assertEquals("200 updated", publish(db, "more", ""));
            assertEquals("more", which(db));
            // The view of the new module has run for who was there.
            assertEquals(List.of("how_many+[20]", "how_many-[2]"), Features.nextRows(client));
            client.subscribe(2, 2, "SELECT * FROM tag");
            assertEquals("applied 2/2 {}", client.next());
            client.call(3, "add_tag", "x");
            assertTrue(client.next().startsWith("result 3 ok 2{tag+"));
            ok(db, "add", "c");
            assertEquals(3, Features.nextRows(client).size());
            assertEquals(List.of("[1]", "[2]", "[3]"), db.sql("SELECT id FROM thing").stream().sorted().toList());
            assertEquals(List.of("[2]"), db.sql("SELECT id FROM thing WHERE name = 'b'"));
            // And back again, where that is possible: the table must be empty.
            String refusal = publish(db, "first", "?policy=BreakClients&token=" + token(db, "first"));
            assertTrue(refusal.startsWith("400 ") && refusal.contains("Cannot remove table `tag`: table contains data"), refusal);
            db.sql("DELETE FROM tag WHERE text = 'x'");
            assertEquals("200 updated", publish(db, "first", "?policy=BreakClients&token=" + token(db, "first")));
            assertEquals("first", which(db));
        }
    }

    private static String token(TestDatabase db, String point) {
        return Http.string(send(db, "POST", "/pre_publish?style=NoColor", point).body(), "AutoMigrate", "token");
    }

    @Test
    @Proves("module-def.md 8")
    @Proves("module-def.md 9")
    @Proves("module-def.md 9.1")
    @Proves("http-api.md 6.2")
    default void breakingUpdatesNeedConsentAndEndConnections() {
        try (TestDatabase db = TestDatabase.publish(point("first"))) {
            WsClient client = start(db);
            String plan = send(db, "POST", "/pre_publish?style=NoColor", "grown").body();
            assertTrue(plan.contains("\"break_clients\":true") && plan.contains("Created column in table thing"), plan);
            assertEquals("400 Failed to create or update the database: Migration plan contains a client-breaking change which is "
                    + "disallowed under current policy", publish(db, "grown", ""));
            assertEquals("400 Migration policy is set to `BreakClients`, but no migration token was provided.",
                    publish(db, "grown", "?policy=BreakClients"));
            assertEquals("400 Failed to create or update the database: Token provided is invalid or does not match expected hash",
                    publish(db, "grown", "?policy=BreakClients&token=0x1234"));
            assertUnchanged(db, client);
            assertEquals("200 updated", publish(db, "grown", "?policy=BreakClients&token=" + token(db, "grown")));
            String end = client.end();
            assertTrue(end.startsWith("1001 ") || end.equals("dropped"), end);
            db.awaitConnections(0);
            assertEquals("grown", which(db));
            ok(db, "add", "d");
            assertEquals(List.of("[1,\"a\",5]", "[2,\"b\",5]", "[3,\"c\",5]", "[4,\"d\",1]"),
                    db.sql("SELECT * FROM thing").stream().sorted().toList());
            db.open(Subprotocol.V2).subscribe(1, 1, "SELECT * FROM thing WHERE stars = 5");
        }
    }

    @Test
    @Proves("module-def.md 8")
    @Proves("module-def.md 8.1")
    @Proves("module-def.md 8.2")
    @Proves("module-def.md 9")
    default void whatCannotBeIsRefusedAndChangesNothing() {
        try (TestDatabase db = TestDatabase.publish(point("first"))) {
            WsClient client = start(db);
            String reason = send(db, "POST", "/pre_publish?style=NoColor", "retyped").body();
            String text = "Changing the type of column name in table thing from String to U64 requires a manual migration";
            assertTrue(reason.contains("ManualMigrate") && reason.contains(text), reason);
            String refusal = publish(db, "retyped", "");
            assertTrue(refusal.startsWith("400 Database update rejected: Errors occurred:") && refusal.contains(text), refusal);
            assertUnchanged(db, client);
        }
        // Refused by the data.
        try (TestDatabase db = TestDatabase.publish(point("first"))) {
            ok(db, "add", "same");
            ok(db, "add", "same");
            String refusal = publish(db, "unique", "");
            assertTrue(refusal.startsWith("400 ") && refusal.contains("Unique constraint violation"), refusal);
            assertEquals("first", which(db));
            db.sql("DELETE FROM thing WHERE id = 2");
            assertEquals("200 updated", publish(db, "unique", ""));
            assertEquals("530 " + Features.FATAL, refused(db, "add", "same"));
        }
    }

    /** What fails in the middle of it is undone: here the view of the new module, for a client that watches it. */
    @Test
    @Proves("execution.md 6.4")
    @Proves("execution.md 8.3")
    default void anUpdateThatFailsHalfWayIsUndone() {
        try (TestDatabase db = TestDatabase.publish(point("first"))) {
            WsClient client = start(db);
            String refusal = publish(db, "falling", "");
            assertTrue(refusal.startsWith("400 ") || refusal.startsWith("500 "), refusal);
            assertUnchanged(db, client);
        }
    }

    @Test
    @Proves("module-def.md 9")
    @Proves("module-def.md 7")
    @Proves("execution.md 3.1")
    default void clearingBeginsAgain() {
        try (TestDatabase db = TestDatabase.publish(point("first"))) {
            WsClient client = start(db);
            // What cannot be created leaves the old database as it is.
            String refusal = publish(db, "stillborn", "?clear=true");
            assertTrue(!refusal.startsWith("200") && refusal.contains("not born"), refusal);
            assertUnchanged(db, client);
            assertTrue(publish(db, "retyped", "?clear=true").startsWith("200 "));
            assertEquals("1001 module exited", client.end());
            assertEquals("retyped", which(db));
            assertEquals(List.of(), db.sql("SELECT * FROM thing"));
            ok(db, "add", "four");
            assertEquals(List.of("[1,4]"), db.sql("SELECT * FROM thing"));
        }
    }

    /** Calls are answered all the while: by the old module or by the new one, and never by neither. */
    @Test
    @Proves("execution.md 8.3")
    default void callsGoOnWhileModulesChange() throws InterruptedException {
        try (TestDatabase db = TestDatabase.publish(point("first"))) {
            List<String> problems = new CopyOnWriteArrayList<>();
            AtomicBoolean done = new AtomicBoolean();
            AtomicInteger added = new AtomicInteger();
            List<Thread> callers = IntStream.range(0, 3).mapToObj(n -> Thread.ofVirtual().start(() -> {
                for (int i = 0; !done.get(); i++) {
                    HttpResponse<String> answer = Features.call(db, db.owner, "add", "thing " + n + " " + i);
                    if (answer.statusCode() == 200) {
                        added.incrementAndGet();
                    } else if (!answer.body().contains("no such module")) {
                        problems.add(answer.statusCode() + " " + answer.body());
                    }
                }
            })).toList();
            for (int i = 0; i < 6; i++) {
                String point = i % 2 == 0 ? "more" : "first";
                assertEquals("200 updated", publish(db, point, "?policy=BreakClients&token=" + token(db, point)));
            }
            done.set(true);
            for (Thread caller : callers) {
                caller.join();
            }
            assertEquals(List.of(), problems);
            assertEquals(added.get(), db.sql("SELECT * FROM thing").size());
            assertEquals("first", which(db));
            assertEquals(0, logged(db, "\"Panic\""));
        }
    }
}
