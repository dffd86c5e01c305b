package dev.geodesic.engine.table;

import java.lang.foreign.MemorySegment;

/**
 * A walk over the bytes of rows. After {@link #next} returned true the present row lies at {@code (segment, offset,
 * length)} until the next step.
 */
public interface RowIterator {

    /** Steps to the next row; false at the end. */
    boolean next();

    MemorySegment segment();

    long offset();

    int length();

    /** Bytes that the iterator itself keeps, for as long as it is reachable; about. */
    default long heldBytes() {
        return 0;
    }

    /** Pointer of the row in its table's store, for as long as that keeps the row. */
    long row();
}
