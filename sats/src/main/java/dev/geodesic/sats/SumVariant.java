package dev.geodesic.sats;

import java.util.Objects;
import java.util.Optional;

/** One variant of a sum; its tag is its position. */
public record SumVariant(Optional<String> name, AlgebraicType type) {

    public SumVariant {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(type, "type");
    }

    public static SumVariant of(String name, AlgebraicType type) {
        return new SumVariant(Optional.of(name), type);
    }
}
