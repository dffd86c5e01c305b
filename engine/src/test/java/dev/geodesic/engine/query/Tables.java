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
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Builds table shapes for tests. */
final class Tables {

    private final int id;
    private final String name;
    private final List<ColumnSchema> columns = new ArrayList<>();
    private final List<IndexSchema> indexes = new ArrayList<>();
    private final List<SequenceSchema> sequences = new ArrayList<>();
    private Optional<String> accessor = Optional.empty();
    private TableAccess access = TableAccess.PUBLIC;
    private boolean event;

    private Tables(int id, String name) {
        this.id = id;
        this.name = name;
    }

    static Tables table(int id, String name) {
        return new Tables(id, name);
    }

    Tables column(String columnName, AlgebraicType type) {
        columns.add(new ColumnSchema(columns.size(), columnName, type, Optional.empty()));
        return this;
    }

    Tables column(String columnName, String columnAccessor, AlgebraicType type) {
        columns.add(new ColumnSchema(columns.size(), columnName, type, Optional.of(columnAccessor)));
        return this;
    }

    Tables unique(String columnName) {
        return index(true, new IndexAlgorithm.BTree(List.of(position(columnName))));
    }

    Tables btree(String... names) {
        return index(false, new IndexAlgorithm.BTree(positions(names)));
    }

    Tables hash(String... names) {
        return index(false, new IndexAlgorithm.Hash(positions(names)));
    }

    Tables autoInc(String columnName) {
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

    Tables accessor(String tableAccessor) {
        accessor = Optional.of(tableAccessor);
        return this;
    }

    Tables hidden() {
        access = TableAccess.PRIVATE;
        return this;
    }

    Tables event() {
        event = true;
        return this;
    }

    TableSchema build() {
        return new TableSchema(
                id, name, accessor, columns, OptionalInt.empty(), indexes, List.of(), sequences, access, TableKind.USER,
                event ? TableRole.EVENT : TableRole.STORED);
    }
}
