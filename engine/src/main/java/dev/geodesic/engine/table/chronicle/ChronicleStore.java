package dev.geodesic.engine.table.chronicle;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.table.RowCursor;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Rows in slots of pages. A row pointer is {@code page index << 16 | slot}. Rows of one fixed length fill slots of that
 * length; others stand behind their length (u32) in a slot of the next size class, and rows beyond the largest class in
 * a page made for them.
 */
final class ChronicleStore implements TableStore {

    private static final int SLOT_BITS = 16;
    private static final int SLOT_MASK = (1 << SLOT_BITS) - 1;
    private static final ValueLayout.OfInt LENGTH = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int LENGTH_BYTES = 4;
    private static final int VARIABLE = -1;
    private static final Page[] NO_PAGES = {};
    private static final long[] NO_PLACES = {};

    private final ChronicleStores stores;
    private final MemorySegment memory;
    /** Length of every row, or VARIABLE. */
    private final int fixedLength;
    private final int headerBytes;
    private final boolean limited;
    private final Slots[] slots;
    // Volatile, because the writer grows them while readers look up live rows. The first ends in GONE pages, the second
    // has for each page the address of the first row in it, and (slots << 32 | bytes of a slot): all that reading a row
    // needs, close together.
    private volatile Page[] pages = NO_PAGES;
    private volatile long[] places = NO_PLACES;
    private int pageEnd;
    private int[] freeIndexes = new int[8];
    private int freeIndexCount;
    /** A page that was kept when its last row went, and may have rows again. */
    private Page spare = Page.GONE;
    private long liveCount;
    private long bytes;
    private boolean closed;

    /** @param limited whether it matters how much the database holds */
    ChronicleStore(ChronicleStores stores, RowLayout layout, boolean limited) {
        this.stores = stores;
        this.limited = limited;
        this.memory = stores.memory;
        int length = layout.fixedLength().orElse(VARIABLE);
        fixedLength = length <= SizeClasses.SMALL_SLOT_MAX ? length : VARIABLE;
        headerBytes = fixedLength == VARIABLE ? LENGTH_BYTES : 0;
        slots = new Slots[fixedLength == VARIABLE ? SizeClasses.COUNT : 1];
    }

    @Override
    public long allocate(MemorySegment source, long offset, int length) {
        Invariants.check(!closed, "table store is closed");
        Invariants.check(fixedLength == VARIABLE || length == fixedLength, "row has a wrong length", "length", length);
        Page page = pageFor(length);
        int slot = page.take();
        if (!page.hasRoom() && page.owner.pool != null) {
            page.owner.remove(page);
        }
        long at = page.address + (long) slot * page.slotBytes;
        if (headerBytes != 0) {
            memory.set(LENGTH, at, length);
        }
        MemorySegment.copy(source, offset, memory, at + headerBytes, length);
        return (long) page.index << SLOT_BITS | slot;
    }

    private Page pageFor(int length) {
        if (length > SizeClasses.LARGE_SLOT_MAX - LENGTH_BYTES) {
            return newOwnPage(length + (long) LENGTH_BYTES);
        }
        int sizeClass = fixedLength == VARIABLE ? SizeClasses.of(length + LENGTH_BYTES) : 0;
        Slots s = slots[sizeClass];
        if (s == null) {
            int slotBytes = fixedLength == VARIABLE ? SizeClasses.slotBytes(sizeClass) : Math.max(1, fixedLength);
            s = new Slots(slotBytes <= SizeClasses.SMALL_SLOT_MAX ? stores.smallPages : stores.largePages, slotBytes);
            slots[sizeClass] = s;
        }
        Page page = s.first();
        if (page == null) {
            PageMap map = s.pool.mapWithFreePage(limited);
            page = add(new Page(s, map, nextIndex(), map.acquire(), s.slotBytes, s.pool.pageBytes / s.slotBytes),
                    s.pool.pageBytes);
            s.add(page);
        }
        return page;
    }

