package dev.geodesic.pgwire.parse;

import dev.geodesic.pgwire.message.PgException;
import dev.geodesic.pgwire.parse.Query.Expr;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Recursive descent over {@link Query}; nesting is limited, so no text can exhaust the stack. */
public final class QueryParser {

    private static final int DEPTH_MAX = 60;
    private static final Set<String> COMPARISONS = Set.of("=", "<>", "!=", "<", "<=", ">", ">=");
    private static final Set<String> SUMS = Set.of("+", "-");
    private static final Set<String> PRODUCTS = Set.of("*", "/", "%");
    /** Words that end an expression or a relation, and so are no alias without AS. */
    private static final Set<String> RESERVED = Set.of(
            "from", "where", "order", "group", "having", "limit", "offset", "fetch", "union", "except", "intersect", "on",
            "using", "join", "inner", "left", "right", "full", "cross", "natural", "and", "or", "not", "as", "is", "in", "like",
            "ilike", "between", "case", "when", "then", "else", "end", "window", "for", "select", "collate", "over", "with");
    /** Functions that are written without parentheses. */
    private static final Set<String> BARE_CALLS = Set.of(
            "current_user", "session_user", "user", "current_role", "current_catalog", "current_schema", "current_date",
            "current_timestamp");

    private final List<Token> tokens;
    private int at;
    private int depth;

    private QueryParser(List<Token> tokens) {
        this.tokens = tokens;
    }

    /**
     * Reads one SELECT.
     *
     * @param tokens without a trailing semicolon
     * @throws PgException 42601 for what is none, 0A000 for a clause that is not supported
     */
    public static Query parse(List<Token> tokens) {
        List<Token> all = new ArrayList<>(tokens);
        if (all.isEmpty() || all.getLast().kind() != Token.Kind.END) {
            all.add(new Token(Token.Kind.END, "", 0, 0));
        }
        QueryParser parser = new QueryParser(all);
        Query query = parser.query();
        if (parser.peek().kind() != Token.Kind.END) {
            throw parser.unexpected();
        }
        return query;
    }

    // ---- tokens ----

    private Token peek() {
        return tokens.get(at);
    }

    private Token ahead(int count) {
        return tokens.get(Math.min(at + count, tokens.size() - 1));
    }

    private boolean accept(String word) {
        if (peek().isWord(word)) {
            at++;
            return true;
        }
        return false;
    }

