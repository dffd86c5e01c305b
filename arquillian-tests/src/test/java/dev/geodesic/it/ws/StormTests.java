package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.ClientEncoder;
import dev.geodesic.protocol.Frame;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.testkit.Proves;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A lot of everything that is allowed, and what newer message types add (spec/websocket.md 7, 8, 10, 11). */
interface StormTests {

    private static ClientMessage.QuerySet set(int id, String... queries) {
        return new ClientMessage.QuerySet(id, List.of(queries));
    }

    /** All sets of a batch at one offset, each with its outcome. */
    @Test
    @Proves("websocket.md 11")
    default void batchesOfSets() {
        try (TestDatabase db = TestDatabase.publish()) {
            for (Subprotocol subprotocol : List.of(Subprotocol.V2, Subprotocol.V3)) {
                WsClient client = db.open(subprotocol);
                client.send(new ClientMessage.SubscribeBatch(1, List.of(
                        set(7, "SELECT * FROM team WHERE id = 1"),
                        set(3, "SELECT * FROM member", "SELECT * FROM nothing"),
                        set(4, "SELECT * FROM member"))));
                assertEquals("batch 1 7{team+[1,\"red\"]} 3: no such table: `nothing`. If the table exists, it may be marked "
                        + "private., executing: `SELECT * FROM nothing` 4{}", client.next());
                client.call(2, "add_member", 1, 1, "ann", true);
                assertEquals("result 2 ok 4{member+[1,1,\"ann\",true]}", client.next());
                assertEquals("dropped 3/7 {team-[1,\"red\"]}", client.unsubscribe(3, 7).next());
                db.sql("DELETE FROM member");
                client.next();
                client.close();
            }
        }
    }

    @Test
    @Proves("websocket.md 11")
    default void sessionsAreOpenOnce() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient first = db.open(Subprotocol.V2, "session_id=tab-1");
            db.open(Http.newUser(), Subprotocol.V2, "session_id=tab-1").alive();
            db.open(Subprotocol.V1_JSON, "session_id=tab-2").alive();
            WsClient second = db.enter(db.upgrade(Subprotocol.V3).token(db.owner.token()).query("session_id=tab-1"));
            second.endsSilently("4000 the session id is in use by another connection");
            first.alive();
            first.reset();
            db.awaitConnections(2);
            db.open(Subprotocol.V3, "session_id=tab-1").alive();
        }
    }

    @Test
    @Proves("websocket.md 7")
    default void tenThousandMessagesInOnePayload() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient client = db.open(Subprotocol.V3);
            List<ClientMessage> many = new ArrayList<>();
            for (int i = 0; i < 10_000; i++) {
                many.add(i % 2 == 0
                        ? new ClientMessage.OneOffQuery(i, new byte[0], "SELECT * FROM team WHERE id = 1")
                        : new ClientMessage.Unsubscribe(SubscriptionKind.SET, i, i, false));
            }
            client.send(new ClientEncoder(Subprotocol.V3).encodeAll(many));
            Set<byte[]> payloads = Collections.newSetFromMap(new IdentityHashMap<>());
            for (int i = 0; i < 10_000; i++) {
                String answer = client.next();
                String expected = i % 2 == 0 ? "rows " + i + " " : "error " + i + "/" + i + ": Subscription not found";
                assertTrue(answer.startsWith(expected), i + ": " + answer);
                payloads.add(client.lastPayload());
            }
            assertTrue(payloads.size() < 5_000, payloads.size() + " payloads");
            client.alive();
        }
    }

    /** As many queries as a connection may have; the next one is refused, and nothing stays when the client leaves. */
    @Test
    @Proves("websocket.md 8")
    default void tenThousandQueries() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient witness = db.open(Subprotocol.V2);
            for (Subprotocol subprotocol : Subprotocol.values()) {
                WsClient client = db.open(subprotocol);
                client.subscribe(1, 1, IntStream.range(0, 10_000).mapToObj(id -> "SELECT * FROM member WHERE id = " + id)
                        .toArray(String[]::new));
                assertEquals("applied 1/1 {}", client.next().replaceAll(" *member\\[]", ""));
                assertEquals(10_000, db.metric("geodesic_watched_queries"));
                client.subscribe(2, 2, "SELECT * FROM team");
                String refused = client.next();
                assertTrue(refused.startsWith("error 2/2: the connection would watch more queries than"), refused);
                db.call("add_member", "[7, 1, \"ann\", true]");
                assertTrue(client.next().contains("{member+[7,1,\"ann\",true]}"));
                db.sql("DELETE FROM member");
                client.vanish();
                db.awaitConnections(1);
                assertEquals(0, db.metric("geodesic_watched_queries"));
            }
            witness.alive();
        }
    }

    @Test
    @Proves("websocket.md 10")
    default void setsComeAndGo() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient client = db.open(Subprotocol.V3);
            List<ClientMessage> storm = new ArrayList<>();
            for (int i = 0; i < 2_000; i++) {
                List<String> queries = List.of("SELECT * FROM team WHERE id = " + i % 5, "SELECT * FROM *");
                storm.add(new ClientMessage.Subscribe(SubscriptionKind.SET, 3 * i, i % 3, queries));
                storm.add(new ClientMessage.CallReducer("nothing", client.arguments(), 3 * i + 1, true));
                storm.add(new ClientMessage.Unsubscribe(SubscriptionKind.SET, 3 * i + 2, i % 3, i % 2 == 0));
            }
            client.send(new ClientEncoder(Subprotocol.V3).encodeAll(storm));
            for (int i = 0; i < 2_000; i++) {
                String applied = client.next();
                assertTrue(applied.startsWith("applied " + 3 * i + "/" + i % 3 + " {"), applied);
                assertEquals("result " + (3 * i + 1) + " ok", client.next());
                String dropped = client.next();
                assertTrue(dropped.startsWith("dropped " + (3 * i + 2) + "/" + i % 3), dropped);
            }
            assertEquals(0, db.metric("geodesic_watched_queries"));
            client.alive();
        }
    }

    /** Bytes like messages of every version, until the server hangs up; it always says why. */
    @Test
    @Proves("websocket.md 10")
    default void damagedMessages() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient witness = db.open(Subprotocol.V2);
            for (Subprotocol subprotocol : Subprotocol.values()) {
                ClientEncoder encoder = new ClientEncoder(subprotocol);
                Frame good = encoder.encode(subprotocol.isV1()
                        ? new ClientMessage.Subscribe(SubscriptionKind.MULTI, 1, 1, List.of("SELECT * FROM team"))
                        : new ClientMessage.Subscribe(SubscriptionKind.SET, 1, 1, List.of("SELECT * FROM team")));
                for (int cut = 0; cut < good.length(); cut += 1 + good.length() / 8) {
                    WsClient client = db.open(subprotocol);
                    client.frame(WsClient.FIN | (good.isText() ? WsClient.TEXT : WsClient.BINARY),
                            Arrays.copyOf(good.bytes(), cut));
                    String end = client.end();
                    assertTrue(end.startsWith("1011 "), subprotocol + " cut at " + cut + ": " + end);
                }
            }
            String longName = "x".repeat(500);
            WsClient client = db.open(Subprotocol.V1_JSON);
            client.frame(WsClient.FIN | WsClient.TEXT, ("{\"" + longName + "\":{}}").getBytes(StandardCharsets.UTF_8));
            String end = client.end();
            assertTrue(end.startsWith("1011 unknown variant") && end.length() <= 128, end);
            db.awaitConnections(1);
            witness.alive();
        }
    }
}
