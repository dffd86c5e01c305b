package dev.geodesic.engine.schema;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Decides what may change when a new version of a module is published over an old one. Tables are compared by canonical
 * name. So far a new version may add tables and change functions and types of functions; default values of columns that
 * exist mean nothing. spec/module-def.md section 8 allows more, which is refused here with what to do instead.
 */
public final class MigrationPlanner {

    private static final String REMEDY = "publish with --delete-data to start from an empty database, or keep the table as it is";

    private final List<String> errors = new ArrayList<>();

    private MigrationPlanner() {
    }

    /** @throws EngineException MIGRATION_REFUSED with every reason: which table and column, and what to do */
    public static MigrationPlan plan(ModuleDef before, ModuleDef after) {
        MigrationPlanner planner = new MigrationPlanner();
        for (TableDef table : before.tables()) {
            byName(after, table.name()).ifPresentOrElse(
                    t -> planner.compare(table, t),
                    () -> planner.unsupported("Removing table " + table.name()));
        }
        planner.throwIfAny();
        return new MigrationPlan(
                after.tables().stream().filter(t -> byName(before, t.name()).isEmpty()).toList());
    }

    private static Optional<TableDef> byName(ModuleDef def, String name) {
        return def.table(name).filter(t -> t.name().equals(name));
    }

    private void compare(TableDef before, TableDef after) {
        String table = before.name();
        if (before.event() != after.event()) {
            refuse("Changing the event flag of table " + table + " requires a manual migration");
        }
        compareColumns(table, before.columns(), after.columns());
        if (before.access() != after.access()) {
            unsupported("Changing the access of table " + table + " from " + text(before.access()) + " to "
                    + text(after.access()));
        }
        if (!before.primaryKey().equals(after.primaryKey())) {
            unsupported("Changing the primary key of table " + table);
        }
        if (!before.accessor().equals(after.accessor())) {
            unsupported("Changing the source name of table " + table + " from " + before.accessor() + " to " + after.accessor());
        }
        compareParts("index", table, before.indexes(), after.indexes(), TableDef.Index::name);
        compareParts("unique constraint", table, before.constraints(), after.constraints(), TableDef.Constraint::name);
        compareParts("sequence", table, before.sequences(), after.sequences(), TableDef.Sequence::name);
        if (!before.schedule().equals(after.schedule())) {
            unsupported("Changing the schedule of table " + table);
        }
    }

    private void compareColumns(String table, List<ColumnSchema> before, List<ColumnSchema> after) {
        Map<String, ColumnSchema> oldColumns = byName(before, ColumnSchema::name);
        Map<String, ColumnSchema> newColumns = byName(after, ColumnSchema::name);
        for (ColumnSchema column : before) {
            ColumnSchema now = newColumns.get(column.name());
            if (now == null) {
                refuse("Removing a column " + column.name() + " from table " + table + " requires a manual migration");
            } else {
                compareColumn(table, column, now);
            }
        }
        for (ColumnSchema column : after) {
            if (!oldColumns.containsKey(column.name())) {
                unsupported("Adding a column " + column.name() + " to table " + table);
            }
        }
        List<String> oldOrder = oldColumns.keySet().stream().filter(newColumns::containsKey).toList();
        List<String> newOrder = newColumns.keySet().stream().filter(oldColumns::containsKey).toList();
        if (!oldOrder.equals(newOrder)) {
            refuse("Reordering table " + table + " requires a manual migration");
        }
    }

    private void compareColumn(String table, ColumnSchema before, ColumnSchema after) {
        if (!before.type().equals(after.type())) {
            unsupported("Changing the type of column " + before.name() + " in table " + table + " from "
                    + TypeSize.text(before.type()) + " to " + TypeSize.text(after.type()));
        }
        if (!before.accessor().equals(after.accessor())) {
            unsupported("Changing the source name of column " + before.name() + " in table " + table);
        }
    }

    private <T> void compareParts(String kind, String table, List<T> before, List<T> after, Function<T, String> name) {
        Map<String, T> oldParts = byName(before, name);
        Map<String, T> newParts = byName(after, name);
        oldParts.forEach((n, part) -> {
            T now = newParts.get(n);
            if (now == null) {
                unsupported("Removing " + kind + " " + n + " of table " + table);
            } else if (!now.equals(part)) {
                unsupported("Changing " + kind + " " + n + " of table " + table);
            }
        });
        newParts.keySet().stream()
                .filter(n -> !oldParts.containsKey(n))
                .forEach(n -> unsupported("Adding " + kind + " " + n + " to table " + table));
    }

    /** In the order of the list. */
    private static <T> Map<String, T> byName(List<T> parts, Function<T, String> name) {
        Map<String, T> map = new LinkedHashMap<>();
        parts.forEach(p -> map.put(name.apply(p), p));
        return map;
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

    private void unsupported(String change) {
        refuse(change + " is not supported by this version; " + REMEDY);
    }

    private static String text(TableAccess access) {
        return access == TableAccess.PUBLIC ? "public" : "private";
    }
}
