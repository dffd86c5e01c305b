package dev.geodesic.engine.schema;

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

    static ViewShape of(ViewDef view, ModuleDef def, TypeResolver resolver) {
        ProductType columns = (ProductType) resolver.resolve(def.typespace().types().get(view.rowRef()));
        Optional<String> key = view.primaryKey().map(source -> canonical(source, view, def, columns));
        return new ViewShape(view, view.isAnonymous(), (ProductType) resolver.resolve(view.params()), columns, key);
    }

    private static String canonical(String source, ViewDef view, ModuleDef def, ProductType columns) {
        ProductType sources = (ProductType) def.raw().typespace().types().get(view.rowRef());
        for (int i = 0; i < columns.elements().size(); i++) {
            if (sources.elements().get(i).name().equals(Optional.of(source))) {
                return columns.elements().get(i).name().orElse(source);
            }
        }
        return source;
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
