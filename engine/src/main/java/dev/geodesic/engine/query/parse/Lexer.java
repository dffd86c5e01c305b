package dev.geodesic.engine.query.parse;

import dev.geodesic.engine.base.EngineException;
import java.util.ArrayList;
import java.util.List;

/** Cuts SQL text into tokens by the lexical rules of PostgreSQL. One pass, no recursion. */
final class Lexer {

    private static final String SINGLE_SYMBOLS = "(),;.[]{}";
    /** All others, longest first. */
    private static final List<String> SYMBOLS = List.of(
            "->>", "#>>", "!~*", "<=", ">=", "<>", "!=", "::", "||", "->", "#>", "@>", "<@", "!~", "~*", "&&", "<<", ">>",
            "*", "=", "<", ">", "+", "-", "/", "%", "^", ":", "~", "!", "@", "#", "&", "|", "?");

    private final String sql;
    private final List<Token> tokens = new ArrayList<>();
    private int at;

    private Lexer(String sql) {
        this.sql = sql;
    }

    /** All tokens, the last one is {@link Token.Kind#END}. */
    static List<Token> tokenize(String sql) {
        Lexer lexer = new Lexer(sql);
        while (lexer.skipBlanks()) {
            lexer.token();
        }
        lexer.add(Token.Kind.END, "EOF", sql.length());
        return lexer.tokens;
    }

    /** Skips white space and comments; false at the end of the text. */
    private boolean skipBlanks() {
        while (at < sql.length()) {
            if (Character.isWhitespace(sql.charAt(at))) {
                at++;
            } else if (sql.startsWith("--", at)) {
                int end = sql.indexOf('\n', at);
                at = end < 0 ? sql.length() : end + 1;
            } else if (sql.startsWith("/*", at)) {
                skipBlockComment();
            } else {
                return true;
            }
        }
        return false;
    }

    private void skipBlockComment() {
        int start = at;
        int depth = 0;
        do {
            if (sql.startsWith("/*", at)) {
                depth++;
                at += 2;
            } else if (sql.startsWith("*/", at)) {
                depth--;
                at += 2;
            } else if (at < sql.length()) {
                at++;
            } else {
                throw error("Unexpected EOF while in a multi-line comment", start);
            }
        } while (depth > 0);
    }

    private void token() {
        int start = at;
        char c = sql.charAt(at);
        if (c == '"') {
            String name = quoted('"', false);
            if (name.isEmpty()) {
                throw error("Zero-length delimited identifier", start);
            }
            add(Token.Kind.QUOTED_NAME, name, start);
        } else if (c == '\'') {
            add(Token.Kind.STRING, quoted('\'', false), start);
        } else if (isDigit(c) || c == '.' && isDigit(peek(1))) {
            number(start);
        } else if ((c == 'x' || c == 'X') && peek(1) == '\'') {
            at++;
            add(Token.Kind.HEX, quoted('\'', false), start);
        } else if ("eEbBnN".indexOf(c) >= 0 && peek(1) == '\'') {
            at++;
            quoted('\'', c == 'e' || c == 'E');
            add(Token.Kind.FOREIGN_LITERAL, sql.substring(start, at), start);
        } else if (isNameStart(at)) {
            skipName();
            add(Token.Kind.WORD, sql.substring(start, at), start);
        } else if (c == ':' && isNameStart(at + 1)) {
            at++;
            skipName();
            add(Token.Kind.PARAMETER, sql.substring(start + 1, at), start);
        } else if (c == '$') {
            dollar(start);
        } else {
            symbol(start);
        }
    }

    /** Text between quotes, doubled quotes inside made single. */
    private String quoted(char quote, boolean backslashes) {
        int start = at++;
        StringBuilder text = new StringBuilder();
        while (at < sql.length()) {
            char c = sql.charAt(at++);
            if (c == quote) {
                if (at == sql.length() || sql.charAt(at) != quote) {
                    return text.toString();
                }
                at++;
            } else if (c == '\\' && backslashes && at < sql.length()) {
                at++;
            }
            text.append(c);
        }
        throw error(quote == '"' ? "Expected close delimiter '\"' before EOF." : "Unterminated string literal", start);
    }

    private void number(int start) {
        if (sql.charAt(at) == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
            at += 2;
            while (at < sql.length() && Character.digit(sql.charAt(at), 16) >= 0 && sql.charAt(at) < 0x80) {
                at++;
            }
            refuseJunk(start);
            add(Token.Kind.HEX, sql.substring(start + 2, at), start);
            return;
        }
        skipDigits();
        if (peek(0) == '.') {
            at++;
            skipDigits();
        }
        if (peek(0) == 'e' || peek(0) == 'E') {
            int sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
            if (isDigit(peek(1 + sign))) {
                at += 1 + sign;
                skipDigits();
            }
        }
        refuseJunk(start);
        add(Token.Kind.NUMBER, sql.substring(start, at), start);
    }

    private void refuseJunk(int start) {
        if (isNamePart(at) || peek(0) == '.') {
            throw error("Trailing junk after numeric literal", start);
        }
    }

    /** {@code $1}, or a string in dollar quotes: {@code $tag$ text $tag$}. */
    private void dollar(int start) {
        at++;
        while (at < sql.length() && sql.charAt(at) != '$' && isNamePart(at)) {
            at += Character.charCount(sql.codePointAt(at));
        }
        if (peek(0) == '$') {
            String tag = sql.substring(start, ++at);
            int end = sql.indexOf(tag, at);
            if (end < 0) {
                throw error("Unterminated dollar-quoted string", start);
            }
            at = end + tag.length();
        }
        add(Token.Kind.FOREIGN_LITERAL, sql.substring(start, at), start);
    }

    private void symbol(int start) {
        if (SINGLE_SYMBOLS.indexOf(sql.charAt(at)) >= 0) {
            at++;
            add(Token.Kind.SYMBOL, sql.substring(start, at), start);
            return;
        }
        for (String symbol : SYMBOLS) {
            if (sql.startsWith(symbol, at)) {
                at += symbol.length();
                add(Token.Kind.SYMBOL, symbol, start);
                return;
            }
        }
        throw error("Unexpected character U+%04X".formatted(sql.codePointAt(at)), start);
    }

    private void skipDigits() {
        while (isDigit(peek(0))) {
            at++;
        }
    }

    private void skipName() {
        while (isNamePart(at)) {
            at += Character.charCount(sql.codePointAt(at));
        }
    }

    private char peek(int ahead) {
        return at + ahead < sql.length() ? sql.charAt(at + ahead) : 0;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private boolean isNameStart(int index) {
        return index < sql.length() && (sql.charAt(index) == '_' || Character.isLetter(sql.codePointAt(index)));
    }

    private boolean isNamePart(int index) {
        return isNameStart(index) || index < sql.length() && (isDigit(sql.charAt(index)) || sql.charAt(index) == '$');
    }

    private void add(Token.Kind kind, String text, int start) {
        tokens.add(new Token(kind, text, start, at));
    }

    private EngineException error(String message, int offset) {
        return SqlError.syntax(message + place(sql, offset));
    }

    /** {@code " at Line: 1, Column 10"}. */
    static String place(String sql, int offset) {
        int line = 1;
        int lineStart = 0;
        for (int i = sql.indexOf('\n'); i >= 0 && i < offset; i = sql.indexOf('\n', i + 1)) {
            line++;
            lineStart = i + 1;
        }
        return " at Line: " + line + ", Column " + (sql.codePointCount(lineStart, offset) + 1);
    }
}
