package dev.geodesic.engine.catalog;

import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.ConstraintSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.ScheduleSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.sats.AlgebraicType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Gathers catalogue rows until they make tables. */
final class CatalogParts {

    private record Column(int position, String name, AlgebraicType type) {
    }

    private record Index(int id, String name, IndexAlgorithm algorithm) {
    }

    private record ColumnKey(String table, String column) {
    }

    private final Map<Integer, List<Column>> columns = new HashMap<>();
    private final Map<Integer, List<Index>> indexes = new HashMap<>();
    private final Map<Integer, List<ConstraintSchema>> constraints = new HashMap<>();
    private final Map<Integer, List<SequenceSchema>> sequences = new HashMap<>();
    private final Map<Integer, TableRole> roles = new HashMap<>();
    private final Map<Integer, ScheduleSchema> schedules = new HashMap<>();
    private final Map<String, String> tableAccessors = new HashMap<>();
    private final Map<String, String> indexAccessors = new HashMap<>();
    private final Map<ColumnKey, String> columnAccessors = new HashMap<>();

    void column(int tableId, int position, String name, AlgebraicType type) {
        columns.computeIfAbsent(tableId, t -> new ArrayList<>()).add(new Column(position, name, type));
    }

    void index(int tableId, int id, String name, IndexAlgorithm algorithm) {
        indexes.computeIfAbsent(tableId, t -> new ArrayList<>()).add(new Index(id, name, algorithm));
    }

    void constraint(int tableId, ConstraintSchema constraint) {
        constraints.computeIfAbsent(tableId, t -> new ArrayList<>()).add(constraint);
    }

    void sequence(int tableId, SequenceSchema sequence) {
        sequences.computeIfAbsent(tableId, t -> new ArrayList<>()).add(sequence);
    }

    void role(int tableId, TableRole role) {
        roles.put(tableId, role);
    }

    void schedule(int tableId, ScheduleSchema schedule) {
        schedules.put(tableId, schedule);
    }

    void tableAccessor(String table, String accessor) {
        tableAccessors.put(table, accessor);
    }

    void indexAccessor(String index, String accessor) {
        indexAccessors.put(index, accessor);
    }

    void columnAccessor(String table, String column, String accessor) {
        columnAccessors.put(new ColumnKey(table, column), accessor);
    }

    TableSchema table(int id, String name, TableKind kind, TableAccess access, OptionalInt primaryKey) {
        List<ColumnSchema> tableColumns = columns.getOrDefault(id, List.of()).stream()
                .sorted(Comparator.comparingInt(Column::position))
                .map(c -> new ColumnSchema(
                        c.position(),
                        c.name(),
                        c.type(),
                        CatalogRows.unlessEqual(columnAccessors.get(new ColumnKey(name, c.name())), c.name())))
                .toList();
        List<ConstraintSchema> tableConstraints = constraints.getOrDefault(id, List.of()).stream()
                .sorted(Comparator.comparingInt(ConstraintSchema::constraintId))
                .toList();
        Set<Set<Integer>> unique = new HashSet<>();
        tableConstraints.forEach(c -> unique.add(Set.copyOf(c.columns())));
        List<IndexSchema> tableIndexes = indexes.getOrDefault(id, List.of()).stream()
                .sorted(Comparator.comparingInt(Index::id))
                .map(i -> new IndexSchema(
                        i.id(),
                        i.name(),
                        CatalogRows.unlessEqual(indexAccessors.get(i.name()), i.name()),
                        i.algorithm(),
                        unique.contains(Set.copyOf(i.algorithm().columns()))))
                .toList();
        List<SequenceSchema> tableSequences = sequences.getOrDefault(id, List.of()).stream()
                .sorted(Comparator.comparingInt(SequenceSchema::sequenceId))
                .toList();
        return new TableSchema(
                id, name, CatalogRows.unlessEqual(tableAccessors.get(name), name), tableColumns, primaryKey, tableIndexes,
                tableConstraints, tableSequences, access, kind,
                roles.getOrDefault(id, TableRole.STORED), Optional.ofNullable(schedules.get(id)));
    }
}
