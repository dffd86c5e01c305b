package dev.geodesic.pgwire.catalog;

import dev.geodesic.pgwire.catalog.Values.Composite;
import dev.geodesic.pgwire.catalog.Values.PgArray;
import dev.geodesic.pgwire.message.PgException;
import dev.geodesic.pgwire.parse.Query;
import dev.geodesic.pgwire.parse.Query.Expr;
import dev.geodesic.pgwire.type.PgType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Runs one query: nested loops from the first source to the last, with conditions applied as soon as their columns are there
 * and with a hash where a source is joined by an equality. Not thread-safe.
 */
final class Evaluator {

    private final Catalog catalog;
    private final Budget budget = new Budget();
    private final Functions functions;
    private final List<String> parameters;
    private final Map<Expr, Resolved> columns = new IdentityHashMap<>();
    private final Map<Query, Plan> plans = new IdentityHashMap<>();

    /** @param parameters values of {@code $1}... */
    Evaluator(Catalog catalog, List<String> parameters) {
        this.catalog = catalog;
        this.functions = new Functions(catalog, budget);
        this.parameters = parameters;
    }

    /** Rows of a query with the types of its columns. */
    record Result(List<Relation.Column> columns, List<Object[]> rows) {
    }

    /** Where a column is: scopes outward, source, position; a position of -1 is null. */
    private record Resolved(int outward, int source, int position) {
    }

    /** A source that has been looked up, with hashes on columns that joins use; derived rows come anew in each execution. */
    private static final class Bound {

        private final Query.Source source;
        private Relation relation;
        private final Map<Integer, Map<String, List<Object[]>>> hashes = new HashMap<>();

        Bound(Query.Source source) {
            this.source = source;
        }

        List<Object[]> with(int column, Object value) {
            return hashes.computeIfAbsent(column, c -> {
                Map<String, List<Object[]>> hash = new HashMap<>();
                relation.rows().stream().filter(r -> r[c] != null)
                        .forEach(r -> hash.computeIfAbsent(Values.key(r[c]), k -> new ArrayList<>()).add(r));
                return hash;
            }).getOrDefault(value == null ? null : Values.key(value), List.of());
        }
    }

    /** @param conditions of WHERE for each source, applied when it and all before it are there */
    private record Plan(List<Bound> sources, List<List<Expr>> conditions) {
    }

    /** The rows that expressions see. */
    private static final class Scope {

        private final Scope outer;
        private final List<Bound> sources;
        private final Object[][] rows;
        /** Values of functions that give rows, and of windows, for the output row at hand. */
        private final Map<Expr, Object> given = new IdentityHashMap<>();

        Scope(Scope outer, List<Bound> sources) {
            this.outer = outer;
            this.sources = sources;
            this.rows = new Object[sources.size()][];
        }
    }

    Result run(Query query) {
        return run(query, null);
    }

    // ---- queries ----

    private Result run(Query query, Scope outer) {
        Result result = select(query, outer);
        if (query.unions().isEmpty()) {
            return result;
        }
        List<Object[]> rows = new ArrayList<>(result.rows());
        boolean all = true;
        for (Query.Union union : query.unions()) {
            Result more = select(union.query(), outer);
            if (more.columns().size() != result.columns().size()) {
                throw PgException.error("42601", "each UNION query must have the same number of columns");
            }
            rows.addAll(more.rows());
            all &= union.all();
        }
        List<Object[]> merged = all ? rows : distinct(rows);
        sortUnion(query, result.columns(), merged);
        return new Result(result.columns(), portion(query, merged, outer));
    }

    private void sortUnion(Query query, List<Relation.Column> output, List<Object[]> rows) {
        for (Query.Order order : query.orderBy().reversed()) {
            int position = switch (order.key()) {
                case Expr.Literal(Long number) -> (int) (number - 1);
                case Expr.Column(String qualifier, String name) ->
                        output.stream().map(Relation.Column::name).toList().indexOf(name);
                default -> -1;
            };
            if (position < 0 || position >= output.size()) {
                throw PgException.error("0A000", "ORDER BY of a UNION takes names or numbers of columns");
            }
            rows.sort((a, b) -> ordered(a[position], b[position], order.descending()));
        }
    }

