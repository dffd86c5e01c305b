package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.Expr;
import dev.geodesic.engine.query.parse.NumberText;
import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.engine.query.parse.Statement;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Binds output columns, groups and order of a SELECT (spec/sql.md 3; docs/sql.md for the extensions). For one statement. */
final class ShapeBinder {

    private final Statement.Select select;
    private final Statement.Tail tail;
    private final Binder binder;
    private final Scope scope;
    private final List<Scope.Resolved> keys = new ArrayList<>();
    private final List<Aggregation.Call> calls = new ArrayList<>();

    /** An output column; the value is a column of the query or an aggregate. */
    private record Item(Expr.Operand value, String name) {
    }

    private ShapeBinder(Statement.Select select, Binder binder, Scope scope) {
        this.select = select;
        this.tail = select.tail();
        this.binder = binder;
        this.scope = scope;
    }

    /** Errors: SQL. */
    static ResultShape bind(Statement.Select select, Binder binder, Scope scope) {
        return new ShapeBinder(select, binder, scope).bind();
    }

    private ResultShape bind() {
        boolean isPlain = tail.groupBy().isEmpty() && tail.having().isEmpty();
        return switch (select.projection()) {
            case Statement.Projection.Count(String alias) when isPlain
                    && tail.orderBy().isEmpty() && tail.offset().isEmpty() && !tail.distinct() -> {
                // The limit is read, and means nothing.
                tail.limit().ifPresent(binder::rowCount);
                yield new ResultShape(
                        new SelectPlan.Output.Count(), Optional.empty(), ResultShape.Order.ALL,
                        ProductType.of(ProductElement.of(alias, PrimitiveType.U64)));
            }
            case Statement.Projection.Count(String alias) -> grouped(List.of(new Item(
                    new Expr.Aggregate(Expr.Aggregate.Function.COUNT, false, Optional.empty()), alias)));
            case Statement.Projection.Columns(List<Statement.OutputColumn> columns) -> {
                List<Item> items = columns.stream().map(c -> new Item(c.value(), c.name())).toList();
                boolean hasCalls = items.stream().anyMatch(i -> i.value() instanceof Expr.Aggregate);
                yield isPlain && !hasCalls ? columns(items) : grouped(items);
            }
            case Statement.Projection star -> {
                int table = SqlEngine.returnedTable(star, scope);
                yield isPlain ? wholeRow(table) : grouped(items(table));
            }
        };
    }

    private List<Item> items(int table) {
        return VisibleColumns.of(scope.table(table)).stream()
                .map(c -> new Item(new Expr.Column(Optional.of(scope.alias(table)), c.name()), c.name()))
                .toList();
    }

    private static void checkNames(List<Item> items) {
        Set<String> names = new HashSet<>();
        for (Item item : items) {
            if (!names.add(item.name())) {
                throw SqlError.of("Duplicate name `" + SqlError.shorten(item.name()) + "`");
            }
        }
    }

    // ---- without groups ----

    private ResultShape wholeRow(int table) {
        TableSchema schema = scope.table(table);
        ResultShape.Order order;
        if (tail.orderBy().isEmpty() && !tail.distinct()) {
            order = orderBy(List.of(), List.of());
        } else {
            List<BoundExpr.BoundColumn> columns = VisibleColumns.of(schema).stream()
                    .map(c -> Binder.bound(new Scope.Resolved(table, c)))
                    .toList();
            order = order(items(table), columns);
        }
        return new ResultShape(
                new SelectPlan.Output.WholeRow(table, VisibleColumns.hiddenBytes(schema)), Optional.empty(), order,
                VisibleColumns.rowType(schema));
    }

    private ResultShape columns(List<Item> items) {
        List<BoundExpr.BoundColumn> columns = new ArrayList<>();
        List<ProductElement> elements = new ArrayList<>();
        for (Item item : items) {
            Scope.Resolved resolved = scope.resolve((Expr.Column) item.value());
            columns.add(Binder.bound(resolved));
            elements.add(ProductElement.of(item.name(), resolved.column().type()));
        }
        checkNames(items);
        return new ResultShape(
                new SelectPlan.Output.Columns(List.copyOf(columns)), Optional.empty(), order(items, columns),
                new ProductType(elements));
    }

