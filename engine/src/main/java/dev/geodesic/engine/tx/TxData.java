package dev.geodesic.engine.tx;

import dev.geodesic.engine.table.RowPointers;
import java.util.List;

/**
 * What one transaction changed, net: the only thing that the log, the subscriptions and recovery learn of it. Rows are
 * pointers into the stores of their tables; deleted rows, and rows of event tables, can be read until the next transaction
 * is applied.
 *
 * @param changes changed tables in order of their ids
 * @param created tables that did not exist before, or not in this shape
 * @param dropped tables that are gone, or gone in this shape
 */
public record TxData(List<TableChange> changes, List<Table> created, List<Table> dropped) {

    public static final TxData EMPTY = new TxData(List.of(), List.of(), List.of());

    public boolean isEmpty() {
        return changes.isEmpty() && created.isEmpty() && dropped.isEmpty();
    }

    /** Whether a table has got another shape under its id. */
    public boolean reshapesTables() {
        return !dropped.isEmpty() && created.stream().anyMatch(c -> dropped.stream().anyMatch(d -> d.id() == c.id()));
    }

    /** Whether nothing has to be logged: rows of views come again when somebody asks for them. */
    public boolean isVolatile() {
        if (!created.isEmpty() || !dropped.isEmpty()) {
            return false;
        }
        for (TableChange change : changes) {
            if (!change.table().schema().role().isView()) {
                return false;
            }
        }
        return true;
    }

    /** Changes of one table. */
    public record TableChange(Table table, RowPointers inserts, RowPointers deletes) {
    }
}
