package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.engine.tx.TableReplay;
import dev.geodesic.engine.tx.TxData;
import it.unimi.dsi.fastutil.ints.Int2ObjectOpenHashMap;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Applies the records of a log to a state that holds only what {@link Catalog#bootstrap} made, or what a snapshot gave. Rows of
 * the catalogue come first: they say which tables the other rows of the same transaction belong to. Call {@link #apply} for each
 * record in order, then {@link #finish}. One thread.
 */
public final class Recovery {

    private final CommittedState committed;
    private final Catalog catalog;
    private final Rows rows = new Rows();
    private long transactions;
    private long rowOperations;

    public Recovery(CommittedState committed, Catalog catalog) {
        this.committed = committed;
        this.catalog = catalog;
    }

    /**
     * Applies the record of the transaction with this offset.
     *
     * @throws EngineException STORAGE_CORRUPT if offsets have a gap or the rows do not fit the tables
     */
    public void apply(long txOffset, byte[] record, int offset, int length) {
        if (txOffset != committed.nextTxOffset()) {
            throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT,
                    "the log continues at transaction " + txOffset + " instead of " + committed.nextTxOffset());
        }
        long micros = TxRecord.commitMicros(record, offset, length);
        if (TxRecord.isOfUserTables(record, offset, length)) {
            TxRecord.read(record, offset, length, rows);
            rows.endTable();
            committed.replayed(micros);
        } else {
            applyWithSystemTables(record, offset, length, micros);
        }
        transactions++;
    }

    private void applyWithSystemTables(byte[] record, int offset, int length, long micros) {
        Changes system = new Changes(true);
        TxRecord.read(record, offset, length, system);
        List<Table> created = new ArrayList<>();
        List<Table> dropped = new ArrayList<>();
        if (system.changesTables) {
            committed.applyPart(system.data(List.of(), List.of()));
            compareTables(created, dropped);
        }
        Changes user = new Changes(false);
        created.forEach(t -> user.tables.put(t.id(), t));
        TxRecord.read(record, offset, length, user);
        if (!system.changesTables) {
            user.changes.putAll(system.changes);
        }
        committed.apply(user.data(created, dropped), micros);
        rows.forgetTables();
    }

    /** How many have been applied. */
    public long transactions() {
        return transactions;
    }

    /** Rows inserted and deleted by all of them. */
    public long rowOperations() {
        return rowOperations;
    }

    private void compareTables(List<Table> created, List<Table> dropped) {
        Map<Integer, TableSchema> wanted = new HashMap<>();
        catalog.userTables(committed.writerView()).forEach(t -> wanted.put(t.tableId(), t));
        for (Table table : committed.allTables()) {
            if (table.id() < SystemTables.FIRST_USER_ID) {
                continue;
            }
            TableSchema schema = wanted.remove(table.id());
            if (!table.schema().equals(schema)) {
                dropped.add(table);
            }
            if (schema != null && !table.schema().equals(schema)) {
                created.add(reshaped(table, schema));
            }
        }
        wanted.values().forEach(t -> created.add(new Table(t, committed.stores(), SequenceSchema::start)));
    }

    private Table reshaped(Table table, TableSchema schema) {
        try {
            return table.reshaped(schema, committed.stores());
        } catch (EngineException e) {
            throw new EngineException(ErrorCode.STORAGE_CORRUPT,
                    "the log gives table " + schema.name() + " a shape that its rows do not fit: " + e.getMessage());
        }
    }

    /** Everything has been applied: completes the indexes, continues ids and sequences. */
    public void finish() {
        committed.allTables().forEach(table -> new TableReplay(table).finish());
        catalog.recover();
    }

    private Table requireTable(int tableId) {
        try {
            return committed.requireTable(tableId);
        } catch (EngineException e) {
            throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT, "the log has rows of table " + tableId + ", which does not exist");
        }
    }

    private static EngineException noSuchRow(Table table) {
        return new EngineException(
                ErrorCode.STORAGE_CORRUPT,
                "the log deletes a row of table " + table.schema().name() + " that does not exist");
    }

    private static void check(Table table, MemorySegment record, int offset, int length) {
        boolean fits;
        try {
            fits = table.layout().validate(record, offset, length) == length;
        } catch (EngineException e) {
            fits = false;
        }
        if (!fits) {
            throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT, "the log has a row that does not fit table " + table.schema().name());
        }
    }

    /** Applies rows of user tables as they come: what nearly all transactions consist of. */
    private final class Rows implements TxRecord.Visitor {

        private final Int2ObjectOpenHashMap<TableReplay> tables = new Int2ObjectOpenHashMap<>();
        private TableReplay current;
        private byte[] buffer = {};
        private MemorySegment segment = MemorySegment.NULL;

        void forgetTables() {
            tables.clear();
        }

        void endTable() {
            if (current != null) {
                current.endTransaction();
                current = null;
            }
        }

        @Override
        public boolean table(int tableId) {
            endTable();
            current = tables.get(tableId);
            if (current == null) {
                current = new TableReplay(requireTable(tableId));
                tables.put(tableId, current);
            }
            return true;
        }

        @Override
        public void delete(byte[] record, int offset, int length) {
            wrap(record);
            check(current.table(), segment, offset, length);
            if (!current.delete(segment, offset, length)) {
                throw noSuchRow(current.table());
            }
            rowOperations++;
        }

        @Override
        public void insert(byte[] record, int offset, int length) {
            wrap(record);
            check(current.table(), segment, offset, length);
            current.insert(segment, offset, length);
            rowOperations++;
        }

        private void wrap(byte[] record) {
            if (record != buffer) {
                buffer = record;
                segment = MemorySegment.ofArray(record);
            }
        }
    }

    /** Turns rows into pointers: those of system tables, or those of user tables. */
    private final class Changes implements TxRecord.Visitor {

        private final boolean system;
        private final Map<Integer, Table> tables = new HashMap<>();
        private final Map<Integer, TxData.TableChange> changes = new HashMap<>();
        private boolean changesTables;
        private TxData.TableChange current;

        Changes(boolean system) {
            this.system = system;
        }

        @Override
        public boolean table(int tableId) {
            if (tableId < SystemTables.FIRST_USER_ID != system) {
                return false;
            }
            Table table = tables.get(tableId);
            if (table == null) {
                table = requireTable(tableId);
            }
            changesTables |= SystemTables.describesTables(tableId);
            current = new TxData.TableChange(table, new RowPointers(), new RowPointers());
            changes.put(tableId, current);
            return true;
        }

        @Override
        public void delete(byte[] buffer, int offset, int length) {
            MemorySegment segment = MemorySegment.ofArray(buffer);
            check(current.table(), segment, offset, length);
            long row = current.table().findEqual(segment, offset, length);
            if (row == TableStore.NO_ROW) {
                throw noSuchRow(current.table());
            }
            current.deletes().add(row);
            rowOperations++;
        }

        @Override
        public void insert(byte[] buffer, int offset, int length) {
            MemorySegment segment = MemorySegment.ofArray(buffer);
            check(current.table(), segment, offset, length);
            current.inserts().add(current.table().store().allocate(segment, offset, length));
            rowOperations++;
        }

        TxData data(List<Table> created, List<Table> dropped) {
            return new TxData(List.copyOf(changes.values()), created, dropped);
        }
    }
}
