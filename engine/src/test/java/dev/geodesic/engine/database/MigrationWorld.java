package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.ModuleRow;
import dev.geodesic.engine.durability.Recovery;
import dev.geodesic.engine.durability.TxRecord;
import dev.geodesic.engine.schema.ConstraintSchema;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.MigrationPlan;
import dev.geodesic.engine.schema.MigrationPlanner;
import dev.geodesic.engine.schema.ModuleDef;
import dev.geodesic.engine.schema.RawModuleDefBuilder;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableDef;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;

/**
 * Tables of a module that is replaced again and again, without programs. After every transaction, indexes must find every row,
 * and what recovery makes of the log must be the same state.
 */
final class MigrationWorld implements AutoCloseable {

    private final Supplier<TableStores> stores;
    private final CommittedState committed;
    private final Catalog catalog;
    private final MutTx tx;
    private final List<byte[]> log = new ArrayList<>();
    private ModuleDef definition;

    MigrationWorld(Supplier<TableStores> stores, RawModuleDefBuilder first) {
        this.stores = stores;
        committed = new CommittedState(stores.get());
        catalog = Catalog.bootstrap(committed);
        tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        definition = first.define();
        transact(() -> {
            for (TableDef table : definition.tables()) {
                catalog.createTable(tx, table.toSchema(catalog));
            }
            setModule();
        });
    }

    private void setModule() {
        catalog.setModule(tx, new ModuleRow(Identity.ZERO, Identity.ZERO, new Identity(0, 0, 0, log.size()), new byte[0]));
    }

    private void transact(Runnable work) {
        Map<String, Set<String>> before = dump(committed);
        tx.begin();
        try {
            work.run();
        } catch (Throwable e) {
            tx.rollback();
            assertEquals(before, dump(committed), "rollback");
            throw e;
        }
        TxData data = tx.finish();
        committed.apply(data);
        tx.end();
        BsatnWriter record = new BsatnWriter();
        TxRecord.write(data, committed.commitMicros(), record);
        log.add(record.toByteArray());
        checkRecovery();
    }

    /** Throws what the planner and the migration throw; nothing has changed then. */
    MigrationPlan migrate(RawModuleDefBuilder next) {
        ModuleDef after = next.define();
        MigrationPlan plan = MigrationPlanner.plan(definition, after);
        transact(() -> {
            Migration.run(tx, catalog, Limits.DEFAULTS, definition, after, plan);
            setModule();
        });
        definition = after;
        return plan;
    }

    /** Inserts a row and returns the values that were generated for it. */
    byte[] insert(String table, byte[] row) {
        byte[] bytes = row.clone();
        int[] generated = new int[1];
        transact(() -> generated[0] = tx.insert(tx.tableId(table), MemorySegment.ofArray(bytes), 0, bytes.length));
        return Arrays.copyOf(bytes, generated[0]);
    }

    void clear(String table) {
        transact(() -> tx.clear(tx.tableId(table)));
    }

    ReadView view() {
        return committed.writerView();
    }

    TableSchema table(String name) {
        return view().tableByName(name).orElseThrow();
    }

    int indexId(String name) {
        tx.begin();
        try {
            return tx.indexId(name);
        } finally {
            tx.rollback();
        }
    }

    /** Rows as hex digits, sorted. */
    Set<String> rows(String table) {
        return rows(committed, table(table));
    }

    private static Set<String> rows(CommittedState state, TableSchema table) {
        Set<String> rows = new TreeSet<>();
        RowIterator scan = state.writerView().scan(table.tableId());
        while (scan.next()) {
            byte[] row = bytes(scan);
            assertTrue(rows.add(HexFormat.of().formatHex(row)), "a table is a set");
            if (table.kind() == TableKind.USER) {
                checkIndexes(state.writerView(), table, row);
            }
        }
        assertEquals(rows.size(), state.writerView().rowCount(table.tableId()));
        return rows;
    }

    private static void checkIndexes(ReadView view, TableSchema table, byte[] row) {
        RowLayout layout = RowLayout.of(table.rowType());
        MemorySegment segment = MemorySegment.ofArray(row);
        assertEquals(row.length, layout.validate(segment, 0, row.length), "a row has the type of its table");
        for (IndexSchema index : table.indexes()) {
            BsatnWriter key = new BsatnWriter();
            for (int column : index.algorithm().columns()) {
                int length = layout.columnLength(segment, 0, column);
                byte[] value = new byte[length];
                MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, layout.columnOffset(segment, 0, column), value, 0, length);
                key.writeRaw(value);
            }
            byte[] bytes = key.toByteArray();
            RowIterator found = view.point(index.indexId(), MemorySegment.ofArray(bytes), 0, bytes.length);
            int count = 0;
            boolean self = false;
            while (found.next()) {
                count++;
                self |= Arrays.equals(row, bytes(found));
            }
            assertTrue(self, "index " + index.name() + " finds the row");
            assertFalse(index.unique() && count > 1, "index " + index.name() + " is unique");
        }
    }

    private static byte[] bytes(RowIterator rows) {
        byte[] bytes = new byte[rows.length()];
        MemorySegment.copy(rows.segment(), ValueLayout.JAVA_BYTE, rows.offset(), bytes, 0, bytes.length);
        return bytes;
    }

    /** Rows of every table, system tables included, by shape. */
    private static Map<String, Set<String>> dump(CommittedState state) {
        Map<String, Set<String>> tables = new TreeMap<>();
        for (Table table : state.allTables()) {
            tables.put(sorted(table.schema()).toString(), rows(state, table.schema()));
        }
        return tables;
    }

    /** Parts have no order among themselves. */
    private static TableSchema sorted(TableSchema t) {
        return new TableSchema(t.tableId(), t.name(), t.accessor(), t.columns(), t.primaryKey(),
                t.indexes().stream().sorted(Comparator.comparing(IndexSchema::indexId)).toList(),
                t.constraints().stream().sorted(Comparator.comparing(ConstraintSchema::constraintId)).toList(),
                t.sequences().stream().sorted(Comparator.comparing(SequenceSchema::sequenceId)).toList(),
                t.access(), t.kind(), t.role(), t.schedule());
    }

    private void checkRecovery() {
        try (CommittedState recovered = new CommittedState(stores.get())) {
            Catalog copy = Catalog.bootstrap(recovered);
            Recovery recovery = new Recovery(recovered, copy);
            for (int i = 0; i < log.size(); i++) {
                recovery.apply(i, log.get(i), 0, log.get(i).length);
            }
            recovery.finish();
            assertEquals(dump(committed), dump(recovered), "recovery");
        }
    }

    /** Forgets everything but the log and goes on with what recovery makes of it. */
    MigrationWorld restarted() {
        MigrationWorld next = new MigrationWorld(this);
        close();
        return next;
    }

    private MigrationWorld(MigrationWorld before) {
        stores = before.stores;
        committed = new CommittedState(stores.get());
        catalog = Catalog.bootstrap(committed);
        tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        definition = before.definition;
        log.addAll(before.log);
        Recovery recovery = new Recovery(committed, catalog);
        for (int i = 0; i < log.size(); i++) {
            recovery.apply(i, log.get(i), 0, log.get(i).length);
        }
        recovery.finish();
    }

    @Override
    public void close() {
        committed.close();
    }
}
