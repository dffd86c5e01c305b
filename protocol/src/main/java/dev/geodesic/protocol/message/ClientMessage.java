package dev.geodesic.protocol.message;

import java.util.List;

/**
 * A request of a client, the same for all protocol versions (spec/websocket.md 5.1, 6.1). Request and query set ids are
 * u32 bits chosen by the client.
 */
public sealed interface ClientMessage {

    /**
     * @param notifySuccess false if the caller wants no answer of its own to a committed call and nothing at all to a
     *     failed one (v1 flag {@code NoSuccessNotify})
     */
    record CallReducer(String reducer, Arguments arguments, int requestId, boolean notifySuccess) implements ClientMessage {
    }

    record CallProcedure(String procedure, Arguments arguments, int requestId) implements ClientMessage {
    }

    /** For {@link SubscriptionKind#SINGLE} there is exactly one query. */
    record Subscribe(SubscriptionKind kind, int requestId, int querySetId, List<String> queries) implements ClientMessage {
    }

    /** Several sets at once, v2 and v3 (spec/websocket.md 11); each succeeds or fails by itself. */
    record SubscribeBatch(int requestId, List<QuerySet> sets) implements ClientMessage {
    }

    /** One set of a {@link SubscribeBatch}. */
    record QuerySet(int querySetId, List<String> queries) {
    }

    /**
     * @param kind never {@link SubscriptionKind#LEGACY}
     * @param sendDroppedRows whether the answer carries the rows; always true in v1
     */
    record Unsubscribe(SubscriptionKind kind, int requestId, int querySetId, boolean sendDroppedRows)
            implements ClientMessage {
    }

    /**
     * @param requestId v2 and v3, else 0
     * @param messageId v1, else empty
     */
    record OneOffQuery(int requestId, byte[] messageId, String query) implements ClientMessage {
    }
}
