package dev.geodesic.engine.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.testkit.Seeds;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Snapshots that overlap, read a little between random transactions, against what the writer saw at the moment of their opening.
 * The stores notice when anybody reads a row that has been freed, or when a row is never freed.
 */
class SnapshotModelTest {

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
    void aSnapshotShowsTheStateOfItsOpening(Store store) {
        Seeds.repeat(4, random -> {
            try (Run run = new Run(new CheckedStores(store.stores.get()), random)) {
                run.transactions(80);
                run.endAll();
            }
        });
    }

    /** A look-up by key, and what it found at the opening, in order. */
    private record Question(int indexId, boolean ordered, byte[] key, KeyRange range, List<ByteBuffer> rows) {

        List<ByteBuffer> ask(ReadView view) {
            return range == null
                    ? inOrder(view.point(indexId, MemorySegment.ofArray(key), 0, key.length))
                    : inOrder(view.range(indexId, range));
        }
    }

    private record Expected(Set<String> names, Map<Integer, Set<ByteBuffer>> tables, List<Question> questions, long offset) {
    }

    private record Scan(RowIterator rows, Set<ByteBuffer> left) {
    }

    /** @param unread tables of a view that may walk over each table once; null if it may do anything */
    private record Opened(SnapshotView view, Expected expected, List<Scan> scans, Set<Integer> unread) {
    }

    private static final class Run implements AutoCloseable {

        private final CheckedStores stores;
        private final Random random;
        private final CommittedState committed;
        private final Catalog catalog;
        private final MutTx tx;
        private final Map<Integer, ModelTable> shapes = new TreeMap<>();
        private final Map<Integer, TableSchema> schemas = new TreeMap<>();
        private final Map<Integer, List<ModelTable.Row>> seen = new HashMap<>();
        private final List<Opened> opened = new ArrayList<>();
        private int names;

        Run(CheckedStores stores, Random random) {
            this.stores = stores;
            this.random = random;
            committed = new CommittedState(stores);
            catalog = Catalog.bootstrap(committed);
            tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        }

        @Override
        public void close() {
            committed.close();
        }

        void transactions(int count) {
            for (int i = 0; i < count; i++) {
                transaction();
                if (random.nextInt(4) == 0 && opened.size() < 6) {
                    opened.add(open());
                }
                for (int k = random.nextInt(6); k > 0 && !opened.isEmpty(); k--) {
                    read(opened.get(random.nextInt(opened.size())));
                }
                if (random.nextInt(6) == 0 && !opened.isEmpty()) {
                    end(opened.remove(random.nextInt(opened.size())));
                }
                if (random.nextInt(10) == 0) {
                    committed.freeUnneeded();
                }
            }
        }

        /** Nothing is left over: neither rows nor tables nor notes. */
        void endAll() {
            opened.forEach(this::end);
            while (committed.freeUnneeded()) {
                continue;
            }
            long live = 0;
            for (Table table : committed.allTables()) {
                live += table.store().liveCount();
                assertTrue(table.history() == null, "history of " + table.schema().name());
            }
            assertEquals(live, stores.rows(), "rows that nobody needs are freed");
            assertEquals(committed.allTables().size(), stores.openStores(), "tables that nobody needs are closed");
        }

        // ---- writer ----

        private void transaction() {
            tx.begin();
            Map<Integer, TableSchema> before = new TreeMap<>(schemas);
            Set<Integer> reshaped = new HashSet<>();
            if (random.nextInt(8) == 0 || schemas.isEmpty()) {
                create();
            }
            if (random.nextInt(8) == 0) {
                reshaped.add(reshape(any()));
            }
            for (int k = random.nextInt(random.nextInt(10) == 0 ? 500 : 12); k > 0; k--) {
                step(any());
            }
            if (random.nextInt(15) == 0 && schemas.size() > 1) {
                TableSchema gone = any();
                if (!reshaped.contains(gone.tableId())) {
                    catalog.dropTable(tx, gone);
                    schemas.remove(gone.tableId());
                }
            }
            if (random.nextInt(6) == 0) {
                tx.rollback();
                schemas.clear();
                schemas.putAll(before);
                return;
            }
            TxData data = tx.finish();
            if (random.nextInt(5) == 0) {
                committed.applyPart(data);
            } else {
                committed.apply(data);
            }
            tx.end();
            // Deleted rows can be read, whatever snapshots need.
            data.changes().forEach(c -> {
                for (int i = 0; i < c.deletes().size(); i++) {
                    c.table().store().length(c.deletes().get(i));
                }
            });
        }

