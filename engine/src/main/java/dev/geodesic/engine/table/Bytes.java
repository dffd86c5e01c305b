package dev.geodesic.engine.table;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.security.SecureRandom;

/** Little-endian numbers, comparison, hash and UTF-8 check over bytes in memory segments. Allocates nothing. */
final class Bytes {

    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong BIG_ENDIAN_LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    // Guests choose the hashed bytes, so the constants are secrets of the process. No order that anybody sees depends on them.
    private static final long K0;
    private static final long K1;
    private static final long K2;

    static {
        SecureRandom random = new SecureRandom();
        K0 = random.nextLong() | 1;
        K1 = random.nextLong() | 1;
        K2 = random.nextLong() | 1;
    }

    private static final long HIGH_BITS = 0x8080808080808080L;
    // Below this length a loop over longs beats the set-up of the vectorised comparison.
    private static final int SHORT_LENGTH = 96;

    private Bytes() {
    }

    static int getU8(MemorySegment s, long at) {
        return s.get(ValueLayout.JAVA_BYTE, at) & 0xff;
    }

    static int getInt(MemorySegment s, long at) {
        return s.get(INT, at);
    }

    /** A length or count. */
    static long getU32(MemorySegment s, long at) {
        return s.get(INT, at) & 0xffffffffL;
    }

    static long getLong(MemorySegment s, long at) {
        return s.get(LONG, at);
    }

    static boolean same(MemorySegment a, long i, MemorySegment b, long j, long length) {
        if (length > SHORT_LENGTH) {
            return MemorySegment.mismatch(a, i, i + length, b, j, j + length) < 0;
        }
        if (length >= 8) {
            long last = length - 8;
            for (long k = 0; k < last; k += 8) {
                if (a.get(LONG, i + k) != b.get(LONG, j + k)) {
                    return false;
                }
            }
            return a.get(LONG, i + last) == b.get(LONG, j + last);
        }
        if (length >= 4) {
            long last = length - 4;
            return a.get(INT, i) == b.get(INT, j) && a.get(INT, i + last) == b.get(INT, j + last);
        }
        for (long k = 0; k < length; k++) {
            if (a.get(ValueLayout.JAVA_BYTE, i + k) != b.get(ValueLayout.JAVA_BYTE, j + k)) {
                return false;
            }
        }
        return true;
    }

    /** Lexicographic by unsigned bytes, a proper prefix is smaller. */
    static int compare(MemorySegment a, long i, long lengthA, MemorySegment b, long j, long lengthB) {
        long common = Math.min(lengthA, lengthB);
        long k = 0;
        for (long end = Math.min(common, SHORT_LENGTH); k + 8 <= end; k += 8) {
            long x = a.get(BIG_ENDIAN_LONG, i + k);
            long y = b.get(BIG_ENDIAN_LONG, j + k);
            if (x != y) {
                return Long.compareUnsigned(x, y);
            }
        }
        if (common > SHORT_LENGTH) {
            long differs = MemorySegment.mismatch(a, i + k, i + common, b, j + k, j + common);
            k = differs < 0 ? common : k + differs;
        }
        for (; k < common; k++) {
            int x = getU8(a, i + k);
            int y = getU8(b, j + k);
            if (x != y) {
                return x < y ? -1 : 1;
            }
        }
        return Long.compare(lengthA, lengthB);
    }

    /** The first eight bytes as an unsigned number, missing ones as zero: keeps the order of {@link #compare}. */
    static long prefix(MemorySegment s, long at, long length) {
        if (length >= 8) {
            return s.get(BIG_ENDIAN_LONG, at);
        }
        long prefix = 0;
        for (int k = 0; k < length; k++) {
            prefix |= (long) getU8(s, at + k) << 56 - 8 * k;
        }
        return prefix;
    }

    static long mix(long h, long value) {
        long x = h ^ K1;
        long y = value ^ K2;
        return x * y ^ Math.unsignedMultiplyHigh(x, y) ^ value;
    }

    static long hash(MemorySegment s, long at, long length, long h) {
        h ^= length * K0;
        long end = at + length;
        for (; end - at >= 16; at += 16) {
            h = mix(mix(h, s.get(LONG, at)), s.get(LONG, at + 8));
        }
        if (end - at >= 8) {
            h = mix(h, s.get(LONG, at));
            at += 8;
        }
        if (end - at >= 4) {
            return mix(h, s.get(INT, at) & 0xffffffffL | (long) s.get(INT, end - 4) << 32);
        }
        if (end > at) {
            long middle = at + (end - at >> 1);
            return mix(h, getU8(s, at) | getU8(s, middle) << 8 | getU8(s, end - 1) << 16);
        }
        return mix(h, K0);
    }

    static boolean isUtf8(MemorySegment s, long at, long length) {
        long end = at + length;
        while (at < end) {
            if (end - at >= 8 && (s.get(LONG, at) & HIGH_BITS) == 0) {
                at += 8;
                continue;
            }
            long left = end - at;
            if (left < 8 && length >= 8 && (s.get(LONG, end - 8) & HIGH_BITS) >>> 64 - 8 * left == 0) {
                return true;
            }
            int lead = getU8(s, at);
            if (lead < 0x80) {
                at++;
                continue;
            }
            int more;
            int low = 0x80;
            int high = 0xbf;
            if (lead >= 0xc2 && lead <= 0xdf) {
                more = 1;
            } else if (lead >= 0xe0 && lead <= 0xef) {
                more = 2;
                if (lead == 0xe0) {
                    low = 0xa0;
                } else if (lead == 0xed) {
                    high = 0x9f; // above are surrogates
                }
            } else if (lead >= 0xf0 && lead <= 0xf4) {
                more = 3;
                if (lead == 0xf0) {
                    low = 0x90;
                } else if (lead == 0xf4) {
                    high = 0x8f; // above is no Unicode
                }
            } else {
                return false;
            }
            if (end - at <= more) {
                return false;
            }
            int second = getU8(s, at + 1);
            if (second < low || second > high) {
                return false;
            }
            for (int k = 2; k <= more; k++) {
                if ((getU8(s, at + k) & 0xc0) != 0x80) {
                    return false;
                }
            }
            at += more + 1;
        }
        return true;
    }
}
