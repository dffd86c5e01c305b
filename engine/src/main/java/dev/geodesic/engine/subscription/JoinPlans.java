package dev.geodesic.engine.subscription;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.query.QueryBudget;
import dev.geodesic.engine.query.RowTuple;
import dev.geodesic.engine.query.Semijoin;
import dev.geodesic.engine.query.TableDelta;
import dev.geodesic.engine.tx.ReadView;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The plans over joins that find the same pairs of rows: the pairs of a transaction are found once for all of them, and the
 * plans of a pair by the constants that they compare its rows with.
 */
final class JoinPlans implements Semijoin.PairSink {

    private final Semijoin join;
    private final PlanIndex plans;
    private final List<Plan> found = new ArrayList<>();
    private List<Plan> changed;
    private Map<Plan, String> failed;
    private QueryBudget budget;

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

    void add(Plan plan) {
        plans.add(plan);
    }

    void remove(Plan plan) {
        plans.remove(plan);
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
    public void pair(RowTuple rows, boolean made) {
        found.clear();
        plans.find(rows, found);
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
