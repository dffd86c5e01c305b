package dev.geodesic.engine.query;

import java.lang.foreign.MemorySegment;

/**
 * A condition over one table's rows, evaluated on their bytes. Immutable; allocates nothing per row; may be shared by
 * threads.
 */
public interface RowPredicate {

    RowPredicate ALWAYS = (segment, rowOffset, length) -> true;
    RowPredicate NEVER = (segment, rowOffset, length) -> false;

    /** Whether the row at {@code (segment, rowOffset, length)} fulfils the condition; the row has been validated. */
    boolean test(MemorySegment segment, long rowOffset, int length);
}
