package dev.geodesic.web.ws;

import dev.geodesic.protocol.Frame;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.web.ws.frame.CloseCodes;
import dev.geodesic.web.ws.frame.FrameBuffer;
import dev.geodesic.web.ws.frame.FrameDecoder;
import dev.geodesic.web.ws.frame.FrameListener;
import dev.geodesic.web.ws.frame.Opcode;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.http.HttpUpgradeHandler;
import jakarta.servlet.http.WebConnection;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One WebSocket connection over the streams of an upgraded one. The container calls when there is something to read, and all
 * frames that came are handled then; the outbox's thread collects frames and writes them at once, blocking. Neither holds a
 * buffer while there is nothing to do.
 */
public class UpgradedConnection implements HttpUpgradeHandler {

    private static final System.Logger LOG = System.getLogger(UpgradedConnection.class.getName());

    /** How long the client may take to answer a close frame. */
    private static final long CLOSE_MILLIS = 1_000;
    private static final long WRITE_FAILS_MILLIS = 250;
    /** Longer messages are sent in parts: each that gets through shows that the client reads, and pings come between them. */
    private static final int PART_MAX = 1 << 16;
    /** Frames are collected up to here; the container collects 32 KiB before it writes by itself. */
    private static final int COLLECTED_MAX = 1 << 13;
    /** Longer payloads are not copied into the collection. */
    private static final int COPIED_MAX = 1 << 11;
    /** Of pongs that wait to be sent. A client that pings faster gets one for the newest ping only, as the standard allows. */
    private static final int PONGS_MAX = 16;

    private static final int READ_MAX = 1 << 16;
    private static final int BUFFERS_KEPT = 64;
    private static final Pool<byte[]> READ_BUFFERS = new Pool<>(BUFFERS_KEPT, () -> new byte[READ_MAX]);
    private static final Pool<FrameBuffer> FRAME_BUFFERS = new Pool<>(BUFFERS_KEPT, () -> new FrameBuffer(COLLECTED_MAX));

    private final AtomicBoolean finished = new AtomicBoolean();
    private final Input input = new Input();
    private final Output output = new Output();
    private Session session;
    private WebConnection connection;

    // The closing handshake; guarded by this.
    private boolean closeSent;
    private boolean closeReceived;

    /** Called before the container takes over. */
    void accepted(Handshake handshake) {
        session = new Session(handshake, output);
        input.decoder = new FrameDecoder(handshake.database().limits().messageBytesMax(), input);
    }

