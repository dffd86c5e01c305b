package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.ws.Http.User;
import dev.geodesic.protocol.ClientEncoder;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.RowList;
import dev.geodesic.testkit.Proves;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** What clients see of transactions: spec/websocket.md 2, 5.4, 7, 8 and 9. */
interface UpdateTests {

    /** Definition 9 shows who called what, unless the client wants light updates. */
    @Test
    @Proves("websocket.md 5.4")
    default void definition9NamesTheCaller() {
        try (TestDatabase db = TestDatabase.publish(TestDatabase.V9)) {
            for (Subprotocol subprotocol : List.of(Subprotocol.V1_BSATN, Subprotocol.V1_JSON)) {
                WsClient caller = db.open(subprotocol);
                User somebody = Http.newUser();
                WsClient full = db.open(somebody, subprotocol);
                WsClient light = db.open(somebody, subprotocol, "light=true");
                WsClient v2 = db.open(somebody, Subprotocol.V2, "light=true");
                WsClient idle = db.open(somebody, subprotocol);
                for (WsClient client : List.of(full, light, v2)) {
                    client.subscribe(1, 1, "SELECT * FROM team WHERE id > 2");
                    assertEquals("applied 1/1 {}", client.next());
                }
                long before = System.currentTimeMillis() * 1000;
                db.sql("DELETE FROM team WHERE id = 3");
                caller.call(41, "nothing");
                assertEquals("result 41 ok", caller.next());
                db.sql("INSERT INTO team (id, name) VALUES (3, 'green')");
                ServerMessage.TransactionUpdate bySql = (ServerMessage.TransactionUpdate) full.nextMessage();
                ReducerCall sql = bySql.call().orElseThrow();
                assertEquals("", sql.reducerName());
                assertEquals(ReducerCall.UNKNOWN_REDUCER, sql.reducerId());
                assertEquals(db.owner.identity(), sql.caller().toHex());
                assertEquals(ConnectionId.NONE, sql.connectionId());
                assertEquals("update {team+[3,\"green\"]}", light.next());
                assertEquals("update 1{team+[3,\"green\"]}", v2.next());

                full.subscribe(2, 2, "SELECT * FROM member");
                assertEquals("applied 2/2 {}", full.next());
                caller.call(42, "add_member", 1, 1, "ann", true);
                assertEquals("result 42 ok", caller.next());
                ServerMessage.TransactionUpdate byCall = (ServerMessage.TransactionUpdate) full.nextMessage();
                ReducerCall call = byCall.call().orElseThrow();
                assertEquals("add_member", call.reducerName());
                assertEquals(42, call.requestId());
                assertEquals(db.owner.identity(), call.caller().toHex());
                assertEquals(caller.hello().connectionId(), call.connectionId());
                long now = System.currentTimeMillis() * 1000 + 1000;
                assertTrue(call.timestampMicros() >= before && call.timestampMicros() <= now, call::toString);
                if (subprotocol.isText()) {
                    assertEquals("[1,1,\"ann\",true]", call.arguments().json());
                } else {
                    assertArrayEquals(Args.bsatn(1, 1, "ann", true), call.arguments().bsatn());
                }
                idle.silent();
                light.silent();
                db.sql("DELETE FROM member WHERE id = 1");
                db.sql("DELETE FROM team WHERE id = 3");
                db.closeClients();
            }
        }
    }

    /** Definition 10 hides it. */
    @Test
    @Proves("websocket.md 5.4")
    default void definition10HidesTheCaller() {
        try (TestDatabase db = TestDatabase.publish(TestDatabase.V10)) {
            WsClient caller = db.open(Subprotocol.V1_BSATN, "light=true");
            WsClient other = db.open(Subprotocol.V1_JSON);
            for (WsClient client : List.of(caller, other)) {
                client.subscribe(1, 1, "SELECT * FROM member");
                assertEquals("applied 1/1 {}", client.next());
            }
            caller.call(42, "add_member", 1, 1, "ann", true);
            // The caller's own message is a full one all the same.
            ServerMessage.TransactionUpdate own = (ServerMessage.TransactionUpdate) caller.nextMessage();
            assertEquals("add_member", own.call().orElseThrow().reducerName());
            assertEquals("update 42 {member+[1,1,\"ann\",true]}", other.next());
            db.sql("DELETE FROM member WHERE id = 1");
            assertEquals("update {member-[1,1,\"ann\",true]}", caller.next());
            assertEquals("update {member-[1,1,\"ann\",true]}", other.next());
        }
    }

