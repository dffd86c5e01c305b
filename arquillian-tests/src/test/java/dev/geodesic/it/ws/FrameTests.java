package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.ClientEncoder;
import dev.geodesic.protocol.Frame;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.testkit.Proves;
import java.io.ByteArrayOutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What RFC 6455 demands of a server, clause by clause, as far as {@link HostileTests} does not show it already. */
interface FrameTests {

    /** The time after which TCP ends when the closing handshake is done, and some more. */
    long CLOSED_MILLIS = 20_000;

    /**
     * A way to break the rules.
     *
     * @param clause section of RFC 6455
     * @param frames what the client sends, in hex
     * @param end code of the close frame that it gets
     */
    record Case(String clause, String frames, int end) {
    }

    List<Case> CASES = List.of(
            new Case("5.2 reserved bit 1", "c2 80 00000000", 1002),
            new Case("5.2 reserved bit 2", "a2 80 00000000", 1002),
            new Case("5.2 reserved bit 3 of a ping", "99 80 00000000", 1002),
            new Case("5.2 opcode 3", "83 80 00000000", 1002),
            new Case("5.2 opcode 7 in a message", "02 80 00000000 07 80 00000000", 1002),
            new Case("5.2 opcode 11", "8b 80 00000000", 1002),
            new Case("5.2 opcode 15", "8f 80 00000000", 1002),
            new Case("5.2 two bytes for a length of 5", "82 fe 0005 00000000 0000000000", 1002),
            new Case("5.2 eight bytes for a length of 126", "82 ff 000000000000007e 00000000", 1002),
            new Case("5.2 highest bit of a length", "82 ff 8000000000000000 00000000", 1002),
            new Case("5.2 length of 2^63-1", "82 ff 7fffffffffffffff 00000000", 1009),
            new Case("5.1 not masked", "82 01 00", 1002),
            new Case("5.1 a close that is not masked", "88 00", 1002),
            new Case("5.4 continuation of nothing", "80 80 00000000", 1002),
            new Case("5.4 continuation after the end", "02 80 00000000 80 81 00000000 ff 00 80 00000000", 1011),
            new Case("5.4 a message within another", "01 80 00000000 82 80 00000000", 1002),
            new Case("5.5 fragmented ping", "09 80 00000000", 1002),
            new Case("5.5 fragmented close", "08 80 00000000", 1002),
            new Case("5.5 pong of 126 bytes", "8a fe 007e 00000000", 1002),
            new Case("5.5.1 close with half a code", "88 81 00000000 03", 1002),
            new Case("8.1 text that is not UTF-8", "81 82 00000000 c328", 1007),
            new Case("8.1 text that is not UTF-8, in its second fragment", "01 81 00000000 c3 80 81 00000000 28", 1007),
            new Case("8.1 text that ends inside of a character", "01 81 00000000 e2 80 81 00000000 82", 1007),
            new Case("8.1 reason that is not UTF-8", "88 84 00000000 03e8 c328", 1007));

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }

    private static String end(WsClient client, byte[] bytes) {
        try {
            client.raw(bytes);
        } catch (UncheckedIOException e) {
            // It did not wait for the rest.
        }
        return client.end();
    }

    @Test
    @Proves("websocket.md 10")
    default void brokenRulesEndInTheirCodes() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient witness = db.open(Subprotocol.V2);
            for (Case broken : CASES) {
                WsClient client = db.open(Subprotocol.V1_JSON);
                String end = end(client, hex(broken.frames()));
                assertTrue(end.startsWith(broken.end() + " "), () -> broken + ": " + end);
            }
            db.awaitConnections(1);
            witness.alive();
        }
    }

    @Test
    default void closeCodesAreAnsweredOrRefused() {
        try (TestDatabase db = TestDatabase.publish()) {
            for (int code : new int[] {1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999}) {
                WsClient client = db.open(Subprotocol.V2);
                client.frame(WsClient.FIN | WsClient.CLOSE, new byte[] {(byte) (code >> 8), (byte) code, 'o', 'k'});
                assertEquals(code + " ", client.end());
            }
            for (int code : new int[] {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535}) {
                WsClient client = db.open(Subprotocol.V2);
                client.frame(WsClient.FIN | WsClient.CLOSE, new byte[] {(byte) (code >> 8), (byte) code});
                assertTrue(client.end().startsWith("1002 "), () -> "code " + code);
            }
            WsClient client = db.open(Subprotocol.V2);
            client.frame(WsClient.FIN | WsClient.CLOSE, new byte[0]);
            assertEquals("1005 ", client.end());
            db.awaitConnections(0);
        }
    }

    /** 5.5.1 and 7.1.1: what follows a close frame is not looked at, and TCP ends soon after both have been sent. */
    @Test
    default void closeIsTheEnd() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient client = db.open(Subprotocol.V2);
            ByteArrayOutputStream frames = new ByteArrayOutputStream();
            Frame call = new ClientEncoder(Subprotocol.V2).encode(
                    new ClientMessage.CallReducer("add_member", client.arguments(1, 1, "ann", true), 1, true));
            frames.writeBytes(WsClient.masked(WsClient.FIN | WsClient.CLOSE, new byte[] {3, (byte) 0xe8}));
            frames.writeBytes(WsClient.masked(WsClient.FIN | WsClient.BINARY, Arrays.copyOf(call.bytes(), call.length())));
            client.ignoreClose();
            client.raw(frames.toByteArray());
            assertEquals("1000 ", client.end());
            client.awaitTcpEnd(CLOSED_MILLIS);
            assertEquals(List.of(), db.sql("SELECT * FROM member"));
            // The client that does not answer is dropped all the same.
            WsClient mute = db.open(Subprotocol.V2);
            mute.ignoreClose();
            mute.frame(WsClient.FIN | 3, new byte[0]);
            assertTrue(mute.end().startsWith("1002 "));
            mute.awaitTcpEnd(CLOSED_MILLIS);
            db.awaitConnections(0);
        }
    }

    /** One that sends no more cannot be answered for long: it counts as gone. */
    @Test
    default void halfOpenConnections() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient client = db.open(Subprotocol.V2);
            client.call(1, "nothing").next();
            client.endOutput();
            db.awaitConnections(0);
            client.awaitTcpEnd(CLOSED_MILLIS);
        }
    }

    @Test
    default void tenThousandFramesInOneWrite() {
        try (TestDatabase db = TestDatabase.publish()) {
            for (Subprotocol subprotocol : List.of(Subprotocol.V1_JSON, Subprotocol.V2, Subprotocol.V3)) {
                WsClient client = db.open(subprotocol);
                ByteArrayOutputStream frames = new ByteArrayOutputStream();
                for (int i = 0; i < 10_000; i++) {
                    ClientMessage call = new ClientMessage.CallReducer("nothing", client.arguments(), i, true);
                    Frame frame = new ClientEncoder(subprotocol).encode(call);
                    int opcode = frame.isText() ? WsClient.TEXT : WsClient.BINARY;
                    WsClient.header(frames, WsClient.FIN | opcode, frame.length(), 128);
                    frames.writeBytes(new byte[4]);
                    frames.write(frame.bytes(), 0, frame.length());
                }
                client.raw(frames.toByteArray());
                for (int i = 0; i < 10_000; i++) {
                    assertEquals("result " + i + " ok", client.next());
                }
                client.alive();
            }
        }
    }

    /** 5.5.3: a pong may be missing if the client pings again before it is sent, but not the newest. */
    @Test
    default void theNewestPingIsAnswered() throws InterruptedException {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient client = db.open(Subprotocol.V2);
            ByteArrayOutputStream pings = new ByteArrayOutputStream();
            for (int i = 0; i < 50_000; i++) {
                byte[] payload = "%05d".formatted(i).getBytes(StandardCharsets.US_ASCII);
                WsClient.header(pings, WsClient.FIN | WsClient.PING, payload.length, 128);
                pings.writeBytes(new byte[4]);
                pings.writeBytes(payload);
            }
            client.raw(pings.toByteArray());
            String last = "";
            while (!last.equals("49999")) {
                String next = client.nextPong();
                assertTrue(next != null && next.compareTo(last) > 0, next + " after " + last);
                last = next;
            }
            client.alive();
        }
    }

    /** 5.4: fragments of every size, the server's own too. */
    @Test
    default void largeMessagesBothWays() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient client = db.open(Subprotocol.V2, "compression=None");
            client.call(1, "add_blob", 1, 3 << 20);
            assertEquals("result 1 ok", client.next());
            client.query(2, "SELECT * FROM blob");
            client.nextMessage();
            assertTrue(client.lastPayload().length > 3 << 20);
            byte[] query = new byte[200_000];
            Arrays.fill(query, (byte) ' ');
            byte[] text = "SELECT * FROM team WHERE id = 1".getBytes(StandardCharsets.US_ASCII);
            System.arraycopy(text, 0, query, 0, text.length);
            Frame frame = new ClientEncoder(Subprotocol.V2).encode(
                    new ClientMessage.OneOffQuery(3, new byte[0], new String(query, StandardCharsets.US_ASCII)));
            String expected = client.send(frame).next();
            for (int size : new int[] {1_000, 65_535, 65_536, 150_000}) {
                int opcode = WsClient.BINARY;
                for (int at = 0; at < frame.length(); at += size) {
                    int end = Math.min(frame.length(), at + size);
                    client.frame(opcode | (end == frame.length() ? WsClient.FIN : 0),
                            Arrays.copyOfRange(frame.bytes(), at, end));
                    opcode = WsClient.CONTINUATION;
                }
                assertEquals(expected, client.next(), "fragments of " + size);
            }
        }
    }
}
