package dev.geodesic.engine.schema;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.MigrationStep.AddColumns;
import dev.geodesic.engine.schema.MigrationStep.AddConstraint;
import dev.geodesic.engine.schema.MigrationStep.AddIndex;
import dev.geodesic.engine.schema.MigrationStep.AddRowLevelSecurity;
import dev.geodesic.engine.schema.MigrationStep.AddSchedule;
import dev.geodesic.engine.schema.MigrationStep.AddSequence;
import dev.geodesic.engine.schema.MigrationStep.AddTable;
import dev.geodesic.engine.schema.MigrationStep.AddView;
import dev.geodesic.engine.schema.MigrationStep.ChangeAccess;
import dev.geodesic.engine.schema.MigrationStep.ChangeColumnAccessor;
import dev.geodesic.engine.schema.MigrationStep.ChangeColumns;
import dev.geodesic.engine.schema.MigrationStep.ChangeEventTable;
import dev.geodesic.engine.schema.MigrationStep.ChangeIndexSource;
import dev.geodesic.engine.schema.MigrationStep.ChangePrimaryKey;
import dev.geodesic.engine.schema.MigrationStep.ChangeTableAccessor;
import dev.geodesic.engine.schema.MigrationStep.DisconnectAll;
import dev.geodesic.engine.schema.MigrationStep.RemoveConstraint;
import dev.geodesic.engine.schema.MigrationStep.RemoveIndex;
import dev.geodesic.engine.schema.MigrationStep.RemoveRowLevelSecurity;
import dev.geodesic.engine.schema.MigrationStep.RemoveSchedule;
import dev.geodesic.engine.schema.MigrationStep.RemoveSequence;
import dev.geodesic.engine.schema.MigrationStep.RemoveTable;
import dev.geodesic.engine.schema.MigrationStep.RemoveView;
import dev.geodesic.engine.schema.MigrationStep.UpdateView;
import dev.geodesic.sats.TypeResolver;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Compares two definitions of one database by canonical names and decides how the second can follow the first
 * (spec/module-def.md section 8). Functions, their visibility and types' names are not compared; of defaults only those of
 * new columns count.
 */
public final class MigrationPlanner {

    /** Kinds of steps in the order of execution. */
    private static final List<Class<? extends MigrationStep>> ORDER = List.of(
            RemoveIndex.class, RemoveConstraint.class, RemoveSequence.class, RemoveSchedule.class, RemoveView.class,
            RemoveRowLevelSecurity.class, RemoveTable.class, ChangeColumns.class, ChangeEventTable.class, AddColumns.class,
            ChangeIndexSource.class, ChangeTableAccessor.class, ChangeColumnAccessor.class, AddTable.class, AddIndex.class,
            AddConstraint.class, AddSequence.class, AddSchedule.class, AddView.class, AddRowLevelSecurity.class,
            ChangeAccess.class, ChangePrimaryKey.class, UpdateView.class, DisconnectAll.class);

    private record Named(String name, MigrationStep step) {
    }

    private final List<String> errors = new ArrayList<>();
    private final List<Named> steps = new ArrayList<>();
    private boolean breaksClients;

    private MigrationPlanner() {
    }

    /** @throws EngineException MIGRATION_REFUSED with every reason */
    public static MigrationPlan plan(ModuleDef before, ModuleDef after) {
        MigrationPlanner planner = new MigrationPlanner();
        planner.compareTables(before, after);
        planner.compareViews(before, after);
        planner.compareRules(before, after);
        planner.throwIfAny();
        if (planner.breaksClients) {
            planner.step("", new DisconnectAll());
        }
        return new MigrationPlan(planner.steps.stream()
                .sorted(Comparator.<Named>comparingInt(s -> ORDER.indexOf(s.step().getClass()))
                        .thenComparing(Named::name, Names.ORDER))
                .map(Named::step)
                .toList());
    }

    private void step(String name, MigrationStep step) {
        steps.add(new Named(name, step));
    }

    /** Adds a reason; the one that is too many throws them all. */
    private void refuse(String reason) {
        errors.add(reason);
        if (errors.size() >= ValidationErrors.ERRORS_MAX) {
            throwIfAny();
        }
    }

    private void throwIfAny() {
        if (!errors.isEmpty()) {
            throw new EngineException(ErrorCode.MIGRATION_REFUSED, ValidationErrors.text(errors));
        }
    }

    private static <T> SequencedMap<String, T> byName(List<T> parts, Function<T, String> name) {
        SequencedMap<String, T> map = new TreeMap<>(Names.ORDER);
        parts.forEach(p -> map.put(name.apply(p), p));
        return map;
    }

