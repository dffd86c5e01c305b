package dev.geodesic.engine.query;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Rows one after the other in one array. Not thread-safe. */
public final class RowBuffer implements RowSink {

    private static final int BYTES_MAX = Integer.MAX_VALUE - 64;

    private byte[] bytes = new byte[256];
    private int[] ends = new int[16];
    private int count;

    @Override
    public void row(MemorySegment segment, long offset, int length) {
        int start = byteCount();
        if (length > BYTES_MAX - start) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "the result has more than " + BYTES_MAX + " bytes; use LIMIT");
        }
        int end = start + length;
        if (end > bytes.length) {
            bytes = Arrays.copyOf(bytes, (int) Math.min(BYTES_MAX, Math.max(end, bytes.length * 2L)));
        }
        if (count == ends.length) {
            ends = Arrays.copyOf(ends, count * 2);
        }
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, offset, bytes, start, length);
        ends[count++] = end;
    }

    /** Number of rows. */
    public int count() {
        return count;
    }

    /** Number of bytes of all rows. */
    public int byteCount() {
        return count == 0 ? 0 : ends[count - 1];
    }

    /** The backing array: row {@code i} lies from {@link #start} to {@link #end}. */
    public byte[] bytes() {
        return bytes;
    }

    public int start(int row) {
        return row == 0 ? 0 : ends[row - 1];
    }

    public int end(int row) {
        return ends[row];
    }

    /** A copy of one row. */
    public byte[] row(int row) {
        return Arrays.copyOfRange(bytes, start(row), end(row));
    }
}