    private Plan plan(Query query) {
        return plans.computeIfAbsent(query, q -> {
            List<Bound> sources = new ArrayList<>();
            for (Query.Source source : q.from()) {
                Bound bound = new Bound(source);
                if (source.relation() instanceof Query.Relation.Table(String schema, String name)) {
                    Relation relation = catalog.relation(schema, name).orElseThrow(() -> PgException.error("42P01",
                            "relation \"" + (schema.isEmpty() ? "" : schema + ".") + name + "\" is not in the catalogue"));
                    bound.relation = renamed(relation, source);
                }
                sources.add(bound);
            }
            List<List<Expr>> conditions = new ArrayList<>();
            sources.forEach(s -> conditions.add(new ArrayList<>()));
            conditions.add(new ArrayList<>());
            return new Plan(sources, conditions);
        });
    }

    private static Relation renamed(Relation relation, Query.Source source) {
        if (source.columns().isEmpty()) {
            return relation;
        }
        List<Relation.Column> columns = new ArrayList<>(relation.columns());
        for (int i = 0; i < Math.min(columns.size(), source.columns().size()); i++) {
            columns.set(i, new Relation.Column(source.columns().get(i), columns.get(i).type()));
        }
        return new Relation(columns, relation.rows(), relation.open());
    }

    private Result select(Query query, Scope outer) {
        Plan plan = plan(query);
        Scope scope = new Scope(outer, plan.sources());
        prepareSources(plan, scope);
        if (plan.conditions().stream().allMatch(List::isEmpty)) {
            query.where().ifPresent(where -> place(where, plan, scope));
        }
        List<Object[][]> joined = new ArrayList<>();
        join(plan, 0, scope, joined);
        Output output = new Output(query, scope);
        List<Object[]> rows = output.rows(joined);
        return new Result(output.columns, query.unions().isEmpty() ? portion(query, rows, scope) : rows);
    }

    /** Derived tables see what is outside of the query; functions are called for each row before them. */
    private void prepareSources(Plan plan, Scope scope) {
        for (Bound bound : plan.sources()) {
            switch (bound.source.relation()) {
                case Query.Relation.Table table -> { }
                case Query.Relation.Derived(Query derived) -> {
                    Result rows = run(derived, scope.outer);
                    bound.hashes.clear();
                    bound.relation = renamed(new Relation(rows.columns(), rows.rows(), false), bound.source);
                }
                case Query.Relation.Function(Expr.Call call) -> {
                    List<Relation.Column> columns = call.name().equals("_pg_expandarray")
                            ? List.of(new Relation.Column("x", PgType.TEXT), new Relation.Column("n", PgType.INT4))
                            : List.of(new Relation.Column(bound.source.alias(), PgType.TEXT));
                    bound.relation = renamed(new Relation(columns, List.of(), !Functions.givesRows(call.name())), bound.source);
                }
            }
        }
    }

    /** Puts each term of a condition behind the last source that it names; those with subqueries go to the end. */
    private void place(Expr where, Plan plan, Scope scope) {
        for (Expr term : where instanceof Expr.And(List<Expr> terms) ? terms : List.of(where)) {
            plan.conditions().get(lastSource(term, scope)).add(term);
        }
    }

    /** Number of the last source of this scope that a term names. */
    private int lastSource(Expr term, Scope scope) {
        int last = 0;
        int end = scope.sources.isEmpty() ? 0 : scope.sources.size() - 1;
        List<Expr> open = new ArrayList<>(List.of(term));
        while (!open.isEmpty()) {
            Expr expr = open.removeLast();
            switch (expr) {
                case Expr.Column column -> {
                    Resolved resolved = resolve(column, scope);
                    last = Math.max(last, resolved.outward() == 0 ? resolved.source() : 0);
                }
                case Expr.Scalar s -> last = end;
                case Expr.Exists e -> last = end;
                case Expr.InQuery i -> last = end;
                case Expr.ArrayQuery a -> last = end;
                default -> open.addAll(parts(expr));
            }
        }
        return last;
    }

