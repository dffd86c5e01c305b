package dev.geodesic.engine.query;

import dev.geodesic.sats.ProductType;

/**
 * What a statement gave.
 *
 * @param schema names and types of the output columns; unit for statements that return no rows
 * @param rows BSATN of {@code schema}
 */
public record SqlResult(ProductType schema, RowBuffer rows, long inserted, long updated, long deleted) {

    static SqlResult rows(ProductType schema, RowBuffer rows) {
        return new SqlResult(schema, rows, 0, 0, 0);
    }

    static SqlResult changes(long inserted, long updated, long deleted) {
        return new SqlResult(ProductType.UNIT, new RowBuffer(), inserted, updated, deleted);
    }
}