        private TableSchema any() {
            return List.copyOf(schemas.values()).get(random.nextInt(schemas.size()));
        }

        private void create() {
            ModelTable.Shape shape = ModelTable.SHAPES.get(random.nextInt(ModelTable.SHAPES.size()));
            ModelTable model = new ModelTable(shape, "t" + names++, catalog);
            TableSchema s = model.schema();
            if (random.nextInt(6) == 0) {
                s = new TableSchema(s.tableId(), s.name(), s.accessor(), s.columns(), s.primaryKey(), s.indexes(),
                        s.constraints(), s.sequences(), s.access(), s.kind(), TableRole.EVENT);
            }
            catalog.createTable(tx, s);
            schemas.put(s.tableId(), s);
            shapes.put(s.tableId(), model);
            seen.put(s.tableId(), new ArrayList<>());
        }

        /** With an index more. */
        private int reshape(TableSchema s) {
            List<IndexSchema> indexes = new ArrayList<>(s.indexes());
            if (!s.columns().isEmpty()) {
                indexes.add(new IndexSchema(
                        catalog.nextIndexId(), s.name() + "_more_" + indexes.size(), Optional.empty(),
                        new IndexAlgorithm.Hash(List.of(random.nextInt(s.columns().size()))), false));
            }
            TableSchema next = new TableSchema(s.tableId(), s.name(), s.accessor(), s.columns(), s.primaryKey(), indexes,
                    s.constraints(), s.sequences(), s.access(), s.kind(), s.role());
            tx.reshapeTable(next);
            schemas.put(s.tableId(), next);
            return s.tableId();
        }

        private ModelTable.Row row(TableSchema table) {
            List<ModelTable.Row> known = seen.get(table.tableId());
            if (!known.isEmpty() && random.nextInt(3) > 0) {
                return known.get(random.nextInt(known.size()));
            }
            ModelTable.Row row = shapes.get(table.tableId()).randomRow(random);
            known.add(row);
            return row;
        }

        private void step(TableSchema table) {
            byte[] row = row(table).bytes().clone();
            MemorySegment segment = MemorySegment.ofArray(row);
            try {
                switch (random.nextInt(12)) {
                    case 0, 1, 2, 3, 4, 5 -> tx.insert(table.tableId(), segment, 0, row.length);
                    case 6, 7 -> tx.delete(table.tableId(), segment, 0, row.length);
                    case 8 -> {
                        if (random.nextInt(20) == 0) {
                            tx.clear(table.tableId());
                        }
                    }
                    default -> {
                        if (!table.indexes().isEmpty()) {
                            tx.update(table.tableId(), table.indexes().getFirst().indexId(), segment, 0, row.length);
                        }
                    }
                }
            } catch (EngineException e) {
                assertTrue(e.code() != ErrorCode.INTERNAL, e::describe);
            }
        }

        // ---- snapshots ----

        private Opened open() {
            ReadView now = committed.writerView();
            Set<String> tableNames = new HashSet<>();
            Map<Integer, Set<ByteBuffer>> tables = new TreeMap<>();
            List<Question> questions = new ArrayList<>();
            for (TableSchema table : now.tables()) {
                tableNames.add(table.name());
                tables.put(table.tableId(), set(now.scan(table.tableId())));
                if (shapes.containsKey(table.tableId())) {
                    table.indexes().forEach(index -> questions.addAll(questions(table, index, now)));
                }
            }
            // A batch of one place, or of some, or more than there are.
            int places = 1 + random.nextInt(random.nextBoolean() ? 3 : 400);
            boolean once = random.nextBoolean();
            SnapshotView view = committed.openSnapshot(Limits.Reads.DEFAULTS, places, once);
            return new Opened(
                    view, new Expected(tableNames, tables, questions, committed.nextTxOffset()), new ArrayList<>(),
                    once ? new TreeSet<>(tables.keySet()) : null);
        }

        private List<Question> questions(TableSchema table, IndexSchema index, ReadView now) {
            List<Question> questions = new ArrayList<>();
            ModelTable model = shapes.get(table.tableId());
            for (int i = 0; i < 6; i++) {
                byte[] key = model.key(row(table), index.algorithm().columns());
                questions.add(answered(new Question(index.indexId(), index.algorithm().isOrdered(), key, null, null), now));
            }
            if (index.algorithm().isOrdered()) {
                byte[] all = {2};
                questions.add(answered(new Question(
                        index.indexId(), true, null, new KeyRange(MemorySegment.ofArray(all), 0, 0, 0, 0, 1, 0, 1), null), now));
            }
            return questions;
        }

