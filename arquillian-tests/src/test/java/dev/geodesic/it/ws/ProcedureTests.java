package dev.geodesic.it.ws;

import static dev.geodesic.it.ws.Features.callProcedure;
import static dev.geodesic.it.ws.Features.logged;
import static dev.geodesic.it.ws.Features.ok;
import static dev.geodesic.it.ws.Features.refused;
import static dev.geodesic.it.ws.Features.returned;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.geodesic.it.ws.Http.User;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.testkit.Proves;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Procedures of the feature modules: spec/execution.md 8.1, spec/module-abi.md 5.9. */
interface ProcedureTests {

    String FATAL = "The module instance encountered a fatal error: ";

    @Test
    @Proves("execution.md 8.1")
    @Proves("http-api.md 6.11")
    @Proves("module-abi.md 7")
    default void valuesComeBack() {
        for (String crate : Features.WITH_VIEWS) {
            try (TestDatabase db = Features.publish(crate)) {
                assertEquals("7", ok(db, "sum", 3, 4), crate);
                assertEquals("[0,7]", ok(db, "perhaps", true), crate);
                assertEquals("[1,\"not today\"]", ok(db, "perhaps", false), crate);
                assertEquals("[]", ok(db, "nothing_at_all"), crate);
                String arguments = "[{\"Number\":-5},[{\"Nothing\":[]},{\"Named\":{\"label\":\"x\",\"values\":[1,2]}}]]";
                // Definitions of version 10 have variants in lower case.
                String answers = Http.ok("POST", "database/" + db.name + "/call/give_back", null, (crate.equals("1.12")
                        ? arguments : arguments.toLowerCase(Locale.ROOT)).getBytes(StandardCharsets.UTF_8));
                assertEquals("[[0,[]],[2,[\"x\",\"0102\"]],[1,-5]]", answers, crate);
                String text = refused(db, "sum", 3);
                assertTrue(text.startsWith("400 invalid arguments for procedure sum: "), text);
                assertEquals("404 No such procedure", refused(db, "subtract", 3));
                for (Subprotocol subprotocol : Subprotocol.values()) {
                    WsClient client = db.open(subprotocol);
                    assertEquals("4000000000", returned(callProcedure(client, 1, "sum", 2_000_000_000, 2_000_000_000),
                            PrimitiveType.U64), crate + " " + subprotocol);
                    assertEquals("No such procedure", returned(callProcedure(client, 2, "subtract"), PrimitiveType.U64));
                    callProcedure(client, 3, "nothing_at_all");
                    assertEquals("procedure 3 returned", client.next());
                }
            } catch (AssertionError e) {
                throw new AssertionError(crate + ": " + e.getMessage(), e);
            }
        }
    }

    @Test
    @Proves("execution.md 2.3")
    default void procedureKnowsItsCaller() {
        try (TestDatabase db = Features.publish()) {
            User user = Http.newUser();
            String answer = Features.call(db, user, "who_calls").body();
            assertTrue(answer.contains(user.identity()) && answer.contains(db.identity), answer);
            WsClient client = db.open(user, Subprotocol.V1_JSON);
            String inside = returned(callProcedure(client, 1, "who_calls"), null);
            assertTrue(inside.contains(user.identity()) && inside.contains("\"some\""), inside);
        }
    }

    /** Each transaction is seen by all, before the result; what rolls back is seen by nobody. */
    @Test
    @Proves("module-abi.md 5.9")
    @Proves("execution.md 8.1")
    default void transactionsOfProcedures() {
        for (String crate : Features.WITH_VIEWS) {
            try (TestDatabase db = Features.publish(crate)) {
                WsClient client = db.open(Subprotocol.V2);
                client.subscribe(1, 1, "SELECT * FROM item", "SELECT * FROM heavy_items");
                assertEquals("applied 1/1 {}", client.next());
                callProcedure(client, 2, "make_item", 1);
                String row = "[1,1,500,\"made by a procedure\"]";
                assertEquals(List.of("heavy_items+" + row, "item+" + row), Features.nextRows(client), crate);
                assertEquals("1", returned(client, PrimitiveType.U64), crate);
                assertEquals("[1,\"rolled back\"]", ok(db, "try_item", 2, true), crate);
                client.silent();
                assertEquals("[0,2]", ok(db, "try_item", 3, false), crate);
                assertEquals(2, Features.nextRows(client).size(), crate);
                // A key that is taken: the guest panics inside of its transaction.
                ok(db, "put_item", 4, 1, 1, "taken");
                assertEquals(1, Features.nextRows(client).size(), crate);
                String text = refused(db, "make_item", 4);
                assertTrue(text.startsWith("500 " + FATAL), text);
                client.silent();
                assertEquals(3, db.sql("SELECT * FROM item").size());
            } catch (AssertionError e) {
                throw new AssertionError(crate + ": " + e.getMessage(), e);
            }
        }
    }

    /** While a procedure waits, reducers, other procedures and the second transaction of this one have their turn. */
    @Test
    @Proves("execution.md 8.1")
    @Proves("websocket.md 9")
    default void othersWorkWhileAProcedureWaits() {
        try (TestDatabase db = Features.publish()) {
            WsClient client = db.open(Subprotocol.V2);
            client.subscribe(1, 1, "SELECT * FROM item");
            assertEquals("applied 1/1 {}", client.next());
            callProcedure(client, 2, "slow_items", 1, 2, 1_000L);
            assertEquals("update 1{item+[1,1,500,\"made by a procedure\"]}", client.next());
            client.call(3, "put_item", 10, 1, 1, "meanwhile");
            assertEquals("result 3 ok 1{item+[10,1,1,\"meanwhile\"]}", client.next());
            callProcedure(client, 4, "sum", 1, 1);
            assertEquals("2", returned(client, PrimitiveType.U64));
            assertEquals("update 1{item+[2,1,500,\"made by a procedure\"]}", client.next());
            long micros = Long.parseLong(returned(client, PrimitiveType.I64));
            assertTrue(micros >= 1_000_000, micros + " µs");
        }
    }

