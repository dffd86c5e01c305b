package dev.geodesic.engine.query;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.query.parse.Dialect;
import dev.geodesic.engine.query.parse.Expr;
import dev.geodesic.engine.query.parse.Parser;
import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.engine.query.parse.Statement;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/**
 * Compiles SQL (spec/sql.md). Every method throws {@link EngineException}: SQL for text that does not parse, bind or may
 * not be run by this caller, LIMIT_EXCEEDED for queries beyond {@link Limits}. Without state; may be shared by threads.
 */
public final class SqlEngine {

    private final Limits limits;

    public SqlEngine(Limits limits) {
        this.limits = limits;
    }

    /** A statement of HTTP SQL and the PostgreSQL wire (dialect Q). For others than the owner the row limit is checked. */
    public SqlStatement prepare(String sql, ReadView view, Caller caller) {
        return limited(bind(Parser.parse(sql, Dialect.QUERY, limits), new Binder(view, caller, limits), view), view, caller);
    }

    /**
     * As {@link #prepare(String, ReadView, Caller)}, with places {@code $1}, {@code $2}... for values wherever a literal, or
     * the number of LIMIT or OFFSET, may stand.
     *
     * @param parameters their values in the text form that PostgreSQL has for the type of the column that they meet; null is
     *     refused, as NULL is
     */
    public SqlStatement prepare(String sql, ReadView view, Caller caller, List<String> parameters) {
        Binder binder = new Binder(view, caller, Parameters.of(parameters), limits);
        return limited(bind(Parser.parse(sql, Dialect.PREPARED, limits), binder, view), view, caller);
    }

    /**
     * What a statement takes and gives, without running it or knowing its parameters. Errors: as
     * {@link #prepare(String, ReadView, Caller, List)}, but for the row limit and for values that do not fit.
     */
    public SqlDescription describe(String sql, ReadView view, Caller caller) {
        Parameters parameters = Parameters.unknown();
        Binder binder = new Binder(view, caller, parameters, limits);
        return switch (bind(Parser.parse(sql, Dialect.PREPARED, limits), binder, view)) {
            case SelectPlan select -> new SqlDescription(parameters.types(), true, select.schema());
            case DmlPlan dml -> new SqlDescription(parameters.types(), false, ProductType.UNIT);
        };
    }

    private SqlStatement bind(Statement statement, Binder binder, ReadView view) {
        return switch (statement) {
            case Statement.Select select -> select(select, binder, view);
            case Statement.Insert insert -> authorized(insert(insert, binder), binder.caller());
            case Statement.Update update -> authorized(update(update, binder), binder.caller());
            case Statement.Delete delete -> authorized(delete(delete, binder), binder.caller());
            case Statement.SetVariable set -> authorized(RowLimit.set(set, binder, view), binder.caller());
            case Statement.ShowVariable show -> RowLimit.show(show, view, limits);
            case Statement.Explain(Statement explained) -> explain(bind(explained, binder, view), binder.caller(), view);
        };
    }

    /** A one-off query of a WebSocket (dialect S). For others than the owner the row limit is checked. */
    public SelectPlan compileOneOff(String sql, ReadView view, Caller caller) {
        Statement.Select select = subscriptionDialect(Parser.parse(sql, Dialect.SUBSCRIPTION, limits));
        return limited(select(select, new Binder(view, caller, limits), view), view, caller);
    }

    /**
     * A subscription. One text gives several queries for {@code SELECT * FROM *} (one per readable user table that is no
     * event table) and where several row-level-security rules allow rows (one per rule). The row limit is not checked:
     * it holds for the sum of a set's new queries, see {@link #checkRowLimit}.
     */
    public List<SubscriptionQuery> compileSubscription(String sql, ReadView view, Caller caller) {
        try {
            return Parser.isSelectAll(sql, limits) ? selectAll(view, caller) : compileSelect(sql, view, caller);
        } catch (EngineException e) {
            throw executing(e, sql);
        }
    }

    /** As {@link #compileSubscription}, where {@code SELECT * FROM *} is no query: each of the queries is of one table. */
    public List<SubscriptionQuery> compileSingle(String sql, ReadView view, Caller caller) {
        try {
            return compileSelect(sql, view, caller);
        } catch (EngineException e) {
            throw executing(e, sql);
        }
    }

