package dev.geodesic.web.ws;

import dev.geodesic.engine.database.ClientConnection;
import dev.geodesic.engine.database.ConnectionOptions;
import dev.geodesic.protocol.ClientDecoder;
import dev.geodesic.protocol.Frame;
import dev.geodesic.protocol.ServerEncoder;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ProtocolException;
import jakarta.websocket.CloseReason;
import jakarta.websocket.Endpoint;
import jakarta.websocket.EndpointConfig;
import jakarta.websocket.MessageHandler;
import jakarta.websocket.PongMessage;
import jakarta.websocket.RemoteEndpoint;
import jakarta.websocket.Session;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** One WebSocket connection over Jakarta WebSocket. The container calls it by one thread at a time. */
public class SubscribeEndpoint extends Endpoint {

    private static final System.Logger LOG = System.getLogger(SubscribeEndpoint.class.getName());

    private static final dev.geodesic.protocol.message.CloseReason TOO_BIG =
            new dev.geodesic.protocol.message.CloseReason(1009, "the message is too big");
    /** Longer messages are sent in parts: each that gets through shows that the client reads, and pings come between them. */
    private static final int PART_MAX = 1 << 18;

    private Session session;
    private Handshake handshake;
    private ClientDecoder decoder;
    private Outbox outbox;
    private volatile ClientConnection connection;
    /** What has come of an unfinished message. */
    private ByteArrayOutputStream fragments;
    private volatile boolean ended;
    private volatile long lastSignNanos = System.nanoTime();
    /** Of pings between the parts of a message; used by the thread that sends. */
    private long lastPingNanos = System.nanoTime();

    @Override
    public void onOpen(Session opened, EndpointConfig config) {
        session = opened;
        handshake = (Handshake) config.getUserProperties().get(Handshake.KEY);
        int messageBytesMax = handshake.database().limits().messageBytesMax();
        session.setMaxIdleTimeout(0);
        session.setMaxBinaryMessageBufferSize(messageBytesMax);
        session.setMaxTextMessageBufferSize(messageBytesMax);
        Subprotocol subprotocol = handshake.subprotocol();
        decoder = new ClientDecoder(subprotocol);
        outbox = new Outbox(
                new SessionWire(session, this::partSent),
                new ServerEncoder(subprotocol, handshake.compression()),
                handshake.database().limits(),
                handshake.senders());
        connection = handshake.database().connect(
                handshake.client(),
                new ConnectionOptions(
                        subprotocol.isV1(), handshake.params().light(), handshake.params().isConfirmed(subprotocol),
                        handshake.params().sessionId()),
                outbox,
                handshake.token());
        session.addMessageHandler(ByteBuffer.class, (MessageHandler.Partial<ByteBuffer>) this::onBinary);
        session.addMessageHandler(String.class, (MessageHandler.Partial<String>) this::onText);
        session.addMessageHandler(PongMessage.class,
                (MessageHandler.Whole<PongMessage>) pong -> lastSignNanos = System.nanoTime());
        handshake.heartbeat().add(this);
        if (ended) {
            ended();
        }
    }

    private void onBinary(ByteBuffer part, boolean last) {
        byte[] bytes = new byte[part.remaining()];
        part.get(bytes);
        assemble(bytes, last, false);
    }

    private void onText(String part, boolean last) {
        assemble(part.getBytes(StandardCharsets.UTF_8), last, true);
    }

    /** The container bounds a frame, but not a message of many. */
    private void assemble(byte[] part, boolean last, boolean isText) {
        lastSignNanos = System.nanoTime();
        if (fragments == null && last) {
            receive(new Frame(isText, part, part.length));
            return;
        }
        if (fragments == null) {
            fragments = new ByteArrayOutputStream(2 * part.length);
        }
        if (part.length > handshake.database().limits().messageBytesMax() - fragments.size()) {
            fragments.reset();
            refuse(TOO_BIG);
            return;
        }
        fragments.writeBytes(part);
        if (last) {
            byte[] message = fragments.toByteArray();
            fragments = null;
            receive(new Frame(isText, message, message.length));
        }
    }

