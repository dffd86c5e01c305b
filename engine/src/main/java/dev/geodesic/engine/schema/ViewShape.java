package dev.geodesic.engine.schema;

import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.TypeResolver;
import java.util.Optional;

/**
 * What of a view a migration compares: the types are resolved.
 *
 * @param primaryKey canonical name of the key column
 */
public record ViewShape(
        ViewDef view, boolean anonymous, ProductType params, ProductType columns, Optional<String> primaryKey) {

    static ViewShape of(ViewDef view, TypeResolver resolver) {
        Optional<String> key = view.keyColumn().isEmpty()
                ? Optional.empty()
                : Optional.of(view.columns().get(view.keyColumn().getAsInt()).name());
        ProductType columns =
                new ProductType(view.columns().stream().map(c -> ProductElement.of(c.name(), c.type())).toList());
        return new ViewShape(view, view.isAnonymous(), (ProductType) resolver.resolve(view.params()), columns, key);
    }

    public String name() {
        return view.name();
    }

    /** Whether rows of the one are rows of the other, under the same keys, for the same callers. */
    boolean sameAs(ViewShape other) {
        return anonymous == other.anonymous && params.equals(other.params) && columns.equals(other.columns)
                && primaryKey.equals(other.primaryKey);
    }
}
