package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.TestServer.assertCode;
import static dev.geodesic.engine.database.TestServer.client;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.DiskOptions;
import dev.geodesic.engine.durability.DiskWatch;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.port.Timer;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.engine.schedule.ClockTimer;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Memory, disk and queues that are full, and a stop while there is work. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ResourcesTest {

    private static final long MIB = 1L << 20;
    private static final String TEXT = "x".repeat(20_000);
    private static final String INSERT =
            "INSERT INTO note (id, owner, text) VALUES (0, 0x" + "0".repeat(64) + ", '";

    @TempDir
    private Path data;
    private final AtomicLong usable = new AtomicLong(1000);
    private Server server;
    private TokenAuthority.Issued owner;

    enum Kind {
        CHRONICLE(ChronicleStores::new, 16 * MIB), HEAP(HeapStores::new, 4 * MIB);

        private final Supplier<TableStores> stores;
        private final long databaseMax;

        /** @param databaseMax that leaves room for some rows beside what a database has in any case */
        Kind(Supplier<TableStores> stores, long databaseMax) {
            this.stores = stores;
            this.databaseMax = databaseMax;
        }
    }

    private void start(Kind kind, LogFactory logs, ResourceOptions resources) throws Exception {
        Path shared = Path.of("target", "compiled-modules").toAbsolutePath();
        Files.createDirectories(shared);
        if (Files.notExists(data.resolve("compiled"))) {
            Files.createSymbolicLink(data.resolve("compiled"), shared);
        }
        Timer timer = new ClockTimer(Clock.systemUTC(), Thread.ofPlatform().daemon().factory());
        server = Server.start(new ServerOptions(
                data, Limits.DEFAULTS, kind.stores, logs, Thread.ofPlatform().daemon().stackSize(16 << 20).factory(),
                Clock.systemUTC(), timer, ProcedureOptions.DEFAULTS).withResources(resources));
        owner = server.tokens().issueAnonymous();
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
        Files.deleteIfExists(data.resolve("compiled"));
    }

    private Database create(String name) {
        return server.database(server.publish(new PublishRequest(
                Optional.of(name), owner.claims().identity(), TestServer.KITCHEN, false)).identity());
    }

    private CompletableFuture<CallResult> call(Database database, String reducer, String arguments) {
        return database.call(client(owner), reducer, new Arguments.Json(arguments));
    }

    private CallResult addNote(Database database) {
        return Database.join(call(database, "add_note", "[\"" + TEXT + "\"]"));
    }

    private int notes(Database database) {
        return database.sql(client(owner), "SELECT id FROM note").result().rows().count();
    }

    /** Adds notes until one is refused. */
    private CallResult.Refused fill(Database database) {
        for (int i = 0; i < 10_000; i++) {
            if (addNote(database) instanceof CallResult.Refused refused) {
                return refused;
            }
        }
        throw new AssertionError("nothing was refused");
    }

    // ---- memory ----

    @ParameterizedTest
    @EnumSource
    void aDatabaseThatIsFullRefusesRowsAndGoesOnOtherwise(Kind kind) throws Exception {
        start(kind, LogFactory.MEMORY, ResourceOptions.DEFAULTS.withMemory(kind.databaseMax, Long.MAX_VALUE, Long.MAX_VALUE));
        Database database = create("full");
        Database other = create("other");
        CallResult.Refused refused = fill(database);
        assertEquals(ErrorCode.LIMIT_EXCEEDED, refused.code());
        assertTrue(refused.message().contains("database-bytes") && refused.message().contains("geodesic.limits.database.bytes"),
                refused.message());
        assertTrue(database.memoryBytes() <= kind.databaseMax, "bytes " + database.memoryBytes());
        int full = notes(database);
        assertTrue(full > 50, "notes: " + full);
        EngineException sql = assertThrows(EngineException.class, () -> database.sql(
                client(owner), INSERT + TEXT + "')"));
        assertEquals(ErrorCode.LIMIT_EXCEEDED, sql.code());
        assertEquals(full, notes(database), "nothing of it stays");
        assertInstanceOf(CallResult.Committed.class, addNote(other), "the other has its own");
        database.sql(client(owner), "DELETE FROM note WHERE id < " + full / 2);
        assertInstanceOf(CallResult.Committed.class, addNote(database), "there is room again");
        assertTrue(fill(database).code() == ErrorCode.LIMIT_EXCEEDED && notes(database) >= full - 10, "as much as before");
    }

    @ParameterizedTest
    @EnumSource
    void allDatabasesTogetherHaveALimitAndDeletingOneGivesItBack(Kind kind) throws Exception {
        start(kind, LogFactory.MEMORY, ResourceOptions.DEFAULTS.withMemory(Long.MAX_VALUE, 4 * kind.databaseMax, Long.MAX_VALUE));
        long empty = server.memory().bytes();
        Database first = create("first");
        Database second = create("second");
        assertTrue(fill(first).message().contains("geodesic.limits.server.bytes"));
        assertTrue(fill(second).message().contains("geodesic.limits.server.bytes"), "for rows of any database");
        assertTrue(server.memory().bytes() <= 4 * kind.databaseMax, "bytes " + server.memory().bytes());
        server.delete(first.identity(), owner.claims().identity());
        assertInstanceOf(CallResult.Committed.class, addNote(second));
        server.delete(second.identity(), owner.claims().identity());
        // The control database remembers the names.
        assertEquals(empty, server.memory().bytes(), 64 << 10, "everything has been given back");
    }

    @Test
    void theHeapHasALimitOfItsOwn() throws Exception {
        start(Kind.HEAP, LogFactory.MEMORY, ResourceOptions.DEFAULTS.withMemory(Long.MAX_VALUE, Long.MAX_VALUE, 4 * MIB));
        assertTrue(fill(create("first")).message().contains("geodesic.limits.server.heap.bytes"));
    }

    @Test
    void aDatabaseThatIsLargerThanItMayBeIsOpenedAndCanBeMadeSmaller() throws Exception {
        LogFactory logs = new CommitLogs(CommitLogOptions.DEFAULTS);
        start(Kind.CHRONICLE, logs, ResourceOptions.DEFAULTS);
        TokenAuthority.Issued publisher = owner;
        Database database = create("large");
        for (int i = 0; i < 800; i++) {
            addNote(database);
        }
        server.close();
        start(Kind.CHRONICLE, logs, ResourceOptions.DEFAULTS.withMemory(12 * MIB, Long.MAX_VALUE, Long.MAX_VALUE));
        owner = publisher;
        Database again = server.database(database.identity());
        assertTrue(again.memoryBytes() > 12 * MIB, "bytes " + again.memoryBytes());
        assertEquals(800, notes(again));
        fill(again);
        again.sql(client(owner), "DELETE FROM note WHERE id > 20");
        assertInstanceOf(CallResult.Committed.class, addNote(again));
    }

    @Test
    void aFullHeapStopsTheTransactionAndNothingElse() throws Exception {
        AtomicBoolean full = new AtomicBoolean();
        LogFactory logs = LogFactory.MEMORY;
        Path shared = Path.of("target", "compiled-modules").toAbsolutePath();
        Files.createDirectories(shared);
        Files.createSymbolicLink(data.resolve("compiled"), shared);
        server = Server.start(new ServerOptions(
                data, Limits.DEFAULTS, () -> new FullStores(new HeapStores(), full), logs,
                Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), Clock.systemUTC()));
        owner = server.tokens().issueAnonymous();
        Database database = create("first");
        assertInstanceOf(CallResult.Committed.class, addNote(database));
        full.set(true);
        CallResult.Refused refused = assertInstanceOf(CallResult.Refused.class, addNote(database));
        assertTrue(refused.message().contains("heap"), refused.message());
        assertCode(ErrorCode.LIMIT_EXCEEDED, () -> database.sql(
                client(owner), INSERT + "x')"));
        full.set(false);
        assertInstanceOf(CallResult.Committed.class, addNote(database));
        assertEquals(2, notes(database));
        assertTrue(database.failure().isEmpty());
    }

    // ---- the disk ----

    private ResourceOptions watched() {
        return ResourceOptions.DEFAULTS.withDisk(new DiskOptions(usable::get, 500, 100, Duration.ofMillis(5)));
    }

    private void room(long bytes, DiskWatch.Level level) throws InterruptedException {
        usable.set(bytes);
        Await.until("the watch notices", () -> server.disk().level() == level);
    }

    @Test
    @Proves("durability.md 13")
    void beforeTheDiskIsFullWritesAreRefusedAndReadsGoOn() throws Exception {
        start(Kind.HEAP, new CommitLogs(CommitLogOptions.DEFAULTS), watched());
        Database database = create("first");
        addNote(database);
        assertTrue(server.disk().isAmple());
        room(400, DiskWatch.Level.LOW);
        assertTrue(!server.disk().isAmple() && server.disk().isWritable());
        assertInstanceOf(CallResult.Committed.class, addNote(database), "a warning only");

        room(99, DiskWatch.Level.STOPPED);
        CallResult.Refused refused = assertInstanceOf(CallResult.Refused.class, addNote(database));
        assertEquals(ErrorCode.DISK_FULL, refused.code());
        assertTrue(refused.message().contains("geodesic.disk.stop.bytes"), refused.message());
        assertCode(ErrorCode.DISK_FULL, () -> database.sql(
                client(owner), INSERT + "x')"));
        assertCode(ErrorCode.DISK_FULL, () -> create("second"));
        assertEquals(2, notes(database), "reads go on, also of new connections");
        TestServer.Inbox inbox = new TestServer.Inbox();
        ClientConnection connection = database.connect(client(owner), TestServer.V2_CONFIRMED, inbox, "");
        inbox.next(ServerMessage.InitialConnection.class);
        connection.submit(TestServer.callMessage(1, "add_note", "[\"x\"]"), 10);
        ServerMessage.ReducerResult answer = inbox.next(ServerMessage.ReducerResult.class);
        assertTrue(assertInstanceOf(ReducerOutcome.InternalError.class, answer.outcome()).error().contains("disk"));
        database.sql(client(owner), "DELETE FROM note WHERE id > 1");
        assertEquals(1, notes(database), "deleting is possible");

        room(24, DiskWatch.Level.EXHAUSTED);
        EngineException e = assertThrows(EngineException.class, () -> notes(database));
        assertEquals(ErrorCode.DISK_FULL, e.code(), "a connection is written down");
        connection.submit(TestServer.query(2, "SELECT * FROM note"), 10);
        inbox.next(ServerMessage.OneOffResult.class);
        connection.disconnect();
        Await.until("who leaves is forgotten", () -> database.connectionCount() == 0);

        room(1000, DiskWatch.Level.AMPLE);
        assertInstanceOf(CallResult.Committed.class, addNote(database), "it goes on by itself");
        assertTrue(database.failure().isEmpty());
        server.delete(database.identity(), owner.claims().identity());
    }

    @Test
    void aDatabaseCanBeDeletedWhenTheDiskIsFull() throws Exception {
        start(Kind.HEAP, new CommitLogs(CommitLogOptions.DEFAULTS), watched());
        Database database = create("first");
        room(1, DiskWatch.Level.EXHAUSTED);
        server.delete(database.identity(), owner.claims().identity());
        assertCode(ErrorCode.NO_SUCH_DATABASE, () -> server.database(database.identity()));
    }

    // ---- queues ----

    /** Keeps the writer busy until the latch opens. */
    private static void block(Database database, CountDownLatch latch) throws InterruptedException {
        CountDownLatch busy = new CountDownLatch(1);
        database.submit(new Writer.Task() {
            @Override
            public void run() {
                busy.countDown();
                try {
                    assertTrue(latch.await(60, TimeUnit.SECONDS));
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }

            @Override
            public void refuse(EngineException reason) {
                // The test goes on.
            }
        });
        assertTrue(busy.await(20, TimeUnit.SECONDS));
    }

    @Test
    void theWritersQueueIsBounded() throws Exception {
        start(Kind.HEAP, LogFactory.MEMORY, ResourceOptions.DEFAULTS.withWriterTasks(8));
        Database database = create("first");
        TestServer.Inbox inbox = new TestServer.Inbox();
        ClientConnection connection = database.connect(client(owner), TestServer.V2, inbox, "");
        inbox.next(ServerMessage.InitialConnection.class);
        CountDownLatch latch = new CountDownLatch(1);
        block(database, latch);
        List<CompletableFuture<CallResult>> waiting = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            waiting.add(call(database, "add_note", "[\"x\"]"));
        }
        assertCode(ErrorCode.BUSY, () -> Database.join(call(database, "add_note", "[\"x\"]")));
        assertCode(ErrorCode.BUSY, () -> notes(database));
        connection.submit(TestServer.query(1, "SELECT * FROM note"), 10);
        assertEquals(CloseReason.TOO_MANY_REQUESTS, inbox.end());
        TestServer.Inbox late = new TestServer.Inbox();
        database.connect(client(owner), TestServer.V2, late, "");
        assertEquals(CloseReason.TOO_MANY_REQUESTS, late.end());
        latch.countDown();
        waiting.forEach(call -> assertInstanceOf(CallResult.Committed.class, Database.join(call)));
        assertEquals(8, notes(database));
    }

    // ---- stopping ----

    @Test
    @Proves("durability.md 10")
    void aStopFinishesWhatItHasTakenAndConfirmsIt() throws Exception {
        LogFactory logs = new CommitLogs(CommitLogOptions.DEFAULTS);
        start(Kind.HEAP, logs, ResourceOptions.DEFAULTS);
        Database database = create("first");
        TestServer.Inbox inbox = new TestServer.Inbox();
        ClientConnection connection = database.connect(client(owner), TestServer.V2_CONFIRMED, inbox, "");
        inbox.next(ServerMessage.InitialConnection.class);
        CountDownLatch latch = new CountDownLatch(1);
        block(database, latch);
        for (int i = 0; i < 100; i++) {
            connection.submit(TestServer.callMessage(i, "add_note", "[\"socket\"]"), 10);
        }
        List<CompletableFuture<CallResult>> calls = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            calls.add(call(database, "add_note", "[\"http\"]"));
        }
        Thread stop = Thread.ofPlatform().start(server::close);
        Await.until("the stop has begun", database::isDraining);
        connection.submit(TestServer.callMessage(1000, "add_note", "[\"late\"]"), 10);
        EngineException refused = assertThrows(
                EngineException.class, () -> Database.join(call(database, "add_note", "[\"late\"]")));
        assertEquals(ErrorCode.DATABASE_STOPPED, refused.code());
        assertTrue(refused.getMessage().contains("stopping"), refused.getMessage());
        latch.countDown();
        stop.join(TimeUnit.SECONDS.toMillis(30));
        assertTrue(!stop.isAlive(), "the stop ends");
        for (int i = 0; i < 100; i++) {
            assertInstanceOf(CallResult.Committed.class, Database.join(calls.get(i)));
            assertInstanceOf(ReducerOutcome.Committed.class, inbox.next(ServerMessage.ReducerResult.class).outcome());
        }
        assertEquals(CloseReason.MODULE_EXITED, inbox.end());
        start(Kind.HEAP, logs, ResourceOptions.DEFAULTS);
        assertEquals(Map.of(), server.failedDatabases());
        assertEquals(200, notes(server.database(database.identity())), "all that was confirmed, and nothing else");
    }

    @Test
    void aStopDoesNotWaitForEver() throws Exception {
        start(Kind.HEAP, LogFactory.MEMORY, ResourceOptions.DEFAULTS.withTimes(Duration.ofSeconds(1), Duration.ofMillis(50)));
        Database database = create("first");
        CountDownLatch latch = new CountDownLatch(1);
        block(database, latch);
        CompletableFuture<CallResult> waiting = call(database, "add_note", "[\"x\"]");
        Thread stop = Thread.ofPlatform().start(server::close);
        EngineException refused = assertThrows(EngineException.class, () -> Database.join(waiting));
        assertEquals(ErrorCode.DATABASE_STOPPED, refused.code());
        latch.countDown();
        stop.join(TimeUnit.SECONDS.toMillis(30));
        assertTrue(!stop.isAlive());
    }
}
