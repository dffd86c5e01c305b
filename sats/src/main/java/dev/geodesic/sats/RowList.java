package dev.geodesic.sats;

import java.util.Arrays;

/**
 * Many rows in BSATN, one after the other, with what is needed to find each (spec/websocket.md section 4):
 *
 * <pre>
 *   size_hint  0, u16 row length                     all rows have this length, 1 to 65535
 *              1, u32 count, u64 offset of each row  otherwise
 *   rows_data  u32 length, bytes
 * </pre>
 *
 * Immutable; the arrays are shared, not copied, and must not be changed.
 */
public final class RowList {

    public static final RowList EMPTY = new RowList(new byte[0], 0, 0, 0, new int[0]);

    private static final int FIXED_SIZE_TAG = 0;
    private static final int ROW_OFFSETS_TAG = 1;
    private static final int FIXED_SIZE_MAX = 0xffff;

    private final byte[] data;
    private final int dataLength;
    private final int count;
    private final int rowSize;
    private final int[] offsets;

    /** {@code rowSize} is 0 if {@code offsets} are used. */
    private RowList(byte[] data, int dataLength, int count, int rowSize, int[] offsets) {
        this.data = data;
        this.dataLength = dataLength;
        this.count = count;
        this.rowSize = rowSize;
        this.offsets = offsets;
    }

    public int count() {
        return count;
    }

    public boolean isEmpty() {
        return count == 0;
    }

    /** The bytes of all rows; valid up to {@link #dataLength()}. */
    public byte[] data() {
        return data;
    }

    public int dataLength() {
        return dataLength;
    }

    /** Length of every row, or 0 if the rows have offsets. */
    public int fixedRowSize() {
        return rowSize;
    }

    /** Where a row begins in {@link #data()}. */
    public int rowOffset(int index) {
        if (index < 0 || index >= count) {
            throw new IndexOutOfBoundsException(index);
        }
        return rowSize > 0 ? index * rowSize : offsets[index];
    }

    public int rowLength(int index) {
        int from = rowOffset(index);
        return rowSize > 0 ? rowSize : (index + 1 < count ? offsets[index + 1] : dataLength) - from;
    }

    /** Bytes that {@link #write} adds. */
    public long encodedLength() {
        return (rowSize > 0 ? 3 : 5 + 8L * count) + 4 + dataLength;
    }

    public void write(BsatnWriter out) {
        if (rowSize > 0) {
            out.writeU8(FIXED_SIZE_TAG);
            out.writeU16(rowSize);
        } else {
            out.writeU8(ROW_OFFSETS_TAG);
            out.writeU32(count);
            out.ensure(Math.multiplyExact(8, count));
            for (int i = 0; i < count; i++) {
                out.writeU64(offsets[i]);
            }
        }
        out.writeU32(dataLength);
        out.writeRaw(data, 0, dataLength);
    }

    /**
     * Reads what {@link #write} wrote.
     *
     * @throws BsatnException also if a fixed size is 0 or does not divide the data, or offsets do not start at 0 and
     *     rise within the data
     */
    public static RowList read(BsatnReader in) {
        int tag = in.readU8();
        switch (tag) {
            case FIXED_SIZE_TAG -> {
                int size = in.readU16();
                byte[] data = in.readBytes();
                if (size == 0 || data.length % size != 0) {
                    throw badHint("row size " + size + " for " + data.length + " bytes of rows");
                }
                return new RowList(data, data.length, data.length / size, size, null);
            }
            case ROW_OFFSETS_TAG -> {
                int[] offsets = new int[in.readCount(8)];
                long last = 0;
                for (int i = 0; i < offsets.length; i++) {
                    long offset = in.readU64();
                    if (offset < last || offset > Integer.MAX_VALUE || i == 0 && offset != 0) {
                        throw badHint("offset " + Long.toUnsignedString(offset) + " of row " + i);
                    }
                    last = offset;
                    offsets[i] = (int) offset;
                }
                byte[] data = in.readBytes();
                if (last > data.length || offsets.length == 0 && data.length > 0) {
                    throw badHint(offsets.length + " offsets up to " + last + " for " + data.length + " bytes of rows");
                }
                return new RowList(data, data.length, offsets.length, 0, offsets);
            }
            default -> throw BsatnException.badTag(tag, "RowSizeHint");
        }
    }

    private static BsatnException badHint(String what) {
        return new BsatnException(BsatnException.Code.BAD_ROW_LIST, "row list with " + what);
    }

    /** Collects rows. Not thread-safe. */
    public static final class Builder {

        private final BsatnWriter data;
        private int count;
        // Length of all rows so far; -1 once they differ or cannot be said in the fixed form.
        private int rowSize;
        private int[] offsets;

        public Builder() {
            this(1024);
        }

        public Builder(int capacityBytes) {
            data = new BsatnWriter(capacityBytes);
        }

        public Builder add(byte[] row, int offset, int length) {
            data.writeRaw(row, offset, length);
            ended(data.length() - length);
            return this;
        }

        public Builder add(byte[] row) {
            return add(row, 0, row.length);
        }

        /**
         * The buffer, for callers that write a row themselves; after each row they call {@link #ended} with the length
         * that the buffer had before it.
         */
        public BsatnWriter data() {
            return data;
        }

        /** One row was written to {@link #data()} from {@code start} to the end. */
        public void ended(int start) {
            int length = data.length() - start;
            if (count == 0) {
                rowSize = length >= 1 && length <= FIXED_SIZE_MAX ? length : -1;
            } else if (rowSize >= 0 && length != rowSize) {
                offsets = new int[Math.max(16, count * 2)];
                for (int i = 0; i < count; i++) {
                    offsets[i] = i * rowSize;
                }
                rowSize = -1;
            }
            if (rowSize < 0) {
                if (offsets == null) {
                    offsets = new int[16];
                } else if (count == offsets.length) {
                    offsets = Arrays.copyOf(offsets, count * 2);
                }
                offsets[count] = start;
            }
            count++;
        }

        public int count() {
            return count;
        }

        public int dataLength() {
            return data.length();
        }

        /** The rows so far. The builder hands its buffers over and must not be used again. */
        public RowList build() {
            if (count == 0) {
                return EMPTY;
            }
            return new RowList(data.buffer(), data.length(), count, Math.max(rowSize, 0), offsets);
        }
    }
}
