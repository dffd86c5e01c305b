package dev.geodesic.pgwire;

import dev.geodesic.engine.auth.TokenClaims;
import dev.geodesic.engine.database.Server;
import dev.geodesic.pgwire.message.FrameReader;
import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.message.Payload;
import dev.geodesic.pgwire.message.PgException;
import dev.geodesic.sats.Identity;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/** What a client does after its login: one message after the other. Not thread-safe. */
final class Session {

    static final String SERVER_VERSION = "spacetime 2.8.3";

    private static final int SMALL_FRAME_BYTES = 64 << 10;
    private static final int BYTES_PER_MILLI = 16;

    private final PgOptions options;
    private final int frameBytesMax;
    private final MemoryBudget memory;
    private final Connection connection;
    private final FrameReader in;
    private final MessageWriter out;
    private final Variables variables;
    private final Executor executor;
    private final ExtendedQuery extended;
    /** After an error in extended queries: everything up to Sync is skipped. */
    private boolean skipping;

    Session(
            Server engine, PgOptions options, MemoryBudget memory, Connection connection, FrameReader in, MessageWriter out,
            Map<String, String> startup, TokenClaims claims, Identity database) {
        this.options = options;
        this.frameBytesMax = engine.limits().messageBytesMax();
        this.memory = memory;
        this.connection = connection;
        this.in = in;
        this.out = out;
        this.variables = new Variables(
                SERVER_VERSION, startup.getOrDefault("user", ""), startup.getOrDefault("application_name", ""));
        this.executor = new Executor(
                engine, claims, database, startup.getOrDefault("database", ""), variables, out, this::deallocate);
        this.extended = new ExtendedQuery(executor, memory, out);
    }

    private void deallocate(String statement) {
        extended.deallocate(statement);
    }

    void run() throws IOException {
        out.begin('R').int32(0).end();
        variables.reportAll(out);
        out.begin('K').int32(0).int32(0).end();
        ready();
        try {
            while (next()) {
                // Until the client goes.
            }
        } finally {
            extended.closeAll();
        }
    }

    /** Reads and handles one message; false if it was the last. */
    private boolean next() throws IOException {
        connection.allow(options.times().idleMillis());
        int type = in.readType();
        if (type < 0 || type == 'X') {
            return false;
        }
        long[] held = {0};
        try {
            connection.allow(options.times().frameMillis());
            Payload message = in.readPayload(frameBytesMax, length -> {
                connection.allow(options.times().frameMillis() + length / BYTES_PER_MILLI);
                if (length > SMALL_FRAME_BYTES) {
                    takeFor(length);
                    held[0] = length;
                }
            });
            connection.allowForever();
            handle((char) type, message);
        } finally {
            memory.give(held[0]);
        }
        return true;
    }

    /** A message that has no room ends the connection: it was not read. */
    private void takeFor(int length) {
        try {
            memory.take(length);
        } catch (PgException e) {
            throw PgException.fatal(e.sqlState(), e.getMessage());
        }
    }

    private void handle(char type, Payload message) throws IOException {
        switch (type) {
            case 'S' -> sync(message);
            case 'H' -> {
                message.end();
                out.flush();
            }
            case 'Q' -> {
                if (!skipping) {
                    simpleQuery(message);
                }
            }
            case 'P', 'B', 'D', 'E', 'C' -> {
                if (!skipping) {
                    extendedQuery(type, message);
                }
            }
            case 'F' -> {
                fail(PgException.error("0A000", "function calls are not supported"));
                ready();
            }
            case 'd', 'c', 'f' -> {
                // Data of a COPY that never began; ignored, as PostgreSQL does.
            }
            default -> throw PgException.protocol("invalid frontend message type " + (int) type);
        }
    }

    private void ready() throws IOException {
        out.begin('Z').int8(executor.state()).end().flush();
    }

    private void fail(PgException e) throws IOException {
        if (e.isFatal()) {
            throw e;
        }
        out.discard();
        Errors.write(e, out);
        executor.failed();
    }

    // ---- extended queries ----

    private void extendedQuery(char type, Payload message) throws IOException {
        try {
            switch (type) {
                case 'P' -> extended.parse(message);
                case 'B' -> extended.bind(message);
                case 'D' -> extended.describe(message);
                case 'E' -> extended.execute(message);
                default -> extended.close(message);
            }
        } catch (PgException e) {
            fail(e);
            skipping = true;
        }
    }

    private void sync(Payload message) throws IOException {
        message.end();
        skipping = false;
        if (!executor.inBlock()) {
            extended.closePortals();
        }
        ready();
    }

    // ---- simple queries ----

    private void simpleQuery(Payload message) throws IOException {
        extended.closeUnnamed();
        try {
            String text = message.text();
            message.end();
            send(executor.run(Statements.read(text), Optional.empty(), Executor.Tags.SPOKEN));
        } catch (PgException e) {
            fail(e);
        }
        if (!executor.inBlock()) {
            extended.closePortals();
        }
        ready();
    }

    private void send(Outcome outcome) throws IOException {
        switch (outcome) {
            case Outcome.Empty empty -> out.begin('I').end();
            case Outcome.Done(String tag) -> out.begin('C').text(tag).end();
            case Outcome.Rows answer -> {
                RowSet rows = answer.rows();
                long bytes = rows.bytes();
                memory.take(bytes);
                try {
                    RowSet.describe(rows.columns(), RowSet.Formats.TEXT, out);
                    for (int i = 0; i < rows.count(); i++) {
                        out.begin('D');
                        rows.write(i, RowSet.Formats.TEXT, out);
                        out.end();
                    }
                } finally {
                    memory.give(bytes);
                }
                out.begin('C').text(answer.tag(rows.count())).end();
            }
        }
    }
}
