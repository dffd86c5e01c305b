package dev.geodesic.web.ws;

import dev.geodesic.protocol.Frame;
import dev.geodesic.web.ws.frame.CloseCodes;
import jakarta.websocket.CloseReason;
import jakarta.websocket.Endpoint;
import jakarta.websocket.EndpointConfig;
import jakarta.websocket.MessageHandler;
import jakarta.websocket.PongMessage;
import jakarta.websocket.RemoteEndpoint;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** One WebSocket connection over Jakarta WebSocket. The container calls it by one thread at a time. */
public class SubscribeEndpoint extends Endpoint {

    /** The handshake's key in the endpoint's user properties. */
    static final String HANDSHAKE = Handshake.class.getName();

    private static final System.Logger LOG = System.getLogger(SubscribeEndpoint.class.getName());

    private static final dev.geodesic.protocol.message.CloseReason TOO_BIG =
            new dev.geodesic.protocol.message.CloseReason(CloseCodes.TOO_BIG, "the message is too big");
    /** Longer messages are sent in parts: each that gets through shows that the client reads, and pings come between them. */
    private static final int PART_MAX = 1 << 18;

    private Session session;
    private int messageBytesMax;
    /** What has come of an unfinished message. */
    private ByteArrayOutputStream fragments;

    @Override
    public void onOpen(jakarta.websocket.Session opened, EndpointConfig config) {
        Handshake handshake = (Handshake) config.getUserProperties().get(HANDSHAKE);
        messageBytesMax = handshake.database().limits().messageBytesMax();
        opened.setMaxIdleTimeout(0);
        opened.setMaxBinaryMessageBufferSize(messageBytesMax);
        opened.setMaxTextMessageBufferSize(messageBytesMax);
        session = new Session(handshake, new SessionWire(opened));
        opened.addMessageHandler(PongMessage.class, (MessageHandler.Whole<PongMessage>) pong -> session.sign());
        session.open();
        opened.addMessageHandler(ByteBuffer.class, (MessageHandler.Partial<ByteBuffer>) this::onBinary);
        opened.addMessageHandler(String.class, (MessageHandler.Partial<String>) this::onText);
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
        session.sign();
        if (fragments == null && last) {
            session.receive(isText, part, 0, part.length);
            return;
        }
        if (fragments == null) {
            fragments = new ByteArrayOutputStream(2 * part.length);
        }
        if (part.length > messageBytesMax - fragments.size()) {
            fragments.reset();
            session.refuse(TOO_BIG);
            return;
        }
        fragments.writeBytes(part);
        if (last) {
            byte[] message = fragments.toByteArray();
            fragments = null;
            session.receive(isText, message, 0, message.length);
        }
    }

    @Override
    public void onClose(jakarta.websocket.Session closed, CloseReason reason) {
        session.ended();
    }

    @Override
    public void onError(jakarta.websocket.Session failed, Throwable cause) {
        LOG.log(System.Logger.Level.DEBUG, "connection failed: " + cause);
        if (session != null) {
            session.ended();
        }
    }

    /** Blocking sends of the container's session. Each is on its way when it returns. */
    private final class SessionWire implements Outbox.Wire {

        private static final byte[] PING = {'g', 'e', 'o', 'd'};

        private final jakarta.websocket.Session container;

        SessionWire(jakarta.websocket.Session container) {
            this.container = container;
        }

        @Override
        public void send(Frame frame) throws IOException {
            RemoteEndpoint.Basic remote = container.getBasicRemote();
            if (frame.isText()) {
                String text = frame.text();
                int from = 0;
                for (int to = end(text, from); to < text.length(); from = to, to = end(text, from)) {
                    remote.sendText(text.substring(from, to), false);
                    partSent();
                }
                remote.sendText(text.substring(from), true);
            } else {
                int from = 0;
                for (; frame.length() - from > PART_MAX; from += PART_MAX) {
                    remote.sendBinary(ByteBuffer.wrap(Arrays.copyOfRange(frame.bytes(), from, from + PART_MAX)), false);
                    partSent();
                }
                // Liberty reaches for the array of the buffer, from its start.
                byte[] last = from == 0 ? frame.bytes() : Arrays.copyOfRange(frame.bytes(), from, frame.length());
                remote.sendBinary(ByteBuffer.wrap(last, 0, frame.length() - from), true);
            }
        }

        private void partSent() throws IOException {
            if (session.partSent()) {
                ping();
            }
        }

        /** Where a part that begins at {@code from} ends, not within a character. */
        private static int end(String text, int from) {
            int to = Math.min(from + PART_MAX, text.length());
            return to < text.length() && Character.isLowSurrogate(text.charAt(to)) ? to - 1 : to;
        }

        @Override
        public void ping() throws IOException {
            container.getBasicRemote().sendPing(ByteBuffer.wrap(PING));
        }

        @Override
        public void flush() {
            // Nothing is held back.
        }

        @Override
        public void close(dev.geodesic.protocol.message.CloseReason reason) throws IOException {
            container.close(new CloseReason(CloseReason.CloseCodes.getCloseCode(reason.code()), reason.reason()));
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
