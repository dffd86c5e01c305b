package dev.geodesic.engine.view;

import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.sats.Identity;
import java.util.Optional;

/**
 * What is materialised on its own: a view, and for whom.
 *
 * @param tableId table of the view's rows
 * @param caller empty if the rows are the same for everybody
 */
public record ViewKey(int tableId, Optional<Identity> caller) {

    /** What this caller sees of the view behind this table. */
    public static ViewKey of(TableSchema table, Identity caller) {
        return new ViewKey(table.tableId(), switch (table.role()) {
            case VIEW -> Optional.of(caller);
            case ANONYMOUS_VIEW -> Optional.empty();
            case STORED, EVENT -> throw new IllegalArgumentException(table.name() + " is no view");
        });
    }
}
