package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Starts with something broken: what it is about suffers, everything else is served. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class IsolatedStartTest {

    private static final LogFactory LOGS = new CommitLogs(CommitLogOptions.DEFAULTS);

    @TempDir
    private Path data;
    private Server server;
    private TokenAuthority.Issued owner;
    private TokenAuthority.Issued other;
    private long connection;

    @BeforeEach
    void start() throws Exception {
        Path shared = Path.of("target", "compiled-modules").toAbsolutePath();
        Files.createDirectories(shared);
        Files.createSymbolicLink(data.resolve("compiled"), shared);
        server = Server.start(options(LOGS));
        owner = server.tokens().issueAnonymous();
        other = server.tokens().issueAnonymous();
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
        Files.delete(data.resolve("compiled"));
    }

    private ServerOptions options(LogFactory logs) {
        return new ServerOptions(
                data, Limits.DEFAULTS, HeapStores::new, logs,
                Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), Clock.systemUTC());
    }

    private Identity publish(String name) {
        return server.publish(new PublishRequest(
                Optional.of(name), owner.claims().identity(), TestServer.KITCHEN, false)).identity();
    }

    private void addNote(Identity database) {
        ClientInfo client = new ClientInfo(owner.claims().identity(), new ConnectionId(++connection, 1), "{}");
        Database.join(server.database(database).call(client, "add_note", new Arguments.Json("[\"x\"]")));
    }

    private int notes(Identity database) {
        ClientInfo client = new ClientInfo(owner.claims().identity(), new ConnectionId(++connection, 1), "{}");
        return server.database(database).sql(client, "SELECT * FROM note").result().rows().count();
    }

    private Path directory(Identity database) {
        return data.resolve("databases").resolve(database.toHex()).resolve("0");
    }

    private static Path segment(Path log) throws IOException {
        try (Stream<Path> files = Files.list(log)) {
            return files.filter(f -> f.toString().endsWith(".log")).findFirst().orElseThrow();
        }
    }

    private static void flip(Path file, int at) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[at] ^= 4;
        Files.write(file, bytes);
    }

    private static void move(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }

    private EngineException refused(Identity database, ErrorCode code) {
        EngineException e = assertThrows(EngineException.class, () -> notes(database));
        assertEquals(code, e.code(), e.describe());
        return e;
    }

    @Test
    @Proves("durability.md 8")
    void everyKindOfDamageIsThatOfOneDatabase() throws Exception {
        List<Identity> all =
                Stream.of("healthy", "damaged", "missing", "swapped-a", "swapped-b", "file").map(this::publish).toList();
        all.forEach(this::addNote);
        server.close();
        flip(segment(directory(all.get(1)).resolve("log")), 100);
        move(directory(all.get(2)).resolve("log"), data.resolve("away"));
        move(directory(all.get(3)), data.resolve("swap"));
        move(directory(all.get(4)), directory(all.get(3)));
        move(data.resolve("swap"), directory(all.get(4)));
        move(directory(all.get(5)).resolve("log"), data.resolve("away-too"));
        Files.writeString(directory(all.get(5)).resolve("log"), "no directory");
        server = Server.start(options(LOGS));
        assertEquals(1, notes(all.get(0)));
        assertEquals(5, server.failedDatabases().size());
        assertEquals(ErrorCode.STORAGE_CORRUPT, server.failedDatabases().get(all.get(1)).code());
        assertTrue(refused(all.get(1), ErrorCode.DATABASE_FAILED).getMessage().contains(".log"), "the file is named");
        assertTrue(refused(all.get(2), ErrorCode.DATABASE_FAILED).getMessage().contains("restore"), "the remedy is named");
        for (Identity swapped : all.subList(3, 5)) {
            EngineException e = refused(swapped, ErrorCode.DATABASE_FAILED);
            String text = e.getMessage();
            assertTrue(text.contains("is that of database") && text.contains(swapped.toHex()), text);
        }
        refused(all.get(5), ErrorCode.DATABASE_FAILED);
    }

    @Test
    @Proves("durability.md 8")
    void anOperatorOpensADatabaseOnceMoreWhenItsFilesAreBack() throws Exception {
        Identity database = publish("first");
        addNote(database);
        server.close();
        move(directory(database).resolve("log"), data.resolve("away"));
        server = Server.start(options(LOGS));
        refused(database, ErrorCode.DATABASE_FAILED);
        TestServer.assertCode(ErrorCode.NOT_AUTHORIZED, () -> server.reopen(database, other.claims().identity()));
        TestServer.assertCode(ErrorCode.DATABASE_FAILED, () -> server.reopen(database, owner.claims().identity()));
        try (Stream<Path> files = Files.list(directory(database).resolve("log"))) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory(database).resolve("log"));
        move(data.resolve("away"), directory(database).resolve("log"));
        server.reopen(database, owner.claims().identity());
        assertEquals(1, notes(database));
        assertEquals(Map.of(), server.failedDatabases());
        Database running = server.database(database);
        server.reopen(database, owner.claims().identity());
        assertEquals(running, server.database(database), "a database that runs goes on");
    }

    @Test
    void aFailedDatabaseCanBeDeletedOrCleared() throws Exception {
        Identity deleted = publish("deleted");
        Identity cleared = publish("cleared");
        server.close();
        flip(segment(directory(deleted).resolve("log")), 100);
        flip(segment(directory(cleared).resolve("log")), 100);
        server = Server.start(options(LOGS));
        server.delete(deleted, owner.claims().identity());
        refused(deleted, ErrorCode.NO_SUCH_DATABASE);
        server.publish(new PublishRequest(Optional.of("cleared"), owner.claims().identity(), TestServer.KITCHEN, true));
        addNote(cleared);
        assertEquals(Map.of(), server.failedDatabases());
        assertTrue(Files.notExists(directory(deleted)));
    }

    @Test
    void errorsOfTheMachineWhileOneIsOpenedLeaveTheOthersAlone() {
        Identity broken = publish("broken");
        Identity healthy = publish("healthy");
        server.close();
        server = Server.start(options((directory, start, replay) -> {
            if (directory.toString().contains(broken.toHex())) {
                throw new OutOfMemoryError("for the test");
            }
            return LOGS.open(directory, start, replay);
        }));
        assertEquals(0, notes(healthy));
        assertTrue(refused(broken, ErrorCode.DATABASE_FAILED).getMessage().contains("for the test"));
    }

    @Test
    void aDamagedControlDatabaseKeepsTheServerFromStarting() throws Exception {
        publish("first");
        server.close();
        Path control = segment(data.resolve("control").resolve("log"));
        flip(control, 100);
        EngineException e = assertThrows(EngineException.class, () -> Server.start(options(LOGS)));
        assertEquals(ErrorCode.STORAGE_CORRUPT, e.code());
        assertTrue(e.getMessage().contains("control database") && e.getMessage().contains(control.getFileName().toString()),
                e.getMessage());
        flip(control, 100);
        server = Server.start(options(LOGS));
        assertEquals(1, server.databases().size(), "nothing has been changed, and nothing is locked");
    }

    @Test
    @Proves("durability.md 9.1")
    void databasesAreServedWhileOthersAreStillBeingOpened() throws Exception {
        Identity slow = publish("slow");
        Identity fast = publish("fast");
        addNote(slow);
        server.close();
        CountDownLatch go = new CountDownLatch(1);
        LogFactory slowly = (directory, start, replay) -> {
            if (directory.toString().contains(slow.toHex())) {
                try {
                    assertTrue(go.await(60, TimeUnit.SECONDS));
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            return LOGS.open(directory, start, replay);
        };
        ResourceOptions two = new ResourceOptions(
                Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, 100, Optional.empty(), 2, Duration.ofMillis(20),
                Duration.ofSeconds(10));
        server = Server.launch(options(slowly).withResources(two));
        Await.until("the other one is opened", () -> server.databases().size() == 1);
        assertEquals(0, notes(fast));
        assertTrue(refused(slow, ErrorCode.BUSY).getMessage().contains("reading its log"));
        assertEquals(Map.of(slow, "reading its log"), server.openingDatabases());
        TestServer.assertCode(ErrorCode.BUSY, () -> server.delete(slow, owner.claims().identity()));
        go.countDown();
        Await.until("it is opened", () -> server.openingDatabases().isEmpty());
        assertEquals(1, notes(slow));
    }

    @Test
    void aStopDoesNotWaitForDatabasesThatHaveNotBegun() throws Exception {
        Identity first = publish("first");
        publish("second");
        server.close();
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch began = new CountDownLatch(1);
        LogFactory slowly = (directory, start, replay) -> {
            if (directory.toString().contains("databases")) {
                began.countDown();
                try {
                    assertTrue(go.await(60, TimeUnit.SECONDS));
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            return LOGS.open(directory, start, replay);
        };
        ResourceOptions one = new ResourceOptions(
                Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, 100, Optional.empty(), 1, Duration.ofMillis(20),
                Duration.ofSeconds(10));
        server = Server.launch(options(slowly).withResources(one));
        assertTrue(began.await(20, TimeUnit.SECONDS));
        Thread stop = Thread.ofPlatform().start(server::close);
        go.countDown();
        stop.join(TimeUnit.SECONDS.toMillis(30));
        assertTrue(!stop.isAlive(), "the server stops");
        server = Server.start(options(LOGS));
        assertEquals(0, notes(first));
    }
}
