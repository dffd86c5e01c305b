package dev.geodesic.sats;

/**
 * A type of the SATS type system (spec/bsatn.md section 1). Immutable; equality is structural, names included.
 */
public sealed interface AlgebraicType permits AlgebraicType.Ref, ArrayType, PrimitiveType, ProductType, SumType {

    /** Levels of a type, the outermost included; a reference counts as one. Walks over types and values recurse. */
    int DEPTH_MAX = 128;

    /** Parts of one type. */
    int NODES_MAX = 65_536;

    /** Tag of this constructor in the encoding of types (spec/bsatn.md section 3). */
    int tag();

    /** A reference into the enclosing {@link Typespace}. */
    record Ref(int index) implements AlgebraicType {
        @Override
        public int tag() {
            return 0;
        }
    }

    static void checkDepth(int depth) {
        if (depth > DEPTH_MAX) {
            throw new BsatnException(BsatnException.Code.TOO_DEEP, "type has more than " + DEPTH_MAX + " levels");
        }
    }

    static void checkNodes(long nodes) {
        if (nodes > NODES_MAX) {
            throw new BsatnException(BsatnException.Code.TOO_LARGE, "type has more than " + NODES_MAX + " parts");
        }
    }
}
