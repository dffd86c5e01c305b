package dev.geodesic.web.ws.frame;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Checks UTF-8 that comes in pieces: no overlong forms, no surrogates, nothing above U+10FFFF. Not thread-safe. */
final class Utf8 {

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    private static final long NOT_ASCII = 0x8080_8080_8080_8080L;
    private static final int CONTINUATION_MIN = 0x80;
    private static final int CONTINUATION_MAX = 0xbf;

    /** Bytes of the character that are still to come. */
    private int missing;
    /** Bounds of the next of them. */
    private int min;
    private int max;

    void reset() {
        missing = 0;
    }

    /** Whether no character is cut off. */
    boolean isComplete() {
        return missing == 0;
    }

    /** False if these bytes cannot continue valid text. */
    boolean accept(byte[] bytes, int offset, int length) {
        int end = offset + length;
        int at = offset;
        while (at < end) {
            if (missing == 0) {
                while (at <= end - Long.BYTES && ((long) LONGS.get(bytes, at) & NOT_ASCII) == 0) {
                    at += Long.BYTES;
                }
                if (at == end) {
                    return true;
                }
            }
            if (!accept(bytes[at++] & 0xff)) {
                return false;
            }
        }
        return true;
    }

    private boolean accept(int b) {
        if (missing > 0) {
            boolean good = b >= min && b <= max;
            missing--;
            min = CONTINUATION_MIN;
            max = CONTINUATION_MAX;
            return good;
        }
        if (b < 0x80) {
            return true;
        }
        if (b < 0xc2 || b > 0xf4) {
            return false;
        }
        missing = b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
        min = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : CONTINUATION_MIN;
        max = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : CONTINUATION_MAX;
        return true;
    }
}
