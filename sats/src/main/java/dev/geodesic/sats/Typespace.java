package dev.geodesic.sats;

import java.util.List;

/** The types that {@link AlgebraicType.Ref} points into. */
public record Typespace(List<AlgebraicType> types) {

    public static final Typespace EMPTY = new Typespace(List.of());

    public Typespace {
        types = List.copyOf(types);
    }
}
