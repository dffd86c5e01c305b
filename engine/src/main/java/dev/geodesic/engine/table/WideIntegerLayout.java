package dev.geodesic.engine.table;

import dev.geodesic.sats.PrimitiveType;
import java.lang.foreign.MemorySegment;

/** Integers of 128 and 256 bits, with them identities and connection ids. */
final class WideIntegerLayout extends TypeLayout {

    private final int size;
    private final long signBit;

    WideIntegerLayout(PrimitiveType type) {
        super(type.byteSize(), true, true, true, type.byteSize() * Byte.SIZE);
        this.size = type.byteSize();
        this.signBit = type.isSignedInteger() ? Long.MIN_VALUE : 0;
    }

    @Override
    long validate(MemorySegment s, long at, long end) {
        if (end - at < size) {
            throw tooShort("a " + size * 8 + "-bit integer", size, end - at);
        }
        return at + size;
    }

    @Override
    long skip(MemorySegment s, long at) {
        return at + size;
    }

    @Override
    int compare(MemorySegment a, long i, MemorySegment b, long j) {
        long x = prefix(a, i);
        long y = prefix(b, j);
        for (int k = size - 16; x == y && k >= 0; k -= 8) {
            x = a.get(Bytes.LONG, i + k);
            y = b.get(Bytes.LONG, j + k);
        }
        return Long.compareUnsigned(x, y);
    }

    @Override
    long prefix(MemorySegment s, long at) {
        return signBit ^ s.get(Bytes.LONG, at + size - 8);
    }

    @Override
    boolean hasSecond() {
        return size == 16; // longer ones are identities and hashes, which differ in front
    }

    @Override
    long second(MemorySegment s, long at) {
        return s.get(Bytes.LONG, at + size - 16);
    }
}
