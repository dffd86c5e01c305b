package dev.geodesic.engine.query;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.sats.BsatnWriter;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;

/** An INSERT, UPDATE, DELETE or SET that is ready to run. Immutable. */
public sealed interface DmlPlan extends SqlStatement {

    /** The table that is changed. */
    TableSchema table();

    /**
     * Runs inside a transaction, on the writer thread. If this throws, the changes made so far are still in the
     * transaction: the caller must roll it back, because a statement is all or nothing (spec/sql.md 7). Errors: those of
     * inserting and deleting; LIMIT_EXCEEDED if looking for the rows takes too long.
     */
    SqlResult execute(Transaction tx);

    private static void insert(Transaction tx, TableSchema table, byte[] row, int length) {
        try {
            tx.insert(table.tableId(), MemorySegment.ofArray(row), 0, length);
        } catch (EngineException e) {
            throw e.code() == ErrorCode.UNIQUE_ALREADY_EXISTS
                    ? new EngineException(e.code(), "IndexError: " + e.getMessage())
                    : e;
        }
    }

    /** INSERT. The rows are complete; generated columns hold what the statement gave, usually zero. */
    record Insert(TableSchema table, List<byte[]> rows) implements DmlPlan {

        public Insert {
            rows = List.copyOf(rows);
        }

        @Override
        public SqlResult execute(Transaction tx) {
            long inserted = 0;
            for (byte[] row : rows) {
                long before = tx.rowCount(table.tableId());
                // A copy, because the transaction writes generated values over the row.
                DmlPlan.insert(tx, table, row.clone(), row.length);
                // A row that was there already is no change. Rows of event tables are gone with the transaction, all count.
                inserted += table.event() || tx.rowCount(table.tableId()) > before ? 1 : 0;
            }
            return SqlResult.changes(inserted, 0, 0);
        }
    }

    /** UPDATE: the matching rows are found first, then all are deleted, then all are inserted anew. */
    final class Update implements DmlPlan {

        private final TableScan scan;
        private final Limits limits;
        /** BSATN of the new value by column position. */
        private final Map<Integer, byte[]> values;

        Update(TableScan scan, Map<Integer, byte[]> values, Limits limits) {
            this.scan = scan;
            this.limits = limits;
            this.values = Map.copyOf(values);
        }

        @Override
        public TableSchema table() {
            return scan.table();
        }

        TableScan scan() {
            return scan;
        }

        @Override
        public SqlResult execute(Transaction tx) {
            RowBuffer old = new RowBuffer();
            for (RowIterator rows = scan.open(tx, new QueryBudget(limits)); rows.next();) {
                old.row(rows.segment(), rows.offset(), rows.length());
            }
            MemorySegment bytes = MemorySegment.ofArray(old.bytes());
            int tableId = table().tableId();
            for (int i = 0; i < old.count(); i++) {
                tx.delete(tableId, bytes, old.start(i), old.end(i) - old.start(i));
            }
            BsatnWriter row = new BsatnWriter();
            for (int i = 0; i < old.count(); i++) {
                row.clear();
                write(row, bytes, old.start(i));
                DmlPlan.insert(tx, table(), row.buffer(), row.length());
            }
            return SqlResult.changes(0, old.count(), 0);
        }

        private void write(BsatnWriter out, MemorySegment row, long rowOffset) {
            RowLayout layout = scan.layout();
            for (int column = 0; column < table().columns().size(); column++) {
                byte[] value = values.get(column);
                if (value != null) {
                    out.writeRaw(value);
                } else {
                    SelectPlan.appendColumn(out, layout, row, rowOffset, column);
                }
            }
        }
    }

    /** DELETE. */
    final class Delete implements DmlPlan {

        private final TableScan scan;
        private final Limits limits;

        Delete(TableScan scan, Limits limits) {
            this.scan = scan;
            this.limits = limits;
        }

        @Override
        public TableSchema table() {
            return scan.table();
        }

        TableScan scan() {
            return scan;
        }

        @Override
        public SqlResult execute(Transaction tx) {
            int tableId = table().tableId();
            if (scan.readsWholeTable()) {
                return SqlResult.changes(0, 0, tx.clear(tableId));
            }
            long deleted = 0;
            for (RowIterator rows = scan.open(tx, new QueryBudget(limits)); rows.next();) {
                deleted += tx.delete(tableId, rows.segment(), rows.offset(), rows.length()) ? 1 : 0;
            }
            return SqlResult.changes(0, 0, deleted);
        }
    }
}
