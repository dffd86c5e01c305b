package dev.geodesic.pgwire;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.message.PgException;
import java.io.IOException;

/** Errors as clients see them (spec/sql.md 15). */
final class Errors {

    private static final System.Logger LOG = System.getLogger(Errors.class.getName());

    private static final String INTERNAL_ERROR = "XX000";
    private static final String INSUFFICIENT_RESOURCES = "53000";
    private static final String DISK_FULL = "53100";

    private Errors() {
    }

    static void write(PgException e, MessageWriter out) throws IOException {
        String severity = e.isFatal() ? "FATAL" : "ERROR";
        out.begin('E')
                .int8('S').text(severity)
                .int8('V').text(severity)
                .int8('C').text(e.sqlState())
                .int8('M').text(e.getMessage())
                .int8(0).end();
    }

    /** An error of a statement that the engine ran. */
    static PgException of(EngineException e) {
        if (e.code() == ErrorCode.INTERNAL) {
            LOG.log(System.Logger.Level.ERROR, "PostgreSQL statement: " + e.describe(), e);
        }
        String state = switch (e.code()) {
            case DISK_FULL -> DISK_FULL;
            case BUSY -> INSUFFICIENT_RESOURCES;
            default -> INTERNAL_ERROR;
        };
        return PgException.error(state, "(Sql) " + e.getMessage());
    }
}
