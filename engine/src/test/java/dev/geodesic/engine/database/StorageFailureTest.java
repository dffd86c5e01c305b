package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLog;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.Faults;
import dev.geodesic.engine.durability.FaultyStorage;
import dev.geodesic.engine.durability.LogStart;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A whole server whose disk fails or loses power (spec/durability.md P3, P4, P8). */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StorageFailureTest {

    @TempDir
    private Path data;

    /** The disks of the logs, by directory. */
    private final Map<Path, FaultyStorage> disks = new ConcurrentHashMap<>();
    private CommitLogOptions log = CommitLogOptions.DEFAULTS;
    private Duration stopWait = Duration.ofSeconds(10);
    private Server server;
    private TokenAuthority.Issued owner;

    @BeforeEach
    void start() {
        server = Server.start(new ServerOptions(
                data, Limits.DEFAULTS, HeapStores::new,
                (directory, start, replay) -> CommitLog.open(disk(directory), log, start, replay),
                Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), Clock.systemUTC()).withResources(
                        ResourceOptions.DEFAULTS.withTimes(Duration.ofSeconds(10), stopWait)));
        owner = server.tokens().issueAnonymous();
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private FaultyStorage disk(Path directory) {
        return disks.computeIfAbsent(directory, d -> new FaultyStorage(new Random(Seeds.seed())));
    }

    private FaultyStorage diskOf(Identity database) {
        return disk(data.resolve("databases").resolve(database.toHex()).resolve("0").resolve("log"));
    }

    private Database publish(String name) throws Exception {
        return server.database(server.publish(new PublishRequest(
                Optional.of(name), owner.claims().identity(),
                Files.readAllBytes(Path.of("../samples/modules/v2/kitchen_v2.wasm")), false)).identity());
    }

    private void restart(UnaryOperator<FaultyStorage> how) {
        Map<Path, FaultyStorage> after = new ConcurrentHashMap<>();
        disks.forEach((directory, disk) -> after.put(directory, how.apply(disk)));
        server.close();
        disks.clear();
        disks.putAll(after);
        start();
    }

    private static ClientInfo client(TokenAuthority.Issued who, long connection) {
        return new ClientInfo(who.claims().identity(), new ConnectionId(connection, 1), who.claims().payload());
    }

    private long addNote(Database database, String text) {
        return assertInstanceOf(CallResult.Committed.class, Database.join(
                database.call(client(owner, 1), "add_note", new Arguments.Json("[\"" + text + "\"]")))).txOffset();
    }

    private int notes(Database database) {
        return database.sql(client(owner, 2), "SELECT * FROM note").result().rows().count();
    }

    private static final class Inbox implements ClientSink {

        private final LinkedBlockingQueue<ServerMessage> messages = new LinkedBlockingQueue<>();
        private final LinkedBlockingQueue<CloseReason> closed = new LinkedBlockingQueue<>();

        @Override
        public void send(ServerMessage message) {
            messages.add(message);
        }

        @Override
        public void close(CloseReason reason) {
            closed.add(reason);
        }
    }

    @Test
    @Proves("durability.md 1")
    @Proves("durability.md 4")
    @Proves("durability.md 13")
    void nothingConfirmedIsLostWithThePower() throws Exception {
        Database database = publish("first");
        for (int i = 0; i < 20; i++) {
            database.awaitDurable(addNote(database, "note " + i));
        }
        for (int crash = 0; crash < 5; crash++) {
            restart(FaultyStorage::powerLoss);
            database = server.database(server.resolve("first"));
            assertEquals(20 + crash, notes(database));
            database.awaitDurable(addNote(database, "after crash " + crash));
        }
    }

    /** Neither the log nor a writer that waits for room in its queue keeps a server from being closed. */
    @Test
    @Proves("durability.md 10")
    void aDiskThatDoesNotAnswerIsReportedAndNotWaitedFor() throws Exception {
        server.close();
        log = CommitLogOptions.DEFAULTS.withQueue(4, 1 << 20).withPatience(Duration.ofMillis(300));
        stopWait = Duration.ofMillis(300);
        start();
        Database hanging = publish("hanging");
        Database healthy = publish("healthy");
        hanging.awaitDurable(addNote(hanging, "confirmed"));
        FaultyStorage disk = diskOf(hanging.identity());
        disk.hold();
        try {
            List<CompletableFuture<CallResult>> calls = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                calls.add(hanging.call(client(owner, 100 + i), "add_note", new Arguments.Json("[\"" + i + "\"]")));
            }
            Await.until("somebody notices that the disk does not answer",
                    () -> server.hangingDatabases().equals(Set.of(hanging.identity())));
            healthy.awaitDurable(addNote(healthy, "beside it"));
            long begin = System.nanoTime();
            server.close();
            long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
            assertTrue(millis < 20_000, millis + " ms");
            for (CompletableFuture<CallResult> call : calls) {
                call.handle((result, failure) -> null).get(1, TimeUnit.SECONDS);
            }
            // What hangs may still be written: nobody else may have the directory.
            assertEquals(ErrorCode.STORAGE_LOCKED, assertThrows(EngineException.class, this::start).code());
        } finally {
            disk.release();
        }
        // When the disk answers at last, no further write follows: of 20 calls, those that fit into the queue are lost.
        Thread.sleep(200);
        int records = records(disk);
        Thread.sleep(100);
        assertEquals(records, records(disk));
        assertTrue(records < 15, records + " records");
    }

    private static int records(FaultyStorage disk) {
        AtomicInteger records = new AtomicInteger();
        CommitLog.open(disk.restarted(), CommitLogOptions.DEFAULTS, LogStart.EMPTY,
                (txOffset, record, offset, length) -> records.incrementAndGet()).close();
        return records.get();
    }

    @Test
    @Proves("durability.md 4")
    @Proves("durability.md 10")
    void whatWasNotForcedMayBeGoneAndConfirmedClientsNeverSawIt() throws Exception {
        Database database = publish("first");
        database.awaitDurable(addNote(database, "kept"));
        Inbox inbox = new Inbox();
        ClientConnection connection = database.connect(client(owner, 7), new ConnectionOptions(false, false, true), inbox, "");
        assertInstanceOf(ServerMessage.InitialConnection.class, inbox.messages.poll(10, TimeUnit.SECONDS));
        FaultyStorage disk = diskOf(database.identity());
        disk.hold();
        connection.submit(new ClientMessage.CallReducer("add_note", new Arguments.Json("[\"lost\"]"), 1, true), 10);
        addNote(database, "lost too");
        assertNull(inbox.messages.poll(50, TimeUnit.MILLISECONDS), "nothing is confirmed before it is durable");
        disk.failWhen(n -> true);
        disk.release();
        assertTrue(inbox.closed.poll(10, TimeUnit.SECONDS) != null, "the connection is closed");
        assertNull(inbox.messages.poll(), "without the messages that waited");
        restart(FaultyStorage::powerLoss);
        int left = notes(server.database(server.resolve("first")));
        assertTrue(left >= 1 && left <= 3, "notes: " + left);
    }

    @Test
    void aFailingDiskStopsItsDatabaseAndNoOther() throws Exception {
        Database broken = publish("broken");
        Database healthy = publish("healthy");
        broken.awaitDurable(addNote(broken, "kept"));
        diskOf(broken.identity()).failWhen(n -> true);
        EngineException waited = assertThrows(EngineException.class, () -> {
            while (true) {
                broken.awaitDurable(addNote(broken, "more"));
            }
        });
        assertTrue(waited.code() == ErrorCode.STORAGE_FAILED || waited.code() == ErrorCode.DATABASE_STOPPED, waited.describe());
        assertEquals(ErrorCode.STORAGE_FAILED, ((EngineException) broken.failure().orElseThrow()).code());
        for (int i = 0; i < 3; i++) {
            EngineException stopped = assertThrows(EngineException.class, () -> addNote(broken, "no"));
            assertEquals(ErrorCode.DATABASE_STOPPED, stopped.code());
            assertTrue(stopped.getMessage().contains("injected fault"), stopped.getMessage());
            assertThrows(EngineException.class, () -> notes(broken));
        }
        healthy.awaitDurable(addNote(healthy, "on and on"));
        restart(FaultyStorage::restarted);
        assertTrue(notes(server.database(server.resolve("broken"))) >= 1);
        assertEquals(1, notes(server.database(server.resolve("healthy"))));
    }

    /** The kernel may have dropped what could not be written: a later success says nothing about it. */
    @Test
    @Proves("durability.md 1")
    @Proves("durability.md 3")
    void aForceThatFailsOnceStopsTheDatabaseForGood() throws Exception {
        Database database = publish("once");
        database.awaitDurable(addNote(database, "kept"));
        FaultyStorage disk = diskOf(database.identity());
        AtomicBoolean failed = new AtomicBoolean();
        disk.faults().plan(op ->
                op.kind() == Faults.Kind.FORCE && !failed.getAndSet(true) ? Faults.Fault.FAIL : Faults.Fault.NONE);
        Inbox inbox = new Inbox();
        ClientConnection connection = database.connect(client(owner, 7), new ConnectionOptions(false, false, true), inbox, "");
        assertThrows(EngineException.class, () -> database.awaitDurable(addNote(database, "not confirmed")));
        for (int i = 0; i < 5; i++) {
            EngineException e = assertThrows(EngineException.class, () -> database.awaitDurable(addNote(database, "never")));
            assertTrue(e.getMessage().contains("injected fault"), e::describe);
            assertThrows(EngineException.class, () -> notes(database), "nor is anything read");
        }
        assertTrue(inbox.closed.poll(10, TimeUnit.SECONDS) != null, "clients are sent away");
        connection.disconnect();
        assertEquals(ErrorCode.STORAGE_FAILED, ((EngineException) database.failure().orElseThrow()).code());
        restart(FaultyStorage::powerLoss);
        int left = notes(server.database(server.resolve("once")));
        assertTrue(left == 1 || left == 2, "notes: " + left);
    }

    @Test
    @Proves("durability.md 10")
    @Proves("durability.md 13")
    void aDiskThatBecomesFullOrReadOnlyConfirmsNothingAndAnswersNothing() throws Exception {
        for (boolean full : new boolean[] {true, false}) {
            String name = full ? "full" : "read-only";
            Database database = publish(name);
            database.awaitDurable(addNote(database, "kept"));
            Faults faults = diskOf(database.identity()).faults();
            if (full) {
                faults.room(50);
            } else {
                faults.plan(op -> Faults.Fault.READ_ONLY);
            }
            assertThrows(EngineException.class, () -> database.awaitDurable(addNote(database, "too much")));
            assertThrows(EngineException.class, () -> notes(database));
            String reason = ((EngineException) database.failure().orElseThrow()).describe();
            assertTrue(reason.contains(full ? "No space left on device" : "Read-only file system"), reason);
        }
        restart(FaultyStorage::restarted);
        for (String name : new String[] {"full", "read-only"}) {
            assertEquals(1, notes(server.database(server.resolve(name))), name);
            server.database(server.resolve(name)).awaitDurable(addNote(server.database(server.resolve(name)), "room again"));
        }
    }

    @Test
    void aDamagedLogKeepsItsDatabaseFromStartingAndNoOther() throws Exception {
        Database damaged = publish("damaged");
        publish("healthy");
        damaged.awaitDurable(addNote(damaged, "a"));
        damaged.awaitDurable(addNote(damaged, "b"));
        Path directory = data.resolve("databases").resolve(damaged.identity().toHex()).resolve("0").resolve("log");
        restart(disk -> disk == disks.get(directory) ? disk.restarted().damage(100) : disk.restarted());
        EngineException e = assertThrows(EngineException.class, () -> server.database(server.resolve("damaged")));
        assertEquals(ErrorCode.DATABASE_FAILED, e.code());
        EngineException reason = server.failedDatabases().get(damaged.identity());
        assertEquals(ErrorCode.STORAGE_CORRUPT, reason.code());
        assertTrue(reason.getMessage().contains("00000000000000000000.log is damaged at byte 32"), reason.getMessage());
        assertEquals(0, notes(server.database(server.resolve("healthy"))));
    }

    @Test
    void aFailingControlLogRefusesNewNames() throws Exception {
        Identity database = publish("first").identity();
        disk(data.resolve("control").resolve("log")).failWhen(n -> true);
        for (int i = 0; i < 5; i++) {
            String name = "name" + i;
            EngineException e = assertThrows(
                    EngineException.class, () -> server.addName(database, name, owner.claims().identity()));
            assertTrue(e.code() == ErrorCode.STORAGE_FAILED || e.code() == ErrorCode.DATABASE_STOPPED, e.describe());
        }
        restart(FaultyStorage::restarted);
        assertEquals(1, server.databases().size());
    }
}