    /** A row that two queries match: twice in one set, once for each of two sets. In version 1 a query counts once. */
    @Test
    @Proves("websocket.md 8")
    default void overlappingQueries() {
        for (Subprotocol subprotocol : Subprotocol.values()) {
            try (TestDatabase db = TestDatabase.publish()) {
                WsClient client = db.open(subprotocol);
                String all = "SELECT * FROM member";
                client.subscribe(1, 7, all, "SELECT * FROM member WHERE id = 1", all);
                assertEquals("applied 1/7 {}", client.next());
                client.subscribe(2, 3, all, "SELECT * FROM member WHERE active = true");
                assertEquals("applied 2/3 {}", client.next());
                WsClient writer = db.open(Subprotocol.V2);
                writer.call(1, "add_member", 1, 1, "ann", true);
                String row = "member+[1,1,\"ann\",true]";
                assertEquals(subprotocol.isV1() ? "update 1 {" + row + " " + row + " " + row + "}"
                        : "update 3{" + row + " " + row + "} 7{" + row + " " + row + "}", client.next());
                writer.call(2, "add_member", 2, 1, "bob", false);
                row = "member+[2,1,\"bob\",false]";
                assertEquals(subprotocol.isV1() ? "update 2 {" + row + "}"
                        : "update 3{" + row + "} 7{" + row + "}", client.next());
                client.unsubscribe(3, 7);
                String left = client.next();
                // Of version 1 goes only what no other set holds.
                assertEquals(subprotocol.isV1() ? 1 : 3, left.split("member-").length - 1, left);
                writer.call(3, "delete_member", 2);
                assertEquals(subprotocol.isV1() ? "update 3 {member-[2,1,\"bob\",false]}"
                        : "update 3{member-[2,1,\"bob\",false]}", client.next());
                client.silent();
            }
        }
    }

    /** The unnamed set of version 1 is replaced as a whole and independent of the others. */
    @Test
    @Proves("websocket.md 8")
    default void legacySubscribe() {
        for (Subprotocol subprotocol : List.of(Subprotocol.V1_BSATN, Subprotocol.V1_JSON)) {
            try (TestDatabase db = TestDatabase.publish()) {
                WsClient client = db.open(subprotocol);
                client.subscribe(1, 1, "SELECT * FROM member");
                assertEquals("applied 1/1 {}", client.next());
                client.send(legacy(2, "SELECT * FROM team", "SELECT * FROM member"));
                assertEquals("applied 2/0 {team+[1,\"red\"] team+[2,\"blue\"]}", client.next());
                client.call(3, "add_member", 1, 1, "ann", true);
                assertEquals("result 3 ok {member+[1,1,\"ann\",true] member+[1,1,\"ann\",true]}", client.next());
                client.send(legacy(4, "SELECT * FROM team WHERE id = 1"));
                assertEquals("applied 4/0 {team+[1,\"red\"]}", client.next());
                client.call(5, "delete_member", 1);
                assertEquals("result 5 ok {member-[1,1,\"ann\",true]}", client.next());
                client.send(legacy(6, "SELECT * FROM nope"));
                assertEquals("error 6/-: no such table: `nope`. If the table exists, it may be marked private., "
                        + "executing: `SELECT * FROM nope`", client.next());
                // The failed one has not replaced anything.
                db.sql("UPDATE team SET name = 'pink' WHERE id = 1");
                assertEquals("update {team-[1,\"red\"] team+[1,\"pink\"]}", client.next());
                client.send(new ClientMessage.Subscribe(SubscriptionKind.SINGLE, 7, 2, List.of("SELECT * FROM member")));
                assertEquals("applied 7/2 {}", client.next());
                client.send(new ClientMessage.Subscribe(SubscriptionKind.SINGLE, 8, 3, List.of("SELECT * FROM *")));
                assertEquals("error 8/3: sql parser error: Expected identifier, found: * at Line: 1, Column 15, "
                        + "executing: `SELECT * FROM *`", client.next());
                client.send(new ClientMessage.Unsubscribe(SubscriptionKind.SINGLE, 9, 2, true));
                assertEquals("error 9/2: Internal error", client.next());
                client.unsubscribe(10, 1);
                assertEquals("dropped 10/1 {}", client.next());
            }
        }
    }