    // ---- tables ----

    private void compareTables(ModuleDef before, ModuleDef after) {
        Map<String, TableDef> old = byName(before.tables(), TableDef::name);
        Map<String, TableDef> now = byName(after.tables(), TableDef::name);
        old.forEach((name, table) -> {
            if (now.containsKey(name)) {
                compare(table, now.get(name));
            } else {
                step(name, new RemoveTable(table));
                breaksClients = true;
            }
        });
        now.forEach((name, table) -> {
            if (!old.containsKey(name)) {
                step(name, new AddTable(table));
            }
        });
    }

    private void compare(TableDef before, TableDef after) {
        String table = before.name();
        if (before.event() != after.event()) {
            refuse("Changing the event flag of table " + table + " requires a manual migration");
        } else if (after.event()) {
            compareEventColumns(before, after);
        } else {
            compareColumns(before, after);
        }
        if (!before.accessor().equals(after.accessor())) {
            step(table, new ChangeTableAccessor(after));
        }
        compareColumnAccessors(before, after);
        compareIndexes(before, after);
        compareConstraints(before, after);
        compareSequences(before, after);
        if (!schedule(before).equals(schedule(after))) {
            before.schedule().ifPresent(s -> step(s.name(), new RemoveSchedule(before, s)));
            after.schedule().ifPresent(s -> step(s.name(), new AddSchedule(after, s)));
        }
        if (before.access() != after.access()) {
            step(table, new ChangeAccess(after, before.access()));
        }
        Optional<String> key = primaryKey(before);
        if (!key.equals(primaryKey(after))) {
            step(table, new ChangePrimaryKey(after, key));
        }
    }

    private static Optional<String> primaryKey(TableDef table) {
        return table.primaryKey().isEmpty()
                ? Optional.empty()
                : Optional.of(table.columns().get(table.primaryKey().getAsInt()).name());
    }

    private record ScheduleShape(String name, String atColumn, String function) {
    }

    private static Optional<ScheduleShape> schedule(TableDef table) {
        return table.schedule().map(s -> new ScheduleShape(
                s.name(), table.columns().get(s.atColumn()).name(), s.function()));
    }

    private void compareColumns(TableDef before, TableDef after) {
        String table = before.name();
        Map<String, ColumnSchema> now = byName(after.columns(), ColumnSchema::name);
        Map<String, ColumnSchema> old = byName(before.columns(), ColumnSchema::name);
        boolean retyped = false;
        for (ColumnSchema column : before.columns()) {
            ColumnSchema next = now.get(column.name());
            if (next == null) {
                refuse("Removing a column " + column.name() + " from table " + table + " requires a manual migration");
                continue;
            }
            if (next.position() != column.position()) {
                refuse("Reordering table " + table + " requires a manual migration");
            }
            if (!next.type().equals(column.type())) {
                retyped = true;
                ColumnTypeChange.check(table, column.name(), column.type(), next.type(), this::refuse);
            }
        }
        List<ColumnSchema> added = after.columns().stream().filter(c -> !old.containsKey(c.name())).toList();
        for (ColumnSchema column : added) {
            if (after.defaults().stream().noneMatch(d -> d.column() == column.position())) {
                refuse("Adding a column " + column.name() + " to table " + table + " requires a default value annotation");
            }
        }
        if (retyped) {
            step(table, new ChangeColumns(after));
        }
        if (!added.isEmpty()) {
            step(table, new AddColumns(after, added));
            breaksClients = true;
        }
    }

    private void compareEventColumns(TableDef before, TableDef after) {
        boolean same = before.columns().size() == after.columns().size();
        for (int i = 0; same && i < before.columns().size(); i++) {
            ColumnSchema old = before.columns().get(i);
            ColumnSchema now = after.columns().get(i);
            same = old.name().equals(now.name()) && old.type().equals(now.type());
        }
        if (!same) {
            step(after.name(), new ChangeEventTable(after));
            breaksClients = true;
        }
    }

    private void compareColumnAccessors(TableDef before, TableDef after) {
        Map<String, ColumnSchema> old = byName(before.columns(), ColumnSchema::name);
        for (ColumnSchema column : after.columns()) {
            ColumnSchema was = old.get(column.name());
            if (was != null && !was.accessor().equals(column.accessor())) {
                step(after.name() + '.' + column.name(), new ChangeColumnAccessor(after, column));
            }
        }
    }

    // ---- parts of tables: columns of event tables may move, so columns are compared by name ----

