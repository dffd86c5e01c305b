package dev.geodesic.engine.tx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random transactions against {@link ModelTable}: every answer, every error, the net change, and what readers on another
 * thread see meanwhile.
 */
class MutTxModelTest {

    enum Store {
        HEAP(HeapStores::new),
        CHRONICLE(ChronicleStores::new);

        private final Supplier<TableStores> stores;

        Store(Supplier<TableStores> stores) {
            this.stores = stores;
        }
    }

    @ParameterizedTest
    @EnumSource
    @Proves("execution.md 1")
    @Proves("module-abi.md 5.6")
    void transactionsDoWhatTheModelDoes(Store store) {
        Seeds.repeat(6, random -> {
            try (Run run = new Run(store.stores.get(), random)) {
                run.transactions(50);
            }
        });
    }

    /** An iterator that was opened earlier, with the rows that it must still find. */
    private record Opened(RowIterator iterator, Set<ByteBuffer> left) {
    }

    /** One random history. */
    private static final class Run implements AutoCloseable {

        private final Random random;
        private final CommittedState committed;
        private final Catalog catalog;
        private final MutTx tx;
        private final List<Opened> opened = new ArrayList<>();
        private Map<Integer, ModelTable> tables = new LinkedHashMap<>();
        private int names;
        /** State by offset of the next transaction, as the readers must find it. */
        private final Map<Long, Long> digests = new ConcurrentHashMap<>();
        private final AtomicReference<Throwable> readerFailure = new AtomicReference<>();
        private final Semaphore readerDone = new Semaphore(0);
        private final Semaphore reads = new Semaphore(0);
        private volatile boolean done;

        Run(TableStores stores, Random random) {
            this.random = random;
            committed = new CommittedState(stores);
            catalog = Catalog.bootstrap(committed);
            tx = new MutTx(committed, Limits.DEFAULTS, catalog);
            digests.put(0L, modelDigest());
            Thread.ofPlatform().name("reader").start(this::readUntilDone);
        }

        @Override
        public void close() {
            done = true;
            readerDone.acquireUninterruptibly();
            committed.close();
            if (readerFailure.get() != null) {
                throw new AssertionError("a reader saw something else than a committed state", readerFailure.get());
            }
        }

        // ---- the reader ----

        private void readUntilDone() {
            try {
                while (!done) {
                    try (CommittedState.Snapshot snapshot = committed.read()) {
                        Long expected = digests.get(snapshot.nextTxOffset());
                        assertEquals(expected, digest(snapshot.view()), "offset " + snapshot.nextTxOffset());
                    }
                    reads.release();
                    Thread.yield();
                }
            } catch (Throwable e) {
                readerFailure.set(e);
                reads.release(1 << 20);
            } finally {
                readerDone.release();
            }
        }

        private static long digest(ReadView view) {
            long digest = 0;
            for (TableSchema table : view.tables()) {
                if (table.kind() == TableKind.USER) {
                    long sum = drain(view.scan(table.tableId())).stream().mapToLong(MutTxModelTest::hash).sum();
                    for (IndexSchema index : table.indexes()) {
                        if (index.algorithm().isOrdered()) {
                            Set<ByteBuffer> byIndex = drain(view.range(index.indexId(), all()));
                            assertEquals(sum, byIndex.stream().mapToLong(MutTxModelTest::hash).sum(), index.name());
                        }
                    }
                    digest += (sum + view.rowCount(table.tableId())) * 31 + table.tableId();
                }
            }
            return digest;
        }

        private long modelDigest() {
            long digest = 0;
            for (ModelTable table : tables.values()) {
                long sum = table.rows().keySet().stream().mapToLong(MutTxModelTest::hash).sum();
                digest += (sum + table.rows().size()) * 31 + table.id();
            }
            return digest;
        }

        // ---- the writer ----