    // ---- with groups ----

    private ResultShape grouped(List<Item> items) {
        for (Expr.Operand key : tail.groupBy()) {
            Scope.Resolved column = groupKey(key, items);
            if (ValueKind.of(column.column().type()) == ValueKind.OTHER) {
                throw SqlError.of("Invalid GROUP BY for type `" + TypeText.of(column.column().type()) + "`");
            }
            if (!keys.contains(column)) {
                keys.add(column);
            }
        }
        List<Integer> positions = items.stream().map(i -> position(i.value())).toList();
        checkNames(items);
        Optional<Expr> having = tail.having().map(h -> overGroups(h, items));
        List<Statement.SortKey> sortKeys = tail.orderBy().stream()
                .map(k -> new Statement.SortKey(overGroups(k.value(), items), k.descending()))
                .toList();

        List<AlgebraicType> keyTypes = keys.stream().map(k -> k.column().type()).toList();
        ProductType rowType = Aggregation.rowType(keyTypes, calls);
        RowLayout layout = RowLayout.of(rowType);
        TableSchema groups = groupsAsTable(rowType);
        Scope groupScope = Scope.of("", groups);
        BoundExpr condition = having.map(h -> binder.condition(h, groupScope)).orElse(BoundExpr.TRUE);
        Aggregation aggregation = new Aggregation(
                keys.stream().map(Binder::bound).toList(), List.copyOf(calls), Predicates.compile(condition, layout), layout);
        List<BoundExpr.BoundColumn> columns = new ArrayList<>();
        List<ProductElement> elements = new ArrayList<>();
        for (int i = 0; i < items.size(); i++) {
            ColumnSchema column = groups.columns().get(positions.get(i));
            columns.add(Binder.bound(new Scope.Resolved(0, column)));
            elements.add(ProductElement.of(items.get(i).name(), column.type()));
        }
        List<SortKeys.Key> order = sortKeys.stream()
                .map(k -> sortKey(
                        k.value() instanceof Expr.Column name
                                ? Binder.bound(groupScope.resolve(name))
                                : outputColumn(k.value(), columns),
                        k.descending()))
                .toList();
        return new ResultShape(
                new SelectPlan.Output.Columns(List.copyOf(columns)), Optional.of(aggregation), orderBy(order, columns),
                new ProductType(elements));
    }

    /** A column of the query before an output name (as PostgreSQL has it), or the position of an output column. */
    private Scope.Resolved groupKey(Expr.Operand key, List<Item> items) {
        Expr.Operand value = key;
        if (key instanceof Expr.Literal number) {
            value = items.get(outputPosition(number, items.size())).value();
        } else if (key instanceof Expr.Column name && scope.find(name).isEmpty()) {
            value = named(name, items).orElse(name);
        }
        if (value instanceof Expr.Column column) {
            return scope.resolve(column);
        }
        throw SqlError.of("aggregate functions are not allowed in GROUP BY");
    }

    private static Optional<Expr.Operand> named(Expr.Column name, List<Item> items) {
        return name.table().isPresent()
                ? Optional.empty()
                : items.stream().filter(i -> i.name().equals(name.name())).map(Item::value).findFirst();
    }

    /** The same about the rows of groups, whose columns are named by their position. */
    private Expr overGroups(Expr expr, List<Item> items) {
        return switch (expr) {
            case Expr.And(List<Expr> terms) -> new Expr.And(terms.stream().map(t -> overGroups(t, items)).toList());
            case Expr.Or(List<Expr> terms) -> new Expr.Or(terms.stream().map(t -> overGroups(t, items)).toList());
            case Expr.Compare(var operator, Expr.Operand left, Expr.Operand right) ->
                new Expr.Compare(operator, overGroups(left, items), overGroups(right, items));
            case Expr.Operand operand -> overGroups(operand, items);
        };
    }

    private Expr.Operand overGroups(Expr.Operand operand, List<Item> items) {
        return switch (operand) {
            case Expr.Column name -> groupColumn(position(named(name, items).orElse(name)));
            case Expr.Aggregate call -> groupColumn(position(call));
            case Expr.Literal literal -> literal;
            case Expr.Sender sender -> sender;
        };
    }

