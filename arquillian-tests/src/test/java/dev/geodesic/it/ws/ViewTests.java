package dev.geodesic.it.ws;

import static dev.geodesic.it.ws.Features.logged;
import static dev.geodesic.it.ws.Features.nextRows;
import static dev.geodesic.it.ws.Features.ok;
import static dev.geodesic.it.ws.Features.refused;
import static dev.geodesic.it.ws.Features.rows;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.ws.Http.User;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.testkit.Proves;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Views of the feature modules: spec/execution.md 6, spec/sql.md 10. */
interface ViewTests {

    /** Option, array and query; by key, by range, of a whole table; for everybody and for each: rows, then changes. */
    @Test
    @Proves("execution.md 6.2")
    @Proves("execution.md 6.3")
    @Proves("module-abi.md 7")
    default void viewsOfEveryCrate() {
        for (String crate : Features.WITH_VIEWS) {
            try (TestDatabase db = Features.publish(crate)) {
                User other = Http.newUser();
                ok(db, "put_item", 1, 1, 100, "one");
                Features.call(db, other, "put_item", 2, 1, 5, "two");
                WsClient owner = db.open(Subprotocol.V2);
                WsClient guest = db.open(other, Subprotocol.V2);
                String[] all = {"SELECT * FROM items_of_kind_one", "SELECT * FROM heavy_items", "SELECT * FROM item_count",
                    "SELECT * FROM my_items", "SELECT * FROM my_first_item"};
                owner.subscribe(1, 1, all);
                guest.subscribe(1, 1, all);
                String one = "items_of_kind_one+[1,1,100,\"one\"]";
                String two = "items_of_kind_one+[2,1,5,\"two\"]";
                assertEquals(List.of("heavy_items+[1,1,100,\"one\"]", "item_count+[2]", one, two,
                        "my_first_item+[1,\"one\"]", "my_items+[1,1,100,\"one\"]"), nextRows(owner), crate);
                assertEquals(List.of("heavy_items+[1,1,100,\"one\"]", "item_count+[2]", one, two,
                        "my_first_item+[2,\"two\"]", "my_items+[2,1,5,\"two\"]"), nextRows(guest), crate);
                // Another row of the owner: what is shared changes for both, what is one's own for one.
                ok(db, "put_item", 0, 2, 200, "zero");
                List<String> shared = List.of("heavy_items+[0,2,200,\"zero\"]", "item_count+[3]", "item_count-[2]");
                assertEquals(shared, nextRows(guest), crate);
                assertEquals(List.of(shared.get(0), shared.get(1), shared.get(2), "my_first_item+[0,\"zero\"]",
                        "my_first_item-[1,\"one\"]", "my_items+[0,2,200,\"zero\"]"), nextRows(owner), crate);
                // A row moves from one key to another.
                ok(db, "put_item", 1, 3, 1, "one");
                List<String> moved = List.of("heavy_items-[1,1,100,\"one\"]", "items_of_kind_one-[1,1,100,\"one\"]");
                assertEquals(moved, nextRows(guest), crate);
                assertEquals(List.of(moved.get(0), moved.get(1), "my_items+[1,3,1,\"one\"]", "my_items-[1,1,100,\"one\"]"),
                        nextRows(owner), crate);
                // HTTP asks as somebody, too.
                assertEquals(List.of("[2,\"two\"]"), db.sql(other, "SELECT * FROM my_first_item"), crate);
                assertEquals(List.of("[3]"), db.sql(other, "SELECT items FROM item_count"), crate);
            } catch (AssertionError e) {
                throw new AssertionError(crate + ": " + e.getMessage(), e);
            }
        }
    }

