package dev.geodesic.sats;

import java.util.Arrays;
import java.util.Comparator;

/**
 * The order of encoded values of one type (spec/bsatn.md section 5): numbers by value, {@code -0.0} equal to
 * {@code 0.0}, every NaN equal and above infinity, strings by UTF-8 bytes, arrays and products element by element, sums
 * by tag first. Equal in this order is weaker than having the same bytes. Allocates nothing per part.
 */
public record ValueComparator(AlgebraicType type) implements Comparator<byte[]> {

    /** Compares two whole arrays of bytes that hold one value each. */
    @Override
    public int compare(byte[] a, byte[] b) {
        return compare(type, new BsatnReader(a), new BsatnReader(b));
    }

    /**
     * Negative, 0 or positive. If 0, both readers have stepped over their value, otherwise their positions are undefined.
     *
     * @throws BsatnException if bytes that had to be looked at are no value of the type
     */
    public static int compare(AlgebraicType type, BsatnReader a, BsatnReader b) {
        return switch (type) {
            case PrimitiveType p -> comparePrimitive(p, a, b);
            case ProductType product -> {
                var elements = product.elements();
                int order = 0;
                for (int i = 0; i < elements.size() && order == 0; i++) {
                    order = compare(elements.get(i).type(), a, b);
                }
                yield order;
            }
            case SumType sum -> {
                int tag = Bsatn.readTag(a, sum);
                int order = Integer.compare(tag, Bsatn.readTag(b, sum));
                yield order != 0 ? order : compare(sum.variants().get(tag).type(), a, b);
            }
            case ArrayType array -> compareArray(array.element(), a, b);
            case AlgebraicType.Ref ref -> throw Bsatn.unresolved(ref);
        };
    }

    private static int compareArray(AlgebraicType element, BsatnReader a, BsatnReader b) {
        if (element == PrimitiveType.U8) {
            int fromA = a.skipBytes();
            int fromB = b.skipBytes();
            return Arrays.compareUnsigned(a.buffer(), fromA, a.position(), b.buffer(), fromB, b.position());
        }
        int countA = a.readCount(0);
        int countB = b.readCount(0);
        for (int i = 0; i < Math.min(countA, countB); i++) {
            int before = a.position();
            int order = compare(element, a, b);
            if (order != 0) {
                return order;
            }
            if (a.position() == before) {
                // Values without bytes are all equal.
                break;
            }
        }
        return Integer.compare(countA, countB);
    }

    private static int comparePrimitive(PrimitiveType p, BsatnReader a, BsatnReader b) {
        return switch (p) {
            case STRING -> {
                int fromA = a.skipString();
                int fromB = b.skipString();
                yield Arrays.compareUnsigned(a.buffer(), fromA, a.position(), b.buffer(), fromB, b.position());
            }
            case BOOL -> Boolean.compare(a.readBool(), b.readBool());
            case I8 -> Byte.compare((byte) a.readU8(), (byte) b.readU8());
            case U8 -> Integer.compare(a.readU8(), b.readU8());
            case I16 -> Short.compare((short) a.readU16(), (short) b.readU16());
            case U16 -> Integer.compare(a.readU16(), b.readU16());
            case I32 -> Integer.compare(a.readU32(), b.readU32());
            case U32 -> Integer.compareUnsigned(a.readU32(), b.readU32());
            case I64 -> Long.compare(a.readU64(), b.readU64());
            case U64 -> Long.compareUnsigned(a.readU64(), b.readU64());
            case I128, U128, I256, U256 -> compareWords(p, a, b);
            case F32 -> compareDoubles(a.readF32(), b.readF32());
            case F64 -> compareDoubles(a.readF64(), b.readF64());
        };
    }

    private static int compareWords(PrimitiveType p, BsatnReader a, BsatnReader b) {
        int atA = a.position();
        int atB = b.position();
        a.skip(p.byteSize());
        b.skip(p.byteSize());
        for (int at = p.byteSize() - 8; at >= 0; at -= 8) {
            long wordA = LittleEndian.getLong(a.buffer(), atA + at);
            long wordB = LittleEndian.getLong(b.buffer(), atB + at);
            if (wordA != wordB) {
                boolean signed = p.isSignedInteger() && at == p.byteSize() - 8;
                return signed ? Long.compare(wordA, wordB) : Long.compareUnsigned(wordA, wordB);
            }
        }
        return 0;
    }

    /** The order of floating-point numbers; unlike {@link Double#compare} it knows one zero. Floats widen exactly. */
    public static int compareDoubles(double a, double b) {
        if (a < b) {
            return -1;
        }
        if (a > b) {
            return 1;
        }
        return a == b ? 0 : Boolean.compare(Double.isNaN(a), Double.isNaN(b));
    }
}
