package dev.geodesic.pgwire;

import dev.geodesic.engine.auth.TokenClaims;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.SqlAnswer;
import dev.geodesic.engine.query.SqlResult;
import dev.geodesic.pgwire.message.FrameReader;
import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.message.Payload;
import dev.geodesic.pgwire.message.PgException;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.Locale;
import java.util.Map;

/** What a client does after its login: one message after the other. Not thread-safe. */
final class Session {

    static final String SERVER_VERSION = "spacetime 2.8.3";

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int SMALL_FRAME_BYTES = 64 << 10;
    private static final int BYTES_PER_MILLI = 16;

    private final Server engine;
    private final PgOptions options;
    private final MemoryBudget memory;
    private final Connection connection;
    private final FrameReader in;
    private final MessageWriter out;
    private final TokenClaims claims;
    private final Identity database;
    private final Variables variables;
    private TransactionState state = TransactionState.IDLE;

    /** A block of BEGIN and COMMIT only reads: a write is a transaction of its own. */
    private enum TransactionState {
        IDLE('I'), IN_BLOCK('T'), FAILED('E');

        private final char letter;

        TransactionState(char letter) {
            this.letter = letter;
        }
    }

    Session(
            Server engine, PgOptions options, MemoryBudget memory, Connection connection, FrameReader in, MessageWriter out,
            Map<String, String> startup, TokenClaims claims, Identity database) {
        this.engine = engine;
        this.options = options;
        this.memory = memory;
        this.connection = connection;
        this.in = in;
        this.out = out;
        this.claims = claims;
        this.database = database;
        this.variables = new Variables(
                SERVER_VERSION, startup.getOrDefault("user", ""), startup.getOrDefault("application_name", ""));
    }

    void run() throws IOException {
        out.begin('R').int32(0).end();
        variables.reportAll(out);
        out.begin('K').int32(0).int32(0).end();
        ready();
        while (true) {
            connection.allow(options.times().idleMillis());
            int type = in.readType();
            if (type < 0 || type == 'X') {
                return;
            }
            long[] held = {0};
            try {
                connection.allow(options.times().frameMillis());
                Payload message = in.readPayload(engine.limits().messageBytesMax(), length -> {
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
        }
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
            case 'Q' -> simpleQuery(message);
            default -> throw PgException.protocol("invalid frontend message type " + (int) type);
        }
    }

    private void ready() throws IOException {
        out.begin('Z').int8(state.letter).end().flush();
    }

    private void simpleQuery(Payload message) throws IOException {
        try {
            String text = message.text();
            message.end();
            send(run(Statements.read(text)));
        } catch (PgException e) {
            fail(e);
        }
        ready();
    }

    /** A statement failed: in a block, the rest of the block does, too. */
    private void fail(PgException e) throws IOException {
        if (e.isFatal()) {
            throw e;
        }
        out.discard();
        Errors.write(e, out);
        if (state == TransactionState.IN_BLOCK) {
            state = TransactionState.FAILED;
        }
    }

    private void send(Outcome outcome) throws IOException {
        switch (outcome) {
            case Outcome.Empty empty -> out.begin('I').end();
            case Outcome.Done(String tag) -> complete(tag);
            case Outcome.Rows answer -> {
                RowSet rows = answer.rows();
                long bytes = rows.bytes();
                memory.take(bytes);
                try {
                    describe(rows);
                    for (int i = 0; i < rows.count(); i++) {
                        out.begin('D');
                        rows.write(i, RowSet.Formats.TEXT, out);
                        out.end();
                    }
                } finally {
                    memory.give(bytes);
                }
                complete(answer.tag(rows.count()));
            }
        }
    }

    private void complete(String tag) throws IOException {
        out.begin('C').text(tag).end();
    }

    private void describe(RowSet rows) throws IOException {
        out.begin('T').int16(rows.columns().size());
        for (RowSet.Column column : rows.columns()) {
            out.text(column.name()).int32(0).int16(0).int32(column.oid()).int16(column.byteSize()).int32(-1).int16(0);
        }
        out.end();
    }

    // ---- statements ----

    private Outcome run(Statement statement) throws IOException {
        if (state == TransactionState.FAILED && !(statement instanceof Statement.Commit)
                && !(statement instanceof Statement.Rollback)) {
            throw PgException.error(
                    "25P02", "current transaction is aborted, commands ignored until end of transaction block");
        }
        return switch (statement) {
            case Statement.Empty empty -> new Outcome.Empty();
            case Statement.Set(String name, String value) -> {
                variables.set(name, value, out);
                yield new Outcome.Done("SET");
            }
            case Statement.Reset(String name) -> {
                variables.reset(name, out);
                yield new Outcome.Done("RESET");
            }
            case Statement.Show(String name) -> new Outcome.Rows(
                    TextRows.single(name, variables.get(name).orElseThrow(() -> PgException.error(
                            "42704", "unrecognized configuration parameter \"" + name + "\""))),
                    "SHOW");
            case Statement.Begin(String tag) -> {
                state = TransactionState.IN_BLOCK;
                yield new Outcome.Done(tag);
            }
            case Statement.Commit commit -> {
                boolean failed = state == TransactionState.FAILED;
                state = TransactionState.IDLE;
                yield new Outcome.Done(failed ? "ROLLBACK" : "COMMIT");
            }
            case Statement.Rollback rollback -> {
                state = TransactionState.IDLE;
                yield new Outcome.Done("ROLLBACK");
            }
            case Statement.Deallocate(String name) -> new Outcome.Done(name.equals("all") ? "DEALLOCATE ALL" : "DEALLOCATE");
            case Statement.DiscardAll discard -> {
                variables.reset("all", out);
                yield new Outcome.Done("DISCARD ALL");
            }
            case Statement.Nothing(String tag) -> new Outcome.Done(tag);
            case Statement.Sql sql -> sql(sql);
        };
    }

    private Outcome sql(Statement.Sql statement) {
        if (state == TransactionState.IN_BLOCK && !statement.reads()) {
            throw PgException.error("0A000", "every write is a transaction of its own: leave the transaction block, or set"
                    + " autocommit on in the client");
        }
        try {
            Database running = engine.database(database);
            SqlAnswer answer = running.sql(client(), statement.text());
            running.awaitDurable(answer.txOffset());
            return outcome(answer, statement);
        } catch (EngineException e) {
            throw Errors.of(e);
        }
    }

    private static Outcome outcome(SqlAnswer answer, Statement.Sql statement) {
        SqlResult result = answer.result();
        if (statement.reads() || !result.schema().elements().isEmpty()) {
            return new Outcome.Rows(new SqlRows(result), "SELECT");
        }
        String tag = switch (statement.verb()) {
            case "insert" -> "inserted: " + result.inserted();
            case "update" -> "updated: " + result.updated();
            case "delete" -> "deleted: " + result.deleted();
            default -> statement.verb().toUpperCase(Locale.ROOT);
        };
        return new Outcome.Done(tag + ", server: " + duration(answer.durationMicros()));
    }

    /** With two digits behind the point, in the largest unit that leaves something before it. */
    private static String duration(long micros) {
        if (micros < 1_000) {
            return micros + ".00µs";
        }
        return micros < 1_000_000
                ? String.format(Locale.ROOT, "%.2fms", micros / 1e3) : String.format(Locale.ROOT, "%.2fs", micros / 1e6);
    }

    /** A client of the database for one statement, as over HTTP. */
    private ClientInfo client() {
        return new ClientInfo(claims.identity(), new ConnectionId(RANDOM.nextLong() | 1, RANDOM.nextLong()), claims.payload());
    }
}
