package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.tx.ReadView;
import java.util.ArrayList;
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
    /** How a row of the other side finds rows of this one; null where an event table has no index. */
    private final IndexProbe[] probes = new IndexProbe[2];
    private final List<List<BoundExpr.BoundColumn>> columns = List.of(new ArrayList<>(), new ArrayList<>());
    private final String shape;

    /** Takes the pairs of a transaction. */
    public interface PairSink {

        /** Whether pairs with this row can be of interest; the other side of the tuple is not set. */
        boolean wants(int side, RowTuple rows);

        /** One pair that may be in the join: index and hash have decided what they can, the rest is to be tested. */
        void pair(RowTuple rows, boolean made);
    }

    /** @throws dev.geodesic.engine.base.EngineException SQL if there is an index missing, or an event table cannot follow */
    Semijoin(JoinPlan plan, int returned) {
        this.plan = plan;
        List<TableSchema> tables = plan.query().tables();
        List<BoundExpr> terms = plan.query().condition().conjuncts();
        if (plan.isEmpty()) {
            shape = "nothing";
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
        shape = tables.get(0).tableId() + " " + tables.get(1).tableId() + " " + describe(0) + " " + describe(1);
    }

    private String describe(int side) {
        return probes[side] == null ? "none" : probes[side].describe();
    }

    /** Equal for joins that find the same pairs, before what {@link PairSink#pair} has to test. */
    public String shape() {
        return shape;
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
            if (probes[other] == null) {
                return;
            }
            for (int i = 0; i < some.size(); i++) {
                budget.step();
                rows.set(side, deltas[side].store(), some.get(i));
                if (!sink.wants(side, rows)) {
                    continue;
                }
                for (RowIterator partners = probes[other].open(view, rows); partners.next();) {
                    budget.step();
                    if (!onlyOld || !deltas[other].isInserted(partners.row())) {
                        rows.set(other, partners);
                        sink.pair(rows, made);
                    }
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
