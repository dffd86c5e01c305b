package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.sats.ConnectionId;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/**
 * What surrounds one call of a guest: the transaction, if any, the name for log lines, and the callers' credentials. For
 * one call only.
 */
public final class CallContext {

    /** Between calls. */
    static final CallContext IDLE = outsideTransaction("");

    /** Null without one; a procedure's comes and goes. */
    private Transaction transaction;
    /** Null if this is no procedure or handler. */
    private final ProcedureHost procedure;
    /** A table that was found to be the module's own, so that not every row looks again. */
    private int writableTable;
    private final String function;
    private final Function<ConnectionId, Optional<String>> credentials;

    private CallContext(
            Transaction transaction,
            ProcedureHost procedure,
            String function,
            Function<ConnectionId, Optional<String>> credentials) {
        this.transaction = transaction;
        this.procedure = procedure;
        this.function = Objects.requireNonNull(function, "function");
        this.credentials = Objects.requireNonNull(credentials, "credentials");
    }

    /**
     * A call inside a transaction, which the caller commits or rolls back afterwards.
     *
     * @param function canonical name of what is called
     * @param credentials payload of the JWT of a connection, as JSON text
     */
    public static CallContext inTransaction(
            String function, Transaction transaction, Function<ConnectionId, Optional<String>> credentials) {
        return new CallContext(Objects.requireNonNull(transaction, "transaction"), null, function, credentials);
    }

    /** A call outside any transaction: table functions answer NOT_IN_TRANSACTION. */
    public static CallContext outsideTransaction(String function) {
        return new CallContext(null, null, function, connection -> Optional.empty());
    }

    /** A call of a procedure or handler, which opens and ends transactions of its own. Otherwise as the others. */
    public static CallContext procedure(
            String function, ProcedureHost host, Function<ConnectionId, Optional<String>> credentials) {
        return new CallContext(null, Objects.requireNonNull(host, "host"), function, credentials);
    }

    /** The transaction. Errors: NOT_IN_TRANSACTION. */
    Transaction transaction() {
        if (transaction == null) {
            throw new EngineException(ErrorCode.NOT_IN_TRANSACTION, "not in a transaction");
        }
        return transaction;
    }

    boolean hasTransaction() {
        return transaction != null;
    }

    /** What the procedure or handler may do; empty for other calls. */
    Optional<ProcedureHost> procedure() {
        return Optional.ofNullable(procedure);
    }

    /** Tells of the transaction that the procedure has opened, or with null that it has none any more. */
    void setTransaction(Transaction present) {
        transaction = present;
    }

    /** Whether {@link #setWritable} was called with this table last. */
    boolean isWritable(int tableId) {
        return tableId == writableTable;
    }

    void setWritable(int tableId) {
        writableTable = tableId;
    }

    public String function() {
        return function;
    }

    Optional<String> credentials(ConnectionId connection) {
        return credentials.apply(connection);
    }
}
