package dev.geodesic.engine.subscription;

import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.protocol.message.RowJson;

/** How messages name a table and write its rows as JSON. */
record TableRows(int tableId, String tableName, RowJson storedJson, RowJson deltaJson) {

    static TableRows of(TableSchema table) {
        return new TableRows(
                table.tableId(), table.name(), RowJson.stored(table.rowType()), RowJson.positional(table.rowType()));
    }
}
