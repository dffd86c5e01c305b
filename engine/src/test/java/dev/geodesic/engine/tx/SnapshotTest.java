package dev.geodesic.engine.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.sats.PrimitiveType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Long reads beside a writer. A row is a key and an amount. */
@Timeout(60)
class SnapshotTest {

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int ROW_BYTES = 16;

    private CheckedStores stores;
    private CommittedState committed;
    private MutTx tx;
    private TableSchema table;
    private int key;

    @BeforeEach
    void create() {
        open(new CheckedStores(new HeapStores()));
    }

    private void open(TableStores of) {
        stores = of instanceof CheckedStores checked ? checked : null;
        committed = new CommittedState(of);
        Catalog catalog = Catalog.bootstrap(committed);
        tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        key = catalog.nextIndexId();
        table = new TableSchema(
                catalog.nextTableId(), "account", Optional.empty(),
                List.of(new ColumnSchema(0, "id", PrimitiveType.U64, Optional.empty()),
                        new ColumnSchema(1, "amount", PrimitiveType.U64, Optional.empty())),
                OptionalInt.empty(), List.of(new IndexSchema(key, "account_id", Optional.empty(),
                        new IndexAlgorithm.BTree(List.of(0)), true)),
                List.of(), List.of(), TableAccess.PUBLIC, TableKind.USER, TableRole.STORED);
        tx.begin();
        catalog.createTable(tx, table);
        commit();
    }

    @AfterEach
    void close() {
        committed.close();
    }

    private void commit() {
        TxData data = tx.finish();
        committed.apply(data);
        tx.end();
    }

    private static MemorySegment row(long id, long amount) {
        byte[] row = new byte[ROW_BYTES];
        LittleEndian.putLong(row, 0, id);
        LittleEndian.putLong(row, Long.BYTES, amount);
        return MemorySegment.ofArray(row);
    }

    private void fill(int rows, long amount) {
        tx.begin();
        for (int i = 0; i < rows; i++) {
            tx.insert(table.tableId(), row(i, amount), 0, ROW_BYTES);
        }
        commit();
    }

    private void set(long id, long amount) {
        tx.begin();
        tx.update(table.tableId(), key, row(id, amount), 0, ROW_BYTES);
        commit();
    }

    private static long sum(RowIterator rows) {
        long sum = 0;
        while (rows.next()) {
            sum += rows.segment().get(LONG, rows.offset() + Long.BYTES);
        }
        return sum;
    }

    private static Limits.Reads limits(long millis, long bytes) {
        return new Limits.Reads(millis, bytes, 0, 0);
    }

    private static void assertLimit(String setting, Runnable read) {
        EngineException e = assertThrows(EngineException.class, read::run);
        assertEquals(ErrorCode.LIMIT_EXCEEDED, e.code());
        assertTrue(e.getMessage().contains(setting), e.getMessage());
    }

    @Test
    void commitsGoOnWhileAReaderRestsInTheMiddleOfATable() {
        committed.close();
        open(new ChronicleStores());
        fill(1_000_000, 1);
        try (SnapshotView view = committed.openSnapshot(Limits.Reads.DEFAULTS)) {
            RowIterator rows = view.scan(table.tableId());
            long sum = 0;
            for (int i = 0; i < 500_000; i++) {
                rows.next();
                sum += rows.segment().get(LONG, rows.offset() + Long.BYTES);
            }
            // On this very thread: a reader that held the lock would stop it for good.
            for (int i = 0; i < 1_000; i++) {
                set(i * 997 % 1_000_000, 5);
            }
            tx.begin();
            tx.insert(table.tableId(), row(5_000_000, 9), 0, ROW_BYTES);
            commit();
            assertEquals(1_000_000, sum + sum(rows));
            assertEquals(1_000_000, view.rowCount(table.tableId()));
            assertEquals(1_004_009, sum(committed.writerView().scan(table.tableId())));
        }
    }

