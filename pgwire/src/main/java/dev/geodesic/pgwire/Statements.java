package dev.geodesic.pgwire;

import dev.geodesic.pgwire.catalog.CatalogQuery;
import dev.geodesic.pgwire.message.PgException;
import dev.geodesic.pgwire.parse.Token;
import dev.geodesic.pgwire.parse.Tokens;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Tells what a text is. Whatever is not known here is for the engine, which then says what is wrong with it. */
final class Statements {

    private static final String ROW_LIMIT = "row_limit";
    /** Statements of the engine are no longer; what is longer need not be looked at. */
    private static final int LOOKED_AT_CHARS_MAX = 100_000;

    private final List<Token> tokens;
    private int at;

    private Statements(List<Token> tokens) {
        this.tokens = tokens;
    }

    static Statement read(String sql) {
        if (sql.length() > LOOKED_AT_CHARS_MAX) {
            return new Statement.Sql(sql, "");
        }
        List<Token> tokens;
        try {
            tokens = Tokens.of(sql);
        } catch (PgException e) {
            return new Statement.Sql(sql, "");
        }
        int first = 0;
        int end = tokens.size() - 1;
        while (first < end && tokens.get(first).isSymbol(";")) {
            first++;
        }
        while (end > first && tokens.get(end - 1).isSymbol(";")) {
            end--;
        }
        if (first == end) {
            return new Statement.Empty();
        }
        List<Token> one = tokens.subList(first, end);
        Statement.Sql engine = new Statement.Sql(sql, one.getFirst().kind() == Token.Kind.WORD ? one.getFirst().text() : "");
        if (one.stream().anyMatch(t -> t.isSymbol(";"))) {
            return engine;
        }
        try {
            Optional<CatalogQuery> catalog = CatalogQuery.read(one);
            if (catalog.isPresent()) {
                return new Statement.Catalog(catalog.get(), engine);
            }
        } catch (PgException e) {
            return new Statement.Refused(e);
        }
        Statement statement = new Statements(one).statement();
        return statement == null ? bound(engine, one) : statement;
    }

    /**
     * Takes values with a cast out of the text, as the JDBC driver writes them in simple queries. Not if anything in the text
     * might be cut in another way by the engine: dollars begin other quotes, and letters before a quote other texts.
     */
    private static Statement.Sql bound(Statement.Sql sql, List<Token> tokens) {
        boolean casts = false;
        for (int i = 0; i < tokens.size(); i++) {
            Token token = tokens.get(i);
            casts |= token.isSymbol("::");
            boolean prefixed = token.kind() == Token.Kind.TEXT && (sql.text().charAt(token.start()) != '\''
                    || i > 0 && tokens.get(i - 1).isName() && tokens.get(i - 1).end() == token.start());
            if (prefixed || token.kind() == Token.Kind.PARAMETER || token.isSymbol("$")) {
                return sql;
            }
        }
        if (!casts) {
            return sql;
        }
        StringBuilder text = new StringBuilder();
        List<String> values = new ArrayList<>();
        int copied = 0;
        for (int i = 1; i + 4 <= tokens.size(); i++) {
            if (tokens.get(i - 1).isSymbol("(") && tokens.get(i).kind() == Token.Kind.TEXT && tokens.get(i + 1).isSymbol("::")
                    && tokens.get(i + 2).kind() == Token.Kind.WORD && tokens.get(i + 3).isSymbol(")")) {
                values.add(tokens.get(i).text());
                text.append(sql.text(), copied, tokens.get(i - 1).start()).append(" $").append(values.size()).append(' ');
                copied = tokens.get(i + 3).end();
            }
        }
        return new Statement.Sql(text.append(sql.text(), copied, sql.text().length()).toString(), sql.verb(), values);
    }

    private boolean accept(String word) {
        if (at < tokens.size() && tokens.get(at).isWord(word)) {
            at++;
            return true;
        }
        return false;
    }

    private boolean atEnd() {
        return at == tokens.size();
    }

    /** Null if it is none of a session. */
    private Statement statement() {
        Token first = tokens.get(at++);
        if (first.kind() != Token.Kind.WORD) {
            return null;
        }
        return switch (first.text()) {
            case "set" -> set();
            case "show" -> show();
            case "reset" -> new Statement.Reset(variable());
            case "begin" -> new Statement.Begin("BEGIN");
            case "start" -> accept("transaction") ? new Statement.Begin("START TRANSACTION") : null;
            case "commit", "end" -> new Statement.Commit();
            case "rollback", "abort" -> rollback();
            case "deallocate" -> deallocate();
            case "discard" -> accept("all") && atEnd() ? new Statement.DiscardAll() : null;
            case "unlisten" -> new Statement.Nothing("UNLISTEN");
            default -> null;
        };
    }

    private Statement rollback() {
        accept("work");
        accept("transaction");
        // ROLLBACK TO a savepoint is for the engine to refuse.
        return atEnd() ? new Statement.Rollback() : null;
    }

    private Statement deallocate() {
        accept("prepare");
        return at == tokens.size() - 1 ? new Statement.Deallocate(tokens.get(at).text()) : null;
    }

    /** {@code SET [SESSION | LOCAL] name = value}, TIME ZONE, and the characteristics of transactions. */
    private Statement set() {
        if (accept("transaction") || accept("constraints")) {
            return new Statement.Nothing("SET");
        }
        if (accept("session")) {
            if (accept("characteristics")) {
                return new Statement.Nothing("SET");
            }
        } else {
            accept("local");
        }
        if (accept("time")) {
            return accept("zone") ? new Statement.Set("timezone", rest()) : null;
        } else if (accept("names")) {
            return new Statement.Set("client_encoding", rest());
        }
        String name = variable();
        boolean assigned = at < tokens.size() && (tokens.get(at).isSymbol("=") || tokens.get(at).isWord("to"));
        if (name.isEmpty() || name.equals(ROW_LIMIT) || !assigned) {
            return null;
        }
        at++;
        return atEnd() ? null : new Statement.Set(name, rest());
    }

    private Statement show() {
        if (accept("transaction")) {
            return accept("isolation") && accept("level") && atEnd() ? new Statement.Show("transaction_isolation") : null;
        } else if (accept("time")) {
            return accept("zone") && atEnd() ? new Statement.Show("timezone") : null;
        } else if (accept("session")) {
            return accept("authorization") && atEnd() ? new Statement.Show("session_authorization") : null;
        }
        String name = variable();
        return name.isEmpty() || name.equals(ROW_LIMIT) || !atEnd() ? null : new Statement.Show(name);
    }

    /** A name, with dots or without; empty if there is none. */
    private String variable() {
        StringBuilder name = new StringBuilder();
        while (!atEnd() && (tokens.get(at).isName() || tokens.get(at).isSymbol("."))
                && !(name.length() > 0 && tokens.get(at).isName() && name.charAt(name.length() - 1) != '.')) {
            name.append(tokens.get(at++).text().toLowerCase(Locale.ROOT));
        }
        return name.toString();
    }

    private String rest() {
        StringBuilder text = new StringBuilder();
        for (Token token : tokens.subList(at, tokens.size())) {
            boolean sticks = text.isEmpty() || token.isSymbol(",") || text.charAt(text.length() - 1) == '-';
            text.append(sticks ? "" : " ").append(token.text());
        }
        return text.toString();
    }
}
