package dev.geodesic.engine.tx;

import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;

/**
 * What module code and SQL may do inside one read-write transaction (spec/module-abi.md 5.3 to 5.6). Rows and keys are
 * BSATN at {@code (segment, offset, length)}, often in guest memory; they are validated here. Writer thread only.
 *
 * <p>Every method throws {@link dev.geodesic.engine.base.EngineException} with the code that the specification gives, and
 * a failed method has changed nothing but sequences. After LIMIT_EXCEEDED the transaction must be rolled back.
 */
public interface Transaction extends ReadView {

    /** Id of a table by canonical name, then accessor. Errors: NO_SUCH_TABLE, also for views. */
    int tableId(String name);

    /** Id of an index by canonical name, then accessor. Errors: NO_SUCH_INDEX, also for those of views. */
    int indexId(String name);

    /** The table that has an index. Errors: NO_SUCH_INDEX. */
    TableSchema tableOfIndex(int indexId);

    /**
     * Inserts a row; a row that exists already is no change and no error. The values of generated columns are written,
     * one after the other, over the start of the given row.
     *
     * @return length in bytes of the generated values
     */
    int insert(int tableId, MemorySegment row, long offset, int length);

    /**
     * Replaces the row that has the same key in a unique index. Generated columns as in {@link #insert}. Errors besides
     * those: NO_SUCH_INDEX, INDEX_NOT_UNIQUE, NO_SUCH_ROW.
     */
    int update(int tableId, int indexId, MemorySegment row, long offset, int length);

    /** Deletes the row that equals the given one byte by byte; false if there is none. */
    boolean delete(int tableId, MemorySegment row, long offset, int length);

    /** Deletes every row that equals an element of a BSATN array of rows; returns how many were deleted. */
    int deleteAllByEq(int tableId, MemorySegment rows, long offset, int length);

    /** Deletes what {@link #point} would return. */
    int deletePoint(int indexId, MemorySegment key, long offset, int length);

    /** Deletes what {@link #range} would return. */
    int deleteRange(int indexId, KeyRange range);

    /** Deletes all rows; returns how many there were. */
    long clear(int tableId);

    /**
     * Lets the methods that may write many rows ask from time to time whether to give up with GUEST_TIMEOUT, after which the
     * transaction must be rolled back. Until this is called again, or the transaction ends.
     */
    void watch(BooleanSupplier overdue);
}
