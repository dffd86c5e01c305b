package dev.geodesic.engine.subscription;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * The messages of one connection in their order, when some of them are not ready at their turn: an answer that is made beside
 * the writer gets a {@link Place}, and whatever is sent later waits behind it. As many messages and bytes may wait as in the
 * outbox of a slow client; more end the connection. The writer sends and reserves, other threads fill; {@link #close} from
 * any thread drops what waits.
 */
public final class ClientStream implements ClientSink {

    private static final CloseReason TOO_MUCH_WAITS =
            new CloseReason(1008, "too many messages wait for the answer to a large query");
    private static final int ENVELOPE_BYTES = 256;

    /** A message's turn. */
    public final class Place {
        private ServerMessage message;
        private boolean ready;
        /** Nothing is sent. */
        private boolean empty;
        private long bytes;
        private final long dependsOn;

        private Place(ServerMessage message, boolean ready) {
            this.message = message;
            this.ready = ready;
            this.dependsOn = ClientStream.this.dependsOn;
        }

        /** The message is made. Does nothing if an error took its place. Any thread. */
        public void fill(ServerMessage made) {
            ClientStream.this.fill(this, made, Optional::of);
        }

        /**
         * The message cannot be made.
         *
         * @param later changes each message that waits behind, or takes it out
         */
        public void fail(ServerMessage error, Function<ServerMessage, Optional<ServerMessage>> later) {
            ClientStream.this.fill(this, error, later);
        }
    }

    private final ClientSink sink;
    /** Or null. */
    private final ConfirmedGate.Lane lane;
    /** Null while nothing waits, and changed to null after the last one that waited was sent. */
    private volatile ArrayDeque<Place> waiting;
    private long dependsOn = -1;
    private long waitingBytes;
    private Limits limits;

    /** @param lane where messages go instead of the sink, if the connection wants confirmed reads; else null */
    ClientStream(ClientSink sink, ConfirmedGate.Lane lane) {
        this.sink = lane == null ? sink : lane;
        this.lane = lane;
    }

    /** What is sent or reserved from now on depends on this transaction. Writer thread. */
    void dependsOn(long txOffset) {
        if (lane == null) {
            return;
        }
        if (waiting == null) {
            dependsOn = txOffset;
            lane.dependsOn(txOffset);
            return;
        }
        synchronized (this) {
            dependsOn = txOffset;
            if (waiting == null) {
                lane.dependsOn(txOffset);
            }
        }
    }

    /**
     * Reserves the next turn. Writer thread.
     *
     * @param standIn the message without its rows: what an error may replace
     */
    public synchronized Place reserve(ServerMessage standIn, Limits bounds) {
        limits = bounds;
        Place place = new Place(standIn, false);
        if (waiting == null) {
            waitingBytes = 0;
            waiting = new ArrayDeque<>();
        }
        waiting.add(place);
        return place;
    }

    @Override
    public void send(ServerMessage message) {
        if (waiting == null) {
            sink.send(message);
            return;
        }
        synchronized (this) {
            if (waiting == null) {
                sink.send(message);
                return;
            }
            Place place = new Place(message, true);
            waiting.add(place);
            place.bytes = bytes(message);
            waitingBytes += place.bytes;
            if (waiting.size() > limits.queueMessagesMax() || waitingBytes > limits.queueBytesMax()) {
                close(TOO_MUCH_WAITS);
            }
        }
    }

    @Override
    public void close(CloseReason reason) {
        if (waiting != null) {
            synchronized (this) {
                waiting = null;
            }
        }
        sink.close(reason);
    }

    private synchronized void fill(Place place, ServerMessage made, Function<ServerMessage, Optional<ServerMessage>> later) {
        if (waiting == null || place.ready) {
            return;
        }
        place.message = made;
        place.ready = true;
        place.bytes = bytes(made);
        waitingBytes += place.bytes;
        boolean behind = false;
        for (Place each : waiting) {
            if (behind) {
                change(each, later);
            }
            behind |= each == place;
        }
        while (!waiting.isEmpty() && waiting.peek().ready) {
            Place next = waiting.remove();
            waitingBytes -= next.bytes;
            if (!next.empty) {
                if (lane != null) {
                    lane.dependsOn(next.dependsOn);
                }
                sink.send(next.message);
            }
        }
        if (waiting.isEmpty()) {
            if (lane != null) {
                lane.dependsOn(dependsOn);
            }
            waiting = null;
        }
    }

    /** What is not ready and changed has become an error, and stays one. */
    private static void change(Place place, Function<ServerMessage, Optional<ServerMessage>> later) {
        if (place.empty) {
            return;
        }
        Optional<ServerMessage> changed = later.apply(place.message.plain());
        if (changed.isEmpty()) {
            place.empty = true;
            place.ready = true;
        } else if (changed.get() != place.message.plain()) {
            place.message = changed.get();
            place.ready = true;
        }
    }

    /** Of messages without rows, less than the truth: their number is limited. */
    private static long bytes(ServerMessage message) {
        return ENVELOPE_BYTES + switch (message.plain()) {
            case ServerMessage.TransactionUpdate update -> ofSets(update.querySets());
            case ServerMessage.ReducerResult(var call, ReducerOutcome.Committed committed) -> ofSets(committed.querySets());
            case ServerMessage.SubscribeApplied applied -> of(applied.tables());
            case ServerMessage.UnsubscribeApplied applied -> of(applied.tables().orElse(List.of()));
            default -> 0;
        };
    }

    private static long ofSets(List<QuerySetUpdate> sets) {
        long bytes = 0;
        for (QuerySetUpdate set : sets) {
            bytes += of(set.tables());
        }
        return bytes;
    }

    private static long of(List<TableUpdate> tables) {
        long bytes = 0;
        for (TableUpdate table : tables) {
            for (var fragment : table.fragments()) {
                bytes += fragment.rowBytes();
            }
        }
        return bytes;
    }

    /**
     * What becomes of messages behind the failure of a set: its updates go, until the client itself ended it. In v1 updates do
     * not name sets, so a failure ends all (spec/websocket.md 5.4): what was promised in between fails too.
     *
     * @param error of requests that cannot be fulfilled any more
     */
    public static Function<ServerMessage, Optional<ServerMessage>> withoutSet(boolean v1, int setId, String error) {
        return new Function<>() {
            private boolean over;

            @Override
            public Optional<ServerMessage> apply(ServerMessage message) {
                return over ? Optional.of(message) : switch (message) {
                    case ServerMessage.TransactionUpdate update -> {
                        List<QuerySetUpdate> left = left(update.querySets());
                        yield left.isEmpty() && update.call().isEmpty()
                                ? Optional.empty()
                                : Optional.of(new ServerMessage.TransactionUpdate(update.call(), update.requestId(), left));
                    }
                    case ServerMessage.ReducerResult(var call, ReducerOutcome.Committed(var value, var sets)) -> Optional.of(
                            new ServerMessage.ReducerResult(call, new ReducerOutcome.Committed(value, left(sets))));
                    case ServerMessage.UnsubscribeApplied ended when v1 || ended.querySetId() == setId -> {
                        over = !v1;
                        yield Optional.of(new ServerMessage.SubscriptionError(
                                OptionalInt.of(ended.requestId()), OptionalInt.of(ended.querySetId()), error,
                                ended.durationMicros()));
                    }
                    case ServerMessage.SubscribeApplied begun when v1 -> Optional.of(new ServerMessage.SubscriptionError(
                            OptionalInt.of(begun.requestId()),
                            begun.kind() == SubscriptionKind.LEGACY ? OptionalInt.empty() : OptionalInt.of(begun.querySetId()),
                            error, begun.durationMicros()));
                    default -> Optional.of(message);
                };
            }

            private List<QuerySetUpdate> left(List<QuerySetUpdate> sets) {
                return v1 ? List.of() : sets.stream().filter(set -> set.querySetId() != setId).toList();
            }
        };
    }
}
