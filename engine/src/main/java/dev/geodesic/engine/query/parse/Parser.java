package dev.geodesic.engine.query.parse;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.Limits;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Recursive descent over the grammar of spec/sql.md section 1. Only parentheses recurse, and their depth is limited, so no
 * text can exhaust the stack.
 */
public final class Parser {

    /** Terms of AND/OR chains in one statement (spec/sql.md 5). */
    private static final int CHAIN_MAX = 1_600;
    private static final int PARENTHESES_MAX = 47;
    private static final int ECHO_CHARS = 120;
    private static final Pattern PLACE = Pattern.compile("\\$[1-9]\\d{0,4}");

    private static final Set<String> UNSUPPORTED_STATEMENTS = Set.of(
            "WITH", "EXPLAIN", "DESCRIBE", "DESC", "ANALYZE", "BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE",
            "END", "ABORT", "CREATE", "DROP", "ALTER", "TRUNCATE", "RENAME", "GRANT", "REVOKE", "COMMENT", "COPY", "MERGE",
            "REPLACE", "VALUES", "TABLE", "CALL", "EXECUTE", "EXEC", "PREPARE", "DEALLOCATE", "DECLARE", "FETCH", "CLOSE",
            "MOVE", "USE", "KILL", "LOCK", "UNLOCK", "VACUUM", "REINDEX", "CLUSTER", "DISCARD", "LISTEN", "NOTIFY", "UNLISTEN",
            "LOAD", "RESET", "REFRESH", "ATTACH", "DETACH", "PRAGMA", "ASSERT", "DO", "IF", "CASE", "FLUSH", "OPTIMIZE");
    private static final Set<String> UNSUPPORTED_SHOWS = Set.of(
            "TABLES", "COLUMNS", "FIELDS", "DATABASES", "SCHEMAS", "CREATE", "FUNCTIONS", "VARIABLES", "STATUS", "COLLATION",
            "VIEWS", "FULL", "EXTENDED", "TRANSACTION", "GLOBAL", "SESSION", "ALL", "TERSE", "EXTERNAL", "OBJECTS");
    /** Words that begin a clause, most of them one that PostgreSQL has and this grammar has not. */
    private static final Set<String> CLAUSES = Set.of(
            "ORDER", "GROUP", "HAVING", "OFFSET", "FETCH", "FOR", "UNION", "EXCEPT", "INTERSECT", "WINDOW", "RETURNING", "INTO",
            "TABLESAMPLE", "ON", "USING", "FROM", "LATERAL", "DISTINCT", "SELECT", "LIMIT", "WHERE");
    private static final Set<String> OTHER_JOINS =
            Set.of("LEFT", "RIGHT", "FULL", "OUTER", "NATURAL", "SEMI", "ANTI", "ASOF", "STRAIGHT_JOIN", "GLOBAL", "POSITIONAL");
    /** Unquoted words that are no name. */
    private static final Set<String> RESERVED = Set.of(
            "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "NULL", "TRUE", "FALSE", "JOIN", "INNER", "CROSS", "LEFT", "RIGHT",
            "FULL", "NATURAL", "ON", "USING", "AS", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FETCH", "UNION", "EXCEPT",
            "INTERSECT", "IN", "LIKE", "ILIKE", "SIMILAR", "BETWEEN", "IS", "CASE", "WHEN", "THEN", "ELSE", "CAST", "EXISTS",
            "DISTINCT", "INTO", "RETURNING", "WITH", "LATERAL", "ARRAY", "ANY", "ALL", "SOME", "WINDOW",
            "TABLESAMPLE", "FOR", "CREATE");
    private static final Set<String> AGGREGATES = Set.of(
            "COUNT", "SUM", "AVG", "MIN", "MAX", "ARRAY_AGG", "STRING_AGG", "STDDEV", "VARIANCE", "BOOL_AND", "BOOL_OR", "EVERY");
    private static final Map<String, Expr.Aggregate.Function> FUNCTIONS =
            Arrays.stream(Expr.Aggregate.Function.values()).collect(Collectors.toMap(Enum::name, f -> f));
    private static final Set<String> ARITHMETIC = Set.of(
            "+", "-", "*", "/", "%", "^", "||", "&", "|", "#", "<<", ">>", "&&", "@>", "<@", "->", "->>", "#>", "#>>", "~", "~*",
            "!~", "!~*", "@", "?");
    /** Words that continue an operand into an expression outside the grammar. */
    private static final Set<String> OTHER_OPERATORS = Set.of(
            "NOT", "IN", "LIKE", "ILIKE", "SIMILAR", "BETWEEN", "IS", "ISNULL", "NOTNULL", "COLLATE", "AT", "OVERLAPS", "REGEXP",
            "RLIKE", "GLOB", "DIV", "XOR", "OPERATOR", "ESCAPE");

    private final String sql;
    private final Dialect dialect;
    private final List<Token> tokens;
    private int at;
    private int chained;
    private int depth;
    private boolean aggregatesAllowed;

