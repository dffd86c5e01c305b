package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.TestServer.KITCHEN;
import static dev.geodesic.engine.database.TestServer.V2;
import static dev.geodesic.engine.database.TestServer.assertCode;
import static dev.geodesic.engine.database.TestServer.callMessage;
import static dev.geodesic.engine.database.TestServer.client;
import static dev.geodesic.engine.database.TinyModule.CALLABLE;
import static dev.geodesic.engine.database.TinyModule.INIT;
import static dev.geodesic.engine.database.TinyModule.ON_CONNECT;
import static dev.geodesic.engine.database.TinyModule.ON_DISCONNECT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Databases come, change and go (spec/http-api.md 6.1 to 6.4, spec/module-def.md 7 and 8, spec/execution.md 3, 8.3, 10). */
class PublishTest {

    private static final LogFactory FILES = new CommitLogs(CommitLogOptions.DEFAULTS);

    @TempDir
    private Path data;

    private static TinyModule tables(String... names) {
        TinyModule module = new TinyModule();
        Arrays.stream(names).forEach(module::table);
        return module;
    }

    private List<String> directories(Identity identity) throws IOException {
        return children(data.resolve("databases").resolve(identity.toHex()));
    }

    private static List<String> children(Path all) throws IOException {
        if (!Files.isDirectory(all)) {
            return List.of();
        }
        try (Stream<Path> list = Files.list(all)) {
            return list.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    private static Set<String> writers() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName).filter(n -> n.startsWith("writer-")).collect(Collectors.toSet());
    }

    // ---- creation ----