        void transactions(int count) {
            for (int i = 0; i < count; i++) {
                Map<Integer, ModelTable> before = new LinkedHashMap<>(tables);
                tables.values().forEach(ModelTable::begin);
                tx.begin();
                if (random.nextInt(8) == 0 || tables.isEmpty()) {
                    createTable();
                }
                for (int k = random.nextInt(random.nextInt(10) == 0 ? 400 : 12); k > 0; k--) {
                    List<ModelTable> all = List.copyOf(tables.values());
                    if (all.isEmpty()) {
                        createTable();
                    } else {
                        step(all.get(random.nextInt(all.size())));
                    }
                }
                if (random.nextInt(20) == 0 && !tables.isEmpty()) {
                    dropTable(List.copyOf(tables.values()).get(random.nextInt(tables.size())));
                }
                tables.values().forEach(this::compareAll);
                opened.forEach(Run::finishIterator);
                opened.clear();
                if (random.nextInt(3) == 0) {
                    tx.rollback();
                    before.values().forEach(ModelTable::rollback);
                    tables = before;
                } else {
                    commit(before);
                }
                tables.values().forEach(t -> {
                    t.begin();
                    assertEquals(t.rows().keySet(), drain(committed.writerView().scan(t.id())), t.schema().name());
                });
                if (readerFailure.get() != null) {
                    return;
                }
                if (i % 10 == 0) {
                    reads.drainPermits();
                    reads.acquireUninterruptibly();
                }
            }
        }

        private void createTable() {
            ModelTable.Shape shape = ModelTable.SHAPES.get(random.nextInt(ModelTable.SHAPES.size()));
            ModelTable table = new ModelTable(shape, "t" + names++, catalog);
            catalog.createTable(tx, table.schema());
            tables.put(table.id(), table);
            table.begin();
            assertEquals(table.id(), tx.tableId(table.schema().name()));
            assertEquals(table.id(), tx.tableId(table.schema().accessor().orElseThrow()));
            assertNull(committed.tables().get(table.id()));
        }

        private void dropTable(ModelTable table) {
            catalog.dropTable(tx, table.schema());
            tables.remove(table.id());
            assertCode(ErrorCode.NO_SUCH_TABLE, () -> tx.tableId(table.schema().name()));
            assertCode(ErrorCode.NO_SUCH_TABLE, () -> tx.rowCount(table.id()));
            for (IndexSchema index : table.indexes()) {
                assertCode(ErrorCode.NO_SUCH_INDEX, () -> tx.indexId(index.name()));
                assertCode(ErrorCode.NO_SUCH_INDEX, () -> tx.range(index.indexId(), all()));
            }
        }

        private void commit(Map<Integer, ModelTable> before) {
            TxData data = tx.finish();
            Map<Integer, TxData.TableChange> changes = new HashMap<>();
            data.changes().forEach(c -> assertNull(changes.put(c.table().id(), c), "one change per table"));
            Set<Integer> seen = new HashSet<>();
            for (ModelTable table : before.values()) {
                // What was dropped has lost all its rows.
                Set<ByteBuffer> now = tables.containsKey(table.id()) ? table.rows().keySet() : Set.of();
                checkChange(changes.get(table.id()), minus(now, table.committedRows().keySet()),
                        minus(table.committedRows().keySet(), now));
                seen.add(table.id());
            }
            for (ModelTable table : tables.values()) {
                if (seen.add(table.id())) {
                    checkChange(changes.get(table.id()), table.rows().keySet(), Set.of());
                }
            }
            for (int changed : changes.keySet()) {
                assertTrue(seen.contains(changed) || changed < SystemTables.FIRST_USER_ID, "nobody changed table " + changed);
            }
            assertEquals(
                    minus(tables.keySet(), before.keySet()),
                    Set.copyOf(data.created().stream().map(Table::id).toList()));
            assertEquals(
                    minus(before.keySet(), tables.keySet()),
                    Set.copyOf(data.dropped().stream().map(Table::id).toList()));
            if (data.isEmpty()) {
                tx.end();
                return;
            }
            Map<Integer, Set<ByteBuffer>> deletes = new HashMap<>();
            data.changes().forEach(c -> deletes.put(c.table().id(), bytes(c.table(), c.deletes())));
            digests.put(committed.nextTxOffset() + 1, modelDigest());
            committed.apply(data);
            tx.end();
            data.changes().forEach(c -> assertEquals(
                    deletes.get(c.table().id()), bytes(c.table(), c.deletes()), "deleted rows can be read after the commit"));
        }

