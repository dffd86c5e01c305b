package dev.geodesic.pgwire.parse;

import dev.geodesic.pgwire.message.PgException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Cuts the text of a statement into tokens by the rules of PostgreSQL. Only to tell what a statement is and to answer those
 * that tools ask about the catalogue: text for the engine goes there as it came. One pass, no recursion.
 */
public final class Tokens {

    private static final String OPERATOR_CHARS = "+-*/<>=~!@#%^&|`?";

    private final String sql;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int start;

    private Tokens(String sql) {
        this.sql = sql;
    }

    /**
     * All tokens, the last one is {@link Token.Kind#END}.
     *
     * @throws PgException 42601 for text that cannot be cut
     */
    public static List<Token> of(String sql) {
        Tokens all = new Tokens(sql);
        while (all.skipBlanks()) {
            all.start = all.at;
            all.token();
        }
        all.start = all.at;
        all.add(Token.Kind.END, "");
        return all.tokens;
    }

    private void add(Token.Kind kind, String text) {
        tokens.add(new Token(kind, text, start, at));
    }

    private static PgException error(String message) {
        return PgException.error("42601", message);
    }

    private char peek(int ahead) {
        return at + ahead < sql.length() ? sql.charAt(at + ahead) : 0;
    }

    private boolean skipBlanks() {
        while (at < sql.length()) {
            if (Character.isWhitespace(peek(0))) {
                at++;
            } else if (sql.startsWith("--", at)) {
                int end = sql.indexOf('\n', at);
                at = end < 0 ? sql.length() : end + 1;
            } else if (sql.startsWith("/*", at)) {
                skipComment();
            } else {
                return true;
            }
        }
        return false;
    }

    private void skipComment() {
        int depth = 0;
        do {
            if (sql.startsWith("/*", at)) {
                depth++;
                at += 2;
            } else if (sql.startsWith("*/", at)) {
                depth--;
                at += 2;
            } else if (at++ >= sql.length()) {
                throw error("unterminated comment");
            }
        } while (depth > 0);
    }

    private void token() {
        char c = peek(0);
        if ((c == 'e' || c == 'E') && peek(1) == '\'') {
            at++;
            add(Token.Kind.TEXT, quoted('\'', true));
        } else if (c == '\'') {
            add(Token.Kind.TEXT, quoted('\'', false));
        } else if (c == '"') {
            add(Token.Kind.QUOTED_NAME, quoted('"', false));
        } else if (isDigit(c) || c == '.' && isDigit(peek(1))) {
            number();
        } else if (c == '$' && isDigit(peek(1))) {
            int start = ++at;
            while (isDigit(peek(0))) {
                at++;
            }
            add(Token.Kind.PARAMETER, sql.substring(start, at));
        } else if (c == '_' || Character.isLetter(c)) {
            int start = at;
            while (peek(0) == '_' || peek(0) == '$' || Character.isLetterOrDigit(peek(0))) {
                at++;
            }
            add(Token.Kind.WORD, sql.substring(start, at).toLowerCase(Locale.ROOT));
        } else {
            symbol();
        }
    }

    private String quoted(char quote, boolean backslashes) {
        StringBuilder text = new StringBuilder();
        at++;
        while (at < sql.length()) {
            char c = sql.charAt(at++);
            if (c == quote) {
                if (peek(0) != quote) {
                    return text.toString();
                }
                at++;
            } else if (c == '\\' && backslashes && at < sql.length()) {
                c = escaped(sql.charAt(at++));
            }
            text.append(c);
        }
        throw error(quote == '"' ? "unterminated quoted identifier" : "unterminated quoted string");
    }

    private static char escaped(char c) {
        return switch (c) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'b' -> '\b';
            case 'f' -> '\f';
            default -> c;
        };
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private void number() {
        int start = at;
        while (isDigit(peek(0)) || peek(0) == '.' && isDigit(peek(1))) {
            at++;
        }
        add(Token.Kind.NUMBER, sql.substring(start, at));
    }

    /** Operators are as long as they can be, but comments and a sign behind one end them. */
    private void symbol() {
        int start = at;
        if (sql.startsWith("::", at) || sql.startsWith(":=", at)) {
            at += 2;
        } else if (OPERATOR_CHARS.indexOf(peek(0)) >= 0) {
            do {
                at++;
            } while (peek(0) != 0 && OPERATOR_CHARS.indexOf(peek(0)) >= 0 && peek(0) != '-' && peek(0) != '+'
                    && peek(0) != '*' && !sql.startsWith("/*", at));
            if (peek(0) == '*' && sql.charAt(at - 1) == '~') {
                at++;
            }
        } else {
            at++;
        }
        add(Token.Kind.SYMBOL, sql.substring(start, at));
    }
}
