package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.testkit.Proves;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Connections on which nothing happens (spec/websocket.md 10). They are opened first and looked at after all other tests. */
interface IdleTests {

    /** No frame for 30 seconds, and time to see it. */
    long DROPPED_AFTER_MILLIS = 46_000;
    /** Tokens for browsers last a minute. */
    long TOKEN_EXPIRED_AFTER_MILLIS = 62_000;

    /** The clients of the test. */
    final class Clients {

        private static TestDatabase db;
        private static final List<WsClient> LISTENING = new ArrayList<>();
        private static WsClient deaf;
        private static WsClient mute;
        private static WsClient outlived;
        private static long since;

        private Clients() {
        }
    }

    @BeforeAll
    static void open() {
        Clients.db = TestDatabase.publish();
        for (Subprotocol subprotocol : Subprotocol.values()) {
            Clients.LISTENING.add(Clients.db.open(subprotocol));
        }
        Clients.deaf = Clients.db.open(Subprotocol.V2);
        Clients.deaf.stopReading();
        // One frame it reads still.
        Clients.deaf.ignorePings();
        Clients.mute = Clients.db.open(Subprotocol.V1_JSON);
        Clients.mute.ignorePings();
        Clients.outlived = Clients.db.greeted(Clients.db.upgrade(Subprotocol.V2).token(Http.string(
                Http.ok("POST", "identity/websocket-token", Clients.db.owner.token(), new byte[0]), "token")));
        Clients.since = System.currentTimeMillis();
    }

    @Test
    @Order(Integer.MAX_VALUE)
    @Timeout(120)
    @Proves("websocket.md 10")
    @Proves("client-expectations.md 6.1")
    default void silentClientsAreDroppedAndIdleOnesKept() throws InterruptedException {
        Thread.sleep(Math.max(0, Clients.since + DROPPED_AFTER_MILLIS - System.currentTimeMillis()));
        Clients.db.awaitConnections(Clients.LISTENING.size() + 1);
        for (WsClient client : Clients.LISTENING) {
            assertTrue(client.pings() >= 2, client.pings() + " pings");
            client.silent();
            client.alive();
        }
        assertEquals(Carrier.dropped("1001 nothing came for 30 seconds"), Clients.mute.end());
        assertTrue(Clients.mute.pings() >= 1);
        // A token is looked at once.
        Thread.sleep(Math.max(0, Clients.since + TOKEN_EXPIRED_AFTER_MILLIS - System.currentTimeMillis()));
        Clients.outlived.alive();
        Clients.deaf.resumeReading();
        assertEquals(Carrier.dropped("1001 nothing came for 30 seconds"), Clients.deaf.end());
    }

    @AfterAll
    static void close() {
        Clients.db.close();
    }
}
