package dev.geodesic.sats;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A growing little-endian buffer for BSATN (spec/bsatn.md section 2). Not thread-safe; reuse with {@link #clear()}.
 */
public final class BsatnWriter {

    private byte[] buffer;
    private int length;

    public BsatnWriter() {
        this(256);
    }

    public BsatnWriter(int capacity) {
        buffer = new byte[capacity];
    }

    /** Makes room for {@code count} more bytes. */
    public void ensure(int count) {
        int needed = Math.addExact(length, count);
        if (needed > buffer.length) {
            buffer = Arrays.copyOf(buffer, (int) Math.min(Integer.MAX_VALUE - 16L, Math.max(needed, buffer.length * 2L)));
        }
    }

    public void writeBool(boolean v) {
        writeU8(v ? 1 : 0);
    }

    public void writeU8(int v) {
        ensure(1);
        buffer[length++] = (byte) v;
    }

    public void writeU16(int v) {
        ensure(2);
        LittleEndian.putShort(buffer, length, v);
        length += 2;
    }

    public void writeU32(int v) {
        ensure(4);
        LittleEndian.putInt(buffer, length, v);
        length += 4;
    }

    public void writeU64(long v) {
        ensure(8);
        LittleEndian.putLong(buffer, length, v);
        length += 8;
    }

    public void writeF32(float v) {
        writeU32(Float.floatToRawIntBits(v));
    }

    public void writeF64(double v) {
        writeU64(Double.doubleToRawLongBits(v));
    }

    public void writeU128(long low, long high) {
        writeU64(low);
        writeU64(high);
    }

    public void writeIdentity(Identity v) {
        ensure(Identity.BYTE_COUNT);
        v.toLittleEndian(buffer, length);
        length += Identity.BYTE_COUNT;
    }

    public void writeConnectionId(ConnectionId v) {
        writeU128(v.low(), v.high());
    }

    /** Length and UTF-8 bytes. */
    public void writeString(String v) {
        writeBytes(v.getBytes(StandardCharsets.UTF_8));
    }

    /** Length and bytes: an array of U8. */
    public void writeBytes(byte[] v) {
        writeU32(v.length);
        writeRaw(v, 0, v.length);
    }

    /** Bytes without a length. */
    public void writeRaw(byte[] v) {
        writeRaw(v, 0, v.length);
    }

    /** Bytes without a length. */
    public void writeRaw(byte[] v, int offset, int count) {
        ensure(count);
        System.arraycopy(v, offset, buffer, length, count);
        length += count;
    }

    /** Takes {@code count} bytes that the caller has put into {@link #buffer()} after {@link #ensure}. */
    public void advance(int count) {
        if (count < 0 || count > buffer.length - length) {
            throw new IndexOutOfBoundsException(count);
        }
        length += count;
    }

    /** Overwrites four bytes written before, for counts known only later. */
    public void setU32(int at, int v) {
        if (at < 0 || at + 4 > length) {
            throw new IndexOutOfBoundsException(at);
        }
        LittleEndian.putInt(buffer, at, v);
    }

    public int length() {
        return length;
    }

    /** The backing array; valid up to {@link #length()} and until the next write. */
    public byte[] buffer() {
        return buffer;
    }

    public byte[] toByteArray() {
        return Arrays.copyOf(buffer, length);
    }

    public void clear() {
        length = 0;
    }

    /** Forgets everything behind {@code newLength}. */
    public void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IndexOutOfBoundsException(newLength);
        }
        length = newLength;
    }
}