    private Page newOwnPage(long slotBytes) {
        if (slotBytes > Integer.MAX_VALUE) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "a row of " + slotBytes + " bytes is too long");
        }
        if (limited) {
            stores.use.check(slotBytes, 0);
        }
        PageMap map = new PageMap(slotBytes, 1);
        stores.ownBytes.addAndGet(slotBytes);
        stores.use.addOffHeap(slotBytes);
        return add(new Page(new Slots(null, (int) slotBytes), map, nextIndex(), map.acquire(), (int) slotBytes, 1), slotBytes);
    }

    private int nextIndex() {
        return freeIndexCount > 0 ? freeIndexes[--freeIndexCount] : pageEnd++;
    }

    private Page add(Page page, long pageBytes) {
        Page[] all = pages;
        if (page.index >= all.length) {
            int length = all.length;
            all = Arrays.copyOf(all, Math.max(8, length * 2));
            Arrays.fill(all, length, all.length, Page.GONE);
            pages = all;
            places = Arrays.copyOf(places, all.length * 2);
        }
        all[page.index] = page;
        places[page.index * 2] = page.address + headerBytes;
        places[page.index * 2 + 1] = (long) page.slots << 32 | page.slotBytes;
        bytes += pageBytes + page.bookkeepingBytes();
        stores.use.addHeap(page.bookkeepingBytes());
        return page;
    }

    private void drop(Page page) {
        long pageBytes = page.owner.pool == null ? page.slotBytes : page.owner.pool.pageBytes;
        pages[page.index] = Page.GONE;
        places[page.index * 2 + 1] = 0;
        bytes -= pageBytes + page.bookkeepingBytes();
        if (freeIndexCount == freeIndexes.length) {
            freeIndexes = Arrays.copyOf(freeIndexes, freeIndexCount * 2);
        }
        freeIndexes[freeIndexCount++] = page.index;
        release(page);
    }

    private void release(Page page) {
        stores.use.addHeap(-page.bookkeepingBytes());
        if (page.owner.pool == null) {
            page.map.close();
            stores.ownBytes.addAndGet(-page.slotBytes);
            stores.use.addOffHeap(-page.slotBytes);
        } else {
            page.owner.pool.release(page.map, page.address);
        }
    }

    private Page page(long row) {
        Page[] all = pages;
        long index = row >>> SLOT_BITS;
        Page page = index < all.length ? all[(int) index] : Page.GONE;
        if ((row & SLOT_MASK) >= page.slots) {
            throw noSuchRow(row);
        }
        return page;
    }

    private static EngineException noSuchRow(long row) {
        return new EngineException(ErrorCode.INTERNAL, "no such row in the store").with("row", row);
    }

    private Page pageInState(long row, boolean live) {
        Page page = page(row);
        int slot = (int) row & SLOT_MASK;
        Invariants.check(page.isUsed(slot) && page.isLive(slot) == live, "row is not in the expected state", "row", row);
        return page;
    }

    @Override
    public void publish(long row) {
        pageInState(row, false).flipLive((int) row & SLOT_MASK);
        liveCount++;
    }

    @Override
    public void retire(long row) {
        pageInState(row, true).flipLive((int) row & SLOT_MASK);
        liveCount--;
    }

    @Override
    public void free(long row) {
        Page page = pageInState(row, false);
        Slots owner = page.owner;
        boolean hadRoom = page.hasRoom();
        page.give((int) row & SLOT_MASK);
        if (owner.pool == null) {
            drop(page);
            return;
        }
        if (!hadRoom) {
            owner.add(page);
        }
        if (page.isUnused()) {
            retireUnused(page);
        }
    }

    /** One unused page is kept, so that a table at the edge does not take and give back pages in turn. */
    private void retireUnused(Page page) {
        Page out = page;
        if (!page.owner.hasRoomBeside(page)) {
            out = spare;
            spare = page;
        }
        if (out != Page.GONE && out != spare && out.isUnused() && pages[out.index] == out) {
            out.owner.remove(out);
            drop(out);
        }
    }

    @Override
    public MemorySegment segment(long row) {
        return memory;
    }

    @Override
    public long offset(long row) {
        long[] all = places;
        long place = row >>> SLOT_BITS << 1;
        if (place >= all.length) {
            throw noSuchRow(row);
        }
        long slot = row & SLOT_MASK;
        long size = all[(int) place + 1];
        if (slot >= size >>> 32) {
            throw noSuchRow(row);
        }
        assert isUsed(row) : "row " + row + " has been freed";
        return all[(int) place] + slot * (int) size;
    }

    private boolean isUsed(long row) {
        return page(row).isUsed((int) row & SLOT_MASK);
    }

    @Override
    public int length(long row) {
        if (fixedLength != VARIABLE) {
            offset(row); // checks that there is such a row
            return fixedLength;
        }
        return memory.get(LENGTH, offset(row) - LENGTH_BYTES);
    }

    @Override
    public boolean isLive(long row) {
        return page(row).isLive((int) row & SLOT_MASK);
    }

    @Override
    public long liveCount() {
        return liveCount;
    }

    @Override
    public long memoryBytes() {
        return bytes + pages.length * 20L;
    }

    @Override
    public RowCursor scan() {
        Invariants.check(!closed, "table store is closed");
        return new Scan(pages);
    }

    @Override
    public long walk(long from, int places, boolean others, RowPointers out) {
        Invariants.check(!closed, "table store is closed");
        Page[] all = pages;
        int index = (int) (from >>> SLOT_BITS);
        int word = (int) (from & SLOT_MASK) >> 6;
        for (int left = places; left > 0;) {
            if (index >= all.length) {
                return NO_ROW;
            }
            Page page = all[index];
            if (word >= page.live.length) {
                index++;
                word = 0;
                left--;
                continue;
            }
            long live = page.live[word];
            long first = (long) index << SLOT_BITS | word << 6;
            for (long bits = others ? live | page.used(word) : live; bits != 0; bits &= bits - 1) {
                int slot = Long.numberOfTrailingZeros(bits);
                out.add((live & 1L << slot) != 0 ? first + slot : ~(first + slot));
            }
            word++;
            left -= Long.SIZE;
        }
        // A full page of the smallest slots ends where the next page starts.
        return ((long) index << SLOT_BITS) + (word << 6);
    }

    private static final class Scan implements RowCursor {

        private final Page[] pages;
        private int index = -1;
        private long[] live = {};
        private int word;
        private long bits;
        private long row;

        Scan(Page[] pages) {
            this.pages = pages;
        }

        @Override
        public boolean next() {
            while (bits == 0) {
                if (word < live.length) {
                    bits = live[word++];
                } else if (++index < pages.length) {
                    live = pages[index].live;
                    word = 0;
                } else {
                    index = pages.length;
                    return false;
                }
            }
            row = (long) index << SLOT_BITS | word - 1 << 6 | Long.numberOfTrailingZeros(bits);
            bits &= bits - 1;
            return true;
        }

        @Override
        public long row() {
            return row;
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Page page : pages) {
            if (page != Page.GONE) {
                release(page);
            }
        }
        pages = NO_PAGES;
        places = NO_PLACES;
        pageEnd = 0;
        freeIndexCount = 0;
        liveCount = 0;
        bytes = 0;
        spare = Page.GONE;
        Arrays.fill(slots, null);
        stores.closed(this);
    }
}
