package dev.geodesic.engine.table;

import java.lang.foreign.MemorySegment;

/** One byte, 0 or 1. */
final class BoolLayout extends TypeLayout {

    static final BoolLayout BOOL = new BoolLayout();

    private BoolLayout() {
        super(1, true, false, true, 8);
    }

    @Override
    long validate(MemorySegment s, long at, long end) {
        if (at >= end) {
            throw tooShort("bool", 1, 0);
        }
        int b = Bytes.getU8(s, at);
        if (b > 1) {
            throw malformed("byte " + b + " not valid as `bool` (must be 0 or 1)");
        }
        return at + 1;
    }

    @Override
    long skip(MemorySegment s, long at) {
        return at + 1;
    }

    @Override
    int compare(MemorySegment a, long i, MemorySegment b, long j) {
        return Bytes.getU8(a, i) - Bytes.getU8(b, j);
    }

    @Override
    long prefix(MemorySegment s, long at) {
        return (long) Bytes.getU8(s, at) << 56;
    }
}
