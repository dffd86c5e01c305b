package dev.geodesic.engine.schema;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A view; its types refer into the typespace, except those of its columns, which are resolved.
 *
 * @param name canonical name
 * @param accessor name in the module's source
 * @param index position among the views of its kind, anonymous or not; what the guest is called with
 * @param rowRef the product whose elements are the columns
 * @param primaryKey source name of the column that clients use as key, if the module says so itself
 * @param columns what a row has, the key of the arguments not included
 * @param keyColumn position of the key column, declared or taken from the tables with the same rows
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
        Optional<String> primaryKey,
        List<ColumnSchema> columns,
        OptionalInt keyColumn) {

    private static final String ARGUMENTS_COLUMN = "arg_hash";

    public ViewDef {
        columns = List.copyOf(columns);
    }

    /** The table that its rows are kept in (spec/execution.md 6.1), with fresh ids. */
    public TableSchema toSchema(IdAllocator ids) {
        List<ColumnSchema> stored = new ArrayList<>();
        stored.add(new ColumnSchema(0, ARGUMENTS_COLUMN, PrimitiveType.U256, Optional.empty()));
        columns.forEach(c -> stored.add(new ColumnSchema(c.position() + 1, c.name(), c.type(), c.accessor())));
        int tableId = ids.nextTableId();
        List<IndexSchema> indexes = new ArrayList<>();
        indexes.add(index(ids, List.of(0), List.of(ARGUMENTS_COLUMN), false));
        List<ConstraintSchema> constraints = new ArrayList<>();
        keyColumn.ifPresent(k -> {
            List<Integer> key = List.of(0, k + 1);
            List<String> names = List.of(ARGUMENTS_COLUMN, columns.get(k).name());
            indexes.add(index(ids, key, names, true));
            constraints.add(new ConstraintSchema(ids.nextConstraintId(), Names.generated(name, names, "key"), key));
        });
        return new TableSchema(
                tableId, name, accessor.equals(name) ? Optional.empty() : Optional.of(accessor), stored, OptionalInt.empty(),
                indexes, constraints, List.of(), isPublic ? TableAccess.PUBLIC : TableAccess.PRIVATE, TableKind.USER,
                isAnonymous ? TableRole.ANONYMOUS_VIEW : TableRole.VIEW);
    }

    private IndexSchema index(IdAllocator ids, List<Integer> positions, List<String> names, boolean unique) {
        IndexAlgorithm algorithm = new IndexAlgorithm.BTree(positions);
        return new IndexSchema(
                ids.nextIndexId(), Names.generated(name, names, "idx_" + algorithm.suffix()), Optional.empty(), algorithm,
                unique);
    }
}
