package dev.geodesic.engine.durability;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.ForwardingStores;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.SnapshotView;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductType;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DatabaseRecoveryTest {

    private static final Logger RECOVERY = Logger.getLogger(DatabaseRecovery.class.getName());
    private static final Logger STORE = Logger.getLogger(SnapshotStore.class.getName());
    private static final int SEGMENT_BYTES = 400;

    private final Random random = new Random(Seeds.seed());
    private final List<TableStores> opened = new ArrayList<>();
    private FaultyStorage log = new FaultyStorage(random);
    private FaultyStorage files = new FaultyStorage(random);
    /** State before each transaction, and after the last. */
    private final List<Map<String, Set<String>>> states = new ArrayList<>();

    @BeforeAll
    static void silence() {
        RECOVERY.setLevel(Level.OFF);
        STORE.setLevel(Level.OFF);
    }

    @AfterAll
    static void speak() {
        RECOVERY.setLevel(null);
        STORE.setLevel(null);
    }

    private static LogFactory logs(Storage storage) {
        return (directory, start, replay) ->
                CommitLog.open(storage, CommitLogOptions.DEFAULTS.withSegmentBytesMax(SEGMENT_BYTES), start, replay);
    }

    private DatabaseRecovery recovery() {
        return new DatabaseRecovery(
                () -> {
                    TableStores stores = new HeapStores();
                    opened.add(stores);
                    return stores;
                },
                Optional.of(SnapshotStore.open(files)), logs(log), Path.of("log"), progress -> { });
    }

    /** A life of the database, from recovery to a graceful end. */
    private final class Life implements AutoCloseable {

        final DatabaseRecovery.Recovered recovered = recovery().run();
        final SnapshotStore snapshots = SnapshotStore.open(files);
        final SampleDatabase database = new SampleDatabase(random, recovered.committed(), recovered.catalog());
        private int appended;

        Life() {
            if (states.isEmpty()) {
                states.add(SampleDatabase.dump(database.committed));
            }
        }

        void compare() {
            int next = Math.toIntExact(database.committed.nextTxOffset());
            assertEquals(states.get(next), SampleDatabase.dump(database.committed));
        }

        void transact(int count) {
            for (int i = 0; i < count; i++) {
                long offset = database.committed.nextTxOffset();
                database.transact(1 + random.nextInt(10));
                for (; appended < database.records.size(); appended++) {
                    byte[] record = database.records.get(appended);
                    recovered.durability().append(offset, record, 0, record.length);
                    states.add(SampleDatabase.dump(database.committed));
                }
            }
        }

        long snapshot() {
            while (recovered.durability().durableOffset() < database.committed.nextTxOffset() - 1) {
                Thread.onSpinWait();
            }
            try (SnapshotView view = database.committed.openSnapshot(Limits.Reads.DEFAULTS)) {
                SnapshotStore.Draft draft = snapshots.write(
                        view, SnapshotInfo.of(view, recovered.durability().epoch()), SnapshotProgress.NONE);
                draft.publish();
                return draft.info().nextOffset();
            }
        }

        @Override
        public void close() {
            recovered.durability().close();
            database.close();
        }
    }

    /** Three lots of transactions, with a snapshot behind the first and one behind the second. */
    private long[] twoSnapshots() {
        long[] offsets = new long[2];
        try (Life life = new Life()) {
            life.transact(20);
            offsets[0] = life.snapshot();
            life.transact(20);
            offsets[1] = life.snapshot();
            life.transact(10);
        }
        assertTrue(offsets[0] < offsets[1] && offsets[1] < states.size() - 1, "there is something behind each");
        return offsets;
    }

    private void damage(long offset) {
        String name = SnapshotStore.fileName(offset);
        byte[] bytes = files.content(name);
        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        files.put(name, bytes);
    }

    @Test
    @Proves("durability.md 8")
    @Proves("durability.md 13")
    void replaysOnlyWhatTheNewestSnapshotHasNot() {
        long[] offsets = twoSnapshots();
        try (Life life = new Life()) {
            life.compare();
            DatabaseRecovery.Summary summary = life.recovered.summary();
            assertEquals(OptionalLong.of(offsets[1]), summary.snapshot());
            assertEquals(states.size() - 1 - offsets[1], summary.transactions());
            assertEquals(states.size() - 1, life.database.committed.nextTxOffset());
            assertTrue(summary.rowsLoaded() > 0 && summary.rowOperations() > 0, summary.text());
            // And goes on from there.
            life.transact(5);
        }
        try (Life life = new Life()) {
            life.compare();
            assertEquals(states.size() - 1, life.database.committed.nextTxOffset());
        }
    }

    /** Case 14: of the newest snapshot a half is there. */
    @Test
    @Proves("durability.md 8")
    @Proves("durability.md 10")
    @Proves("durability.md 13")
    void aDamagedSnapshotIsSetAsideAndTheOlderOneUsed() {
        long[] offsets = twoSnapshots();
        damage(offsets[1]);
        try (Life life = new Life()) {
            life.compare();
            assertEquals(states.size() - 1, life.database.committed.nextTxOffset());
            DatabaseRecovery.Summary summary = life.recovered.summary();
            assertEquals(OptionalLong.of(offsets[0]), summary.snapshot());
            assertEquals(List.of("memory/" + SnapshotStore.fileName(offsets[1]) + ".damaged"), summary.setAside());
            assertEquals(List.of(offsets[0]), life.snapshots.offsets());
        }
        damage(offsets[0]);
        try (Life life = new Life()) {
            life.compare();
            assertEquals(OptionalLong.empty(), life.recovered.summary().snapshot());
            assertEquals(states.size() - 1, life.recovered.summary().transactions());
        }
    }

    /** Case 5: what is damaged in the middle of the log does not matter if a snapshot past it is there. */
    @Test
    @Proves("durability.md 10")
    @Proves("durability.md 13")
    void damageInTheLogBeforeTheSnapshotDoesNotMatter() {
        long[] offsets = twoSnapshots();
        String first = LogFormat.fileName(0);
        byte[] bytes = log.content(first);
        bytes[bytes.length / 2] ^= 1;
        log.put(first, bytes);
        try (Life life = new Life()) {
            life.compare();
            assertEquals(OptionalLong.of(offsets[1]), life.recovered.summary().snapshot());
        }
        damage(offsets[1]);
        damage(offsets[0]);
        // Now it does.
        EngineException e = assertThrows(EngineException.class, () -> recovery().run());
        assertEquals(ErrorCode.STORAGE_CORRUPT, e.code());
        assertTrue(e.getMessage().contains(first), e.getMessage());
        assertTrue(e.getMessage().contains(SnapshotStore.fileName(offsets[0]) + ".damaged"), e.getMessage());
        assertTrue(e.getMessage().contains(SnapshotStore.fileName(offsets[1]) + ".damaged"), e.getMessage());
        assertNothingOpen();
    }

    private void assertNothingOpen() {
        for (TableStores stores : opened) {
            assertEquals(0, stores.memoryBytes());
        }
    }

    @Test
    @Proves("durability.md 8")
    void aGapBetweenSnapshotAndLogIsAnError() throws Exception {
        long[] offsets = twoSnapshots();
        // Transactions between the older snapshot and the newer one are gone, as after the log was trimmed.
        for (String name : log.list()) {
            // All but those that begin behind it hold something before it.
            if (Long.parseLong(name.substring(0, 20)) <= offsets[0]) {
                log.delete(name);
            }
        }
        log.force();
        try (Life life = new Life()) {
            life.compare();
            assertEquals(states.size() - 1, life.database.committed.nextTxOffset());
        }
        damage(offsets[1]);
        EngineException e = assertThrows(EngineException.class, () -> recovery().run());
        assertEquals(ErrorCode.STORAGE_CORRUPT, e.code());
        assertTrue(e.getMessage().contains(SnapshotStore.fileName(offsets[1]) + ".damaged"), e.getMessage());
        // The older snapshot is whole.
        assertEquals(List.of(offsets[0]), SnapshotStore.open(files).offsets());
        assertNothingOpen();
    }

    @Test
    @Proves("durability.md 8")
    void aSnapshotAheadOfTheLogIsTheBetterTruth() throws Exception {
        long[] offsets = twoSnapshots();
        for (String name : log.list()) {
            log.delete(name);
        }
        log.force();
        String begin = LogFormat.fileName(offsets[1], LogFormat.BEGIN_SUFFIX);
        EngineException gone = assertThrows(EngineException.class, () -> new Life().close());
        assertEquals(ErrorCode.STORAGE_CORRUPT, gone.code());
        assertTrue(gone.getMessage().contains(begin), gone.getMessage());
        log.create(begin).close();
        try (Life life = new Life()) {
            assertEquals(offsets[1], life.database.committed.nextTxOffset());
            life.compare();
            states.subList((int) offsets[1] + 1, states.size()).clear();
            life.transact(5);
        }
        try (Life life = new Life()) {
            assertEquals(states.size() - 1, life.database.committed.nextTxOffset());
            life.compare();
        }
    }

    @Test
    void otherErrorsThanDamageLeaveTheSnapshotAlone() {
        long[] offsets = twoSnapshots();
        EngineException disk = assertThrows(EngineException.class, () -> new DatabaseRecovery(
                HeapStores::new, Optional.of(SnapshotStore.open(new Unreadable(files))), logs(log), Path.of("log"),
                progress -> { }).run());
        assertEquals(ErrorCode.STORAGE_FAILED, disk.code());
        EngineException memory = assertThrows(EngineException.class, () -> new DatabaseRecovery(
                FullStores::new, Optional.of(SnapshotStore.open(files)), logs(log), Path.of("log"), progress -> { }).run());
        assertEquals(ErrorCode.LIMIT_EXCEEDED, memory.code());
        assertEquals(List.of(offsets[1], offsets[0]), SnapshotStore.open(files).offsets());
        assertNothingOpen();
    }

    /** Files have names, but cannot be opened. */
    private record Unreadable(Storage files) implements Storage {

        @Override
        public List<String> list() throws IOException {
            return files.list();
        }

        @Override
        public StorageFile create(String name) throws IOException {
            return files.create(name);
        }

        @Override
        public StorageFile open(String name) throws IOException {
            throw new IOException("a cable is loose");
        }

        @Override
        public void rename(String from, String to) throws IOException {
            files.rename(from, to);
        }

        @Override
        public void delete(String name) throws IOException {
            files.delete(name);
        }

        @Override
        public void force() throws IOException {
            files.force();
        }

        @Override
        public void close() throws IOException {
            files.close();
        }
    }

    /** Has room for system tables only. */
    private static final class FullStores extends ForwardingStores {

        FullStores() {
            super(new HeapStores());
        }

        @Override
        public TableStore create(RowLayout layout) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "full");
        }
    }

    /** A power loss, or a crash, at every operation of taking a snapshot. */
    @Test
    @Proves("durability.md 7")
    void crashesWhileASnapshotIsTakenLeaveAGoodState() {
        Seeds.repeat(3, seeded -> {
            for (long at = 0; ; at++) {
                DatabaseRecoveryTest world = new DatabaseRecoveryTest();
                if (!world.crashAt(at, seeded.nextBoolean())) {
                    assertTrue(at > 5, "there were operations to die at");
                    return;
                }
            }
        });
    }

    /** False if nothing happened before the snapshot was there. */
    private boolean crashAt(long operation, boolean power) {
        long before;
        boolean died = false;
        try (Life life = new Life()) {
            life.transact(10);
            before = life.snapshot();
            life.transact(10);
            long start = files.operations();
            files.dieWhen(n -> n == start + operation);
            try {
                life.snapshot();
            } catch (EngineException e) {
                assertEquals(ErrorCode.STORAGE_FAILED, e.code());
                died = true;
            }
        }
        files = power ? files.powerLoss() : files.restarted();
        try (Life life = new Life()) {
            life.compare();
            assertEquals(states.size() - 1, life.database.committed.nextTxOffset());
            assertEquals(List.of(), life.recovered.summary().setAside(), "what was published is whole");
            assertTrue(life.snapshots.offsets().contains(before));
            assertTrue(files.list().stream().noneMatch(name -> name.endsWith(".tmp")));
            life.transact(3);
            life.snapshot();
        }
        try (Life life = new Life()) {
            life.compare();
            assertEquals(states.size() - 1, life.database.committed.nextTxOffset());
        }
        return died;
    }

    /** Replay takes deleted rows out late, so that others can have their places: twice is damage all the same. */
    @Test
    void aRowThatOneTransactionDeletesTwiceIsDamage() {
        try (SampleDatabase from = new SampleDatabase(random, new HeapStores())) {
            TableSchema schema = from.addTable(PrimitiveType.U32);
            from.add(schema, BigInteger.ONE);
            from.add(schema, BigInteger.TWO);
            from.commit();
            Table table = from.committed.requireTable(schema.tableId());
            RowPointers rows = new RowPointers();
            table.store().walk(0, 100, false, rows);
            assertEquals(2, rows.size());
            for (boolean twice : new boolean[] {false, true}) {
                RowPointers deletes = new RowPointers();
                deletes.add(rows.get(0));
                deletes.add(rows.get(twice ? 0 : 1));
                BsatnWriter record = new BsatnWriter();
                TxRecord.write(new TxData(
                        List.of(new TxData.TableChange(table, new RowPointers(), deletes)), List.of(), List.of()), 1, record);
                try (CommittedState to = new CommittedState(new HeapStores())) {
                    Recovery recovery = new Recovery(to, Catalog.bootstrap(to));
                    recovery.apply(0, from.records.getFirst(), 0, from.records.getFirst().length);
                    if (twice) {
                        EngineException e = assertThrows(
                                EngineException.class, () -> recovery.apply(1, record.buffer(), 0, record.length()));
                        assertEquals(ErrorCode.STORAGE_CORRUPT, e.code());
                    } else {
                        recovery.apply(1, record.buffer(), 0, record.length());
                        assertEquals(0, to.writerView().rowCount(schema.tableId()));
                    }
                }
            }
        }
    }

    @Test
    void progressHasANumberAndAText() {
        RecoveryProgress loading = new RecoveryProgress(RecoveryProgress.Phase.LOADING_SNAPSHOT, 10, 40, 5);
        assertEquals("loading a snapshot: 10 of 40 bytes, 5 a second", loading.text());
        RecoveryProgress replaying = new RecoveryProgress(RecoveryProgress.Phase.REPLAYING_LOG, 10, -1, 5.4);
        assertEquals("replaying the log: 10 transactions, 5 a second", replaying.text());
        assertFalse(loading.equals(replaying));
    }

    @Test
    void testsSeeWhetherStoresAreOpen() {
        TableStores stores = new HeapStores();
        stores.create(RowLayout.of(new ProductType(List.of())));
        assertTrue(stores.memoryBytes() > 0);
        stores.close();
        assertEquals(0, stores.memoryBytes());
    }
}
