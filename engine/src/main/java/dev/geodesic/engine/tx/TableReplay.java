package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.table.TableStore;
import java.lang.foreign.MemorySegment;

/**
 * Applies logged changes to a table of a state that nobody reads yet, row by row and at once; {@link CommittedState#replayed}
 * counts the transaction. When so many rows have changed that it is worth while, only what finds equal rows is kept up to date:
 * the other indexes are emptied, and {@link #finish} fills them again, in the order of their keys. One thread.
 */
public final class TableReplay {

    private static final int CHANGES_MIN = 64;
    /** A change of an index somewhere costs about as much as so many in a row. */
    private static final int ROWS_PER_CHANGE = 8;

    private final Table table;
    private final TableStore store;
    private final boolean event;
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
        if (row == TableStore.NO_ROW) {
            return false;
        }
        change();
        table.unlink(row);
        store.free(row);
        return true;
    }

    /** Adds a row that has passed the layout; the log knows that no other one has its keys. */
    public void insert(MemorySegment source, long offset, int length) {
        if (event) {
            return;
        }
        change();
        table.link(store.allocate(source, offset, length));
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
