package dev.geodesic.engine.table;

import java.lang.foreign.MemorySegment;

/** A u32 count and the elements; lexicographic. Elements without bytes are counted, never walked. */
final class ArrayLayout extends TypeLayout {

    private final TypeLayout element;
    private final int height;

    ArrayLayout(TypeLayout element) {
        super(4, false, false, element.bytewise, Integer.MAX_VALUE);
        this.element = element;
        height = heightOver(element);
    }

    @Override
    int height() {
        return height;
    }

    @Override
    long validate(MemorySegment s, long at, long end) {
        if (end - at < 4) {
            throw tooShort("u32", 4, end - at);
        }
        long count = Bytes.getU32(s, at);
        at += 4;
        if (element.minSize > 0 && count > (end - at) / element.minSize) {
            throw tooShort("array", element.minSize, end - at);
        }
        if (element.plain) {
            return at + count * element.minSize;
        }
        for (; count > 0; count--) {
            at = element.validate(s, at, end);
        }
        return at;
    }

    @Override
    long skip(MemorySegment s, long at) {
        long count = Bytes.getU32(s, at);
        at += 4;
        if (element.fixed) {
            return at + count * element.minSize;
        }
        for (; count > 0; count--) {
            at = element.skip(s, at);
        }
        return at;
    }

    @Override
    int compare(MemorySegment a, long i, MemorySegment b, long j) {
        long countA = Bytes.getU32(a, i);
        long countB = Bytes.getU32(b, j);
        i += 4;
        j += 4;
        if (element.minSize > 0) {
            for (long k = Math.min(countA, countB); k > 0; k--) {
                int c = element.compare(a, i, b, j);
                if (c != 0) {
                    return c;
                }
                long size = element.size(a, i); // of both: they are equal
                i += size;
                j += size;
            }
        }
        return Long.compare(countA, countB);
    }

    @Override
    long prefix(MemorySegment s, long at) {
        long count = Bytes.getU32(s, at);
        if (element.minSize == 0) {
            return count << 32;
        }
        at += 4;
        long prefix = 0;
        for (int bits = 0; count > 0 && bits < Long.SIZE; count--) {
            prefix |= element.prefix(s, at) >>> bits;
            bits += element.prefixExact ? element.prefixBits : Long.SIZE;
            at += element.size(s, at);
        }
        return prefix;
    }

    @Override
    long hash(MemorySegment s, long at, long h) {
        if (bytewise) {
            return super.hash(s, at, h);
        }
        long count = Bytes.getU32(s, at);
        h = Bytes.mix(h, count);
        at += 4;
        for (; count > 0; count--) {
            h = element.hash(s, at, h);
            at += element.size(s, at);
        }
        return h;
    }
}
