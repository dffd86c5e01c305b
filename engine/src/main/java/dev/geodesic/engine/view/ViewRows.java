package dev.geodesic.engine.view;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.MutTx;
import it.unimi.dsi.fastutil.longs.Long2IntOpenHashMap;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;

/** The distinct rows that a run of a view gave, as its table stores them: each behind the hash of the arguments. */
final class ViewRows {

    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BYTES_MAX = Integer.MAX_VALUE - 64;
    private static final int NONE = -1;

    private final ViewTable table;
    private final byte[] argumentHash;
    private byte[] bytes;
    private MemorySegment segment;
    private int[] ends = new int[16];
    private int count;
    /** The last row with a hash, and for each row the one before it with the same hash. */
    private final Long2IntOpenHashMap lastByHash = new Long2IntOpenHashMap();
    private int[] sameHash = new int[16];

    ViewRows(ViewTable table, byte[] argumentHash) {
        this.table = table;
        this.argumentHash = argumentHash;
        this.bytes = new byte[1024];
        this.segment = MemorySegment.ofArray(bytes);
        lastByHash.defaultReturnValue(NONE);
    }

    /**
     * Adds the rows of a BSATN array, the bytes of a guest.
     *
     * @throws EngineException BSATN_DECODE_ERROR if they are not rows of the view, or bytes follow
     */
    void addArray(byte[] array) {
        if (array.length < Integer.BYTES) {
            throw new EngineException(ErrorCode.BSATN_DECODE_ERROR, "the rows are too short for their count");
        }
        MemorySegment in = MemorySegment.ofArray(array);
        RowLayout layout = table.rows();
        long rows = Integer.toUnsignedLong(in.get(U32, 0));
        if (layout.fixedLength().orElse(1) == 0) {
            // All rows without bytes are equal; counting four thousand million of them helps nobody.
            rows = Math.min(rows, 1);
        }
        int at = Integer.BYTES;
        for (long i = 0; i < rows; i++) {
            int length = layout.validate(in, at, array.length - at);
            add(in, at, length);
            at += length;
        }
        if (at != array.length) {
            throw new EngineException(ErrorCode.BSATN_DECODE_ERROR, (array.length - at) + " bytes behind the rows");
        }
    }

    /** Adds a valid row of the view, unless it is there. */
    void add(MemorySegment row, long offset, int length) {
        int start = start(count);
        if (length > BYTES_MAX - argumentHash.length - start) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "the rows of the view have more than " + BYTES_MAX + " bytes");
        }
        int end = start + argumentHash.length + length;
        if (end > bytes.length) {
            bytes = Arrays.copyOf(bytes, (int) Math.min(BYTES_MAX, Math.max(end, bytes.length * 2L)));
            segment = MemorySegment.ofArray(bytes);
        }
        System.arraycopy(argumentHash, 0, bytes, start, argumentHash.length);
        MemorySegment.copy(row, ValueLayout.JAVA_BYTE, offset, bytes, start + argumentHash.length, length);
        long hash = table.rows().hash(segment, start, end - start);
        if (find(hash, segment, start, end - start) != NONE) {
            return;
        }
        if (count == ends.length) {
            ends = Arrays.copyOf(ends, count * 2);
            sameHash = Arrays.copyOf(sameHash, count * 2);
        }
        ends[count] = end;
        sameHash[count] = lastByHash.put(hash, count);
        count++;
    }

    private int start(int row) {
        return row == 0 ? 0 : ends[row - 1];
    }

    private int find(long hash, MemorySegment row, long offset, int length) {
        for (int i = lastByHash.get(hash); i != NONE; i = sameHash[i]) {
            int start = start(i);
            if (ends[i] - start == length && RowLayout.sameBytes(segment, start, row, offset, length)) {
                return i;
            }
        }
        return NONE;
    }

    /** Makes these the rows of the caller. Rows that stay are not touched. Errors: those of {@code MutTx.insert}. */
    void replaceIn(MutTx tx) {
        BitSet kept = new BitSet(count);
        RowIterator present = table.rowsOf(argumentHash, tx);
        while (present.next()) {
            long hash = table.rows().hash(present.segment(), present.offset(), present.length());
            int same = find(hash, present.segment(), present.offset(), present.length());
            if (same != NONE) {
                kept.set(same);
            } else {
                tx.delete(table.id(), present.segment(), present.offset(), present.length());
            }
        }
        for (int i = kept.nextClearBit(0); i < count; i = kept.nextClearBit(i + 1)) {
            tx.insert(table.id(), segment, start(i), ends[i] - start(i));
        }
    }
}
