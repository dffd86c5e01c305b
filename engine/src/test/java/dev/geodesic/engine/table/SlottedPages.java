package dev.geodesic.engine.table;

import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.IntUnaryOperator;

/**
 * The alternative that was measured against size classes: rows of any size one after the other in a page, with a
 * directory of (offset, length) at the page's end, compacted when the holes are needed. A page is found through lists
 * by free space.
 */
final class SlottedPages {

    private static final int PAGE = 1 << 16;
    private static final int ENTRY = 4;
    private static final int LISTS = 64;

    private static final class Page {
        final int index;
        final long address;
        int top; // bytes taken from the front, holes included
        int slots;
        int free = PAGE; // everything that is no row and no directory
        int freeSlots;
        int list = -1;
        int place;

        Page(int index, long address) {
            this.index = index;
            this.address = address;
        }
    }

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    private final List<Page> pages = new ArrayList<>();
    private final List<List<Page>> byFree = new ArrayList<>();
    private final byte[] scratch = new byte[PAGE];
    private long compactions;

    SlottedPages() {
        for (int i = 0; i <= LISTS; i++) {
            byFree.add(new ArrayList<>());
        }
    }

    private void relist(Page p) {
        int list = p.free * LISTS / PAGE;
        if (list == p.list) {
            return;
        }
        if (p.list >= 0) {
            List<Page> old = byFree.get(p.list);
            Page moved = old.removeLast();
            if (moved != p) {
                old.set(p.place, moved);
                moved.place = p.place;
            }
        }
        p.list = list;
        p.place = byFree.get(list).size();
        byFree.get(list).add(p);
    }

    private long entry(Page p, int slot) {
        return p.address + PAGE - (slot + 1L) * ENTRY;
    }

    long allocate(MemorySegment source, int length) {
        int needed = length + ENTRY;
        Page p = null;
        for (int i = needed * LISTS / PAGE + 1; i <= LISTS && p == null; i++) {
            p = byFree.get(i).isEmpty() ? null : byFree.get(i).getLast();
        }
        if (p == null) {
            p = new Page(pages.size(), arena.allocate(PAGE, 64).address());
            pages.add(p);
        }
        int slot = p.slots;
        if (p.freeSlots > 0) {
            slot = 0;
            while (memory.get(ValueLayout.JAVA_INT_UNALIGNED, entry(p, slot)) != 0) {
                slot++;
            }
            p.freeSlots--;
        } else {
            if (p.top + (p.slots + 1) * ENTRY > PAGE) {
                compact(p);
            }
            p.slots++;
            p.free -= ENTRY;
        }
        if (p.top + length + p.slots * ENTRY > PAGE) {
            memory.set(ValueLayout.JAVA_INT_UNALIGNED, entry(p, slot), 0);
            compact(p);
        }
        memory.set(ValueLayout.JAVA_INT_UNALIGNED, entry(p, slot), p.top << 16 | length);
        MemorySegment.copy(source, 0, memory, p.address + p.top, length);
        p.top += length;
        p.free -= length;
        relist(p);
        return (long) p.index << 16 | slot;
    }

