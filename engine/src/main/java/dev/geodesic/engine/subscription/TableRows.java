package dev.geodesic.engine.subscription;

import dev.geodesic.engine.query.VisibleColumns;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.protocol.message.RowJson;
import dev.geodesic.sats.ProductType;

/** How messages name a table and write its rows. One object for all plans that return rows of the table. */
final class TableRows {

    private final TableSchema table;
    private final int hiddenBytes;
    private final RowJson storedJson;
    private final RowJson deltaJson;

    TableRows(TableSchema table) {
        ProductType rowType = VisibleColumns.rowType(table);
        this.table = table;
        hiddenBytes = VisibleColumns.hiddenBytes(table);
        storedJson = RowJson.stored(rowType);
        deltaJson = RowJson.positional(rowType);
    }

    TableSchema table() {
        return table;
    }

    int tableId() {
        return table.tableId();
    }

    String tableName() {
        return table.name();
    }

    boolean event() {
        return table.event();
    }

    /** Bytes at the start of each stored row that are not sent. */
    int hiddenBytes() {
        return hiddenBytes;
    }

    RowJson storedJson() {
        return storedJson;
    }

    RowJson deltaJson() {
        return deltaJson;
    }
}
