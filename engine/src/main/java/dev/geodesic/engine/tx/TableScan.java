package dev.geodesic.engine.tx;

import dev.geodesic.engine.table.RowCursor;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import it.unimi.dsi.fastutil.longs.LongSet;
import java.lang.foreign.MemorySegment;

/** The live rows of a store without some that a transaction deleted, then the rows that it added. */
final class TableScan implements RowIterator {

    /** Of one row in a linked hash set that is two thirds full. */
    private static final long DELETED_BYTES = 32;

    private final TableStore store;
    private final RowCursor committed;
    private final LongSet deleted;
    private final RowPointers added;
    private boolean inCommitted = true;
    private int at = -1;
    private long row = TableStore.NO_ROW;

    TableScan(TableStore store, LongSet deleted, RowPointers added) {
        this.store = store;
        this.committed = store.scan();
        this.deleted = deleted;
        this.added = added;
    }

    @Override
    public boolean next() {
        while (inCommitted) {
            if (!committed.next()) {
                inCommitted = false;
            } else if (deleted.isEmpty() || !deleted.contains(committed.row())) {
                row = committed.row();
                return true;
            }
        }
        if (at + 1 >= added.size()) {
            return false;
        }
        row = added.get(++at);
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
        return added.size() * (long) Long.BYTES + deleted.size() * DELETED_BYTES;
    }

    @Override
    public long row() {
        return row;
    }
}