    private void compact(Page p) {
        compactions++;
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, p.address, scratch, 0, p.top);
        int top = 0;
        for (int slot = 0; slot < p.slots; slot++) {
            int e = memory.get(ValueLayout.JAVA_INT_UNALIGNED, entry(p, slot));
            if (e != 0) {
                MemorySegment.copy(scratch, e >>> 16, memory, ValueLayout.JAVA_BYTE, p.address + top, e & 0xffff);
                memory.set(ValueLayout.JAVA_INT_UNALIGNED, entry(p, slot), top << 16 | e & 0xffff);
                top += e & 0xffff;
            }
        }
        p.top = top;
    }

    void free(long row) {
        Page p = pages.get((int) (row >>> 16));
        long at = entry(p, (int) row & 0xffff);
        p.free += memory.get(ValueLayout.JAVA_INT_UNALIGNED, at) & 0xffff;
        p.freeSlots++;
        memory.set(ValueLayout.JAVA_INT_UNALIGNED, at, 0);
        relist(p);
    }

    long read(long row) {
        Page p = pages.get((int) (row >>> 16));
        int e = memory.get(ValueLayout.JAVA_INT_UNALIGNED, entry(p, (int) row & 0xffff));
        return memory.get(ValueLayout.JAVA_LONG_UNALIGNED, p.address + (e >>> 16));
    }

    /** Loads, replaces every row twice by one of another length, reads; for both designs. */
    static void compare(int n) throws Exception {
        Random random = new Random(5);
        int[] draw = new int[1 << 16];
        for (int i = 0; i < draw.length; i++) {
            draw[i] = (int) Math.min(3_000, 24 + 80 * -Math.log(1 - random.nextDouble()));
        }
        compare("12-75 even", n, i -> 12 + (i * 37 & 63));
        compare("24 + exponential 80", n, i -> draw[i * 40503 & 0xffff]);
        compare("200-4295 even", n / 10, i -> 200 + (i * 40503 & 4095));
    }

    private static void compare(String name, int n, IntUnaryOperator length) throws Exception {
        MemorySegment row = MemorySegment.ofArray(new byte[8192]);
        long[] rows = new long[n];
        int[] order = new int[n];
        Random random = new Random(7);
        for (int i = 0; i < n; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        for (int design = 0; design < 2; design++) {
            String line = "";
            for (int round = 0; round < 2; round++) {
                ChronicleStores stores = new ChronicleStores();
                TableStore store =
                        stores.create(RowLayout.of(ProductType.of(ProductElement.of("b", ArrayType.BYTES))));
                SlottedPages pages = new SlottedPages();
                boolean classes = design == 0;
                long sum = 0;
                long t0 = System.nanoTime();
                for (int i = 0; i < n; i++) {
                    int l = length.applyAsInt(i);
                    rows[i] = classes ? store.allocate(row, 0, l) : pages.allocate(row, l);
                }
                long t1 = System.nanoTime();
                long memory = classes ? store.memoryBytes() : pages.pages.size() * (long) PAGE;
                for (int i = 0; i < n; i++) {
                    sum += length.applyAsInt(i);
                }
                double overhead = (double) memory / sum;
                long t2 = System.nanoTime();
                for (int k = 1; k <= 2; k++) {
                    for (int i : order) {
                        int l = length.applyAsInt(i + k * 7919);
                        if (classes) {
                            store.free(rows[i]);
                            rows[i] = store.allocate(row, 0, l);
                        } else {
                            pages.free(rows[i]);
                            rows[i] = pages.allocate(row, l);
                        }
                    }
                }
                long t3 = System.nanoTime();
                memory = classes ? store.memoryBytes() : pages.pages.size() * (long) PAGE;
                sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += length.applyAsInt(i + 2 * 7919);
                }
                long read = 0;
                long t4 = System.nanoTime();
                for (int i : order) {
                    read += classes
                            ? store.segment(rows[i]).get(ValueLayout.JAVA_LONG_UNALIGNED, store.offset(rows[i]))
                            : pages.read(rows[i]);
                }
                long t5 = System.nanoTime();
                line = String.format(
                        Locale.ROOT,
                        "rows of %-20s %-12s load %6.1f ns  memory/rows %.3f  replace %7.1f ns"
                                + "  memory/rows after %.3f  random read %5.1f ns%s",
                        name, classes ? "size classes" : "slotted", (t1 - t0) / (double) n, overhead, (t3 - t2) / 2.0 / n,
                        (double) memory / sum, (t5 - t4) / (double) n,
                        classes || read != 0 ? "" : "  compactions " + pages.compactions);
                stores.close();
                pages.arena.close();
            }
            System.out.println(line);
        }
    }
}