    private void receive(Frame frame) {
        try {
            List<ClientMessage> messages = decoder.decode(frame);
            int bytesEach = frame.length() / messages.size();
            for (ClientMessage message : messages) {
                connection.submit(message, bytesEach);
            }
        } catch (ProtocolException e) {
            refuse(e.closeReason());
        }
    }

    private void refuse(dev.geodesic.protocol.message.CloseReason reason) {
        connection.disconnect();
        outbox.close(reason);
    }

    long lastSignNanos() {
        return lastSignNanos;
    }

    void ping() {
        outbox.ping();
    }

    /** The outbox is busy with this message: the ping that may be due would have to wait for its end. */
    private void partSent(RemoteEndpoint.Basic remote) throws IOException {
        long now = System.nanoTime();
        lastSignNanos = now;
        if (now - lastPingNanos > Heartbeat.PING_NANOS) {
            lastPingNanos = now;
            remote.sendPing(ByteBuffer.wrap(SessionWire.PING));
        }
    }

    void dropIdle() {
        ended();
        new SessionWire(session, this::partSent).abort(
                new dev.geodesic.protocol.message.CloseReason(1001, "nothing came for 30 seconds"));
    }

    @Override
    public void onClose(Session closed, CloseReason reason) {
        ended();
    }

    @Override
    public void onError(Session failed, Throwable cause) {
        LOG.log(System.Logger.Level.DEBUG, "connection " + handshake.client().connection() + " failed: " + cause);
        ended();
    }

    /** May come before {@link #onOpen} has returned. */
    private void ended() {
        ended = true;
        handshake.heartbeat().remove(this);
        outbox.discard();
        if (connection != null) {
            connection.disconnect();
        }
    }

    /** What is done between the parts of a message. */
    private interface Part {

        void done(RemoteEndpoint.Basic remote) throws IOException;
    }

    /**
     * Blocking sends of one session.
     *
     * @param partSent runs after each part of a long message, but the last
     */
    private record SessionWire(Session session, Part partSent) implements Outbox.Wire {

        private static final byte[] PING = {'g', 'e', 'o', 'd'};

        @Override
        public void send(Frame frame) throws IOException {
            RemoteEndpoint.Basic remote = session.getBasicRemote();
            if (frame.isText()) {
                String text = frame.text();
                int from = 0;
                for (int to = end(text, from); to < text.length(); from = to, to = end(text, from)) {
                    remote.sendText(text.substring(from, to), false);
                    partSent.done(remote);
                }
                remote.sendText(text.substring(from), true);
            } else {
                int from = 0;
                for (; frame.length() - from > PART_MAX; from += PART_MAX) {
                    remote.sendBinary(ByteBuffer.wrap(Arrays.copyOfRange(frame.bytes(), from, from + PART_MAX)), false);
                    partSent.done(remote);
                }
                // Liberty reaches for the array of the buffer, from its start.
                byte[] last = from == 0 ? frame.bytes() : Arrays.copyOfRange(frame.bytes(), from, frame.length());
                remote.sendBinary(ByteBuffer.wrap(last, 0, frame.length() - from), true);
            }
        }

        /** Where a part that begins at {@code from} ends, not within a character. */
        private static int end(String text, int from) {
            int to = Math.min(from + PART_MAX, text.length());
            return to < text.length() && Character.isLowSurrogate(text.charAt(to)) ? to - 1 : to;
        }

        @Override
        public void ping() throws IOException {
            session.getBasicRemote().sendPing(ByteBuffer.wrap(PING));
        }

        @Override
        public void close(dev.geodesic.protocol.message.CloseReason reason) throws IOException {
            session.close(new CloseReason(CloseReason.CloseCodes.getCloseCode(reason.code()), reason.reason()));
        }

        @Override
        public void abort(dev.geodesic.protocol.message.CloseReason reason) {
            // The sending thread may hang in the same session.
            Thread.ofVirtual().start(() -> {
                try {
                    close(reason);
                } catch (IOException | IllegalStateException e) {
                    LOG.log(System.Logger.Level.DEBUG, "closing: " + e);
                }
            });
        }
    }
}
