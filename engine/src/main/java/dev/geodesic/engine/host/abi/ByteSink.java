package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;

/** Takes bytes out of a guest. */
public final class ByteSink {

    private static final int KEPT_BYTES_MAX = 64 << 10;

    private int max;
    private byte[] buffer = {};
    private int length;

    /** Empties the sink; it takes up to {@code bytesMax} bytes from now on. */
    void reset(int bytesMax) {
        max = bytesMax;
        length = 0;
        if (buffer.length > KEPT_BYTES_MAX) {
            buffer = new byte[0];
        }
    }

    /** Errors: NO_SPACE; nothing is taken then. */
    void append(MemorySegment memory, long offset, int count) {
        if (count > max - length) {
            throw new EngineException(ErrorCode.NO_SPACE, "the sink is full");
        }
        if (count > buffer.length - length) {
            buffer = Arrays.copyOf(buffer, (int) Math.min(max, Math.max(length + (long) count, 2L * buffer.length)));
        }
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, offset, buffer, length, count);
        length += count;
    }

    public int length() {
        return length;
    }

    /** By position, from 0. */
    public byte at(int index) {
        return buffer[Objects.checkIndex(index, length)];
    }

    public byte[] toByteArray() {
        return Arrays.copyOf(buffer, length);
    }

    /** All but the first {@code from} bytes. */
    public byte[] toByteArray(int from) {
        return Arrays.copyOfRange(buffer, from, length);
    }

    /** As UTF-8; bad bytes become U+FFFD. */
    public String text() {
        return new String(buffer, 0, length, StandardCharsets.UTF_8);
    }
}
