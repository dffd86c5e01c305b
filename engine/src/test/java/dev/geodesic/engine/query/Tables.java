package dev.geodesic.engine.query;

import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.PrimitiveType;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Builds table shapes for tests. */
public final class Tables {

    private final int id;
    private final String name;
    private final List<ColumnSchema> columns = new ArrayList<>();
    private final List<IndexSchema> indexes = new ArrayList<>();
    private final List<SequenceSchema> sequences = new ArrayList<>();
    private Optional<String> accessor = Optional.empty();
    private TableAccess access = TableAccess.PUBLIC;
    private TableRole role = TableRole.STORED;

    private Tables(int id, String name) {
        this.id = id;
        this.name = name;
    }

    public static Tables table(int id, String name) {
        return new Tables(id, name);
    }

    public Tables column(String columnName, AlgebraicType type) {
        columns.add(new ColumnSchema(columns.size(), columnName, type, Optional.empty()));
        return this;
    }

    public Tables column(String columnName, String columnAccessor, AlgebraicType type) {
        columns.add(new ColumnSchema(columns.size(), columnName, type, Optional.of(columnAccessor)));
        return this;
    }

    public Tables unique(String columnName) {
        return index(true, new IndexAlgorithm.BTree(List.of(position(columnName))));
    }

    public Tables btree(String... names) {
        return index(false, new IndexAlgorithm.BTree(positions(names)));
    }

    public Tables hash(String... names) {
        return index(false, new IndexAlgorithm.Hash(positions(names)));
    }

    public Tables autoInc(String columnName) {
        sequences.add(new SequenceSchema(
                id, name + "_seq", position(columnName), BigInteger.ONE, BigInteger.ONE, BigInteger.ONE, BigInteger.TEN.pow(30)));
        return this;
    }

    private Tables index(boolean unique, IndexAlgorithm algorithm) {
        int indexId = id * 100 + indexes.size();
        String columnNames = String.join("_", algorithm.columns().stream().map(c -> columns.get(c).name()).toList());
        indexes.add(new IndexSchema(
                indexId, name + "_" + columnNames + "_idx_" + algorithm.suffix(), Optional.empty(), algorithm, unique));
        return this;
    }

    private List<Integer> positions(String... names) {
        return Arrays.stream(names).map(this::position).toList();
    }

    private int position(String columnName) {
        return columns.stream().filter(c -> c.name().equals(columnName)).findFirst().orElseThrow().position();
    }

    public Tables accessor(String tableAccessor) {
        accessor = Optional.of(tableAccessor);
        return this;
    }

    public Tables hidden() {
        access = TableAccess.PRIVATE;
        return this;
    }

    public Tables event() {
        role = TableRole.EVENT;
        return this;
    }

    /** The backing table of a view; begins with the column that nobody sees (spec/execution.md 6.1). */
    public static Tables view(int id, String name, TableRole role) {
        Tables table = new Tables(id, name);
        table.role = role;
        return table.column("arg_hash", PrimitiveType.U256).btree("arg_hash");
    }

    public TableSchema build() {
        return new TableSchema(
                id, name, accessor, columns, OptionalInt.empty(), indexes, List.of(), sequences, access, TableKind.USER,
                role);
    }
}