    private Parser(String sql, Dialect dialect) {
        this.sql = sql;
        this.dialect = dialect;
        this.tokens = Lexer.tokenize(sql);
    }

    /**
     * Reads exactly one statement; a trailing semicolon is fine.
     *
     * @throws EngineException SQL if the text is too long or no statement of the grammar
     */
    public static Statement parse(String sql, Dialect dialect, Limits limits) {
        Parser parser = open(sql, dialect, limits);
        Statement statement = parser.statement();
        parser.endOfStatement();
        return statement;
    }

    /** Whether the text is {@code SELECT * FROM *}, the subscription to everything. */
    public static boolean isSelectAll(String sql, Limits limits) {
        Parser p = open(sql, Dialect.SUBSCRIPTION, limits);
        boolean matches = p.accept("SELECT") && p.acceptSymbol("*") && p.accept("FROM") && p.acceptSymbol("*");
        while (matches && p.acceptSymbol(";")) {
            matches = true;
        }
        return matches && p.peek().kind() == Token.Kind.END;
    }

    private static Parser open(String sql, Dialect dialect, Limits limits) {
        int max = limits.queryTextBytesMax();
        if (sql.length() > max || sql.length() > max / 3 && sql.getBytes(StandardCharsets.UTF_8).length > max) {
            throw SqlError.of("SQL query exceeds maximum allowed length: \""
                    + sql.substring(0, Math.min(ECHO_CHARS, sql.length())) + "...\"");
        }
        Parser parser = new Parser(sql, dialect);
        while (parser.acceptSymbol(";")) {
            // Empty statements count for nothing.
        }
        if (parser.peek().kind() == Token.Kind.END) {
            throw SqlError.of("Empty SQL query");
        }
        return parser;
    }

    // ---- statements ----

    private Statement statement() {
        Token first = peek();
        if (accept("SELECT")) {
            return select(first);
        } else if (accept("INSERT")) {
            return insert(first);
        } else if (accept("UPDATE")) {
            return update(first);
        } else if (accept("DELETE")) {
            return delete(first);
        } else if (accept("SET")) {
            return set(first);
        } else if (accept("SHOW")) {
            return show(first);
        } else if (isExtended() && accept("EXPLAIN")) {
            return explain(first);
        } else if (first.isSymbol("(") || first.kind() == Token.Kind.WORD && UNSUPPORTED_STATEMENTS.contains(upper(first))) {
            throw SqlError.unsupported(restOfStatement(first));
        }
        throw expected("an SQL statement");
    }

    private Statement explain(Token first) {
        if (!peek().isWord("SELECT") && !peek().isWord("UPDATE") && !peek().isWord("DELETE")) {
            throw SqlError.unsupported(restOfStatement(first));
        }
        return new Statement.Explain(statement());
    }

    private boolean isExtended() {
        return dialect != Dialect.SUBSCRIPTION;
    }

    private Statement select(Token first) {
        boolean distinct = isExtended() && !ahead(1).isWord("ON") && accept("DISTINCT");
        if (peek().isWord("DISTINCT") || peek().isWord("ALL") && !follows(1, ".")) {
            throw SqlError.unsupported(restOfStatement(first));
        }
        List<Item> items = new ArrayList<>();
        if (!peek().isWord("FROM") && !atEnd()) {
            do {
                items.add(projectionItem());
            } while (acceptSymbol(","));
        }
        Optional<Statement.Relation> from = Optional.empty();
        if (accept("FROM")) {
            from = Optional.of(relation(first));
        }
        Optional<Expr> where = accept("WHERE") ? Optional.of(expression()) : Optional.empty();
        Statement.Tail tail = tail(distinct, first);
        refuseClause(first);
        if (!atEnd()) {
            throw expected("end of statement");
        }
        if (items.isEmpty()) {
            throw SqlError.of("A FROM clause is required");
        }
        Statement.Projection projection = projection(items);
        return new Statement.Select(
                projection,
                from.orElseThrow(() -> SqlError.of("A FROM clause is required")),
                where,
                tail,
                restOfStatement(first));
    }

    private Statement.Tail tail(boolean distinct, Token first) {
        List<Expr.Operand> groupBy = isExtended() && accept("GROUP") ? groupBy() : List.of();
        Optional<Expr> having = isExtended() && accept("HAVING") ? Optional.of(having()) : Optional.empty();
        List<Statement.SortKey> orderBy = isExtended() && accept("ORDER") ? orderBy() : List.of();
        Optional<Expr.Literal> limit = Optional.empty();
        Optional<Expr.Literal> offset = Optional.empty();
        while (peek().isWord("LIMIT") && limit.isEmpty() || isExtended() && peek().isWord("OFFSET") && offset.isEmpty()) {
            if (next().isWord("LIMIT")) {
                limit = Optional.of(rowCount(first));
            } else {
                offset = Optional.of(rowCount(first));
            }
        }
        return new Statement.Tail(distinct, groupBy, having, orderBy, limit, offset);
    }

