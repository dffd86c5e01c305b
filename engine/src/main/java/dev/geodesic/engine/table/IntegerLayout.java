package dev.geodesic.engine.table;

import dev.geodesic.sats.PrimitiveType;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/** Integers of 8 to 64 bits. */
final class IntegerLayout extends TypeLayout {

    private final PrimitiveType type;
    private final int size;
    private final long signBit;

    IntegerLayout(PrimitiveType type) {
        super(type.byteSize(), true, true, true, type.byteSize() * Byte.SIZE);
        this.type = type;
        this.size = type.byteSize();
        this.signBit = type.isSignedInteger() ? Long.MIN_VALUE : 0;
    }

    @Override
    long validate(MemorySegment s, long at, long end) {
        if (end - at < size) {
            throw tooShort(type.name().toLowerCase(Locale.ROOT), size, end - at);
        }
        return at + size;
    }

    @Override
    long skip(MemorySegment s, long at) {
        return at + size;
    }

    @Override
    int compare(MemorySegment a, long i, MemorySegment b, long j) {
        return Long.compareUnsigned(prefix(a, i), prefix(b, j));
    }

    @Override
    long prefix(MemorySegment s, long at) {
        return signBit ^ switch (size) {
            case 1 -> (long) Bytes.getU8(s, at) << 56;
            case 2 -> (long) s.get(Bytes.SHORT, at) << 48;
            case 4 -> (long) s.get(Bytes.INT, at) << 32;
            default -> s.get(Bytes.LONG, at);
        };
    }

    @Override
    long hash(MemorySegment s, long at, long h) {
        return Bytes.mix(h, prefix(s, at));
    }
}
