package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.tx.ReadView;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * How a subscription to a join of two tables, its sides 0 and 1, follows the transactions. A pair of rows is in the join or
 * not, so a transaction makes and ends pairs (spec/sql.md 12; {@code '} after, {@code +} inserted, {@code -} deleted):
 *
 * <pre>
 *   made   =  A+ x B'   and  (A' without A+) x B+
 *   ended  =  A- x (B' without B+)   and  A- x B-   and  (A' without A+) x B-
 * </pre>
 *
 * Rows that stay are found by index; of an event table none stay. Immutable.
 */
public final class Semijoin {

    /** Up to so many pairs of deleted rows are compared one by one. */
    private static final int FEW_PAIRS = 64;

    private final JoinPlan plan;
    /**
     * A narrow probe is cheap for few queries: so many partners of a row are looked at for each of them before it is asked.
     */
    private static final int PARTNERS_PER_NARROW = 4;

    /** How a row of the other side finds rows of this one; null where an event table has no index. */
    private final IndexProbe[] probes = new IndexProbe[2];
    /** The same with an index of join columns alone where there is one, so that it serves queries with other constants too. */
    private final IndexProbe[] shared = new IndexProbe[2];
    private final List<List<BoundExpr.BoundColumn>> columns = List.of(new ArrayList<>(), new ArrayList<>());
    private final String shape;
    private final String narrowShape;

    /** Takes the pairs of a transaction. */
    public interface PairSink {

        /** Whether pairs with this row can be of interest; the other side of the tuple is not set. */
        boolean wants(int side, RowTuple rows);

        /** One pair that may be in the join: index and hash have decided what they can, the rest is to be tested. */
        void pair(RowTuple rows, boolean made);

        /** Joins of the same shape whose indexes find fewer pairs, those of interest to their own queries. */
        Collection<? extends Narrow> narrow();
    }

    /** One of the joins of a shape, which differ in the constants of their narrow probes. */
    public interface Narrow extends PairSink {

        Semijoin join();
    }

    /** @throws dev.geodesic.engine.base.EngineException SQL if there is an index missing, or an event table cannot follow */
    Semijoin(JoinPlan plan, int returned) {
        this.plan = plan;
        List<TableSchema> tables = plan.query().tables();
        List<BoundExpr> terms = plan.query().condition().conjuncts();
        if (plan.isEmpty()) {
            shape = "nothing";
            narrowShape = shape;
            return;
        }
        RowLayout[] layouts = {plan.layout(0), plan.layout(1)};
        List<BoundExpr> equalities = terms.stream().filter(t -> IndexProbe.isEquality(t, 0)).toList();
        for (int side = 0; side < 2; side++) {
            int number = side;
            List<BoundExpr> local = terms.stream()
                    .filter(t -> t.tables().cardinality() == 1 && t.tables().get(number))
                    .toList();
            probes[side] = IndexProbe.choose(tables.get(side), side, local, equalities, layouts).orElse(null);
            shared[side] = probes[side] == null || !probes[side].hasConstants() ? probes[side]
                    : IndexProbe.choose(tables.get(side), side, List.of(), equalities, layouts).orElse(probes[side]);
            boolean isDriving = side == returned && tables.get(side).event();
            if (probes[side] == null && !isDriving) {
                throw SqlError.of("Subscriptions require indexes on join columns");
            }
        }
        if (tables.get(1 - returned).event()) {
            throw SqlError.of("Event tables cannot be used as the lookup table in subscription joins");
        }
        for (BoundExpr term : equalities) {
            BoundExpr.CompareColumns equality = (BoundExpr.CompareColumns) term;
            columns.get(equality.left().table()).add(equality.left());
            columns.get(equality.right().table()).add(equality.right());
        }
        String ids = tables.get(0).tableId() + " " + tables.get(1).tableId() + " ";
        shape = ids + describe(shared[0]) + " " + describe(shared[1]);
        narrowShape = ids + describe(probes[0]) + " " + describe(probes[1]);
    }

    private static String describe(IndexProbe probe) {
        return probe == null ? "none" : probe.describe();
    }

    /** Equal for joins that find the same pairs, before what {@link PairSink#pair} has to test. */
    public String shape() {
        return shape;
    }

    /** Whether it can find fewer pairs than others of the same {@link #shape}. */
    public boolean isNarrow() {
        return !narrowShape.equals(shape);
    }

    /** Equal for joins whose indexes are asked for the same constants too. */
    public String narrowShape() {
        return narrowShape;
    }

    public int tableId(int side) {
        return plan.query().tables().get(side).tableId();
    }

    /** One table, or two. */
    public Set<Integer> tableIds() {
        return new TreeSet<>(List.of(tableId(0), tableId(1)));
    }

    public RowLayout layout(int side) {
        return plan.layout(side);
    }

    /**
     * Walks over the pairs that the last transaction made, then over those that it ended.
     *
     * @param delta0 of the table on side 0, or null if that did not change
     * @param view the tables after the transaction
     * @throws dev.geodesic.engine.base.EngineException LIMIT_EXCEEDED if it takes too long
     */
    public void pairs(TableDelta delta0, TableDelta delta1, ReadView view, QueryBudget budget, PairSink sink) {
        TableDelta[] deltas = {
            delta0 == null ? TableDelta.NONE : delta0, delta1 == null ? TableDelta.NONE : delta1};
        new Walk(deltas, view, budget, sink).run();
    }

    private final class Walk {

        private final TableDelta[] deltas;
        private final ReadView view;
        private final QueryBudget budget;
        private final PairSink sink;
        private final RowTuple rows = new RowTuple(2);

        Walk(TableDelta[] deltas, ReadView view, QueryBudget budget, PairSink sink) {
            this.deltas = deltas;
            this.view = view;
            this.budget = budget;
            this.sink = sink;
        }

        void run() {
            withPresent(0, deltas[0].inserts(), true, false);
            withPresent(1, deltas[1].inserts(), true, true);
            withPresent(0, deltas[0].deletes(), false, true);
            withPresent(1, deltas[1].deletes(), false, true);
            deletedWithDeleted();
        }

        /** Pairs of some rows of a side with rows of the other one that are there now, or that were there before too. */
        private void withPresent(int side, RowPointers some, boolean made, boolean onlyOld) {
            int other = 1 - side;
            if (shared[other] == null) {
                return;
            }
            for (int i = 0; i < some.size(); i++) {
                budget.step();
                rows.set(side, deltas[side].store(), some.get(i));
                if (!sink.wants(side, rows)) {
                    continue;
                }
                Collection<? extends Narrow> narrow = sink.narrow();
                if (narrow.isEmpty() || hasFewPartners(shared[other], PARTNERS_PER_NARROW * (long) narrow.size())) {
                    pairs(shared[other], other, made, onlyOld, sink);
                } else {
                    for (Narrow one : narrow) {
                        if (one.wants(side, rows)) {
                            pairs(one.join().probes[other], other, made, onlyOld, one);
                        }
                    }
                }
            }
        }

        private boolean hasFewPartners(IndexProbe probe, long max) {
            RowIterator partners = probe.open(view, rows);
            for (long i = 0; i <= max; i++) {
                if (!partners.next()) {
                    return true;
                }
                budget.step();
            }
            return false;
        }

        private void pairs(IndexProbe probe, int other, boolean made, boolean onlyOld, PairSink to) {
            budget.step();
            for (RowIterator partners = probe.open(view, rows); partners.next();) {
                budget.step();
                if (!onlyOld || !deltas[other].isInserted(partners.row())) {
                    rows.set(other, partners);
                    to.pair(rows, made);
                }
            }
        }

        private void deletedWithDeleted() {
            RowPointers left = deltas[0].deletes();
            RowPointers right = deltas[1].deletes();
            if (left.size() == 0 || right.size() == 0) {
                return;
            }
            JoinHash hash = (long) left.size() * right.size() > FEW_PAIRS ? hash(right) : null;
            for (int i = 0; i < left.size(); i++) {
                budget.step();
                rows.set(0, deltas[0].store(), left.get(i));
                if (!sink.wants(0, rows)) {
                    continue;
                }
                if (hash == null) {
                    for (int k = 0; k < right.size(); k++) {
                        rows.set(1, deltas[1].store(), right.get(k));
                        sink.pair(rows, false);
                    }
                } else {
                    for (RowIterator partners = hash.rows(JoinHash.hash(plan, rows, columns.get(0))); partners.next();) {
                        budget.step();
                        rows.set(1, partners);
                        sink.pair(rows, false);
                    }
                }
            }
        }

        private JoinHash hash(RowPointers some) {
            JoinHash hash = new JoinHash(deltas[1].store());
            for (int i = 0; i < some.size(); i++) {
                rows.set(1, deltas[1].store(), some.get(i));
                hash.add(some.get(i), JoinHash.hash(plan, rows, columns.get(1)));
            }
            return hash;
        }
    }
}
