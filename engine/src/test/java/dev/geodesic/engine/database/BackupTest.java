package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.BackupWorld.another;
import static dev.geodesic.engine.database.BackupWorld.same;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.backup.Manifest;
import dev.geodesic.engine.backup.Moment;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.catalog.ModuleRow;
import dev.geodesic.engine.durability.TxRecord;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Seeds;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Backups, restores and earlier moments of databases with an unmodified module, by comparing full contents. */
class BackupTest {

    enum Store {
        HEAP(HeapStores::new),
        CHRONICLE(ChronicleStores::new);

        private final Supplier<TableStores> stores;

        Store(Supplier<TableStores> stores) {
            this.stores = stores;
        }
    }

    @TempDir
    private Path directory;

    private BackupWorld world() {
        return new BackupWorld(directory, HeapStores::new);
    }

    private static EngineException refused(ErrorCode code, Runnable work) {
        EngineException e = assertThrows(EngineException.class, work::run);
        assertEquals(code, e.code(), e.describe());
        return e;
    }

    @ParameterizedTest
    @EnumSource
    void aBackupComesBackAsANewDatabaseAndInPlace(Store store) throws Exception {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        try (BackupWorld world = new BackupWorld(directory, store.stores)) {
            Database source = world.create("source");
            world.server.changeEnvironment(
                    source.identity(), new EnvironmentChange(Map.of("COLOR", "red"), Set.of(), true), world.me());
            world.changes(source, random, 10, 60);
            Map<String, Set<String>> then = world.contents(source);
            int notes = world.count(source, "SELECT * FROM note");
            byte[] zip = world.zip(source.identity(), false);
            world.changes(source, random, 1000, 30);
            world.server.changeEnvironment(
                    source.identity(), new EnvironmentChange(Map.of("COLOR", "blue"), Set.of(), true), world.me());
            Map<String, Set<String>> now = world.contents(source);
            assertNotEquals(then, now, () -> "seed " + seed);

            RestoreResult copy = world.restore(zip, another("copy"));
            assertTrue(copy.created());
            Database restored = world.server.database(world.server.resolve("copy"));
            assertEquals(copy.identity(), restored.identity());
            assertEquals(then, world.contents(restored), () -> "seed " + seed);
            assertEquals(now, world.contents(source), () -> "seed " + seed);
            assertEquals(Map.of("COLOR", "red"), world.server.environment(copy.identity(), world.me()));
            ModuleRow module = restored.storedModule().orElseThrow();
            assertEquals(restored.identity(), module.database());
            assertEquals(world.me(), module.owner());

            TestServer.Inbox inbox = new TestServer.Inbox();
            source.connect(TestServer.client(world.owner), TestServer.V2, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            long epoch = source.epoch();
            RestoreResult back = world.restore(zip, same(source.identity()));
            assertFalse(back.created());
            assertEquals(CloseReason.MODULE_EXITED, inbox.end());
            Database again = world.server.database(source.identity());
            assertEquals(then, world.contents(again), () -> "seed " + seed);
            assertTrue(again.epoch() > epoch);
            assertEquals(Map.of("COLOR", "red"), world.server.environment(source.identity(), world.me()));
            assertEquals(List.of("source"), world.server.names(source.identity()));
            refused(ErrorCode.DATABASE_STOPPED, () -> world.count(source, "SELECT * FROM note"));

            world.commit(again, "add_note", "[\"after\"]");
            assertEquals(notes + 1, world.count(again, "SELECT * FROM note"));
            Map<String, Set<String>> after = world.contents(again);
            world.restart();
            assertEquals(after, world.contents(world.server.database(source.identity())), () -> "seed " + seed);
            assertEquals(then, world.contents(world.server.database(copy.identity())), () -> "seed " + seed);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyMomentCanBeHadWhileWritersGoOn(Store store) throws Exception {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        try (BackupWorld world = new BackupWorld(directory, store.stores)) {
            Database source = world.create("source");
            world.changes(source, random, 10, 40);
            AtomicBoolean stop = new AtomicBoolean();
            AtomicInteger done = new AtomicInteger();
            CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> {
                Random own = new Random(seed + 1);
                while (!stop.get()) {
                    world.change(source, own, 10_000 + done.getAndIncrement());
                }
            });
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            Manifest manifest;
            try {
                Await.until("the writer works", () -> done.get() > 20);
                manifest = world.prepared(source.identity(), true, out);
                int atBackup = done.get();
                Await.until("the writer is not held up", () -> done.get() > atBackup + 20);
                RestoreResult live = world.restore(
                        new RestoreRequest.Source.History(source.identity()), new Moment.Offset(30), another(null));
                assertEquals(BackupWorld.contents(source, 30),
                        world.contents(world.server.database(live.identity())), () -> "seed " + seed);
            } finally {
                stop.set(true);
                writer.join();
            }
            assertEquals(0, manifest.from());
            for (int i = 0; i < 4; i++) {
                long transactions = i == 0 ? 1 : 1 + random.nextLong(manifest.transactions());
                RestoreResult past =
                        world.restore(out.toByteArray(), new Moment.Offset(transactions), another(null), world.owner);
                assertEquals(transactions, past.transactions());
                assertEquals(BackupWorld.contents(source, transactions),
                        world.contents(world.server.database(past.identity())), () -> "seed " + seed + " at " + transactions);
            }
            List<Long> times = new ArrayList<>();
            source.logFiles().orElseThrow().read(0, manifest.transactions(), (offset, record, at, length) ->
                    times.add(TxRecord.commitMicros(record, at, length)));
            long time = times.get(random.nextInt(times.size()));
            long expected = times.stream().filter(t -> t <= time).count();
            RestoreRequest.Source history = new RestoreRequest.Source.History(source.identity());
            for (RestoreRequest.Source from : new RestoreRequest.Source[] {null, history}) {
                RestoreResult past = from == null
                        ? world.restore(out.toByteArray(), new Moment.Time(time), another(null), world.owner)
                        : world.restore(from, new Moment.Time(time), another(null));
                assertEquals(expected, past.transactions(), () -> "seed " + seed);
                assertEquals(BackupWorld.contents(source, expected),
                        world.contents(world.server.database(past.identity())), () -> "seed " + seed + " at " + time);
            }
            long middle = manifest.transactions() / 2;
            Map<String, Set<String>> then = BackupWorld.contents(source, middle);
            world.restore(history, new Moment.Offset(middle), same(source.identity()));
            assertEquals(then, world.contents(world.server.database(source.identity())), () -> "seed " + seed);
            world.restart();
            assertEquals(then, world.contents(world.server.database(source.identity())), () -> "seed " + seed);
        }
    }

    @Test
    void momentsThatAreNotThereAreRefusedWithWhatIsThere() {
        try (BackupWorld world = world()) {
            Database source = world.create("source");
            world.changes(source, new Random(1), 10, 20);
            long until = source.durableOffset() + 1;
            RestoreRequest.Source history = new RestoreRequest.Source.History(source.identity());
            String range = refused(ErrorCode.INVALID_ARGUMENTS, () ->
                    world.restore(history, new Moment.Offset(1_000_000), another(null))).getMessage();
            assertTrue(range.matches(
                    "there is no such moment: what there is goes from 1 transactions to [0-9]+ transactions \\(20.*Z\\)"), range);
            refused(ErrorCode.INVALID_ARGUMENTS, () -> world.restore(history, new Moment.Offset(0), another(null)));
            refused(ErrorCode.INVALID_ARGUMENTS, () -> world.restore(history, new Moment.Offset(-1), another(null)));
            refused(ErrorCode.INVALID_ARGUMENTS, () -> world.restore(history, new Moment.Time(0), another(null)));
            refused(ErrorCode.INVALID_ARGUMENTS, () ->
                    world.restore(history, new Moment.Time(Long.MAX_VALUE), another(null)));
            byte[] zip = world.zip(source.identity(), false);
            refused(ErrorCode.INVALID_ARGUMENTS, () ->
                    world.restore(zip, new Moment.Offset(until - 5), another(null), world.owner));
            refused(ErrorCode.INVALID_ARGUMENTS, () ->
                    world.restore(zip, new Moment.Time(1), another(null), world.owner));
            assertEquals(1, world.server.databases().size());
        }
    }

    @Test
    void sequencesGoOnBehindWhatHadBeenHandedOut() {
        try (BackupWorld world = world()) {
            Database source = world.create("source");
            for (int i = 0; i < 10; i++) {
                world.commit(source, "add_note", "[\"" + i + "\"]");
            }
            byte[] zip = world.zip(source.identity(), false);
            for (int i = 0; i < 2; i++) {
                Identity identity = world.restore(zip, another(null)).identity();
                Database restored = world.server.database(identity);
                world.commit(restored, "add_note", "[\"more\"]");
                assertEquals(1, world.count(restored, "SELECT * FROM note WHERE id > 10 AND text = 'more'"));
                assertEquals(11, world.count(restored, "SELECT * FROM note"));
            }
        }
    }

    @Test
    void connectionsOfTheBackupEndAndOverdueCallsRun() throws Exception {
        try (BackupWorld world = world()) {
            Database source = world.create("source", Timers.MODULE);
            TestServer.Inbox inbox = new TestServer.Inbox();
            source.connect(TestServer.client(world.owner), TestServer.V2, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            world.commit(source, "arm", "[{\"Time\":{\"__timestamp_micros_since_unix_epoch__\":"
                    + (world.server.nowMicros() + 2_000_000) + "}}, \"\", \"soon\"]");
            byte[] zip = world.zip(source.identity(), false);
            String ran = "SELECT * FROM run WHERE text = 'soon'";
            Await.until("the job has run", () -> world.count(source, ran) == 1);
            Database restored = world.server.database(world.restore(zip, another(null)).identity());
            Await.until("the job has run again", () -> world.count(restored, ran) == 1);
            assertEquals(1, world.count(source, ran));
            // Its own one only.
            assertEquals(1, world.count(restored, "SELECT * FROM st_client"));
            assertEquals(2, world.count(source, "SELECT * FROM st_client"));
            world.restore(zip, same(source.identity()));
            Database again = world.server.database(source.identity());
            Await.until("the job has run once more", () -> world.count(again, ran) == 1);
            assertEquals(1, world.count(again, "SELECT * FROM st_client"));
        }
    }

    @Test
    void directoriesHoldBackupsUnderCheckedNames() throws Exception {
        try (BackupWorld world = world()) {
            Database source = world.create("source");
            world.changes(source, new Random(2), 10, 20);
            Map<String, Set<String>> then = world.contents(source);
            Manifest manifest = world.server.backups().write(source.identity(), "monday", true, world.me());
            assertEquals(source.identity(), manifest.database());
            try (var files = Files.list(world.backups)) {
                assertEquals(List.of("monday"), files.map(f -> f.getFileName().toString()).toList());
            }
            refused(ErrorCode.INVALID_ARGUMENTS, () ->
                    world.server.backups().write(source.identity(), "monday", false, world.me()));
            for (String name : List.of(
                    "", ".", "..", "a/b", "../a", "/etc", ".hidden", "a\\b", "a b", "x".repeat(101), "end.", "\u00e4")) {
                refused(ErrorCode.INVALID_ARGUMENTS, () ->
                        world.server.backups().write(source.identity(), name, false, world.me()));
                refused(ErrorCode.INVALID_ARGUMENTS, () -> world.restore(
                        new RestoreRequest.Source.Directory(name), new Moment.Latest(), another(null)));
            }
            refused(ErrorCode.NO_SUCH_BACKUP, () -> world.restore(
                    new RestoreRequest.Source.Directory("tuesday"), new Moment.Latest(), another(null)));
            world.changes(source, new Random(3), 100, 20);
            Identity copy = world.restore(
                    new RestoreRequest.Source.Directory("monday"), new Moment.Latest(), another("copy")).identity();
            assertEquals(then, world.contents(world.server.database(copy)));
            long early = 5;
            Identity past = world.restore(
                    new RestoreRequest.Source.Directory("monday"), new Moment.Offset(early), another(null)).identity();
            assertEquals(BackupWorld.contents(source, early), world.contents(world.server.database(past)));
            refused(ErrorCode.NOT_AUTHORIZED, () -> world.server.backups().restore(new RestoreRequest(
                    new RestoreRequest.Source.Directory("monday"), new Moment.Latest(), another(null),
                    world.other.claims().identity(), true)));
            assertFalse(Files.exists(world.data.resolve("restores").resolve("0")));
        }
    }

    @Test
    void verificationNamesWhatIsDamaged() throws Exception {
        try (BackupWorld world = world()) {
            Database source = world.create("source");
            world.changes(source, new Random(6), 10, 150);
            world.contents(source);
            assertEquals(List.of(), world.server.backups().verify(source.identity(), world.me()));
            refused(ErrorCode.NOT_AUTHORIZED, () ->
                    world.server.backups().verify(source.identity(), world.other.claims().identity()));
            Path files = world.data.resolve("databases").resolve(source.identity().toHex()).resolve("0");
            for (String kind : List.of("log", "snapshots")) {
                Path file;
                try (var all = Files.list(files.resolve(kind))) {
                    file = all.filter(f -> f.toString().endsWith(".snapshot") || f.toString().contains(".log")).sorted().toList()
                            .getFirst();
                }
                byte[] bytes = Files.readAllBytes(file);
                byte[] damaged = bytes.clone();
                damaged[bytes.length / 2] ^= 1;
                Files.write(file, damaged);
                List<Finding> findings = world.server.backups().verify(source.identity(), world.me());
                assertFalse(findings.isEmpty());
                assertEquals(kind + "/" + file.getFileName(), findings.getFirst().file());
                assertTrue(findings.getFirst().problem().matches(".*is damaged at byte [0-9]+: .*"),
                        findings.getFirst()::problem);
                Files.write(file, bytes);
            }
            assertEquals(List.of(), world.server.backups().verify(source.identity(), world.me()));
        }
    }

    /** At the start and before a backup; not those that another server may be writing, and nothing else. */
    @Test
    void whatInterruptedBackupsAndRestoresLeftIsRemoved() throws Exception {
        try (BackupWorld world = world()) {
            Database source = world.create("source");
            for (boolean restart : new boolean[] {true, false}) {
                Path left = interrupted(world.backups.resolve(".tuesday.part"), 61);
                Path young = interrupted(world.backups.resolve(".wednesday.part"), 61);
                Files.writeString(young.resolve("second"), "just now");
                Path other = interrupted(world.backups.resolve(".mine"), 61);
                Path upload = interrupted(world.data.resolve("restores").resolve("7"), 0);
                if (restart) {
                    world.restart();
                    assertTrue(Files.notExists(upload));
                } else {
                    world.server.backups().write(source.identity(), "monday", false, world.me());
                    assertTrue(Files.exists(world.backups.resolve("monday")));
                }
                assertTrue(Files.notExists(left) && Files.exists(young) && Files.exists(other));
            }
        }
    }

    /** A directory with a file, which nobody has written to for so long. */
    private static Path interrupted(Path directory, int minutes) throws IOException {
        FileTime then = FileTime.from(Instant.now().minus(Duration.ofMinutes(minutes)));
        Files.createDirectories(directory);
        Files.setLastModifiedTime(Files.writeString(directory.resolve("first"), "half"), then);
        Files.setLastModifiedTime(directory, then);
        return directory;
    }

    @Test
    void onlyOwnersBackUpAndSetBack() {
        try (BackupWorld world = world()) {
            Database source = world.create("source");
            Identity other = world.other.claims().identity();
            byte[] zip = world.zip(source.identity(), true);
            Map<String, Set<String>> then = world.contents(source);
            refused(ErrorCode.NOT_AUTHORIZED, () -> world.server.backups().prepare(source.identity(), false, other));
            refused(ErrorCode.NOT_AUTHORIZED, () -> world.server.backups().write(source.identity(), "x", false, other));
            refused(ErrorCode.NOT_AUTHORIZED, () ->
                    world.restore(zip, new Moment.Latest(), same(source.identity()), world.other));
            refused(ErrorCode.NOT_AUTHORIZED, () -> world.server.backups().restore(new RestoreRequest(
                    new RestoreRequest.Source.History(source.identity()), new Moment.Offset(1), another(null), other, true)));
            refused(ErrorCode.NOT_AUTHORIZED, () -> world.server.backups().restore(new RestoreRequest(
                    new RestoreRequest.Source.History(source.identity()), new Moment.Offset(1), another(null), world.me(),
                    false)));
            world.server.setLocked(source.identity(), true, world.me());
            refused(ErrorCode.NOT_AUTHORIZED, () -> world.restore(zip, same(source.identity())));
            world.server.setLocked(source.identity(), false, world.me());
            Database second = world.create("second");
            refused(ErrorCode.INVALID_ARGUMENTS, () -> world.restore(zip, same(second.identity())));
            refused(ErrorCode.NAME_TAKEN, () -> world.restore(zip, another("second")));
            refused(ErrorCode.INVALID_NAME, () -> world.restore(zip, another("No Name")));
            // Whoever has the bytes may have a database of their own made of them.
            RestoreResult theirs = world.restore(zip, new Moment.Latest(), another("theirs"), world.other);
            assertEquals(other, world.server.database(theirs.identity()).owner());
            assertEquals(then, world.contents(source));
        }
    }

    @Test
    void aDeletedDatabaseComesBackForItsOwnerOnly() {
        try (BackupWorld world = world()) {
            Database source = world.create("source");
            world.changes(source, new Random(4), 10, 10);
            Map<String, Set<String>> then = world.contents(source);
            byte[] zip = world.zip(source.identity(), false);
            world.server.delete(source.identity(), world.me());
            refused(ErrorCode.NOT_AUTHORIZED, () ->
                    world.restore(zip, new Moment.Latest(), same(source.identity()), world.other));
            assertTrue(world.restore(zip, same(source.identity())).created());
            assertEquals(then, world.contents(world.server.database(world.server.resolve("source"))));
            world.restart();
            assertEquals(then, world.contents(world.server.database(world.server.resolve("source"))));
        }
    }
}
