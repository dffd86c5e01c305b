package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.schema.MigrationPlan;
import dev.geodesic.engine.schema.MigrationStep;
import dev.geodesic.engine.tx.MutTx;

/** Carries a plan out in an open transaction. Writer thread. */
final class Migration {

    private Migration() {
    }

    /** Errors: MIGRATION_REFUSED; the transaction must be rolled back. */
    static void run(MutTx tx, Catalog catalog, MigrationPlan plan) {
        for (MigrationStep step : plan.steps()) {
            if (!(step instanceof MigrationStep.AddTable add)) {
                throw new EngineException(
                        ErrorCode.MIGRATION_REFUSED, "this version can only add tables; publish with --delete-data");
            }
            catalog.createTable(tx, add.table().toSchema(catalog));
        }
    }
}
