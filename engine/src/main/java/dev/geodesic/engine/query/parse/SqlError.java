package dev.geodesic.engine.query.parse;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;

/** Makes the exceptions of SQL; the messages begin with the phrases of spec/sql.md section 13. */
public final class SqlError {

    static final int ECHO_CHARS_MAX = 1_000;

    private SqlError() {
    }

    public static EngineException of(String message) {
        return new EngineException(ErrorCode.SQL, message);
    }

    public static EngineException syntax(String message) {
        return of("sql parser error: " + message);
    }

    /** A clause or statement outside the grammar; the text is shortened. */
    public static EngineException unsupported(String statement) {
        return of("Unsupported: " + shorten(statement));
    }

    public static EngineException noSuchTable(String name) {
        return of("no such table: `" + shorten(name) + "`. If the table exists, it may be marked private.");
    }

    public static EngineException notInScope(String name) {
        return of("`" + shorten(name) + "` is not in scope");
    }

    public static EngineException literal(String text, String type) {
        return of("The literal expression `" + shorten(text) + "` cannot be parsed as type `" + type + "`");
    }

    public static EngineException type(String expected, String inferred) {
        return of("Unexpected type: (expected) " + expected + " != " + inferred + " (inferred)");
    }

    /** Keeps an error message from repeating 50 kB of hostile text. */
    public static String shorten(String text) {
        return text.length() <= ECHO_CHARS_MAX ? text : text.substring(0, ECHO_CHARS_MAX) + "...";
    }
}
