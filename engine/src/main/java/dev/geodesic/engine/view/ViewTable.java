package dev.geodesic.engine.view;

import dev.geodesic.engine.query.VisibleColumns;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The table of a view's rows (spec/execution.md 6.1). */
final class ViewTable {

    private final TableSchema schema;
    private final ProductType rowType;
    private final RowLayout rows;
    private final int argumentIndexId;

    ViewTable(TableSchema schema) {
        this.schema = schema;
        this.rowType = VisibleColumns.rowType(schema);
        this.rows = RowLayout.of(rowType);
        this.argumentIndexId = schema.indexes().stream()
                .filter(i -> i.algorithm().columns().equals(List.of(0)))
                .findFirst()
                .orElseThrow()
                .indexId();
    }

    int id() {
        return schema.tableId();
    }

    String name() {
        return schema.name();
    }

    /** Type of the view's rows: what its function returns, and what clients see. */
    ProductType rowType() {
        return rowType;
    }

    /** Layout of the view's rows. */
    RowLayout rows() {
        return rows;
    }

    /** Stored rows of one caller. */
    RowIterator rowsOf(byte[] argumentHash, MutTx tx) {
        return tx.point(argumentIndexId, MemorySegment.ofArray(argumentHash), 0, argumentHash.length);
    }

    /** Deletes the rows of one caller. */
    void clear(byte[] argumentHash, MutTx tx) {
        tx.deletePoint(argumentIndexId, MemorySegment.ofArray(argumentHash), 0, argumentHash.length);
    }
}
