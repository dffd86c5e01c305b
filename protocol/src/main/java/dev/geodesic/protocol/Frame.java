package dev.geodesic.protocol;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The payload of one WebSocket message.
 *
 * @param isText whether the bytes are UTF-8 text
 * @param bytes payload in the first {@code length} bytes; may be shared between sessions and must not be changed
 */
public record Frame(boolean isText, byte[] bytes, int length) {

    public static Frame text(byte[] utf8) {
        return new Frame(true, utf8, utf8.length);
    }

    public static Frame binary(byte[] bytes) {
        return new Frame(false, bytes, bytes.length);
    }

    /** The payload of a text frame. */
    public String text() {
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    /** A read-only view of the payload. */
    public ByteBuffer buffer() {
        return ByteBuffer.wrap(bytes, 0, length).asReadOnlyBuffer();
    }
}
