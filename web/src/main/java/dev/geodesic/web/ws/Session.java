package dev.geodesic.web.ws;

import dev.geodesic.engine.database.ClientConnection;
import dev.geodesic.engine.database.ConnectionOptions;
import dev.geodesic.protocol.ClientDecoder;
import dev.geodesic.protocol.ServerEncoder;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * One connected client, however its messages come and go: a transport calls {@link #open}, then {@link #receive} for each
 * message, one thread at a time, and {@link #ended} at the end; what is to be sent goes through the {@link Outbox} to the
 * transport's wire.
 */
final class Session {

    private static final CloseReason IDLE = new CloseReason(1001, "nothing came for 30 seconds");
    private static final long PING_NANOS = TimeUnit.SECONDS.toNanos(15);
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final Handshake handshake;
    private final Outbox.Wire wire;
    private final ClientDecoder decoder;
    private final Outbox outbox;
    private volatile ClientConnection connection;
    private volatile boolean ended;
    /** Nothing that comes is looked at any more. */
    private volatile boolean refused;
    private volatile long lastSignNanos = System.nanoTime();
    private volatile long lastPingNanos = lastSignNanos;

    Session(Handshake handshake, Outbox.Wire wire) {
        this.handshake = handshake;
        this.wire = wire;
        Subprotocol subprotocol = handshake.subprotocol();
        this.decoder = new ClientDecoder(subprotocol);
        this.outbox = new Outbox(
                wire, new ServerEncoder(subprotocol, handshake.compression()), handshake.database().limits(),
                handshake.senders());
    }

    /** The client is connected from now on. The transport must be able to send. */
    void open() {
        Subprotocol subprotocol = handshake.subprotocol();
        connection = handshake.database().connect(
                handshake.client(),
                new ConnectionOptions(
                        subprotocol.isV1(), handshake.params().light(), handshake.params().isConfirmed(subprotocol),
                        handshake.params().sessionId()),
                outbox,
                handshake.token());
        handshake.heartbeat().add(this);
        outbox.pingBehindNext();
        if (ended) {
            ended();
        }
    }

    Handshake handshake() {
        return handshake;
    }

    Outbox outbox() {
        return outbox;
    }

    /** A whole message; its bytes are not kept. */
    void receive(boolean isText, byte[] bytes, int offset, int length) {
        sign();
        if (refused) {
            return;
        }
        try {
            List<ClientMessage> messages = isText
                    ? decoder.decodeText(new String(bytes, offset, length, StandardCharsets.UTF_8))
                    : decoder.decodeBinary(bytes, offset, length);
            connection.submit(messages, length);
        } catch (ProtocolException e) {
            refuse(e.closeReason());
        }
    }

    /** The client broke the protocol: it gets what waits for it, and then the reason. */
    void refuse(CloseReason reason) {
        refused = true;
        connection.disconnect();
        outbox.close(reason);
    }

    /** The client closes the connection: it gets no more than the answer to that. */
    void closed(CloseReason answer) {
        refused = true;
        handshake.heartbeat().remove(this);
        connection.disconnect();
        outbox.closeNow(answer);
    }

    /** The client is there: something came from it, or has gone to it. */
    void sign() {
        lastSignNanos = System.nanoTime();
    }

    /** Part of a long message has gone out. The ping that may be due would have to wait for its end: whether to send it now. */
    boolean partSent() {
        long now = System.nanoTime();
        lastSignNanos = now;
        if (now - lastPingNanos < PING_NANOS) {
            return false;
        }
        lastPingNanos = now;
        return true;
    }

    /** Pings or drops the client, whatever is due. */
    void beat(long now) {
        if (now - lastSignNanos > IDLE_NANOS) {
            ended();
            wire.abort(IDLE);
        } else if (now - lastPingNanos >= PING_NANOS) {
            lastPingNanos = now;
            outbox.ping();
        }
    }

    /** The server goes. */
    void shutDown() {
        ended();
        wire.abort(CloseReason.MODULE_EXITED);
    }

    /** The connection is gone. May come before {@link #open} has returned; idempotent. */
    void ended() {
        ended = true;
        handshake.heartbeat().remove(this);
        outbox.discard();
        if (connection != null) {
            connection.disconnect();
        }
    }
}
