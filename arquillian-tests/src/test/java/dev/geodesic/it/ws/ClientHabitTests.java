package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.testkit.Proves;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** Habits of published clients that cannot be run here (spec/client-expectations.md 8), and a large answer over a slow line. */
interface ClientHabitTests {

    /** Rows of the slow transfer, one MiB each. */
    int LARGE_ROWS = 100;
    /** Longer than a client may be silent, with the interval in which the server looks. */
    long TRANSFER_MILLIS = 50_000;

    /** C# sends a connection id of its own with every connection, and has one-off queries (RemoteQuery). */
    @Test
    @Proves("client-expectations.md 8")
    @Proves("client-expectations.md 13")
    default void csharp() {
        for (Subprotocol subprotocol : List.of(Subprotocol.V1_BSATN, Subprotocol.V2)) {
            try (TestDatabase db = TestDatabase.publish()) {
                ThreadLocalRandom random = ThreadLocalRandom.current();
                String id = "%016x%016x".formatted(random.nextLong() | 1, random.nextLong());
                WsClient client = db.open(
                        subprotocol, "connection_id=" + id, "compression=Brotli", "light=true", "confirmed=true");
                assertEquals(id, client.hello().connectionId().toHex());
                client.call(1, "test_whoami", "csharp");
                client.next();
                assertTrue(db.sql("SELECT value FROM test_found WHERE label = 'csharp'").contains("[\"" + id + "\"]"), id);

                byte[] messageId = new byte[16];
                random.nextBytes(messageId);
                for (var query : List.of("SELECT * FROM team", "SELECT * FROM member", "SELECT * FROM nope", "SELEKT")) {
                    client.send(new ClientMessage.OneOffQuery(2, subprotocol.isV1() ? messageId : new byte[0], query));
                    ServerMessage.OneOffResult result = (ServerMessage.OneOffResult) client.nextMessage();
                    if (subprotocol.isV1()) {
                        assertArrayEquals(messageId, result.messageId());
                    } else {
                        assertEquals(2, result.requestId());
                    }
                    if (query.endsWith("team") || query.endsWith("member")) {
                        QueryOutcome.Rows rows = assertInstanceOf(QueryOutcome.Rows.class, result.outcome(), query);
                        assertEquals(query.substring(query.lastIndexOf(' ') + 1), rows.tableName());
                        assertEquals(query.endsWith("team") ? 2 : 0, rows.rows().inserts().count());
                    } else {
                        assertInstanceOf(QueryOutcome.Failed.class, result.outcome(), query);
                    }
                }
                // Later requests are answered.
                client.subscribe(3, 1, "SELECT * FROM team");
                client.next();
                client.unsubscribe(4, 1);
                // It asks for the rows.
                assertTrue(client.next().startsWith("dropped 4/1 {team-"));
                client.alive();
            }
        }
    }

    /** No rows: C# takes the count from the size hint, which is then the empty list of offsets. */
    @Test
    @Proves("client-expectations.md 8")
    default void emptyAnswers() {
        try (TestDatabase db = TestDatabase.publish()) {
            WsClient client = db.open(Subprotocol.V2, "compression=None");
            client.query(7, "SELECT * FROM member");
            client.nextMessage();
            ByteBuffer expected = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
            expected.put((byte) 0).put((byte) 5).putInt(7).put((byte) 0).putInt(1);
            expected.putInt(6).put("member".getBytes(StandardCharsets.UTF_8)).put((byte) 1).putInt(0).putInt(0);
            assertArrayEquals(Arrays.copyOf(expected.array(), expected.position()), client.lastPayload());
        }
    }

    /** The client that reads slowly. */
    final class Slow {

        private static TestDatabase db;
        private static WsClient client;

        private Slow() {
        }
    }

    @BeforeAll
    static void beginTransfer() {
        Slow.db = TestDatabase.publish();
        for (int id = 1; id <= LARGE_ROWS; id++) {
            Slow.db.call("add_blob", "[" + id + ", " + (1 << 20) + "]");
        }
        Slow.client = Slow.db.greeted(Slow.db.upgrade(Subprotocol.V2).query("compression=None").receiveBuffer(1 << 16));
        Slow.client.readAtMost((LARGE_ROWS << 20) * 1000L / TRANSFER_MILLIS);
        Slow.client.subscribe(1, 1, "SELECT * FROM blob");
    }

    /** 100 MB that take longer than a client may be silent: it lives, since it reads; pings reach it in between. */
    @Test
    @Order(Integer.MAX_VALUE - 1)
    @Proves("client-expectations.md 13")
    @Proves("websocket.md 10")
    default void largeAnswersOverSlowLines() {
        ServerMessage.SubscribeApplied applied =
                assertInstanceOf(ServerMessage.SubscribeApplied.class, Slow.client.nextMessageWithin(2 * TRANSFER_MILLIS));
        assertEquals(LARGE_ROWS, applied.tables().stream().mapToInt(table -> table.fragments().stream()
                .mapToInt(rows -> rows.inserts().count()).sum()).sum());
        assertTrue(Slow.client.pings() >= 2, Slow.client.pings() + " pings");
        Slow.client.readAtMost(Long.MAX_VALUE);
        Slow.client.alive();
    }

    @AfterAll
    static void endTransfer() {
        Slow.db.close();
    }
}
