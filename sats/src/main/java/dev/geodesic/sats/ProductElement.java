package dev.geodesic.sats;

import java.util.Objects;
import java.util.Optional;

/** One element of a product: a field or column. */
public record ProductElement(Optional<String> name, AlgebraicType type) {

    public ProductElement {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(type, "type");
    }

    public static ProductElement of(String name, AlgebraicType type) {
        return new ProductElement(Optional.of(name), type);
    }
}
