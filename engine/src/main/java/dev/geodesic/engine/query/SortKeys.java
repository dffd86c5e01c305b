package dev.geodesic.engine.query;

import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.sats.BsatnWriter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;

/**
 * Values as bytes that are in the order of the values when they are compared as unsigned bytes, and equal for values that
 * are equal in SQL, whatever the zeros and NaNs of floats. Immutable.
 *
 * @param layouts by table number
 */
record SortKeys(List<Key> keys, RowLayout[] layouts) {

    /** Stands for a zero byte in a text; two zero bytes end it. */
    private static final int ESCAPED_ZERO = 0xff;

    record Key(BoundExpr.BoundColumn column, boolean descending) {
    }

    /** The encoded key of one row. */
    record Bytes(byte[] bytes) implements Comparable<Bytes> {

        @Override
        public int compareTo(Bytes other) {
            return Arrays.compareUnsigned(bytes, other.bytes);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Bytes o && Arrays.equals(bytes, o.bytes);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(bytes);
        }
    }

    static SortKeys ascending(List<BoundExpr.BoundColumn> columns, RowLayout[] layouts) {
        return new SortKeys(columns.stream().map(c -> new Key(c, false)).toList(), layouts);
    }

    /** Writes the key of the rows in the tuple; it replaces what was in {@code out}. */
    void write(RowTuple rows, BsatnWriter out) {
        out.clear();
        for (int i = 0; i < keys.size(); i++) {
            Key key = keys.get(i);
            int table = key.column.table();
            MemorySegment segment = rows.segment(table);
            long at = layouts[table].columnOffset(segment, rows.offset(table), key.column.position());
            int start = out.length();
            write(key.column.kind(), segment, at, out);
            if (key.descending) {
                byte[] bytes = out.buffer();
                for (int k = start; k < out.length(); k++) {
                    bytes[k] = (byte) ~bytes[k];
                }
            }
        }
    }

    /** Appends one value. */
    static void write(ValueKind kind, MemorySegment s, long at, BsatnWriter out) {
        if (kind.isNarrow()) {
            out.writeU64(Long.reverseBytes(kind.sortKey(s, at) ^ Long.MIN_VALUE));
        } else if (kind.isText()) {
            writeText(s, at, out);
        } else {
            for (int word = kind.byteSize() - Long.BYTES; word >= 0; word -= Long.BYTES) {
                boolean hasSign = kind.isSigned() && word == kind.byteSize() - Long.BYTES;
                out.writeU64(Long.reverseBytes(s.get(ValueKind.LONG, at + word) ^ (hasSign ? Long.MIN_VALUE : 0)));
            }
        }
    }

    private static void writeText(MemorySegment s, long at, BsatnWriter out) {
        int length = s.get(ValueKind.INT, at);
        out.ensure(length + Short.BYTES);
        int start = out.length();
        byte[] bytes = out.buffer();
        MemorySegment.copy(s, ValueLayout.JAVA_BYTE, at + Integer.BYTES, bytes, start, length);
        int end = start;
        while (end < start + length && bytes[end] != 0) {
            end++;
        }
        out.advance(end - start);
        for (long i = at + Integer.BYTES + end - start, to = at + Integer.BYTES + length; i < to; i++) {
            byte b = s.get(ValueLayout.JAVA_BYTE, i);
            out.writeU8(b);
            if (b == 0) {
                out.writeU8(ESCAPED_ZERO);
            }
        }
        out.writeU16(0);
    }
}
