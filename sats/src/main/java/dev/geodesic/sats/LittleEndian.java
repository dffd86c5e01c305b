package dev.geodesic.sats;

/**
 * Little-endian numbers in byte arrays. Plain shifts: the JIT merges them into one access, and a guest compiler
 * without {@code VarHandle} can translate them.
 */
public final class LittleEndian {

    private LittleEndian() {
    }

    public static long getLong(byte[] b, int i) {
        return (b[i] & 0xffL)
                | (b[i + 1] & 0xffL) << 8
                | (b[i + 2] & 0xffL) << 16
                | (b[i + 3] & 0xffL) << 24
                | (b[i + 4] & 0xffL) << 32
                | (b[i + 5] & 0xffL) << 40
                | (b[i + 6] & 0xffL) << 48
                | (b[i + 7] & 0xffL) << 56;
    }

    public static int getInt(byte[] b, int i) {
        return (b[i] & 0xff) | (b[i + 1] & 0xff) << 8 | (b[i + 2] & 0xff) << 16 | (b[i + 3] & 0xff) << 24;
    }

    public static short getShort(byte[] b, int i) {
        return (short) ((b[i] & 0xff) | (b[i + 1] & 0xff) << 8);
    }

    public static void putLong(byte[] b, int i, long v) {
        b[i] = (byte) v;
        b[i + 1] = (byte) (v >> 8);
        b[i + 2] = (byte) (v >> 16);
        b[i + 3] = (byte) (v >> 24);
        b[i + 4] = (byte) (v >> 32);
        b[i + 5] = (byte) (v >> 40);
        b[i + 6] = (byte) (v >> 48);
        b[i + 7] = (byte) (v >> 56);
    }

    public static void putInt(byte[] b, int i, int v) {
        b[i] = (byte) v;
        b[i + 1] = (byte) (v >> 8);
        b[i + 2] = (byte) (v >> 16);
        b[i + 3] = (byte) (v >> 24);
    }

    public static void putShort(byte[] b, int i, int v) {
        b[i] = (byte) v;
        b[i + 1] = (byte) (v >> 8);
    }
}
