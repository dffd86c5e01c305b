package dev.geodesic.protocol.message;

import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** An answer or announcement of the server, the same for all protocol versions. Durations are time in the host. */
public sealed interface ServerMessage {

    /** The message itself; of a shared one the one inside. */
    default ServerMessage plain() {
        return this instanceof Shared shared ? shared.message : this;
    }

    /** The first message of every connection: v1 IdentityToken, v2 InitialConnection. */
    record InitialConnection(Identity identity, ConnectionId connectionId, String token) implements ServerMessage {
    }

    /**
     * @param kind of the request
     * @param tables rows as inserts; exactly one table for {@link SubscriptionKind#SINGLE}
     */
    record SubscribeApplied(
            SubscriptionKind kind, int requestId, int querySetId, List<TableUpdate> tables, long durationMicros)
            implements ServerMessage {
    }

    /** The answer to a {@link ClientMessage.SubscribeBatch}: one outcome per set, in its order, at one offset. */
    record SubscribeBatchApplied(int requestId, List<SetOutcome> results) implements ServerMessage {
    }

    /** How one set of a batch ended. */
    sealed interface SetOutcome {

        int querySetId();

        /** @param tables rows as inserts */
        record Applied(int querySetId, List<TableUpdate> tables) implements SetOutcome {
        }

        record Failed(int querySetId, String error) implements SetOutcome {
        }
    }

    /**
     * @param kind of the request
     * @param tables rows as deletes; exactly one table for {@link SubscriptionKind#SINGLE}; absent only in v2 and only if
     *     the client did not ask for them
     */
    record UnsubscribeApplied(
            SubscriptionKind kind, int requestId, int querySetId, Optional<List<TableUpdate>> tables, long durationMicros)
            implements ServerMessage {
    }

    /**
     * @param requestId absent if a running subscription failed
     * @param querySetId present in v2 and v3; in v1 absent for a legacy set and when all subscriptions are dropped
     * @param tableId v1 only, and never set by upstream
     */
    record SubscriptionError(
            OptionalInt requestId, OptionalInt querySetId, OptionalInt tableId, String error, long durationMicros)
            implements ServerMessage {

        public SubscriptionError(OptionalInt requestId, OptionalInt querySetId, String error, long durationMicros) {
            this(requestId, querySetId, OptionalInt.empty(), error, durationMicros);
        }
    }

    /**
     * A transaction that others than the recipient caused.
     *
     * @param call who called what; v1 sends it, so the engine leaves it out where it must stay hidden or the client asked for
     *     light updates. v2 ignores it.
     * @param requestId of the call, for v1 light updates
     */
    record TransactionUpdate(Optional<ReducerCall> call, int requestId, List<QuerySetUpdate> querySets)
            implements ServerMessage {

        /** Without the call: v2 and v3, light in v1. */
        public TransactionUpdate(int requestId, List<QuerySetUpdate> querySets) {
            this(Optional.empty(), requestId, querySets);
        }
    }

    /** The answer to the caller, its own changes included: v1 TransactionUpdate, v2 ReducerResult. */
    record ReducerResult(ReducerCall call, ReducerOutcome outcome) implements ServerMessage {
    }

    /** @param timestampMicros since the epoch; 0 for a failure, with duration 0 */
    record ProcedureResult(int requestId, ProcedureOutcome outcome, long timestampMicros, long durationMicros)
            implements ServerMessage {
    }

    /** Ids as in {@link ClientMessage.OneOffQuery}. */
    record OneOffResult(int requestId, byte[] messageId, QueryOutcome outcome, long durationMicros)
            implements ServerMessage {
    }

    /**
     * A message that several sessions receive unchanged, ids and all: it is encoded, and compressed, at most once per form.
     * Thread-safe.
     */
    final class Shared extends Encodings<ServerMessage> implements ServerMessage {

        private final ServerMessage message;

        public Shared(ServerMessage message) {
            this.message = message instanceof Shared shared ? shared.message : message;
        }

        public ServerMessage message() {
            return message;
        }

        @Override
        ServerMessage source() {
            return message;
        }
    }
}
