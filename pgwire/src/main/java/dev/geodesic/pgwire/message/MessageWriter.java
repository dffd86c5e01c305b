package dev.geodesic.pgwire.message;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Puts messages together; whole ones go to the {@link Sink} once enough of them wait, or at {@link #flush}. Not
 * thread-safe.
 */
public final class MessageWriter {

    private static final int SEND_BYTES = 32 << 10;
    private static final int KEEP_BYTES = 128 << 10;
    private static final int MESSAGE_BYTES_MAX = 1 << 30;

    private final Sink sink;
    private byte[] bytes = new byte[1 << 10];
    private int length;
    private int messageStart;

    /** Where the bytes go. */
    @FunctionalInterface
    public interface Sink {
        void write(byte[] bytes, int offset, int length) throws IOException;
    }

    public MessageWriter(Sink sink) {
        this.sink = sink;
    }

    /** Begins a message; {@link #end} ends it. */
    public MessageWriter begin(char type) {
        messageStart = length;
        return int8(type).int32(0);
    }

    public MessageWriter end() throws IOException {
        patch(messageStart + 1);
        if (length >= SEND_BYTES) {
            flush();
        }
        messageStart = length;
        return this;
    }

    /** Forgets the message that was begun. */
    public void discard() {
        length = messageStart;
    }

    /** A value whose length comes before it: {@link #endValue} fills it in. */
    public int beginValue() {
        int mark = length;
        int32(0);
        return mark;
    }

    public void endValue(int mark) {
        int value = length - mark - 4;
        put32(mark, value);
    }

    private void patch(int at) {
        put32(at, length - at);
    }

    private void put32(int at, int value) {
        bytes[at] = (byte) (value >> 24);
        bytes[at + 1] = (byte) (value >> 16);
        bytes[at + 2] = (byte) (value >> 8);
        bytes[at + 3] = (byte) value;
    }

    private void ensure(int more) {
        if (more > MESSAGE_BYTES_MAX - length) {
            throw PgException.error("54000", "a row has more than " + MESSAGE_BYTES_MAX + " bytes");
        }
        if (length + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(length + more, bytes.length * 2));
        }
    }

    public MessageWriter int8(int value) {
        ensure(1);
        bytes[length++] = (byte) value;
        return this;
    }

    public MessageWriter int16(int value) {
        return int8(value >> 8).int8(value);
    }

    public MessageWriter int32(int value) {
        ensure(4);
        put32(length, value);
        length += 4;
        return this;
    }

    public MessageWriter int64(long value) {
        return int32((int) (value >> 32)).int32((int) value);
    }

    /** Text without an end mark. */
    public MessageWriter utf8(String text) {
        byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
        return raw(encoded, 0, encoded.length);
    }

    /** Text with its zero byte; zeros inside are left out. */
    public MessageWriter text(String text) {
        return utf8(text.indexOf(0) < 0 ? text : text.replace("\0", "")).int8(0);
    }

    public MessageWriter raw(byte[] source, int offset, int count) {
        ensure(count);
        System.arraycopy(source, offset, bytes, length, count);
        length += count;
        return this;
    }

    /** Sends everything that waits; between messages only. */
    public void flush() throws IOException {
        int count = length;
        length = 0;
        messageStart = 0;
        for (int i = 0; i < count; i += SEND_BYTES) {
            sink.write(bytes, i, Math.min(SEND_BYTES, count - i));
        }
        if (bytes.length > KEEP_BYTES) {
            bytes = new byte[SEND_BYTES];
        }
    }
}
