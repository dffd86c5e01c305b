package dev.geodesic.engine.table;

import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The key of an index: its columns in index order, read either out of a row or out of a <em>packed</em> key (their BSATN
 * one after the other, spec/module-abi.md 5.5). The parts of a key are the columns; over one column that is a product
 * they are its elements, so that a prefix can address these: bytes and order are the same.
 */
final class KeyLayout {

    final TypeLayout[] parts;
    /** Whether keys with equal {@link #rowPrefix} are equal. */
    final boolean exact;
    /** First part that the prefix does not hold completely; as many as there are parts if it holds them all. */
    final int cutPart;
    /** Whether {@link #rowSecond} says anything. */
    final boolean hasSecond;
    private final RowLayout rows;
    private final int[] columns;
    private final boolean elementsOfOneColumn;
    /** Length that a packed key must have exactly, or -1. */
    private final long strictLength;
    /** How many leading bits of the prefix the first {@code i} parts decide. */
    private final int[] prefixBits;

    KeyLayout(RowLayout rows, List<Integer> columns) {
        this.rows = rows;
        this.columns = columns.stream().mapToInt(Integer::intValue).toArray();
        if (columns.size() == 1
                && rows.type().elements().get(columns.getFirst()).type() instanceof ProductType p
                && p.elements().size() > 1) {
            elementsOfOneColumn = true;
            parts = TypeLayout.ofAll(p.elements());
        } else {
            elementsOfOneColumn = false;
            parts = columns.stream().map(rows::column).toArray(TypeLayout[]::new);
        }
        prefixBits = new int[parts.length + 1];
        long length = 0;
        boolean allExact = true;
        int cut = 0;
        for (int i = 0; i < parts.length; i++) {
            int bits = prefixBits[i] + parts[i].prefixBits;
            allExact &= parts[i].prefixExact && bits <= Long.SIZE;
            prefixBits[i + 1] = allExact ? bits : Long.SIZE;
            cut += allExact ? 1 : 0;
            length = length < 0 || !parts[i].fixed ? -1 : length + parts[i].minSize;
        }
        exact = allExact;
        cutPart = cut;
        hasSecond = cut < parts.length && (prefixBits[cut] > 0 || parts[cut].hasSecond());
        strictLength = columns.size() > 1 ? length : -1;
    }

    /** True for keys over several columns that all have a fixed size: hash indexes compare those by bytes. */
    boolean isStrict() {
        return strictLength >= 0;
    }

    /** Part behind the last one that a bound speaks about, which follows a prefix. */
    int boundEnd(int prefixParts) {
        return elementsOfOneColumn && prefixParts == 0 ? parts.length : prefixParts + 1;
    }

    /** Where part {@code i} lies in a row. */
    long partOffset(MemorySegment s, long row, int i) {
        if (!elementsOfOneColumn) {
            return rows.columnOffset(s, row, columns[i]);
        }
        long at = rows.columnOffset(s, row, columns[0]);
        for (int k = 0; k < i; k++) {
            at += parts[k].size(s, at);
        }
        return at;
    }

    /** The prefix of a row's key as a signed number: a smaller one means a smaller key. */
    long rowPrefix(MemorySegment s, long row) {
        long prefix = 0;
        for (int i = 0; i < parts.length && prefixBits[i] < Long.SIZE; i++) {
            prefix |= parts[i].prefix(s, partOffset(s, row, i)) >>> prefixBits[i];
        }
        return prefix ^ Long.MIN_VALUE;
    }

    /** The 64 bits of a row's key behind its prefix, for keys that are not exact; again as a signed number. */
    long rowSecond(MemorySegment s, long row) {
        return hasSecond ? second(s, partOffset(s, row, cutPart)) : 0;
    }

    /** As {@link #rowSecond} for a packed key; part {@code from} lies at {@code at}. */
    long packedSecond(MemorySegment s, long at, int from) {
        for (int i = from; i < cutPart; i++) {
            at += parts[i].size(s, at);
        }
        return second(s, at);
    }

    private long second(MemorySegment s, long at) {
        int bits = prefixBits[cutPart];
        return Long.MIN_VALUE ^ (bits == 0 ? parts[cutPart].second(s, at) : parts[cutPart].prefix(s, at) << Long.SIZE - bits);
    }

    /** What packed parts {@code from} to {@code to - 1} add to an unsigned prefix. */
    long packedPrefix(MemorySegment s, long at, int from, int to) {
        long prefix = 0;
        for (int i = from; i < to && prefixBits[i] < Long.SIZE; i++) {
            prefix |= parts[i].prefix(s, at) >>> prefixBits[i];
            at += parts[i].size(s, at);
        }
        return prefix;
    }

    /** The bits of the prefix that stay free after {@code count} parts. */
    long freeBits(int count) {
        return prefixBits[count] == Long.SIZE ? 0 : -1L >>> prefixBits[count];
    }

    /** Compares the key of row {@code i} in {@code a} with that of row {@code j} in {@code b}. */
    int compareRows(MemorySegment a, long i, MemorySegment b, long j) {
        for (int k = 0; k < parts.length; k++) {
            int c = parts[k].compare(a, partOffset(a, i, k), b, partOffset(b, j, k));
            if (c != 0) {
                return c;
            }
        }
        return 0;
    }

    /** Compares parts {@code from} to {@code to - 1} of a row's key with packed ones at {@code at}. */
    int compareRowWithPacked(MemorySegment s, long row, MemorySegment key, long at, int from, int to) {
        for (int k = from; k < to; k++) {
            int c = parts[k].compare(s, partOffset(s, row, k), key, at);
            if (c != 0) {
                return c;
            }
            at += parts[k].size(key, at);
        }
        return 0;
    }

    /** Compares packed parts {@code from} to {@code to - 1} at {@code i} with those at {@code j}. */
    int comparePacked(MemorySegment s, long i, long j, int from, int to) {
        for (int k = from; k < to; k++) {
            int c = parts[k].compare(s, i, s, j);
            if (c != 0) {
                return c;
            }
            long size = parts[k].size(s, i); // of both: they are equal
            i += size;
            j += size;
        }
        return 0;
    }

    /** Checks a packed key of all parts; BSATN_DECODE_ERROR if it is none. */
    void validateKey(MemorySegment s, long offset, int length) {
        if (strictLength >= 0 && length != strictLength) {
            throw TypeLayout.malformed("a key of this index has " + strictLength + " bytes, given " + length);
        }
        validateParts(s, offset, length, 0, parts.length);
    }

    /** Checks packed parts; bytes behind them are not looked at. */
    void validateParts(MemorySegment s, long at, long length, int from, int to) {
        long end = at + length;
        for (int i = from; i < to; i++) {
            at = parts[i].validate(s, at, end);
        }
    }
}