    @Test
    void manyReadersSeeWholeTransactionsOfAWriterThatMovesAmounts() throws Exception {
        int accounts = 3_000;
        committed.close();
        open(new CheckedStores(new ChronicleStores()));
        fill(accounts, 100);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        AtomicInteger reads = new AtomicInteger();
        CountDownLatch ended = new CountDownLatch(3);
        for (int reader = 0; reader < 3; reader++) {
            SplittableRandom random = new SplittableRandom(reader);
            Thread.ofPlatform().start(() -> {
                try {
                    while (reads.get() < 150 && failure.get() == null) {
                        try (SnapshotView view = committed.openSnapshot(Limits.Reads.DEFAULTS, 1 + random.nextInt(300))) {
                            assertEquals(accounts * 100, sum(view.scan(table.tableId())));
                            long some = random.nextInt(accounts);
                            long amount = sum(view.point(key, row(some, 0), 0, Long.BYTES));
                            assertEquals(accounts * 100, sum(view.scan(table.tableId())));
                            assertEquals(amount, sum(view.point(key, row(some, 0), 0, Long.BYTES)));
                        }
                        reads.incrementAndGet();
                    }
                } catch (Throwable e) {
                    failure.set(e);
                }
                ended.countDown();
            });
        }
        SplittableRandom random = new SplittableRandom(7);
        long transactions = 0;
        while (ended.getCount() > 0) {
            tx.begin();
            long from = random.nextInt(accounts);
            long to = random.nextInt(accounts);
            long all = sum(tx.point(key, row(from, 0), 0, Long.BYTES));
            tx.update(table.tableId(), key, row(from, 0), 0, ROW_BYTES);
            long other = sum(tx.point(key, row(to, 0), 0, Long.BYTES));
            tx.update(table.tableId(), key, row(to, other + all), 0, ROW_BYTES);
            commit();
            transactions++;
        }
        if (failure.get() != null) {
            throw new AssertionError("a reader failed", failure.get());
        }
        assertTrue(transactions > 100, "the writer came through: " + transactions);
        assertNothingHeld();
    }

    private void assertNothingHeld() {
        while (committed.freeUnneeded()) {
            continue;
        }
        long live = committed.allTables().stream().mapToLong(t -> t.store().liveCount()).sum();
        assertEquals(live, stores.rows());
        committed.allTables().forEach(t -> assertNull(t.history()));
    }

    @Test
    void aReaderThatTakesTooLongIsEnded() throws Exception {
        fill(10, 1);
        try (SnapshotView view = committed.openSnapshot(limits(1, 1 << 20))) {
            RowIterator rows = view.scan(table.tableId());
            Thread.sleep(5);
            assertLimit("geodesic.limits.read.millis of 1", rows::next);
            assertLimit("geodesic.limits.read.millis of 1", () -> view.rowCount(table.tableId()));
            assertLimit("geodesic.limits.read.millis of 1", () -> view.point(key, row(1, 0), 0, Long.BYTES));
        }
    }

    @Test
    void aReaderThatHoldsTooMuchBackIsEndedAndAYoungerOneIsNot() {
        fill(100, 1);
        try (SnapshotView old = committed.openSnapshot(limits(60_000, 10_000))) {
            assertEquals(100, sum(old.scan(table.tableId())));
            for (int i = 0; i < 100; i++) {
                set(i, 2);
            }
            try (SnapshotView young = committed.openSnapshot(limits(60_000, 10_000))) {
                assertLimit("geodesic.limits.read.retained.bytes of 10000", () -> old.scan(table.tableId()).next());
                set(5, 3);
                assertEquals(200, sum(young.scan(table.tableId())));
            }
        }
        assertNothingHeld();
    }

    @Test
    void manySmallTransactionsCountTooEvenIfTheyDeleteNothing() {
        try (SnapshotView view = committed.openSnapshot(limits(60_000, 30_000))) {
            for (int i = 0; i < 1_000; i++) {
                tx.begin();
                tx.insert(table.tableId(), row(i, 1), 0, ROW_BYTES);
                commit();
            }
            assertLimit("geodesic.limits.read.retained.bytes", () -> view.rowCount(table.tableId()));
        }
        assertNothingHeld();
    }

