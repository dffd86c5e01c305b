package dev.geodesic.engine.schema;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ProductType;
import java.util.Optional;

/**
 * A reducer.
 *
 * @param id position in the definition; what the guest is called with
 * @param name canonical name, which callers use
 * @param accessor name in the module's source
 * @param params resolved; parameter names are those of the source
 * @param declaredParams the same with references into the typespace
 */
public record ReducerDef(
        int id,
        String name,
        String accessor,
        ProductType params,
        ProductType declaredParams,
        Optional<Lifecycle> lifecycle,
        Visibility visibility,
        AlgebraicType okType,
        AlgebraicType errType) {
}