    private static List<Expr> parts(Expr expr) {
        return switch (expr) {
            case Expr.Call call -> call.arguments();
            case Expr.Case c -> {
                List<Expr> all = new ArrayList<>();
                c.operand().ifPresent(all::add);
                c.whens().forEach(w -> all.addAll(List.of(w.condition(), w.value())));
                c.otherwise().ifPresent(all::add);
                yield all;
            }
            case Expr.Cast cast -> List.of(cast.value());
            case Expr.Unary unary -> List.of(unary.value());
            case Expr.Binary binary -> List.of(binary.left(), binary.right());
            case Expr.And and -> and.terms();
            case Expr.Or or -> or.terms();
            case Expr.In in -> {
                List<Expr> all = new ArrayList<>(in.choices());
                all.add(in.value());
                yield all;
            }
            case Expr.Quantified q -> List.of(q.value(), q.array());
            case Expr.ArrayOf array -> array.items();
            case Expr.Field field -> List.of(field.value());
            case Expr.Subscript subscript -> List.of(subscript.array(), subscript.index());
            default -> List.of();
        };
    }

    private void join(Plan plan, int level, Scope scope, List<Object[][]> joined) {
        if (level == plan.sources().size()) {
            if (level > 0 || holds(plan.conditions().getFirst(), scope)) {
                budget.keep(1 + level);
                joined.add(scope.rows.clone());
            }
            return;
        }
        Bound bound = plan.sources().get(level);
        Query.Source source = bound.source;
        List<Expr> on = source.on().map(c -> c instanceof Expr.And(List<Expr> terms) ? terms : List.of(c)).orElse(List.of());
        List<Expr> where = plan.conditions().get(level);
        boolean matched = false;
        for (Object[] row : candidates(bound, level, scope, on, source.join() == Query.Join.LEFT ? List.of() : where)) {
            budget.step();
            scope.rows[level] = row;
            if (holds(on, scope)) {
                matched = true;
                if (holds(where, scope)) {
                    join(plan, level + 1, scope, joined);
                }
            }
        }
        if (!matched && source.join() == Query.Join.LEFT) {
            scope.rows[level] = new Object[bound.relation.columns().size()];
            if (holds(where, scope)) {
                join(plan, level + 1, scope, joined);
            }
        }
        scope.rows[level] = null;
    }

    /** Rows of a source that can match: by a hash, if an equality with what is already there allows one. */
    private List<Object[]> candidates(Bound bound, int level, Scope scope, List<Expr> on, List<Expr> where) {
        if (bound.source.relation() instanceof Query.Relation.Function(Expr.Call call)) {
            return functions.rows(call.name(), values(call.arguments(), scope)).stream()
                    .map(v -> v instanceof Composite c ? c.fields().values().toArray() : new Object[] {v}).toList();
        }
        if (bound.relation.rows().size() > 1) {
            for (List<Expr> terms : List.of(on, where)) {
                for (Expr term : terms) {
                    if (term instanceof Expr.Binary(String operator, Expr left, Expr right) && operator.equals("=")) {
                        Optional<List<Object[]>> rows = hashed(bound, level, scope, left, right)
                                .or(() -> hashed(bound, level, scope, right, left));
                        if (rows.isPresent()) {
                            return rows.get();
                        }
                    }
                }
            }
        }
        return bound.relation.rows();
    }

    private Optional<List<Object[]>> hashed(Bound bound, int level, Scope scope, Expr column, Expr value) {
        if (!(column instanceof Expr.Column c) || value instanceof Expr.Scalar) {
            return Optional.empty();
        }
        Resolved resolved = resolve(c, scope);
        boolean ours = resolved.outward() == 0 && resolved.source() == level && resolved.position() >= 0;
        // Texts against numbers compare as numbers: '05' is 5.
        if (!ours || names(value, scope, level) || value instanceof Expr.Literal(Object v) && !(v instanceof Long)
                && bound.relation.columns().get(resolved.position()).type() != PgType.NAME) {
            return Optional.empty();
        }
        return Optional.of(bound.with(resolved.position(), value(value, scope)));
    }

    /** Whether an expression needs a source that is not there before {@code level}. */
    private boolean names(Expr expr, Scope scope, int level) {
        List<Expr> open = new ArrayList<>(List.of(expr));
        while (!open.isEmpty()) {
            Expr one = open.removeLast();
            if (one instanceof Expr.Column column) {
                Resolved resolved = resolve(column, scope);
                if (resolved.outward() == 0 && resolved.source() >= level) {
                    return true;
                }
            } else if (one instanceof Expr.Scalar || one instanceof Expr.Exists || one instanceof Expr.InQuery
                    || one instanceof Expr.ArrayQuery) {
                return true;
            }
            open.addAll(parts(one));
        }
        return false;
    }

