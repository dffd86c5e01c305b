package dev.geodesic.protocol.message;

import java.util.List;

/**
 * Rows of one table, one fragment per query.
 *
 * @param tableId u32; only v1 sends it
 * @param tableName canonical name
 */
public record TableUpdate(int tableId, String tableName, List<Fragment> fragments) {

    public static TableUpdate of(int tableId, String tableName, Fragment fragment) {
        return new TableUpdate(tableId, tableName, List.of(fragment));
    }
}
