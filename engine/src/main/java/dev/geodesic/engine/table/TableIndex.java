package dev.geodesic.engine.table;

import java.lang.foreign.MemorySegment;

/**
 * Finds the rows of one store by key. An index holds row pointers and reads key columns from the rows' bytes, so every
 * row that it holds must still be readable in the store. Equal keys may have several rows; a unique constraint is
 * checked by the transaction before it inserts.
 *
 * <p>Keys come as BSATN (spec/module-abi.md 5.5). Values compare as spec/bsatn.md section 5 says, so {@code 0.0} finds
 * {@code -0.0}.
 *
 * <p>The committed state has one instance per index; a transaction keeps a second, small one over its own inserts.
 * Changes: writer only, on committed instances under the exclusive lock. Readers: shared lock.
 */
public interface TableIndex {

    /** Adds a row of the store; the row must not be in the index. */
    void insert(long row);

    /** Adds rows of the store, in the order that is quickest; none may be in the index. */
    void insertAll(RowPointers rows);

    /** Whether two rows have the same key. */
    boolean hasEqualKeys();

    /** Removes a row that is in the index. */
    void remove(long row);

    /** As {@link #remove} of a row and {@link #insert} of another; cheaper if their keys are equal. */
    void replace(long row, long by);

    /**
     * First row whose key equals that of the encoded row at {@code (row, offset)}, or {@link TableStore#NO_ROW}. The
     * encoded row has been validated by its layout. Writer only: the place may be remembered for a change that follows.
     */
    long findByRow(MemorySegment row, long offset);

    /**
     * Appends the rows with exactly this key: the BSATN of all index columns one after the other.
     *
     * @throws dev.geodesic.engine.base.EngineException BSATN_DECODE_ERROR if the bytes are no key
     */
    void point(MemorySegment key, long offset, int length, RowPointers out);

    /** As {@link #point}, for the writer: the place may be remembered for a change that follows. */
    default void pointToChange(MemorySegment key, long offset, int length, RowPointers out) {
        point(key, offset, length, out);
    }

    /**
     * Appends, in key order, the rows whose first {@code prefixElements} columns equal the prefix and whose next column
     * lies within the bounds. A bound is a byte (0 inclusive, 1 exclusive, 2 unbounded) and, for 0 and 1, a value.
     *
     * @throws dev.geodesic.engine.base.EngineException BSATN_DECODE_ERROR if prefix or bounds do not decode or
     *     {@code prefixElements} leaves no column for the bounds; WRONG_INDEX_ALGO if the index has no order
     */
    void range(KeyRange range, RowPointers out);

    /** Number of rows in the index. */
    long size();

    /** Forgets all rows. */
    void clear();

    /** Bytes held by the index itself. */
    long memoryBytes();
}
