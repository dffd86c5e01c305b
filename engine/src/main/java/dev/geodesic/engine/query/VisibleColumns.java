package dev.geodesic.engine.query;

import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import java.util.List;

/**
 * What SQL and clients see of a table: all of it, except the first column of a view's backing table, which says whose rows
 * they are (spec/execution.md 6.1).
 */
public final class VisibleColumns {

    /** Column of a view's backing table that SQL does not see: the hash of the view's arguments. */
    static final int VIEW_ARGUMENTS = 0;
    private static final int VIEW_ARGUMENTS_BYTES = 32;

    private VisibleColumns() {
    }

    public static List<ColumnSchema> of(TableSchema table) {
        List<ColumnSchema> all = table.columns();
        return table.role().isView() ? all.subList(1, all.size()) : all;
    }

    /** Type of the rows that are sent. */
    public static ProductType rowType(TableSchema table) {
        return table.role().isView()
                ? new ProductType(of(table).stream().map(c -> ProductElement.of(c.name(), c.type())).toList())
                : table.rowType();
    }

    /** Bytes at the start of each stored row that are not sent. */
    public static int hiddenBytes(TableSchema table) {
        return table.role().isView() ? VIEW_ARGUMENTS_BYTES : 0;
    }
}