    private boolean holds(List<Expr> terms, Scope scope) {
        for (Expr term : terms) {
            if (!Boolean.TRUE.equals(Values.bool(value(term, scope)))) {
                return false;
            }
        }
        return true;
    }

    private List<Object[]> portion(Query query, List<Object[]> rows, Scope scope) {
        long offset = query.offset().map(e -> value(e, scope)).map(Values::number).orElse(0L);
        long limit = query.limit().map(e -> value(e, scope)).map(Values::number).orElse(Long.MAX_VALUE);
        if (offset <= 0 && limit >= rows.size()) {
            return rows;
        }
        return rows.stream().skip(Math.max(0, offset)).limit(Math.max(0, limit)).toList();
    }

    private static List<Object[]> distinct(List<Object[]> rows) {
        Set<List<String>> seen = new HashSet<>();
        List<Object[]> kept = new ArrayList<>();
        for (Object[] row : rows) {
            List<String> key = new ArrayList<>();
            for (Object value : row) {
                key.add(Values.key(value));
            }
            if (seen.add(key)) {
                kept.add(row);
            }
        }
        return kept;
    }

    private static int ordered(Object a, Object b, boolean descending) {
        // NULL is larger than everything.
        int order = a == null || b == null ? Boolean.compare(a == null, b == null) : Values.compare(a, b);
        return descending ? -order : order;
    }

    // ---- output ----

    private final class Output {

        private final Query query;
        private final Scope scope;
        private final List<Relation.Column> columns = new ArrayList<>();
        private final List<Expr> values = new ArrayList<>();
        private final List<Expr.Call> rowCalls = new ArrayList<>();
        private final List<Expr.Call> windows = new ArrayList<>();

        Output(Query query, Scope scope) {
            this.query = query;
            this.scope = scope;
            for (Query.Item item : query.items()) {
                switch (item) {
                    case Query.Item.Value(Expr value, String name) -> add(value, name);
                    case Query.Item.All(String qualifier) -> all(qualifier);
                }
            }
            values.forEach(this::collect);
        }

        private void add(Expr value, String name) {
            budget.keep(1);
            values.add(value);
            columns.add(new Relation.Column(name, type(value, scope)));
        }

        private void all(String qualifier) {
            boolean found = false;
            for (int s = 0; s < scope.sources.size(); s++) {
                Bound bound = scope.sources.get(s);
                if (qualifier.isEmpty() || bound.source.alias().equals(qualifier)) {
                    found = true;
                    for (int i = 0; i < bound.relation.columns().size(); i++) {
                        String name = bound.relation.columns().get(i).name();
                        Expr.Column column = new Expr.Column(bound.source.alias(), name);
                        Evaluator.this.columns.put(column, new Resolved(0, s, i));
                        add(column, name);
                    }
                }
            }
            if (!found) {
                throw PgException.error("42703", "there is nothing that * could stand for");
            }
        }

        private void collect(Expr expr) {
            if (expr instanceof Expr.Call call) {
                if (call.over().isPresent()) {
                    windows.add(call);
                } else if (Functions.givesRows(call.name())) {
                    rowCalls.add(call);
                }
            }
            parts(expr).forEach(this::collect);
        }

        /** A row with its sort keys behind it. */
        private List<Object[]> rows(List<Object[][]> joined) {
            Map<Expr.Call, long[]> numbers = new IdentityHashMap<>();
            windows.forEach(w -> numbers.put(w, rowNumbers(w, joined)));
            List<Query.Order> order = query.unions().isEmpty() ? query.orderBy() : List.of();
            List<Object[]> rows = new ArrayList<>();
            for (int r = 0; r < joined.size(); r++) {
                System.arraycopy(joined.get(r), 0, scope.rows, 0, scope.rows.length);
                for (Expr.Call window : windows) {
                    scope.given.put(window, numbers.get(window)[r]);
                }
                emit(order, rows);
            }
            List<Object[]> unique = query.distinct() ? distinct(rows) : rows;
            int width = values.size();
            unique.sort((a, b) -> {
                for (int i = 0; i < order.size(); i++) {
                    int difference = ordered(a[width + i], b[width + i], order.get(i).descending());
                    if (difference != 0) {
                        return difference;
                    }
                }
                return 0;
            });
            return order.isEmpty() ? unique : unique.stream().map(row -> Arrays.copyOf(row, width)).toList();
        }

