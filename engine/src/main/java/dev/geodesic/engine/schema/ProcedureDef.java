package dev.geodesic.engine.schema;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ProductType;

/**
 * A procedure; its types refer into the typespace.
 *
 * @param id position among the procedures; what the guest is called with
 * @param name canonical name
 * @param accessor name in the module's source
 */
public record ProcedureDef(
        int id, String name, String accessor, ProductType params, AlgebraicType returnType, Visibility visibility) {
}
