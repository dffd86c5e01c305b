package dev.geodesic.pgwire.message;

/**
 * An error that a client is told as an ErrorResponse. Cheap: without a stack trace.
 */
public final class PgException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String sqlState;
    private final boolean fatal;

    private PgException(String sqlState, boolean fatal, String message) {
        super(message, null, false, false);
        this.sqlState = sqlState;
        this.fatal = fatal;
    }

    /** The statement failed; the connection lives on. */
    public static PgException error(String sqlState, String message) {
        return new PgException(sqlState, false, message);
    }

    /** The connection ends. */
    public static PgException fatal(String sqlState, String message) {
        return new PgException(sqlState, true, message);
    }

    /** Bytes that are no message. */
    public static PgException protocol(String message) {
        return fatal("08P01", message);
    }

    /** Five characters as PostgreSQL has them. */
    public String sqlState() {
        return sqlState;
    }

    public boolean isFatal() {
        return fatal;
    }
}
