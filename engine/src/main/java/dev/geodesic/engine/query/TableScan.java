package dev.geodesic.engine.query;

import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.tx.ReadView;
import it.unimi.dsi.fastutil.ints.IntOpenHashSet;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How the rows of one table that fulfil a condition are found: by an index, or by reading all rows; what the index does not
 * decide filters (spec/sql.md 12). Immutable.
 */
final class TableScan {

    private static final int SAMPLE_ROWS = 1_000_000;

    private final TableSchema table;
    private final BoundExpr condition;
    private final RowLayout layout;
    private final Optional<IndexScan> index;
    private final List<BoundExpr> rest;
    private final RowPredicate filter;

    TableScan(TableSchema table, RowLayout layout, BoundExpr condition) {
        this.table = table;
        this.condition = condition;
        this.layout = layout;
        index = IndexScan.choose(table, condition.conjuncts());
        rest = new ArrayList<>(condition.conjuncts());
        index.ifPresent(i -> rest.removeIf(term -> i.decided().stream().anyMatch(d -> d == term)));
        filter = Predicates.compile(BoundExpr.and(rest), layout);
    }

    TableSchema table() {
        return table;
    }

    RowLayout layout() {
        return layout;
    }

    /** The whole condition, whatever the index decides of it. */
    BoundExpr condition() {
        return condition;
    }

    Optional<IndexScan> index() {
        return index;
    }

    /** Terms that the index does not decide. */
    List<BoundExpr> rest() {
        return rest;
    }

    /** Whether every row of the table matches. */
    boolean readsWholeTable() {
        return index.isEmpty() && !isFiltered();
    }

    private boolean isFiltered() {
        return filter != RowPredicate.ALWAYS;
    }

    boolean findsByUniqueKey() {
        return isPoint() && index.get().index().unique();
    }

    private boolean isPoint() {
        return index.isPresent() && index.get().isPoint();
    }

    /** @param budget counts the rows that the filter looks at */
    RowIterator open(ReadView view, QueryBudget budget) {
        if (filter == RowPredicate.NEVER) {
            return Empty.INSTANCE;
        }
        RowIterator rows = index.isPresent() ? index.get().open(view) : view.scan(table.tableId());
        return isFiltered() ? new Filtered(rows, filter, budget) : rows;
    }

    /**
     * Rows that the reference would read, as spec/sql.md 11 counts them: it has no ranges. The rows of a point are counted, not
     * estimated.
     *
     * @param limit rows that are wanted at most
     */
    long estimate(ReadView view, long limit) {
        if (filter == RowPredicate.NEVER) {
            return 0;
        }
        long rows = estimateRows(view);
        if (isFiltered() || index.isPresent() && !isPoint()) {
            return 2 * rows;
        }
        return isPoint() ? rows : Math.min(rows, limit);
    }

    /** Rows that are found before the filter, whose effect nobody estimates. */
    long estimateRows(ReadView view) {
        if (!isPoint()) {
            return view.rowCount(table.tableId());
        }
        long rows = 0;
        for (RowIterator i = index.get().open(view); i.next();) {
            rows++;
        }
        return rows;
    }

    /** Rows divided by distinct values of some columns; of a huge table the first million rows stand for all. */
    static double averageRowsPerKey(ReadView view, JoinPlan plan, int number, List<BoundExpr.BoundColumn> columns) {
        IntOpenHashSet keys = new IntOpenHashSet();
        RowTuple row = new RowTuple(number + 1);
        int rows = 0;
        for (RowIterator all = view.scan(plan.query().tables().get(number).tableId()); rows < SAMPLE_ROWS && all.next(); rows++) {
            row.set(number, all);
            keys.add(JoinHash.hash(plan, row, columns));
        }
        return rows == 0 ? 0 : (double) rows / keys.size();
    }

    private enum Empty implements RowIterator {
        INSTANCE;

        @Override
        public boolean next() {
            return false;
        }

        @Override
        public MemorySegment segment() {
            return MemorySegment.NULL;
        }

        @Override
        public long offset() {
            return 0;
        }

        @Override
        public int length() {
            return 0;
        }

        @Override
        public long row() {
            return TableStore.NO_ROW;
        }
    }

    private record Filtered(RowIterator rows, RowPredicate filter, QueryBudget budget) implements RowIterator {

        @Override
        public boolean next() {
            while (rows.next()) {
                budget.step();
                if (filter.test(rows.segment(), rows.offset(), rows.length())) {
                    return true;
                }
            }
            return false;
        }

        @Override
        public MemorySegment segment() {
            return rows.segment();
        }

        @Override
        public long offset() {
            return rows.offset();
        }

        @Override
        public int length() {
            return rows.length();
        }

        @Override
        public long row() {
            return rows.row();
        }
    }
}
