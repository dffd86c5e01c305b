package dev.geodesic.sats;

import java.util.List;

/** The types that {@link AlgebraicType.Ref} points into. */
public record Typespace(List<AlgebraicType> types) {

    public static final Typespace EMPTY = new Typespace(List.of());

    public Typespace {
        types = List.copyOf(types);
    }

    /**
     * The type with every reference replaced by what it points to. To resolve many types, use one {@link #resolver()}.
     *
     * @throws BsatnException as {@link TypeResolver#resolve} says
     */
    public AlgebraicType resolve(AlgebraicType type) {
        return resolver().resolve(type);
    }

    /** A resolver that shares what several types have in common. */
    public TypeResolver resolver() {
        return new TypeResolver(this);
    }
}
