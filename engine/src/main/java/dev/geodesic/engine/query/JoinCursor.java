package dev.geodesic.engine.query;

import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.tx.ReadView;

/**
 * A walk over the combinations of rows that a {@link JoinPlan} finds, one at a time: what it keeps are hash tables of row
 * pointers, never combinations. Dies with its view. Not thread-safe.
 */
final class JoinCursor {

    private final JoinPlan plan;
    private final ReadView view;
    private final QueryBudget budget;
    private final RowTuple rows;
    private final RowIterator[] iterators;
    private final JoinHash[] hashes;
    private boolean started;

    JoinCursor(JoinPlan plan, ReadView view, QueryBudget budget) {
        this.plan = plan;
        this.view = view;
        this.budget = budget;
        int count = plan.steps().size();
        rows = new RowTuple(count);
        iterators = new RowIterator[count];
        hashes = new JoinHash[count];
    }

    /** The present combination, after {@link #next} returned true. */
    RowTuple rows() {
        return rows;
    }

    /** Steps to the next combination; false at the end. Errors: LIMIT_EXCEEDED if the query runs too long. */
    boolean next() {
        if (plan.isEmpty()) {
            return false;
        }
        int last = iterators.length - 1;
        int level = last;
        if (!started) {
            started = true;
            level = 0;
            iterators[0] = open(0);
        }
        while (level >= 0) {
            budget.step();
            RowIterator iterator = iterators[level];
            if (!iterator.next()) {
                level--;
                continue;
            }
            JoinPlan.Step step = plan.steps().get(level);
            rows.set(step.table(), iterator);
            if (accepts(step)) {
                if (level == last) {
                    return true;
                }
                iterators[++level] = open(level);
            }
        }
        return false;
    }

    private boolean accepts(JoinPlan.Step step) {
        if (step.access() instanceof JoinPlan.Access.Index(IndexProbe probe, RowPredicate filter)) {
            int table = step.table();
            if (!filter.test(rows.segment(table), rows.offset(table), rows.length(table))) {
                return false;
            }
        }
        return step.rest().test(rows);
    }

    private RowIterator open(int level) {
        JoinPlan.Step step = plan.steps().get(level);
        return switch (step.access()) {
            case JoinPlan.Access.Scan all -> step.scan().open(view);
            case JoinPlan.Access.Index(IndexProbe probe, RowPredicate filter) -> probe.open(view, rows);
            case JoinPlan.Access.Hash hash -> {
                if (hashes[level] == null) {
                    hashes[level] = build(step, hash);
                }
                yield hashes[level].rows(JoinHash.hash(plan, rows, hash.others()));
            }
        };
    }

    private JoinHash build(JoinPlan.Step step, JoinPlan.Access.Hash hash) {
        JoinHash table = new JoinHash(view.store(step.scan().table().tableId()));
        for (RowIterator all = step.scan().open(view); all.next();) {
            budget.step();
            rows.set(step.table(), all);
            table.add(all.row(), JoinHash.hash(plan, rows, hash.own()));
        }
        return table;
    }
}
