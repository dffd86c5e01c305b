package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.Operator;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.BsatnWriter;
import it.unimi.dsi.fastutil.ints.IntOpenHashSet;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How the rows of one table that fulfil a condition are found: by a point of one index, or by reading all rows; what the
 * index does not decide filters (spec/sql.md 12). Immutable.
 */
final class TableScan {

    private static final int SAMPLE_ROWS = 1_000_000;

    private final TableSchema table;
    private final BoundExpr condition;
    private final RowLayout layout;
    private final Optional<Point> point;
    private final RowPredicate filter;

    /** An index and the BSATN of all its columns. */
    private record Point(IndexSchema index, MemorySegment key) {
    }

    TableScan(TableSchema table, RowLayout layout, BoundExpr condition) {
        this.table = table;
        this.condition = condition;
        this.layout = layout;
        List<BoundExpr> rest = new ArrayList<>(condition.conjuncts());
        point = choosePoint(table, rest);
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

    /** Name of the index that is used. */
    Optional<String> indexName() {
        return point.map(p -> p.index().name());
    }

    /** Whether every row of the table matches. */
    boolean readsWholeTable() {
        return point.isEmpty() && !isFiltered();
    }

    private boolean isFiltered() {
        return filter != RowPredicate.ALWAYS;
    }

    RowIterator open(ReadView view) {
        if (filter == RowPredicate.NEVER) {
            return Empty.INSTANCE;
        }
        RowIterator rows = openUnfiltered(view);
        return isFiltered() ? new Filtered(rows, filter) : rows;
    }

    private RowIterator openUnfiltered(ReadView view) {
        return point.map(p -> view.point(p.index().indexId(), p.key(), 0, (int) p.key().byteSize()))
                .orElseGet(() -> view.scan(table.tableId()));
    }

    /**
     * Rows that this will read, as spec/sql.md 11 counts them. The rows of a point are counted, not estimated.
     *
     * @param limit rows that are wanted at most
     */
    long estimate(ReadView view, long limit) {
        if (filter == RowPredicate.NEVER) {
            return 0;
        }
        long rows = estimateRows(view);
        if (isFiltered()) {
            return 2 * rows;
        }
        return point.isPresent() ? rows : Math.min(rows, limit);
    }

    /** Rows that are found before the filter, whose effect nobody estimates. */
    long estimateRows(ReadView view) {
        if (point.isEmpty()) {
            return view.rowCount(table.tableId());
        }
        long rows = 0;
        for (RowIterator i = openUnfiltered(view); i.next();) {
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

    /** Removes from the terms those that the chosen index decides. */
    private static Optional<Point> choosePoint(TableSchema table, List<BoundExpr> terms) {
        Map<Integer, BoundExpr.CompareConstant> byColumn = new HashMap<>();
        for (BoundExpr term : terms) {
            if (term instanceof BoundExpr.CompareConstant c && c.operator() == Operator.EQUAL) {
                byColumn.putIfAbsent(c.column().position(), c);
            }
        }
        Optional<IndexSchema> chosen = table.indexes().stream()
                .filter(i -> byColumn.keySet().containsAll(i.algorithm().columns()) && comparesValues(i, byColumn))
                .max(Comparator.<IndexSchema>comparingInt(i -> i.algorithm().columns().size())
                        .thenComparing(IndexSchema::unique)
                        .thenComparing(IndexSchema::indexId, Comparator.reverseOrder()));
        return chosen.map(index -> {
            BsatnWriter key = new BsatnWriter();
            for (int column : index.algorithm().columns()) {
                BoundExpr.CompareConstant term = byColumn.get(column);
                key.writeRaw(term.value());
                terms.removeIf(t -> t == term);
            }
            return new Point(index, MemorySegment.ofArray(key.toByteArray()));
        });
    }

    /** A hash index over several columns may compare bytes (spec/bsatn.md 5), in which 0.0 and -0.0 differ. */
    private static boolean comparesValues(IndexSchema index, Map<Integer, BoundExpr.CompareConstant> byColumn) {
        List<Integer> columns = index.algorithm().columns();
        return !(index.algorithm() instanceof IndexAlgorithm.Hash)
                || columns.size() == 1
                || columns.stream().noneMatch(c -> byColumn.get(c).column().kind().isFloat());
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

    private record Filtered(RowIterator rows, RowPredicate filter) implements RowIterator {

        @Override
        public boolean next() {
            while (rows.next()) {
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
