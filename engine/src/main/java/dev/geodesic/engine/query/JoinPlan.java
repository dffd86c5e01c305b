package dev.geodesic.engine.query;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.ReadView;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * How the combinations of rows are found that a query wants: the tables one after the other, each by an index, by a hash
 * table over its rows, or by reading it again for every combination before. One table is a join without partners.
 *
 * <p>The order is that of spec/sql.md 12, unless another table has an index for its constants, or a table further behind an
 * index for the join; estimates for the row limit are always those of the order in the specification. Immutable; may be shared
 * by threads.
 */
final class JoinPlan {

    /** A guess at how many rows an index finds for a row before. */
    private static final int ROWS_PER_POINT = 2;

    private final BoundQuery query;
    private final boolean isAsWritten;
    private final RowLayout[] layouts;
    private final List<Step> steps = new ArrayList<>();
    private final boolean isEmpty;

    /**
     * How the next table's rows are found.
     *
     * @param scan the table with the conditions on it alone
     * @param rest the conditions that have to be tested once this table's row is known
     * @param filters those of them that are more than the equalities which found the row
     */
    record Step(int table, TableScan scan, Access access, TuplePredicate rest, List<BoundExpr> filters) {

        boolean isFiltered() {
            return !filters.isEmpty();
        }
    }

    sealed interface Access {

        /** All rows that the scan finds. */
        record Scan() implements Access {
        }

        /** A point of an index for each combination before, then a condition on the row alone. */
        record Index(IndexProbe probe, List<BoundExpr> local, RowPredicate filter) implements Access {
        }

        /** The scan's rows in a hash table by {@code own}, which equal {@code others}, the columns of tables before. */
        record Hash(List<BoundExpr.BoundColumn> own, List<BoundExpr.BoundColumn> others, List<BoundExpr> equalities)
                implements Access {
        }
    }

    JoinPlan(BoundQuery query) {
        this(query, false);
    }