        /** One row, or as many as the functions in it that give rows. */
        private void emit(List<Query.Order> order, List<Object[]> rows) {
            if (rowCalls.isEmpty()) {
                rows.add(row(order));
                return;
            }
            List<List<Object>> lists = rowCalls.stream()
                    .map(c -> functions.rows(c.name(), Evaluator.this.values(c.arguments(), scope))).toList();
            int count = lists.stream().mapToInt(List::size).max().orElse(0);
            for (int i = 0; i < count; i++) {
                for (int k = 0; k < rowCalls.size(); k++) {
                    scope.given.put(rowCalls.get(k), i < lists.get(k).size() ? lists.get(k).get(i) : null);
                }
                rows.add(row(order));
            }
        }

        private Object[] row(List<Query.Order> order) {
            budget.keep(values.size() + order.size());
            Object[] row = new Object[values.size() + order.size()];
            for (int i = 0; i < values.size(); i++) {
                row[i] = value(values.get(i), scope);
            }
            for (int i = 0; i < order.size(); i++) {
                row[values.size() + i] = sortKey(order.get(i).key(), row);
            }
            return row;
        }

        private Object sortKey(Expr key, Object[] row) {
            if (key instanceof Expr.Literal(Long number)) {
                if (number < 1 || number > values.size()) {
                    throw PgException.error("42P10", "ORDER BY position " + number + " is not in select list");
                }
                return row[(int) (number - 1)];
            }
            if (key instanceof Expr.Column(String qualifier, String name) && qualifier.isEmpty()) {
                int position = columns.stream().map(Relation.Column::name).toList().indexOf(name);
                if (position >= 0) {
                    return row[position];
                }
            }
            return value(key, scope);
        }

        private long[] rowNumbers(Expr.Call window, List<Object[][]> joined) {
            if (!window.name().equals("row_number")) {
                throw PgException.error("0A000", "window function " + window.name() + " is not supported");
            }
            Map<String, List<Integer>> partitions = new HashMap<>();
            List<List<Object>> keys = new ArrayList<>();
            for (int r = 0; r < joined.size(); r++) {
                System.arraycopy(joined.get(r), 0, scope.rows, 0, scope.rows.length);
                StringBuilder partition = new StringBuilder();
                for (Expr expr : window.over().orElseThrow().partitionBy()) {
                    partition.append(Values.key(value(expr, scope))).append('\0');
                }
                partitions.computeIfAbsent(partition.toString(), p -> new ArrayList<>()).add(r);
                List<Object> key = new ArrayList<>();
                window.over().get().orderBy().forEach(o -> key.add(value(o.key(), scope)));
                keys.add(key);
            }
            long[] numbers = new long[joined.size()];
            List<Query.Order> order = window.over().get().orderBy();
            for (List<Integer> partition : partitions.values()) {
                partition.sort((a, b) -> {
                    for (int i = 0; i < order.size(); i++) {
                        int difference = ordered(keys.get(a).get(i), keys.get(b).get(i), order.get(i).descending());
                        if (difference != 0) {
                            return difference;
                        }
                    }
                    return 0;
                });
                for (int i = 0; i < partition.size(); i++) {
                    numbers[partition.get(i)] = i + 1;
                }
            }
            return numbers;
        }
    }

    // ---- columns ----

    private Resolved resolve(Expr.Column column, Scope scope) {
        Resolved known = columns.get(column);
        if (known != null) {
            return known;
        }
        int outward = 0;
        for (Scope s = scope; s != null; s = s.outer, outward++) {
            Resolved found = find(column, s, outward);
            if (found != null) {
                columns.put(column, found);
                return found;
            }
        }
        throw PgException.error("42703", "column \"" + (column.qualifier().isEmpty() ? "" : column.qualifier() + ".")
                + column.name() + "\" does not exist");
    }

    private static Resolved find(Expr.Column column, Scope scope, int outward) {
        Resolved open = null;
        for (int i = 0; i < scope.sources.size(); i++) {
            Bound bound = scope.sources.get(i);
            if (!column.qualifier().isEmpty() && !bound.source.alias().equals(column.qualifier())) {
                continue;
            }
            // Derived tables are still without rows while those before them run.
            int position = bound.relation == null ? -1 : bound.relation.indexOf(column.name());
            if (position >= 0) {
                return new Resolved(outward, i, position);
            } else if (bound.relation != null && bound.relation.open() && open == null) {
                open = new Resolved(outward, i, -1);
            }
        }
        return open;
    }