        private static void checkChange(
                TxData.TableChange change, Set<ByteBuffer> inserts, Set<ByteBuffer> deletes) {
            if (change == null) {
                assertTrue(inserts.isEmpty() && deletes.isEmpty(), "a change is missing");
                return;
            }
            assertEquals(inserts, bytes(change.table(), change.inserts()));
            assertEquals(deletes, bytes(change.table(), change.deletes()));
            assertFalse(inserts.isEmpty() && deletes.isEmpty(), "an unchanged table");
        }

        private void step(ModelTable table) {
            switch (random.nextInt(20)) {
                case 0, 1, 2, 3, 4, 5 -> insert(table);
                case 6, 7, 8 -> update(table);
                case 9, 10 -> {
                    byte[] row = table.likelyRow(random).bytes();
                    assertEquals(table.delete(row), tx.delete(table.id(), MemorySegment.ofArray(row), 0, row.length));
                }
                case 11 -> deleteAllByEq(table);
                case 12 -> point(table, random.nextInt(4) == 0);
                case 13, 14 -> range(table, random.nextInt(4) == 0);
                case 15 -> {
                    if (random.nextInt(8) == 0) {
                        assertEquals(table.rows().size(), tx.clear(table.id()));
                        table.rows().clear();
                    }
                }
                case 16 -> opened.add(new Opened(tx.scan(table.id()), new HashSet<>(table.rows().keySet())));
                case 17 -> {
                    if (!opened.isEmpty()) {
                        advance(opened.get(random.nextInt(opened.size())), random.nextInt(5));
                    }
                }
                case 18 -> badInput(table);
                default -> assertEquals(table.rows().size(), tx.rowCount(table.id()));
            }
        }

        private void insert(ModelTable table) {
            ModelTable.Row row = table.likelyRow(random);
            write(() -> table.insert(row), row, (s, o, n) -> tx.insert(table.id(), s, o, n));
        }

        private void update(ModelTable table) {
            if (table.indexes().isEmpty()) {
                return;
            }
            IndexSchema index = table.indexes().get(random.nextInt(table.indexes().size()));
            ModelTable.Row row = table.likelyRow(random);
            if (index.unique()) {
                write(() -> table.update(index, row), row, (s, o, n) -> tx.update(table.id(), index.indexId(), s, o, n));
            } else {
                assertCode(ErrorCode.INDEX_NOT_UNIQUE, () -> tx.update(
                        table.id(), index.indexId(), MemorySegment.ofArray(row.bytes()), 0, row.bytes().length));
            }
        }

        private interface Write {
            int apply(MemorySegment segment, long offset, int length);
        }

        /** Compares result or error, and what was written back, at an odd place and with bytes behind. */
        private static void write(Supplier<byte[]> model, ModelTable.Row row, Write write) {
            byte[] expected = null;
            ErrorCode code = null;
            try {
                expected = model.get();
            } catch (EngineException e) {
                code = e.code();
            }
            byte[] memory = new byte[row.bytes().length + 8];
            Arrays.fill(memory, (byte) 0x55);
            System.arraycopy(row.bytes(), 0, memory, 3, row.bytes().length);
            try {
                int length = write.apply(MemorySegment.ofArray(memory), 3, row.bytes().length);
                assertNull(code);
                assertArrayEquals(expected, Arrays.copyOfRange(memory, 3, 3 + length));
            } catch (EngineException e) {
                assertEquals(code, e.code(), e.describe());
            }
            for (int i : new int[] {0, 1, 2, 3 + row.bytes().length, 4 + row.bytes().length}) {
                assertEquals(0x55, memory[i], "only the row may be written");
            }
        }