    private static EngineException executing(EngineException e, String sql) {
        return new EngineException(e.code(), e.getMessage() + ", executing: `" + SqlError.shorten(sql) + "`");
    }

    private List<SubscriptionQuery> compileSelect(String sql, ReadView view, Caller caller) {
        Statement.Select select = subscriptionDialect(Parser.parse(sql, Dialect.SUBSCRIPTION, limits));
        checkTables(1 + select.from().joins().size());
        Binder binder = new Binder(view, caller, limits);
        SelectPlan plan = select(select, binder, view);
        int returned = ((SelectPlan.Output.WholeRow) plan.output()).table();
        return plan.parts().stream().map(part -> subscription(part, returned, binder)).toList();
    }

    /** Row-level security may have added tables. */
    private static void checkTables(int count) {
        if (count > 2) {
            throw SqlError.of("Invalid number of tables in subscription: " + count);
        }
    }

    private static SubscriptionQuery subscription(JoinPlan part, int returned, Binder binder) {
        checkTables(part.query().tables().size());
        return new SubscriptionQuery(part, returned, binder.usesSender());
    }

    private List<SubscriptionQuery> selectAll(ReadView view, Caller caller) {
        List<SubscriptionQuery> queries = new ArrayList<>();
        view.tables().stream()
                .filter(t -> t.kind() == TableKind.USER && !t.event())
                .sorted(Comparator.comparingInt(TableSchema::tableId))
                .forEach(table -> {
                    Binder binder = new Binder(view, caller, limits);
                    if (binder.isReadable(table)) {
                        BoundQuery all = new BoundQuery(List.of(table), binder.rowsOfCaller(table, 0));
                        parts(all, binder, view).forEach(part -> queries.add(subscription(part, 0, binder)));
                    }
                });
        return List.copyOf(queries);
    }

    static Statement.Select subscriptionDialect(Statement statement) {
        if (!(statement instanceof Statement.Select select)) {
            throw SqlError.unsupported("Non-SELECT queries");
        }
        switch (select.projection()) {
            case Statement.Projection.Star star -> { }
            case Statement.Projection.TableStar star -> { }
            case Statement.Projection.Columns columns -> throw noTableType();
            case Statement.Projection.Count count -> throw noTableType();
        }
        if (select.tail().limit().isPresent()) {
            throw SqlError.unsupported(select.text());
        }
        return select;
    }

    private static EngineException noTableType() {
        return SqlError.of(
                "Column projections are not supported in subscriptions; Subscriptions must return a table type");
    }

    // ---- SELECT ----

    private SelectPlan select(Statement.Select select, Binder binder, ReadView view) {
        Binder.From from = binder.relation(select.from());
        Scope scope = from.scope();
        BoundExpr where = select.where().map(w -> binder.condition(w, scope)).orElse(BoundExpr.TRUE);
        ResultShape shape = ShapeBinder.bind(select, binder, scope);
        BoundQuery query = new BoundQuery(scope.tables(), BoundExpr.and(List.of(from.on(), where)));
        return new SelectPlan(parts(query, binder, view), shape, limits);
    }

    private List<JoinPlan> parts(BoundQuery query, Binder binder, ReadView view) {
        return RowLevelSecurity.expand(query, view, binder, limits).stream().map(JoinPlan::new).toList();
    }

    /** Number of the table that {@code *} or {@code t.*} means. */
    static int returnedTable(Statement.Projection projection, Scope scope) {
        return switch (projection) {
            case Statement.Projection.Star star -> {
                if (scope.tableCount() > 1) {
                    throw SqlError.of("SELECT * is not supported for joins");
                }
                yield 0;
            }
            case Statement.Projection.TableStar(String table) -> scope.tableNumber(table);
            case Statement.Projection.Columns columns -> throw noTableType();
            case Statement.Projection.Count count -> throw noTableType();
        };
    }

    /** Plans name tables and show constants of rules, and estimates count rows: they are for the owner. */
    private SelectPlan explain(SqlStatement statement, Caller caller, ReadView view) {
        if (!caller.isOwner()) {
            throw SqlError.of("Caller " + caller.identity().toHex() + " is not authorized to run EXPLAIN");
        }
        ResultShape shape = new ResultShape(
                new SelectPlan.Output.Text(PlanText.of(statement, view)), Optional.empty(), ResultShape.Order.ALL,
                ProductType.of(ProductElement.of("plan", PrimitiveType.STRING)));
        return new SelectPlan(List.of(), shape, limits);
    }

