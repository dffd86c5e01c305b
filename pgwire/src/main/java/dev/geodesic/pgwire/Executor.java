package dev.geodesic.pgwire;

import dev.geodesic.engine.auth.TokenClaims;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.SqlAnswer;
import dev.geodesic.engine.query.SqlDescription;
import dev.geodesic.engine.query.SqlResult;
import dev.geodesic.pgwire.catalog.Catalog;
import dev.geodesic.pgwire.catalog.CatalogQuery;
import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.message.PgException;
import dev.geodesic.pgwire.type.ColumnType;
import dev.geodesic.pgwire.type.PgType;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/** Runs statements of one session. Not thread-safe. */
final class Executor {

    private static final SecureRandom RANDOM = new SecureRandom();

    private final Server engine;
    private final TokenClaims claims;
    private final Identity database;
    private final String databaseName;
    private final Variables variables;
    private final MessageWriter out;
    private final Consumer<String> deallocate;
    private Block block = Block.NONE;

    /** Between BEGIN and COMMIT only reads are allowed, because a write is a transaction of its own. */
    private enum Block {
        NONE('I'), OPEN('T'), FAILED('E');

        private final char letter;

        Block(char letter) {
            this.letter = letter;
        }
    }

    /**
     * What a statement takes and gives.
     *
     * @param parameters object ids of the types of {@code $1}, {@code $2}...
     * @param columns empty if it gives no rows
     */
    record Description(List<Integer> parameters, Optional<List<RowSet.Column>> columns) {

        private static final Description NOTHING = new Description(List.of(), Optional.empty());
    }

    /** How the client is told what a write did. */
    enum Tags {
        /** {@code inserted: 1, server: 301.00µs}: simple queries (spec/sql.md 15). */
        SPOKEN,
        /** {@code INSERT 0 1}: extended queries, whose clients read the count. */
        POSTGRES
    }

    /** @param deallocate forgets the prepared statement of a name, or {@code all} */
    Executor(
            Server engine, TokenClaims claims, Identity database, String databaseName, Variables variables, MessageWriter out,
            Consumer<String> deallocate) {
        this.engine = engine;
        this.claims = claims;
        this.database = database;
        this.databaseName = databaseName;
        this.variables = variables;
        this.out = out;
        this.deallocate = deallocate;
    }

    /** For ReadyForQuery. */
    char state() {
        return block.letter;
    }

    boolean inBlock() {
        return block != Block.NONE;
    }

    /** A statement failed: in a block, the rest of the block does, too. */
    void failed() {
        if (block == Block.OPEN) {
            block = Block.FAILED;
        }
    }

    private void checkBlock(Statement statement) {
        if (block == Block.FAILED && !(statement instanceof Statement.Commit) && !(statement instanceof Statement.Rollback)) {
            throw PgException.error("25P02", "current transaction is aborted, commands ignored until end of transaction block");
        }
    }

    /** Errors: as {@link #run}, but for values that do not fit. */
    Description describe(Statement statement) {
        checkBlock(statement);
        return switch (statement) {
            case Statement.Show(String name) ->
                    new Description(List.of(), Optional.of(TextRows.single(name, "").columns()));
            case Statement.Refused(PgException reason) -> throw reason;
            case Statement.Catalog question -> {
                try {
                    yield new Description(
                            Collections.nCopies(question.query().parameterCount(), PgType.TEXT.oid()),
                            Optional.of(rows(question.query().describe(catalog())).columns()));
                } catch (PgException e) {
                    yield describe(engineInstead(question, e));
                }
            }
            case Statement.Sql sql -> {
                try {
                    SqlDescription d = engine.database(database).describe(claims.identity(), sql.text());
                    yield new Description(
                            d.parameters().stream().skip(sql.constants().size()).map(type -> ColumnType.of(type).oid()).toList(),
                            d.isQuery() ? Optional.of(SqlRows.columns(d.schema())) : Optional.empty());
                } catch (EngineException e) {
                    throw Errors.of(e);
                }
            }
            default -> Description.NOTHING;
        };
    }

