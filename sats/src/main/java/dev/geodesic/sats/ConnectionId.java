package dev.geodesic.sats;

import java.util.HexFormat;

/**
 * A 128-bit connection id (spec/bsatn.md section 8); {@code low} holds bytes 0 to 7 of the little-endian form. Zero
 * means "no connection". Text is 32 lower-case hex digits, big-endian.
 */
public record ConnectionId(long low, long high) {

    public static final int BYTE_COUNT = 16;
    public static final ConnectionId NONE = new ConnectionId(0, 0);

    public boolean isNone() {
        return low == 0 && high == 0;
    }

    public static ConnectionId fromLittleEndian(byte[] bytes, int offset) {
        return new ConnectionId(LittleEndian.getLong(bytes, offset), LittleEndian.getLong(bytes, offset + 8));
    }

    /**
     * Parses 32 hex digits of either case with an optional {@code 0x}.
     *
     * @throws IllegalArgumentException if the text is anything else
     */
    public static ConnectionId fromHex(String text) {
        String digits = text.startsWith("0x") ? text.substring(2) : text;
        if (digits.length() != 2 * BYTE_COUNT) {
            throw new IllegalArgumentException("a connection id has 32 hex digits");
        }
        return new ConnectionId(HexFormat.fromHexDigitsToLong(digits, 16, 32), HexFormat.fromHexDigitsToLong(digits, 0, 16));
    }

    public void toLittleEndian(byte[] bytes, int offset) {
        LittleEndian.putLong(bytes, offset, low);
        LittleEndian.putLong(bytes, offset + 8, high);
    }

    public String toHex() {
        HexFormat hex = HexFormat.of();
        return hex.toHexDigits(high) + hex.toHexDigits(low);
    }

    @Override
    public String toString() {
        return toHex();
    }
}
