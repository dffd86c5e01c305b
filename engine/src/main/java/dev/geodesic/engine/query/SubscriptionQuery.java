package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.Operator;
import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.ReadView;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A query that a client watches: whole rows of one table under a condition, or of one side of a join of two. The delta of
 * one table is what {@link #matches} lets through of its inserted and deleted rows; for a join see {@link #semijoin}.
 * Immutable; may be shared by threads and by all callers whose queries have the same {@link #key}.
 */
public final class SubscriptionQuery {

    private final JoinPlan plan;
    private final int returned;
    private final RowPredicate predicate;
    private final TuplePredicate tuplePredicate;
    private final List<List<ColumnEquality>> equalities = new ArrayList<>();
    private final Optional<Semijoin> semijoin;
    private final String key;
    private final boolean dependsOnCaller;

    /**
     * @param plan over one table or two
     * @param returned number of the table whose rows are wanted
     */
    SubscriptionQuery(JoinPlan plan, int returned, boolean dependsOnCaller) {
        this.plan = plan;
        this.returned = returned;
        this.dependsOnCaller = dependsOnCaller;
        List<TableSchema> tables = plan.query().tables();
        BoundExpr condition = plan.query().condition();
        if (tables.size() == 1) {
            predicate = Predicates.compile(condition, plan.layout(0));
            tuplePredicate = TuplePredicate.ALWAYS;
            semijoin = Optional.empty();
        } else {
            predicate = RowPredicate.ALWAYS;
            tuplePredicate = Predicates.compileTuple(condition, new RowLayout[] {plan.layout(0), plan.layout(1)});
            semijoin = Optional.of(new Semijoin(plan, returned));
        }
        StringBuilder ids = new StringBuilder();
        for (int i = 0; i < tables.size(); i++) {
            ids.append(tables.get(i).tableId()).append(' ');
            equalities.add(equalities(condition, i));
        }
        key = ids.append(returned).append(' ').append(condition.normalized()).toString();
    }

    private static List<ColumnEquality> equalities(BoundExpr condition, int table) {
        return condition.conjuncts().stream()
                .map(term -> equality(term instanceof BoundExpr.Or(List<BoundExpr> terms) ? terms : List.of(term), table))
                .flatMap(Optional::stream)
                .toList();
    }

    /** If the alternatives compare one column with constants. */
    private static Optional<ColumnEquality> equality(List<BoundExpr> alternatives, int table) {
        int column = -1;
        List<byte[]> values = new ArrayList<>();
        for (BoundExpr alternative : alternatives) {
            if (!(alternative instanceof BoundExpr.CompareConstant(
                    Operator operator, BoundExpr.BoundColumn compared, byte[] value))
                    || operator != Operator.EQUAL
                    || compared.table() != table
                    || compared.kind().isFloat()
                    || column >= 0 && compared.position() != column) {
                return Optional.empty();
            }
            column = compared.position();
            if (values.stream().noneMatch(known -> Arrays.equals(known, value))) {
                values.add(value);
            }
        }
        return Optional.of(new ColumnEquality(column, List.copyOf(values)));
    }

    /**
     * The same query over the same tables in the shapes that they have in the view. The columns that it names are where they
     * were. Errors: SQL if a table, or an index that a join needs, is gone.
     */
    public SubscriptionQuery rebound(ReadView view) {
        List<TableSchema> tables = plan.query().tables().stream()
                .map(t -> view.table(t.tableId()).orElseThrow(() -> SqlError.of(
                        "no such table: `" + t.name() + "`. If the table exists, it may be marked private.")))
                .toList();
        JoinPlan again = new JoinPlan(new BoundQuery(tables, plan.query().condition()));
        return new SubscriptionQuery(again, returned, dependsOnCaller);
    }

    /** The table whose rows are returned. */
    public TableSchema table() {
        return plan.query().tables().get(returned);
    }

    public int tableId() {
        return table().tableId();
    }

    /** Canonical name, as sent to clients. */
    public String tableName() {
        return table().name();
    }

    /** Tables that are read, in FROM order. */
    public List<TableSchema> tables() {
        return plan.query().tables();
    }

    /** Number of the returned one of {@link #tables}. */
    public int returned() {
        return returned;
    }

    /** How a join follows transactions; empty for a query of one table. */
    public Optional<Semijoin> semijoin() {
        return semijoin;
    }

    /** Whether a row of the only table matches. */
    public boolean matches(MemorySegment segment, long rowOffset, int length) {
        return predicate.test(segment, rowOffset, length);
    }

    /** Whether a pair of rows matches. */
    public boolean matches(RowTuple rows) {
        return tuplePredicate.test(rows);
    }

    /** Terms that every matching row of a table fulfils; a row that fails one of them need not be tested. May be empty. */
    public List<ColumnEquality> equalities(int table) {
        return equalities.get(table);
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

    /** About how many rows {@link #rows} will look at: a guess for joins, and cheap. */
    public long reads(ReadView view) {
        return plan.reads(view);
    }

    /** Rows that {@link #rows} reads, for the row limit (spec/sql.md 11). */
    public long estimate(ReadView view) {
        return plan.estimate(view, Long.MAX_VALUE);
    }
}