    private static ClientMessage legacy(int requestId, String... queries) {
        return new ClientMessage.Subscribe(SubscriptionKind.LEGACY, requestId, 0, List.of(queries));
    }

    @Test
    @Proves("websocket.md 8")
    default void allTablesAreThePublicOnes() {
        for (Subprotocol subprotocol : Subprotocol.values()) {
            try (TestDatabase db = TestDatabase.publish()) {
                db.call("add_secret", "[1, \"hidden\"]");
                db.call("add_blob", "[1, 8]");
                WsClient stranger = db.greeted(db.upgrade(subprotocol));
                stranger.subscribe(1, 1, "SELECT * FROM *");
                String applied = stranger.next();
                assertTrue(applied.startsWith("applied 1/1 {"), applied);
                for (String row : List.of("team+[1,\"red\"]", "team+[2,\"blue\"]", "blob+[1,\"abcdefgh\"]")) {
                    assertTrue(applied.contains(row), applied);
                }
                assertTrue(!applied.contains("secret") && !applied.contains("st_"), applied);
                db.call("add_secret", "[2, \"hidden\"]");
                db.call("add_blob", "[2, 8]");
                assertEquals(subprotocol.isV1() ? "update {blob+[2,\"abcdefgh\"]}" : "update 1{blob+[2,\"abcdefgh\"]}",
                        stranger.next());
            }
        }
    }

    /** Version 3: several messages in one payload, answered in their order; what waits travels together. */
    @Test
    @Proves("websocket.md 7")
    @Proves("client-expectations.md 4.5")
    default void batches() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient client = db.open(Subprotocol.V3, "compression=None");
            ClientEncoder encoder = new ClientEncoder(Subprotocol.V3);
            client.send(encoder.encodeAll(List.of(
                    new ClientMessage.Subscribe(SubscriptionKind.SET, 1, 1, List.of("SELECT * FROM member")),
                    new ClientMessage.CallReducer("add_member", client.arguments(1, 1, "ann", true), 2, true),
                    new ClientMessage.OneOffQuery(3, new byte[0], "SELECT * FROM member"),
                    new ClientMessage.CallReducer("fail", client.arguments("no"), 4, true),
                    new ClientMessage.Unsubscribe(SubscriptionKind.SET, 5, 1, true))));
            assertEquals("applied 1/1 {}", client.next());
            assertEquals("result 2 ok 1{member+[1,1,\"ann\",true]}", client.next());
            assertEquals("rows 3 {member+[1,1,\"ann\",true]}", client.next());
            assertEquals("result 4 failed: no", client.next());
            assertEquals("dropped 5/1 {member-[1,1,\"ann\",true]}", client.next());

            List<ClientMessage> many = new ArrayList<>();
            for (int i = 0; i < 2_000; i++) {
                many.add(new ClientMessage.CallReducer("nothing", client.arguments(), i, true));
            }
            client.send(encoder.encodeAll(many));
            int payloads = 0;
            byte[] last = null;
            for (int i = 0; i < many.size(); i++) {
                assertEquals("result " + i + " ok", client.next());
                payloads += client.lastPayload() != last ? 1 : 0;
                last = client.lastPayload();
            }
            assertTrue(payloads < many.size(), "no two answers in one payload");

