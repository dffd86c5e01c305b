package dev.geodesic.engine.subscription;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.query.QueryBudget;
import dev.geodesic.engine.query.RowTuple;
import dev.geodesic.engine.query.Semijoin;
import dev.geodesic.engine.query.TableDelta;
import dev.geodesic.engine.tx.ReadView;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The plans over joins that find the same pairs of rows: the pairs of a transaction are found once for all of them, and the
 * plans of a pair by the constants that they compare its rows with. Where a row has more partners than there are plans with
 * an index that finds few of them, those look for their own.
 */
final class JoinPlans implements Semijoin.PairSink {

    private final Semijoin join;
    private final PlanIndex plans;
    private final Map<String, NarrowPlans> narrow = new HashMap<>();
    /** Plans that need all pairs anyway. */
    private int wideCount;
    private final List<Plan> found = new ArrayList<>();
    private List<Plan> changed;
    private Map<Plan, String> failed;
    private QueryBudget budget;

    /** Those whose indexes are asked for the same constants. */
    private final class NarrowPlans implements Semijoin.Narrow {

        private final Semijoin own;
        private final PlanIndex index;

        NarrowPlans(Semijoin own) {
            this.own = own;
            index = new PlanIndex(own.layout(0), own.layout(1));
        }

        @Override
        public Semijoin join() {
            return own;
        }

        @Override
        public boolean wants(int side, RowTuple rows) {
            return index.wants(side, rows);
        }

        @Override
        public void pair(RowTuple rows, boolean made) {
            JoinPlans.this.pair(index, rows, made);
        }

        @Override
        public Collection<? extends Semijoin.Narrow> narrow() {
            return List.of();
        }
    }

    JoinPlans(Semijoin join) {
        this.join = join;
        plans = new PlanIndex(join.layout(0), join.layout(1));
    }

    Semijoin join() {
        return join;
    }

    boolean isEmpty() {
        return plans.isEmpty();
    }

    private static Semijoin joinOf(Plan plan) {
        return plan.query().semijoin().orElseThrow();
    }

    void add(Plan plan) {
        plans.add(plan);
        Semijoin own = joinOf(plan);
        if (own.isNarrow()) {
            narrow.computeIfAbsent(own.narrowShape(), s -> new NarrowPlans(own)).index.add(plan);
        } else {
            wideCount++;
        }
    }

    void remove(Plan plan) {
        plans.remove(plan);
        Semijoin own = joinOf(plan);
        if (own.isNarrow()) {
            NarrowPlans same = narrow.get(own.narrowShape());
            same.index.remove(plan);
            if (same.index.isEmpty()) {
                narrow.remove(own.narrowShape());
            }
        } else {
            wideCount--;
        }
    }

    /**
     * Evaluates all plans over a transaction.
     *
     * @param delta0 of the table on side 0, or null
     * @param first takes plans at their first change
     * @param failures takes plans that could not be evaluated
     */
    void evaluate(
            TableDelta delta0, TableDelta delta1, ReadView view, QueryBudget budget, List<Plan> first,
            Map<Plan, String> failures) {
        changed = first;
        failed = failures;
        this.budget = budget;
        try {
            join.pairs(delta0, delta1, view, budget, this);
        } catch (EngineException e) {
            found.clear();
            plans.all(found);
            found.forEach(plan -> fail(plan, e));
        }
    }

    private void fail(Plan plan, EngineException e) {
        plan.forget();
        failed.putIfAbsent(plan, e.getMessage());
    }

    @Override
    public boolean wants(int side, RowTuple rows) {
        return plans.wants(side, rows);
    }

    @Override
    public Collection<? extends Semijoin.Narrow> narrow() {
        return wideCount > 0 ? List.of() : narrow.values();
    }

    @Override
    public void pair(RowTuple rows, boolean made) {
        pair(plans, rows, made);
    }

    private void pair(PlanIndex index, RowTuple rows, boolean made) {
        found.clear();
        index.find(rows, found);
        for (int i = 0; i < found.size(); i++) {
            Plan plan = found.get(i);
            int side = plan.query().returned();
            if (plan.query().matches(rows) && !failed.containsKey(plan)) {
                if (plan.change(rows.segment(side), rows.offset(side), rows.length(side), made)) {
                    changed.add(plan);
                }
                check(plan);
            }
        }
    }

    /** One changed row of one table may have a million partners. */
    private void check(Plan plan) {
        try {
            budget.checkKept(plan.changedBytes());
        } catch (EngineException e) {
            fail(plan, e);
        }
    }
}
