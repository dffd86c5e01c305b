package dev.geodesic.web;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class UploadsTest {

    private static final int MIB = 1 << 20;
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(30);

    private static InputStream body(int bytes) {
        return new ByteArrayInputStream(bytes(bytes));
    }

    private static byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        new Random(count).nextBytes(bytes);
        return bytes;
    }

    private static void refused(int status, Uploads uploads, InputStream body) {
        assertEquals(status, assertThrows(RefusedException.class, () -> uploads.read(body)).status());
    }

    @Test
    void readsProgramsOfEverySize() {
        Uploads uploads = new Uploads(4 * MIB, 4 * MIB, PATIENCE);
        for (int size : new int[] {0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB, 4 * MIB}) {
            try (Uploads.Upload upload = uploads.read(body(size))) {
                assertArrayEquals(bytes(size), upload.bytes());
            }
        }
    }

    @Test
    void readsShortBodiesOfKnownLength() {
        Uploads uploads = new Uploads(MIB, MIB, PATIENCE);
        for (int i = 0; i < 3_000; i++) {
            try (Uploads.Upload upload = uploads.read(body(1_000), 1_000)) {
                assertArrayEquals(bytes(1_000), upload.bytes());
            }
            assertEquals(400, assertThrows(RefusedException.class, () -> uploads.read(body(999), 1_000)).status());
        }
    }

    @Test
    void refusesWhatIsTooLongOrBreaksOff() {
        Uploads uploads = new Uploads(4 * MIB, 4 * MIB, PATIENCE);
        for (int i = 0; i < 3; i++) {
            refused(413, uploads, body(4 * MIB + 1));
            refused(413, uploads, body(20 * MIB));
            refused(400, uploads, new InputStream() {
                @Override
                public int read() throws IOException {
                    throw new IOException("the client is gone");
                }
            });
        }
    }

    @Test
    void givesUpWhatComesTooSlowly() {
        long patience = TimeUnit.MILLISECONDS.toNanos(50);
        Uploads uploads = new Uploads(4 * MIB, 4 * MIB, patience);
        long start = System.nanoTime();
        refused(408, uploads, new InputStream() {
            @Override
            public int read() throws IOException {
                try {
                    Thread.sleep(10);
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
                return 'x';
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
                target[offset] = (byte) read();
                return 1;
            }
        });
        long took = System.nanoTime() - start;
        assertTrue(took > patience && took < PATIENCE, took + " ns");
        // Nothing is held of it.
        try (Uploads.Upload upload = uploads.read(body(4 * MIB))) {
            assertEquals(4 * MIB, upload.bytes().length);
        }
    }

    /** Uploads in progress hold their share until they are closed. */
    @Test
    void sharesTheHeap() {
        Uploads uploads = new Uploads(4 * MIB, 8 * MIB, PATIENCE);
        Uploads.Upload first = uploads.read(body(3 * MIB));
        try (Uploads.Upload second = uploads.read(body(3 * MIB))) {
            refused(503, uploads, body(3 * MIB));
            assertEquals(3 * MIB, second.bytes().length);
        }
        try (Uploads.Upload third = uploads.read(body(3 * MIB))) {
            assertEquals(3 * MIB, third.bytes().length);
        }
        first.close();
        try (Uploads.Upload fourth = uploads.read(body(4 * MIB))) {
            assertEquals(4 * MIB, fourth.bytes().length);
        }
    }
}
