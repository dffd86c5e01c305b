package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.Operator;
import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.tx.ReadView;
import java.util.List;

/**
 * A query that a client watches: whole rows of one table under a condition. Its delta for a transaction is what
 * {@link #predicate} lets through of the inserted and of the deleted rows. Immutable; may be shared by threads and by all
 * callers whose queries have the same {@link #key}.
 */
public final class SubscriptionQuery {

    private final JoinPlan plan;
    private final int returned;
    private final RowPredicate predicate;
    private final List<ColumnEquality> equalities;
    private final String key;
    private final boolean dependsOnCaller;

    /** @param returned number of the table whose rows are wanted */
    SubscriptionQuery(JoinPlan plan, int returned, boolean dependsOnCaller) {
        if (plan.steps().size() > 1) {
            throw SqlError.of("Joins are not supported yet");
        }
        this.plan = plan;
        this.returned = returned;
        this.dependsOnCaller = dependsOnCaller;
        BoundExpr condition = plan.query().condition();
        predicate = Predicates.compile(condition, plan.layout(0));
        equalities = condition.conjuncts().stream()
                .filter(BoundExpr.CompareConstant.class::isInstance)
                .map(BoundExpr.CompareConstant.class::cast)
                .filter(c -> c.operator() == Operator.EQUAL && !c.column().kind().isFloat())
                .map(c -> new ColumnEquality(c.column().position(), c.value()))
                .toList();
        key = table().tableId() + " " + condition.normalized();
    }

    public TableSchema table() {
        return plan.query().tables().get(returned);
    }

    /** Every table that is read. */
    public List<TableSchema> tables() {
        return plan.query().tables();
    }

    public int tableId() {
        return table().tableId();
    }

    /** Canonical name, as sent to clients. */
    public String tableName() {
        return table().name();
    }

    /** The whole condition. */
    public RowPredicate predicate() {
        return predicate;
    }

    /** Terms that every matching row fulfils; a row that fails one of them need not be tested. May be empty. */
    public List<ColumnEquality> equalities() {
        return equalities;
    }

    /** Equal for queries that give the same rows in the same schema; the caller's identity is in it where it matters. */
    public String key() {
        return key;
    }

    /** Whether the text means something else for another caller; if not, its compiled form may be kept for all. */
    public boolean dependsOnCaller() {
        return dependsOnCaller;
    }

    /**
     * All rows that match now, as they are sent.
     *
     * @throws dev.geodesic.engine.base.EngineException LIMIT_EXCEEDED if that takes too long, or a join's rows are too many
     */
    public void rows(ReadView view, QueryBudget budget, RowSink sink) {
        RowSink out = plan.steps().size() == 1 ? sink : budget.limit(sink);
        for (JoinCursor cursor = plan.open(view, budget); cursor.next();) {
            SelectPlan.wholeRow(plan, returned, cursor.rows(), out);
        }
    }

    /** Rows that {@link #rows} reads, for the row limit (spec/sql.md 11). */
    public long estimate(ReadView view) {
        return plan.estimate(view, Long.MAX_VALUE);
    }
}
