package dev.geodesic.engine.tx;

import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import java.lang.foreign.MemorySegment;

/** All rows of a table in a snapshot, a batch of pointers at a time. */
final class SnapshotScan implements RowIterator {

    private final SnapshotView view;
    private final Table table;
    private final TableStore store;
    private final RowPointers batch = new RowPointers();
    private long from;
    private boolean walked;
    private int at = -1;
    private long row = TableStore.NO_ROW;

    SnapshotScan(SnapshotView view, Table table) {
        this.view = view;
        this.table = table;
        this.store = table.store();
    }

    @Override
    public boolean next() {
        while (at + 1 >= batch.size()) {
            if (from == TableStore.NO_ROW) {
                if (!walked) {
                    walked = true;
                    view.walked(table);
                }
                return false;
            }
            batch.clear();
            at = -1;
            from = view.walk(table, from, batch);
        }
        row = batch.get(++at);
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
        return batch.size() * (long) Long.BYTES;
    }

    @Override
    public long row() {
        return row;
    }
}
