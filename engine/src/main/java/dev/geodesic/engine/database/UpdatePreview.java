package dev.geodesic.engine.database;

import dev.geodesic.engine.schema.MigrationPlan;

/** What publishing a program over the running one would do (spec/http-api.md 6.2). */
public sealed interface UpdatePreview {

    /** Whether the module's definition would go from version 9 to 10. */
    boolean majorUpgrade();

    /**
     * The server would carry the plan out.
     *
     * @param token with which a publisher agrees to whatever the plan does to clients
     */
    record Automatic(MigrationPlan plan, String token, boolean majorUpgrade) implements UpdatePreview {
    }

    /** The update would be refused. */
    record Refused(String reason, boolean majorUpgrade) implements UpdatePreview {
    }
}