    private List<Expr.Operand> groupBy() {
        require("BY");
        List<Expr.Operand> keys = new ArrayList<>();
        do {
            keys.add(key(false));
        } while (acceptSymbol(","));
        return List.copyOf(keys);
    }

    private Expr having() {
        aggregatesAllowed = true;
        Expr condition = expression();
        aggregatesAllowed = false;
        return condition;
    }

    private List<Statement.SortKey> orderBy() {
        require("BY");
        List<Statement.SortKey> keys = new ArrayList<>();
        do {
            Expr.Operand key = key(true);
            boolean descending = accept("DESC");
            if (!descending) {
                accept("ASC");
            }
            keys.add(new Statement.SortKey(key, descending));
        } while (acceptSymbol(","));
        return List.copyOf(keys);
    }

    /** A key of GROUP BY or ORDER BY: a column, a position in the output, or an aggregate. */
    private Expr.Operand key(boolean aggregates) {
        Token start = peek();
        Expr.Operand key;
        if (start.kind() == Token.Kind.NUMBER) {
            key = new Expr.Literal(Expr.Literal.Kind.NUMBER, next().text());
        } else if (aggregates && isAggregate(start)) {
            key = aggregateCall().orElseThrow(() -> unsupportedExpression(start));
        } else if (atEnd() || isClause(start) || !start.isName() && start.kind() == Token.Kind.SYMBOL && !start.isSymbol("(")) {
            throw expected("an expression:");
        } else if (isColumnStart(start) && !follows(1, "(")) {
            key = columnName();
        } else {
            throw unsupportedExpression(start);
        }
        refuseOtherOperator(start);
        return key;
    }

    private Expr.Column columnName() {
        List<String> parts = new ArrayList<>();
        parts.add(next().text());
        while (acceptSymbol(".")) {
            parts.add(name());
        }
        return column(parts);
    }

    private boolean isAggregate(Token token) {
        return token.kind() == Token.Kind.WORD && follows(1, "(")
                && FUNCTIONS.containsKey(upper(token));
    }

    /** {@code f(*)}, {@code f(x)} or {@code f(DISTINCT x)}; empty, with nothing consumed, if it is none of those that we have. */
    private Optional<Expr.Aggregate> aggregateCall() {
        int start = at;
        Expr.Aggregate.Function function = FUNCTIONS.get(upper(next()));
        boolean isCount = function == Expr.Aggregate.Function.COUNT;
        next();
        if (isCount && acceptSymbol("*") && acceptSymbol(")")) {
            return Optional.of(new Expr.Aggregate(function, false, Optional.empty()));
        }
        boolean distinct = isCount && accept("DISTINCT");
        if (isExtended() && isColumnStart(peek()) && !follows(1, "(")) {
            Expr.Column column = columnName();
            if (acceptSymbol(")")) {
                return Optional.of(new Expr.Aggregate(function, distinct, Optional.of(column)));
            }
        }
        at = start;
        return Optional.empty();
    }

    /** One element of a projection before the elements are checked against each other. */
    private sealed interface Item {
        record Star() implements Item {
        }

        record TableStar(String table) implements Item {
        }

        record Column(Statement.OutputColumn column) implements Item {
        }

        record Aggregate(Expr.Aggregate call, Optional<String> alias) implements Item {

            Statement.OutputColumn named() {
                return new Statement.OutputColumn(
                        call, alias.orElseThrow(() -> SqlError.of("Aggregate expressions must have column aliases")));
            }
        }
    }

    private Item projectionItem() {
        Token start = peek();
        if (acceptSymbol("*")) {
            return new Item.Star();
        }
        if (start.kind() == Token.Kind.WORD && follows(1, "(")) {
            return aggregate(start);
        }
        if (!isColumnStart(start)) {
            throw SqlError.of("Unsupported projection expression: " + restOfItem(start));
        }
        List<String> parts = new ArrayList<>();
        parts.add(next().text());
        while (acceptSymbol(".")) {
            if (acceptSymbol("*")) {
                return new Item.TableStar(String.join(".", parts));
            }
            parts.add(name());
        }
        Expr.Column column = column(parts);
        Optional<String> alias = alias();
        if (!endsItem()) {
            // `SELECT id FORM team` is a misspelt clause, `SELECT id + 1` an expression.
            if (alias.isPresent() || peek().isName()) {
                throw expected("end of statement");
            }
            throw SqlError.of("Unsupported projection expression: " + restOfItem(start));
        }
        return new Item.Column(new Statement.OutputColumn(column, alias.orElse(column.name())));
    }

    private Item aggregate(Token start) {
        Optional<Expr.Aggregate> call = isAggregate(start) ? aggregateCall() : Optional.empty();
        if (call.isPresent()) {
            Optional<String> alias = alias();
            if (endsItem()) {
                return new Item.Aggregate(call.get(), alias);
            }
        }
        String kind = AGGREGATES.contains(upper(start)) ? "aggregate function" : "projection expression";
        throw SqlError.of("Unsupported " + kind + ": " + restOfItem(start));
    }