        private void deleteAllByEq(ModelTable table) {
            BsatnWriter out = new BsatnWriter();
            int count = random.nextInt(5);
            out.writeU32(count);
            int expected = 0;
            for (int i = 0; i < count; i++) {
                ModelTable.Row row = table.likelyRow(random);
                out.writeRaw(row.bytes());
                expected += table.delete(row.bytes()) ? 1 : 0;
            }
            assertEquals(expected, tx.deleteAllByEq(table.id(), MemorySegment.ofArray(out.buffer()), 0, out.length()));
        }

        private void point(ModelTable table, boolean delete) {
            if (table.indexes().isEmpty()) {
                return;
            }
            IndexSchema index = table.indexes().get(random.nextInt(table.indexes().size()));
            List<Integer> columns = index.algorithm().columns();
            ModelTable.Row like = table.likelyRow(random);
            byte[] key = table.key(like, columns);
            List<ModelTable.Row> expected = table.where(r -> ModelTable.compareKeys(r, like, columns) == 0);
            if (delete) {
                assertEquals(
                        table.deleteAll(expected), tx.deletePoint(index.indexId(), MemorySegment.ofArray(key), 0, key.length));
            } else {
                opened.add(new Opened(tx.point(index.indexId(), MemorySegment.ofArray(key), 0, key.length), set(expected)));
            }
        }

        private void range(ModelTable table, boolean delete) {
            if (table.indexes().isEmpty()) {
                return;
            }
            IndexSchema index = table.indexes().get(random.nextInt(table.indexes().size()));
            List<Integer> columns = index.algorithm().columns();
            if (!index.algorithm().isOrdered()) {
                assertCode(ErrorCode.WRONG_INDEX_ALGO, () -> tx.range(index.indexId(), all()));
                return;
            }
            int prefix = random.nextInt(columns.size());
            int column = columns.get(prefix);
            ModelTable.Row like = table.likelyRow(random);
            ModelTable.Row low = table.likelyRow(random);
            ModelTable.Row high = table.likelyRow(random);
            int lowKind = random.nextInt(3);
            int highKind = random.nextInt(3);
            BsatnWriter out = new BsatnWriter();
            out.writeRaw(table.key(like, columns.subList(0, prefix)));
            int lowAt = out.length();
            bound(table, out, lowKind, low, column);
            int highAt = out.length();
            bound(table, out, highKind, high, column);
            List<ModelTable.Row> expected = table.where(r -> ModelTable.compareKeys(r, like, columns.subList(0, prefix)) == 0
                    && within(r, low, lowKind, column, 1) && within(r, high, highKind, column, -1));
            KeyRange range = new KeyRange(
                    MemorySegment.ofArray(out.toByteArray()), 0, lowAt, prefix, lowAt, highAt - lowAt, highAt,
                    out.length() - highAt);
            if (delete) {
                assertEquals(table.deleteAll(expected), tx.deleteRange(index.indexId(), range));
            } else {
                opened.add(new Opened(tx.range(index.indexId(), range), set(expected)));
            }
        }

        private static void bound(ModelTable table, BsatnWriter out, int kind, ModelTable.Row row, int column) {
            out.writeU8(kind);
            if (kind != 2) {
                out.writeRaw(table.key(row, List.of(column)));
            }
        }

        private static boolean within(ModelTable.Row row, ModelTable.Row bound, int kind, int column, int sign) {
            int c = sign * ModelTable.compareKeys(row, bound, List.of(column));
            return kind == 2 || c > 0 || c == 0 && kind == 0;
        }

