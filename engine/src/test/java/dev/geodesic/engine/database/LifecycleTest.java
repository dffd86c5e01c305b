package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.Timers.SECOND;
import static dev.geodesic.engine.database.Timers.time;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients come and go: every end of a connection, and every way in which the module may object. */
class LifecycleTest {

    @TempDir
    private Path data;

    private final ManualTimer timer = Timers.now();

    private Timers open() {
        return new Timers(data, LogFactory.MEMORY, timer);
    }

    private static TestServer.Inbox connect(Timers t, ClientInfo client, List<ClientConnection> connections) throws Exception {
        TestServer.Inbox inbox = new TestServer.Inbox();
        connections.add(t.database.connect(client, TestServer.V2, inbox, "token"));
        inbox.next(ServerMessage.InitialConnection.class);
        return inbox;
    }

    private static List<String> visits(Timers t) {
        return t.visits().stream().map(Timers.Visit::what).toList();
    }

    /** Rows of others than the reader. */
    private static int clientRows(Timers t) {
        return t.count("SELECT * FROM st_client") - 1;
    }

    private static int credentialRows(Timers t) {
        return t.count("SELECT * FROM st_connection_credentials") - 1;
    }

    // ---- in good order ----

    @Test
    @Proves("execution.md 3.2")
    @Proves("execution.md 3.3")
    void theModuleHearsOfBothWithIdentityConnectionAndToken() throws Exception {
        try (Timers t = open()) {
            ClientInfo client = TestServer.client(t.test.other);
            List<ClientConnection> connections = new ArrayList<>();
            connect(t, client, connections);
            assertEquals(1, clientRows(t));
            assertEquals(1, credentialRows(t));
            connections.getFirst().disconnect();
            connections.getFirst().disconnect();
            t.settle();
            assertEquals(List.of("came", "went"), visits(t));
            for (Timers.Visit visit : t.visits()) {
                assertEquals(client.identity(), visit.who());
                assertEquals(Optional.of(client.connection()), visit.connection());
                assertEquals(Optional.of(client.jwtPayload()), visit.jwt(), "also while it leaves");
            }
            assertEquals(0, clientRows(t));
            assertEquals(0, credentialRows(t));
        }
    }

    @Test
    @Proves("execution.md 3.2")
    void aRequestIsAConnectionOfItsOwn() {
        try (Timers t = open()) {
            ClientInfo client = TestServer.client(t.test.other);
            t.database.sql(client, "SELECT * FROM job");
            assertInstanceOf(CallResult.Committed.class, Database.join(t.database.call(
                    client, "feel_nothing", new Arguments.Json("[]"))));
            t.settle();
            assertEquals(List.of("came", "went", "came", "went"), visits(t));
            assertEquals(0, clientRows(t));
        }
    }

