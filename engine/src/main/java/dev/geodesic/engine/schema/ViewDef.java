package dev.geodesic.engine.schema;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ProductType;
import java.util.Optional;

/**
 * A view; its types refer into the typespace.
 *
 * @param name canonical name
 * @param accessor name in the module's source
 * @param index position among the views of its kind, anonymous or not; what the guest is called with
 * @param rowRef the product whose elements are the columns
 * @param primaryKey source name of the column that clients use as key
 */
public record ViewDef(
        String name,
        String accessor,
        int index,
        boolean isPublic,
        boolean isAnonymous,
        ProductType params,
        AlgebraicType returnType,
        int rowRef,
        Optional<String> primaryKey) {
}