    /** A view runs when what it has read has changed, and at no other time. */
    @Test
    @Proves("execution.md 6.3")
    default void whatWasReadDecides() {
        try (TestDatabase db = Features.publish()) {
            WsClient client = db.open(Subprotocol.V2);
            client.subscribe(1, 1, "SELECT * FROM items_of_kind_one", "SELECT * FROM heavy_items", "SELECT * FROM my_items");
            assertEquals("applied 1/1 {}", client.next());
            User other = Http.newUser();
            int[] runs = runs(db);
            // Another key, another owner; a range read counts as a read of the table.
            Features.call(db, other, "put_item", 10, 7, 7, "ten");
            assertRuns(db, runs, 0, 1, 0);
            Features.call(db, other, "put_item", 11, 1, 7, "eleven");
            assertRuns(db, runs, 1, 1, 0);
            // Into and out of the key that was read, by an update.
            Features.call(db, other, "put_item", 10, 1, 7, "ten");
            assertRuns(db, runs, 1, 1, 0);
            Features.call(db, other, "put_item", 10, 2, 7, "ten");
            assertRuns(db, runs, 1, 1, 0);
            ok(db, "put_item", 12, 2, 7, "twelve");
            assertRuns(db, runs, 0, 1, 1);
            // Other tables; a transaction that fails; one that changes nothing.
            ok(db, "start_timer", "x", "", 600_000_000L, false);
            ok(db, "put_item", 12, 2, 7, "twelve");
            assertRuns(db, runs, 0, 0, 0);
        }
    }

    private static int[] runs(TestDatabase db) {
        return new int[] {logged(db, "view items_of_kind_one runs"), logged(db, "view heavy_items runs"),
            logged(db, "view my_items runs")};
    }

    private static void assertRuns(TestDatabase db, int[] runs, int... more) {
        int[] now = runs(db);
        for (int i = 0; i < runs.length; i++) {
            assertEquals(runs[i] + more[i], now[i], "runs of view " + i);
            runs[i] = now[i];
        }
    }

    /** A view nobody has asked for has no rows for a one-off query; HTTP runs it; two subscribers share it. */
    @Test
    @Proves("execution.md 6.1")
    @Proves("execution.md 6.2")
    @Proves("sql.md 10")
    default void whenViewsRun() {
        try (TestDatabase db = Features.publish()) {
            ok(db, "put_item", 1, 1, 1, "one");
            WsClient client = db.open(Subprotocol.V2);
            client.query(1, "SELECT * FROM items_of_kind_one");
            assertEquals("rows 1 {}", client.next());
            assertEquals(0, logged(db, "view items_of_kind_one runs"));
            assertEquals(1, db.sql("SELECT * FROM items_of_kind_one").size());
            assertEquals(1, logged(db, "view items_of_kind_one runs"));
            client.query(2, "SELECT * FROM items_of_kind_one");
            assertEquals("rows 2 {items_of_kind_one+[1,1,1,\"one\"]}", client.next());
            // Rows stay when the last subscriber goes, and are kept up to date.
            client.subscribe(3, 1, "SELECT * FROM items_of_kind_one");
            assertEquals("applied 3/1 {items_of_kind_one+[1,1,1,\"one\"]}", client.next());
            client.unsubscribe(4, 1);
            client.next();
            ok(db, "put_item", 2, 1, 1, "two");
            int before = logged(db, "view items_of_kind_one runs");
            client.query(5, "SELECT * FROM items_of_kind_one WHERE id = 2");
            assertEquals("rows 5 {items_of_kind_one+[2,1,1,\"two\"]}", client.next());
            client.subscribe(6, 2, "SELECT * FROM items_of_kind_one WHERE weight = 1");
            assertEquals(2, rows(client.next()).size());
            assertEquals(before, logged(db, "view items_of_kind_one runs"));
            // Read-only, and without the columns it is kept by.
            for (String statement : List.of("DELETE FROM items_of_kind_one", "SELECT arg_hash FROM items_of_kind_one",
                    "INSERT INTO item_count (items) VALUES (1)")) {
                assertEquals(400, Http.send("POST", "database/" + db.name + "/sql", db.owner.token(),
                        statement.getBytes(StandardCharsets.UTF_8)).statusCode(), statement);
            }
        }
    }