    private Statement.Projection projection(List<Item> items) {
        if (items.size() == 1) {
            return switch (items.getFirst()) {
                case Item.Star star -> new Statement.Projection.Star();
                case Item.TableStar star -> new Statement.Projection.TableStar(star.table());
                case Item.Column c -> new Statement.Projection.Columns(List.of(c.column()));
                case Item.Aggregate a -> a.call().column().isEmpty()
                        ? new Statement.Projection.Count(a.named().name())
                        : new Statement.Projection.Columns(List.of(a.named()));
            };
        }
        List<Statement.OutputColumn> columns = new ArrayList<>();
        for (Item item : items) {
            columns.add(switch (item) {
                case Item.Column c -> c.column();
                case Item.Aggregate a when isExtended() -> a.named();
                case Item.Aggregate a -> throw SqlError.of("Unsupported projection expression: " + a.call());
                case Item.Star star -> throw SqlError.of("Mixed wildcard projections are not supported");
                case Item.TableStar star -> throw SqlError.of("Mixed wildcard projections are not supported");
            });
        }
        return new Statement.Projection.Columns(List.copyOf(columns));
    }

    private Statement.Relation relation(Token statement) {
        Statement.TableRef first = tableRef();
        List<Statement.Join> joins = new ArrayList<>();
        while (true) {
            if (peek().isSymbol(",")) {
                throw SqlError.of("Implicit joins are not supported");
            } else if (peek().kind() == Token.Kind.WORD && OTHER_JOINS.contains(upper(peek()))) {
                throw nonInnerJoin();
            } else if (accept("CROSS")) {
                if (!accept("JOIN")) {
                    throw nonInnerJoin();
                }
                joins.add(new Statement.Join(tableRef(), Optional.empty()));
            } else if (accept("INNER")) {
                require("JOIN");
                joins.add(innerJoin());
            } else if (accept("JOIN")) {
                joins.add(innerJoin());
            } else {
                if (peek().isWord("ON") || peek().isWord("USING") || peek().isWord("TABLESAMPLE")) {
                    throw SqlError.unsupported(restOfStatement(statement));
                }
                return new Statement.Relation(first, List.copyOf(joins));
            }
        }
    }

    private Statement.Join innerJoin() {
        Statement.TableRef table = tableRef();
        if (peek().isWord("USING")) {
            throw nonInnerJoin();
        }
        if (!accept("ON")) {
            return new Statement.Join(table, Optional.empty());
        }
        if (expression() instanceof Expr.Compare(Operator operator, Expr.Column left, Expr.Column right)
                && operator == Operator.EQUAL) {
            return new Statement.Join(table, Optional.of(new Statement.JoinColumns(left, right)));
        }
        throw nonInnerJoin();
    }

    private static EngineException nonInnerJoin() {
        return SqlError.of("Non-inner joins are not supported");
    }

    private Statement.TableRef tableRef() {
        Token start = peek();
        if (start.isSymbol("(") || start.isWord("LATERAL")) {
            throw SqlError.of("Unsupported FROM expression: " + restOfItem(start));
        }
        String name = dottedName();
        if (peek().isSymbol("(")) {
            throw SqlError.of("Unsupported FROM expression: " + restOfItem(start));
        }
        return new Statement.TableRef(name, alias().orElse(name));
    }

    /** The number of LIMIT or OFFSET. */
    private Expr.Literal rowCount(Token statement) {
        acceptSymbol("+");
        if (atEnd()) {
            throw expected("an expression");
        }
        if (peek().kind() != Token.Kind.NUMBER && (dialect != Dialect.PREPARED || peek().kind() != Token.Kind.FOREIGN_LITERAL)) {
            throw SqlError.unsupported(restOfStatement(statement));
        }
        Expr.Operand count = constant().orElseThrow();
        if (!atEnd() && !(isExtended() && (peek().isWord("LIMIT") || peek().isWord("OFFSET")))) {
            throw SqlError.unsupported(restOfStatement(statement));
        }
        return (Expr.Literal) count;
    }

    private Statement insert(Token first) {
        if (!accept("INTO")) {
            throw expected("INTO");
        }
        String table = dottedName();
        if (peek().isWord("AS")) {
            throw SqlError.unsupported(restOfStatement(first));
        }
        List<String> columns = new ArrayList<>();
        if (peek().isSymbol("(") && !tokens.get(at + 1).isWord("SELECT")) {
            next();
            do {
                columns.add(name());
            } while (acceptSymbol(","));
            requireSymbol(")");
        }
        if (!accept("VALUES")) {
            if (atEnd()) {
                throw expected("VALUES");
            }
            throw SqlError.of("Unsupported INSERT expression: " + restOfStatement(peek()));
        }
        List<List<Expr.Literal>> rows = new ArrayList<>();
        do {
            requireSymbol("(");
            List<Expr.Literal> row = new ArrayList<>();
            do {
                row.add(value("Unsupported INSERT value: "));
            } while (acceptSymbol(","));
            requireSymbol(")");
            rows.add(List.copyOf(row));
        } while (acceptSymbol(","));
        refuseClause(first);
        return new Statement.Insert(table, List.copyOf(columns), List.copyOf(rows));
    }

