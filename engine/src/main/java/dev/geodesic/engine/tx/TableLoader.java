package dev.geodesic.engine.tx;

import dev.geodesic.engine.table.RowPointers;
import java.lang.foreign.MemorySegment;

/**
 * Fills a table of a state that nobody reads yet with many rows, which must have passed its layout; then {@link #finish}. Index
 * entries are made for many rows at once. Not for transactions: no snapshot sees the rows come. One thread.
 */
public final class TableLoader {

    static final int BATCH_ROWS = 1 << 20;

    private final Table table;
    private final RowPointers batch = new RowPointers();
    private boolean unique = true;

    public TableLoader(Table table) {
        this.table = table;
    }

    /** Copies a row in. Errors: LIMIT_EXCEEDED if there is no memory. */
    public void add(MemorySegment source, long offset, int length) {
        batch.add(table.store().allocate(source, offset, length));
        if (batch.size() == BATCH_ROWS) {
            link();
        }
    }

    private void link() {
        unique &= table.linkAll(batch);
        table.countIndexes();
        batch.clear();
    }

    /** All rows are in; false if two are equal or have the same key in a unique index. */
    public boolean finish() {
        link();
        return unique && table.hasUniqueKeys();
    }
}
