package dev.geodesic.engine.table.chronicle;

import java.util.Arrays;

/**
 * Slot sizes for rows of variable size: multiples of 4 up to 64 bytes and of 8 up to 128, then page size over a falling number
 * of slots, each class about an eighth larger than the one before. Small pages serve slots of up to an eighth of a page, large
 * pages the others, so that a page wastes little at its end.
 */
final class SizeClasses {

    static final int SMALL_PAGE_BYTES = 1 << 16;
    static final int LARGE_PAGE_BYTES = 1 << 20;
    /** Largest slot in small pages, and in large ones. Longer rows have memory of their own. */
    static final int SMALL_SLOT_MAX = SMALL_PAGE_BYTES / 8;
    static final int LARGE_SLOT_MAX = LARGE_PAGE_BYTES / 8;

    private static final int LINEAR_MAX = 128;
    private static final int SMALL_STEP = 4;
    private static final int LARGE_STEP = 128;

    private static final int[] SLOT_BYTES = slotSizes();
    private static final byte[] BY_SMALL_STEP = table(SMALL_STEP, SMALL_SLOT_MAX);
    private static final byte[] BY_LARGE_STEP = table(LARGE_STEP, LARGE_SLOT_MAX);

    static final int COUNT = SLOT_BYTES.length;

    private SizeClasses() {
    }

    private static int[] slotSizes() {
        int[] sizes = new int[Byte.MAX_VALUE];
        int count = 0;
        for (int size = SMALL_STEP; size <= LINEAR_MAX; size += size < LINEAR_MAX / 2 ? SMALL_STEP : 2 * SMALL_STEP) {
            sizes[count++] = size;
        }
        for (int slots = SMALL_PAGE_BYTES / LINEAR_MAX * 8 / 9; slots >= 8; slots = fewer(slots)) {
            sizes[count++] = SMALL_PAGE_BYTES / slots / SMALL_STEP * SMALL_STEP;
        }
        for (int slots = LARGE_PAGE_BYTES / SMALL_SLOT_MAX * 8 / 9; slots >= 8; slots = fewer(slots)) {
            sizes[count++] = LARGE_PAGE_BYTES / slots / LARGE_STEP * LARGE_STEP;
        }
        return Arrays.copyOf(sizes, count);
    }

    private static int fewer(int slots) {
        return slots > 8 ? (slots * 8 + 4) / 9 : 0;
    }

    private static byte[] table(int step, int max) {
        byte[] table = new byte[max / step + 1];
        int sizeClass = 0;
        for (int i = 0; i < table.length; i++) {
            while (SLOT_BYTES[sizeClass] < i * step) {
                sizeClass++;
            }
            table[i] = (byte) sizeClass;
        }
        return table;
    }

    /** The class with the smallest slots of at least {@code bytes}, at most {@link #LARGE_SLOT_MAX}. */
    static int of(int bytes) {
        return bytes <= SMALL_SLOT_MAX
                ? BY_SMALL_STEP[(bytes + SMALL_STEP - 1) / SMALL_STEP]
                : BY_LARGE_STEP[(bytes + LARGE_STEP - 1) / LARGE_STEP];
    }

    static int slotBytes(int sizeClass) {
        return SLOT_BYTES[sizeClass];
    }
}
