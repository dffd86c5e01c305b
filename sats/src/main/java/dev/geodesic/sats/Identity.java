package dev.geodesic.sats;

import java.util.HexFormat;

/**
 * A 256-bit identity (spec/bsatn.md section 7) as four little-endian words: {@code w0} holds bytes 0 to 7 of the
 * binary form, {@code w3} the most significant ones. Text is 64 lower-case hex digits, big-endian.
 */
public record Identity(long w0, long w1, long w2, long w3) implements Comparable<Identity> {

    public static final int BYTE_COUNT = 32;
    public static final Identity ZERO = new Identity(0, 0, 0, 0);

    /** Reads 32 little-endian bytes at {@code offset}. */
    public static Identity fromLittleEndian(byte[] bytes, int offset) {
        return new Identity(
                LittleEndian.getLong(bytes, offset),
                LittleEndian.getLong(bytes, offset + 8),
                LittleEndian.getLong(bytes, offset + 16),
                LittleEndian.getLong(bytes, offset + 24));
    }

    /** Reads 32 big-endian bytes, the order of the text form. */
    public static Identity fromBigEndian(byte[] bytes) {
        byte[] reversed = new byte[BYTE_COUNT];
        for (int i = 0; i < BYTE_COUNT; i++) {
            reversed[i] = bytes[BYTE_COUNT - 1 - i];
        }
        return fromLittleEndian(reversed, 0);
    }

    /**
     * Parses 64 hex digits of either case with an optional {@code 0x}.
     *
     * @throws IllegalArgumentException if the text is anything else
     */
    public static Identity fromHex(String text) {
        String digits = text.startsWith("0x") ? text.substring(2) : text;
        if (digits.length() != 2 * BYTE_COUNT) {
            throw new IllegalArgumentException("an identity has 64 hex digits");
        }
        return fromBigEndian(HexFormat.of().parseHex(digits));
    }

    /** Writes 32 little-endian bytes at {@code offset}. */
    public void toLittleEndian(byte[] bytes, int offset) {
        LittleEndian.putLong(bytes, offset, w0);
        LittleEndian.putLong(bytes, offset + 8, w1);
        LittleEndian.putLong(bytes, offset + 16, w2);
        LittleEndian.putLong(bytes, offset + 24, w3);
    }

    public byte[] toLittleEndian() {
        byte[] bytes = new byte[BYTE_COUNT];
        toLittleEndian(bytes, 0);
        return bytes;
    }

    /** 64 lower-case hex digits, big-endian. */
    public String toHex() {
        HexFormat hex = HexFormat.of();
        return hex.toHexDigits(w3) + hex.toHexDigits(w2) + hex.toHexDigits(w1) + hex.toHexDigits(w0);
    }

    @Override
    public int compareTo(Identity other) {
        int c = Long.compareUnsigned(w3, other.w3);
        c = c != 0 ? c : Long.compareUnsigned(w2, other.w2);
        c = c != 0 ? c : Long.compareUnsigned(w1, other.w1);
        return c != 0 ? c : Long.compareUnsigned(w0, other.w0);
    }

    @Override
    public String toString() {
        return toHex();
    }
}
