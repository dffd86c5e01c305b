package dev.geodesic.engine.query;

import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.sats.BsatnWriter;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Turns combinations of rows into the rows of a result: columns, DISTINCT, ORDER BY, OFFSET and LIMIT. Not thread-safe. */
final class RowEmitter {

    private final SelectPlan.Output output;
    private final ResultShape.Order order;
    private final RowLayout[] layouts;
    private final QueryBudget budget;
    private final RowSink sink;
    private final SortKeys sortKeys;
    /** Null if the order is any. */
    private final RowSorter sorter;
    private final SortKeys distinctKeys;
    private final Set<SortKeys.Bytes> distinct = new HashSet<>();
    private final BsatnWriter row = new BsatnWriter();
    private final BsatnWriter key = new BsatnWriter();
    private long found;

    /** @param layouts of the rows that come, by table number */
    RowEmitter(ResultShape shape, RowLayout[] layouts, QueryBudget budget, RowSink sink) {
        output = shape.output();
        order = shape.order();
        this.layouts = layouts;
        this.budget = budget;
        this.sink = sink;
        sortKeys = new SortKeys(order.keys(), layouts);
        sorter = order.keys().isEmpty() ? null : new RowSorter(order.rowsWanted(), budget);
        distinctKeys = SortKeys.ascending(order.distinct(), layouts);
    }

    /** Takes a combination; false if no more can be of interest. */
    boolean add(RowTuple rows) {
        if (!order.distinct().isEmpty() && !isNew(rows)) {
            return true;
        }
        if (sorter != null) {
            if (sorter.wants(sortKeys, rows)) {
                write(rows, sorter);
            }
            return true;
        }
        if (found >= order.rowsWanted()) {
            return false;
        }
        if (found++ >= order.offset()) {
            write(rows, sink);
        }
        return found < order.rowsWanted();
    }

    private boolean isNew(RowTuple rows) {
        distinctKeys.write(rows, key);
        boolean isNew = distinct.add(new SortKeys.Bytes(key.toByteArray()));
        if (isNew) {
            budget.keepInOrder(key.length());
        }
        return isNew;
    }

    private void write(RowTuple rows, RowSink out) {
        switch (output) {
            case SelectPlan.Output.WholeRow(int table, int hidden) ->
                out.row(rows.segment(table), rows.offset(table) + hidden, rows.length(table) - hidden);
            case SelectPlan.Output.Columns(List<BoundExpr.BoundColumn> columns) -> {
                row.clear();
                for (int i = 0; i < columns.size(); i++) {
                    BoundExpr.BoundColumn column = columns.get(i);
                    int table = column.table();
                    SelectPlan.appendColumn(row, layouts[table], rows.segment(table), rows.offset(table), column.position());
                }
                out.row(MemorySegment.ofArray(row.buffer()), 0, row.length());
            }
            case SelectPlan.Output.Count none -> throw new IllegalStateException();
            case SelectPlan.Output.Text none -> throw new IllegalStateException();
        }
    }

    /** Gives what waits for its order; returns the number of rows given. */
    long finish() {
        return sorter == null ? Math.max(0, found - order.offset()) : sorter.drain(order.offset(), sink);
    }
}