    // ---- INSERT, UPDATE, DELETE ----

    private static DmlPlan authorized(DmlPlan plan, Caller caller) {
        if (!caller.isOwner()) {
            throw SqlError.of("Caller " + caller.identity().toHex() + " is not authorized to run SQL DML statements");
        }
        if (plan.table().kind() == TableKind.SYSTEM && plan.table().tableId() != SystemTables.VAR) {
            throw SqlError.unsupported("DML on the system table `" + plan.table().name() + "`");
        }
        return plan;
    }

    private static TableSchema target(String name, Binder binder) {
        TableSchema table = binder.table(name);
        if (table.role().isView()) {
            throw SqlError.of("`" + table.name() + "` is a view; DML on views is not supported");
        }
        return table;
    }

    private static DmlPlan insert(Statement.Insert insert, Binder binder) {
        TableSchema table = target(insert.table(), binder);
        List<ColumnSchema> columns = Binder.insertColumns(table, insert.columns());
        List<byte[]> rows = new ArrayList<>();
        for (List<Expr.Literal> literals : insert.rows()) {
            if (literals.size() != columns.size()) {
                throw SqlError.of("Inserting a row with " + literals.size() + " values into `" + table.name() + "` which has "
                        + columns.size() + " fields");
            }
            byte[][] values = new byte[columns.size()][];
            for (int i = 0; i < values.length; i++) {
                values[columns.get(i).position()] = binder.assigned(literals.get(i), columns.get(i).type());
            }
            BsatnWriter row = new BsatnWriter();
            for (byte[] value : values) {
                row.writeRaw(value);
            }
            rows.add(row.toByteArray());
        }
        return new DmlPlan.Insert(table, rows);
    }

    private DmlPlan update(Statement.Update update, Binder binder) {
        TableSchema table = target(update.table(), binder);
        Map<Integer, byte[]> values = new HashMap<>();
        for (Statement.Assignment assignment : update.assignments()) {
            ColumnSchema column = Binder.field(table, assignment.column());
            // Of two assignments to one column the last one counts.
            values.put(column.position(), binder.assigned(assignment.value(), column.type()));
        }
        return new DmlPlan.Update(scan(table, update.table(), update.where(), binder), values, limits);
    }

    private DmlPlan delete(Statement.Delete delete, Binder binder) {
        TableSchema table = target(delete.table(), binder);
        return new DmlPlan.Delete(scan(table, delete.table(), delete.where(), binder), limits);
    }

    private static TableScan scan(TableSchema table, String alias, Optional<Expr> where, Binder binder) {
        Scope scope = Scope.of(alias, table);
        BoundExpr condition = where.map(w -> binder.condition(w, scope)).orElse(BoundExpr.TRUE);
        return new TableScan(table, RowLayout.of(table.rowType()), condition);
    }

    // ---- row limit ----

    /** Refuses others than the owner more rows than the row limit, in the sum of a set's newly compiled distinct queries. */
    public void checkRowLimit(ReadView view, Caller caller, Collection<SubscriptionQuery> queries) {
        checkRowLimit(view, caller, () -> queries.stream().mapToLong(q -> q.estimate(view)).reduce(0, SelectPlan::sum));
    }

    /** As {@link #checkRowLimit(ReadView, Caller, Collection)}, of a sum of {@link SubscriptionQuery#estimate}. */
    public void checkRowLimit(ReadView view, Caller caller, long estimate) {
        checkRowLimit(view, caller, () -> estimate);
    }

    /** Estimating counts index points, so it is done only if there is a limit. */
    private static void checkRowLimit(ReadView view, Caller caller, LongSupplier estimate) {
        OptionalLong limit = caller.isOwner() ? OptionalLong.empty() : RowLimit.read(view);
        if (limit.isPresent()) {
            long rows = estimate.getAsLong();
            if (Long.compareUnsigned(rows, limit.getAsLong()) > 0) {
                throw SqlError.of("Estimated cardinality (" + rows + " rows) exceeds limit ("
                        + Long.toUnsignedString(limit.getAsLong()) + " rows)");
            }
        }
    }

    private static <T extends SqlStatement> T limited(T statement, ReadView view, Caller caller) {
        if (statement instanceof SelectPlan select) {
            checkRowLimit(view, caller, () -> select.estimate(view));
        }
        return statement;
    }
}
