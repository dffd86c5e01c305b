package dev.geodesic.engine.schema;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ProductType;

/**
 * A procedure.
 *
 * @param id position among the procedures; what the guest is called with
 * @param name canonical name
 * @param accessor name in the module's source
 * @param params resolved
 * @param returnType resolved
 * @param declaredParams with references into the typespace
 * @param declaredReturnType with references into the typespace
 */
public record ProcedureDef(
        int id,
        String name,
        String accessor,
        ProductType params,
        AlgebraicType returnType,
        ProductType declaredParams,
        AlgebraicType declaredReturnType,
        Visibility visibility) {
}
