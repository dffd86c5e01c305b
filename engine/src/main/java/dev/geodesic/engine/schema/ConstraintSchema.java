package dev.geodesic.engine.schema;

import java.util.List;

/** A unique constraint over a set of columns, ascending. */
public record ConstraintSchema(int constraintId, String name, List<Integer> columns) {

    public ConstraintSchema {
        columns = List.copyOf(columns);
    }
}
