package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.geodesic.protocol.ClientEncoder;
import dev.geodesic.protocol.Frame;
import dev.geodesic.protocol.ServerDecoder;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** A WebSocket client on a socket, from the frame upwards. A thread of its own reads and answers pings. */
final class WsClient implements AutoCloseable {

    static final int CONTINUATION = 0;
    static final int TEXT = 1;
    static final int BINARY = 2;
    static final int CLOSE = 8;
    static final int PING = 9;
    static final int PONG = 10;
    static final int FIN = 0x80;
    /** In the place of a close code: the TCP connection ended without a close frame. */
    static final int DROPPED = -1;

    private static final int PATIENCE_SECONDS = 15;

    /** What came: a message with the payload that it was in, or the end. */
    private record Received(ServerMessage message, byte[] payload, int closeCode, String closeReason) {
    }

    final Upgrade.Answer handshake;
    final Subprotocol subprotocol;
    private final Socket socket;
    private final DataInputStream in;
    private final ClientEncoder encoder;
    private final ServerDecoder decoder;
    private final LinkedBlockingQueue<Received> inbox = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<String> pongs = new LinkedBlockingQueue<>();
    private final Semaphore reading = new Semaphore(1);
    private final CountDownLatch tcpEnd = new CountDownLatch(1);
    private volatile boolean answersPings = true;
    private volatile boolean answersClose = true;
    private volatile int pings;
    private volatile long bytesPerSecond = Long.MAX_VALUE;
    private Received last;
    private boolean ended;
    private ServerMessage.InitialConnection hello;

    WsClient(Socket socket, InputStream in, Upgrade.Answer handshake, Subprotocol subprotocol) {
        this.socket = socket;
        this.in = new DataInputStream(in);
        this.handshake = handshake;
        this.subprotocol = subprotocol;
        this.encoder = new ClientEncoder(subprotocol);
        this.decoder = new ServerDecoder(subprotocol);
        Thread.ofVirtual().start(this::read);
    }

    // ---- receiving ----

    private void read() {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        boolean text = false;
        try {
            while (true) {
                reading.acquire();
                reading.release();
                int first = in.readUnsignedByte();
                int length = in.readUnsignedByte();
                if (length >= 128 || (first & 0x70) != 0) {
                    throw new AssertionError("masked frame or reserved bits: " + first + " " + length);
                }
                length = length == 126 ? in.readUnsignedShort() : length == 127 ? Math.toIntExact(in.readLong()) : length;
                byte[] payload = payload(length);
                switch (first & 15) {
                    case PING -> {
                        pings++;
                        if (answersPings) {
                            frame(FIN | PONG, payload);
                        }
                    }
                    case PONG -> pongs.add(new String(payload, StandardCharsets.UTF_8));
                    case CLOSE -> {
                        int code = length < 2 ? 1005 : (payload[0] & 0xff) << 8 | payload[1] & 0xff;
                        String reason = length < 2 ? "" : new String(payload, 2, length - 2, StandardCharsets.UTF_8);
                        inbox.add(new Received(null, payload, code, reason));
                        if (answersClose) {
                            frame(FIN | CLOSE, payload.length < 2 ? payload : new byte[] {payload[0], payload[1]});
                        }
                        in.readAllBytes();
                        return;
                    }
                    case TEXT, BINARY, CONTINUATION -> {
                        text = (first & 15) == TEXT || text && (first & 15) == CONTINUATION;
                        message.write(payload);
                        if ((first & FIN) != 0) {
                            receive(text, message.toByteArray());
                            message.reset();
                        }
                    }
                    default -> throw new AssertionError("frame " + first);
                }
            }
        } catch (IOException e) {
            inbox.add(new Received(null, null, DROPPED, e.toString()));
        } catch (InterruptedException | RuntimeException | AssertionError e) {
            inbox.add(new Received(null, null, DROPPED, "the test's client failed: " + e));
        } finally {
            tcpEnd.countDown();
        }
    }

    private byte[] payload(int length) throws IOException, InterruptedException {
        byte[] payload = new byte[length];
        for (int at = 0; at < length;) {
            int count = in.read(payload, at, Math.min(length - at, 1 << 16));
            if (count < 0) {
                throw new EOFException("within a frame");
            }
            at += count;
            if (bytesPerSecond < Long.MAX_VALUE) {
                Thread.sleep(count * 1000L / bytesPerSecond);
            }
        }
        return payload;
    }

    private void receive(boolean text, byte[] payload) {
        List<ServerMessage> messages = decoder.decode(text ? Frame.text(payload) : Frame.binary(payload));
        for (ServerMessage message : messages) {
            inbox.add(new Received(message, payload, 0, null));
        }
    }

    /** Reads payloads slowly. */
    void readAtMost(long bytesInOneSecond) {
        bytesPerSecond = bytesInOneSecond;
    }

    /** Leaves what comes in the socket. */
    void stopReading() {
        reading.acquireUninterruptibly();
    }

    void resumeReading() {
        reading.release();
    }

    void ignorePings() {
        answersPings = false;
    }

    void ignoreClose() {
        answersClose = false;
    }