    /** A view that fails takes the transaction with it that made it fail, and nothing else. */
    @Test
    @Proves("execution.md 6.4")
    @Proves("execution.md 2.2")
    default void viewsThatFail() {
        try (TestDatabase db = Features.publish()) {
            WsClient client = db.open(Subprotocol.V2);
            client.subscribe(1, 1, "SELECT * FROM moody");
            assertEquals("applied 1/1 {moody+[1,\"calm\"]}", client.next());
            for (String how : List.of("panic", "recursion")) {
                assertEquals("530 " + Features.FATAL, refused(db, "set_gate", "view: " + how, true), how);
                assertEquals(List.of(), db.sql("SELECT * FROM gate"));
            }
            assertEquals(1, logged(db, "told to panic"));
            // Two rows of one key.
            client.subscribe(2, 2, "SELECT * FROM one_key");
            assertEquals("applied 2/2 {}", client.next());
            ok(db, "put_item", 1, 3, 1, "first");
            assertEquals("update 2{one_key+[1,\"first\"]}", client.next());
            String text = refused(db, "put_item", 2, 3, 1, "second");
            assertTrue(text.startsWith("530 Error materializing view `one_key`: "), text);
            assertEquals(1, db.sql("SELECT * FROM item").size());
            client.silent();
        }
        // Nobody has asked yet: the transaction is fine, the subscription is not, the client stays.
        try (TestDatabase db = Features.publish()) {
            ok(db, "set_gate", "view: panic", true);
            WsClient client = db.open(Subprotocol.V2);
            client.subscribe(1, 1, "SELECT * FROM moody");
            String error = client.next();
            assertTrue(error.startsWith("error 1/1: "), error);
            client.call(2, "set_gate", "view: panic", false);
            assertEquals("result 2 ok", client.next());
            client.subscribe(3, 1, "SELECT * FROM moody");
            assertEquals("applied 3/1 {moody+[1,\"calm\"]}", client.next());
        }
    }

    @Test
    @Proves("execution.md 6.5")
    default void viewsThatReturnAQuery() {
        for (String crate : Features.OF_2) {
            try (TestDatabase db = Features.publish(crate)) {
                WsClient client = db.open(Subprotocol.V2);
                client.subscribe(1, 1, "SELECT * FROM light_items", "SELECT * FROM tags_of_timers");
                assertEquals("applied 1/1 {}", client.next());
                ok(db, "put_item", 1, 1, 9, "light");
                assertEquals("update 1{light_items+[1,1,9,\"light\"]}", client.next());
                ok(db, "put_item", 2, 1, 10, "heavy");
                ok(db, "start_timer", "tagged", "", 600_000_000L, false);
                assertEquals("update 1{tags_of_timers+[\"tagged\"]}", client.next());
                ok(db, "stop_timers", "tagged");
                assertEquals("update 1{tags_of_timers-[\"tagged\"]}", client.next());
                ok(db, "put_item", 1, 1, 11, "light no more");
                assertEquals("update 1{light_items-[1,1,9,\"light\"]}", client.next());
            } catch (AssertionError e) {
                throw new AssertionError(crate + ": " + e.getMessage(), e);
            }
        }
    }

    @Test
    @Proves("module-def.md 6.4")
    default void viewsWithAKey() {
        try (TestDatabase db = Features.publish()) {
            WsClient client = db.open(Subprotocol.V2);
            client.subscribe(1, 1, "SELECT * FROM keyed_items", "SELECT * FROM my_keyed_items");
            assertEquals("applied 1/1 {}", client.next());
            ok(db, "put_item", 1, 2, 1, "a");
            assertEquals(List.of("keyed_items+[1,\"a\"]", "my_keyed_items+[1,\"a\"]"), nextRows(client));
            ok(db, "put_item", 1, 2, 1, "b");
            assertEquals(List.of("keyed_items+[1,\"b\"]", "keyed_items-[1,\"a\"]", "my_keyed_items+[1,\"b\"]",
                    "my_keyed_items-[1,\"a\"]"), nextRows(client));
            ok(db, "clear_items");
            assertEquals(List.of("keyed_items-[1,\"b\"]", "my_keyed_items-[1,\"b\"]"), nextRows(client));
        }
    }

    /** Whoever subscribed before sees what the next module's view returns. */
    @Test
    @Proves("execution.md 6.2")
    @Proves("execution.md 8.3")
    default void viewsOutliveTheirModule() throws Exception {
        try (TestDatabase db = Features.publish("2.8")) {
            WsClient client = db.open(Subprotocol.V2);
            client.subscribe(1, 1, "SELECT * FROM items_of_kind_one", "SELECT * FROM my_items");
            assertEquals("applied 1/1 {}", client.next());
            Http.ok("PUT", "database/" + db.name, db.owner.token(), Files.readAllBytes(Features.module("2.8")));
            ok(db, "put_item", 1, 1, 1, "one");
            assertEquals(List.of("items_of_kind_one+[1,1,1,\"one\"]", "my_items+[1,1,1,\"one\"]"), nextRows(client));
        }
    }
}