    @Test
    void aTableMayChangeItsShapeWhileRowsThatItsLastReaderHeldBackStillWaitToBeFreed() {
        fill(1_000, 1);
        try (SnapshotView view = committed.openSnapshot(Limits.Reads.DEFAULTS)) {
            for (int i = 0; i < 1_000; i++) {
                set(i, 2);
            }
            assertEquals(1_000, sum(view.scan(table.tableId())));
        }
        tx.begin();
        tx.reshapeTable(new TableSchema(
                table.tableId(), "accounts", table.accessor(), table.columns(), table.primaryKey(), table.indexes(),
                table.constraints(), table.sequences(), table.access(), table.kind(), table.role()));
        commit();
        set(1, 3);
        assertNothingHeld();
        assertEquals(committed.allTables().size(), stores.openStores());
    }

    @Test
    void theEndOfALastReaderIsTold() {
        AtomicInteger told = new AtomicInteger();
        committed.onUnneeded(told::incrementAndGet);
        fill(10, 1);
        committed.openSnapshot(Limits.Reads.DEFAULTS).close();
        assertEquals(0, told.get(), "nothing was held back");
        SnapshotView first = committed.openSnapshot(Limits.Reads.DEFAULTS);
        set(1, 2);
        SnapshotView second = committed.openSnapshot(Limits.Reads.DEFAULTS);
        second.close();
        assertEquals(0, told.get(), "the older one still needs everything");
        first.close();
        first.close();
        assertEquals(1, told.get());
        assertNothingHeld();
    }

    @Test
    void aSnapshotThatSomebodyForgotIsClosedOnceItIsGarbage() throws Exception {
        fill(10, 1);
        forget();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (System.nanoTime() < end) {
            System.gc();
            Thread.sleep(10);
            set(1, System.nanoTime());
            if (committed.allTables().stream().allMatch(t -> t.history() == null)) {
                assertNothingHeld();
                return;
            }
        }
        throw new AssertionError("what a forgotten snapshot held is never freed");
    }

    private void forget() {
        assertEquals(10, sum(committed.openSnapshot(Limits.Reads.DEFAULTS).scan(table.tableId())));
    }

    @Test
    void aReaderOfADatabaseThatIsClosedIsTold() throws Exception {
        for (boolean heap : new boolean[] {true, false}) {
            committed.close();
            open(new CheckedStores(heap ? new HeapStores() : new ChronicleStores()));
            fill(50_000, 1);
            SnapshotView view = committed.openSnapshot(Limits.Reads.DEFAULTS);
            RowIterator rows = view.scan(table.tableId());
            assertTrue(rows.next());
            set(1, 7);
            CompletableFuture<Void> closed = CompletableFuture.runAsync(committed::close);
            EngineException e = assertThrows(EngineException.class, () -> {
                while (true) {
                    view.rowCount(table.tableId());
                }
            });
            assertEquals(ErrorCode.DATABASE_STOPPED, e.code());
            assertFalse(closed.isDone(), "the memory stays for as long as a reader may look at it");
            // What is left of the batch can still be read.
            assertTrue(rows.next());
            assertEquals(1, rows.segment().get(LONG, rows.offset() + Long.BYTES));
            assertEquals(ErrorCode.DATABASE_STOPPED, assertThrows(EngineException.class, () -> sum(rows)).code());
            view.close();
            closed.get(20, TimeUnit.SECONDS);
            assertEquals(ErrorCode.DATABASE_STOPPED, assertThrows(
                    EngineException.class, () -> committed.openSnapshot(Limits.Reads.DEFAULTS)).code());
        }
    }

    @Test
    void aReaderThatDoesNotEndGetsAnExceptionFromTheStore() {
        committed.close();
        ChronicleStores memory = new ChronicleStores();
        committed = new CommittedState(memory);
        Catalog.bootstrap(committed);
        SnapshotView view = committed.openSnapshot(Limits.Reads.DEFAULTS);
        RowIterator rows = view.scan(view.tableByName("st_table").orElseThrow().tableId());
        assertTrue(rows.next());
        MemorySegment segment = rows.segment();
        long offset = rows.offset();
        // As CommittedState does after it has waited.
        memory.close();
        assertThrows(IllegalStateException.class, () -> segment.get(ValueLayout.JAVA_BYTE, offset));
        view.close();
    }
}