    private Statement update(Token first) {
        String table = dottedName();
        if (!peek().isWord("SET")) {
            if (atEnd()) {
                throw expected("SET");
            }
            throw SqlError.unsupported(restOfStatement(first));
        }
        next();
        List<Statement.Assignment> assignments = new ArrayList<>();
        do {
            if (peek().isSymbol("(")) {
                throw SqlError.unsupported(restOfStatement(first));
            }
            String column = dottedName();
            requireSymbol("=");
            assignments.add(new Statement.Assignment(column, value("Unsupported column/variable assignment expression: ")));
        } while (acceptSymbol(","));
        Optional<Expr> where = accept("WHERE") ? Optional.of(expression()) : Optional.empty();
        refuseClause(first);
        return new Statement.Update(table, List.copyOf(assignments), where);
    }

    private Statement delete(Token first) {
        require("FROM");
        Token start = peek();
        if (start.isSymbol("(")) {
            throw SqlError.of("Unsupported table expression in DELETE: " + restOfItem(start));
        }
        String table = dottedName();
        Optional<Expr> where = accept("WHERE") ? Optional.of(expression()) : Optional.empty();
        refuseClause(first);
        if (where.isEmpty() && peek().isName()) {
            alias();
            throw SqlError.of("Unsupported table expression in DELETE: " + text(start, tokens.get(at - 1)));
        } else if (peek().isSymbol(",")) {
            throw SqlError.unsupported(restOfStatement(first));
        }
        return new Statement.Delete(table, where);
    }

    private Statement set(Token first) {
        String name = dottedName();
        if (!acceptSymbol("=") && !accept("TO")) {
            throw SqlError.unsupported(restOfStatement(first));
        }
        return new Statement.SetVariable(name, value("Unsupported column/variable assignment expression: "));
    }

    private Statement show(Token first) {
        if (peek().kind() == Token.Kind.WORD && UNSUPPORTED_SHOWS.contains(upper(peek()))) {
            throw SqlError.unsupported(restOfStatement(first));
        }
        String name = dottedName();
        if (!atEnd()) {
            throw SqlError.unsupported(restOfStatement(first));
        }
        return new Statement.ShowVariable(name);
    }

    /** A literal of INSERT or SET; anything else is refused with the given phrase. */
    private Expr.Literal value(String phrase) {
        Token start = peek();
        Optional<Expr.Operand> operand = constant();
        if (operand.isPresent() && (peek().isSymbol(",") || peek().isSymbol(")") || atEnd() || atClause())) {
            return switch (operand.get()) {
                case Expr.Literal literal -> literal;
                case Expr.Sender sender -> throw SqlError.of("Unsupported literal expression: :sender");
                case Expr.Column column -> throw SqlError.of(phrase + column);
                case Expr.Aggregate call -> throw SqlError.of(phrase + call);
            };
        }
        if (operand.isEmpty() && (atEnd() || start.isSymbol(")") || start.isSymbol(","))) {
            throw expected("an expression:");
        }
        throw SqlError.of(phrase + restOfItem(start));
    }

    // ---- expressions ----

    private Expr expression() {
        List<Expr> terms = new ArrayList<>();
        do {
            addFlat(terms, conjunction(), false);
        } while (acceptChain("OR"));
        return terms.size() == 1 ? terms.getFirst() : new Expr.Or(terms);
    }

    private Expr conjunction() {
        List<Expr> terms = new ArrayList<>();
        do {
            addFlat(terms, condition(), true);
        } while (acceptChain("AND"));
        return terms.size() == 1 ? terms.getFirst() : new Expr.And(terms);
    }

    private boolean acceptChain(String word) {
        if (!accept(word)) {
            return false;
        }
        countChained();
        return true;
    }

    private void countChained() {
        if (++chained > CHAIN_MAX) {
            throw SqlError.of("Recursion limit exceeded, `sql-parser::parse_expr`");
        }
    }

    private static void addFlat(List<Expr> terms, Expr term, boolean and) {
        if (and && term instanceof Expr.And(List<Expr> inner)) {
            terms.addAll(inner);
        } else if (!and && term instanceof Expr.Or(List<Expr> inner)) {
            terms.addAll(inner);
        } else {
            terms.add(term);
        }
    }

    private Expr condition() {
        boolean isNegated = false;
        while (isExtended() && accept("NOT")) {
            isNegated = !isNegated;
        }
        Expr comparison = comparison();
        return isNegated ? negation(comparison) : comparison;
    }

