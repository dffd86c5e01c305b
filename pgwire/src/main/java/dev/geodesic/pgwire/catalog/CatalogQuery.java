package dev.geodesic.pgwire.catalog;

import dev.geodesic.pgwire.message.PgException;
import dev.geodesic.pgwire.parse.Query;
import dev.geodesic.pgwire.parse.QueryParser;
import dev.geodesic.pgwire.parse.Token;
import dev.geodesic.pgwire.type.PgType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A SELECT over the catalogue, or without tables: {@code SELECT version()}. */
public final class CatalogQuery {

    private static final Set<PgType> INTEGERS = Set.of(PgType.INT2, PgType.INT4, PgType.INT8, PgType.OID);

    private final Query query;
    private final int parameters;

    private CatalogQuery(Query query, int parameters) {
        this.query = query;
        this.parameters = parameters;
    }

    /**
     * A result as text, null for NULL.
     *
     * @param types one for each name
     */
    public record Result(List<String> names, List<PgType> types, List<List<String>> rows) {
    }

    /**
     * Tells whether a statement is for the catalogue.
     *
     * @param tokens of one statement, without a semicolon
     * @return empty if it is for the engine
     * @throws PgException 42601 or 0A000 if it is for the catalogue, but cannot be understood
     */
    public static Optional<CatalogQuery> read(List<Token> tokens) {
        if (!tokens.getFirst().isWord("select")) {
            return Optional.empty();
        }
        boolean catalog = namesCatalog(tokens);
        if (!catalog && hasFrom(tokens)) {
            return Optional.empty();
        }
        int parameters = tokens.stream().filter(t -> t.kind() == Token.Kind.PARAMETER && t.text().length() < 6)
                .mapToInt(t -> Integer.parseInt(t.text())).max().orElse(0);
        try {
            return Optional.of(new CatalogQuery(QueryParser.parse(tokens), parameters));
        } catch (PgException e) {
            if (catalog) {
                throw e;
            }
            return Optional.empty();
        }
    }

    /** Whether FROM stands outside of parentheses. */
    private static boolean hasFrom(List<Token> tokens) {
        int depth = 0;
        for (Token token : tokens) {
            depth += token.isSymbol("(") ? 1 : token.isSymbol(")") ? -1 : 0;
            if (depth == 0 && token.isWord("from")) {
                return true;
            }
        }
        return false;
    }

    private static boolean namesCatalog(List<Token> tokens) {
        for (int i = 0; i < tokens.size(); i++) {
            Token token = tokens.get(i);
            boolean afterDot = i > 0 && tokens.get(i - 1).isSymbol(".");
            boolean beforeDot = i + 1 < tokens.size() && tokens.get(i + 1).isSymbol(".");
            if (token.isName() && (beforeDot && (token.text().equals("pg_catalog") || token.text().equals("information_schema"))
                    || !afterDot && !beforeDot && i > 0 && Catalog.isCatalogName(token.text())
                            && (tokens.get(i - 1).isWord("from") || tokens.get(i - 1).isWord("join")
                                    || tokens.get(i - 1).isSymbol(",")))) {
                return true;
            }
        }
        return false;
    }

    /** Whether it needs no table; then a column in it is an error that the engine has its own words for. */
    public boolean isWithoutTables() {
        return query.from().isEmpty();
    }

    /** Highest number of a parameter. */
    public int parameterCount() {
        return parameters;
    }

    /** Names and types of the columns. */
    public Result describe(Catalog catalog) {
        return run(catalog, Collections.nCopies(parameters, null));
    }

    /** @param values of the parameters */
    public Result run(Catalog catalog, List<String> values) {
        Evaluator.Result result = new Evaluator(catalog, values).run(query);
        List<PgType> types = new ArrayList<>(result.columns().stream().map(Relation.Column::type).toList());
        List<List<String>> rows = new ArrayList<>();
        for (Object[] row : result.rows()) {
            List<String> texts = new ArrayList<>(row.length);
            for (int i = 0; i < row.length; i++) {
                texts.add(Values.text(row[i]));
                if (row[i] != null && INTEGERS.contains(types.get(i)) && !(row[i] instanceof Long)
                        || types.get(i) == PgType.BOOL && row[i] != null && !(row[i] instanceof Boolean)) {
                    types.set(i, PgType.TEXT);
                }
            }
            rows.add(texts);
        }
        return new Result(result.columns().stream().map(Relation.Column::name).toList(), types, rows);
    }
}
