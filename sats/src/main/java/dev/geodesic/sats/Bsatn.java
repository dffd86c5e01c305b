package dev.geodesic.sats;

/** Walks over encoded values of any type (spec/bsatn.md section 2). */
public final class Bsatn {

    /** Elements of one array whose values take no bytes. Other arrays are limited by the bytes that are there. */
    public static final int EMPTY_VALUES_MAX = 65_536;

    private Bsatn() {
    }

    /**
     * Checks one value and steps over it, allocating nothing. The type must be free of references and within the limits
     * of {@link TypeResolver}, which bound the work by the number of bytes.
     *
     * @throws BsatnException if the bytes are no value of the type; the position is then undefined
     */
    public static void skip(BsatnReader in, AlgebraicType type) {
        switch (type) {
            case PrimitiveType p -> {
                switch (p) {
                    case STRING -> in.skipString();
                    case BOOL -> in.readBool();
                    default -> in.skip(p);
                }
            }
            case ProductType product -> {
                var elements = product.elements();
                for (int i = 0; i < elements.size(); i++) {
                    skip(in, elements.get(i).type());
                }
            }
            case SumType sum -> skip(in, sum.variants().get(readTag(in, sum)).type());
            case ArrayType array -> skipArray(in, array.element());
            case AlgebraicType.Ref ref -> throw unresolved(ref);
        }
    }

    private static void skipArray(BsatnReader in, AlgebraicType element) {
        if (element instanceof PrimitiveType p && p != PrimitiveType.STRING && p != PrimitiveType.BOOL) {
            in.skip(in.readCount(p.byteSize()) * p.byteSize());
            return;
        }
        int count = in.readCount(0);
        for (int i = 0; i < count; i++) {
            int before = in.position();
            skip(in, element);
            if (in.position() == before) {
                // Only a type whose values are all empty takes no bytes; the rest of the array is as empty.
                if (count > EMPTY_VALUES_MAX) {
                    throw new BsatnException(
                            BsatnException.Code.TOO_LARGE, "array of more than " + EMPTY_VALUES_MAX + " empty values");
                }
                return;
            }
        }
    }

    /**
     * Checks that exactly one value lies in {@code length} bytes.
     *
     * @throws BsatnException if the bytes are no value of the type, or more than one value
     */
    public static void check(AlgebraicType type, byte[] bytes, int offset, int length) {
        BsatnReader in = new BsatnReader(bytes, offset, length);
        skip(in, type);
        if (in.remaining() != 0) {
            throw new BsatnException(BsatnException.Code.TRAILING_BYTES, in.remaining() + " bytes after the value");
        }
    }

    /** Reads a tag byte and checks that the sum has such a variant. */
    static int readTag(BsatnReader in, SumType sum) {
        int tag = in.readU8();
        if (tag >= sum.variants().size()) {
            throw BsatnException.badTag(tag, "");
        }
        return tag;
    }

    static BsatnException unresolved(AlgebraicType.Ref ref) {
        return new BsatnException(
                BsatnException.Code.UNRESOLVED_REF, "type contains the reference &" + Integer.toUnsignedString(ref.index()));
    }
}