    /** @param asWritten whether the order has to be that of the specification */
    private JoinPlan(BoundQuery query, boolean asWritten) {
        this.query = query;
        isAsWritten = asWritten || query.tables().size() == 1;
        isEmpty = query.condition() == BoundExpr.FALSE;
        layouts = query.tables().stream().map(t -> RowLayout.of(t.rowType())).toArray(RowLayout[]::new);
        int count = layouts.length;
        List<List<BoundExpr>> local = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            local.add(new ArrayList<>());
        }
        List<BoundExpr> open = new ArrayList<>();
        for (BoundExpr term : query.condition().conjuncts()) {
            BitSet tables = term.tables();
            if (tables.cardinality() > 1) {
                open.add(term);
            } else {
                // A constant can only be FALSE here; it goes to the first table.
                local.get(Math.max(0, tables.nextSetBit(0))).add(term);
            }
        }
        BitSet placed = new BitSet();
        if (count == 1) {
            add(0, local.getFirst(), placed, open);
            return;
        }
        for (int number = first(local); number >= 0; number = next(placed, local, open)) {
            add(number, local.get(number), placed, open);
        }
    }

    /** The filtered one of the first two tables drives, or any that an index finds. */
    private int first(List<List<BoundExpr>> local) {
        int first = local.size() > 1 && local.get(0).isEmpty() && !local.get(1).isEmpty() ? 1 : 0;
        if (!isAsWritten) {
            int rank = rank(first, local);
            for (int number = 0; number < local.size(); number++) {
                int other = rank(number, local);
                if (other < rank) {
                    rank = other;
                    first = number;
                }
            }
        }
        return first;
    }

    /** How few rows the conditions on one table leave, as far as its indexes tell; the lower the fewer. */
    private int rank(int number, List<List<BoundExpr>> local) {
        return IndexScan.choose(query.tables().get(number), local.get(number))
                .map(i -> !i.isPoint() ? 2 : i.index().unique() ? 0 : 1)
                .orElse(3);
    }

    /** The next table in written order that an equality joins to those before, or any, or none. */
    private int next(BitSet placed, List<List<BoundExpr>> local, List<BoundExpr> open) {
        int joined = -1;
        int filtered = -1;
        for (int number = placed.nextClearBit(0); number < layouts.length; number = placed.nextClearBit(number + 1)) {
            List<BoundExpr> equalities = open.stream().filter(equalityTo(number, placed)).toList();
            if (!equalities.isEmpty()) {
                if (isAsWritten || IndexProbe.choose(
                        query.tables().get(number), number, local.get(number), equalities, layouts).isPresent()) {
                    return number;
                }
                joined = joined < 0 ? number : joined;
            } else if (filtered < 0 && !isAsWritten && (!local.get(number).isEmpty() || isMentioned(number, open))) {
                filtered = number;
            }
        }
        int any = placed.nextClearBit(0);
        return joined >= 0 ? joined : filtered >= 0 ? filtered : any < layouts.length ? any : -1;
    }

    private static boolean isMentioned(int number, List<BoundExpr> terms) {
        return terms.stream().anyMatch(t -> t.tables().get(number));
    }

    private static Predicate<BoundExpr> equalityTo(int number, BitSet placed) {
        return term -> IndexProbe.isEquality(term, number) && others(term, number, placed);
    }

    /** Whether the term speaks of no table but this one and those before. */
    private static boolean others(BoundExpr term, int number, BitSet placed) {
        BitSet tables = term.tables();
        tables.clear(number);
        tables.andNot(placed);
        return tables.isEmpty();
    }

    private void add(int number, List<BoundExpr> local, BitSet placed, List<BoundExpr> open) {
        TableSchema table = query.tables().get(number);
        List<BoundExpr> rest = new ArrayList<>(open.stream().filter(t -> others(t, number, placed)).toList());
        open.removeAll(rest);
        List<BoundExpr> equalities = rest.stream().filter(t -> IndexProbe.isEquality(t, number)).toList();
        Optional<IndexProbe> probe = equalities.isEmpty()
                ? Optional.empty()
                : IndexProbe.choose(table, number, local, equalities, layouts);
        Access access;
        if (probe.isPresent()) {
            rest.removeAll(probe.get().decided());
            List<BoundExpr> filter = new ArrayList<>(local);
            filter.removeAll(probe.get().decided());
            access = new Access.Index(probe.get(), filter, Predicates.compile(BoundExpr.and(filter), layouts[number]));
        } else if (!equalities.isEmpty()) {
            List<BoundExpr.BoundColumn> own = new ArrayList<>();
            List<BoundExpr.BoundColumn> others = new ArrayList<>();
            for (BoundExpr term : equalities) {
                BoundExpr.CompareColumns c = (BoundExpr.CompareColumns) term;
                boolean isLeft = c.left().table() == number;
                own.add(isLeft ? c.left() : c.right());
                others.add(isLeft ? c.right() : c.left());
            }
            access = new Access.Hash(List.copyOf(own), List.copyOf(others), equalities);
        } else {
            access = new Access.Scan();
        }
        TableScan scan = new TableScan(table, layouts[number], BoundExpr.and(local));
        // A hash table finds what may be equal; whether it is, and all else, is tested.
        TuplePredicate tested = Predicates.compileTuple(BoundExpr.and(rest), layouts);
        if (access instanceof Access.Hash) {
            rest.removeAll(equalities);
        }
        steps.add(new Step(number, scan, access, tested, List.copyOf(rest)));
        placed.set(number);
    }

    BoundQuery query() {
        return query;
    }

    /** In the order of execution. */
    List<Step> steps() {
        return steps;
    }

    /** By table number. */
    RowLayout[] layouts() {
        return layouts;
    }

    RowLayout layout(int table) {
        return layouts[table];
    }

    /** Whether no row can match, whatever the tables hold. */
    boolean isEmpty() {
        return isEmpty;
    }

    JoinCursor open(ReadView view, QueryBudget budget) {
        return new JoinCursor(this, view, budget);
    }

    /**
     * Number of combinations. The last tables, if nothing is said about them, are not walked over.
     *
     * @throws EngineException LIMIT_EXCEEDED if it takes too long, or the number has more than 64 bits
     */
    long count(ReadView view, QueryBudget budget) {
        if (isEmpty) {
            return 0;
        }
        int walked = steps.size();
        try {
            long factor = 1;
            while (walked > 0 && isProduct(steps.get(walked - 1)) && factor > 0) {
                factor = Math.multiplyExact(factor, view.rowCount(steps.get(--walked).scan().table().tableId()));
            }
            if (factor == 0 || walked == 0) {
                return factor;
            }
            long count = 0;
            for (JoinCursor cursor = new JoinCursor(this, view, budget, walked); cursor.next();) {
                count++;
            }
            return Math.multiplyExact(factor, count);
        } catch (ArithmeticException e) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "the number of rows has more than 63 bits");
        }
    }

    private static boolean isProduct(Step step) {
        return step.access() instanceof Access.Scan && step.scan().readsWholeTable() && step.rest() == TuplePredicate.ALWAYS;
    }

    /**
     * Rows that this will read, as spec/sql.md 11 counts them; what an index finds for a constant is counted, not estimated.
     *
     * @param limit rows that are wanted at most
     */
    long estimate(ReadView view, long limit) {
        if (isEmpty) {
            return 0;
        }
        if (!isAsWritten) {
            return new JoinPlan(query, true).estimate(view, limit);
        }
        TableScan driver = steps.getFirst().scan();
        if (steps.size() == 1) {
            return driver.estimate(view, limit);
        }
        long scanned = driver.estimate(view, Long.MAX_VALUE);
        long rows = driver.estimateRows(view);
        for (Step step : steps.subList(1, steps.size())) {
            switch (step.access()) {
                case Access.Index(IndexProbe probe, List<BoundExpr> local, RowPredicate filter) -> {
                    if (!probe.index().unique()) {
                        rows = times(rows, averageRowsPerKey(view, step, probe));
                    }
                    scanned = SelectPlan.sum(scanned, rows);
                    if (filter != RowPredicate.ALWAYS) {
                        scanned = SelectPlan.sum(scanned, rows);
                    }
                }
                case Access.Hash hash -> {
                    scanned = SelectPlan.sum(scanned, step.scan().estimate(view, Long.MAX_VALUE));
                    if (!isUnique(step.scan().table(), hash.own())) {
                        rows = times(rows, step.scan().estimateRows(view));
                    }
                    scanned = SelectPlan.sum(scanned, rows);
                }
                case Access.Scan all -> {
                    scanned = SelectPlan.sum(scanned, step.scan().estimate(view, Long.MAX_VALUE));
                    rows = times(rows, step.scan().estimateRows(view));
                    scanned = SelectPlan.sum(scanned, rows);
                }
            }
            if (step.isFiltered()) {
                scanned = SelectPlan.sum(scanned, rows);
            }
        }
        return scanned;
    }

    /** Whether this finds one row of one table at most, by a unique key. */
    boolean isLookUp() {
        return steps.size() == 1 && steps.getFirst().scan().findsByUniqueKey();
    }

    /** About how many rows this will look at: a guess for joins, and cheap. */
    long reads(ReadView view) {
        if (isEmpty) {
            return 0;
        }
        long rows = steps.getFirst().scan().estimateRows(view);
        for (Step step : steps.subList(1, steps.size())) {
            rows = step.access() instanceof Access.Index
                    ? times(rows, ROWS_PER_POINT)
                    : SelectPlan.sum(rows, step.scan().estimateRows(view));
        }
        return rows;
    }

    private static boolean isUnique(TableSchema table, List<BoundExpr.BoundColumn> columns) {
        return table.indexes().stream().anyMatch(i -> i.unique()
                && i.algorithm().columns().stream().allMatch(c -> columns.stream().anyMatch(own -> own.position() == c)));
    }

    private double averageRowsPerKey(ReadView view, Step step, IndexProbe probe) {
        List<BoundExpr.BoundColumn> columns = probe.index().algorithm().columns().stream()
                .map(c -> new BoundExpr.BoundColumn(
                        step.table(), c, ValueKind.of(query.tables().get(step.table()).columns().get(c).type())))
                .toList();
        return TableScan.averageRowsPerKey(view, this, step.table(), columns);
    }

    private static long times(long rows, double factor) {
        return Math.round(Math.min((double) Long.MAX_VALUE, rows * factor));
    }
}
