package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import java.lang.foreign.MemorySegment;

/**
 * Applies logged changes to a table of a state that nobody reads yet, transaction by transaction: deletes, inserts, then
 * {@link #endTransaction}. {@link CommittedState#replayed} counts the transaction. When so many rows have changed that it is
 * worth while, only what finds equal rows is kept up to date: the other indexes are emptied, and {@link #finish} fills them
 * again, in the order of their keys. One thread.
 */
public final class TableReplay {

    private static final int CHANGES_MIN = 64;
    /** A change of an index somewhere costs about as much as so many in a row. */
    private static final int ROWS_PER_CHANGE = 8;

    private final Table table;
    private final TableStore store;
    private final boolean event;
    /** Rows that the transaction has deleted: retired, but in the indexes, where an inserted row may take the place of one. */
    private final RowPointers deleted = new RowPointers();
    private int replaced;
    private long changes;

    public TableReplay(Table table) {
        this.table = table;
        this.store = table.store();
        this.event = table.schema().event();
    }

    public Table table() {
        return table;
    }

    /** Deletes the row with these bytes, which have passed the layout; false if there is none. */
    public boolean delete(MemorySegment source, long offset, int length) {
        if (event) {
            return false;
        }
        long row = table.findEqual(source, offset, length);
        if (row == TableStore.NO_ROW || !store.isLive(row)) {
            return false;
        }
        change();
        store.retire(row);
        deleted.add(row);
        return true;
    }

    /** Adds a row that has passed the layout; the log knows that no other one has its keys. */
    public void insert(MemorySegment source, long offset, int length) {
        if (event) {
            return;
        }
        change();
        long row = store.allocate(source, offset, length);
        if (replaced < deleted.size()) {
            table.replaceRetired(deleted.get(replaced++), row);
        } else {
            table.link(row);
        }
    }

    /**
     * The transaction changes nothing more in this table. The places of rows that it has deleted are given back now and not
     * before, as they were when it ran: its own rows come into the same order.
     */
    public void endTransaction() {
        if (deleted.size() > 0) {
            for (int i = 0; i < deleted.size(); i++) {
                if (i >= replaced) {
                    table.unlinkRetired(deleted.get(i));
                }
                store.free(deleted.get(i));
            }
            replaced = 0;
            deleted.clear();
        }
    }

    private void change() {
        if (++changes >= CHANGES_MIN && !table.isDeferred() && changes > store.liveCount() / ROWS_PER_CHANGE) {
            Invariants.check(table.history() == null, "nobody reads a table while its log is replayed");
            table.defer();
        }
    }

    /** The table can be read. */
    public void finish() {
        table.catchUp();
    }
}