    private boolean symbol(String symbol) {
        if (peek().isSymbol(symbol)) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(String word) {
        if (!accept(word)) {
            throw unexpected();
        }
    }

    private void expectSymbol(String symbol) {
        if (!symbol(symbol)) {
            throw unexpected();
        }
    }

    private String name() {
        if (!peek().isName()) {
            throw unexpected();
        }
        return tokens.get(at++).text();
    }

    private PgException unexpected() {
        Token token = peek();
        if (token.kind() == Token.Kind.WORD && RESERVED.contains(token.text())) {
            return PgException.error("0A000", token.text().toUpperCase(Locale.ROOT)
                    + " is not supported at this place of a query on the catalogue");
        }
        String text = token.text().length() > 100 ? token.text().substring(0, 100) + "..." : token.text();
        return PgException.error("42601", token.kind() == Token.Kind.END
                ? "syntax error at end of input" : "syntax error at or near \"" + text + "\"");
    }

    private void deeper() {
        if (++depth > DEPTH_MAX) {
            throw PgException.error("54001", "the query is nested deeper than " + DEPTH_MAX + " levels");
        }
    }

    // ---- queries ----

    private Query query() {
        deeper();
        Query first = select();
        List<Query.Union> unions = new ArrayList<>();
        while (accept("union")) {
            boolean all = accept("all");
            unions.add(new Query.Union(select(), all));
        }
        List<Query.Order> order = accept("order") ? orderBy() : List.of();
        Optional<Expr> limit = accept("limit") ? Optional.of(expression()) : Optional.empty();
        Optional<Expr> offset = accept("offset") ? Optional.of(expression()) : Optional.empty();
        depth--;
        return new Query(first.distinct(), first.items(), first.from(), first.where(), order, limit, offset, unions);
    }

    private Query select() {
        expect("select");
        boolean distinct = accept("distinct");
        List<Query.Item> items = new ArrayList<>();
        do {
            items.add(item());
        } while (symbol(","));
        List<Query.Source> from = new ArrayList<>();
        if (accept("from")) {
            sources(from);
        }
        Optional<Expr> where = accept("where") ? Optional.of(expression()) : Optional.empty();
        return new Query(
                distinct, items, from, where, List.of(), Optional.empty(), Optional.empty(), List.of());
    }

    private Query.Item item() {
        if (symbol("*")) {
            return new Query.Item.All("");
        }
        if (peek().isName() && ahead(1).isSymbol(".") && ahead(2).isSymbol("*")) {
            String qualifier = name();
            at += 2;
            return new Query.Item.All(qualifier);
        }
        Expr value = expression();
        if (accept("as")) {
            return new Query.Item.Value(value, name());
        }
        boolean named = peek().kind() == Token.Kind.QUOTED_NAME
                || peek().kind() == Token.Kind.WORD && !RESERVED.contains(peek().text());
        return new Query.Item.Value(value, named ? name() : nameOf(value));
    }

    private static String nameOf(Expr value) {
        return switch (value) {
            case Expr.Column column -> column.name();
            case Expr.Call call -> call.name();
            case Expr.Cast cast -> {
                String name = nameOf(cast.value());
                yield name.equals("?column?") ? cast.type() : name;
            }
            case Expr.Field field -> field.name();
            case Expr.Case c -> "case";
            case Expr.ArrayQuery a -> "array";
            case Expr.Exists e -> "exists";
            case Expr.Literal(Boolean b) -> "bool";
            default -> "?column?";
        };
    }

    private List<Query.Order> orderBy() {
        expect("by");
        List<Query.Order> keys = new ArrayList<>();
        do {
            Expr key = expression();
            boolean descending = accept("desc");
            if (!descending) {
                accept("asc");
            }
            if (accept("nulls") && !accept("first")) {
                expect("last");
            }
            keys.add(new Query.Order(key, descending));
        } while (symbol(","));
        return keys;
    }

    private void sources(List<Query.Source> from) {
        source(Query.Join.CROSS, from);
        while (true) {
            if (symbol(",")) {
                source(Query.Join.CROSS, from);
            } else if (accept("cross")) {
                expect("join");
                source(Query.Join.CROSS, from);
            } else if (accept("left")) {
                accept("outer");
                expect("join");
                source(Query.Join.LEFT, from);
            } else if (accept("join") || peek().isWord("inner") && ahead(1).isWord("join")) {
                if (accept("inner")) {
                    at++;
                }
                source(Query.Join.INNER, from);
            } else {
                return;
            }
        }
    }

    private void source(Query.Join join, List<Query.Source> from) {
        accept("lateral");
        if (symbol("(")) {
            if (!peek().isWord("select")) {
                // Parentheses around joins: only of inner ones do they change nothing.
                if (join == Query.Join.LEFT) {
                    throw unexpected();
                }
                deeper();
                sources(from);
                expectSymbol(")");
                depth--;
                on(join, "").ifPresent(condition -> {
                    Query.Source last = from.removeLast();
                    from.add(new Query.Source(
                            last.join(), last.relation(), last.alias(), last.columns(),
                            Optional.of(last.on().isPresent() ? new Expr.And(List.of(last.on().get(), condition)) : condition)));
                });
                return;
            }
            Query query = query();
            expectSymbol(")");
            finish(join, new Query.Relation.Derived(query), "", from);
            return;
        }
        String schema = "";
        String name = name();
        while (symbol(".")) {
            schema = name;
            name = name();
        }
        if (peek().isSymbol("(")) {
            finish(join, new Query.Relation.Function(call(name)), name, from);
        } else {
            finish(join, new Query.Relation.Table(schema, name), name, from);
        }
    }

    private void finish(Query.Join join, Query.Relation relation, String name, List<Query.Source> from) {
        String alias = name;
        if (accept("with")) {
            expect("ordinality");
            throw PgException.error("0A000", "WITH ORDINALITY is not supported in a query on the catalogue");
        }
        if (accept("as") || peek().kind() == Token.Kind.QUOTED_NAME
                || peek().kind() == Token.Kind.WORD && !RESERVED.contains(peek().text())) {
            alias = name();
        }
        List<String> columns = new ArrayList<>();
        if (symbol("(")) {
            do {
                columns.add(name());
            } while (symbol(","));
            expectSymbol(")");
        }
        from.add(new Query.Source(join, relation, alias, columns, on(join, alias)));
    }

    /** @param alias of the source that is joined; USING compares its columns with the first ones of their names */
    private Optional<Expr> on(Query.Join join, String alias) {
        if (join == Query.Join.CROSS) {
            return Optional.empty();
        }
        if (accept("using")) {
            expectSymbol("(");
            List<Expr> equal = new ArrayList<>();
            do {
                String column = name();
                equal.add(new Expr.Binary("=", new Expr.Column("", column), new Expr.Column(alias, column)));
            } while (symbol(","));
            expectSymbol(")");
            return Optional.of(new Expr.And(equal));
        }
        expect("on");
        return Optional.of(expression());
    }

    // ---- expressions ----

    private Expr expression() {
        deeper();
        List<Expr> terms = new ArrayList<>(List.of(conjunction()));
        while (accept("or")) {
            terms.add(conjunction());
        }
        depth--;
        return terms.size() == 1 ? terms.getFirst() : new Expr.Or(terms);
    }

    private Expr conjunction() {
        List<Expr> terms = new ArrayList<>(List.of(negation()));
        while (accept("and")) {
            terms.add(negation());
        }
        return terms.size() == 1 ? terms.getFirst() : new Expr.And(terms);
    }

    private Expr negation() {
        if (accept("not")) {
            deeper();
            Expr value = negation();
            depth--;
            return new Expr.Unary("not", value);
        }
        return predicate();
    }

    private Expr predicate() {
        Expr value = comparison();
        while (true) {
            if (accept("is")) {
                boolean not = accept("not");
                String what = name();
                Expr test = switch (what) {
                    case "null" -> new Expr.Unary("isnull", value);
                    case "true" -> new Expr.Unary("istrue", value);
                    case "false" -> new Expr.Unary("isfalse", value);
                    case "distinct" -> {
                        expect("from");
                        Expr equal = new Expr.Binary("isnotdistinct", value, comparison());
                        yield new Expr.Unary("not", equal);
                    }
                    default -> throw unexpected();
                };
                value = not ? new Expr.Unary("not", test) : test;
                continue;
            }
            boolean not = peek().isWord("not") && Set.of("in", "like", "ilike", "between").contains(ahead(1).text());
            if (not) {
                at++;
            }
            Expr test;
            if (accept("in")) {
                test = in(value);
            } else if (peek().isWord("like") || peek().isWord("ilike")) {
                String operator = name();
                test = new Expr.Binary(operator, value, comparison());
                if (accept("escape")) {
                    comparison();
                }
            } else if (accept("between")) {
                Expr low = comparison();
                expect("and");
                Expr high = comparison();
                test = new Expr.And(List.of(new Expr.Binary(">=", value, low), new Expr.Binary("<=", value, high)));
            } else {
                return value;
            }
            value = not ? new Expr.Unary("not", test) : test;
        }
    }

    private Expr in(Expr value) {
        expectSymbol("(");
        if (peek().isWord("select")) {
            Query query = query();
            expectSymbol(")");
            return new Expr.InQuery(value, query);
        }
        List<Expr> choices = expressions();
        expectSymbol(")");
        return new Expr.In(value, choices);
    }

    private List<Expr> expressions() {
        List<Expr> all = new ArrayList<>();
        do {
            all.add(expression());
        } while (symbol(","));
        return all;
    }

    /** An operator other than those of arithmetic, if one comes next: also as {@code OPERATOR(pg_catalog.~)}. */
    private Optional<String> operator() {
        if (peek().isWord("operator") && ahead(1).isSymbol("(")) {
            at += 2;
            while (peek().isName()) {
                at++;
                expectSymbol(".");
            }
            String operator = tokens.get(at++).text();
            expectSymbol(")");
            return Optional.of(operator);
        }
        Token token = peek();
        boolean isOperator = token.kind() == Token.Kind.SYMBOL
                && (COMPARISONS.contains(token.text()) || Set.of("~", "!~", "~*", "!~*", "~~", "!~~", "||", "&", "|", "@>", "<@")
                        .contains(token.text()));
        if (isOperator) {
            at++;
            return Optional.of(token.text());
        }
        return Optional.empty();
    }

    private Expr comparison() {
        Expr left = sum();
        for (Optional<String> operator = operator(); operator.isPresent(); operator = operator()) {
            if ((peek().isWord("any") || peek().isWord("some") || peek().isWord("all")) && ahead(1).isSymbol("(")) {
                boolean all = name().equals("all");
                expectSymbol("(");
                Expr array = peek().isWord("select") ? new Expr.ArrayQuery(query()) : expression();
                expectSymbol(")");
                left = new Expr.Quantified(left, operator.get(), all, array);
            } else {
                left = new Expr.Binary(operator.get(), left, sum());
            }
        }
        return left;
    }

    private Expr sum() {
        Expr left = product();
        while (peek().kind() == Token.Kind.SYMBOL && SUMS.contains(peek().text())) {
            left = new Expr.Binary(tokens.get(at++).text(), left, product());
        }
        return left;
    }

    private Expr product() {
        Expr left = unary();
        while (peek().kind() == Token.Kind.SYMBOL && PRODUCTS.contains(peek().text())) {
            left = new Expr.Binary(tokens.get(at++).text(), left, unary());
        }
        return left;
    }

    private Expr unary() {
        if (symbol("-")) {
            deeper();
            Expr value = unary();
            depth--;
            return new Expr.Unary("-", value);
        }
        Expr value = primary();
        while (true) {
            if (symbol("::")) {
                value = new Expr.Cast(value, type());
            } else if (symbol("[")) {
                value = new Expr.Subscript(value, expression());
                expectSymbol("]");
            } else if (accept("collate")) {
                name();
                while (symbol(".")) {
                    name();
                }
            } else {
                return value;
            }
        }
    }

    private String type() {
        String type = name();
        while (symbol(".")) {
            type = name();
        }
        if (type.equals("character") && accept("varying")) {
            type = "varchar";
        } else if (type.equals("double")) {
            expect("precision");
            type = "float8";
        }
        if (symbol("(")) {
            expressions();
            expectSymbol(")");
        }
        while (symbol("[")) {
            expectSymbol("]");
            type += "[]";
        }
        return type;
    }

    private Expr primary() {
        Token token = peek();
        return switch (token.kind()) {
            case TEXT -> {
                at++;
                yield new Expr.Literal(token.text());
            }
            case NUMBER -> {
                at++;
                yield new Expr.Literal(number(token.text()));
            }
            case PARAMETER -> {
                at++;
                yield new Expr.Parameter((Integer) (int) Math.min(number(token.text()) instanceof Long n ? n : 0, 0xffff));
            }
            case QUOTED_NAME -> reference();
            case WORD -> word(token.text());
            case SYMBOL -> {
                expectSymbol("(");
                if (peek().isWord("select")) {
                    Query query = query();
                    expectSymbol(")");
                    yield field(new Expr.Scalar(query));
                }
                Expr inner = expression();
                expectSymbol(")");
                yield field(inner);
            }
            case END -> throw unexpected();
        };
    }

    /** {@code (composite).field}. */
    private Expr field(Expr value) {
        return symbol(".") ? new Expr.Field(value, name()) : value;
    }

    private Object number(String text) {
        try {
            return text.contains(".") ? (Object) Double.valueOf(text) : (Object) Long.valueOf(text);
        } catch (NumberFormatException e) {
            throw PgException.error("22003", "a number is out of range");
        }
    }

    private Expr word(String word) {
        boolean call = ahead(1).isSymbol("(");
        switch (word) {
            case "null" -> {
                at++;
                return new Expr.Literal(null);
            }
            case "true", "false" -> {
                at++;
                return new Expr.Literal(word.equals("true"));
            }
            case "case" -> {
                return cases();
            }
            case "exists" -> {
                at++;
                expectSymbol("(");
                Query query = query();
                expectSymbol(")");
                return new Expr.Exists(query);
            }
            case "array" -> {
                at++;
                return array();
            }
            case "cast" -> {
                at += 2;
                Expr value = expression();
                expect("as");
                String type = type();
                expectSymbol(")");
                return new Expr.Cast(value, type);
            }
            case "trim" -> {
                return trim();
            }
            default -> {
                if (BARE_CALLS.contains(word) && !call) {
                    at++;
                    return new Expr.Call(word, List.of(), Optional.empty());
                }
                if (RESERVED.contains(word)) {
                    throw unexpected();
                }
                return reference();
            }
        }
    }

    private Expr array() {
        if (symbol("(")) {
            Query query = query();
            expectSymbol(")");
            return new Expr.ArrayQuery(query);
        }
        expectSymbol("[");
        List<Expr> items = peek().isSymbol("]") ? List.of() : expressions();
        expectSymbol("]");
        return new Expr.ArrayOf(items);
    }

    /** {@code trim([both | leading | trailing] [characters] from text)}, or as an ordinary call. */
    private Expr trim() {
        at++;
        expectSymbol("(");
        String side = accept("leading") ? "ltrim" : accept("trailing") ? "rtrim" : "btrim";
        accept("both");
        List<Expr> arguments = new ArrayList<>();
        if (!peek().isWord("from")) {
            arguments.add(expression());
        }
        if (accept("from")) {
            arguments.addFirst(expression());
        } else if (symbol(",")) {
            arguments.add(expression());
        }
        expectSymbol(")");
        return new Expr.Call(side, arguments, Optional.empty());
    }

    private Expr cases() {
        expect("case");
        Optional<Expr> operand = peek().isWord("when") ? Optional.empty() : Optional.of(expression());
        List<Expr.When> whens = new ArrayList<>();
        while (accept("when")) {
            Expr condition = expression();
            expect("then");
            whens.add(new Expr.When(condition, expression()));
        }
        Optional<Expr> otherwise = accept("else") ? Optional.of(expression()) : Optional.empty();
        expect("end");
        return new Expr.Case(operand, whens, otherwise);
    }

    /** A column or a call, with qualifiers of which the last one counts for columns and none for calls. */
    private Expr reference() {
        String qualifier = "";
        String name = name();
        while (symbol(".")) {
            qualifier = name;
            name = name();
        }
        if (peek().isSymbol("(")) {
            return call(name);
        }
        // type 'text', as in oid '5'
        if (qualifier.isEmpty() && peek().kind() == Token.Kind.TEXT) {
            return new Expr.Cast(primary(), name);
        }
        return new Expr.Column(qualifier, name);
    }

    private Expr.Call call(String name) {
        expectSymbol("(");
        List<Expr> arguments = List.of();
        if (symbol("*")) {
            arguments = List.of(new Expr.Literal("*"));
        } else if (!peek().isSymbol(")")) {
            arguments = expressions();
        }
        expectSymbol(")");
        Optional<Expr.Window> over = Optional.empty();
        if (accept("over")) {
            expectSymbol("(");
            List<Expr> partition = List.of();
            if (accept("partition")) {
                expect("by");
                partition = expressions();
            }
            List<Query.Order> order = accept("order") ? orderBy() : List.of();
            expectSymbol(")");
            over = Optional.of(new Expr.Window(partition, order));
        }
        return new Expr.Call(name, arguments, over);
    }
}
