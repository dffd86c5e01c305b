package dev.geodesic.engine.schema;

import java.util.List;

/**
 * What an update of the module does to the tables: it adds these, in the order in which they get ids, and leaves every
 * other as it is.
 */
public record MigrationPlan(List<TableDef> addedTables) {

    public MigrationPlan {
        addedTables = List.copyOf(addedTables);
    }
}
