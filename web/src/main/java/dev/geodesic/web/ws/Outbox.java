package dev.geodesic.web.ws;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.port.WakeUps;
import dev.geodesic.protocol.Frame;
import dev.geodesic.protocol.ServerEncoder;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ServerMessage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Messages that wait to be sent to one client, bounded in number and in bytes. A thread is busy with an outbox only while
 * there is something to send; it takes everything that waits at once, so that protocol version 3 packs it into one frame.
 * A client that does not keep up is dropped: it never delays anybody else. Thread-safe.
 */
final class Outbox implements ClientSink {

    /** The way to the client. Called by one thread at a time. What is sent may be held back until {@link #flush}. */
    interface Wire {

        void send(Frame frame) throws IOException;

        void ping() throws IOException;

        /** Has everything on its way, also what the transport itself has to say. */
        void flush() throws IOException;

        void close(CloseReason reason) throws IOException;

        /** Ends the connection without waiting for anything. Any thread. */
        void abort(CloseReason reason);
    }

    private static final System.Logger LOG = System.getLogger(Outbox.class.getName());
    private static final int BATCH_MAX = 512;
    /** Who has less waiting is not among those that fill the server. */
    private static final long MODEST_BYTES = 1 << 20;
    private static final CloseReason TOO_SLOW =
            new CloseReason(1008, "the client does not read fast enough: too many messages wait for it");

    private final Wire wire;
    private final ServerEncoder encoder;
    private final Executor senders;
    private final int messagesMax;
    private final long bytesMax;
    private final ArrayDeque<ServerMessage> waiting = new ArrayDeque<>();
    private long waitingBytes;
    private boolean sending;
    private boolean pingDue;
    private boolean flushDue;
    private boolean closed;
    private CloseReason closing;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();

    Outbox(Wire wire, ServerEncoder encoder, Limits limits, Executor senders) {
        this.wire = wire;
        this.encoder = encoder;
        this.senders = senders;
        this.messagesMax = limits.queueMessagesMax();
        this.bytesMax = limits.queueBytesMax();
    }

    @Override
    public void send(ServerMessage message) {
        synchronized (this) {
            if (add(message)) {
                wake();
                return;
            }
        }
        wire.abort(TOO_SLOW);
    }

    @Override
    public void sendAll(List<ServerMessage> messages) {
        synchronized (this) {
            boolean room = true;
            for (int i = 0; i < messages.size() && room; i++) {
                room = add(messages.get(i));
            }
            if (room) {
                wake();
                return;
            }
        }
        wire.abort(TOO_SLOW);
    }

    /** False if there is no room, so that nothing more can be sent. */
    private boolean add(ServerMessage message) {
        if (closed || closing != null) {
            return true;
        }
        waiting.add(message);
        Outboxes.add(1);
        long bytes = ServerEncoder.expectedBytes(message);
        waitingBytes += bytes;
        Outboxes.addBytes(bytes);
        // A single message may be larger than the bound: an answer to a query is one message.
        boolean overflow = waiting.size() > messagesMax || waiting.size() > 1
                && (waitingBytes > bytesMax || waitingBytes > MODEST_BYTES && Outboxes.areFull());
        if (overflow) {
            discard();
        }
        return !overflow;
    }

    /** Asks for a ping as soon as the thread gets to it. */
    synchronized void ping() {
        if (!closed) {
            pingDue = true;
            wake();
        }
    }

    /** Asks for a ping behind what is sent next. */
    synchronized void pingBehindNext() {
        pingDue = true;
    }

    /** Asks for a {@link Wire#flush}. */
    synchronized void flush() {
        if (!closed && !flushDue) {
            flushDue = true;
            wake();
        }
    }

    @Override
    public synchronized void close(CloseReason reason) {
        if (!closed && closing == null) {
            closing = reason;
            wake();
        }
    }

    /** Closes without what waits. */
    synchronized void closeNow(CloseReason reason) {
        clear();
        closing = null;
        close(reason);
    }

    /** The connection is gone; nothing more can be sent. */
    synchronized void discard() {
        closed = true;
        clear();
        ended.complete(null);
    }

    private void clear() {
        Outboxes.add(-waiting.size());
        waiting.clear();
        Outboxes.addBytes(-waitingBytes);
        waitingBytes = 0;
    }

    @Override
    public CompletableFuture<Void> ended() {
        return ended;
    }

    private void wake() {
        if (!sending && !closed) {
            sending = true;
            WakeUps.execute(senders, this::drain);
        }
    }

    private void drain() {
        List<ServerMessage> batch = new ArrayList<>();
        try {
            while (true) {
                boolean ping;
                boolean flush;
                CloseReason last = null;
                long bytes = 0;
                batch.clear();
                synchronized (this) {
                    ping = pingDue;
                    pingDue = false;
                    flush = flushDue;
                    flushDue = false;
                    while (batch.size() < BATCH_MAX && !waiting.isEmpty()) {
                        bytes += ServerEncoder.expectedBytes(waiting.peek());
                        batch.add(waiting.remove());
                    }
                    Outboxes.add(-batch.size());
                    if (batch.isEmpty()) {
                        last = closing;
                        closed |= last != null;
                        if (last == null && !ping && !flush || closed && last == null) {
                            sending = false;
                            return;
                        }
                    }
                }
                if (!batch.isEmpty()) {
                    encoder.encodeAll(batch, this::transmit);
                }
                if (ping) {
                    wire.ping();
                }
                wire.flush();
                synchronized (this) {
                    // Nothing is left of them if the outbox has been discarded meanwhile.
                    long sent = Math.min(bytes, waitingBytes);
                    waitingBytes -= sent;
                    Outboxes.addBytes(-sent);
                }
                if (last != null) {
                    wire.close(last);
                    ended.complete(null);
                    return;
                }
            }
        } catch (IOException | RuntimeException e) {
            boolean gone = e instanceof IOException || e instanceof UncheckedIOException;
            LOG.log(gone ? System.Logger.Level.DEBUG : System.Logger.Level.WARNING, "sending failed", e);
            discard();
            wire.abort(CloseReason.error("sending failed"));
        }
    }

    private void transmit(Frame frame) {
        try {
            wire.send(frame);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
