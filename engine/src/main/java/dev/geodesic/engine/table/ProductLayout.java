package dev.geodesic.engine.table;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** The elements in order; lexicographic. Also a whole row, whose elements are the columns. */
final class ProductLayout extends TypeLayout {

    final TypeLayout[] elements;
    /** What must be looked at to check a value, and the plain bytes before each of these and behind the last. */
    private final TypeLayout[] checked;
    private final long[] plainBefore;
    /** What must be looked at to pass a value, and the fixed bytes before each of these and behind the last. */
    private final TypeLayout[] variable;
    private final long[] fixedBefore;
    private final int height;

    ProductLayout(TypeLayout[] elements) {
        super(
                Arrays.stream(elements).mapToLong(e -> e.minSize).reduce(0, (a, b) -> Math.min(a + b, 1L << 40)),
                Arrays.stream(elements).allMatch(e -> e.fixed),
                Arrays.stream(elements).allMatch(e -> e.plain),
                Arrays.stream(elements).allMatch(e -> e.bytewise),
                prefixBits(elements));
        this.elements = elements;
        height = heightOver(elements);
        checked = Arrays.stream(elements).filter(e -> !e.plain).toArray(TypeLayout[]::new);
        plainBefore = new long[checked.length + 1];
        variable = Arrays.stream(elements).filter(e -> !e.fixed).toArray(TypeLayout[]::new);
        fixedBefore = new long[variable.length + 1];
        int c = 0;
        int v = 0;
        for (TypeLayout e : elements) {
            if (e.plain) {
                plainBefore[c] = Math.min(plainBefore[c] + e.minSize, minSize);
            } else {
                c++;
            }
            if (e.fixed) {
                fixedBefore[v] += e.minSize;
            } else {
                v++;
            }
        }
    }

    private static int prefixBits(TypeLayout[] elements) {
        int bits = 0;
        for (TypeLayout e : elements) {
            if (!e.prefixExact || bits + e.prefixBits > Long.SIZE) {
                return Integer.MAX_VALUE;
            }
            bits += e.prefixBits;
        }
        return bits;
    }

    /** How many elements of variable size stand before an element. */
    int variableBefore(int element) {
        return (int) Arrays.stream(elements, 0, element).filter(e -> !e.fixed).count();
    }

    /** Fixed bytes between the last element of variable size before an element, or the start, and that element. */
    long fixedBytesBefore(int element) {
        long bytes = 0;
        for (int i = 0; i < element; i++) {
            bytes = elements[i].fixed ? bytes + elements[i].minSize : 0;
        }
        return bytes;
    }

    /** Position behind the first {@code count} elements of variable size; their gaps included. */
    long skipVariable(MemorySegment s, long at, int count) {
        for (int i = 0; i < count; i++) {
            at = variable[i].skip(s, at + fixedBefore[i]);
        }
        return at;
    }

    @Override
    int height() {
        return height;
    }

    @Override
    long validate(MemorySegment s, long at, long end) {
        if (end - at < minSize) {
            throw tooShort("product", minSize, end - at);
        }
        for (int i = 0; i < checked.length; i++) {
            at = checked[i].validate(s, at + plainBefore[i], end);
        }
        at += plainBefore[checked.length];
        if (at > end) {
            throw tooShort("product", plainBefore[checked.length], end - at + plainBefore[checked.length]);
        }
        return at;
    }

    @Override
    long skip(MemorySegment s, long at) {
        return skipVariable(s, at, variable.length) + fixedBefore[variable.length];
    }

    @Override
    int compare(MemorySegment a, long i, MemorySegment b, long j) {
        if (minSize == 0) {
            return 0;
        }
        for (TypeLayout e : elements) {
            int c = e.compare(a, i, b, j);
            if (c != 0) {
                return c;
            }
            long size = e.size(a, i); // of both: they are equal
            i += size;
            j += size;
        }
        return 0;
    }

    @Override
    long prefix(MemorySegment s, long at) {
        long prefix = 0;
        int bits = 0;
        for (TypeLayout e : elements) {
            if (e.minSize == 0) {
                continue;
            }
            prefix |= e.prefix(s, at) >>> bits;
            bits += e.prefixBits;
            if (!e.prefixExact || bits >= Long.SIZE) {
                break;
            }
            at += e.size(s, at);
        }
        return prefix;
    }

    @Override
    long hash(MemorySegment s, long at, long h) {
        if (bytewise) {
            return super.hash(s, at, h);
        }
        for (TypeLayout e : elements) {
            h = e.hash(s, at, h);
            at += e.size(s, at);
        }
        return h;
    }
}
