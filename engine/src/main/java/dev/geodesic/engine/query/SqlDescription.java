package dev.geodesic.engine.query;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ProductType;
import java.util.List;

/**
 * What a statement takes and gives.
 *
 * @param parameters types of {@code $1}, {@code $2}...: that of the column which a place is compared with or assigned to
 * @param isQuery whether the statement returns rows
 * @param schema names and types of the output columns; unit for statements that return no rows
 */
public record SqlDescription(List<AlgebraicType> parameters, boolean isQuery, ProductType schema) {

    public SqlDescription {
        parameters = List.copyOf(parameters);
    }
}
