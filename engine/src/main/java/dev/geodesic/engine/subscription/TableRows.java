package dev.geodesic.engine.subscription;

import dev.geodesic.engine.query.VisibleColumns;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.protocol.message.RowJson;
import dev.geodesic.sats.ProductType;

/**
 * How messages name a table and write its rows.
 *
 * @param hiddenBytes bytes at the start of each stored row that are not sent
 */
record TableRows(int tableId, String tableName, int hiddenBytes, RowJson storedJson, RowJson deltaJson) {

    static TableRows of(TableSchema table) {
        ProductType rowType = VisibleColumns.rowType(table);
        return new TableRows(
                table.tableId(), table.name(), VisibleColumns.hiddenBytes(table), RowJson.stored(rowType),
                RowJson.positional(rowType));
    }
}
