package dev.geodesic.sats;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * Reads BSATN from a part of a byte array (spec/bsatn.md section 2). Every method throws {@link BsatnException}
 * instead of reading beyond the limit, and never allocates more than the bytes that are there. Not thread-safe.
 */
public final class BsatnReader {

    private final byte[] buffer;
    private final int limit;
    private int position;

    public BsatnReader(byte[] buffer) {
        this(buffer, 0, buffer.length);
    }

    public BsatnReader(byte[] buffer, int offset, int length) {
        if (offset < 0 || length < 0 || length > buffer.length - offset) {
            throw new IndexOutOfBoundsException();
        }
        this.buffer = buffer;
        this.position = offset;
        this.limit = offset + length;
    }

    private int take(int count, String what) {
        if (count < 0 || count > limit - position) {
            throw tooShort(what, count);
        }
        int at = position;
        position += count;
        return at;
    }

    private BsatnException tooShort(String what, int count) {
        return new BsatnException(
                BsatnException.Code.TOO_SHORT,
                "data too short for " + what + ": Expected " + Integer.toUnsignedString(count) + ", given " + (limit - position));
    }

    public boolean readBool() {
        int b = buffer[take(1, "bool")];
        if (b != 0 && b != 1) {
            throw new BsatnException(
                    BsatnException.Code.BAD_BOOL, "byte " + (b & 0xff) + " not valid as `bool` (must be 0 or 1)");
        }
        return b == 1;
    }

    /** 0 to 255. */
    public int readU8() {
        return buffer[take(1, "u8")] & 0xff;
    }

    /** 0 to 65535. */
    public int readU16() {
        return LittleEndian.getShort(buffer, take(2, "u16")) & 0xffff;
    }

    /** The bits of a u32 or i32. */
    public int readU32() {
        return LittleEndian.getInt(buffer, take(4, "u32"));
    }

    /** The bits of a u64 or i64. */
    public long readU64() {
        return LittleEndian.getLong(buffer, take(8, "u64"));
    }

    public float readF32() {
        return Float.intBitsToFloat(readU32());
    }

    public double readF64() {
        return Double.longBitsToDouble(readU64());
    }

    public Identity readIdentity() {
        return Identity.fromLittleEndian(buffer, take(Identity.BYTE_COUNT, "Identity"));
    }

    public ConnectionId readConnectionId() {
        return ConnectionId.fromLittleEndian(buffer, take(ConnectionId.BYTE_COUNT, "ConnectionId"));
    }

    /**
     * Element count of an array whose elements take at least {@code minElementBytes} each, so that a huge count over
     * few bytes is refused before anything is allocated.
     */
    public int readCount(int minElementBytes) {
        int count = readU32();
        if (count < 0 || minElementBytes > 0 && (long) count * minElementBytes > limit - position) {
            throw new BsatnException(
                    BsatnException.Code.TOO_SHORT,
                    "data too short for array: Expected " + Integer.toUnsignedLong(count) * minElementBytes + ", given "
                            + (limit - position));
        }
        return count;
    }

    /** A string; invalid UTF-8 is an error. */
    public String readString() {
        int from = skipString();
        return new String(buffer, from, position - from, StandardCharsets.UTF_8);
    }

    /** Steps over a string, checking it; returns the index of its first byte. It ends at {@link #position()}. */
    public int skipString() {
        int count = readU32();
        int from = take(count, "String");
        if (!Utf8.isValid(buffer, from, from + count)) {
            throw new BsatnException(BsatnException.Code.BAD_UTF8, "invalid utf8");
        }
        return from;
    }

    /** Steps over an array of U8; returns the index of its first byte. It ends at {@link #position()}. */
    public int skipBytes() {
        return take(readU32(), "bytes");
    }

    /** An array of U8. */
    public byte[] readBytes() {
        int from = skipBytes();
        return Arrays.copyOfRange(buffer, from, position);
    }

    /** Bytes without a length. */
    public byte[] readRaw(int count) {
        int at = take(count, "bytes");
        return Arrays.copyOfRange(buffer, at, at + count);
    }

    public void skip(int count) {
        take(count, "bytes");
    }

    /** Steps over a number. */
    void skip(PrimitiveType number) {
        int count = number.byteSize();
        if (count > limit - position) {
            throw tooShort(number.name().toLowerCase(Locale.ROOT), count);
        }
        position += count;
    }

    /** Index of the next byte in {@link #buffer()}. */
    public int position() {
        return position;
    }

    public int remaining() {
        return limit - position;
    }

    public byte[] buffer() {
        return buffer;
    }
}