    @Test
    @Proves("execution.md 3.2")
    @Proves("execution.md 3.3")
    void aModuleWithoutSuchReducersHasTheRowsAllTheSame() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database tiny = test.create("tiny", new TinyModule().table("t").reducer("r", TinyModule.CALLABLE).wasm());
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection connection = tiny.connect(TestServer.client(test.other), TestServer.V2, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            assertEquals(2, test.count(tiny, "SELECT * FROM st_client"));
            assertEquals(2, test.count(tiny, "SELECT * FROM st_connection_credentials"));
            connection.disconnect();
            assertEquals(1, test.count(tiny, "SELECT * FROM st_client"));
            assertEquals(1, test.count(tiny, "SELECT * FROM st_connection_credentials"));
        }
    }

    /** Its own subscriptions end before its reducer runs, so it is not told of its own end; others are. */
    @Test
    @Proves("execution.md 3.3")
    void subscriptionsGoFirst() throws Exception {
        try (Timers t = open()) {
            List<ClientConnection> connections = new ArrayList<>();
            List<TestServer.Inbox> inboxes = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                inboxes.add(connect(t, TestServer.client(t.test.other), connections));
                connections.get(i).submit(new ClientMessage.Subscribe(
                        SubscriptionKind.SET, 1, 7, List.of("SELECT * FROM visit WHERE what = 'went'")), 10);
                inboxes.get(i).next(ServerMessage.SubscribeApplied.class);
            }
            connections.getFirst().disconnect();
            inboxes.get(1).next(ServerMessage.TransactionUpdate.class);
            t.settle();
            assertTrue(inboxes.getFirst().messages.isEmpty());
        }
    }

    // ---- refusals ----

    @Test
    @Proves("execution.md 3.2")
    void aRefusedClientLeavesNothingBehind() throws Exception {
        try (Timers t = open()) {
            refused(t, "refuse", "Connection rejected by `client_connected` reducer: not today", "not today");
            refused(t, "refuse by trap", "Connection rejected by `client_connected` reducer: " + CallResult.FATAL_ERROR,
                    CallResult.FATAL_ERROR);
        }
    }

    private void refused(Timers t, String mood, String closeReason, String text) throws Exception {
        // The mood is set from inside, by somebody who has been let in before.
        List<ClientConnection> connections = new ArrayList<>();
        TestServer.Inbox inbox = connect(t, TestServer.client(t.test.owner), connections);
        connections.getFirst().submit(TestServer.callMessage(1, "feel", "[\"" + mood + "\"]"), 10);
        inbox.next(ServerMessage.ReducerResult.class);
        TestServer.Inbox other = new TestServer.Inbox();
        ClientConnection refused = t.database.connect(TestServer.client(t.test.other), TestServer.V2, other, "token");
        assertEquals(closeReason, other.end().reason());
        assertTrue(other.messages.isEmpty());
        refused.disconnect();
        ClientInfo request = TestServer.client(t.test.other);
        for (Runnable way : List.<Runnable>of(
                () -> t.database.sql(request, "SELECT * FROM job"),
                () -> Database.join(t.database.call(
                        request, "feel_nothing", new Arguments.Json("[]"))))) {
            try {
                way.run();
                throw new AssertionError("was let in");
            } catch (EngineException e) {
                assertEquals(ErrorCode.REDUCER_FAILED, e.code());
                assertEquals(text, e.getMessage());
            }
        }
        connections.getFirst().submit(TestServer.callMessage(2, "feel_nothing", "[]"), 10);
        inbox.next(ServerMessage.ReducerResult.class);
        connections.getFirst().disconnect();
        t.settle();
        assertEquals(List.of(), visits(t), "neither came nor went");
        assertEquals(0, clientRows(t));
        assertEquals(0, credentialRows(t));
    }

    @Test
    @Proves("execution.md 3.2")
    void aReducerThatDoesNotEndRefuses() throws Exception {
        byte[] module = new TinyModule().table("t").reducer("connected", TinyModule.ON_CONNECT)
                .body("(loop $l (br $l)) (i32.const 0)").wasm();
        try (TestServer test = new TestServer(data, Timers.callMillisMax(300), LogFactory.MEMORY)) {
            Database tiny = test.create("tiny", module);
            TestServer.Inbox inbox = new TestServer.Inbox();
            tiny.connect(TestServer.client(test.other), TestServer.V2, inbox, "token");
            assertEquals(
                    "Connection rejected by `client_connected` reducer: the call took too long", inbox.end().reason());
            assertTrue(inbox.messages.isEmpty());
            TestServer.assertCode(ErrorCode.REDUCER_FAILED,
                    () -> tiny.sql(TestServer.client(test.owner), "SELECT * FROM t"));
        }
    }

    // ---- a reducer that objects to the end ----

    @Test
    @Proves("execution.md 3.3")
    void nobodyCanBeKept() throws Exception {
        try (Timers t = new Timers(data, Timers.callMillisMax(300), LogFactory.MEMORY, timer)) {
            for (String mood : List.of("fail leave", "trap leave", "spin leave")) {
                List<ClientConnection> connections = new ArrayList<>();
                TestServer.Inbox inbox = connect(t, TestServer.client(t.test.other), connections);
                connections.getFirst().submit(TestServer.callMessage(1, "feel", "[\"" + mood + "\"]"), 10);
                inbox.next(ServerMessage.ReducerResult.class);
                connections.getFirst().disconnect();
                t.settle();
                ClientInfo request = TestServer.client(t.test.owner);
                Database.join(t.database.call(
                        request, "feel_nothing", new Arguments.Json("[]")));
                assertEquals("came", t.visits().getLast().what(), "its transaction came to nothing");
                assertEquals(0, clientRows(t), mood);
                assertEquals(0, credentialRows(t), mood);
            }
        }
    }

    // ---- a server that ends ----

    /** Whenever the server dies: who came has gone once, when it is back, and no row is left. */
    @Test
    @Proves("execution.md 3.3")
    @Proves("execution.md 10")
    @Proves("durability.md 9.2")
    void whoeverCameGoesOnceThoughTheServerDies() throws Exception {
        TapeLogs logs = new TapeLogs();
        int start;
        Map<ConnectionId, String> tokens = new HashMap<>();
        try (Timers t = new Timers(data, logs, timer)) {
            start = logs.length();
            List<ClientConnection> connections = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                ClientInfo client = TestServer.client(t.test.server.tokens().issueAnonymous());
                tokens.put(client.connection(), client.jwtPayload());
                connect(t, client, connections);
            }
            connections.get(1).disconnect();
            t.settle();
        }
        int end = logs.length();
        for (int crash = start; crash <= end; crash++) {
            TapeLogs crashed = logs.crashedAt(crash);
            for (int life = 0; life < 2; life++) {
                try (Timers t = new Timers(data, crashed, timer)) {
                    Map<ConnectionId, String> seen = new HashMap<>();
                    for (Timers.Visit visit : t.visits()) {
                        seen.merge(visit.connection().orElseThrow(), visit.what(), (a, b) -> a + ", " + b);
                        assertEquals(Optional.of(tokens.get(visit.connection().get())), visit.jwt());
                    }
                    int at = crash;
                    seen.forEach((id, what) -> assertEquals("came, went", what, "after a crash at " + at));
                    assertEquals(0, clientRows(t));
                    assertEquals(0, credentialRows(t));
                }
            }
        }
    }

    /** The same for a module that objects: the rows go in the second transaction, also if the crash comes before it. */
    @Test
    @Proves("execution.md 3.3")
    void leftoversGoThoughTheModuleObjects() throws Exception {
        TapeLogs logs = new TapeLogs();
        try (Timers t = new Timers(data, logs, timer)) {
            List<ClientConnection> connections = new ArrayList<>();
            TestServer.Inbox inbox = connect(t, TestServer.client(t.test.other), connections);
            connections.getFirst().submit(TestServer.callMessage(1, "feel", "[\"trap leave\"]"), 10);
            inbox.next(ServerMessage.ReducerResult.class);
        }
        try (Timers t = new Timers(data, logs, timer)) {
            assertEquals(List.of("came"), visits(t));
            assertEquals(1, t.count("SELECT * FROM st_client"), "the reader");
            assertEquals(0, credentialRows(t));
        }
    }

    /** First those who were there leave, then what was due runs. */
    @Test
    @Proves("execution.md 10")
    void aStartDisconnectsBeforeItSchedules() throws Exception {
        TapeLogs logs = new TapeLogs();
        try (Timers t = new Timers(data, logs, timer)) {
            connect(t, TestServer.client(t.test.other), new ArrayList<>());
            t.arm(time(timer.nowMicros() + SECOND), "", "was due");
        }
        timer.advance(5 * SECOND);
        int before = logs.length();
        try (Timers t = new Timers(data, logs, timer)) {
            assertEquals(List.of("was due"), t.ran());
        }
        assertTrue(logs.mentions(before, "went"), "first of all");
        assertTrue(logs.mentions(before + 1, "was due"), "then the call");
        assertTrue(logs.mentions(before + 2, "was due"), "then its row");
    }
}