    /** @param parameters empty for simple queries, which have none; values are null for NULL */
    Outcome run(Statement statement, Optional<List<String>> parameters, Tags tags) throws IOException {
        checkBlock(statement);
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
                block = Block.OPEN;
                yield new Outcome.Done(tag);
            }
            case Statement.Commit commit -> {
                boolean failed = block == Block.FAILED;
                block = Block.NONE;
                yield new Outcome.Done(failed ? "ROLLBACK" : "COMMIT");
            }
            case Statement.Rollback rollback -> {
                block = Block.NONE;
                yield new Outcome.Done("ROLLBACK");
            }
            case Statement.Deallocate(String name) -> {
                deallocate.accept(name);
                yield new Outcome.Done(name.equals("all") ? "DEALLOCATE ALL" : "DEALLOCATE");
            }
            case Statement.DiscardAll discard -> {
                variables.reset("all", out);
                deallocate.accept("all");
                yield new Outcome.Done("DISCARD ALL");
            }
            case Statement.Nothing(String tag) -> new Outcome.Done(tag);
            case Statement.Refused(PgException reason) -> throw reason;
            case Statement.Catalog question -> {
                try {
                    yield new Outcome.Rows(
                            rows(question.query().run(catalog(), parameters.orElse(List.of()))), "SELECT");
                } catch (PgException e) {
                    yield sql(engineInstead(question, e), parameters, tags);
                }
            }
            case Statement.Sql sql -> sql(sql, parameters, tags);
        };
    }

    /** A column without a table: the engine has the words for that (spec/sql.md 13). Otherwise the error stands. */
    private static Statement.Sql engineInstead(Statement.Catalog question, PgException e) {
        if (question.query().isWithoutTables() && e.sqlState().equals("42703")) {
            return question.text();
        }
        throw e;
    }

    private static RowSet rows(CatalogQuery.Result result) {
        return new TextRows(result.names(), result.types(), result.rows());
    }

    private Catalog catalog() {
        try {
            Database running = engine.database(database);
            return new Catalog(
                    databaseName, running.owner().toHex(), variables.get("session_authorization").orElse(""),
                    running.tables(claims.identity()), variables::get);
        } catch (EngineException e) {
            throw Errors.of(e);
        }
    }

    private Outcome sql(Statement.Sql statement, Optional<List<String>> parameters, Tags tags) {
        if (block == Block.OPEN && !statement.reads()) {
            throw PgException.error("0A000", "every write is a transaction of its own: leave the transaction block, or set"
                    + " autocommit on in the client");
        }
        try {
            Database running = engine.database(database);
            Optional<List<String>> values = parameters.filter(p -> statement.constants().isEmpty())
                    .or(() -> statement.constants().isEmpty() ? Optional.empty() : Optional.of(statement.constants()));
            SqlAnswer answer = values.isPresent()
                    ? running.sql(client(), statement.text(), values.get())
                    : running.sql(client(), statement.text());
            running.awaitDurable(answer.txOffset());
            return outcome(answer, statement, tags);
        } catch (EngineException e) {
            throw Errors.of(e);
        }
    }

    private static Outcome outcome(SqlAnswer answer, Statement.Sql statement, Tags tags) {
        SqlResult result = answer.result();
        if (statement.reads() || !result.schema().elements().isEmpty()) {
            return new Outcome.Rows(new SqlRows(result), "SELECT");
        }
        boolean spoken = tags == Tags.SPOKEN;
        String tag = switch (statement.verb()) {
            case "insert" -> (spoken ? "inserted: " : "INSERT 0 ") + result.inserted();
            case "update" -> (spoken ? "updated: " : "UPDATE ") + result.updated();
            case "delete" -> (spoken ? "deleted: " : "DELETE ") + result.deleted();
            default -> statement.verb().toUpperCase(Locale.ROOT);
        };
        return new Outcome.Done(spoken ? tag + ", server: " + duration(answer.durationMicros()) : tag);
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
