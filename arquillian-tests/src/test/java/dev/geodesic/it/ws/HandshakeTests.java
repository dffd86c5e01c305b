package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.ws.Http.User;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.ServerMessage.InitialConnection;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Proves;
import java.util.List;
import org.junit.jupiter.api.Test;

/** spec/websocket.md section 1. */
interface HandshakeTests {

    String UNKNOWN_IDENTITY = "c200" + "00".repeat(30);

    @Test
    @Proves("websocket.md 1.1")
    @Proves("client-expectations.md 1.2")
    @Proves("client-expectations.md 1.3")
    @Proves("client-expectations.md 2")
    default void subprotocolIsTheServersChoice() {
        try (TestDatabase db = TestDatabase.publish()) {
            for (Subprotocol only : Subprotocol.values()) {
                assertEquals(only, db.greeted(db.upgrade(only)).subprotocol);
            }
            String all = "v1.json.spacetimedb, v1.bsatn.spacetimedb ,v2.bsatn.spacetimedb,v3.bsatn.spacetimedb";
            assertEquals(Subprotocol.V3, db.greeted(db.upgrade().offer(all)).subprotocol);
            Upgrade lines = db.upgrade().offer("soap").offer("v1.json.spacetimedb").offer("v1.bsatn.spacetimedb, x");
            assertEquals(Subprotocol.V1_BSATN, db.greeted(lines).subprotocol);
            assertEquals(Subprotocol.V2, db.greeted(db.upgrade(Subprotocol.V2, Subprotocol.V1_JSON)).subprotocol);
            assertEquals("400 no valid protocol selected", db.upgrade().send().toString());
            for (String unknown : List.of("v4.bsatn.spacetimedb", "V3.BSATN.SPACETIMEDB", "", ",")) {
                assertEquals("400 no valid protocol selected", db.upgrade().offer(unknown).send().toString());
            }
        }
    }

