package dev.geodesic.web;

import dev.geodesic.engine.database.Server;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.util.concurrent.Semaphore;

/** Programs on their way in. Anybody may publish, so all uploads together share a part of the heap. */
@ApplicationScoped
public class Uploads {

    private static final int PART_BYTES = 1 << 20;
    /** Of the heap for the parts, and as much again while they are put together. */
    private static final int HEAP_SHARE = 8;

    private final Semaphore parts;
    private final int bytesMax;

    /** For the container, which makes a proxy of it. */
    Uploads() {
        this(0, 0);
    }

    @Inject
    Uploads(Server server) {
        this(server.limits().moduleBytesMax(), Math.max(
                server.limits().moduleBytesMax(), Runtime.getRuntime().maxMemory() / HEAP_SHARE));
    }

    /**
     * @param bytesMax of one program
     * @param totalBytes of all that are being received or published
     */
    Uploads(int bytesMax, long totalBytes) {
        this.bytesMax = bytesMax;
        // One more for the part that shows that a program is too long.
        this.parts = new Semaphore((int) Math.min(Integer.MAX_VALUE, totalBytes / PART_BYTES) + 1);
    }

    /** A program; to be closed when nobody needs the bytes any more. */
    final class Upload implements AutoCloseable {

        private int taken;
        private byte[] bytes;

        byte[] bytes() {
            return bytes;
        }

        private void receive(InputStream body) {
            ByteArrayOutputStream received = new ByteArrayOutputStream();
            byte[] part;
            do {
                if (!parts.tryAcquire()) {
                    throw new RefusedException(503, "The server is receiving too many programs; try again later");
                }
                taken++;
                part = Bodies.part(body, Math.min(PART_BYTES, bytesMax + 1 - received.size()));
                received.writeBytes(part);
                if (received.size() > bytesMax) {
                    throw Bodies.tooLong();
                }
            } while (part.length == PART_BYTES);
            bytes = received.toByteArray();
        }

        @Override
        public void close() {
            bytes = null;
            parts.release(taken);
            taken = 0;
        }
    }

    /** Reads a program. Too long a one is a 413, too many at once are a 503. */
    Upload read(InputStream body) {
        Upload upload = new Upload();
        try {
            upload.receive(body);
            return upload;
        } catch (RuntimeException e) {
            upload.close();
            throw e;
        }
    }
}
