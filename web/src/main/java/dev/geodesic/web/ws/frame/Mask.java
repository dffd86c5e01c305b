package dev.geodesic.web.ws.frame;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Masking (RFC 6455 section 5.3): every byte is XORed with one of the key's four, in turn. */
final class Mask {

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private Mask() {
    }

    /**
     * Masks or unmasks in place.
     *
     * @param key first byte in the highest bits
     * @return the key for the byte that follows
     */
    static int apply(byte[] bytes, int offset, int length, int key) {
        long both = (long) key << 32 | key & 0xffff_ffffL;
        int end = offset + length;
        int at = offset;
        for (; at <= end - Long.BYTES; at += Long.BYTES) {
            LONGS.set(bytes, at, (long) LONGS.get(bytes, at) ^ both);
        }
        int next = key;
        for (; at < end; at++) {
            bytes[at] ^= (byte) (next >>> 24);
            next = Integer.rotateLeft(next, 8);
        }
        return next;
    }
}
