package dev.geodesic.sats;

/** Types without parts. The order of the constants is the order of their tags. */
public enum PrimitiveType implements AlgebraicType {
    STRING(4, -1),
    BOOL(5, 1),
    I8(6, 1),
    U8(7, 1),
    I16(8, 2),
    U16(9, 2),
    I32(10, 4),
    U32(11, 4),
    I64(12, 8),
    U64(13, 8),
    I128(14, 16),
    U128(15, 16),
    I256(16, 32),
    U256(17, 32),
    F32(18, 4),
    F64(19, 8);

    private final int tag;
    private final int byteSize;

    PrimitiveType(int tag, int byteSize) {
        this.tag = tag;
        this.byteSize = byteSize;
    }

    @Override
    public int tag() {
        return tag;
    }

    /** Encoded length in bytes, or -1 for STRING, whose length varies. */
    public int byteSize() {
        return byteSize;
    }

    /** True for I8 to U256. */
    public boolean isInteger() {
        return tag >= 6 && tag <= 17;
    }

    /** True for I8, I16, I32, I64, I128 and I256. */
    public boolean isSignedInteger() {
        return isInteger() && tag % 2 == 0;
    }
}
