package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.table.RowIterator;
import java.util.Arrays;

/** Open row iterators of one call by handle: index + 1, the last freed first reused. Every one stands on a row. */
final class RowIterators {

    private final int max;
    private final long bytesMax;
    private long bytes;
    private RowIterator[] slots = new RowIterator[8];
    private int[] free = new int[8];
    private int freeCount;
    private int used;

    /** Up to {@code max} iterators, which together hold up to {@code bytesMax} bytes; a single one may hold more. */
    RowIterators(int max, long bytesMax) {
        this.max = max;
        this.bytesMax = bytesMax;
    }

    /** Takes an iterator that has not been stepped yet. Errors: LIMIT_EXCEEDED. */
    int open(RowIterator rows) {
        long more = rows.heldBytes();
        if (bytes > 0 && more > bytesMax - bytes) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "open row iterators hold more than " + bytesMax + " bytes (limit iteratorBytesMax)");
        }
        int index;
        if (freeCount > 0) {
            index = free[--freeCount];
        } else {
            if (used == max) {
                throw new EngineException(
                        ErrorCode.LIMIT_EXCEEDED, "more than " + max + " open row iterators (limit handlesMax)");
            }
            if (used == slots.length) {
                slots = Arrays.copyOf(slots, used * 2);
                free = Arrays.copyOf(free, used * 2);
            }
            index = used++;
        }
        slots[index] = rows.next() ? rows : Empty.ROWS;
        bytes += slots[index].heldBytes();
        return index + 1;
    }

    /** The iterator, on a row unless it is {@link #isEmpty}. Errors: NO_SUCH_ITER. */
    RowIterator get(int handle) {
        int index = handle - 1;
        if (index < 0 || index >= used || slots[index] == null) {
            throw new EngineException(ErrorCode.NO_SUCH_ITER, "no such row iterator");
        }
        return slots[index];
    }

    static boolean isEmpty(RowIterator rows) {
        return rows == Empty.ROWS;
    }

    /** Errors: NO_SUCH_ITER. */
    void close(int handle) {
        bytes -= get(handle).heldBytes();
        slots[handle - 1] = null;
        free[freeCount++] = handle - 1;
    }

    void clear() {
        if (used > 0) {
            Arrays.fill(slots, 0, used, null);
            used = 0;
            bytes = 0;
            freeCount = 0;
        }
    }
}
