package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.TestServer.KITCHEN;
import static dev.geodesic.engine.database.TestServer.V1;
import static dev.geodesic.engine.database.TestServer.V2;
import static dev.geodesic.engine.database.TestServer.V2_CONFIRMED;
import static dev.geodesic.engine.database.TestServer.assertCode;
import static dev.geodesic.engine.database.TestServer.callMessage;
import static dev.geodesic.engine.database.TestServer.client;
import static dev.geodesic.engine.database.TestServer.query;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a database promises its clients, in good order and in bad (spec/execution.md 2 and 3, spec/websocket.md 9, 10). */
class DatabaseTest {

    /** Its log tells of every database that these tests break. */
    private static final Logger BROKEN = Logger.getLogger(Database.class.getName());

    @TempDir
    private Path data;

    @BeforeAll
    static void expectFailures() {
        BROKEN.setLevel(Level.OFF);
    }

    @AfterAll
    static void expectNoMore() {
        BROKEN.setLevel(null);
    }

    // ---- order ----

    @Test
    @Proves("websocket.md 9")
    void messagesOfAConnectionRunInTheirOrder() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            for (ConnectionOptions options : List.of(V1, V2)) {
                TestServer.Inbox inbox = new TestServer.Inbox();
                ClientConnection connection = kitchen.connect(client(test.owner), options, inbox, "token");
                // At once: nobody needs to wait for the first message.
                List<Integer> notes = new ArrayList<>();
                Seeds.repeat(1, random -> {
                    int count = test.count(kitchen, "SELECT * FROM note");
                    for (int i = 0; i < 300; i++) {
                        if (random.nextBoolean()) {
                            connection.submit(callMessage(i, "add_note", "[\"" + i + "\"]"), 10);
                            count++;
                        } else {
                            connection.submit(query(i, "SELECT * FROM note"), 10);
                        }
                        notes.add(count);
                    }
                });
                inbox.next(ServerMessage.InitialConnection.class);
                for (int i = 0; i < notes.size(); i++) {
                    switch (inbox.next(ServerMessage.class)) {
                        case ServerMessage.ReducerResult result -> assertEquals(i, result.call().requestId());
                        case ServerMessage.OneOffResult result -> {
                            assertEquals(i, result.requestId());
                            QueryOutcome.Rows rows = assertInstanceOf(QueryOutcome.Rows.class, result.outcome());
                            assertEquals(notes.get(i), rows.rows().inserts().count(), "reads wait for the calls before them");
                        }
                        default -> throw new AssertionError();
                    }
                }
                connection.disconnect();
            }
        }
    }

    @Test
    @Proves("websocket.md 10")
    void tooManyWaitingMessagesCloseTheConnection() throws Exception {
        for (boolean bytes : List.of(false, true)) {
            Limits limits = TestServer.limits(bytes ? 1000 : 8, bytes ? 100 : 1 << 20, 1 << 20);
            Path directory = Files.createDirectory(data.resolve("bytes-" + bytes));
            try (TestServer test = new TestServer(directory, limits, LogFactory.MEMORY)) {
                Database kitchen = test.create("kitchen", KITCHEN);
                test.commit(kitchen, "test_turn", "[\"sessions\", true]");
                TestServer.Inbox flooding = new TestServer.Inbox();
                TestServer.Inbox patient = new TestServer.Inbox();
                ClientConnection flood = kitchen.connect(client(test.owner), V2, flooding, "token");
                ClientConnection quiet = kitchen.connect(client(test.owner), V2, patient, "token");
                flooding.next(ServerMessage.InitialConnection.class);
                patient.next(ServerMessage.InitialConnection.class);
                Blocker blocker = new Blocker(kitchen);
                for (int i = 0; i < 8; i++) {
                    flood.submit(callMessage(i, "add_note", "[\"x\"]"), 12);
                }
                quiet.submit(callMessage(1, "add_note", "[\"y\"]"), 12);
                assertTrue(flooding.closed.isEmpty());
                flood.submit(callMessage(8, "add_note", "[\"x\"]"), 12);
                assertEquals(CloseReason.TOO_MANY_REQUESTS, flooding.end());
                assertEquals(1013, CloseReason.TOO_MANY_REQUESTS.code());
                flood.submit(callMessage(9, "add_note", "[\"x\"]"), 12);
                blocker.release();
                patient.next(ServerMessage.ReducerResult.class);
                Await.until("the flooding client is gone", () -> kitchen.connectionCount() == 1);
                Await.until("its disconnect ran", () -> test.count(kitchen, "SELECT * FROM test_session WHERE came = false") > 0);
                assertTrue(flooding.messages.isEmpty() && flooding.closed.isEmpty(), "nothing follows");
                assertTrue(patient.closed.isEmpty());
                assertEquals(1, test.count(kitchen, "SELECT * FROM note WHERE text = 'y'"));
            }
        }
    }

    /** Keeps the writer busy. */
    private static final class Blocker {

        private final CountDownLatch latch = new CountDownLatch(1);

        Blocker(Database database) throws InterruptedException {
            CountDownLatch started = new CountDownLatch(1);
            database.submit(new Writer.Task() {
                @Override
                public void run() {
                    started.countDown();
                    try {
                        latch.await(30, TimeUnit.SECONDS);
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                }

                @Override
                public void refuse(EngineException reason) {
                    throw new AssertionError(reason);
                }
            });
            started.await();
        }

        void release() {
            latch.countDown();
        }
    }

    private static Writer.Task failing(RuntimeException failure) {
        return new Writer.Task() {
            @Override
            public void run() {
                throw failure;
            }

            @Override
            public void refuse(EngineException reason) {
                throw new AssertionError(reason);
            }
        };
    }

    // ---- failures of a database ----

    @Test
    void aBrokenInvariantStopsOneDatabase() throws Exception {
        for (RuntimeException failure : List.of(
                new EngineException(ErrorCode.INTERNAL, "two is three"), new IllegalStateException("nobody thought of this"))) {
            Path directory = Files.createDirectory(data.resolve(failure.getClass().getSimpleName()));
            try (TestServer test = new TestServer(directory)) {
                Database broken = test.create("broken", KITCHEN);
                Database sound = test.create("sound", KITCHEN);
                TestServer.Inbox inbox = new TestServer.Inbox();
                TestServer.Inbox late = new TestServer.Inbox();
                ClientConnection connection = broken.connect(client(test.owner), V2, inbox, "token");
                inbox.next(ServerMessage.InitialConnection.class);
                Blocker blocker = new Blocker(broken);
                broken.submit(failing(failure));
                CompletableFuture<CallResult> waiting = broken.call(client(test.owner), "nothing", new Arguments.Json("[]"));
                broken.connect(client(test.owner), V2, late, "token");
                blocker.release();
                assertEquals(CloseReason.MODULE_EXITED, inbox.end());
                late.end();
                assertCode(ErrorCode.DATABASE_STOPPED, () -> Database.join(waiting));
                Await.until("the failure is known", () -> broken.failure().isPresent());
                assertEquals(failure, broken.failure().get());
                assertCode(ErrorCode.DATABASE_STOPPED, () -> test.call(broken, "nothing", "[]"));
                assertCode(ErrorCode.DATABASE_STOPPED, () -> test.count(broken, "SELECT * FROM team"));
                connection.submit(query(1, "SELECT * FROM team"), 10);
                connection.disconnect();
                assertTrue(inbox.messages.isEmpty());
                assertTrue(sound.failure().isEmpty());
                assertEquals(2, test.count(sound, "SELECT * FROM team"));
                test.commit(sound, "add_note", "[\"still here\"]");
            }
        }
    }

    @Test
    void aClientWhoseConnectBreaksTheDatabaseIsTold() throws Exception {
        ManualLogs logs = new ManualLogs();
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, logs)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            logs.refuse();
            TestServer.Inbox inbox = new TestServer.Inbox();
            kitchen.connect(client(test.owner), V2, inbox, "token");
            inbox.end();
            assertTrue(inbox.messages.isEmpty());
            Await.until("the failure is known", () -> kitchen.failure().isPresent());
        }
    }

    @Test
    void aFailingLogStopsTheDatabase() throws Exception {
        ManualLogs logs = new ManualLogs();
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, logs)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            logs.refuse();
            assertCode(ErrorCode.STORAGE_FAILED, () -> test.call(kitchen, "add_note", "[\"x\"]"));
            Await.until("the failure is known", () -> kitchen.failure().isPresent());
            assertCode(ErrorCode.DATABASE_STOPPED, () -> test.call(kitchen, "add_note", "[\"x\"]"));
        }
    }

    @Test
    @Proves("durability.md 4")
    void confirmedReadsWaitForTheLogAndEndWithIt() throws Exception {
        ManualLogs logs = new ManualLogs();
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, logs)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            TestServer.Inbox careful = new TestServer.Inbox();
            TestServer.Inbox quick = new TestServer.Inbox();
            for (TestServer.Inbox inbox : List.of(careful, quick)) {
                ClientConnection connection =
                        kitchen.connect(client(test.owner), inbox == careful ? V2_CONFIRMED : V2, inbox, "token");
                inbox.next(ServerMessage.InitialConnection.class);
                connection.submit(new ClientMessage.Subscribe(
                        SubscriptionKind.SET, 1, 1, List.of("SELECT * FROM note")), 10);
                inbox.next(ServerMessage.SubscribeApplied.class);
            }
            logs.hold();
            CallResult.Committed first =
                    assertInstanceOf(CallResult.Committed.class, test.call(kitchen, "add_note", "[\"x\"]"));
            quick.next(ServerMessage.TransactionUpdate.class);
            assertTrue(careful.messages.isEmpty(), "not durable yet");
            CompletableFuture<Void> durable = kitchen.whenDurable(first.txOffset());
            assertFalse(durable.isDone());
            logs.release();
            durable.get(10, TimeUnit.SECONDS);
            careful.next(ServerMessage.TransactionUpdate.class);

            logs.hold();
            CallResult.Committed second =
                    assertInstanceOf(CallResult.Committed.class, test.call(kitchen, "add_note", "[\"y\"]"));
            quick.next(ServerMessage.TransactionUpdate.class);
            CompletableFuture<Void> never = kitchen.whenDurable(second.txOffset());
            logs.lose();
            assertEquals(CloseReason.MODULE_EXITED, careful.end());
            assertEquals(CloseReason.MODULE_EXITED, quick.end());
            assertTrue(careful.messages.isEmpty() && careful.closed.isEmpty(), "closed once, without what was lost");
            assertThrows(CompletionException.class, never::join);
            assertCode(ErrorCode.DATABASE_STOPPED, () -> kitchen.awaitDurable(second.txOffset()));
            kitchen.awaitDurable(first.txOffset());
        }
    }

    @Test
    @Proves("http-api.md 6.12")
    void queriesWaitForWhatTheyReadAndNotForTheirConnections() throws Exception {
        ManualLogs logs = new ManualLogs();
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, logs)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            logs.hold();
            for (int i = 0; i < 3; i++) {
                SqlAnswer quiet = kitchen.sql(client(test.owner), "SELECT * FROM note");
                assertTrue(kitchen.whenDurable(quiet.txOffset()).isDone(), "nothing but connections is not durable yet");
            }
            test.commit(kitchen, "add_note", "[\"x\"]");
            SqlAnswer busy = kitchen.sql(client(test.owner), "SELECT * FROM note");
            assertEquals(1, busy.result().rows().count());
            CompletableFuture<Void> durable = kitchen.whenDurable(busy.txOffset());
            assertFalse(durable.isDone());
            SqlAnswer written = kitchen.sql(client(test.owner), "INSERT INTO team (id, name) VALUES (9, 'x')");
            assertFalse(kitchen.whenDurable(written.txOffset()).isDone());
            logs.release();
            durable.get(10, TimeUnit.SECONDS);
            // What client_connected wrote is data.
            test.commit(kitchen, "test_turn", "[\"sessions\", true]");
            logs.hold();
            SqlAnswer noted = kitchen.sql(client(test.owner), "SELECT * FROM test_session");
            assertFalse(kitchen.whenDurable(noted.txOffset()).isDone());
            logs.release();
        }
    }

    @Test
    void closingUnderLoadAnswersEverybodyAndLeavesNoThread() throws Exception {
        Set<Thread> before = Thread.getAllStackTraces().keySet();
        TestServer test = new TestServer(data);
        Database kitchen = test.create("kitchen", KITCHEN);
        List<Thread> callers = new ArrayList<>();
        List<Throwable> wrong = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch busy = new CountDownLatch(40);
        List<TestServer.Inbox> inboxes = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            TestServer.Inbox inbox = new TestServer.Inbox();
            inboxes.add(inbox);
            ClientConnection connection = kitchen.connect(client(test.owner), V1, inbox, "token");
            int number = i;
            callers.add(Thread.ofPlatform().name("caller").start(() -> {
                try {
                    while (true) {
                        switch (number) {
                            case 0 -> test.call(kitchen, "add_note", "[\"x\"]");
                            case 1 -> test.count(kitchen, "SELECT * FROM note");
                            case 2 -> kitchen.memoryBytes();
                            default -> connection.submit(callMessage(1, "add_note", "[\"x\"]"), 10);
                        }
                        busy.countDown();
                        if (number > 1) {
                            Thread.sleep(1);
                            if (kitchen.queueDepth() < 0 || !inbox.closed.isEmpty()) {
                                return;
                            }
                        }
                    }
                } catch (EngineException e) {
                    if (e.code() != ErrorCode.DATABASE_STOPPED) {
                        wrong.add(e);
                    }
                } catch (Throwable e) {
                    wrong.add(e);
                }
            }));
        }
        assertTrue(busy.await(20, TimeUnit.SECONDS));
        test.close();
        for (Thread caller : callers) {
            caller.join(20_000);
            assertFalse(caller.isAlive(), "a caller was never answered: " + List.of(caller.getStackTrace()));
        }
        assertEquals(List.of(), wrong);
        for (TestServer.Inbox inbox : inboxes) {
            assertEquals(CloseReason.MODULE_EXITED, inbox.end());
        }
        Await.until("threads are left: " + left(before), () -> left(before).isEmpty());
        test.close();
    }

    private static Set<String> left(Set<Thread> before) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> !before.contains(t) && t.isAlive())
                .map(Thread::getName)
                .filter(n -> !n.startsWith("junit") && !n.startsWith("Cleaner") && !n.startsWith("Common-Cleaner")
                        && !n.startsWith("ForkJoinPool"))
                .collect(Collectors.toSet());
    }

    // ---- clients ----

    @Test
    @Proves("execution.md 3.2")
    void aRefusedClientLeavesNoTrace() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            test.commit(kitchen, "test_turn", "[\"sessions\", true]");
            test.commit(kitchen, "ban", "[{\"__identity__\": \"0x" + test.other.claims().identity().toHex() + "\"}]");
            int sessions = test.count(kitchen, "SELECT * FROM test_session");
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection connection = kitchen.connect(client(test.other), V2, inbox, "token");
            connection.submit(callMessage(1, "add_note", "[\"x\"]"), 10);
            assertEquals(
                    CloseReason.error("Connection rejected by `client_connected` reducer: you are banned"), inbox.end());
            connection.disconnect();
            EngineException refused = assertThrows(EngineException.class, () -> Database.join(
                    kitchen.call(client(test.other), "add_note", new Arguments.Json("[\"x\"]"))));
            assertEquals(ErrorCode.REDUCER_FAILED, refused.code());
            assertEquals("you are banned", refused.getMessage());
            assertCode(ErrorCode.REDUCER_FAILED, () -> kitchen.sql(client(test.other), "SELECT * FROM team"));
            // Both requests of the owner itself came and the first went.
            assertEquals(sessions + 2, test.count(kitchen, "SELECT * FROM test_session"));
            assertEquals(0, test.count(kitchen, "SELECT * FROM note"));
            assertTrue(inbox.messages.isEmpty());
            assertEquals(0, kitchen.connectionCount());
            Await.until("only this request is left", () -> test.count(kitchen, "SELECT * FROM st_client") == 1);
            assertEquals(1, test.count(kitchen, "SELECT * FROM st_connection_credentials"));
        }
    }

    @Test
    @Proves("execution.md 3.3")
    void disconnectRunsExactlyOnceAndCannotBeRefused() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            for (boolean failing : List.of(false, true)) {
                if (failing) {
                    test.commit(kitchen, "test_turn", "[\"fail disconnect\", true]");
                }
                TestServer.Inbox inbox = new TestServer.Inbox();
                ClientInfo visitor = client(test.other);
                test.commit(kitchen, "test_turn", "[\"sessions\", true]");
                ClientConnection connection = kitchen.connect(visitor, V2, inbox, "token");
                inbox.next(ServerMessage.InitialConnection.class);
                String who = "0x" + visitor.identity().toHex();
                List<Thread> threads = new ArrayList<>();
                for (int i = 0; i < 4; i++) {
                    threads.add(Thread.ofPlatform().start(connection::disconnect));
                }
                for (Thread thread : threads) {
                    thread.join();
                }
                Await.until("gone", () -> kitchen.connectionCount() == 0);
                Database.join(kitchen.committedOffset());
                String sessions = "SELECT * FROM test_session WHERE who = " + who;
                assertEquals(failing ? 2 : 1, test.count(kitchen, sessions + " AND came = true"));
                assertEquals(1, test.count(kitchen, sessions + " AND came = false"), "rolled back if it fails");
                assertEquals(0, test.count(kitchen, "SELECT * FROM st_client WHERE identity = "
                        + new BigInteger(visitor.identity().toHex(), 16)));
            }
        }
    }

    @Test
    void aConnectionIdBelongsToOneClient() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            test.commit(kitchen, "test_turn", "[\"sessions\", true]");
            ConnectionId id = new ConnectionId(77, 78);
            TestServer.Inbox first = new TestServer.Inbox();
            TestServer.Inbox thief = new TestServer.Inbox();
            TestServer.Inbox again = new TestServer.Inbox();
            ClientConnection holder = kitchen.connect(client(test.owner, id), V2, first, "token");
            first.next(ServerMessage.InitialConnection.class);
            kitchen.connect(client(test.other, id), V2, thief, "token");
            assertEquals(1011, thief.end().code());
            assertTrue(thief.messages.isEmpty());
            assertTrue(first.closed.isEmpty());
            ClientConnection twin = kitchen.connect(client(test.owner, id), V2, again, "token");
            again.next(ServerMessage.InitialConnection.class);
            assertEquals(2, kitchen.connectionCount());
            String rows = "SELECT * FROM st_client WHERE connection_id = " + new BigInteger(id.toHex(), 16);
            assertEquals(1, test.count(kitchen, rows));
            holder.disconnect();
            Await.until("one left", () -> kitchen.connectionCount() == 1);
            assertEquals(1, test.count(kitchen, rows), "the other one still needs it");
            twin.disconnect();
            Await.until("none left", () -> kitchen.connectionCount() == 0);
            Database.join(kitchen.committedOffset());
            assertEquals(0, test.count(kitchen, rows));
        }
    }

    @Test
    @Proves("execution.md 3.2")
    @Proves("execution.md 2.1")
    void requestsConnectCallAndDisconnect() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            test.commit(kitchen, "test_turn", "[\"sessions\", true]");
            ClientInfo caller = client(test.other);
            String mine = "SELECT * FROM test_session WHERE who = 0x" + caller.identity().toHex();
            int expected = 0;
            assertInstanceOf(CallResult.Committed.class, Database.join(
                    kitchen.call(caller, "add_note", new Arguments.Json("[\"x\"]"))));
            assertEquals(expected += 2, test.count(kitchen, mine));
            CallResult.Failed failed = assertInstanceOf(CallResult.Failed.class, Database.join(
                    kitchen.call(caller, "fail", new Arguments.Json("[\"on purpose\"]"))));
            assertEquals("on purpose", failed.message());
            assertEquals(expected += 2, test.count(kitchen, mine));
            CallResult.Trapped trapped = assertInstanceOf(CallResult.Trapped.class, Database.join(
                    kitchen.call(caller, "test_write_and_fail", new Arguments.Json("[\"panic\"]"))));
            assertEquals("The instance encountered a fatal error.", trapped.message());
            assertEquals(expected += 2, test.count(kitchen, mine));
            assertEquals(2, test.count(kitchen, "SELECT * FROM team"), "a failed call has changed nothing");
            assertEquals(0, test.count(kitchen, "SELECT * FROM secret"));
            assertCode(ErrorCode.NO_SUCH_REDUCER, () ->
                    Database.join(kitchen.call(caller, "no_such", new Arguments.Json("[]"))));
            EngineException bad = assertThrows(EngineException.class, () ->
                    Database.join(kitchen.call(caller, "add_note", new Arguments.Json("[1]"))));
            assertEquals(ErrorCode.INVALID_ARGUMENTS, bad.code());
            assertEquals("invalid arguments for reducer add_note: [0]: invalid arguments for function add_note: [0]: [0]: "
                    + "invalid value: number 1, expected string", bad.getMessage());
            assertCode(ErrorCode.LIFECYCLE_REDUCER, () ->
                    Database.join(kitchen.call(caller, "connected", new Arguments.Json("[]"))));
            assertEquals(expected += 6, test.count(kitchen, mine), "what could not be called was connected, too");
            assertEquals(2, kitchen.sql(caller, "SELECT * FROM team").result().rows().count());
            assertCode(ErrorCode.SQL, () -> kitchen.sql(caller, "SELECT * FROM nowhere"));
            Database.join(kitchen.committedOffset());
            assertEquals(expected += 4, test.count(kitchen, mine));
            assertEquals(1, test.count(kitchen, "SELECT * FROM st_client"), "this request's own");
        }
    }

    @Test
    @Proves("execution.md 4")
    void aCallerSeesItsOwnPartInItsResultAndOthersAnUpdate() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            TestServer.Inbox caller = new TestServer.Inbox();
            TestServer.Inbox watcher = new TestServer.Inbox();
            List<ClientConnection> connections = new ArrayList<>();
            for (TestServer.Inbox inbox : List.of(caller, watcher)) {
                ClientConnection connection = kitchen.connect(client(test.owner), V2, inbox, "token");
                inbox.next(ServerMessage.InitialConnection.class);
                connection.submit(new ClientMessage.Subscribe(
                        SubscriptionKind.SET, 1, 4, List.of("SELECT * FROM note WHERE text = 'x'")), 10);
                inbox.next(ServerMessage.SubscribeApplied.class);
                connections.add(connection);
            }
            connections.getFirst().submit(callMessage(7, "add_note", "[\"x\"]"), 10);
            connections.getFirst().submit(callMessage(8, "add_note", "[\"other\"]"), 10);
            connections.getFirst().submit(callMessage(9, "fail", "[\"no\"]"), 10);
            ServerMessage.ReducerResult result = caller.next(ServerMessage.ReducerResult.class);
            ReducerOutcome.Committed committed = assertInstanceOf(ReducerOutcome.Committed.class, result.outcome());
            assertEquals(4, committed.querySets().getFirst().querySetId());
            ReducerOutcome.Committed nothing = assertInstanceOf(
                    ReducerOutcome.Committed.class, caller.next(ServerMessage.ReducerResult.class).outcome());
            assertEquals(List.of(), nothing.querySets());
            assertEquals(new ReducerOutcome.Failed("no"), caller.next(ServerMessage.ReducerResult.class).outcome());
            watcher.next(ServerMessage.TransactionUpdate.class);
            assertTrue(watcher.messages.isEmpty() && caller.messages.isEmpty());
        }
    }
}
