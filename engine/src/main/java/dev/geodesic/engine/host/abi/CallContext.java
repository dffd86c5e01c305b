package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.sats.ConnectionId;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/** What surrounds one call of a guest: the transaction, if any, the name for log lines, and the callers' credentials. */
public final class CallContext {

    /** Between calls. */
    static final CallContext IDLE = outsideTransaction("");

    private final Transaction transaction;
    private final String function;
    private final Function<ConnectionId, Optional<String>> credentials;

    private CallContext(Transaction transaction, String function, Function<ConnectionId, Optional<String>> credentials) {
        this.transaction = transaction;
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
        return new CallContext(Objects.requireNonNull(transaction, "transaction"), function, credentials);
    }

    /** A call outside any transaction: table functions answer NOT_IN_TRANSACTION. */
    public static CallContext outsideTransaction(String function) {
        return new CallContext(null, function, connection -> Optional.empty());
    }

    /** The transaction. Errors: NOT_IN_TRANSACTION. */
    Transaction transaction() {
        if (transaction == null) {
            throw new EngineException(ErrorCode.NOT_IN_TRANSACTION, "not in a transaction");
        }
        return transaction;
    }

    public String function() {
        return function;
    }

    Optional<String> credentials(ConnectionId connection) {
        return credentials.apply(connection);
    }
}
