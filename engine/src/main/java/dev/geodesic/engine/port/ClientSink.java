package dev.geodesic.engine.port;

import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ServerMessage;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * One connected client, as the engine sees it: the place for its messages. Calls come from one thread at a time, in the
 * order in which the client must see them. An implementation never blocks: it puts messages into a bounded outbox and, if
 * that is full, closes the connection by itself.
 */
public interface ClientSink {

    void send(ServerMessage message);

    /** The same for several, which may go on their way together. The list is the sink's from now on. */
    default void sendAll(List<ServerMessage> messages) {
        messages.forEach(this::send);
    }

    /** Nothing follows. */
    void close(CloseReason reason);

    /** Completes once everything up to {@link #close} has been given to the network, or never will be. Any thread. */
    default CompletableFuture<Void> ended() {
        return CompletableFuture.completedFuture(null);
    }
}
