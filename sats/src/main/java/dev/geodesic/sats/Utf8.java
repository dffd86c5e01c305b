package dev.geodesic.sats;

/** Checks UTF-8 without decoding it. */
public final class Utf8 {

    private Utf8() {
    }

    /** Whether the bytes from {@code from} to {@code to} are well-formed: no overlong form, surrogate or cut sequence. */
    public static boolean isValid(byte[] b, int from, int to) {
        int i = from;
        while (i < to) {
            if (i + 8 <= to && (LittleEndian.getLong(b, i) & 0x8080808080808080L) == 0) {
                i += 8;
                continue;
            }
            int c = b[i];
            if (c >= 0) {
                i++;
                continue;
            }
            int length = sequenceLength(b, i, to);
            if (length == 0) {
                return false;
            }
            i += length;
        }
        return true;
    }

    /** Length of the well-formed sequence of two to four bytes at {@code i}, or 0. */
    private static int sequenceLength(byte[] b, int i, int to) {
        int c = b[i] & 0xff;
        int length = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
        if (length == 0 || i + length > to) {
            return 0;
        }
        int second = b[i + 1] & 0xff;
        // The second byte is narrower where an overlong form, a surrogate or a value above U+10FFFF would begin.
        int low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
        int high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
        if (second < low || second > high) {
            return 0;
        }
        for (int k = 2; k < length; k++) {
            if ((b[i + k] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return length;
    }
}