    private static Expr.Column groupColumn(int position) {
        return new Expr.Column(Optional.empty(), Integer.toString(position));
    }

    /** Where a key or an aggregate lies in the rows of groups. */
    private int position(Expr.Operand value) {
        if (value instanceof Expr.Aggregate aggregate) {
            Aggregation.Call call = Aggregation.Call.of(aggregate, aggregate.column().map(scope::resolve));
            if (!calls.contains(call)) {
                calls.add(call);
            }
            return keys.size() + calls.indexOf(call);
        }
        Expr.Column name = (Expr.Column) value;
        int key = keys.indexOf(scope.resolve(name));
        if (key < 0) {
            throw SqlError.of("column `" + SqlError.shorten(name.toString())
                    + "` must appear in the GROUP BY clause or be used in an aggregate function");
        }
        return key;
    }

    private static TableSchema groupsAsTable(ProductType rowType) {
        List<ColumnSchema> columns = new ArrayList<>();
        for (ProductElement element : rowType.elements()) {
            columns.add(new ColumnSchema(columns.size(), element.name().orElseThrow(), element.type(), Optional.empty()));
        }
        return new TableSchema(
                0, "", Optional.empty(), columns, OptionalInt.empty(), List.of(), List.of(), List.of(), TableAccess.PUBLIC,
                TableKind.USER, TableRole.STORED);
    }

    // ---- order ----

    private ResultShape.Order order(List<Item> items, List<BoundExpr.BoundColumn> columns) {
        List<SortKeys.Key> order = tail.orderBy().stream()
                .map(k -> sortKey(sortColumn(k.value(), items, columns), k.descending()))
                .toList();
        return orderBy(order, columns);
    }

    private ResultShape.Order orderBy(List<SortKeys.Key> order, List<BoundExpr.BoundColumn> columns) {
        if (tail.distinct()) {
            if (columns.stream().anyMatch(c -> c.kind() == ValueKind.OTHER)) {
                throw SqlError.of("DISTINCT needs columns of types that can be compared");
            }
            if (!order.stream().allMatch(k -> columns.contains(k.column()))) {
                throw SqlError.of("for SELECT DISTINCT, ORDER BY expressions must appear in the select list");
            }
        }
        return new ResultShape.Order(
                order,
                tail.distinct() ? List.copyOf(columns) : List.of(),
                tail.offset().map(binder::rowCount).orElse(0L),
                tail.limit().map(binder::rowCount).orElse(Long.MAX_VALUE));
    }

    /** An output name before a column of the query, or the position of an output column. */
    private BoundExpr.BoundColumn sortColumn(Expr.Operand value, List<Item> items, List<BoundExpr.BoundColumn> columns) {
        if (value instanceof Expr.Column name) {
            if (name.table().isEmpty()) {
                for (int i = 0; i < items.size(); i++) {
                    if (items.get(i).name().equals(name.name())) {
                        return columns.get(i);
                    }
                }
            }
            return Binder.bound(scope.resolve(name));
        } else if (value instanceof Expr.Aggregate) {
            throw SqlError.of("aggregate functions in ORDER BY need GROUP BY, or an aggregate function among the columns");
        }
        return outputColumn(value, columns);
    }

    private static BoundExpr.BoundColumn outputColumn(Expr.Operand number, List<BoundExpr.BoundColumn> columns) {
        return columns.get(outputPosition((Expr.Literal) number, columns.size()));
    }

    private static int outputPosition(Expr.Literal number, int columns) {
        return NumberText.integer(number.text())
                .filter(p -> p.signum() > 0 && p.compareTo(BigInteger.valueOf(columns)) <= 0)
                .orElseThrow(() -> SqlError.of("position " + SqlError.shorten(number.text()) + " is not in the select list"))
                .intValue() - 1;
    }

    private static SortKeys.Key sortKey(BoundExpr.BoundColumn column, boolean descending) {
        if (column.kind() == ValueKind.OTHER) {
            throw SqlError.of("ORDER BY needs a column of a type that can be compared");
        }
        return new SortKeys.Key(column, descending);
    }
}
