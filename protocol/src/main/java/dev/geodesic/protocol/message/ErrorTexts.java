package dev.geodesic.protocol.message;

import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;

/** Texts of errors that clients and their users may know, as upstream words them (spec/websocket.md 5.3, 6.3 and 8). */
public final class ErrorTexts {

    public static final String NO_SUCH_REDUCER = "no such reducer";
    public static final String NO_SUCH_PROCEDURE = "No such procedure";
    /** A reducer that trapped. */
    public static final String REDUCER_TRAPPED = "The instance encountered a fatal error.";
    /** Unsubscribing one of several v1 single subscriptions of the same query. */
    public static final String INTERNAL_ERROR = "Internal error";
    public static final String EVENT_TABLE_NEEDS_V2 = "Subscribing to event tables requires WebSocket v2. "
            + "Please upgrade your client SDK and regenerate your module bindings.";

    private ErrorTexts() {
    }

    /** @param lifecycle {@code Init}, {@code OnConnect} or {@code OnDisconnect} */
    public static String lifecycleReducer(String lifecycle) {
        return "can't directly call special " + lifecycle + " lifecycle reducer";
    }

    public static String procedureTrapped(String trap) {
        return "The module instance encountered a fatal error: " + trap;
    }

    /** Outcome of a v2 or v3 call whose arguments are undecodable. */
    public static String invalidReducerArguments(String reducer, String cause) {
        return "invalid arguments for reducer " + reducer + ": " + cause;
    }

    /**
     * The same for a v1 call, and over HTTP: the cause on three levels.
     *
     * @param path where JSON arguments are wrong, like {@code [0].color}; {@code .} for all of them, empty for BSATN
     */
    public static String invalidReducerArgumentsV1(String reducer, String path, String cause) {
        String level = path.isEmpty() ? cause : path;
        String innermost = path.isEmpty() ? cause : path + ": " + cause;
        return invalidReducerArguments(reducer, level) + ": invalid arguments for function " + reducer + ": " + level + ": "
                + innermost;
    }

    public static String invalidProcedureArguments(String procedure, String cause) {
        return "invalid arguments for procedure " + procedure + ": " + cause;
    }

    /** The same for arguments in JSON; {@code path} as in {@link #invalidReducerArgumentsV1}, never empty. */
    public static String invalidProcedureArguments(String procedure, String path, String cause) {
        return invalidProcedureArguments(procedure, path) + ": invalid arguments for function " + procedure + ": " + path + ": "
                + path + ": " + cause;
    }

    /** A query of a subscription that cannot be compiled; one-off queries get the reason alone. */
    public static String executing(String reason, String sql) {
        return reason + ", executing: `" + sql + "`";
    }

    public static String subscriptionExists(int querySetId, Identity identity, ConnectionId connectionId) {
        return "Subscription with id " + querySet(querySetId) + " already exists for client: " + client(identity, connectionId);
    }

    public static String subscriptionNotFound(int querySetId, Identity identity, ConnectionId connectionId) {
        return "Subscription not found: (" + client(identity, connectionId) + ", " + querySet(querySetId) + ")";
    }

    private static String querySet(int id) {
        return "QuerySetId { id: " + Integer.toUnsignedString(id) + " }";
    }

    private static String client(Identity identity, ConnectionId connectionId) {
        return "(Identity(" + identity + "), ConnectionId(" + connectionId + "))";
    }
}
