package dev.geodesic.engine.schema;

import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The shape of a table that exists. Ids below {@link #FIRST_USER_ID} belong to the catalogue.
 *
 * @param name canonical name
 * @param accessor name in the module's source, if it differs
 * @param primaryKey column of the primary key
 * @param schedule what calls the rows are, if they are
 */
public record TableSchema(
        int tableId,
        String name,
        Optional<String> accessor,
        List<ColumnSchema> columns,
        OptionalInt primaryKey,
        List<IndexSchema> indexes,
        List<ConstraintSchema> constraints,
        List<SequenceSchema> sequences,
        TableAccess access,
        TableKind kind,
        TableRole role,
        Optional<ScheduleSchema> schedule) {

    /** Ids of user tables, indexes, constraints and sequences start here. */
    public static final int FIRST_USER_ID = 4_096;

    public TableSchema {
        columns = List.copyOf(columns);
        indexes = List.copyOf(indexes);
        constraints = List.copyOf(constraints);
        sequences = List.copyOf(sequences);
    }

    /** A table without a schedule. */
    public TableSchema(
            int tableId,
            String name,
            Optional<String> accessor,
            List<ColumnSchema> columns,
            OptionalInt primaryKey,
            List<IndexSchema> indexes,
            List<ConstraintSchema> constraints,
            List<SequenceSchema> sequences,
            TableAccess access,
            TableKind kind,
            TableRole role) {
        this(tableId, name, accessor, columns, primaryKey, indexes, constraints, sequences, access, kind, role,
                Optional.empty());
    }

    /** Whether rows live for one transaction only. */
    public boolean event() {
        return role == TableRole.EVENT;
    }

    /** The row type: one named element per column. */
    public ProductType rowType() {
        return new ProductType(
                columns.stream().map(c -> ProductElement.of(c.name(), c.type())).toList());
    }
}
