package dev.geodesic.web.ws.frame;

import java.util.Arrays;

/** Frames of a server, unmasked, one behind the other, for one write (RFC 6455 section 5). Not thread-safe. */
public final class FrameBuffer {

    /** Longest header of an unmasked frame. */
    public static final int HEADER_BYTES_MAX = 2 + Long.BYTES;

    private byte[] bytes;
    private int length;

    public FrameBuffer(int capacity) {
        bytes = new byte[capacity];
    }

    /** One frame. {@code first}: {@link Opcode}, and {@link Opcode#FIN} if it is the last of its message. */
    public void frame(int first, byte[] payload, int offset, int count) {
        header(first, count);
        ensure(count);
        System.arraycopy(payload, offset, bytes, length, count);
        length += count;
    }

    /** The header of a frame whose payload is written elsewhere. */
    public void header(int first, long payloadLength) {
        ensure(HEADER_BYTES_MAX);
        bytes[length++] = (byte) first;
        int lengthBytes = 0;
        if (payloadLength <= Opcode.CONTROL_BYTES_MAX) {
            bytes[length++] = (byte) payloadLength;
        } else if (payloadLength < 1 << 16) {
            bytes[length++] = 126;
            lengthBytes = Short.BYTES;
        } else {
            bytes[length++] = 127;
            lengthBytes = Long.BYTES;
        }
        while (lengthBytes > 0) {
            bytes[length++] = (byte) (payloadLength >>> 8 * --lengthBytes);
        }
    }

    private void ensure(int count) {
        if (count > bytes.length - length) {
            bytes = Arrays.copyOf(bytes, Math.max(Math.addExact(length, count), Math.min(bytes.length, 1 << 29) * 2));
        }
    }

    /** Frames in the first {@link #length()} bytes. */
    public byte[] bytes() {
        return bytes;
    }

    public int length() {
        return length;
    }

    public void clear() {
        length = 0;
    }
}
