package dev.geodesic.engine.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.Faults.Fault;
import dev.geodesic.engine.durability.Faults.Kind;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.durability.LogFiles;
import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.durability.SnapshotStore;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SnapshotterTest {

    private static final long NEVER = Long.MAX_VALUE / 2;

    private final Random random = new Random(Seeds.seed());
    private final ThreadPoolExecutor thread = SnapshotWorker.thread();
    private Counters database;

    @AfterEach
    void close() {
        if (database != null) {
            database.close();
        }
        thread.shutdownNow();
    }

    private static SnapshotOptions options(long transactions, long logBytes, int snapshots, Duration history) {
        return new SnapshotOptions(FileStorage::open, transactions, logBytes, new Retention(snapshots, history));
    }

    private void open(SnapshotOptions options) {
        database = new Counters(random, options);
    }

    private void openWithThread(SnapshotOptions options) {
        database = new Counters(random, options, thread);
    }

    private static ErrorCode code(CompletableFuture<?> future) {
        return ((EngineException) assertThrows(CompletionException.class, future::join).getCause()).code();
    }

    private void assertGood() {
        for (long offset : database.snapshots()) {
            assertEquals(database.moments.get((int) offset).values(), database.recover(offset, offset));
            assertEquals(database.moments.getLast().values(), database.recover(offset, database.count()));
        }
    }

    // ---- when ----

    @Test
    @Proves("durability.md 7")
    void oneIsTakenAfterSoManyTransactions() {
        open(options(10, NEVER, 100, Duration.ZERO));
        for (int i = 0; i < 40; i++) {
            database.transact(1);
            database.turn();
        }
        assertEquals(List.of(10L, 20L, 30L, 40L), database.snapshots());
        assertGood();
    }

    @Test
    void oneIsTakenAfterSoManyBytesOfLog() {
        open(options(NEVER, 10_000, 100, Duration.ZERO));
        while (database.snapshots().size() < 3) {
            database.transact(1);
            database.turn();
        }
        List<Long> taken = database.snapshots();
        // A record has some 50 bytes.
        assertTrue(taken.get(1) - taken.get(0) >= 150 && taken.get(2) - taken.get(1) <= 300, taken::toString);
        assertGood();
    }

    @Test
    void whatTheLogHasAtTheStartCounts() {
        open(options(NEVER, NEVER, 2, Duration.ZERO));
        database.transact(30);
        SnapshotOptions other = options(20, NEVER, 2, Duration.ZERO);
        try (Counters next = database.restarted(other)) {
            next.turn();
            assertEquals(List.of(31L), next.snapshots());
            next.transact(5);
            try (Counters last = next.restarted(options(NEVER, 200, 2, Duration.ZERO))) {
                last.turn();
                assertEquals(List.of(31L, 36L), last.snapshots(), "by the bytes behind the last one");
            }
        }
    }

    @Test
    void oneIsTakenWhenAskedForAndNoneTwice() {
        open(options(NEVER, NEVER, 5, Duration.ZERO));
        database.transact(6);
        SnapshotEntry first = database.take();
        assertEquals(7, first.offset());
        assertEquals(database.moments.getLast().micros(), first.commitMicros());
        assertEquals(first, database.take());
        assertEquals(1, database.snapshotter.status().taken());
        database.transact(1);
        assertEquals(8, database.take().offset());
        assertEquals(List.of(7L, 8L), database.snapshots());
        assertGood();
    }

    /** An answer is of a state that is not older than the question. */
    @Test
    void whoAsksWhileOneIsTakenGetsTheNextOne() {
        openWithThread(options(NEVER, NEVER, 5, Duration.ZERO));
        database.transact(3);
        database.snapshotStorage.hold();
        CompletableFuture<SnapshotEntry> first = database.snapshotter.take();
        Counters.await(() -> database.files().stream().anyMatch(f -> f.endsWith(".tmp")));
        database.transact(1);
        CompletableFuture<SnapshotEntry> second = database.snapshotter.take();
        CompletableFuture<SnapshotEntry> third = database.snapshotter.take();
        database.snapshotStorage.release();
        assertEquals(4, first.join().offset());
        assertEquals(5, second.join().offset());
        assertEquals(5, third.join().offset());
        database.settle();
        assertGood();
    }

    /** One thread, and a database that is due again stands behind those that wait. */
    @Test
    void databasesTakeTurns() {
        AtomicInteger tasks = new AtomicInteger();
        Executor counted = task -> {
            tasks.incrementAndGet();
            thread.execute(task);
        };
        database = new Counters(random, options(5, NEVER, 2, Duration.ZERO), counted);
        try (Counters other = new Counters(random, options(5, NEVER, 2, Duration.ZERO), counted)) {
            database.snapshotStorage.hold();
            database.transact(10);
            Counters.await(() -> database.files().stream().anyMatch(f -> f.endsWith(".tmp")));
            // Due more than once, but waiting once.
            database.transact(20);
            other.transact(20);
            assertEquals(2, tasks.get());
            assertTrue(other.files().isEmpty(), "only one is taken at a time");
            database.snapshotStorage.release();
            Counters.await(() -> other.snapshots().contains(21L) && database.snapshots().contains(31L));
        }
    }

    // ---- the log ----

    @Test
    @Proves("durability.md 7")
    void noneIsPublishedBeforeTheLogIsDurable() {
        openWithThread(options(NEVER, NEVER, 5, Duration.ZERO));
        database.settle();
        database.logStorage.hold();
        database.transact(3);
        CompletableFuture<SnapshotEntry> taken = database.snapshotter.take();
        Counters.await(() -> database.snapshotStorage.list().size() == 1);
        assertFalse(taken.isDone());
        assertEquals(List.of(), database.snapshots());
        database.logStorage.release();
        assertEquals(4, taken.join().offset());
        assertGood();
    }

    @Test
    @Proves("durability.md 12")
    void noneIsPublishedOfWhatALogThatFailedHasLost() {
        openWithThread(options(NEVER, NEVER, 5, Duration.ZERO));
        database.settle();
        database.logStorage.failWhen(n -> true);
        database.transact(1);
        assertEquals(ErrorCode.DATABASE_STOPPED, code(database.snapshotter.take()));
        assertEquals(ErrorCode.DATABASE_STOPPED, code(database.snapshotter.take()));
        assertEquals(List.of(), database.snapshots());
        Counters.await(() -> database.files().isEmpty());
    }

    // ---- failures ----

    @Test
    void aFailureIsReportedAndItIsTriedAgainLaterAndLater() {
        open(options(10, NEVER, 5, Duration.ZERO));
        database.snapshotStorage.faults().plan(operation -> operation.kind() == Kind.WRITE ? Fault.FAIL : Fault.NONE);
        database.transact(10);
        database.turn();
        long[] seconds = {5, 10, 20, 40, 80, 160, 320, 600, 600};
        for (int i = 0; i < seconds.length; i++) {
            assertEquals(i + 1, database.snapshotter.status().failures());
            assertTrue(database.snapshotter.failure().orElseThrow().contains("injected fault"));
            // Meanwhile nobody tries.
            database.transact(3);
            database.pass(Duration.ofSeconds(seconds[i] - 1));
            assertTrue(database.turns.isEmpty());
            if (i == seconds.length - 1) {
                database.snapshotStorage.faults().plan(operation -> Fault.NONE);
            }
            database.pass(Duration.ofSeconds(1));
            assertEquals(1, database.turns.size());
            database.turn();
        }
        assertEquals(Optional.empty(), database.snapshotter.failure());
        assertEquals(List.of(database.count()), database.snapshots());
        assertEquals(0, database.timer.pending());
        assertEquals(1, database.files().size(), "nothing is left over");
        assertGood();
    }

    /** Whatever goes wrong at whatever place: the next one is good, and what was there stays. */
    @Test
    @Proves("durability.md 7")
    void everyFailingOperationLeavesWhatWasThere() {
        for (int failing = 0; ; failing++) {
            try (Counters counters = new Counters(new Random(failing), options(NEVER, NEVER, 1, Duration.ZERO))) {
                database = null;
                counters.transact(40);
                counters.take();
                counters.transact(40);
                AtomicInteger at = new AtomicInteger(failing);
                counters.snapshotStorage.failWhen(n -> at.getAndDecrement() == 0);
                CompletableFuture<SnapshotEntry> taken = counters.snapshotter.take();
                counters.turn();
                assertFalse(counters.snapshots().isEmpty());
                database = counters;
                assertGood();
                if (at.get() >= 0) {
                    assertTrue(taken.isDone() && failing > 4, "the operations have been gone through");
                    database = null;
                    return;
                }
                assertEquals(1, counters.snapshotter.status().failures());
                counters.snapshotStorage.failWhen(n -> false);
                counters.pass(Duration.ofSeconds(5));
                counters.turn();
                assertEquals(List.of(81L), counters.snapshots());
                assertGood();
                database = null;
            }
        }
    }

    @Test
    void onAFullDiskNoneIsBegun() {
        open(options(NEVER, NEVER, 5, Duration.ZERO));
        database.transact(3);
        database.obstacle = Optional.of("the disk is nearly full");
        CompletableFuture<SnapshotEntry> taken = database.snapshotter.take();
        database.turn();
        assertEquals(ErrorCode.DISK_FULL, code(taken));
        assertEquals(List.of(), database.files());
        database.obstacle = Optional.empty();
        database.pass(Duration.ofSeconds(5));
        database.turn();
        assertEquals(List.of(4L), database.snapshots());
    }

    /** Rows that change faster than any walk: it is tried again and again, and somebody is told what to do. */
    @Test
    void whereRowsChangeFasterThanAWalkTheOperatorIsTold() {
        open(new SnapshotOptions(
                FileStorage::open, NEVER, NEVER, new Retention(5, Duration.ZERO), 10_000, false));
        database.set(0, 5_000, 1);
        long[] value = {2};
        boolean[] calm = {false};
        database.snapshotStorage.faults().plan(operation -> {
            if (operation.kind() == Kind.CREATE && !calm[0]) {
                for (long first = 0; first < 5_000; first += 500) {
                    database.set(first, 500, value[0]++);
                }
            }
            return Fault.NONE;
        });
        database.snapshotter.take();
        database.turn();
        for (int tries = 1; tries <= 6; tries++) {
            assertEquals(tries, database.snapshotter.status().failures());
            assertEquals(List.of(), database.snapshots());
            String failure = database.snapshotter.failure().orElseThrow();
            assertEquals(tries > 3, failure.contains("Raise geodesic.snapshot.retained.bytes, and the Java heap"), failure);
            database.pass(Duration.ofMinutes(10));
            database.turn();
        }
        calm[0] = true;
        database.pass(Duration.ofMinutes(10));
        database.turn();
        assertEquals(Optional.empty(), database.snapshotter.failure());
        assertEquals(1, database.snapshots().size());
    }

    /** All rows change while one is written, each time: then more memory is used, and it succeeds. */
    @Test
    void whereMuchChangesMoreMemoryIsUsedTheNextTime() {
        open(new SnapshotOptions(
                FileStorage::open, NEVER, NEVER, new Retention(5, Duration.ZERO), 100_000, false));
        database.set(0, 5_000, 1);
        long[] value = {2};
        database.snapshotStorage.faults().plan(operation -> {
            if (operation.kind() == Kind.CREATE) {
                for (long first = 0; first < 5_000; first += 500) {
                    database.set(first, 500, value[0]++);
                }
            }
            return Fault.NONE;
        });
        CompletableFuture<SnapshotEntry> taken = database.snapshotter.take();
        database.turn();
        assertEquals(ErrorCode.LIMIT_EXCEEDED, code(taken));
        assertTrue(database.snapshotter.failure().orElseThrow().contains("the next one may hold back 200000"));
        int tries = 1;
        while (database.snapshotter.failure().isPresent()) {
            assertTrue(++tries <= 4, "8 times as much is enough");
            database.pass(Duration.ofMinutes(1));
            database.turn();
        }
        assertTrue(tries > 2);
        assertEquals(1, database.snapshots().size());
    }

    @Test
    void oneThatCannotBeReadBackIsSetAsideAndNothingIsDeletedForIt() {
        open(options(NEVER, NEVER, 1, Duration.ZERO));
        database.transact(50);
        database.take();
        long from = database.logFrom();
        database.transact(50);
        AtomicInteger writes = new AtomicInteger();
        database.snapshotStorage.faults().plan(operation ->
                operation.kind() == Kind.WRITE && writes.getAndIncrement() == 1 ? Fault.LIE : Fault.NONE);
        CompletableFuture<SnapshotEntry> taken = database.snapshotter.take();
        database.turn();
        assertEquals(ErrorCode.STORAGE_CORRUPT, code(taken));
        assertEquals(List.of(51L), database.snapshots());
        assertTrue(database.files().getLast().endsWith(".damaged"), database.files()::toString);
        assertEquals(from, database.logFrom());
        database.snapshotStorage.faults().plan(operation -> Fault.NONE);
        database.pass(Duration.ofSeconds(5));
        database.turn();
        assertEquals(List.of(101L), database.snapshots());
        assertGood();
    }

    /** The file of a damaged one stays until somebody who has seen it in the list deletes it; drafts go at the next start. */
    @Test
    void filesOfDamagedSnapshotsAreListedAndDeletedOnDemandOnly() throws IOException {
        open(options(NEVER, NEVER, 5, Duration.ZERO));
        database.transact(3);
        database.take();
        database.transact(3);
        database.take();
        List<Long> both = database.snapshots();
        assertEquals(List.of(), database.snapshotter.list().damaged());
        assertEquals(List.of(), database.snapshotter.deleteDamaged());
        String name = String.format("%020d.snapshot", both.getFirst());
        try (StorageFile file = database.snapshotStorage.open(name)) {
            file.truncate(file.size() - 1);
        }
        database.snapshotStorage.create(name + ".7.tmp").close();
        Counters before = database;
        database = before.restarted(options(NEVER, NEVER, 5, Duration.ZERO));
        before.close();
        assertEquals(List.of(both.getLast()), database.snapshots());
        assertEquals(List.of(name + ".damaged"), database.snapshotter.list().damaged());
        assertEquals(2, database.files().size(), () -> database.files().toString());
        assertEquals(List.of(name + ".damaged"), database.snapshotter.deleteDamaged());
        assertEquals(List.of(), database.snapshotter.list().damaged());
        assertEquals(1, database.files().size());
        assertGood();
    }

    /** Those from before the start have not been read yet. */
    @Test
    void nothingIsDeletedForTheSakeOfADamagedSnapshot() throws IOException {
        open(options(NEVER, NEVER, 3, Duration.ZERO));
        for (int i = 0; i < 3; i++) {
            database.transact(50);
            database.take();
        }
        assertEquals(List.of(51L, 101L, 151L), database.snapshots());
        try (StorageFile file = database.snapshotStorage.open(SnapshotStore.fileName(101))) {
            ByteBuffer one = ByteBuffer.allocate(1);
            file.read(one, 200);
            file.write(ByteBuffer.wrap(new byte[] {(byte) (one.get(0) ^ 4)}), 200);
        }
        try (Counters next = database.restarted(options(NEVER, NEVER, 3, Duration.ZERO))) {
            next.transact(50);
            next.take();
            // Without the damage 51 would have gone.
            assertEquals(List.of(51L, 151L, 201L), next.snapshots());
            assertEquals(next.moments.getLast().values(), next.recover(51, next.count()));
        }
    }

    // ---- the end ----

    @Test
    void aStopEndsOneThatIsBeingTaken() {
        openWithThread(options(NEVER, NEVER, 5, Duration.ZERO));
        database.transact(3);
        database.settle();
        database.snapshotStorage.hold();
        CompletableFuture<SnapshotEntry> taken = database.snapshotter.take();
        Counters.await(() -> !database.files().isEmpty());
        CompletableFuture<SnapshotEntry> waiting = database.snapshotter.take();
        database.snapshotter.stop();
        assertEquals(ErrorCode.DATABASE_STOPPED, code(waiting));
        assertEquals(ErrorCode.DATABASE_STOPPED, code(database.snapshotter.take()));
        database.snapshotStorage.release();
        database.close();
        assertEquals(ErrorCode.DATABASE_STOPPED, code(taken));
        assertEquals(List.of(), database.files());
        assertEquals(0, database.timer.pending());
    }

    @Test
    void whatWaitsForItsTurnAtTheEndTouchesNothing() {
        open(options(NEVER, NEVER, 5, Duration.ZERO));
        database.transact(3);
        CompletableFuture<SnapshotEntry> taken = database.snapshotter.take();
        database.settle();
        database.close();
        assertEquals(ErrorCode.DATABASE_STOPPED, code(taken));
        database.turns.remove().run();
        assertEquals(List.of(), database.files());
    }

    // ---- what is kept ----

    @Test
    void theLogBelowIsTrimmedAndCompressed() {
        open(options(NEVER, NEVER, 2, Duration.ZERO));
        database.transact(200);
        database.take();
        assertEquals(0, database.logFrom(), "the empty state is the second snapshot");
        assertTrue(database.segments().size() > 3);
        List<LogFiles.SegmentInfo> closed = database.segments().stream().filter(s -> s.nextOffset() <= 201 && !s.open()).toList();
        assertTrue(closed.stream().allMatch(LogFiles.SegmentInfo::compressed), closed::toString);
        database.transact(200);
        database.take();
        assertTrue(database.logFrom() > 150 && database.logFrom() <= 201, database.segments()::toString);
        database.transact(200);
        database.take();
        assertEquals(List.of(401L, 601L), database.snapshots());
        assertTrue(database.logFrom() > 350 && database.logFrom() <= 401, database.segments()::toString);
        assertGood();
        SnapshotListing listing = database.snapshotter.list();
        assertEquals(List.of(401L, 601L), listing.snapshots().stream().map(SnapshotEntry::offset).toList());
        assertEquals(401, listing.fromOffset());
        assertEquals(601, listing.untilOffset());
        assertEquals(database.moments.get(401).micros(), listing.fromMicros());
    }

    @Test
    @SuppressWarnings("try") // a pin is held, not looked at
    void whatIsPinnedStaysUntilItIsNot() {
        open(options(NEVER, NEVER, 1, Duration.ZERO));
        database.transact(100);
        database.take();
        Snapshotter.Pin pin = database.snapshotter.pin(101);
        Snapshotter.Pin same = database.snapshotter.pin(101);
        database.transact(100);
        database.take();
        assertEquals(List.of(101L, 201L), database.snapshots());
        same.close();
        database.transact(100);
        database.take();
        assertEquals(List.of(101L, 201L, 301L), database.snapshots());
        assertGood();
        pin.close();
        pin.close();
        database.transact(100);
        database.take();
        assertEquals(List.of(401L), database.snapshots());
        assertTrue(database.logFrom() > 301);
    }

    /** The other clock says that no such time has passed. */
    @Test
    void aClockThatJumpsAheadDeletesNothing() {
        open(options(NEVER, NEVER, 1, Duration.ofHours(40)));
        for (int i = 0; i < 4; i++) {
            database.transact(20);
            database.take();
            database.pass(Duration.ofHours(9));
        }
        database.timer.set(database.timer.nowMicros() + Duration.ofDays(1_000).toMillis() * 1000);
        for (int i = 0; i < 3; i++) {
            database.transact(20);
            database.take();
            assertTrue(database.snapshots().containsAll(List.of(21L, 41L, 61L, 81L)));
            assertEquals(0, database.logFrom());
        }
        // Where it is wrong from the start on, one goes at a time.
        try (Counters next = database.restarted(options(NEVER, NEVER, 1, Duration.ofHours(40)))) {
            next.timer.set(next.timer.nowMicros() + Duration.ofDays(1_000).toMillis() * 1000);
            for (int i = 0; i < 2; i++) {
                List<Long> before = next.snapshots();
                next.transact(20);
                next.take();
                List<Long> gone = before.stream().filter(o -> !next.snapshots().contains(o)).toList();
                assertTrue(gone.size() <= 2, gone::toString);
            }
        }
    }

    // ---- what it is for ----

    /** However many transactions there have been: a snapshot of a few rows, and the log behind it. */
    @Test
    @Proves("durability.md 7")
    @Proves("durability.md 13")
    void theStartDoesNotTakeLongerWithEveryTransaction(@TempDir Path directory) throws IOException {
        SnapshotOptions options = options(20_000, NEVER, 2, Duration.ZERO);
        Map<Long, Long> before;
        try (Counters counters = Counters.on(directory, random, options, thread)) {
            counters.transact(200_000);
            counters.settle();
            Counters.await(() -> counters.snapshotter.status().last().stream().anyMatch(s -> s.offset() > 180_000));
            before = counters.values();
        }
        long bytes;
        try (Stream<Path> files = Files.walk(directory)) {
            bytes = files.filter(Files::isRegularFile).mapToLong(f -> f.toFile().length()).sum();
        }
        assertTrue(bytes < 5 << 20, "200,000 records have 10 MB, and not all are kept: " + bytes);
        try (Counters counters = Counters.on(directory, random, options, thread)) {
            assertEquals(before, counters.values());
            assertEquals(200_001, counters.count());
            assertTrue(counters.summary.snapshot().orElseThrow() > 180_000, counters.summary::text);
            assertTrue(counters.summary.transactions() <= 20_001, counters.summary::text);
        }
    }
}
