package dev.geodesic.engine.schema;

import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.IntSupplier;

/**
 * A table as a module declares it, checked and named but without ids. Indexes, constraints and sequences are sorted by
 * name.
 *
 * @param name canonical name
 * @param accessor name in the module's source
 * @param rowRef the row type in the typespace
 */
public record TableDef(
        String name,
        String accessor,
        int rowRef,
        List<ColumnSchema> columns,
        OptionalInt primaryKey,
        List<Index> indexes,
        List<Constraint> constraints,
        List<Sequence> sequences,
        Optional<Schedule> schedule,
        TableAccess access,
        boolean event,
        List<Default> defaults) {

    /** Where a sequence starts and what its least value is, unless the module says otherwise. */
    static final BigInteger SEQUENCE_DEFAULT_MIN = BigInteger.ONE;

    static final BigInteger SEQUENCE_DEFAULT_MAX = BigInteger.TWO.pow(127).subtract(BigInteger.ONE);

    public TableDef {
        columns = List.copyOf(columns);
        indexes = List.copyOf(indexes);
        constraints = List.copyOf(constraints);
        sequences = List.copyOf(sequences);
        defaults = List.copyOf(defaults);
    }

    /**
     * @param name canonical name
     * @param source name that the module asks for
     * @param accessor name in client code
     */
    public record Index(String name, String source, Optional<String> accessor, IndexAlgorithm algorithm) {
    }

    /** Uniqueness over a set of columns, ascending. */
    public record Constraint(String name, List<Integer> columns) {

        public Constraint {
            columns = columns.stream().sorted().toList();
        }
    }

    /** An auto-increment column; what is absent has the default. */
    public record Sequence(
            String name,
            int column,
            Optional<BigInteger> start,
            Optional<BigInteger> minValue,
            Optional<BigInteger> maxValue,
            BigInteger increment) {

        Sequence withColumn(int position) {
            return new Sequence(name, position, start, minValue, maxValue, increment);
        }
    }

    /** @param function canonical name of the reducer or procedure that takes the rows when they are due */
    public record Schedule(String name, int atColumn, String function) {
    }

    /** What existing rows get when a migration adds the column: BSATN of a value of its type. */
    public record Default(int column, byte[] value) {
    }

    /**
     * The table with fresh ids: of the table first, then of its indexes, constraints and sequences, each in the order of
     * their names, then of its schedule. Upstream gives those of one table in no particular order.
     */
    public TableSchema toSchema(IdAllocator ids) {
        return toSchema(ids, ids.nextTableId(), Map.of());
    }

    /**
     * The shape that follows another one.
     *
     * @param tableId that of {@code before}, or a new one
     * @param replaced names of indexes, constraints and sequences that get fresh ids even if {@code before} has such names
     */
    public TableSchema toSchema(IdAllocator ids, int tableId, TableSchema before, Set<String> replaced) {
        Map<String, Integer> kept = new HashMap<>();
        before.indexes().forEach(i -> kept.put(i.name(), i.indexId()));
        before.constraints().forEach(c -> kept.put(c.name(), c.constraintId()));
        before.sequences().forEach(s -> kept.put(s.name(), s.sequenceId()));
        before.schedule().ifPresent(s -> kept.put(s.name(), s.scheduleId()));
        kept.keySet().removeAll(replaced);
        return toSchema(ids, tableId, kept);
    }

    /** @param kept ids by name, which are one namespace */
    private TableSchema toSchema(IdAllocator ids, int tableId, Map<String, Integer> kept) {
        return new TableSchema(
                tableId,
                name,
                unlessEqual(accessor, name),
                columns,
                primaryKey,
                indexes.stream()
                        .map(i -> new IndexSchema(
                                id(kept, i.name(), ids::nextIndexId), i.name(), unlessEqual(i.source(), i.name()),
                                i.algorithm(), isUnique(i)))
                        .toList(),
                constraints.stream()
                        .map(c -> new ConstraintSchema(id(kept, c.name(), ids::nextConstraintId), c.name(), c.columns()))
                        .toList(),
                sequences.stream()
                        .map(s -> new SequenceSchema(
                                id(kept, s.name(), ids::nextSequenceId),
                                s.name(),
                                s.column(),
                                s.increment(),
                                s.start().orElse(SEQUENCE_DEFAULT_MIN),
                                s.minValue().orElse(SEQUENCE_DEFAULT_MIN),
                                s.maxValue().orElse(SEQUENCE_DEFAULT_MAX)))
                        .toList(),
                access,
                TableKind.USER,
                event ? TableRole.EVENT : TableRole.STORED,
                schedule.map(s -> new ScheduleSchema(
                        id(kept, s.name(), ids::nextScheduleId), s.name(), s.atColumn(), s.function())));
    }

    private static int id(Map<String, Integer> kept, String name, IntSupplier next) {
        Integer id = kept.get(name);
        return id != null ? id : next.getAsInt();
    }

    private boolean isUnique(Index index) {
        List<Integer> columns = index.algorithm().columns().stream().sorted().toList();
        return constraints.stream().anyMatch(c -> c.columns().equals(columns));
    }

    private static Optional<String> unlessEqual(String source, String canonical) {
        return source.equals(canonical) ? Optional.empty() : Optional.of(source);
    }
}
