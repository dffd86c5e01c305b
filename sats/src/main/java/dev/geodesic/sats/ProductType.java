package dev.geodesic.sats;

import java.util.List;

/** One value per element, in order. The empty product is <em>unit</em>. */
public record ProductType(List<ProductElement> elements) implements AlgebraicType {

    public static final ProductType UNIT = new ProductType(List.of());

    public ProductType {
        elements = List.copyOf(elements);
    }

    public static ProductType of(ProductElement... elements) {
        return new ProductType(List.of(elements));
    }

    @Override
    public int tag() {
        return 2;
    }
}