    @Test
    @Proves("module-abi.md 5.9")
    default void sleepsSideBySide() {
        try (TestDatabase db = Features.publish()) {
            List<WsClient> clients = List.of(db.open(Subprotocol.V2), db.open(Subprotocol.V3));
            long start = System.nanoTime();
            clients.forEach(client -> callProcedure(client, 1, "sleep_for", 1_000_000L));
            for (WsClient client : clients) {
                long slept = Long.parseLong(returned(client, PrimitiveType.I64));
                assertTrue(slept >= 1_000_000 && slept < 10_000_000, slept + " µs");
            }
            long millis = (System.nanoTime() - start) / 1_000_000;
            assertTrue(millis < 1_900, "two sleeps of a second took " + millis + " ms");
            assertTrue(Long.parseLong(ok(db, "sleep_for", -5L)) < 1_000_000, "a time in the past is now");
        }
    }

    @Test
    @Proves("module-abi.md 4")
    @Proves("module-abi.md 5.10")
    default void whatAProcedureMayNot() {
        for (String crate : Features.WITH_VIEWS) {
            try (TestDatabase db = Features.publish(crate)) {
                assertEquals("[0,1]", ok(db, "check_procedure_abi"), crate);
            }
        }
    }

    /** What is open at the end is rolled back, what was committed stays. */
    @Test
    @Proves("module-abi.md 6")
    @Proves("module-abi.md 5.9")
    default void danglingTransactions() {
        try (TestDatabase db = Features.publish()) {
            assertEquals("1", ok(db, "dangle", 1, ""));
            for (String how : List.of("panic", "recursion", "sleep")) {
                int id = db.sql("SELECT * FROM item").size() * 10 + 1;
                String text = refused(db, "dangle", id, how);
                assertTrue(text.startsWith("500 " + FATAL), text);
            }
            assertEquals(List.of("[11]", "[1]", "[21]", "[31]"), db.sql("SELECT id FROM item").stream().sorted().toList());
            assertTrue(logged(db, "aborting dangling anonymous transaction in procedure dangle") >= 1);
            ok(db, "put_item", 5, 1, 1, "the lock is free");
        }
    }

    /** The instance goes, the database and the caller stay. */
    @Test
    @Proves("module-abi.md 6")
    default void proceduresThatTrap() {
        try (TestDatabase db = Features.publish()) {
            for (Subprotocol subprotocol : Subprotocol.values()) {
                WsClient client = db.open(subprotocol);
                for (String how : List.of("panic", "trap", "recursion")) {
                    int id = db.sql("SELECT * FROM item").size();
                    String text = returned(callProcedure(client, 1, "misbehave_slowly", id, how), PrimitiveType.U32);
                    assertTrue(text.startsWith(FATAL), text);
                    text = returned(callProcedure(client, 2, "misbehave_in_transaction", 1_000, how), PrimitiveType.U32);
                    assertTrue(text.startsWith(FATAL), text);
                }
                assertEquals("3", returned(callProcedure(client, 3, "sum", 1, 2), PrimitiveType.U64));
            }
            assertEquals(12, db.sql("SELECT * FROM item").size(), "first transactions stay");
        }
    }

    /** The server does not let modules reach its own host and network, by whatever name. */
    @Test
    @Proves("module-abi.md 5.9")
    default void modulesReachNoPrivateAddresses() throws Exception {
        AtomicInteger requests = new AtomicInteger();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            requests.incrementAndGet();
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
        try (TestDatabase db = Features.publish()) {
            int port = server.getAddress().getPort();
            for (String host : List.of("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433",
                    "10.0.0.1", "169.254.169.254", "192.168.1.1", "[fe80::1]")) {
                String answer = ok(db, "fetch", "GET", "http://" + host + ":" + port + "/secret?key=value", Features.NO_HEADERS,
                        "", 2_000_000L);
                assertTrue(answer.startsWith("[1,\""), host + ": " + answer);
                assertTrue(!answer.contains("key=value"), answer);
                if (!host.equals("2130706433")) {
                    assertTrue(answer.contains("refusing to connect to private or special-purpose addresses"), host + answer);
                }
            }
            assertEquals(0, requests.get());
            for (String url : List.of("ftp://example.org/", "http:///nothing", "nonsense")) {
                String answer = Features.call(db, db.owner, "fetch", "GET", url, Features.NO_HEADERS, "", 0L).body();
                assertTrue(answer.startsWith("[1,\"") || answer.startsWith(FATAL), url + ": " + answer);
            }
        } finally {
            server.stop(0);
        }
    }

    /** The wrappers of a reducer cannot wait. */
    @Test
    @Proves("module-abi.md 5.10")
    default void reducersDoNotWait() {
        try (TestDatabase db = Features.publish()) {
            for (String how : List.of("sleep", "http")) {
                assertEquals("530 " + Features.FATAL, refused(db, "trap_by_waiting", how));
            }
            ok(db, "put_item", 1, 1, 1, "goes on");
        }
    }
}