        private static Question answered(Question q, ReadView now) {
            return new Question(q.indexId(), q.ordered(), q.key(), q.range(), q.ask(now));
        }

        private void read(Opened of) {
            Expected expected = of.expected();
            assertEquals(expected.offset(), of.view().nextTxOffset());
            if (of.unread() != null) {
                readOnce(of);
                return;
            }
            switch (random.nextInt(5)) {
                case 0 -> {
                    int id = List.copyOf(expected.tables().keySet()).get(random.nextInt(expected.tables().size()));
                    of.scans().add(new Scan(of.view().scan(id), new HashSet<>(expected.tables().get(id))));
                }
                case 1, 2 -> {
                    if (!of.scans().isEmpty()) {
                        advance(of.scans().get(random.nextInt(of.scans().size())), random.nextInt(80));
                    }
                }
                case 3 -> {
                    if (!expected.questions().isEmpty()) {
                        ask(expected.questions().get(random.nextInt(expected.questions().size())), of.view());
                    }
                }
                default -> expected.tables().forEach((id, rows) -> assertEquals(rows.size(), of.view().rowCount(id)));
            }
        }

        /** A walk over each table, side by side, and counts. */
        private void readOnce(Opened of) {
            if (!of.unread().isEmpty() && random.nextInt(3) == 0) {
                int id = List.copyOf(of.unread()).get(random.nextInt(of.unread().size()));
                of.unread().remove(id);
                of.scans().add(new Scan(of.view().scan(id), new HashSet<>(of.expected().tables().get(id))));
            } else if (!of.scans().isEmpty() && random.nextInt(4) > 0) {
                advance(of.scans().get(random.nextInt(of.scans().size())), random.nextInt(80));
            } else {
                of.expected().tables().forEach((id, rows) -> assertEquals(rows.size(), of.view().rowCount(id)));
            }
        }

        private void end(Opened of) {
            of.scans().forEach(s -> {
                advance(s, Integer.MAX_VALUE);
                assertEquals(Set.of(), s.left(), "every row comes");
                assertFalse(s.rows().next());
            });
            Expected expected = of.expected();
            expected.tables().forEach((id, rows) -> {
                if (of.unread() == null || of.unread().contains(id)) {
                    assertEquals(rows, set(of.view().scan(id)));
                }
                assertEquals(rows.size(), of.view().rowCount(id));
            });
            if (of.unread() == null) {
                expected.questions().forEach(q -> ask(q, of.view()));
            }
            Set<String> tableNames = new HashSet<>();
            of.view().tables().forEach(t -> {
                tableNames.add(t.name());
                assertEquals(Optional.of(t), of.view().table(t.tableId()));
                assertEquals(Optional.of(t), of.view().tableByName(t.name()));
            });
            assertEquals(expected.names(), tableNames);
            of.view().close();
            assertThrows(EngineException.class, () -> of.view().rowCount(expected.tables().keySet().iterator().next()));
        }

        private static void ask(Question question, ReadView view) {
            List<ByteBuffer> found = question.ask(view);
            assertEquals(new HashSet<>(question.rows()), new HashSet<>(found));
            if (question.ordered()) {
                assertEquals(question.rows(), found, "an index gives its order");
            }
        }

        private static void advance(Scan scan, int steps) {
            for (int i = 0; i < steps && scan.rows().next(); i++) {
                ByteBuffer row = present(scan.rows());
                assertTrue(scan.left().remove(row), "a row that was not there, or that came twice");
            }
        }
    }

    private static ByteBuffer present(RowIterator rows) {
        byte[] bytes = new byte[rows.length()];
        MemorySegment.copy(rows.segment(), ValueLayout.JAVA_BYTE, rows.offset(), bytes, 0, bytes.length);
        return ByteBuffer.wrap(bytes);
    }

    private static List<ByteBuffer> inOrder(RowIterator rows) {
        List<ByteBuffer> all = new ArrayList<>();
        while (rows.next()) {
            all.add(present(rows));
        }
        return all;
    }

    private static Set<ByteBuffer> set(RowIterator rows) {
        List<ByteBuffer> all = inOrder(rows);
        Set<ByteBuffer> set = new HashSet<>(all);
        assertEquals(all.size(), set.size(), "no row comes twice");
        return set;
    }
}
