package dev.geodesic.engine.query;

import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.tx.ReadView;
import java.util.List;

/**
 * A walk over the combinations of rows that a {@link JoinPlan} finds, one at a time: what it keeps are hash tables of row
 * pointers, never combinations. A table that is too large for a hash table gets one after the other, and the walk begins
 * anew with each. Dies with its view. Not thread-safe.
 */
final class JoinCursor {

    /** Rows of a hash table, some eighty megabytes. */
    private static final int HASH_ROWS_MAX = 4_000_000;

    private final JoinPlan plan;
    private final ReadView view;
    private final QueryBudget budget;
    private final RowTuple rows;
    private final RowIterator[] iterators;
    private final JoinHash[] hashes;
    /** Rows that are not in the present hash table yet. */
    private final RowIterator[] unhashed;
    private final int hashRowsMax;
    private boolean started;

    JoinCursor(JoinPlan plan, ReadView view, QueryBudget budget) {
        this(plan, view, budget, plan.steps().size());
    }

    /** @param steps how many of the plan's, from the first one on, are walked */
    JoinCursor(JoinPlan plan, ReadView view, QueryBudget budget, int steps) {
        this(plan, view, budget, steps, HASH_ROWS_MAX);
    }

    JoinCursor(JoinPlan plan, ReadView view, QueryBudget budget, int count, int hashRowsMax) {
        this.hashRowsMax = hashRowsMax;
        this.plan = plan;
        this.view = view;
        this.budget = budget;
        rows = new RowTuple(plan.steps().size());
        iterators = new RowIterator[count];
        hashes = new JoinHash[count];
        unhashed = new RowIterator[count];
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
        while (true) {
            budget.step();
            RowIterator iterator = iterators[level];
            if (!iterator.next()) {
                if (--level < 0) {
                    if (!nextHashes()) {
                        return false;
                    }
                    level = 0;
                    iterators[0] = open(0);
                }
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
    }

    /** Moves on to the next combination of hash tables, the deepest one first; false if there is none. */
    private boolean nextHashes() {
        for (int level = hashes.length - 1; level > 0; level--) {
            if (hashes[level] != null && hashes[level].size() == hashRowsMax) {
                hashes[level] = fill(level);
                if (hashes[level].size() > 0) {
                    return true;
                }
            }
            // From the start again for the next table of a level before.
            hashes[level] = null;
        }
        return false;
    }

    private boolean accepts(JoinPlan.Step step) {
        if (step.access() instanceof JoinPlan.Access.Index(IndexProbe probe, List<BoundExpr> local, RowPredicate filter)) {
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
            case JoinPlan.Access.Scan all -> step.scan().open(view, budget);
            case JoinPlan.Access.Index(IndexProbe probe, List<BoundExpr> local, RowPredicate filter) -> probe.open(view, rows);
            case JoinPlan.Access.Hash hash -> {
                if (hashes[level] == null) {
                    unhashed[level] = step.scan().open(view, budget);
                    hashes[level] = fill(level);
                }
                yield hashes[level].rows(JoinHash.hash(plan, rows, hash.others()));
            }
        };
    }

    private JoinHash fill(int level) {
        JoinPlan.Step step = plan.steps().get(level);
        JoinPlan.Access.Hash hash = (JoinPlan.Access.Hash) step.access();
        JoinHash table = new JoinHash(view.store(step.scan().table().tableId()));
        RowIterator all = unhashed[level];
        while (table.size() < hashRowsMax && all.next()) {
            budget.step();
            rows.set(step.table(), all);
            table.add(all.row(), JoinHash.hash(plan, rows, hash.own()));
        }
        return table;
    }
}
