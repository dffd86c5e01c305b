package dev.geodesic.engine.table;

import java.lang.foreign.MemorySegment;

/** F32 and F64: {@code -0.0} equals {@code 0.0}, all NaN are equal and above infinity. */
final class FloatLayout extends TypeLayout {

    static final FloatLayout F32 = new FloatLayout(4);
    static final FloatLayout F64 = new FloatLayout(8);

    private final int size;

    private FloatLayout(int size) {
        super(size, true, true, false, size * Byte.SIZE);
        this.size = size;
    }

    @Override
    long validate(MemorySegment s, long at, long end) {
        if (end - at < size) {
            throw tooShort(size == 4 ? "f32" : "f64", size, end - at);
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
        // floatToIntBits and doubleToLongBits make one NaN of all; adding zero makes -0.0 positive. Negative numbers
        // order by falling bits, so those are inverted.
        if (size == 4) {
            int bits = Float.floatToIntBits(Float.intBitsToFloat(s.get(Bytes.INT, at)) + 0.0f);
            return (long) (bits ^ (bits >> 31 | Integer.MIN_VALUE)) << 32;
        }
        long bits = Double.doubleToLongBits(Double.longBitsToDouble(s.get(Bytes.LONG, at)) + 0.0);
        return bits ^ (bits >> 63 | Long.MIN_VALUE);
    }

    @Override
    long hash(MemorySegment s, long at, long h) {
        return Bytes.mix(h, prefix(s, at));
    }
}
