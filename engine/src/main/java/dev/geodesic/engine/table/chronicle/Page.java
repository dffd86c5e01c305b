package dev.geodesic.engine.table.chronicle;

/**
 * A page cut into slots of one size. The bitmaps are on the heap: they cost two bits a row, a reader that still holds a
 * page which has been given back sees no live row in it, and the page is all rows. Readers use final fields, {@code live} and
 * {@link #used}.
 */
final class Page {

    /** Stands where a page was: has no slot. */
    static final Page GONE = new Page(null, null, 0, 0, 0, 0);
    private static final int OBJECT_BYTES = 128;

    /* Holds after every call: live is a subset of used; bits of used behind the last slot are set, and not in
       usedCount; no word of used before hint has a zero bit; the page is in its owner's list exactly if hasRoom(). */
    final Slots owner;
    final PageMap map;
    final int index;
    final long address;
    final int slotBytes;
    final int slots;
    final long[] live;
    private final long[] used;
    private int usedCount;
    private int hint;
    Page previous;
    Page next;

    Page(Slots owner, PageMap map, int index, long address, int slotBytes, int slots) {
        this.owner = owner;
        this.map = map;
        this.index = index;
        this.address = address;
        this.slotBytes = slotBytes;
        this.slots = slots;
        int words = slots + Long.SIZE - 1 >> 6;
        live = new long[words];
        used = new long[words];
        if ((slots & 63) != 0) {
            used[words - 1] = -1L << slots;
        }
    }

    boolean hasRoom() {
        return usedCount < slots;
    }

    boolean isUnused() {
        return usedCount == 0;
    }

    /** Takes a free slot; needs {@link #hasRoom}. */
    int take() {
        int word = hint;
        while (used[word] == -1L) {
            word++;
        }
        hint = word;
        int bit = Long.numberOfTrailingZeros(~used[word]);
        used[word] |= 1L << bit;
        usedCount++;
        return word << 6 | bit;
    }

    void give(int slot) {
        used[slot >> 6] &= ~(1L << slot);
        hint = Math.min(hint, slot >> 6);
        usedCount--;
    }

    boolean isUsed(int slot) {
        return (used[slot >> 6] & 1L << slot) != 0;
    }

    /**
     * Of 64 slots, those that are used, and those behind the last one. Readers may ask: a bit stays as it is while its row
     * does.
     */
    long used(int word) {
        return used[word];
    }

    boolean isLive(int slot) {
        return (live[slot >> 6] & 1L << slot) != 0;
    }

    void flipLive(int slot) {
        live[slot >> 6] ^= 1L << slot;
    }

    long bookkeepingBytes() {
        return OBJECT_BYTES + live.length * 16L;
    }
}
