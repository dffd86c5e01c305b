package dev.geodesic.sats;

/**
 * A type of the SATS type system (spec/bsatn.md section 1). Immutable; equality is structural, names included.
 */
public sealed interface AlgebraicType permits AlgebraicType.Ref, ArrayType, PrimitiveType, ProductType, SumType {

    /** Tag of this constructor in the encoding of types (spec/bsatn.md section 3). */
    int tag();

    /** A reference into the enclosing {@link Typespace}. */
    record Ref(int index) implements AlgebraicType {
        @Override
        public int tag() {
            return 0;
        }
    }
}