        /** Refused, and nothing has changed: the model does nothing at all. */
        private void badInput(ModelTable table) {
            if (table.schema().columns().isEmpty()) {
                return;
            }
            byte[] row = table.randomRow(random).bytes();
            int shorter = random.nextInt(row.length);
            MemorySegment segment = MemorySegment.ofArray(row);
            assertCode(ErrorCode.BSATN_DECODE_ERROR, () -> tx.insert(table.id(), segment, 0, shorter));
            assertCode(ErrorCode.BSATN_DECODE_ERROR, () -> tx.delete(table.id(), segment, 0, shorter));
            BsatnWriter rows = new BsatnWriter();
            rows.writeU32(2);
            rows.writeRaw(row);
            rows.writeRaw(row, 0, shorter);
            assertCode(ErrorCode.BSATN_DECODE_ERROR, () ->
                    tx.deleteAllByEq(table.id(), MemorySegment.ofArray(rows.buffer()), 0, rows.length()));
            assertCode(ErrorCode.BSATN_DECODE_ERROR, () -> tx.deleteAllByEq(table.id(), segment, 0, random.nextInt(4)));
            assertCode(ErrorCode.NO_SUCH_TABLE, () -> tx.insert(1 << 30, segment, 0, row.length));
            assertCode(ErrorCode.NO_SUCH_TABLE, () -> tx.clear(1 << 30));
            assertCode(ErrorCode.NO_SUCH_INDEX, () -> tx.deletePoint(1 << 30, segment, 0, row.length));
            assertCode(ErrorCode.NO_SUCH_INDEX, () -> tx.update(table.id(), 1, segment, 0, row.length));
            assertCode(ErrorCode.NO_SUCH_INDEX, () -> tx.indexId("nothing"));
        }

        private void compareAll(ModelTable table) {
            assertEquals(table.rows().keySet(), drain(tx.scan(table.id())), table.schema().name());
            assertEquals(table.rows().size(), tx.rowCount(table.id()));
            for (IndexSchema index : table.indexes()) {
                assertEquals(index.indexId(), tx.indexId(index.name()));
                assertEquals(index.indexId(), tx.indexId(index.sourceName().orElseThrow()));
                if (index.algorithm().isOrdered()) {
                    assertEquals(table.rows().keySet(), drain(tx.range(index.indexId(), all())), index.name());
                }
            }
        }

        private static void advance(Opened opened, int steps) {
            for (int i = 0; i < steps && opened.iterator().next(); i++) {
                assertTrue(opened.left().remove(present(opened.iterator())), "an iterator is a snapshot of its opening");
            }
        }

        private static void finishIterator(Opened opened) {
            advance(opened, Integer.MAX_VALUE);
            assertEquals(Set.of(), opened.left(), "an iterator is a snapshot of its opening");
            assertFalse(opened.iterator().next());
        }
    }

    // ---- helpers ----

    private static KeyRange all() {
        return new KeyRange(MemorySegment.ofArray(new byte[] {2}), 0, 0, 0, 0, 1, 0, 1);
    }

    private static ByteBuffer present(RowIterator rows) {
        return copy(rows.segment(), rows.offset(), rows.length());
    }

    private static ByteBuffer copy(MemorySegment segment, long offset, int length) {
        byte[] bytes = new byte[length];
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, offset, bytes, 0, length);
        return ByteBuffer.wrap(bytes);
    }

    /** All rows; none may come twice. */
    private static Set<ByteBuffer> drain(RowIterator rows) {
        Set<ByteBuffer> all = new HashSet<>();
        while (rows.next()) {
            assertTrue(all.add(present(rows)), "a row came twice");
        }
        return all;
    }

    private static Set<ByteBuffer> bytes(Table table, RowPointers rows) {
        Set<ByteBuffer> all = new HashSet<>();
        TableStore store = table.store();
        for (int i = 0; i < rows.size(); i++) {
            long row = rows.get(i);
            assertTrue(all.add(copy(store.segment(row), store.offset(row), store.length(row))), "a row came twice");
        }
        return all;
    }

    private static Set<ByteBuffer> set(List<ModelTable.Row> rows) {
        Set<ByteBuffer> all = new HashSet<>();
        rows.forEach(r -> all.add(ByteBuffer.wrap(r.bytes())));
        return all;
    }

    private static <T> Set<T> minus(Set<T> a, Set<T> b) {
        Set<T> left = new HashSet<>(a);
        left.removeAll(b);
        return left;
    }

    private static long hash(ByteBuffer row) {
        long h = (row.hashCode() + 0x9e3779b9L) * 0x9e3779b97f4a7c15L;
        return h ^ h >>> 29;
    }

    private static void assertCode(ErrorCode code, Runnable work) {
        EngineException e = assertThrows(EngineException.class, work::run);
        assertEquals(code, e.code(), e.describe());
    }
}
