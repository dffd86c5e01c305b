package dev.geodesic.engine.tx;

import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import java.lang.foreign.MemorySegment;

/** Rows of one store by a list of pointers. */
final class RowPointerIterator implements RowIterator {

    private final TableStore store;
    private final RowPointers rows;
    private int at = -1;
    private long row = TableStore.NO_ROW;

    RowPointerIterator(TableStore store, RowPointers rows) {
        this.store = store;
        this.rows = rows;
    }

    @Override
    public boolean next() {
        if (at + 1 >= rows.size()) {
            return false;
        }
        row = rows.get(++at);
        return true;
    }

    @Override
    public MemorySegment segment() {
        return store.segment(row);
    }

    @Override
    public long offset() {
        return store.offset(row);
    }

    @Override
    public int length() {
        return store.length(row);
    }

    @Override
    public long heldBytes() {
        return (long) rows.size() * Long.BYTES;
    }

    @Override
    public long row() {
        return row;
    }
}
