package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.snapshot.SnapshotEntry;
import dev.geodesic.engine.snapshot.Snapshotter;
import dev.geodesic.testkit.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ServerSnapshotsTest {

    @TempDir
    private Path directory;

    private TestServer open(long transactions) {
        return new TestServer(directory, new SnapshotOptions(
                FileStorage::open, transactions, 1 << 30, new Retention(2, Duration.ZERO)));
    }

    private static void insert(TestServer test, Database database, int count) {
        for (int i = 0; i < count; i++) {
            test.commit(database, "add_note", "[\"a note\"]");
        }
    }

    @Test
    void databasesAndTheControlDatabaseComeBackFromTheirSnapshots() throws InterruptedException, IOException {
        TokenAuthority.Issued owner;
        int notes;
        try (TestServer test = open(20)) {
            owner = test.owner;
            Database database = test.create("first", TestServer.KITCHEN);
            insert(test, database, 60);
            notes = test.count(database, "SELECT * FROM note");
            Snapshotter snapshots = database.snapshots().orElseThrow();
            Await.until("snapshots", () -> snapshots.status().taken() > 1 && !snapshots.status().running());
            test.server.controlSnapshots().orElseThrow().take().join();
            SnapshotEntry last = snapshots.take().join();
            assertEquals(last, snapshots.list().snapshots().getLast());
            assertEquals(Map.of(), test.server.failedSnapshots());
        }
        assertTrue(Files.list(directory.resolve("control/snapshots")).findAny().isPresent());
        try (TestServer test = open(20)) {
            test.actAs(owner);
            Database database = test.server.database(test.server.resolve("first"));
            assertEquals(notes, test.count(database, "SELECT * FROM note"));
            insert(test, database, 1);
            assertEquals(notes + 1, test.count(database, "SELECT * FROM note"));
            assertTrue(database.snapshots().orElseThrow().status().last().isPresent());
        }
    }

    @Test
    void onlyTheOwnerManagesThem() throws IOException {
        try (TestServer test = open(1_000)) {
            Database database = test.create("mine", TestServer.KITCHEN);
            TestServer.assertCode(ErrorCode.NOT_AUTHORIZED, () ->
                    test.server.snapshots(database.identity(), test.other.claims().identity()));
            assertTrue(test.server.snapshots(database.identity(), test.ownerIdentity()).list().snapshots().isEmpty());
        }
        try (TestServer test = new TestServer(Files.createDirectory(directory.resolve("memory")))) {
            Database database = test.create("mine", TestServer.KITCHEN);
            TestServer.assertCode(ErrorCode.UNSUPPORTED_FEATURE, () ->
                    test.server.snapshots(database.identity(), test.ownerIdentity()));
        }
    }

    /** Whatever is under way then: it ends, and nothing of the database is left. */
    @Test
    void databasesAreClearedAndDeletedWhileSnapshotsAreTaken() throws IOException {
        try (TestServer test = open(3)) {
            for (int i = 0; i < 6; i++) {
                Database database = test.create("gone" + i, TestServer.KITCHEN);
                List<CompletableFuture<SnapshotEntry>> asked = new ArrayList<>();
                for (int j = 0; j < 5; j++) {
                    insert(test, database, 1);
                    asked.add(database.snapshots().orElseThrow().take());
                }
                if (i % 2 == 0) {
                    test.publish("gone" + i, TestServer.KITCHEN, true);
                    Database next = test.server.database(database.identity());
                    assertEquals(0, test.count(next, "SELECT * FROM note"));
                    insert(test, next, 4);
                    next.snapshots().orElseThrow().take().join();
                    test.server.delete(database.identity(), test.ownerIdentity());
                } else {
                    test.server.delete(database.identity(), test.ownerIdentity());
                }
                asked.forEach(a -> assertTrue(a.handle((entry, failure) -> true).join(), "answered"));
                assertFalse(Files.exists(directory.resolve("databases").resolve(database.identity().toHex())));
            }
        }
        try (Stream<Path> left = Files.list(directory.resolve("databases"))) {
            assertEquals(List.of(), left.toList());
        }
    }
}