    private static List<String> columns(TableDef table, List<Integer> positions) {
        return positions.stream().map(p -> table.columns().get(p).name()).toList();
    }

    private void compareIndexes(TableDef before, TableDef after) {
        Map<String, TableDef.Index> old = byName(before.indexes(), TableDef.Index::name);
        Map<String, TableDef.Index> now = byName(after.indexes(), TableDef.Index::name);
        old.forEach((name, index) -> {
            TableDef.Index next = now.get(name);
            if (next == null) {
                step(name, new RemoveIndex(before, index));
                return;
            }
            if (!index.accessor().equals(next.accessor())) {
                refuse("Changing the accessor name on index " + name + " from " + index.accessor().orElse("None") + " to "
                        + next.accessor().orElse("None") + " requires a manual migration");
            }
            if (!index.algorithm().suffix().equals(next.algorithm().suffix())
                    || !columns(before, index.algorithm().columns()).equals(columns(after, next.algorithm().columns()))) {
                step(name, new RemoveIndex(before, index));
                step(name, new AddIndex(after, next));
            } else if (!index.source().equals(next.source())) {
                step(name, new ChangeIndexSource(after, next));
            }
        });
        now.forEach((name, index) -> {
            if (!old.containsKey(name)) {
                step(name, new AddIndex(after, index));
            }
        });
    }

    private void compareConstraints(TableDef before, TableDef after) {
        Map<String, TableDef.Constraint> old = byName(before.constraints(), TableDef.Constraint::name);
        Map<String, TableDef.Constraint> now = byName(after.constraints(), TableDef.Constraint::name);
        old.forEach((name, constraint) -> {
            TableDef.Constraint next = now.get(name);
            if (next == null) {
                step(name, new RemoveConstraint(before, constraint));
            } else if (!Set.copyOf(columns(before, constraint.columns())).equals(Set.copyOf(columns(after, next.columns())))) {
                refuse("Changing a unique constraint " + name + " requires a manual migration");
            }
        });
        now.forEach((name, constraint) -> {
            if (!old.containsKey(name)) {
                step(name, new AddConstraint(after, constraint));
            }
        });
    }

    private void compareSequences(TableDef before, TableDef after) {
        Map<String, TableDef.Sequence> old = byName(before.sequences(), TableDef.Sequence::name);
        Map<String, TableDef.Sequence> now = byName(after.sequences(), TableDef.Sequence::name);
        old.forEach((name, sequence) -> {
            TableDef.Sequence next = now.get(name);
            boolean same = next != null
                    && columns(before, List.of(sequence.column())).equals(columns(after, List.of(next.column())))
                    && sequence.equals(next.withColumn(sequence.column()));
            if (!same) {
                step(name, new RemoveSequence(before, sequence));
                if (next != null) {
                    step(name, new AddSequence(after, next));
                }
            }
        });
        now.forEach((name, sequence) -> {
            if (!old.containsKey(name)) {
                step(name, new AddSequence(after, sequence));
            }
        });
    }

    // ---- views and rules ----

    private static Map<String, ViewShape> views(ModuleDef def) {
        TypeResolver resolver = def.typespace().resolver();
        return def.views().stream()
                .map(v -> ViewShape.of(v, resolver))
                .collect(Collectors.toMap(ViewShape::name, Function.identity()));
    }

    private void compareViews(ModuleDef before, ModuleDef after) {
        Map<String, ViewShape> old = views(before);
        Map<String, ViewShape> now = views(after);
        old.forEach((name, view) -> {
            ViewShape next = now.get(name);
            if (next != null && view.sameAs(next)) {
                step(name, new UpdateView(next));
                return;
            }
            breaksClients = true;
            step(name, new RemoveView(view));
            if (next != null) {
                step(name, new AddView(next));
            }
        });
        now.forEach((name, view) -> {
            if (!old.containsKey(name)) {
                step(name, new AddView(view));
            }
        });
    }

    /** Rules have no names: each is taken away and made again, because what it means may have changed with the tables. */
    private void compareRules(ModuleDef before, ModuleDef after) {
        Set<String> old = new TreeSet<>(before.raw().rowLevelSecurity());
        Set<String> now = new TreeSet<>(after.raw().rowLevelSecurity());
        old.forEach(sql -> step(sql, new RemoveRowLevelSecurity(sql, now.contains(sql))));
        now.forEach(sql -> step(sql, new AddRowLevelSecurity(sql, old.contains(sql))));
        breaksClients |= !old.equals(now);
    }
}
