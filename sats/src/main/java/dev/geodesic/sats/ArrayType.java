package dev.geodesic.sats;

import java.util.Objects;

/** A sequence of values of one type. */
public record ArrayType(AlgebraicType element) implements AlgebraicType {

    /** Array of U8. */
    public static final ArrayType BYTES = new ArrayType(PrimitiveType.U8);

    public ArrayType {
        Objects.requireNonNull(element, "element");
    }

    @Override
    public int tag() {
        return 3;
    }
}
