package dev.geodesic.engine.query;

import dev.geodesic.engine.schema.TableSchema;
import java.util.List;

/**
 * A FROM clause with every condition on it: ON, WHERE, and which rows of a view belong to the caller. Columns in the
 * condition name their table by its number.
 */
record BoundQuery(List<TableSchema> tables, BoundExpr condition) {

    BoundQuery {
        tables = List.copyOf(tables);
    }
}
