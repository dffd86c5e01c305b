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
import dev.geodesic.engine.tx.TxData;
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
        committed.apply(user.data(created, dropped), TxRecord.commitMicros(record, offset, length));
        transactions++;
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

    /** Everything has been applied: continues ids and sequences. */
    public void finish() {
        catalog.recover();
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
                try {
                    table = committed.requireTable(tableId);
                } catch (EngineException e) {
                    throw new EngineException(ErrorCode.STORAGE_CORRUPT,
                            "the log has rows of table " + tableId + ", which does not exist");
                }
            }
            changesTables |= SystemTables.describesTables(tableId);
            current = new TxData.TableChange(table, new RowPointers(), new RowPointers());
            changes.put(tableId, current);
            return true;
        }

        @Override
        public void delete(byte[] buffer, int offset, int length) {
            long row = current.table().findEqual(MemorySegment.ofArray(buffer), check(buffer, offset, length), length);
            if (row == TableStore.NO_ROW) {
                throw new EngineException(
                        ErrorCode.STORAGE_CORRUPT,
                        "the log deletes a row of table " + current.table().schema().name() + " that does not exist");
            }
            current.deletes().add(row);
            rowOperations++;
        }

        @Override
        public void insert(byte[] buffer, int offset, int length) {
            current.inserts().add(current.table().store().allocate(
                    MemorySegment.ofArray(buffer), check(buffer, offset, length), length));
            rowOperations++;
        }

        private int check(byte[] buffer, int offset, int length) {
            boolean fits;
            try {
                fits = current.table().layout().validate(MemorySegment.ofArray(buffer), offset, length) == length;
            } catch (EngineException e) {
                fits = false;
            }
            if (!fits) {
                throw new EngineException(
                        ErrorCode.STORAGE_CORRUPT, "the log has a row that does not fit table "
                                + current.table().schema().name());
            }
            return offset;
        }

        TxData data(List<Table> created, List<Table> dropped) {
            return new TxData(List.copyOf(changes.values()), created, dropped);
        }
    }
}