    private Expr comparison() {
        Token start = peek();
        Expr left = primary();
        Optional<Operator> operator = operator();
        if (operator.isEmpty()) {
            if (isExtended() && left instanceof Expr.Operand operand) {
                Optional<Expr> list = listOrRange(operand, start);
                if (list.isPresent()) {
                    return list.get();
                }
            }
            refuseOtherOperator(start);
            return left;
        }
        Token rightStart = peek();
        Expr right = primary();
        if (!(left instanceof Expr.Operand leftOperand) || !(right instanceof Expr.Operand rightOperand)) {
            throw unsupportedExpression(start);
        }
        refuseOtherOperator(rightStart);
        if (operator().isPresent()) {
            throw unsupportedExpression(start);
        }
        return new Expr.Compare(operator.get(), leftOperand, rightOperand);
    }

    /** {@code [NOT] IN (a, b)} and {@code [NOT] BETWEEN a AND b}, as comparisons; nothing consumed if it is neither. */
    private Optional<Expr> listOrRange(Expr.Operand left, Token start) {
        int negation = peek().isWord("NOT") ? 1 : 0;
        Token word = ahead(negation);
        List<Expr> terms = new ArrayList<>();
        boolean isList = word.isWord("IN");
        if (isList && !ahead(negation + 2).isWord("SELECT")) {
            at += negation + 1;
            requireSymbol("(");
            do {
                terms.add(new Expr.Compare(Operator.EQUAL, left, operand(start)));
                countChained();
            } while (acceptSymbol(","));
            requireSymbol(")");
        } else if (word.isWord("BETWEEN")) {
            at += negation + 1;
            terms.add(new Expr.Compare(Operator.GREATER_OR_EQUAL, left, operand(start)));
            require("AND");
            terms.add(new Expr.Compare(Operator.LESS_OR_EQUAL, left, operand(start)));
            countChained();
        } else {
            return Optional.empty();
        }
        refuseOtherOperator(start);
        Expr condition = terms.size() == 1 ? terms.getFirst() : isList ? new Expr.Or(terms) : new Expr.And(terms);
        return Optional.of(negation == 1 ? negation(condition) : condition);
    }

    private Expr.Operand operand(Token start) {
        if (primary() instanceof Expr.Operand operand) {
            refuseOtherOperator(start);
            return operand;
        }
        throw unsupportedExpression(start);
    }

    /** There is no NULL, so a condition that does not hold has an opposite that does. */
    private static Expr negation(Expr expr) {
        return switch (expr) {
            case Expr.And(List<Expr> terms) -> new Expr.Or(negations(terms, false));
            case Expr.Or(List<Expr> terms) -> new Expr.And(negations(terms, true));
            case Expr.Compare(Operator operator, Expr.Operand left, Expr.Operand right) ->
                new Expr.Compare(operator.negated(), left, right);
            case Expr.Operand operand ->
                new Expr.Compare(Operator.EQUAL, operand, new Expr.Literal(Expr.Literal.Kind.BOOL, "false"));
        };
    }

    private static List<Expr> negations(List<Expr> terms, boolean and) {
        List<Expr> negated = new ArrayList<>();
        terms.forEach(term -> addFlat(negated, negation(term), and));
        return negated;
    }

    /** A parenthesised expression or an operand. */
    private Expr primary() {
        Token start = peek();
        if (start.isSymbol("(")) {
            Token inner = tokens.get(at + 1);
            if (inner.isWord("SELECT") || inner.isWord("WITH") || inner.isWord("VALUES")) {
                throw SqlError.of("Unsupported expression: " + restOfParentheses());
            }
            if (++depth > PARENTHESES_MAX) {
                throw SqlError.syntax("recursion limit exceeded");
            }
            next();
            Expr expr = expression();
            if (peek().isSymbol(",")) {
                throw unsupportedExpression(start);
            }
            requireSymbol(")");
            depth--;
            return expr;
        }
        Optional<Expr.Operand> constant = constant();
        if (constant.isPresent()) {
            return constant.get();
        }
        if (atEnd() || start.isSymbol(")") || start.isSymbol(",") || start.isSymbol("=") || isClause(start)
                || start.isWord("AND") || start.isWord("OR")) {
            throw expected("an expression:");
        }
        if (aggregatesAllowed && isAggregate(start)) {
            Optional<Expr.Aggregate> call = aggregateCall();
            if (call.isPresent()) {
                return call.get();
            }
        }
        if (!isColumnStart(start) || follows(1, "(")) {
            throw unsupportedExpression(start);
        }
        return columnName();
    }

