package dev.geodesic.engine.schema;

import java.util.List;
import java.util.Optional;

/**
 * One change of a migration. The order of the records is the order in which a plan lists them (spec/module-def.md 8.2);
 * those of one kind are sorted by name. Tables are the definitions after the change, but for what is removed.
 */
public sealed interface MigrationStep {

    record RemoveIndex(TableDef table, TableDef.Index index) implements MigrationStep {
    }

    record RemoveConstraint(TableDef table, TableDef.Constraint constraint) implements MigrationStep {
    }

    record RemoveSequence(TableDef table, TableDef.Sequence sequence) implements MigrationStep {
    }

    record RemoveSchedule(TableDef table, TableDef.Schedule schedule) implements MigrationStep {
    }

    record RemoveView(ViewShape view) implements MigrationStep {
    }

    /** @param recreated whether the same rule is added again */
    record RemoveRowLevelSecurity(String sql, boolean recreated) implements MigrationStep {
    }

    record RemoveTable(TableDef table) implements MigrationStep {
    }

    /** Columns get types that hold the stored values as they are. */
    record ChangeColumns(TableDef table) implements MigrationStep {
    }

    /** The table has no rows: its columns may change in any way. */
    record ChangeEventTable(TableDef table) implements MigrationStep {
    }

    /** @param columns new last columns; each has a default */
    record AddColumns(TableDef table, List<ColumnSchema> columns) implements MigrationStep {

        public AddColumns {
            columns = List.copyOf(columns);
        }
    }

    /** The name changes by which the module asks for the index. */
    record ChangeIndexSource(TableDef table, TableDef.Index index) implements MigrationStep {
    }

    record ChangeTableAccessor(TableDef table) implements MigrationStep {
    }

    record ChangeColumnAccessor(TableDef table, ColumnSchema column) implements MigrationStep {
    }

    record AddTable(TableDef table) implements MigrationStep {
    }

    record AddIndex(TableDef table, TableDef.Index index) implements MigrationStep {
    }

    record AddConstraint(TableDef table, TableDef.Constraint constraint) implements MigrationStep {
    }

    record AddSequence(TableDef table, TableDef.Sequence sequence) implements MigrationStep {
    }

    record AddSchedule(TableDef table, TableDef.Schedule schedule) implements MigrationStep {
    }

    record AddView(ViewShape view) implements MigrationStep {
    }

    /** @param recreated whether the same rule existed before */
    record AddRowLevelSecurity(String sql, boolean recreated) implements MigrationStep {
    }

    record ChangeAccess(TableDef table, TableAccess before) implements MigrationStep {
    }

    /** @param before name of the column that was the key */
    record ChangePrimaryKey(TableDef table, Optional<String> before) implements MigrationStep {
    }

    /** The view is run again for those who watch it. */
    record UpdateView(ViewShape view) implements MigrationStep {
    }

    /** Every client is disconnected: what it believes about the schema may be wrong now. */
    record DisconnectAll() implements MigrationStep {
    }
}
