package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.engine.tx.TableLoader;
import dev.geodesic.engine.tx.TxData;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Puts the rows of a snapshot into a state that holds only what {@link Catalog#bootstrap} made. Rows of system tables come
 * first; from them the catalogue knows the user tables. One thread, before anybody reads the state.
 */
final class SnapshotLoader {

    private final SnapshotReader reader;
    private final CommittedState committed;
    private final Catalog catalog;
    private TableLoader loader;
    private RowLayout layout;
    private boolean builtIn;
    private boolean hasUserTables;
    private long allRows;

    SnapshotLoader(SnapshotReader reader, CommittedState committed, Catalog catalog) {
        this.reader = reader;
        this.committed = committed;
        this.catalog = catalog;
    }

    /** Returns the number of rows. After an error the state is of no use. */
    long load(SnapshotProgress progress) throws IOException {
        int tableId = SnapshotFormat.TOTALS;
        while (reader.next()) {
            if (reader.tableId() != tableId) {
                endTable();
                tableId = reader.tableId();
                beginTable(tableId);
            }
            loadBlock();
            allRows += reader.rows();
            progress.at(reader.place(), reader.size());
        }
        endTable();
        createUserTables();
        for (Table table : committed.allTables()) {
            if (table.id() >= SystemTables.FIRST_USER_ID && isStored(table.schema())
                    && !reader.totals().containsKey(table.id())) {
                throw reader.damaged(reader.place(), "table " + table.schema().name() + " is missing");
            }
        }
        for (int id : reader.totals().keySet()) {
            requireTable(id);
        }
        committed.startAt(reader.info().nextOffset(), reader.info().timeMicros());
        catalog.recover();
        progress.at(reader.size(), reader.size());
        return allRows;
    }

    /** Whether a table has rows that last. */
    static boolean isStored(TableSchema schema) {
        return !schema.event() && !schema.role().isView();
    }

    private Table requireTable(int tableId) {
        for (Table table : committed.allTables()) {
            if (table.id() == tableId && isStored(table.schema())) {
                return table;
            }
        }
        throw reader.damaged(reader.place(), "there is no table " + tableId + " that has rows");
    }

    private void beginTable(int tableId) {
        if (tableId >= SystemTables.FIRST_USER_ID) {
            createUserTables();
        }
        Table table = requireTable(tableId);
        layout = table.layout();
        loader = new TableLoader(table);
        builtIn = tableId < SystemTables.FIRST_USER_ID;
    }

    private void endTable() {
        if (loader != null && !loader.finish()) {
            throw reader.damaged(reader.place(), "two rows of one table are equal, or have the same key");
        }
        loader = null;
    }

    private void createUserTables() {
        if (hasUserTables) {
            return;
        }
        hasUserTables = true;
        List<Table> created = new ArrayList<>();
        try {
            for (TableSchema schema : catalog.userTables(committed.writerView())) {
                created.add(new Table(schema, committed.stores(), SequenceSchema::start));
            }
        } catch (RuntimeException e) {
            if (e instanceof EngineException known && known.code() == ErrorCode.LIMIT_EXCEEDED) {
                throw e;
            }
            throw reader.damaged(reader.place(), "the rows of system tables describe no tables (" + e + ")");
        }
        committed.applyPart(new TxData(List.of(), created, List.of()));
    }

    private void loadBlock() {
        MemorySegment rows = MemorySegment.ofArray(reader.buffer());
        int at = reader.from();
        int end = reader.to();
        for (int i = 0; i < reader.rows(); i++) {
            int length;
            try {
                length = layout.validate(rows, at, end - at);
            } catch (EngineException e) {
                throw badRow(at, e.getMessage());
            }
            if (builtIn && SystemTables.isBuiltIn(reader.tableId(), rows, at)) {
                throw badRow(at, "it describes a system table");
            }
            loader.add(rows, at, length);
            at += length;
        }
        if (at != end) {
            throw badRow(at, "there are bytes behind the last one");
        }
    }

    private EngineException badRow(int at, String problem) {
        return reader.damaged(reader.place() + at, "a row does not fit table " + reader.tableId() + ": " + problem);
    }
}