    /** A literal with its sign, or {@code :sender}; nothing consumed if there is none. */
    private Optional<Expr.Operand> constant() {
        Token token = peek();
        switch (token.kind()) {
            case NUMBER -> {
                next();
                return Optional.of(new Expr.Literal(Expr.Literal.Kind.NUMBER, token.text()));
            }
            case STRING -> {
                next();
                return Optional.of(new Expr.Literal(Expr.Literal.Kind.STRING, token.text()));
            }
            case HEX -> {
                next();
                return Optional.of(new Expr.Literal(Expr.Literal.Kind.HEX, token.text()));
            }
            case PARAMETER -> {
                if (!token.text().equals("sender")) {
                    throw SqlError.of("Unsupported literal expression: :" + SqlError.shorten(token.text()));
                }
                next();
                return Optional.of(new Expr.Sender());
            }
            case FOREIGN_LITERAL -> {
                if (dialect != Dialect.PREPARED || !PLACE.matcher(token.text()).matches()) {
                    throw SqlError.of("Unsupported literal expression: " + SqlError.shorten(token.text()));
                }
                next();
                return Optional.of(new Expr.Literal(Expr.Literal.Kind.PARAMETER, token.text().substring(1)));
            }
            case SYMBOL -> {
                if ((token.text().equals("-") || token.text().equals("+")) && tokens.get(at + 1).kind() == Token.Kind.NUMBER) {
                    next();
                    String number = next().text();
                    return Optional.of(new Expr.Literal(
                            Expr.Literal.Kind.NUMBER, token.text().equals("-") ? "-" + number : number));
                }
                if (token.text().equals("?")) {
                    throw SqlError.of("Unsupported literal expression: ?");
                }
                return Optional.empty();
            }
            case WORD -> {
                if (token.isWord("NULL")) {
                    throw SqlError.of("Unsupported literal expression: NULL");
                }
                if (token.isWord("TRUE") || token.isWord("FALSE")) {
                    next();
                    return Optional.of(new Expr.Literal(Expr.Literal.Kind.BOOL, token.text().toLowerCase(Locale.ROOT)));
                }
                return Optional.empty();
            }
            case QUOTED_NAME, END -> {
                return Optional.empty();
            }
        }
        throw expected("an expression:");
    }

    private Optional<Operator> operator() {
        if (peek().kind() != Token.Kind.SYMBOL) {
            return Optional.empty();
        }
        Operator operator = switch (peek().text()) {
            case "=" -> Operator.EQUAL;
            case "<>", "!=" -> Operator.NOT_EQUAL;
            case "<" -> Operator.LESS;
            case "<=" -> Operator.LESS_OR_EQUAL;
            case ">" -> Operator.GREATER;
            case ">=" -> Operator.GREATER_OR_EQUAL;
            default -> null;
        };
        if (operator != null) {
            next();
        }
        return Optional.ofNullable(operator);
    }

    private void refuseOtherOperator(Token start) {
        Token token = peek();
        if (token.kind() == Token.Kind.SYMBOL && ARITHMETIC.contains(token.text())) {
            throw SqlError.of("Unsupported binary operator: " + token.text());
        }
        if (token.isSymbol("::") || token.isSymbol("[") || token.isSymbol("(")
                || token.kind() == Token.Kind.WORD && OTHER_OPERATORS.contains(upper(token))) {
            throw unsupportedExpression(start);
        }
    }

    private EngineException unsupportedExpression(Token start) {
        return SqlError.of("Unsupported expression: " + SqlError.shorten(text(start, lastOfExpression(start))));
    }

    // ---- names ----

    private static Expr.Column column(List<String> parts) {
        int last = parts.size() - 1;
        return new Expr.Column(
                last == 0 ? Optional.empty() : Optional.of(String.join(".", parts.subList(0, last))), parts.get(last));
    }

    private String dottedName() {
        StringBuilder name = new StringBuilder(name());
        while (acceptSymbol(".")) {
            name.append('.').append(name());
        }
        return name.toString();
    }

    private String name() {
        Token token = peek();
        boolean afterDot = at > 0 && tokens.get(at - 1).isSymbol(".");
        if (token.kind() == Token.Kind.QUOTED_NAME
                || token.kind() == Token.Kind.WORD && (afterDot || !RESERVED.contains(upper(token)))) {
            return next().text();
        }
        throw expected("identifier");
    }

    private static boolean isColumnStart(Token token) {
        return token.kind() == Token.Kind.QUOTED_NAME
                || token.kind() == Token.Kind.WORD && !RESERVED.contains(upper(token));
    }

    /** {@code [AS] alias}. */
    private Optional<String> alias() {
        if (accept("AS")) {
            return Optional.of(name());
        }
        Token token = peek();
        boolean isAlias = token.kind() == Token.Kind.QUOTED_NAME
                || token.kind() == Token.Kind.WORD
                        && !RESERVED.contains(upper(token))
                        && !OTHER_JOINS.contains(upper(token))
                        && !OTHER_OPERATORS.contains(upper(token))
                        && !isClause(token);
        return isAlias ? Optional.of(next().text()) : Optional.empty();
    }

    // ---- tokens ----

    private Token peek() {
        return tokens.get(at);
    }

