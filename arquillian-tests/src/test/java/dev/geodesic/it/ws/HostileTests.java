package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.ClientEncoder;
import dev.geodesic.protocol.Frame;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.testkit.Proves;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Frames as RFC 6455 allows and forbids them, and clients that go, hang or flood (spec/websocket.md 2, 7, 10). Another client
 * is served before and after each; that nothing is left of the bad one is what closing the database checks.
 */
interface HostileTests {

    int MESSAGE_BYTES_MAX = 32 << 20;

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] query(Subprotocol subprotocol) {
        Frame frame = new ClientEncoder(subprotocol).encode(subprotocol.isV1()
                ? new ClientMessage.OneOffQuery(0, new byte[] {5}, "SELECT * FROM team WHERE id = 1")
                : new ClientMessage.OneOffQuery(5, new byte[0], "SELECT * FROM team WHERE id = 1"));
        return Arrays.copyOf(frame.bytes(), frame.length());
    }

    @Test
    @Proves("websocket.md 2")
    default void fragmentsAndPingsBetweenThem() throws InterruptedException {
        try (TestDatabase db = TestDatabase.publish()) {
            for (Subprotocol subprotocol : Subprotocol.values()) {
                WsClient client = db.open(subprotocol);
                byte[] message = query(subprotocol);
                int first = subprotocol.isText() ? WsClient.TEXT : WsClient.BINARY;
                client.frame(first, Arrays.copyOf(message, 3));
                client.frame(WsClient.FIN | WsClient.PING, ascii("are you there"));
                client.frame(WsClient.CONTINUATION, new byte[0]);
                client.frame(WsClient.CONTINUATION, Arrays.copyOfRange(message, 3, 7));
                client.frame(WsClient.FIN | WsClient.PING, new byte[0]);
                client.frame(WsClient.FIN | WsClient.CONTINUATION, Arrays.copyOfRange(message, 7, message.length));
                assertEquals("rows 5 {team+[1,\"red\"]}", client.next(), subprotocol.name());
                assertEquals("are you there", client.nextPong());
                assertEquals("", client.nextPong());
                client.frame(WsClient.FIN | WsClient.PONG, ascii("unasked"));
                client.alive();
            }
        }
    }

    @Test
    default void fragmentsOfText() {
        try (TestDatabase db = TestDatabase.publish()) {
            String name = "\u00e9\ud83d\ude00";
            db.call("add_member", "[1, 1, \"" + name + "\", true]");
            WsClient client = db.open(Subprotocol.V1_JSON);
            String query = "{\"OneOffQuery\":{\"message_id\":\"05\",\"query_string\":\"SELECT * FROM member WHERE name = '";
            client.frame(WsClient.TEXT, ascii(query)).frame(WsClient.CONTINUATION, name.getBytes(StandardCharsets.UTF_8))
                    .frame(WsClient.FIN | WsClient.CONTINUATION, ascii("'\"}}"));
            assertEquals("rows 5 {member+[1,1,\"" + name + "\",true]}", client.next());
            client.close();
            // A known limit of the container's own WebSockets: they decode every frame by itself.
            ends(db, Carrier.IS_JAKARTA ? "1007 " : "1011 ", Subprotocol.V1_JSON,
                    bad -> bad.frame(WsClient.TEXT, new byte[] {'"', (byte) 0xc3})
                            .frame(WsClient.FIN | WsClient.CONTINUATION, new byte[] {(byte) 0xa9, '"'}));
        }
    }

    @Test
    default void byteByByte() throws InterruptedException {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient client = db.open(Subprotocol.V2);
            ByteArrayOutputStream frame = new ByteArrayOutputStream();
            byte[] message = query(Subprotocol.V2);
            WsClient.header(frame, WsClient.FIN | WsClient.BINARY, message.length, 128);
            frame.writeBytes(new byte[4]);
            frame.writeBytes(message);
            // So that the first ping has been answered: not in the middle of the frame.
            client.alive();
            for (byte b : frame.toByteArray()) {
                client.raw(new byte[] {b});
                Thread.sleep(1);
            }
            assertEquals("rows 5 {team+[1,\"red\"]}", client.next());
        }
    }

    @Test
    default void closeHandshake() {
        try (TestDatabase db = TestDatabase.publish()) {
            for (Subprotocol subprotocol : Subprotocol.values()) {
                WsClient client = db.open(subprotocol);
                client.subscribe(1, 1, "SELECT * FROM member");
                client.next();
                client.frame(WsClient.FIN | WsClient.CLOSE, new byte[] {3, (byte) 0xe8, 'b', 'y', 'e'});
                assertEquals("1000", client.end().substring(0, 4));
                db.awaitConnections(0);
            }
            WsClient client = db.open(Subprotocol.V2);
            client.frame(WsClient.FIN | WsClient.CLOSE, new byte[0]);
            client.end();
            db.awaitConnections(0);
        }
    }

    /**
     * Ends the connection of {@code hostile}, while another client is served.
     *
     * @param expected how code and reason begin
     */
    private static void ends(TestDatabase db, String expected, Subprotocol subprotocol, Consumer<WsClient> hostile) {
        WsClient witness = db.open(Subprotocol.V2);
        WsClient client = db.open(subprotocol);
        client.subscribe(1, 1, "SELECT * FROM member");
        client.next();
        try {
            hostile.accept(client);
        } catch (UncheckedIOException e) {
            // The server did not wait for the rest.
        }
        String end = client.end();
        assertTrue(end.startsWith(expected), "expected " + expected + " but was " + end);
        db.awaitConnections(1);
        witness.alive();
        db.open(subprotocol).alive();
        db.closeClients();
    }

    @Test
    @Proves("websocket.md 10")
    default void undecodableMessages() {
        try (TestDatabase db = TestDatabase.publish()) {
            ends(db, "1011 unknown tag 0xff for sum type ClientMessage", Subprotocol.V3,
                    client -> client.frame(WsClient.FIN | WsClient.BINARY, new byte[] {-1}));
            ends(db, "1011 v3 websocket binary payload must contain at least one v2 client message", Subprotocol.V3,
                    client -> client.frame(WsClient.FIN | WsClient.BINARY, new byte[0]));
            ends(db, "1011 v3 websocket does not support text messages", Subprotocol.V3,
                    client -> client.frame(WsClient.FIN | WsClient.TEXT, ascii("{}")));
            ends(db, "1011 v2 websocket does not support text messages", Subprotocol.V2,
                    client -> client.frame(WsClient.FIN | WsClient.TEXT, ascii("{}")));
            // A count of strings that would take more memory than there is.
            byte[] countOfStrings = {0, 1, 0, 0, 0, 1, 0, 0, 0, -1, -1, -1, -1};
            ends(db, "1011 data too short for array", Subprotocol.V2,
                    client -> client.frame(WsClient.FIN | WsClient.BINARY, countOfStrings));
            ends(db, "1011 invalid type", Subprotocol.V1_JSON,
                    client -> client.frame(WsClient.FIN | WsClient.TEXT, ascii("[".repeat(100_000))));
            ends(db, "1007 ", Subprotocol.V1_JSON,
                    client -> client.frame(WsClient.FIN | WsClient.TEXT, new byte[] {'"', (byte) 0xc3, '"'}));
        }
    }

    @Test
    default void brokenFrames() {
        try (TestDatabase db = TestDatabase.publish()) {
            ends(db, "1002 ", Subprotocol.V2, client -> {
                ByteArrayOutputStream frame = new ByteArrayOutputStream();
                byte[] message = query(Subprotocol.V2);
                WsClient.header(frame, WsClient.FIN | WsClient.BINARY, message.length, 0);
                frame.writeBytes(message);
                client.raw(frame.toByteArray());
            });
            int reservedBit = 0x40;
            int reservedOpcode = 3;
            ends(db, "1002 ", Subprotocol.V2,
                    client -> client.frame(WsClient.FIN | reservedBit | WsClient.BINARY, query(Subprotocol.V2)));
            ends(db, "1002 ", Subprotocol.V2, client -> client.frame(WsClient.FIN | reservedOpcode, query(Subprotocol.V2)));
            ends(db, "1002 ", Subprotocol.V2,
                    client -> client.frame(WsClient.FIN | WsClient.CONTINUATION, query(Subprotocol.V2)));
            ends(db, "1002 ", Subprotocol.V2, client -> client.frame(WsClient.BINARY, new byte[] {1})
                    .frame(WsClient.FIN | WsClient.BINARY, new byte[] {1}));
            ends(db, "1002 ", Subprotocol.V2, client -> client.frame(WsClient.PING, new byte[] {1}));
            ends(db, "1002 ", Subprotocol.V2, client -> client.frame(WsClient.FIN | WsClient.PING, new byte[126]));
            ends(db, "1002 ", Subprotocol.V2, client -> client.frame(WsClient.FIN | WsClient.CLOSE, new byte[1]));
            ends(db, "1002 ", Subprotocol.V2, client -> client.raw(ascii("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
        }
    }

    @Test
    @Proves("websocket.md 10")
    default void oversizedMessages() {
        try (TestDatabase db = TestDatabase.publish()) {
            ends(db, "1009 ", Subprotocol.V2,
                    client -> client.frame(WsClient.FIN | WsClient.BINARY, new byte[MESSAGE_BYTES_MAX + 1]));
            ends(db, "1009 ", Subprotocol.V2, client -> {
                client.frame(WsClient.BINARY, new byte[MESSAGE_BYTES_MAX / 2]);
                client.frame(WsClient.CONTINUATION, new byte[MESSAGE_BYTES_MAX / 2]);
                client.frame(WsClient.FIN | WsClient.CONTINUATION, new byte[1]);
            });
            ends(db, "1009 ", Subprotocol.V1_JSON,
                    client -> client.frame(WsClient.FIN | WsClient.TEXT, ascii(" ".repeat(MESSAGE_BYTES_MAX + 1))));
            // Only announced.
            ends(db, "1009 ", Subprotocol.V2, client -> {
                ByteArrayOutputStream frame = new ByteArrayOutputStream();
                WsClient.header(frame, WsClient.FIN | WsClient.BINARY, Long.MAX_VALUE, 128);
                client.raw(frame.toByteArray()).raw(new byte[100]);
            });
            // As large as allowed.
            ends(db, "1011 expected value at line 1 column 1", Subprotocol.V1_JSON,
                    client -> client.frame(WsClient.FIN | WsClient.TEXT, ascii("x".repeat(MESSAGE_BYTES_MAX))));
        }
    }

    @Test
    default void clientsVanish() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient witness = db.open(Subprotocol.V2);
            for (Subprotocol subprotocol : Subprotocol.values()) {
                db.open(subprotocol).vanish();
                db.open(subprotocol).reset();
                db.open(subprotocol).call(1, "nothing").subscribe(2, 1, "SELECT * FROM *").vanish();
                // In the middle of a frame.
                db.open(subprotocol).raw(new byte[] {(byte) 0x82, (byte) 0xff, 0, 0}).reset();
                // Before the first message.
                db.enter(db.upgrade(subprotocol)).vanish();
                db.enter(db.upgrade(subprotocol)).reset();
            }
            db.awaitConnections(1);
            witness.alive();
        }
    }

    /** Header fields of a size that nobody needs, a header that never ends, and a thousand fields. */
    @Test
    @Proves("websocket.md 1.3")
    default void hugeHandshakes() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient witness = db.open(Subprotocol.V2);
            String large = "x".repeat(1 << 20);
            List<Upgrade> huge = List.of(
                    db.upgrade(Subprotocol.V2).token(large),
                    db.upgrade(Subprotocol.V2).header("Cookie", large),
                    db.upgrade(Subprotocol.V2).header(large, "x"),
                    db.upgrade(Subprotocol.V2).query("token=" + large),
                    db.upgrade().offer(large));
            for (Upgrade each : huge) {
                assertNotEquals(101, status(each));
                witness.alive();
            }
            Upgrade many = db.upgrade(Subprotocol.V2).token(db.owner.token());
            for (int i = 0; i < 100_000; i++) {
                many.header("X-" + i, "x");
            }
            assertNotEquals(101, status(many));
            // As many subprotocols as fit: the last is ours.
            WsClient picky = db.greeted(db.upgrade().offer("x, ".repeat(5_000) + Subprotocol.V3.headerValue())
                    .token(db.owner.token()));
            assertEquals(Subprotocol.V3, picky.subprotocol);
            picky.alive();
            db.awaitConnections(2);
        }
    }

    /** Status of the answer; 0 if the server just hung up. */
    private static int status(Upgrade upgrade) {
        try {
            return upgrade.send().status();
        } catch (UncheckedIOException e) {
            return 0;
        }
    }

    /** Beginnings of requests and of frames are held open, as many as there are threads and more. Others are served. */
    @Test
    @Proves("websocket.md 10")
    @Proves("http-api.md 8")
    default void halfFramesAndHalfRequests() throws IOException {
        try (TestDatabase db = TestDatabase.publish()) {
            byte[] half = {(byte) 0x82, (byte) 0xfe, 1};
            List<WsClient> waiting = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                waiting.add(db.open(Subprotocol.values()[i % 4]).raw(Arrays.copyOf(half, 1 + i % half.length)));
            }
            List<Socket> requests = new ArrayList<>();
            try {
                String rest = " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[";
                List<String> beginnings = List.of(
                        "GET /v1/database/", "PUT /v1/database/x" + rest, "POST /v1/database/x/call/y" + rest,
                        "POST /v1/database/x/sql" + rest);
                for (int i = 0; i < 400; i++) {
                    Socket socket = new Socket("localhost", Http.PORT);
                    requests.add(socket);
                    socket.getOutputStream().write(ascii(beginnings.get(i % beginnings.size())));
                }
                WsClient witness = db.open(Subprotocol.V2);
                witness.alive();
                db.call("add_member", "[1, 1, \"ann\", true]");
                assertEquals(List.of("[1,1,\"ann\",true]"), db.sql("SELECT * FROM member"));
            } finally {
                for (Socket socket : requests) {
                    socket.close();
                }
            }
            db.awaitConnections(101);
            waiting.forEach(WsClient::reset);
            db.awaitConnections(1);
        }
    }

    /** Connections come and go in every way, faster than the module can be told. */
    @Test
    @Timeout(120)
    @Proves("websocket.md 10")
    default void reconnectStorm() throws InterruptedException {
        try (TestDatabase db = TestDatabase.publish()) {
            db.call("test_turn", "[\"sessions\", true]");
            WsClient witness = db.open(Subprotocol.V2);
            List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                int number = t;
                threads.add(Thread.ofVirtual().start(() -> {
                    try {
                        for (int i = 0; i < 25; i++) {
                            Subprotocol subprotocol = Subprotocol.values()[(number + i) % 4];
                            Upgrade upgrade = db.upgrade(subprotocol).token(db.owner.token());
                            switch (i % 5) {
                                case 0 -> db.enter(upgrade).reset();
                                case 1 -> db.enter(upgrade).vanish();
                                case 2 -> db.greeted(upgrade).subscribe(1, 1, "SELECT * FROM *").reset();
                                case 3 -> {
                                    WsClient client = db.greeted(upgrade);
                                    client.frame(WsClient.FIN | WsClient.CLOSE, new byte[] {3, (byte) 0xe8});
                                    assertEquals("1000", client.end().substring(0, 4));
                                }
                                default -> {
                                    WsClient client = db.greeted(upgrade).call(1, "nothing");
                                    assertEquals("result 1 ok", client.next());
                                    client.vanish();
                                }
                            }
                        }
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(List.of(), failures);
            witness.alive();
            db.awaitConnectionsThatLive(1);

            // What ran for each connection, in order; the call above was connected before sessions were noted.
            Map<String, String> sessions = new TreeMap<>();
            db.sql("SELECT * FROM test_session").stream().map(row -> row.substring(1, row.length() - 1).split(",", 3))
                    .sorted(Comparator.comparing(row -> Long.valueOf(row[0])))
                    .forEach(row -> sessions.merge(
                            row[2].substring(0, row[2].indexOf("]]") + 2), row[2].endsWith("true") ? "+" : "-", String::concat));
            Map<String, Long> kinds = sessions.values().stream().collect(Collectors.groupingBy(k -> k, Collectors.counting()));
            assertEquals(1, kinds.remove("-"), sessions::toString);
            assertEquals(2, kinds.remove("+"), "the witness, and the query itself");
            assertEquals(Set.of("+-"), kinds.keySet(), sessions::toString);
            assertTrue(kinds.get("+-") > 100, kinds::toString);
        }
    }

    /** It is dropped, and nobody waits for it. */
    @Test
    @Proves("websocket.md 10")
    @Proves("client-expectations.md 13")
    default void clientThatStopsReading() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient slow = db.greeted(db.upgrade(Subprotocol.V2).token(db.owner.token())
                    .query("compression=None", "confirmed=false").receiveBuffer(4096));
            slow.subscribe(1, 1, "SELECT * FROM test_index", "SELECT * FROM blob");
            slow.next();
            slow.stopReading();
            WsClient reader = db.open(Subprotocol.V2, "compression=None", "confirmed=false");
            reader.subscribe(1, 1, "SELECT * FROM test_index WHERE id < 100", "SELECT * FROM blob WHERE id < 1000");
            reader.next();
            long worst = 0;
            int request = 10;
            for (int from = 0; from < 60_000; from += 2_000) {
                worst = Math.max(worst, timed(reader, request++, "test_fill", from, from + 2_000));
            }
            worst = Math.max(worst, timed(reader, request++, "test_delete_by", "mark", "signed from", -10L));
            // More than may wait for a client.
            while (db.connections() == 2 && request < 150) {
                worst = Math.max(worst, timed(reader, request, "add_blob", 1000 + request, 1 << 20));
                request++;
            }
            db.awaitConnections(1);
            assertTrue(worst < 5_000_000_000L, "a call took " + worst / 1_000_000 + " ms");
            reader.alive();
            slow.resumeReading();
            assertNotEquals("still open", slow.end());
        }
    }

    private static long timed(WsClient client, int request, String reducer, Object... arguments) {
        long start = System.nanoTime();
        client.call(request, reducer, arguments);
        String answer = client.next();
        assertTrue(answer.startsWith("result " + request + " ok"), answer);
        return System.nanoTime() - start;
    }

    @Test
    default void twoHundredClients() throws InterruptedException {
        try (TestDatabase db = TestDatabase.publish()) {
            List<WsClient> clients = Collections.synchronizedList(new ArrayList<>());
            List<Thread> threads = new ArrayList<>();
            List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
            for (int i = 0; i < 200; i++) {
                Subprotocol subprotocol = Subprotocol.values()[i % 4];
                threads.add(Thread.ofVirtual().start(() -> {
                    try {
                        WsClient client = db.open(subprotocol);
                        client.subscribe(1, 1, "SELECT * FROM member", "SELECT * FROM team");
                        client.next();
                        clients.add(client);
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(List.of(), failures);
            db.awaitConnections(200);
            db.call("add_member", "[1, 1, \"ann\", true]");
            for (WsClient client : clients) {
                String update = client.next();
                assertTrue(update.contains("{member+[1,1,\"ann\",true]}"), update);
            }
        }
    }

    @Test
    default void floodOfRequests() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient busy = db.open(Subprotocol.V2);
            WsClient flood = db.open(Subprotocol.V3);
            busy.call(1, "spin", 2_000_000_000L);
            List<ClientMessage> many = Collections.nCopies(10_000,
                    new ClientMessage.CallReducer("nothing", flood.arguments(), 1, true));
            Frame payload = new ClientEncoder(Subprotocol.V3).encodeAll(many);
            flood.send(payload).send(payload);
            assertEquals("1013 too many requests", flood.end());
            assertEquals("result 1 ok", busy.next());
            db.awaitConnections(1);
            busy.alive();
        }
    }

    @Test
    default void floodOfPings() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient witness = db.open(Subprotocol.V2);
            WsClient client = db.open(Subprotocol.V2);
            ByteArrayOutputStream pings = new ByteArrayOutputStream();
            for (int i = 0; i < 5_000; i++) {
                WsClient.header(pings, WsClient.FIN | WsClient.PING, 4, 128);
                pings.writeBytes(new byte[8]);
            }
            client.raw(pings.toByteArray());
            client.alive();
            witness.alive();
        }
    }

    @Test
    default void subscriptionsOfEveryKindAreForgotten() {
        try (TestDatabase db = TestDatabase.publish()) {
            for (int i = 0; i < 20; i++) {
                WsClient client = db.open(Subprotocol.V1_BSATN);
                client.send(new ClientMessage.Subscribe(SubscriptionKind.LEGACY, 1, 0, List.of("SELECT * FROM *")));
                client.send(new ClientMessage.Subscribe(SubscriptionKind.SINGLE, 2, 1, List.of("SELECT * FROM team")));
                client.subscribe(3, 2, "SELECT * FROM *");
                for (int n = 0; n < 3; n++) {
                    client.next();
                }
                client.vanish();
            }
            db.awaitConnections(0);
            db.call("add_member", "[1, 1, \"ann\", true]");
        }
    }
}
