package dev.geodesic.engine.query;

import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SpecialTypes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A type that SQL can compare: how its values lie in bytes and how they are ordered (spec/sql.md 5, spec/bsatn.md 5).
 * {@link #OTHER} stands for all types without operators.
 */
enum ValueKind {
    BOOL(1),
    I8(1),
    U8(1),
    I16(2),
    U16(2),
    I32(4),
    U32(4),
    I64(8),
    U64(8),
    I128(16),
    U128(16),
    I256(32),
    U256(32),
    F32(4),
    F64(8),
    STRING(-1),
    BYTES(-1),
    IDENTITY(32),
    CONNECTION_ID(16),
    TIMESTAMP(8),
    UUID(16),
    OTHER(-1);

    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int byteSize;

    ValueKind(int byteSize) {
        this.byteSize = byteSize;
    }

    static ValueKind of(AlgebraicType type) {
        return switch (type) {
            case PrimitiveType p -> switch (p) {
                case STRING -> STRING;
                case BOOL -> BOOL;
                case I8 -> I8;
                case U8 -> U8;
                case I16 -> I16;
                case U16 -> U16;
                case I32 -> I32;
                case U32 -> U32;
                case I64 -> I64;
                case U64 -> U64;
                case I128 -> I128;
                case U128 -> U128;
                case I256 -> I256;
                case U256 -> U256;
                case F32 -> F32;
                case F64 -> F64;
            };
            case ProductType p when p.elements().size() != 1 -> OTHER;
            case ProductType p when p.equals(SpecialTypes.IDENTITY) -> IDENTITY;
            case ProductType p when p.equals(SpecialTypes.CONNECTION_ID) -> CONNECTION_ID;
            case ProductType p when p.equals(SpecialTypes.TIMESTAMP) -> TIMESTAMP;
            case ProductType p when p.equals(SpecialTypes.UUID) -> UUID;
            default -> SpecialTypes.isBytes(type) ? BYTES : OTHER;
        };
    }

    /** Up to eight bytes: a value is one {@link #sortKey}. */
    boolean isNarrow() {
        return byteSize > 0 && byteSize <= Long.BYTES;
    }

    /** A u32 length and that many bytes. */
    boolean isText() {
        return this == STRING || this == BYTES;
    }

    boolean isFloat() {
        return this == F32 || this == F64;
    }

    /** Encoded bytes, or -1 if that depends on the value. */
    int byteSize() {
        return byteSize;
    }

    /** Encoded bytes of the value that is there. Not for {@link #OTHER}. */
    int byteSize(MemorySegment s, long at) {
        return isText() ? Integer.BYTES + s.get(INT, at) : byteSize;
    }

    boolean isSigned() {
        return switch (this) {
            case I8, I16, I32, I64, I128, I256, TIMESTAMP -> true;
            default -> false;
        };
    }

    /** A number in the order of the values, equal for equal values. Narrow kinds only. */
    long sortKey(MemorySegment s, long at) {
        return switch (this) {
            case BOOL, U8 -> s.get(ValueLayout.JAVA_BYTE, at) & 0xff;
            case I8 -> s.get(ValueLayout.JAVA_BYTE, at);
            case U16 -> s.get(SHORT, at) & 0xffff;
            case I16 -> s.get(SHORT, at);
            case U32 -> s.get(INT, at) & 0xffffffffL;
            case I32 -> s.get(INT, at);
            case U64 -> s.get(LONG, at) ^ Long.MIN_VALUE;
            case I64, TIMESTAMP -> s.get(LONG, at);
            case F32 -> floatKey(s.get(INT, at));
            case F64 -> doubleKey(s.get(LONG, at));
            default -> throw new IllegalStateException(name());
        };
    }

    /** Both zeros are equal, all NaNs are equal and above infinity. */
    private static long floatKey(int bits) {
        float value = Float.intBitsToFloat(bits);
        if (value == 0) {
            return 0;
        }
        return Float.isNaN(value) ? Integer.MAX_VALUE : bits ^ bits >> 31 & Integer.MAX_VALUE;
    }

    private static long doubleKey(long bits) {
        double value = Double.longBitsToDouble(bits);
        if (value == 0) {
            return 0;
        }
        return Double.isNaN(value) ? Long.MAX_VALUE : bits ^ bits >> 63 & Long.MAX_VALUE;
    }

    /** Order of two values; not for {@link #OTHER}. */
    int compare(MemorySegment a, long i, MemorySegment b, long j) {
        if (isNarrow()) {
            return Long.compare(sortKey(a, i), sortKey(b, j));
        }
        return isText() ? compareText(a, i, b, j) : compareWide(a, i, b, j);
    }

    private int compareWide(MemorySegment a, long i, MemorySegment b, long j) {
        int word = byteSize - Long.BYTES;
        long x = a.get(LONG, i + word);
        long y = b.get(LONG, j + word);
        if (x != y) {
            return isSigned() ? Long.compare(x, y) : Long.compareUnsigned(x, y);
        }
        for (word -= Long.BYTES; word >= 0; word -= Long.BYTES) {
            x = a.get(LONG, i + word);
            y = b.get(LONG, j + word);
            if (x != y) {
                return Long.compareUnsigned(x, y);
            }
        }
        return 0;
    }

    private static int compareText(MemorySegment a, long i, MemorySegment b, long j) {
        long lengthA = a.get(INT, i) & 0xffffffffL;
        long lengthB = b.get(INT, j) & 0xffffffffL;
        long common = Math.min(lengthA, lengthB);
        i += Integer.BYTES;
        j += Integer.BYTES;
        long differs = MemorySegment.mismatch(a, i, i + common, b, j, j + common);
        return differs < 0
                ? Long.compare(lengthA, lengthB)
                : Integer.compare(unsignedByte(a, i + differs), unsignedByte(b, j + differs));
    }

    private static int unsignedByte(MemorySegment segment, long at) {
        return segment.get(ValueLayout.JAVA_BYTE, at) & 0xff;
    }

    /** Equal for equal values; differs from one process to the next. Not for {@link #OTHER}. */
    long hash(RowLayout layout, MemorySegment s, long at) {
        return isNarrow() ? sortKey(s, at) : layout.hash(s, at, byteSize(s, at));
    }

    /** Whether two texts have the same length, which is cheaper to ask than whether they are equal. */
    static boolean sameTextLength(MemorySegment a, long i, MemorySegment b, long j) {
        return a.get(INT, i) == b.get(INT, j);
    }
}