    private Token next() {
        Token token = tokens.get(at);
        if (token.kind() != Token.Kind.END) {
            at++;
        }
        return token;
    }

    /** The token so many behind the present one, or the end. */
    private Token ahead(int count) {
        return tokens.get(Math.min(at + count, tokens.size() - 1));
    }

    private boolean follows(int count, String symbol) {
        return ahead(count).isSymbol(symbol);
    }

    private boolean accept(String word) {
        boolean matches = peek().isWord(word);
        if (matches) {
            next();
        }
        return matches;
    }

    private boolean acceptSymbol(String symbol) {
        boolean matches = peek().isSymbol(symbol);
        if (matches) {
            next();
        }
        return matches;
    }

    private void require(String word) {
        if (!accept(word)) {
            throw expected(word);
        }
    }

    private void requireSymbol(String symbol) {
        if (!acceptSymbol(symbol)) {
            throw expected(symbol);
        }
    }

    private boolean atEnd() {
        return peek().kind() == Token.Kind.END || peek().isSymbol(";");
    }

    private static boolean isClause(Token token) {
        return token.kind() == Token.Kind.WORD && CLAUSES.contains(upper(token));
    }

    private boolean atClause() {
        return isClause(peek());
    }

    private boolean endsItem() {
        return peek().isSymbol(",") || atEnd() || atClause();
    }

    private void refuseClause(Token statement) {
        if (atClause()) {
            throw SqlError.unsupported(restOfStatement(statement));
        }
    }

    private void endOfStatement() {
        boolean separated = false;
        while (acceptSymbol(";")) {
            separated = true;
        }
        if (peek().kind() != Token.Kind.END) {
            throw separated ? SqlError.of("Multiple SQL statements are not supported") : expected("end of statement");
        }
    }

    private EngineException expected(String what) {
        Token found = peek();
        boolean end = found.kind() == Token.Kind.END;
        return SqlError.syntax("Expected " + what + ", found: "
                + (end ? "EOF" : SqlError.shorten(sql.substring(found.start(), found.end())))
                + Lexer.place(sql, found.start()));
    }

    private static String upper(Token token) {
        return token.text().toUpperCase(Locale.ROOT);
    }

    // ---- text for messages ----

    private String restOfStatement(Token start) {
        int last = at;
        while (tokens.get(last).kind() != Token.Kind.END && !tokens.get(last).isSymbol(";")) {
            last++;
        }
        return text(start, tokens.get(last - 1));
    }

    /** From the token to the comma, clause or closing parenthesis that ends a list element. */
    private String restOfItem(Token start) {
        int nesting = 0;
        int last = tokens.indexOf(start);
        Token end = start;
        for (; last < tokens.size() - 1; last++) {
            Token token = tokens.get(last);
            boolean outside = nesting == 0 && token != start;
            if (outside && (token.isSymbol(",") || token.isSymbol(")") || isClause(token)) || token.isSymbol(";")) {
                break;
            }
            nesting += token.isSymbol("(") ? 1 : token.isSymbol(")") ? -1 : 0;
            end = token;
        }
        return text(start, end);
    }

    private String restOfParentheses() {
        int nesting = 0;
        Token end = peek();
        for (int i = at; i < tokens.size() - 1; i++) {
            end = tokens.get(i);
            nesting += end.isSymbol("(") ? 1 : end.isSymbol(")") ? -1 : 0;
            if (nesting == 0) {
                break;
            }
        }
        return text(peek(), end);
    }

    /** The last token of an expression that begins at {@code start}: behind it comes AND, OR, a clause or the end. */
    private Token lastOfExpression(Token start) {
        int nesting = 0;
        boolean between = false;
        Token end = start;
        for (int i = tokens.indexOf(start); i < tokens.size() - 1; i++) {
            Token token = tokens.get(i);
            if (token.isSymbol(";") || nesting == 0 && token != start && (token.isSymbol(")") || token.isSymbol(",")
                    || token.isWord("OR") || token.isWord("AND") && !between || isClause(token) && !token.isWord("DISTINCT")
                            && !token.isWord("FROM"))) {
                break;
            }
            between = token.isWord("BETWEEN") || between && !token.isWord("AND");
            nesting += token.isSymbol("(") ? 1 : token.isSymbol(")") ? -1 : 0;
            end = token;
        }
        return end;
    }

    /** The source from one token to another on one line. */
    private String text(Token first, Token last) {
        StringBuilder text = new StringBuilder();
        int end = first.start();
        int from = tokens.indexOf(first);
        for (int i = from; i < tokens.size(); i++) {
            Token token = tokens.get(i);
            if (i > from && (token.start() > end || tokens.get(i - 1).isSymbol(","))) {
                text.append(' ');
            }
            text.append(sql, token.start(), token.end());
            end = token.end();
            if (token == last || text.length() > SqlError.ECHO_CHARS_MAX) {
                break;
            }
        }
        return SqlError.shorten(text.toString());
    }
}