            // One bad message spoils the payload: nothing of it is done.
            byte[] good = Arrays.copyOf(encoder.encode(many.getFirst()).bytes(), encoder.encode(many.getFirst()).length());
            byte[] spoiled = Arrays.copyOf(good, good.length + 1);
            spoiled[good.length] = 0x63;
            client.frame(WsClient.FIN | WsClient.BINARY, spoiled);
            client.endsSilently("1011 unknown tag 0x63 for sum type ClientMessage");
        }
    }

    /** Calls, queries and subscriptions of a connection are one sequence; each answer is about everything before it. */
    @Test
    @Proves("websocket.md 9")
    default void oneSequencePerConnection() {
        for (Subprotocol subprotocol : Subprotocol.values()) {
            try (TestDatabase db = TestDatabase.publish()) {
                WsClient client = db.open(subprotocol, "confirmed=" + (subprotocol == Subprotocol.V2));
                int rounds = 50;
                for (int i = 1; i <= rounds; i++) {
                    client.call(1000 + i, "add_member", i, 1, "m", true);
                    client.query(1, "SELECT * FROM member WHERE id = " + i);
                    client.query(2, "SELECT * FROM member WHERE id = " + (i + 1));
                    client.subscribe(2000 + i, i, "SELECT * FROM member WHERE id = " + i);
                    client.call(3000 + i, "fail", "no " + i);
                    client.call(4000 + i, "delete_member", i);
                }
                for (int i = 1; i <= rounds; i++) {
                    String row = "[" + i + ",1,\"m\",true]";
                    assertEquals("result " + (1000 + i) + " ok", client.next());
                    assertEquals("rows 1 {member+" + row + "}", client.next());
                    assertEquals("rows 2 {}", client.next());
                    assertEquals("applied " + (2000 + i) + "/" + i + " {member+" + row + "}", client.next());
                    assertEquals("result " + (3000 + i) + " failed: no " + i, client.next());
                    String set = subprotocol.isV1() ? "" : Integer.toString(i);
                    assertEquals("result " + (4000 + i) + " ok " + set + "{member-" + row + "}", client.next());
                }
                client.silent();
            }
        }
    }

    /** Whoever subscribes in the middle of writes has the same rows as the table in the end. */
    @Test
    @Proves("websocket.md 9")
    @Proves("execution.md 4")
    @Proves("client-expectations.md 3")
    default void initialRowsAndUpdatesFitTogether() throws InterruptedException {
        try (TestDatabase db = TestDatabase.publish()) {
            List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
            List<Thread> writers = new ArrayList<>();
            for (int w = 0; w < 2; w++) {
                int base = w * 1000;
                WsClient writer = db.open(w == 0 ? Subprotocol.V3 : Subprotocol.V1_JSON);
                writers.add(Thread.ofVirtual().start(() -> {
                    try {
                        for (int i = 1; i <= 200; i++) {
                            int id = base + i;
                            writer.call(i, "add_member", id, i % 3, "m", true);
                            writer.call(i, "rename_member", id, "n");
                            if (i % 2 == 0) {
                                writer.call(i, "delete_member", id - 1);
                            }
                        }
                        for (int i = 1; i <= 500; i++) {
                            assertTrue(writer.next().endsWith(" ok"));
                        }
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                }));
            }
            List<WsClient> readers = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                WsClient reader = db.open(List.of(Subprotocol.V1_BSATN, Subprotocol.V2, Subprotocol.V3).get(i % 3),
                        "confirmed=" + (i % 2 == 0));
                reader.subscribe(1, 1, "SELECT * FROM member");
                readers.add(reader);
            }
            for (Thread writer : writers) {
                writer.join();
            }
            assertEquals(List.of(), failures);
            Map<String, Integer> expected = new TreeMap<>();
            WsClient last = db.open(Subprotocol.V2);
            last.subscribe(1, 1, "SELECT * FROM member");
            count(last.nextMessage(), expected);
            assertEquals(200, expected.size());
            for (WsClient reader : readers) {
                Map<String, Integer> rows = new TreeMap<>();
                // The last transaction of all is seen by everybody.
                reader.call(9, "nothing");
                ServerMessage message = reader.nextMessage();
                while (!isResult(message, reader)) {
                    count(message, rows);
                    message = reader.nextMessage();
                }
                assertEquals(expected, rows, reader.subprotocol.name());
            }
        }
    }

    private static boolean isResult(ServerMessage message, WsClient client) {
        return Show.text(message, client.hello()).startsWith("result 9 ok");
    }

    /** Adds rows and takes them away; a row that goes without having come is an error. */
    private static void count(ServerMessage message, Map<String, Integer> rows) {
        List<TableUpdate> tables = switch (message) {
            case ServerMessage.SubscribeApplied applied -> applied.tables();
            case ServerMessage.TransactionUpdate update ->
                update.querySets().stream().map(QuerySetUpdate::tables).flatMap(List::stream).toList();
            default -> throw new AssertionError(message);
        };
        for (TableUpdate table : tables) {
            for (Fragment fragment : table.fragments()) {
                each(fragment.inserts(), row -> rows.merge(row, 1, Integer::sum));
                each(fragment.deletes(), row -> {
                    assertTrue(rows.containsKey(row), "a row goes that had not come: " + row);
                    rows.compute(row, (key, count) -> count == 1 ? null : count - 1);
                });
            }
        }
    }

    private static void each(RowList rows, Consumer<String> action) {
        for (int i = 0; i < rows.count(); i++) {
            int start = rows.rowOffset(i);
            action.accept(HexFormat.of().formatHex(rows.data(), start, start + rows.rowLength(i)));
        }
    }

    /** A confirmed answer comes after its transaction is on stable storage; confirmed is what v2 and v3 do by default. */
    @Test
    @Proves("websocket.md 9")
    @Proves("durability.md 4")
    default void confirmedReads() {
        try (TestDatabase db = TestDatabase.publish()) {
            for (WsClient client : List.of(db.open(Subprotocol.V2), db.open(Subprotocol.V3),
                    db.open(Subprotocol.V1_BSATN, "confirmed=true"), db.open(Subprotocol.V1_JSON, "confirmed=true"))) {
                long before = db.durableOffset();
                for (int i = 1; i <= 20; i++) {
                    client.call(i, "add_note", "note " + i);
                    assertEquals("result " + i + " ok", client.next());
                    long now = db.durableOffset();
                    assertTrue(now > before, before + " is followed by " + now);
                    before = now;
                }
            }
            for (Subprotocol subprotocol : Subprotocol.values()) {
                WsClient client = db.open(subprotocol, "confirmed=false");
                client.subscribe(1, 1, "SELECT * FROM blob");
                assertEquals("applied 1/1 {}", client.next());
                client.call(2, "add_note", "x");
                assertEquals("result 2 ok", client.next());
            }
        }
    }

    /** More than 1024 bytes are compressed for who asked for it; text never. */
    @Test
    @Proves("websocket.md 2")
    @Proves("client-expectations.md 4.4")
    default void compression() {
        try (TestDatabase db = TestDatabase.publish()) {
            // Tag and fields around 1024 and 1025 bytes of BSATN.
            db.call("add_blob", "[1, 904]");
            db.call("add_blob", "[2, 1600]");
            db.call("add_blob", "[3, 1000000]");
            for (Subprotocol subprotocol : List.of(Subprotocol.V1_BSATN, Subprotocol.V2, Subprotocol.V3)) {
                assertCompressed(db, subprotocol, 1);
                assertCompressed(db, subprotocol, 1, "compression=Brotli");
                assertCompressed(db, subprotocol, 0, "compression=None");
                // Not used unless the operator allows it (docs/operating.md).
                assertCompressed(db, subprotocol, 0, "compression=Gzip");
            }
            WsClient json = db.open(Subprotocol.V1_JSON, "compression=Brotli");
            json.query(3, "SELECT * FROM blob WHERE id = 3");
            assertEquals(1_000_000, json.next().length() - "rows 3 {blob+[3,\"\"]}".length());
        }
    }

    private static void assertCompressed(TestDatabase db, Subprotocol subprotocol, int tag, String... parameters) {
        WsClient client = db.open(subprotocol, parameters);
        for (int id = 1; id <= 3; id++) {
            client.query(id, "SELECT * FROM blob WHERE id = " + id);
            String rows = client.next();
            assertEquals(id == 1 ? 904 : id == 2 ? 1600 : 1_000_000, rows.length() - "rows 1 {blob+[1,\"\"]}".length());
            assertEquals(id == 1 ? 0 : tag, client.lastTag(), subprotocol + " " + id);
            assertTrue(tag == 0 || id == 1 || client.lastPayload().length < 1000, "compressed");
        }
        // The same row in an update that is shared with others.
        client.subscribe(4, 1, "SELECT * FROM blob WHERE id > 3");
        assertEquals("applied 4/1 {}", client.next());
        db.call("add_blob", "[4, 5000]");
        assertInstanceOf(ServerMessage.TransactionUpdate.class, client.nextMessage());
        assertEquals(tag, client.lastTag());
        db.sql("DELETE FROM blob WHERE id = 4");
        client.next();
        client.close();
    }

    /** Everybody sees the reset: connections end, and the new database is there. */
    @Test
    @Proves("websocket.md 10")
    @Proves("module-def.md 9")
    default void resetAndDeletionEndConnections() {
        try (TestDatabase db = TestDatabase.publish()) {
            List<WsClient> clients = Arrays.stream(Subprotocol.values()).map(s -> db.open(s)).toList();
            db.clear(TestDatabase.V9);
            for (WsClient client : clients) {
                assertEquals("1001 module exited", client.end());
            }
            db.awaitConnections(0);
            WsClient client = db.open(Subprotocol.V2);
            client.alive();
            db.delete();
            assertEquals("1001 module exited", client.end());
            assertEquals(404, db.upgrade(Subprotocol.V2).send().status());
        }
    }

    /** A reducer that runs too long fails its caller and nobody else; one that fails in any way changes nothing. */
    @Test
    @Proves("execution.md 2.2")
    @Proves("module-abi.md 6")
    default void failedCallsChangeNothing() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient watcher = db.open(Subprotocol.V2);
            watcher.subscribe(1, 1, "SELECT * FROM team", "SELECT * FROM secret", "SELECT * FROM test_auto");
            assertEquals("applied 1/1 {team+[1,\"red\"] team+[2,\"blue\"]}", watcher.next());
            for (Subprotocol subprotocol : Subprotocol.values()) {
                WsClient client = db.open(subprotocol);
                String internal = subprotocol.isV1() ? "failed: " : "internal: ";
                // Filling the memory takes a second.
                List<String> ways = List.of("error", "panic", "trap", "stack", "memory");
                for (String how : ways.subList(0, subprotocol == Subprotocol.V2 ? 5 : 4)) {
                    client.call(5, "test_write_and_fail", how);
                    assertEquals("result 5 " + (how.equals("error") ? "failed: after writing"
                            : internal + "The instance encountered a fatal error."), client.next(), how);
                }
                client.alive();
            }
            watcher.silent();
            assertEquals(List.of("[1,\"red\"]", "[2,\"blue\"]"), db.sql("SELECT * FROM team").stream().sorted().toList());
        }
    }

    /** What a committed call returns: no value, and the outcome of a version 2 call. */
    @Test
    default void resultsCarryTimeAndNoValue() {
        try (TestDatabase db = TestDatabase.publish()) {
            for (Subprotocol subprotocol : List.of(Subprotocol.V2, Subprotocol.V3)) {
                long before = System.currentTimeMillis() * 1000;
                WsClient client = db.open(subprotocol);
                client.call(-1, "nothing");
                ServerMessage.ReducerResult result = (ServerMessage.ReducerResult) client.nextMessage();
                assertEquals(-1, result.call().requestId());
                assertTrue(result.call().timestampMicros() >= before);
                ReducerOutcome.Committed committed = (ReducerOutcome.Committed) result.outcome();
                assertEquals(0, committed.returnValue().length);
                assertEquals(List.of(), committed.querySets());
                client.send(new ClientMessage.Subscribe(SubscriptionKind.SET, 2, -1, List.of("SELECT * FROM team WHERE id = 1")));
                assertEquals("applied 2/-1 {team+[1,\"red\"]}", client.next());
                client.send(new ClientMessage.Unsubscribe(SubscriptionKind.SET, 3, -1, false));
                assertEquals("dropped 3/-1 without rows", client.next());
            }
        }
    }
}
