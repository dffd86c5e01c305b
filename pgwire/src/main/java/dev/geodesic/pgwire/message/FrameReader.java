package dev.geodesic.pgwire.message;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.IntConsumer;

/** Reads frames. What a frame claims to hold is allocated as it arrives, not before. Not thread-safe. */
public final class FrameReader {

    private static final int LENGTH_BYTES = 4;

    private final InputStream in;

    public FrameReader(InputStream in) {
        this.in = in;
    }

    /** The type of the next frame, or -1 at the end of the stream. Waits as long as the client is silent. */
    public int readType() throws IOException {
        return in.read();
    }

    /**
     * The rest of a frame behind its type; of the first message of a connection, which has no type, all of it.
     *
     * @param bytesMax of the payload
     * @param announced is told the length before the bytes are read
     * @throws PgException 08P01 for a length that cannot be; 54000 for one beyond the limit
     */
    public Payload readPayload(int bytesMax, IntConsumer announced) throws IOException {
        byte[] head = in.readNBytes(LENGTH_BYTES);
        if (head.length < LENGTH_BYTES) {
            throw new EOFException();
        }
        int length = new Payload(head).int32() - LENGTH_BYTES;
        if (length < 0) {
            throw PgException.protocol("invalid message length");
        }
        if (length > bytesMax) {
            throw PgException.fatal("54000", "message of " + length + " bytes is longer than " + bytesMax + " bytes");
        }
        announced.accept(length);
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException();
        }
        return new Payload(bytes);
    }
}
