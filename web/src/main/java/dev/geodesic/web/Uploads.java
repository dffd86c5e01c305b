package dev.geodesic.web;

import dev.geodesic.engine.database.Server;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Bodies of requests on their way in. Anybody may send them, so all together share a part of the heap, and one that comes
 * too slowly is given up.
 */
@ApplicationScoped
public class Uploads {

    private static final int FIRST_PART_BYTES = 16 << 10;
    private static final int PART_BYTES = 1 << 20;
    private static final int TOO_LONG = 413;
    private static final int TOO_MUCH = 503;
    private static final int PERMIT_BYTES = 1 << 10;
    /** Of the heap for the parts, and as much again while they are put together. */
    private static final int HEAP_SHARE = 8;
    /** Time that every body has, and more of it for each byte that has come. */
    private static final long NANOS_MAX = TimeUnit.SECONDS.toNanos(30);
    private static final long NANOS_PER_BYTE = TimeUnit.SECONDS.toNanos(1) / (16 << 10);

    private final Semaphore memory;
    private final int bytesMax;
    private final long nanosMax;

    /** For the container, which makes a proxy of it. */
    Uploads() {
        this(0, 0, 0);
    }

    @Inject
    Uploads(Server server) {
        this(server.limits().moduleBytesMax(), Math.max(
                server.limits().moduleBytesMax(), Runtime.getRuntime().maxMemory() / HEAP_SHARE), NANOS_MAX);
    }

    /**
     * @param bytesMax of one body
     * @param totalBytes of all that are being received or worked on
     * @param nanosMax that a body may take whose bytes do not come
     */
    Uploads(int bytesMax, long totalBytes, long nanosMax) {
        this.bytesMax = bytesMax;
        this.nanosMax = nanosMax;
        // More for the part that shows that a body is too long.
        this.memory = new Semaphore((int) Math.min(Integer.MAX_VALUE, (totalBytes + PART_BYTES) / PERMIT_BYTES));
    }

    /** A body; to be closed when nobody needs the bytes any more. */
    final class Upload implements AutoCloseable {

        private final long start = System.nanoTime();
        private long count;
        private int permits;
        private byte[] bytes;

        byte[] bytes() {
            return bytes;
        }

        private void receive(InputStream body) {
            ByteArrayOutputStream received = new ByteArrayOutputStream(0);
            byte[] part = new byte[FIRST_PART_BYTES];
            int length;
            do {
                take(part.length / PERMIT_BYTES);
                length = fill(part, body);
                received.write(part, 0, length);
                if (received.size() > bytesMax) {
                    throw Bodies.tooLong();
                }
                if (length == part.length && part.length < PART_BYTES) {
                    part = new byte[4 * part.length];
                    length = part.length;
                }
            } while (length == part.length);
            bytes = received.toByteArray();
            int needed = (bytes.length + PERMIT_BYTES - 1) / PERMIT_BYTES;
            memory.release(permits - needed);
            permits = needed;
        }

        private void receive(InputStream body, int length) {
            take((length + PERMIT_BYTES - 1) / PERMIT_BYTES);
            byte[] whole = new byte[length];
            if (fill(whole, body) < length) {
                throw new RefusedException(400, "Failed to buffer the request body: it ends early");
            }
            bytes = whole;
        }

        private void take(int more) {
            if (!memory.tryAcquire(more)) {
                throw new RefusedException(TOO_MUCH, "The server is receiving too much; try again later");
            }
            permits += more;
        }

        /** As many bytes as there are, up to the end of the part. */
        private int fill(byte[] part, InputStream body) {
            int filled = 0;
            while (filled < part.length) {
                int more;
                try {
                    more = body.read(part, filled, part.length - filled);
                } catch (IOException e) {
                    // The client's doing, so nothing for the server's log.
                    throw new RefusedException(400, "Failed to buffer the request body: " + e.getMessage());
                }
                if (more < 0) {
                    break;
                }
                filled += more;
                count += more;
                if (System.nanoTime() - start > nanosMax + count * NANOS_PER_BYTE) {
                    throw new RefusedException(408, "The request body came too slowly");
                }
            }
            return filled;
        }

        /** Reads on for a while: a client that still sends would see the connection break instead of the answer. */
        private void drain(InputStream body) {
            byte[] part = new byte[FIRST_PART_BYTES];
            try {
                while (count < 2L * bytesMax && fill(part, body) == part.length) {
                    // What comes is dropped.
                }
            } catch (RefusedException e) {
                // So be it.
            }
        }

        @Override
        public void close() {
            bytes = null;
            memory.release(permits);
            permits = 0;
        }
    }

    /** Reads a body of a length that is known and short. Errors: as {@link #read(InputStream)}. */
    public Upload read(InputStream body, int length) {
        Upload upload = new Upload();
        try {
            upload.receive(body, length);
            return upload;
        } catch (RefusedException e) {
            upload.close();
            throw e;
        }
    }

    /** Reads a body. Too long a one is a 413, too slow a 408, one that breaks off a 400, too much at once a 503. */
    Upload read(InputStream body) {
        Upload upload = new Upload();
        try {
            upload.receive(body);
            return upload;
        } catch (RefusedException e) {
            upload.close();
            if (e.status() == TOO_LONG || e.status() == TOO_MUCH) {
                upload.drain(body);
            }
            throw e;
        }
    }
}
