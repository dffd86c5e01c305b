package dev.geodesic.engine.table;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** A tag byte and the payload of that variant; by tag, then payload. */
final class SumLayout extends TypeLayout {

    private final TypeLayout[] variants;
    private final int height;

    SumLayout(TypeLayout[] variants) {
        super(
                1 + Arrays.stream(variants).mapToLong(v -> v.minSize).min().orElse(0),
                Arrays.stream(variants).allMatch(v -> v.fixed && v.minSize == variants[0].minSize),
                false,
                Arrays.stream(variants).allMatch(v -> v.bytewise),
                Arrays.stream(variants).allMatch(v -> v.prefixExact)
                        ? 8 + Arrays.stream(variants).mapToInt(v -> v.prefixBits).max().orElse(0)
                        : Integer.MAX_VALUE);
        this.variants = variants;
        height = heightOver(variants);
    }

    @Override
    int height() {
        return height;
    }

    @Override
    long validate(MemorySegment s, long at, long end) {
        if (at >= end) {
            throw tooShort("sum tag", 1, 0);
        }
        int tag = Bytes.getU8(s, at);
        if (tag >= variants.length) {
            throw malformed("unknown tag 0x" + Integer.toHexString(tag) + " for a sum of " + variants.length + " variants");
        }
        return variants[tag].validate(s, at + 1, end);
    }

    @Override
    long skip(MemorySegment s, long at) {
        return variants[Bytes.getU8(s, at)].skip(s, at + 1);
    }

    @Override
    int compare(MemorySegment a, long i, MemorySegment b, long j) {
        int tag = Bytes.getU8(a, i);
        int other = Bytes.getU8(b, j);
        return tag != other ? tag - other : variants[tag].compare(a, i + 1, b, j + 1);
    }

    @Override
    long prefix(MemorySegment s, long at) {
        int tag = Bytes.getU8(s, at);
        TypeLayout payload = variants[tag];
        return (long) tag << 56 | (payload.minSize == 0 ? 0 : payload.prefix(s, at + 1) >>> 8);
    }

    @Override
    boolean hasSecond() {
        return !prefixExact;
    }

    @Override
    long second(MemorySegment s, long at) {
        TypeLayout payload = variants[Bytes.getU8(s, at)];
        return payload.minSize == 0 ? 0 : payload.prefix(s, at + 1) << 56 | payload.second(s, at + 1) >>> 8;
    }

    @Override
    long hash(MemorySegment s, long at, long h) {
        int tag = Bytes.getU8(s, at);
        return variants[tag].hash(s, at + 1, Bytes.mix(h, tag));
    }
}
