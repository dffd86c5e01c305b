package dev.geodesic.engine.table;

import java.lang.foreign.MemorySegment;

/**
 * Rows of one store by their whole bytes: what makes a table a set. Changes: writer only, on committed instances under
 * the exclusive lock. Readers: shared lock.
 */
public final class RowSet extends RowHashTable {

    private final RowLayout layout;
    private final TableStore store;

    public RowSet(RowLayout layout, TableStore store) {
        this.layout = layout;
        this.store = store;
    }

    /** The row with exactly these bytes, or {@link TableStore#NO_ROW}. */
    public long find(MemorySegment segment, long offset, int length) {
        return find(fold(layout.hash(segment, offset, length)), segment, offset, length);
    }

    @Override
    boolean matches(long row, MemorySegment s, long offset, int length) {
        return store.length(row) == length && Bytes.same(store.segment(row), store.offset(row), s, offset, length);
    }

    /** Adds a row of the store; no row with its bytes may be in the set. */
    public void insert(long row) {
        add(hashOf(row), row);
    }

    /** Adds rows of the store; false, and not all of them, if the set has the bytes of one. */
    public boolean insertAll(RowPointers rows) {
        for (int i = 0; i < rows.size(); i++) {
            long row = rows.get(i);
            MemorySegment segment = store.segment(row);
            long offset = store.offset(row);
            int length = store.length(row);
            int hash = fold(layout.hash(segment, offset, length));
            if (find(hash, segment, offset, length) >= 0) {
                return false;
            }
            add(hash, row);
        }
        return true;
    }

    /** Removes a row that is in the set; it must still be readable. */
    public void remove(long row) {
        removeValue(hashOf(row), row);
    }

    private int hashOf(long row) {
        return fold(layout.hash(store.segment(row), store.offset(row), store.length(row)));
    }

    /** Forgets all rows. */
    public void clear() {
        forgetAll();
    }

    /** Number of rows. */
    public long size() {
        return count();
    }

    /** Bytes held by the set itself. */
    public long memoryBytes() {
        return tableBytes();
    }
}