    private static Scope outward(Scope scope, int count) {
        Scope found = scope;
        for (int i = 0; i < count; i++) {
            found = found.outer;
        }
        return found;
    }

    // ---- values ----

    private List<Object> values(List<Expr> exprs, Scope scope) {
        List<Object> values = new ArrayList<>(exprs.size());
        exprs.forEach(e -> values.add(value(e, scope)));
        return values;
    }

    private Object value(Expr expr, Scope scope) {
        budget.step();
        return switch (expr) {
            case Expr.Literal(Object value) -> value;
            case Expr.Parameter(int number) -> parameter(number);
            case Expr.Column column -> {
                Resolved resolved = resolve(column, scope);
                Object[] row = outward(scope, resolved.outward()).rows[resolved.source()];
                yield resolved.position() < 0 || row == null ? null : row[resolved.position()];
            }
            case Expr.Call call -> {
                if (scope != null && scope.given.containsKey(call)) {
                    yield scope.given.get(call);
                } else if (call.over().isPresent() || Functions.givesRows(call.name())) {
                    throw PgException.error("0A000", call.name() + " is not supported at this place");
                }
                yield functions.call(call.name(), values(call.arguments(), scope));
            }
            case Expr.Case c -> cases(c, scope);
            case Expr.Cast(Expr value, String type) -> functions.cast(value(value, scope), type);
            case Expr.Unary(String operator, Expr operand) -> unary(operator, value(operand, scope));
            case Expr.Binary(String operator, Expr left, Expr right) ->
                    functions.operate(operator, value(left, scope), value(right, scope));
            case Expr.And(List<Expr> terms) -> logic(terms, scope, false);
            case Expr.Or(List<Expr> terms) -> logic(terms, scope, true);
            case Expr.In(Expr value, List<Expr> choices) -> in(value(value, scope), values(choices, scope));
            case Expr.InQuery(Expr value, Query query) -> in(value(value, scope), firstColumn(query, scope));
            case Expr.Quantified q -> quantified(q, scope);
            case Expr.Exists(Query query) -> !run(query, scope).rows().isEmpty();
            case Expr.Scalar(Query query) -> scalar(query, scope);
            case Expr.ArrayQuery(Query query) -> PgArray.of(firstColumn(query, scope));
            case Expr.ArrayOf(List<Expr> items) -> PgArray.of(values(items, scope));
            case Expr.Field(Expr value, String name) ->
                    value(value, scope) instanceof Composite composite ? composite.fields().get(name) : null;
            case Expr.Subscript(Expr array, Expr index) -> subscript(value(array, scope), value(index, scope));
        };
    }

    private Object parameter(int number) {
        if (number < 1 || number > parameters.size()) {
            throw PgException.error("42P02", "there is no parameter $" + number);
        }
        return parameters.get(number - 1);
    }

    private List<Object> firstColumn(Query query, Scope scope) {
        List<Object> values = new ArrayList<>();
        run(query, scope).rows().forEach(row -> values.add(row[0]));
        return values;
    }

    private Object scalar(Query query, Scope scope) {
        List<Object[]> rows = run(query, scope).rows();
        if (rows.size() > 1) {
            throw PgException.error("21000", "more than one row returned by a subquery used as an expression");
        }
        return rows.isEmpty() ? null : rows.getFirst()[0];
    }

    private Object cases(Expr.Case c, Scope scope) {
        Object operand = c.operand().map(o -> value(o, scope)).orElse(null);
        for (Expr.When when : c.whens()) {
            Object condition = value(when.condition(), scope);
            boolean applies = c.operand().isPresent()
                    ? operand != null && condition != null && Values.compare(operand, condition) == 0
                    : Boolean.TRUE.equals(Values.bool(condition));
            if (applies) {
                return value(when.value(), scope);
            }
        }
        return c.otherwise().map(o -> value(o, scope)).orElse(null);
    }

    private static Object unary(String operator, Object value) {
        return switch (operator) {
            case "isnull" -> value == null;
            case "istrue" -> Boolean.TRUE.equals(Values.bool(value));
            case "isfalse" -> Boolean.FALSE.equals(Values.bool(value));
            case "not" -> value == null ? null : (Boolean) !Values.bool(value);
            default -> value == null ? null : value instanceof Double d ? (Object) (-d) : (Object) (-Values.number(value));
        };
    }

