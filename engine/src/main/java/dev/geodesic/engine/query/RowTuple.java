package dev.geodesic.engine.query;

import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.TableStore;
import java.lang.foreign.MemorySegment;

/** One row of each of a query's tables, by the table's number in the query. Not thread-safe. */
public final class RowTuple {

    private final MemorySegment[] segments;
    private final long[] offsets;
    private final int[] lengths;

    public RowTuple(int tables) {
        segments = new MemorySegment[tables];
        offsets = new long[tables];
        lengths = new int[tables];
    }

    void set(int table, MemorySegment segment, long offset, int length) {
        segments[table] = segment;
        offsets[table] = offset;
        lengths[table] = length;
    }

    /** Takes the present row of an iterator. */
    void set(int table, RowIterator row) {
        segments[table] = row.segment();
        offsets[table] = row.offset();
        lengths[table] = row.length();
    }

    /** Takes a row of a store. */
    public void set(int table, TableStore store, long row) {
        segments[table] = store.segment(row);
        offsets[table] = store.offset(row);
        lengths[table] = store.length(row);
    }

    public MemorySegment segment(int table) {
        return segments[table];
    }

    public long offset(int table) {
        return offsets[table];
    }

    public int length(int table) {
        return lengths[table];
    }
}