    @Override
    public void init(WebConnection upgraded) {
        connection = upgraded;
        // Nothing is written, and nothing ended, before the container is ready to read.
        output.writing.lock();
        try {
            input.stream = upgraded.getInputStream();
            output.stream = upgraded.getOutputStream();
            session.open();
            input.stream.setReadListener(input);
        } catch (IOException | RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "an upgraded connection cannot be used", e);
            finish();
        } finally {
            output.writing.unlock();
        }
    }

    @Override
    public void destroy() {
        session.ended();
    }

    private void closeReceived() {
        boolean both;
        synchronized (this) {
            closeReceived = true;
            both = closeSent;
        }
        if (both) {
            finish();
        } else {
            finishLater();
        }
    }

    private void closeSent() {
        boolean both;
        synchronized (this) {
            closeSent = true;
            both = closeReceived;
        }
        if (both) {
            finish();
        } else {
            finishLater();
        }
    }

    private void finishLater() {
        session.handshake().heartbeat().later(this::finish, CLOSE_MILLIS);
    }

    /** Ends the session and the TCP connection, on another thread: a write may be going on, and the caller may hold locks. */
    private void finish() {
        if (finished.compareAndSet(false, true)) {
            Thread.ofVirtual().name("geodesic-close").start(() -> {
                session.ended();
                output.end();
            });
        }
    }

    /** The container ends the connection by itself: also while a write is going on, which its stream is not made for. */
    private void gone() {
        session.ended();
        output.gone = true;
        finish();
        output.awaitWrite();
    }

    /** What comes, on a thread of the container. */
    private final class Input implements ReadListener, FrameListener {

        private ServletInputStream stream;
        private FrameDecoder decoder;

        @Override
        public void onDataAvailable() throws IOException {
            byte[] buffer = READ_BUFFERS.take();
            try {
                while (!finished.get() && stream.isReady()) {
                    int count = stream.read(buffer, 0, buffer.length);
                    if (count < 0) {
                        onAllDataRead();
                        return;
                    }
                    session.sign();
                    // Also what is not looked at any more is taken, until the client has seen the close frame.
                    decoder.decode(buffer, 0, count);
                }
            } finally {
                READ_BUFFERS.give(buffer);
            }
        }

        @Override
        public void onAllDataRead() {
            gone();
        }

        @Override
        public void onError(Throwable cause) {
            LOG.log(System.Logger.Level.DEBUG, "connection failed: " + cause);
            gone();
        }

        @Override
        public void message(boolean isText, byte[] bytes, int offset, int length) {
            session.receive(isText, bytes, offset, length);
        }

        @Override
        public void ping(byte[] bytes, int offset, int length) {
            output.pong(Arrays.copyOfRange(bytes, offset, offset + length));
        }

        @Override
        public void pong() {
            session.sign();
        }

        @Override
        public void closed(CloseReason reason) {
            session.closed(new CloseReason(reason.code(), ""));
            closeReceived();
        }

        @Override
        public void failed(CloseReason reason) {
            session.refuse(reason);
        }
    }

    /** What goes. Called by the outbox, one thread at a time; {@link #pong} and {@link #end} by others. */
    private final class Output implements Outbox.Wire {

        private ServletOutputStream stream;
        /** Held while bytes are written: the container's stream is not made for a close from another thread. */
        private final ReentrantLock writing = new ReentrantLock();
        /** Who holds it for {@link #flush} or {@link #send}. */
        private volatile Thread writer;
        /** The container has ended the connection: a write that is going on may never return by itself. */
        private volatile boolean gone;
        private FrameBuffer collected;
        private final Queue<byte[]> pongs = new ArrayDeque<>();

        @Override
        public void send(Frame frame) throws IOException {
            begin();
            try {
                int opcode = frame.isText() ? Opcode.TEXT : Opcode.BINARY;
                int from = 0;
                for (; frame.length() - from > PART_MAX; from += PART_MAX) {
                    frame(opcode, frame.bytes(), from, PART_MAX);
                    opcode = Opcode.CONTINUATION;
                    if (session.partSent()) {
                        control(Opcode.PING, new byte[0]);
                    }
                    pongs();
                }
                frame(Opcode.FIN | opcode, frame.bytes(), from, frame.length() - from);
            } finally {
                done();
            }
        }

        private void begin() {
            writing.lock();
            writer = Thread.currentThread();
        }

        private void done() {
            if (writing.getHoldCount() == 1) {
                writer = null;
            }
            writing.unlock();
        }

        private void frame(int first, byte[] bytes, int offset, int count) throws IOException {
            check();
            if (count > COPIED_MAX) {
                collected().header(first, count);
                write();
                stream.write(bytes, offset, count);
                return;
            }
            collected().frame(first, bytes, offset, count);
            if (collected.length() > COLLECTED_MAX - COPIED_MAX) {
                write();
            }
        }

        private void control(int opcode, byte[] payload) throws IOException {
            check();
            collected().frame(Opcode.FIN | opcode, payload, 0, payload.length);
        }

        private FrameBuffer collected() {
            if (collected == null) {
                collected = FRAME_BUFFERS.take();
            }
            return collected;
        }

        private void check() throws IOException {
            if (finished.get()) {
                throw new IOException("the connection has ended");
            }
        }

        private void write() throws IOException {
            stream.write(collected.bytes(), 0, collected.length());
            collected.clear();
        }

        @Override
        public void ping() throws IOException {
            begin();
            try {
                control(Opcode.PING, new byte[0]);
            } finally {
                done();
            }
        }

        /** Has it sent. Any thread. */
        private void pong(byte[] payload) {
            synchronized (pongs) {
                if (pongs.size() == PONGS_MAX) {
                    pongs.clear();
                }
                pongs.add(payload);
            }
            session.outbox().flush();
        }

        private void pongs() throws IOException {
            while (true) {
                byte[] payload;
                synchronized (pongs) {
                    payload = pongs.poll();
                }
                if (payload == null) {
                    return;
                }
                control(Opcode.PONG, payload);
            }
        }

        @Override
        public void flush() throws IOException {
            begin();
            try {
                pongs();
                if (collected != null) {
                    check();
                    write();
                    FRAME_BUFFERS.give(collected);
                    collected = null;
                    stream.flush();
                }
            } finally {
                done();
            }
        }

        @Override
        public void close(CloseReason reason) throws IOException {
            begin();
            try {
                control(Opcode.CLOSE, CloseCodes.payload(reason));
                flush();
            } finally {
                done();
            }
            closeSent();
        }

        /** Without a close frame (spec/websocket.md 10). */
        @Override
        public void abort(CloseReason reason) {
            finish();
        }

        /** For a moment: if the client has reset the connection the write fails soon. */
        private void awaitWrite() {
            try {
                if (writing.tryLock(WRITE_FAILS_MILLIS, TimeUnit.MILLISECONDS)) {
                    writing.unlock();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /** Waits for a write that is going on. It fails in the end if the client does not read ({@code upgradewritetimeout}). */
        private void end() {
            try {
                while (!writing.tryLock(1, TimeUnit.SECONDS)) {
                    Thread hanging = writer;
                    if (gone && hanging != null) {
                        hanging.interrupt();
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            try {
                connection.close();
            } catch (Exception e) {
                LOG.log(System.Logger.Level.DEBUG, "closing: " + e);
            } finally {
                writing.unlock();
            }
        }
    }
}