    /** The server ends the TCP connection. */
    void awaitTcpEnd(long millis) {
        try {
            assertTrue(tcpEnd.await(millis, TimeUnit.MILLISECONDS), "the TCP connection is still open");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Sends no more, but listens. */
    void endOutput() {
        try {
            socket.shutdownOutput();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int pings() {
        return pings;
    }

    String nextPong() throws InterruptedException {
        return pongs.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    private Received take(long millis) {
        try {
            return inbox.poll(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    ServerMessage nextMessage() {
        return nextMessageWithin(PATIENCE_SECONDS * 1000L);
    }

    ServerMessage nextMessageWithin(long millis) {
        Received next = take(millis);
        if (next == null) {
            return fail("no message came");
        }
        if (next.message == null) {
            return fail("no message, but the end: " + next.closeCode + " " + next.closeReason);
        }
        last = next;
        return next.message;
    }

    /** As {@link #next}, or null if nothing came in that time. */
    String nextOrNull(long millis) {
        Received next = take(millis);
        if (next != null && next.message == null) {
            return fail("no message, but the end: " + next.closeCode + " " + next.closeReason);
        }
        return next == null ? null : Show.text(next.message, hello);
    }

    /** The next message in words ({@link Show}). */
    String next() {
        return Show.text(nextMessage(), hello);
    }

    /** The first message. */
    ServerMessage.InitialConnection hello() {
        if (hello == null) {
            hello = (ServerMessage.InitialConnection) nextMessage();
        }
        return hello;
    }

    /** The first message is still to come. */
    boolean isNew() {
        return hello == null;
    }

    /** As far as this client has seen. */
    boolean isOpen() {
        return !ended;
    }

    /** Compression tag of the payload of the last message. */
    int lastTag() {
        return last.payload[0];
    }

    /** The payload of the last message: the same object for messages that came together. */
    byte[] lastPayload() {
        return last.payload;
    }

    /** Nothing comes for a moment. */
    void silent() {
        Received next = take(100);
        if (next != null) {
            fail("unexpected: "
                    + (next.message == null ? next.closeCode + " " + next.closeReason : Show.text(next.message, hello)));
        }
    }

    /** How the connection ends, for example {@code 1011 text}; messages before that are skipped. */
    String end() {
        Received next = take(PATIENCE_SECONDS * 1000L);
        while (next != null && next.message != null) {
            next = take(PATIENCE_SECONDS * 1000L);
        }
        ended = next != null;
        return next == null ? "still open" : next.closeCode == DROPPED ? "dropped" : next.closeCode + " " + next.closeReason;
    }

    /** The connection ends without another message. */
    void endsSilently(String expected) {
        Received next = take(PATIENCE_SECONDS * 1000L);
        assertEquals(expected, next == null ? "still open" : next.message != null ? Show.text(next.message, hello)
                : next.closeCode + " " + next.closeReason);
        ended = true;
    }

    // ---- sending ----

    WsClient send(ClientMessage message) {
        return send(encoder.encode(message));
    }

    WsClient send(Frame frame) {
        return frame(FIN | (frame.isText() ? TEXT : BINARY), Arrays.copyOf(frame.bytes(), frame.length()));
    }

    /** One masked frame. */
    WsClient frame(int first, byte[] payload) {
        // Who has closed does not answer the answer.
        answersClose &= (first & 15) != CLOSE;
        return raw(masked(first, payload));
    }

    static byte[] masked(int first, byte[] payload) {
        byte[] mask = new byte[4];
        ThreadLocalRandom.current().nextBytes(mask);
        byte[] masked = payload.clone();
        for (int i = 0; i < masked.length; i++) {
            masked[i] ^= mask[i & 3];
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(payload.length + 14);
        header(out, first, payload.length, 128);
        out.writeBytes(mask);
        out.writeBytes(masked);
        return out.toByteArray();
    }

    static void header(ByteArrayOutputStream out, int first, long length, int maskBit) {
        out.write(first);
        if (length < 126) {
            out.write((int) length | maskBit);
            return;
        }
        int bytes = length < 1 << 16 ? 2 : 8;
        out.write((bytes == 2 ? 126 : 127) | maskBit);
        for (int i = bytes - 1; i >= 0; i--) {
            out.write((int) (length >>> 8 * i));
        }
    }

    WsClient raw(byte[] bytes) {
        try {
            synchronized (socket) {
                socket.getOutputStream().write(bytes);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    WsClient call(int requestId, String reducer, Object... arguments) {
        return send(new ClientMessage.CallReducer(reducer, arguments(arguments), requestId, true));
    }

    Arguments arguments(Object... arguments) {
        return Args.of(subprotocol.isText(), arguments);
    }

    /** Version 1: a multi set. */
    WsClient subscribe(int requestId, int querySetId, String... queries) {
        SubscriptionKind kind = subprotocol.isV1() ? SubscriptionKind.MULTI : SubscriptionKind.SET;
        return send(new ClientMessage.Subscribe(kind, requestId, querySetId, List.of(queries)));
    }

    WsClient unsubscribe(int requestId, int querySetId) {
        SubscriptionKind kind = subprotocol.isV1() ? SubscriptionKind.MULTI : SubscriptionKind.SET;
        return send(new ClientMessage.Unsubscribe(kind, requestId, querySetId, true));
    }

    WsClient query(int requestId, String text) {
        return subprotocol.isV1()
                ? send(new ClientMessage.OneOffQuery(0, new byte[] {(byte) requestId}, text))
                : send(new ClientMessage.OneOffQuery(requestId, new byte[0], text));
    }

    /** The server still answers this client. */
    void alive() {
        query(99, "SELECT * FROM team WHERE id = 1");
        assertEquals("rows 99 {team+[1,\"red\"]}", next());
    }

    /** Ends the TCP connection without a word. */
    void vanish() {
        close();
    }

    /** Ends it by a reset, as when the process at the other end was killed. */
    void reset() {
        try {
            socket.setSoLinger(true, 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        close();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
