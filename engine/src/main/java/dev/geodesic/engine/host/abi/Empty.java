package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.TableStore;
import java.lang.foreign.MemorySegment;

/** Stands for an iterator that has no rows left. */
enum Empty implements RowIterator {
    ROWS;

    @Override
    public boolean next() {
        return false;
    }

    @Override
    public MemorySegment segment() {
        return MemorySegment.NULL;
    }

    @Override
    public long offset() {
        return 0;
    }

    @Override
    public int length() {
        return 0;
    }

    @Override
    public long row() {
        return TableStore.NO_ROW;
    }
}