    @Test
    @Proves("module-def.md 7")
    @Proves("execution.md 3.1")
    void aFailingInitLeavesNothing() throws Exception {
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, FILES)) {
            Set<String> before = writers();
            // Returns an error; traps.
            for (String body : List.of("(i32.const 1)", "(unreachable)")) {
                byte[] program = tables("a").reducer("start", INIT).body(body).wasm();
                EngineException e = assertThrows(EngineException.class, () -> test.publish("failing", program, false));
                assertEquals(ErrorCode.REDUCER_FAILED, e.code());
                assertCode(ErrorCode.NO_SUCH_DATABASE, () -> test.server.resolve("failing"));
                assertEquals(List.of(), children(data.resolve("databases")));
            }
            assertEquals(before, writers());
            assertEquals(List.of(), test.server.databasesOf(test.ownerIdentity()));
            // The name was never taken.
            byte[] good = tables("a").wasm();
            PublishResult published = test.server.publish(new PublishRequest(
                    Optional.of("failing"), test.other.claims().identity(), good, false));
            assertTrue(published.created());
            assertEquals(published.identity(), test.server.resolve("failing"));
            assertCode(ErrorCode.NOT_AUTHORIZED, () -> test.publish("failing", good, false));
        }
    }

    @Test
    void aNameThatManyPublishAtOnceIsOneDatabase() throws Exception {
        try (TestServer test = new TestServer(data)) {
            byte[] program = tables("a").wasm();
            List<PublishResult> results = Collections.synchronizedList(new ArrayList<>());
            List<Thread> publishers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                publishers.add(Thread.ofPlatform().start(() -> results.add(test.publish("popular", program, false))));
            }
            for (Thread publisher : publishers) {
                publisher.join();
            }
            assertEquals(4, results.size());
            assertEquals(1, results.stream().filter(PublishResult::created).count());
            assertEquals(Set.of(test.server.resolve("popular")),
                    results.stream().map(PublishResult::identity).collect(Collectors.toSet()));
        }
    }

    @Test
    void theLogOfADatabaseThatCannotBeMadeIsClosed() throws Exception {
        AtomicBoolean failing = new AtomicBoolean();
        AtomicInteger open = new AtomicInteger();
        LogFactory logs = (directory, start, replay) -> {
            open.incrementAndGet();
            return new Durability() {
                @Override
                public void append(long txOffset, byte[] record, int offset, int length) {
                    // Nothing is kept.
                }

                @Override
                public long durableOffset() {
                    return Long.MAX_VALUE;
                }

                @Override
                public long epoch() {
                    return 0;
                }

                @Override
                public void listen(LongConsumer durable, Consumer<RuntimeException> failed) {
                    if (failing.get()) {
                        throw new IllegalStateException("no listeners today");
                    }
                }

                @Override
                public void close() {
                    open.decrementAndGet();
                }
            };
        };
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, logs)) {
            failing.set(true);
            assertThrows(IllegalStateException.class, () -> test.publish("one", tables("a").wasm(), false));
            assertEquals(1, open.get(), "the control database's");
            assertCode(ErrorCode.NO_SUCH_DATABASE, () -> test.server.resolve("one"));
            failing.set(false);
            assertTrue(test.publish("one", tables("a").wasm(), false).created());
        }
        assertEquals(0, open.get());
    }

    @Test
    @Proves("module-def.md 7")
    @Proves("execution.md 3.1")
    void tablesAndInitAreOneTransaction() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database database = test.create("one", KITCHEN);
            assertEquals(2, test.count(database, "SELECT * FROM team"));
            // That of the creation; the next one is the connect of this very call.
            assertEquals(0, Database.join(test.create("two", tables("a").wasm()).committedOffset()));
        }
    }

    @Test
    @Proves("module-abi.md 5.8")
    void anImmediateCallGoesToTheDatabaseThatAskedForIt() throws Exception {
        // Reducer 0 asks for reducer 1, which inserts the row (7).
        TinyModule module = tables("a").reducer("start", INIT).reducer("later", CALLABLE)
                .imports("volatile_nonatomic_schedule_immediate", "datastore_insert_bsatn", "table_id_from_name")
                .body("""
                        (i32.store (i32.const 64) (i32.const 0x6574616c)) (i32.store8 (i32.const 68) (i32.const 0x72))
                        (i32.store8 (i32.const 80) (i32.const 0x61))
                        (if (i32.eqz (local.get $id))
                          (then (call $volatile_nonatomic_schedule_immediate
                                  (i32.const 64) (i32.const 5) (i32.const 64) (i32.const 0)))
                          (else
                            (drop (call $table_id_from_name (i32.const 80) (i32.const 1) (i32.const 84)))
                            (i32.store (i32.const 88) (i32.const 7))
                            (i32.store (i32.const 92) (i32.const 4))
                            (drop (call $datastore_insert_bsatn (i32.load (i32.const 84)) (i32.const 88) (i32.const 92)))))
                        (i32.const 0)""");
        try (TestServer test = new TestServer(data)) {
            Database first = test.create("immediate", module.wasm());
            Await.until("the call runs after init", () -> test.count(first, "SELECT * FROM a WHERE id = 7") == 1);
            assertFalse(test.publish("immediate", module.wasm(), true).created());
            Database second = test.server.database(test.server.resolve("immediate"));
            assertNotSame(first, second);
            Await.until("the call runs in the new database", () -> test.count(second, "SELECT * FROM a WHERE id = 7") == 1);
        }
    }

    // ---- update ----

    @Test
    @Proves("module-def.md 8")
    void theSameProgramIsNoTransaction() throws Exception {
        try (TestServer test = new TestServer(data)) {
            byte[] program = tables("a").reducer("work", CALLABLE).wasm();
            Database database = test.create("same", program);
            test.count(database, "INSERT INTO a (id) VALUES (5)");
            long before = Database.join(database.committedOffset());
            PublishResult again = test.publish("same", program, false);
            assertFalse(again.created());
            assertSame(database, test.server.database(again.identity()));
            assertEquals(before, Database.join(database.committedOffset()));
            assertEquals(1, test.count(database, "SELECT * FROM a"));
        }
    }

    @Test
    @Proves("module-def.md 8")
    @Proves("execution.md 8.3")
    void anAddedTableKeepsRowsAndConnections() throws Exception {
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, FILES)) {
            byte[] old = tables("a").reducer("work", CALLABLE).body("(i32.const 1)").wasm();
            byte[] next = tables("a", "b").reducer("more", CALLABLE).reducer("work", CALLABLE).wasm();
            Database database = test.create("growing", old);
            test.count(database, "INSERT INTO a (id) VALUES (5)");
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection connection = database.connect(client(test.owner), V2, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            connection.submit(new ClientMessage.Subscribe(SubscriptionKind.SET, 1, 1, List.of("SELECT * FROM a")), 10);
            inbox.next(ServerMessage.SubscribeApplied.class);
            connection.submit(callMessage(1, "work", "[]"), 10);
            assertInstanceOf(ReducerOutcome.Failed.class, inbox.next(ServerMessage.ReducerResult.class).outcome());

            PublishResult updated = test.publish("growing", next, false);
            assertFalse(updated.created());
            database.awaitDurable(updated.txOffset());
            assertSame(database, test.server.database(updated.identity()));
            connection.submit(callMessage(2, "work", "[]"), 10);
            assertInstanceOf(ReducerOutcome.Committed.class, inbox.next(ServerMessage.ReducerResult.class).outcome());
            test.count(database, "INSERT INTO b (id) VALUES (1)");
            test.count(database, "INSERT INTO a (id) VALUES (6)");
            ServerMessage.TransactionUpdate update = inbox.next(ServerMessage.TransactionUpdate.class);
            assertEquals("a", update.querySets().getFirst().tables().getFirst().tableName());
            assertEquals(2, test.count(database, "SELECT * FROM a"));
            assertEquals(1, test.count(database, "SELECT * FROM b"));
            assertTrue(inbox.closed.isEmpty());
        }
        try (TestServer again = new TestServer(data, Limits.DEFAULTS, FILES)) {
            Database database = again.server.database(again.server.resolve("growing"));
            assertEquals(2, again.count(database, "SELECT * FROM a"));
            assertEquals(1, again.count(database, "SELECT * FROM b"));
            again.commit(database, "more", "[]");
        }
    }

    @Test
    @Proves("module-def.md 8.2")
    void aRefusedUpdateChangesNothing() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database database = test.create("stubborn", tables("a", "b").reducer("work", CALLABLE).wasm());
            test.count(database, "INSERT INTO a (id) VALUES (5)");
            Identity hash = database.programHash();
            int tables = test.count(database, "SELECT * FROM st_table");
            for (byte[] bad : List.of(tables("a").wasm(), KITCHEN)) {
                assertCode(ErrorCode.MIGRATION_FAILED, () -> test.publish("stubborn", bad, false));
            }
            assertCode(ErrorCode.INVALID_MODULE, () -> test.publish("stubborn", new byte[] {0, 1, 2}, false));
            assertCode(ErrorCode.NOT_AUTHORIZED, () -> test.server.publish(new PublishRequest(
                    Optional.of("stubborn"), test.other.claims().identity(), tables("a", "b", "c").wasm(), false)));
            assertEquals(hash, database.programHash());
            assertEquals(1, test.count(database, "SELECT * FROM a"));
            assertEquals(tables, test.count(database, "SELECT * FROM st_table"));
            test.commit(database, "work", "[]");
            assertTrue(database.failure().isEmpty());
        }
    }

    // ---- clear and delete ----

    @Test
    @Proves("module-def.md 9")
    void clearingBeginsAgain() throws Exception {
        try (TestServer test = new TestServer(data, limitedTo(1), FILES)) {
            Database old = test.create("again", KITCHEN);
            test.commit(old, "add_note", "[\"x\"]");
            TestServer.Inbox inbox = new TestServer.Inbox();
            old.connect(client(test.owner), V2, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            // The limit counts databases, not their lives.
            PublishResult cleared = test.publish("again", KITCHEN, true);
            assertFalse(cleared.created());
            assertEquals(CloseReason.MODULE_EXITED, inbox.end());
            Database fresh = test.server.database(cleared.identity());
            assertEquals(old.identity(), fresh.identity());
            assertEquals(0, test.count(fresh, "SELECT * FROM note"));
            assertEquals(2, test.count(fresh, "SELECT * FROM team"), "init ran again");
            assertCode(ErrorCode.DATABASE_STOPPED, () -> test.call(old, "nothing", "[]"));
            assertEquals(List.of("1"), directories(fresh.identity()));
            // A program that is no good leaves the data as it was.
            test.commit(fresh, "add_note", "[\"y\"]");
            assertCode(ErrorCode.REDUCER_FAILED, () ->
                    test.publish("again", tables("a").reducer("start", INIT).body("(i32.const 1)").wasm(), true));
            assertSame(fresh, test.server.database(cleared.identity()));
            assertEquals(1, test.count(fresh, "SELECT * FROM note"));
            assertEquals(List.of("1"), directories(fresh.identity()));
            assertCode(ErrorCode.LIMIT_EXCEEDED, () -> test.publish("another", KITCHEN, false));
        }
        try (TestServer again = new TestServer(data, Limits.DEFAULTS, FILES)) {
            Database database = again.server.database(again.server.resolve("again"));
            assertEquals(1, again.count(database, "SELECT * FROM note"));
        }
    }

    private static Limits limitedTo(int databases) {
        Limits d = Limits.DEFAULTS;
        return new Limits(
                d.memoryBytesMax(), d.callMillisMax(), d.rowBytesMax(), d.transactionRowsMax(), d.transactionBytesMax(),
                d.handlesMax(), d.logLineBytesMax(), d.logLinesPerSecondMax(), d.queueMessagesMax(), d.queueBytesMax(),
                d.messageBytesMax(), d.moduleBytesMax(), d.subscriptionQueriesMax(), d.queryTablesMax(), d.queryNodesMax(),
                d.queryTextBytesMax(), databases, d.connectionsMax(), d.calls(), d.reads());
    }

    @Test
    void deletingLeavesTheNameOnly() throws Exception {
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, FILES)) {
            Set<String> before = writers();
            Database database = test.create("gone", KITCHEN);
            Identity identity = database.identity();
            TestServer.Inbox inbox = new TestServer.Inbox();
            database.connect(client(test.owner), V2, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            assertCode(ErrorCode.NOT_AUTHORIZED, () -> test.server.delete(identity, test.other.claims().identity()));
            test.server.setLocked(identity, true, test.ownerIdentity());
            assertCode(ErrorCode.NOT_AUTHORIZED, () -> test.server.delete(identity, test.ownerIdentity()));
            assertCode(ErrorCode.NOT_AUTHORIZED, () -> test.publish("gone", KITCHEN, true));
            test.server.setLocked(identity, false, test.ownerIdentity());
            assertTrue(inbox.closed.isEmpty());
            test.server.delete(identity, test.ownerIdentity());
            assertEquals(CloseReason.MODULE_EXITED, inbox.end());
            assertCode(ErrorCode.NO_SUCH_DATABASE, () -> test.server.database(identity));
            assertCode(ErrorCode.NO_SUCH_DATABASE, () -> test.server.delete(identity, test.ownerIdentity()));
            assertEquals(List.of(), directories(identity));
            assertEquals(before, writers());
            assertEquals(identity, test.server.resolve("gone"));
            assertTrue(test.publish("gone", tables("a").wasm(), false).created());
            assertEquals(identity, test.server.resolve("gone"));
        }
    }

    // ---- restart ----

    @Test
    @Proves("execution.md 10")
    @Proves("durability.md 9.2")
    void aRestartEndsTheConnectionsThatWereLeft() throws Exception {
        byte[] program = tables("a").reducer("came", ON_CONNECT).reducer("left", ON_DISCONNECT)
                .imports("datastore_insert_bsatn", "table_id_from_name")
                .body(1, """
                        (i32.store8 (i32.const 80) (i32.const 0x61))
                        (drop (call $table_id_from_name (i32.const 80) (i32.const 1) (i32.const 84)))
                        (i64.store (i32.const 88) (local.get $c0))
                        (i32.store (i32.const 96) (i32.const 4))
                        (drop (call $datastore_insert_bsatn (i32.load (i32.const 84)) (i32.const 88) (i32.const 96)))
                        (i32.const 0)""").wasm();
        List<Long> connections = new ArrayList<>();
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, FILES)) {
            Database database = test.create("left", program);
            for (int i = 0; i < 3; i++) {
                TestServer.Inbox inbox = new TestServer.Inbox();
                ClientInfo client = client(test.other);
                database.connect(client, V2, inbox, "token");
                inbox.next(ServerMessage.InitialConnection.class);
                connections.add(client.connection().low());
            }
        }
        try (TestServer again = new TestServer(data, Limits.DEFAULTS, FILES)) {
            Database database = again.server.database(again.server.resolve("left"));
            for (long low : connections) {
                assertEquals(1, again.count(database, "SELECT * FROM a WHERE id = " + low), "its disconnect ran");
            }
            assertEquals(1, again.count(database, "SELECT * FROM st_client"), "this request's own");
        }
    }

    @Test
    void aDatabaseThatCannotBeReadDoesNotStopTheOthers() throws Exception {
        Identity broken;
        Set<String> before = writers();
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, FILES)) {
            broken = test.create("broken", tables("a").wasm()).identity();
            test.count(test.create("sound", tables("a").wasm()), "INSERT INTO a (id) VALUES (1)");
        }
        try (Stream<Path> files = Files.walk(data.resolve("databases").resolve(broken.toHex()).resolve("0").resolve("log"))) {
            Path segment = files.filter(Files::isRegularFile).max((a, b) -> Long.compare(size(a), size(b))).orElseThrow();
            byte[] bytes = Files.readAllBytes(segment);
            // The only record: it looks like a write that was cut short, and must not be taken for a database that never was.
            bytes[bytes.length / 4] ^= 0x55;
            Files.write(segment, bytes);
        }
        Logger log = Logger.getLogger(Server.class.getName());
        log.setLevel(Level.OFF);
        try (TestServer again = new TestServer(data, Limits.DEFAULTS, FILES)) {
            Database sound = again.server.database(again.server.resolve("sound"));
            assertEquals(1, again.count(sound, "SELECT * FROM a"));
            assertCode(ErrorCode.DATABASE_FAILED, () -> again.server.database(broken));
            assertEquals(ErrorCode.STORAGE_CORRUPT, again.server.failedDatabases().get(broken).code());
            assertEquals(before.size() + 1, writers().size(), "nothing of it is left");
            assertEquals(List.of("0"), directories(broken), "the files stay for whoever repairs them");
        } finally {
            log.setLevel(null);
        }
        assertEquals(before, writers());
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    // ---- end ----

    @Test
    void closingWhilePublishingLeavesNoWriter() throws Exception {
        Set<String> before = writers();
        TestServer test = new TestServer(data, Limits.DEFAULTS, FILES);
        List<Throwable> wrong = Collections.synchronizedList(new ArrayList<>());
        List<Thread> publishers = new ArrayList<>();
        CountDownLatch some = new CountDownLatch(6);
        AtomicBoolean closing = new AtomicBoolean();
        for (int i = 0; i < 3; i++) {
            int number = i;
            publishers.add(Thread.ofPlatform().start(() -> {
                try {
                    for (int k = 0; k < 1000; k++) {
                        test.publish("p" + number + "-" + k, tables("a").wasm(), false);
                        some.countDown();
                    }
                    wrong.add(new AssertionError("the server went on"));
                } catch (Throwable e) {
                    if (!(e instanceof EngineException) || !closing.get()) {
                        wrong.add(e);
                    }
                }
            }));
        }
        assertTrue(some.await(30, TimeUnit.SECONDS));
        closing.set(true);
        test.close();
        for (Thread publisher : publishers) {
            publisher.join(30_000);
            assertFalse(publisher.isAlive());
        }
        assertEquals(List.of(), wrong);
        assertEquals(before, writers());
    }
}
