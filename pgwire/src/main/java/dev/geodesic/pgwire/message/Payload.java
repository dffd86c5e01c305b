package dev.geodesic.pgwire.message;

import dev.geodesic.sats.Utf8;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The content of one frame, read from front to back. Errors: {@link PgException} 08P01 (fatal), 22021 for bad UTF-8. */
public final class Payload {

    private final byte[] bytes;
    private int at;

    public Payload(byte[] bytes) {
        this.bytes = bytes;
    }

    public int remaining() {
        return bytes.length - at;
    }

    private int take(int count) {
        if (count < 0 || count > remaining()) {
            throw PgException.protocol("message is too short");
        }
        at += count;
        return at - count;
    }

    public int int8() {
        return bytes[take(1)] & 0xff;
    }

    public int int16() {
        int i = take(2);
        return (short) ((bytes[i] & 0xff) << 8 | bytes[i + 1] & 0xff);
    }

    /** A count of parts of at least {@code partBytes} each. */
    public int count(int partBytes) {
        int count = int16() & 0xffff;
        if ((long) count * partBytes > remaining()) {
            throw PgException.protocol("message is too short for " + count + " parts");
        }
        return count;
    }

    public int int32() {
        int i = take(4);
        return (bytes[i] & 0xff) << 24 | (bytes[i + 1] & 0xff) << 16 | (bytes[i + 2] & 0xff) << 8 | bytes[i + 3] & 0xff;
    }

    public long int64() {
        long high = int32();
        return high << 32 | int32() & 0xffffffffL;
    }

    /** Text up to a zero byte. */
    public String text() {
        int start = at;
        int end = start;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        if (end == bytes.length) {
            throw PgException.protocol("unterminated text in message");
        }
        at = end + 1;
        return utf8(bytes, start, end);
    }

    private static String utf8(byte[] bytes, int start, int end) {
        if (!Utf8.isValid(bytes, start, end)) {
            throw PgException.error("22021", "invalid byte sequence for encoding \"UTF8\"");
        }
        return new String(bytes, start, end - start, StandardCharsets.UTF_8);
    }

    /** Bytes as text. */
    public static String utf8(byte[] bytes) {
        return utf8(bytes, 0, bytes.length);
    }

    public byte[] bytes(int count) {
        int start = take(count);
        return Arrays.copyOfRange(bytes, start, start + count);
    }

    /** Nothing may follow. */
    public void end() {
        if (remaining() > 0) {
            throw PgException.protocol("message is too long");
        }
    }
}