    @Test
    @Proves("websocket.md 1.3")
    default void refusesWhatIsNoHandshake() {
        try (TestDatabase db = TestDatabase.publish()) {
            for (Upgrade plain : List.of(db.upgrade(Subprotocol.V2).without("Upgrade"),
                    db.upgrade(Subprotocol.V2).without("Upgrade").without("Connection"),
                    db.upgrade(Subprotocol.V2).header("Upgrade", "h2c"))) {
                Upgrade.Answer answer = plain.send();
                assertEquals("426 This service requires use of the websocket protocol", answer.toString());
                assertEquals("websocket", answer.header("upgrade"));
                assertTrue(answer.header("connection").toLowerCase().contains("upgrade"), answer.headers()::toString);
            }
            String version = "400 `Sec-WebSocket-Version` header did not include '13'";
            assertEquals(version, db.upgrade(Subprotocol.V2).header("Sec-WebSocket-Version", "8").send().toString());
            assertEquals(version, db.upgrade(Subprotocol.V2).without("Sec-WebSocket-Version").send().toString());
            assertEquals("400 `Sec-WebSocket-Key` header missing",
                    db.upgrade(Subprotocol.V2).without("Sec-WebSocket-Key").send().toString());
            for (String key : List.of("", "x", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZSE=")) {
                assertEquals("400 `Sec-WebSocket-Key` header is not 16 bytes in base 64",
                        db.upgrade(Subprotocol.V2).header("Sec-WebSocket-Key", key).send().toString(), key);
            }
            assertEquals(426, db.upgrade(Subprotocol.V2).header("Connection", "keep-alive").send().status());
            db.greeted(db.upgrade(Subprotocol.V2).header("Connection", "keep-alive, upgrade")).alive();
            for (String method : List.of("POST", "PUT", "DELETE")) {
                Upgrade.Answer answer = db.upgrade(Subprotocol.V2).method(method).header("Content-Length", "0").send();
                assertEquals(405, answer.status(), method);
                assertEquals("GET,HEAD", answer.header("allow"));
            }
        }
    }

    @Test
    @Proves("websocket.md 1.2")
    default void refusesBadParameters() {
        try (TestDatabase db = TestDatabase.publish()) {
            for (String bad : List.of("compression=gzip", "compression=", "connection_id=12", "connection_id=" + "g".repeat(32),
                    "light=1", "confirmed=yes", "confirmed=", "light=true&light=true", "token=%zz")) {
                Upgrade.Answer answer = db.upgrade(Subprotocol.V2).query(bad).send();
                assertEquals(400, answer.status(), bad);
                assertTrue(answer.body().startsWith("Failed to deserialize query string: "), answer::toString);
            }
            assertEquals("400 Invalid connection ID: the all-zeros ConnectionId is reserved.",
                    db.upgrade(Subprotocol.V2).query("connection_id=" + "0".repeat(32)).send().toString());
            db.greeted(db.upgrade(Subprotocol.V2).query("unknown=%41", "x", "", "light=false", "compression=None")).alive();
        }
    }

    @Test
    @Proves("websocket.md 1.3")
    @Proves("http-api.md 3.1")
    @Proves("client-expectations.md 12")
    default void refusesStrangersAndUnknownDatabases() {
        try (TestDatabase db = TestDatabase.publish()) {
            Upgrade.Answer rubbish = db.upgrade(Subprotocol.V2).token("rubbish").send();
            assertEquals(401, rubbish.status());
            assertTrue(rubbish.body().startsWith("Invalid token: "), rubbish::toString);
            assertNull(rubbish.header("spacetime-identity"));
            String damaged = db.owner.token().substring(0, db.owner.token().length() - 6) + "AAAAAA";
            assertEquals(401, db.upgrade(Subprotocol.V2).query("token=" + damaged).send().status());
            Upgrade.Answer malformed = db.upgrade(Subprotocol.V2).header("Authorization", "Basic YTpi").send();
            assertEquals("400 Authorization is invalid: malformed token", malformed.toString());
            assertNull(malformed.header("spacetime-identity"));

            Upgrade.Answer unknown = new Upgrade("no-such-database", Subprotocol.V2).token(db.owner.token()).send();
            assertEquals(404, unknown.status(), unknown::toString);
            assertEquals(db.owner.identity(), unknown.header("spacetime-identity"));
            assertEquals(404, new Upgrade(UNKNOWN_IDENTITY, Subprotocol.V2).send().status());
            db.greeted(new Upgrade(db.identity, Subprotocol.V2)).alive();
        }
    }

    @Test
    @Proves("client-expectations.md 12")
    default void firstMessageTellsWhoIsConnected() {
        try (TestDatabase db = TestDatabase.publish()) {
            for (Subprotocol subprotocol : Subprotocol.values()) {
                WsClient client = db.open(subprotocol);
                InitialConnection hello = client.hello();
                assertEquals(db.owner.identity(), hello.identity().toHex());
                assertEquals(db.owner.token(), hello.token());
                assertFalse(hello.connectionId().isNone());
                assertEquals(db.owner.identity(), client.handshake.header("spacetime-identity"));
                assertEquals(db.owner.token(), client.handshake.header("spacetime-identity-token"));
                client.silent();
            }
            WsClient anonymous = db.greeted(db.upgrade(Subprotocol.V2));
            String identity = anonymous.hello().identity().toHex();
            assertNotEquals(db.owner.identity(), identity);
            assertEquals(identity, anonymous.handshake.header("spacetime-identity"));
            WsClient again = db.open(new User(identity, anonymous.hello().token()), Subprotocol.V1_JSON);
            assertEquals(identity, again.hello().identity().toHex());
            assertNotEquals(anonymous.hello().connectionId(), again.hello().connectionId());

            // As a browser does: a short-lived token in the query, which is what the first message shows.
            String brief = Http.string(Http.ok("POST", "identity/websocket-token", db.owner.token(), new byte[0]), "token");
            WsClient browser = db.greeted(db.upgrade(Subprotocol.V3).query("token=" + brief, "compression=Gzip"));
            assertEquals(db.owner.identity(), browser.hello().identity().toHex());
            assertEquals(brief, browser.hello().token());
            // The header wins.
            WsClient both = db.greeted(db.upgrade(Subprotocol.V2).token(db.owner.token()).query("token=rubbish"));
            assertEquals(db.owner.identity(), both.hello().identity().toHex());
        }
    }

    @Test
    @Proves("client-expectations.md 8")
    default void connectionIdIsTheClientsIfItWants() {
        try (TestDatabase db = TestDatabase.publish()) {
            String id = "0123456789abcdef00112233445566ff";
            WsClient client = db.open(Subprotocol.V2, "connection_id=" + id);
            assertEquals(id, client.hello().connectionId().toHex());
            client.call(1, "test_whoami", "mark");
            assertEquals("result 1 ok", client.next());
            List<String> found = db.sql("SELECT value FROM test_found WHERE label = 'mark'");
            assertEquals(4, found.size());
            for (String value : List.of(db.owner.identity(), id, db.identity)) {
                assertTrue(found.contains("[\"" + value + "\"]"), found::toString);
            }

            // In use by somebody else.
            WsClient thief = db.enter(db.upgrade(Subprotocol.V2).query("connection_id=" + id));
            assertEquals("1011 the connection id is in use by another client", thief.end());
            // The same client twice.
            WsClient twin = db.open(Subprotocol.V2, "connection_id=" + id);
            twin.alive();
            client.alive();
            twin.close();
            db.awaitConnections(1);
            client.alive();
        }
    }

    @Test
    @Proves("execution.md 3.2")
    default void moduleMayRefuseAClient() {
        for (Subprotocol subprotocol : Subprotocol.values()) {
            try (TestDatabase db = TestDatabase.publish()) {
                User banned = Http.newUser();
                WsClient owner = db.open(subprotocol);
                owner.call(1, "ban", Identity.fromHex(banned.identity()));
                assertEquals("result 1 ok", owner.next());
                WsClient refused = db.enter(db.upgrade(subprotocol).token(banned.token()));
                refused.call(7, "nothing");
                assertEquals("1011 Connection rejected by `client_connected` reducer: you are banned", refused.end());
                db.awaitConnections(1);
                owner.alive();
            }
        }
    }

    @Test
    @Proves("execution.md 3.2")
    @Proves("execution.md 3.3")
    default void modulesSeeWhoComesAndGoes() {
        for (var module : List.of(TestDatabase.V9, TestDatabase.V10)) {
            try (TestDatabase db = TestDatabase.publish(module)) {
                WsClient owner = db.open(Subprotocol.V2);
                owner.call(1, "test_turn", "sessions", true);
                assertEquals("result 1 ok", owner.next());
                WsClient client = db.greeted(db.upgrade(Subprotocol.V2));
                String who = "\"0x" + client.hello().identity().toHex() + "\"";
                client.close();
                db.awaitConnections(1);
                List<String> came = db.sql("SELECT who, came FROM test_session").stream()
                        .filter(row -> row.contains(who)).sorted().toList();
                assertEquals(List.of("[[" + who + "],false]", "[[" + who + "],true]"), came);
                // A client_disconnected that fails keeps nobody.
                owner.call(2, "test_turn", "fail disconnect", true);
                assertEquals("result 2 ok", owner.next());
                db.open(Subprotocol.V1_JSON).close();
                db.awaitConnections(1);
            }
        }
    }
}
