package dev.geodesic.sats;

import java.math.BigInteger;

/** Integers of 8 to 256 bits as {@link BigInteger}. */
public final class Integers {

    private Integers() {
    }

    /** Reads {@code count} little-endian bytes. */
    public static BigInteger fromLittleEndian(byte[] bytes, int offset, int count, boolean signed) {
        byte[] bigEndian = new byte[count];
        for (int i = 0; i < count; i++) {
            bigEndian[i] = bytes[offset + count - 1 - i];
        }
        return signed ? new BigInteger(bigEndian) : new BigInteger(1, bigEndian);
    }

    /** Whether an integer type has this value. */
    public static boolean fits(BigInteger v, PrimitiveType p) {
        int bits = p.byteSize() * 8;
        return p.isSignedInteger() ? v.bitLength() < bits : v.signum() >= 0 && v.bitLength() <= bits;
    }

    /** Writes {@code count} little-endian bytes in two's complement; the value must fit. */
    public static void write(BigInteger v, int count, BsatnWriter out) {
        out.ensure(count);
        for (int i = 0; i < count; i += 8) {
            long word = v.shiftRight(8 * i).longValue();
            for (int k = 0; k < Math.min(8, count); k++) {
                out.writeU8((int) (word >> (8 * k)));
            }
        }
    }
}
