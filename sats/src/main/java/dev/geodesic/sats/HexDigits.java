package dev.geodesic.sats;

/** Hexadecimal digits as ASCII bytes. */
final class HexDigits {

    private HexDigits() {
    }

    /** Value of a digit of either case, or -1. */
    static int value(int c) {
        if (c >= '0' && c <= '9') {
            return c - '0';
        }
        int lower = c | 0x20;
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    }

    /** Lower-case digit of 0 to 15. */
    static byte digit(int v) {
        return (byte) (v < 10 ? '0' + v : 'a' + v - 10);
    }
}
