package dev.geodesic.pgwire;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.message.PgException;
import java.io.IOException;

/** Errors as clients see them (spec/sql.md 15). */
final class Errors {

    private static final System.Logger LOG = System.getLogger(Errors.class.getName());

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
        return PgException.error("XX000", "(Sql) " + e.getMessage());
    }
}