    /** With NULL as unknown: {@code decisive} decides whatever the others are. */
    private Object logic(List<Expr> terms, Scope scope, boolean decisive) {
        Boolean result = !decisive;
        for (Expr term : terms) {
            Boolean value = Values.bool(value(term, scope));
            if (value == null) {
                result = null;
            } else if (value == decisive) {
                return decisive;
            }
        }
        return result;
    }

    private Object in(Object value, List<Object> choices) {
        if (value == null) {
            return null;
        }
        boolean unknown = false;
        for (Object choice : choices) {
            budget.step();
            if (choice != null && Values.compare(value, choice) == 0) {
                return true;
            }
            unknown |= choice == null;
        }
        return unknown ? null : (Boolean) false;
    }

    private Object quantified(Expr.Quantified q, Scope scope) {
        Object value = value(q.value(), scope);
        Object array = value(q.array(), scope);
        List<Object> items = array instanceof PgArray a ? a.items() : array instanceof String s ? literal(s) : List.of();
        Boolean result = q.all();
        for (Object item : items) {
            Boolean one = Values.bool(functions.operate(q.operator(), value, item));
            if (one == null) {
                result = null;
            } else if (one != q.all()) {
                return one;
            }
        }
        return result;
    }

    /** {@code '{a,b}'}, without quotes inside. */
    private static List<Object> literal(String text) {
        String inner = text.strip();
        if (!inner.startsWith("{") || !inner.endsWith("}")) {
            throw PgException.error("22P02", "malformed array literal");
        }
        inner = inner.substring(1, inner.length() - 1);
        return inner.isEmpty() ? List.of() : Collections.unmodifiableList(new ArrayList<>(List.of(inner.split(","))));
    }

    private static Object subscript(Object array, Object index) {
        if (!(array instanceof PgArray a) || index == null) {
            return null;
        }
        long at = Values.number(index) - a.first();
        return at < 0 || at >= a.items().size() ? null : a.items().get((int) at);
    }

    // ---- types ----

    /** What an output column is called a type of; whatever is not sure is text. */
    private PgType type(Expr expr, Scope scope) {
        return switch (expr) {
            case Expr.Literal(Long n) -> n == n.intValue() ? PgType.INT4 : PgType.INT8;
            case Expr.Literal(Boolean b) -> PgType.BOOL;
            case Expr.Literal(Double d) -> PgType.NUMERIC;
            case Expr.Column column -> {
                Resolved resolved = resolve(column, scope);
                yield resolved.position() < 0 ? PgType.TEXT
                        : outward(scope, resolved.outward()).sources.get(resolved.source()).relation.columns()
                                .get(resolved.position()).type();
            }
            case Expr.Call call -> switch (call.name()) {
                case "coalesce", "nullif", "greatest", "least" ->
                        call.arguments().isEmpty() ? PgType.TEXT : type(call.arguments().getFirst(), scope);
                default -> Functions.type(call.name());
            };
            case Expr.Case c -> c.whens().stream().map(Expr.When::value)
                    .filter(v -> !(v instanceof Expr.Literal(Object o) && o == null))
                    .findFirst().map(v -> type(v, scope)).orElse(PgType.TEXT);
            case Expr.Cast cast -> cast.type().startsWith("reg") ? PgType.TEXT : PgTypes.named(cast.type());
            case Expr.Unary unary -> unary.operator().equals("-") ? type(unary.value(), scope) : PgType.BOOL;
            case Expr.Binary binary -> switch (binary.operator()) {
                case "||" -> PgType.TEXT;
                case "+", "-", "*", "/", "%", "&", "|" -> PgType.INT8;
                default -> PgType.BOOL;
            };
            case Expr.And and -> PgType.BOOL;
            case Expr.Or or -> PgType.BOOL;
            case Expr.In in -> PgType.BOOL;
            case Expr.InQuery in -> PgType.BOOL;
            case Expr.Quantified q -> PgType.BOOL;
            case Expr.Exists e -> PgType.BOOL;
            case Expr.Field(Expr value, String name) -> name.equals("n") ? PgType.INT4 : PgType.TEXT;
            default -> PgType.TEXT;
        };
    }
}
