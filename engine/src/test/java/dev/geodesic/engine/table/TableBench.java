package dev.geodesic.engine.table;

import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import it.unimi.dsi.fastutil.longs.Long2LongOpenHashMap;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.IntUnaryOperator;

/**
 * Figures for {@code docs/decisions/0001-row-pages.md}: nanoseconds of CPU per operation, the best of three rounds. Not a
 * test; run its main with the flags of the engine's tests. Argument: number of rows, by default a million.
 */
final class TableBench {

    private static final int ROUNDS = 3;
    private static long sink;

    private TableBench() {
    }

    private interface Body {
        void run() throws Exception;
    }

    private static long cpu() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /** Nanoseconds of one run. */
    private static long time(Body body) throws Exception {
        long start = cpu();
        body.run();
        return cpu() - start;
    }

    private static String ns(long nanos, long count) {
        return String.format(Locale.ROOT, "%7.1f", (double) nanos / count);
    }

    private static RowLayout layout(AlgebraicType... columns) {
        return RowLayout.of(new ProductType(
                Arrays.stream(columns).map(c -> ProductElement.of("c", c)).toList()));
    }

    private static int[] shuffled(int n) {
        Random random = new Random(7);
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    public static void main(String[] args) throws Exception {
        int n = args.length > 0 ? Integer.parseInt(args[0]) : 1_000_000;
        System.out.printf("%d rows, %s %s%n", n, System.getProperty("java.vm.name"), System.getProperty("java.version"));
        for (int warm = 0; warm < 2; warm++) {
            boolean print = warm == 1;
            int rows = print ? n : n / 10;
            stores(rows, print);
            indexes(rows, print);
            rowSet(rows, print);
            validation(rows, print);
        }
        SlottedPages.compare(n);
        System.out.println(sink == 42 ? "" : "done");
    }

    private static void stores(int n, boolean print) throws Exception {
        RowLayout fixed = layout(PrimitiveType.U256, PrimitiveType.U256);
        RowLayout variable = layout(ArrayType.BYTES);
        MemorySegment row = MemorySegment.ofArray(new byte[256]);
        int[] order = shuffled(n);
        for (String kind : List.of("chronicle fixed 64", "chronicle 20-148", "heap fixed 64")) {
            long[] best = new long[5];
            Arrays.fill(best, Long.MAX_VALUE);
            long memory = 0;
            IntUnaryOperator length = kind.contains("fixed") ? i -> 64 : i -> 20 + (i * 31 & 127);
            for (int round = 0; round < ROUNDS; round++) {
                try (TableStores stores = kind.startsWith("heap") ? new HeapStores() : new ChronicleStores()) {
                    TableStore store = stores.create(kind.contains("fixed") ? fixed : variable);
                    long[] rows = new long[n];
                    best[0] = Math.min(best[0], time(() -> {
                        for (int i = 0; i < n; i++) {
                            row.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, i);
                            rows[i] = store.allocate(row, 0, length.applyAsInt(i));
                            store.publish(rows[i]);
                        }
                    }));
                    memory = store.memoryBytes();
                    byte[] out = new byte[256];
                    MemorySegment outSegment = MemorySegment.ofArray(out);
                    best[1] = Math.min(best[1], time(() -> {
                        for (int i : order) {
                            long r = rows[i];
                            MemorySegment.copy(store.segment(r), store.offset(r), outSegment, 0, store.length(r));
                            sink += out[3];
                        }
                    }));
                    best[2] = Math.min(best[2], time(() -> {
                        for (RowCursor scan = store.scan(); scan.next();) {
                            sink += scan.row();
                        }
                    }));
                    best[3] = Math.min(best[3], time(() -> {
                        for (RowCursor scan = store.scan(); scan.next();) {
                            long r = scan.row();
                            sink += store.segment(r).get(ValueLayout.JAVA_LONG_UNALIGNED, store.offset(r));
                        }
                    }));
                    best[4] = Math.min(best[4], time(() -> {
                        for (int i : order) {
                            store.retire(rows[i]);
                            store.free(rows[i]);
                            rows[i] = store.allocate(row, 0, length.applyAsInt(i));
                            store.publish(rows[i]);
                        }
                    }));
                }
            }
            if (print) {
                System.out.printf(
                        Locale.ROOT,
                        "store %-20s put %s  random read %s  scan %s  scan and read %s  replace %s  bytes/row %.1f%n",
                        kind, ns(best[0], n), ns(best[1], n), ns(best[2], n), ns(best[3], n), ns(best[4], n),
                        (double) memory / n);
            }
        }
    }

    private static void indexes(int n, boolean print) throws Exception {
        index("btree u64", layout(PrimitiveType.U64, PrimitiveType.U256), new IndexAlgorithm.BTree(List.of(0)), n, print);
        index("hash u64", layout(PrimitiveType.U64, PrimitiveType.U256), new IndexAlgorithm.Hash(List.of(0)), n, print);
        index("btree identity", layout(PrimitiveType.U256, PrimitiveType.U64), new IndexAlgorithm.BTree(List.of(0)), n, print);
        index("btree (u32,u64)", layout(PrimitiveType.U32, PrimitiveType.U64), new IndexAlgorithm.BTree(List.of(0, 1)), n, print);
        index("btree string", layout(PrimitiveType.STRING, PrimitiveType.U64), new IndexAlgorithm.BTree(List.of(0)), n, print);
        index("hash string", layout(PrimitiveType.STRING, PrimitiveType.U64), new IndexAlgorithm.Hash(List.of(0)), n, print);
        int[] order = shuffled(n);
        TreeMap<Long, Long> tree = new TreeMap<>();
        Long2LongOpenHashMap hash = new Long2LongOpenHashMap();
        long treePut = time(() -> {
            for (int i : order) {
                tree.put((long) i, (long) i);
            }
        });
        long treeGet = time(() -> {
            for (int i : order) {
                sink += tree.get((long) i);
            }
        });
        long hashPut = time(() -> {
            for (int i : order) {
                hash.put(i, i);
            }
        });
        long hashGet = time(() -> {
            for (int i : order) {
                sink += hash.get(i);
            }
        });
        if (print) {
            System.out.printf("java.util.TreeMap     random insert %s  find %s%n", ns(treePut, n), ns(treeGet, n));
            System.out.printf("Long2LongOpenHashMap  random insert %s  find %s%n", ns(hashPut, n), ns(hashGet, n));
        }
    }

    private static byte[] key(RowLayout layout, int i) {
        BsatnWriter out = new BsatnWriter();
        switch (layout.type().elements().getFirst().type()) {
            case PrimitiveType p when p == PrimitiveType.STRING -> out.writeString("user-" + (10_000_000 + i) + "@example.com");
            case PrimitiveType p when p == PrimitiveType.U256 -> {
                byte[] id = new byte[32];
                new Random(i).nextBytes(id);
                out.writeRaw(id);
            }
            case PrimitiveType p when p == PrimitiveType.U32 -> {
                out.writeU32(i >> 4);
                out.writeU64(i & 15);
            }
            default -> out.writeU64(i);
        }
        return out.toByteArray();
    }

    private static void index(String name, RowLayout layout, IndexAlgorithm algorithm, int n, boolean print) throws Exception {
        int[] order = shuffled(n);
        long[] best = new long[6];
        Arrays.fill(best, Long.MAX_VALUE);
        double bytes = 0;
        for (int round = 0; round < ROUNDS; round++) {
            try (ChronicleStores stores = new ChronicleStores()) {
                TableStore store = stores.create(layout);
                long[] rows = new long[n];
                int keyLength = 0;
                for (int i = 0; i < n; i++) {
                    byte[] key = key(layout, i);
                    keyLength = key.length;
                    byte[] row = Arrays.copyOf(key, layout.fixedLength().orElse(key.length + 8));
                    rows[i] = store.allocate(MemorySegment.ofArray(row), 0, row.length);
                }
                int length = keyLength;
                TableIndex index = TableIndexes.create(new IndexSchema(1, "i", Optional.empty(), algorithm, true), layout, store);
                best[0] = Math.min(best[0], time(() -> {
                    for (long row : rows) {
                        index.insert(row);
                    }
                }));
                index.clear();
                best[1] = Math.min(best[1], time(() -> {
                    for (int i : order) {
                        index.insert(rows[i]);
                    }
                }));
                bytes = (double) index.memoryBytes() / n;
                best[2] = Math.min(best[2], time(() -> {
                    for (int i : order) {
                        sink += index.findByRow(store.segment(rows[i]), store.offset(rows[i]));
                    }
                }));
                RowPointers out = new RowPointers();
                best[3] = Math.min(best[3], time(() -> {
                    for (int i : order) {
                        out.clear();
                        index.point(store.segment(rows[i]), store.offset(rows[i]), length, out);
                        sink += out.size();
                    }
                }));
                best[4] = Math.min(best[4], time(() -> {
                    for (int i : order) {
                        index.remove(rows[i]);
                        index.insert(rows[i]);
                    }
                }));
                if (algorithm.isOrdered()) {
                    best[5] = Math.min(best[5], time(() -> ranges(index, layout, order, out)));
                }
            }
        }
        if (print) {
            System.out.printf(
                    Locale.ROOT,
                    "index %-16s rising insert %s  random insert %s  findByRow %s  point %s  remove+insert %s"
                            + "  bytes/row %.1f%s%n",
                    name, ns(best[0], n), ns(best[1], n), ns(best[2], n), ns(best[3], n), ns(best[4], n), bytes,
                    algorithm.isOrdered() ? "  range of 10 " + ns(best[5], n / 10) : "");
        }
    }

    private static void ranges(TableIndex index, RowLayout layout, int[] order, RowPointers out) {
        if (layout.type().elements().getFirst().type() != PrimitiveType.U64) {
            return;
        }
        MemorySegment key = MemorySegment.ofArray(new byte[18]);
        key.set(ValueLayout.JAVA_BYTE, 9, (byte) 1);
        for (int k = 0; k < order.length / 10; k++) {
            key.set(ValueLayout.JAVA_LONG_UNALIGNED, 1, order[k]);
            key.set(ValueLayout.JAVA_LONG_UNALIGNED, 10, order[k] + 10);
            out.clear();
            index.range(new KeyRange(key, 0, 0, 0, 0, 9, 9, 9), out);
            sink += out.size();
        }
    }

    private static void rowSet(int n, boolean print) throws Exception {
        RowLayout layout = layout(PrimitiveType.U64, PrimitiveType.U256);
        int[] order = shuffled(n);
        long[] best = new long[3];
        Arrays.fill(best, Long.MAX_VALUE);
        double bytes = 0;
        long worst = Long.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) {
            try (ChronicleStores stores = new ChronicleStores()) {
                TableStore store = stores.create(layout);
                RowSet set = new RowSet(layout, store);
                MemorySegment row = MemorySegment.ofArray(new byte[40]);
                long[] rows = new long[n];
                for (int i = 0; i < n; i++) {
                    row.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, i);
                    rows[i] = store.allocate(row, 0, 40);
                }
                long[] longest = new long[1];
                best[0] = Math.min(best[0], time(() -> {
                    for (int i = 0; i < n; i++) {
                        long start = System.nanoTime();
                        set.insert(rows[i]);
                        longest[0] = Math.max(longest[0], System.nanoTime() - start);
                    }
                }));
                worst = Math.min(worst, longest[0]);
                bytes = (double) set.memoryBytes() / n;
                best[1] = Math.min(best[1], time(() -> {
                    for (int i : order) {
                        sink += set.find(store.segment(rows[i]), store.offset(rows[i]), 40);
                    }
                }));
                best[2] = Math.min(best[2], time(() -> {
                    for (int i : order) {
                        row.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, i + (1L << 40));
                        sink += set.find(row, 0, 40);
                    }
                }));
            }
        }
        if (print) {
            System.out.printf(
                    Locale.ROOT,
                    "row set of 40 bytes: insert %s (longest %.2f ms)  find %s  find nothing %s  bytes/row %.1f%n",
                    ns(best[0], n), worst / 1e6, ns(best[1], n), ns(best[2], n), bytes);
        }
    }

    private static void validation(int n, boolean print) throws Exception {
        RowLayout fixed = layout(PrimitiveType.U64, PrimitiveType.U256, PrimitiveType.I32);
        RowLayout mixed = layout(PrimitiveType.U64, PrimitiveType.STRING, PrimitiveType.BOOL, PrimitiveType.STRING,
                PrimitiveType.I32);
        BsatnWriter out = new BsatnWriter();
        out.writeU64(1);
        out.writeString("a name of some length");
        out.writeBool(true);
        out.writeString("r\u00e9sum\u00e9 with accents");
        out.writeU32(3);
        MemorySegment row = MemorySegment.ofArray(out.toByteArray());
        long[] best = {Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE};
        for (int round = 0; round < ROUNDS; round++) {
            best[0] = Math.min(best[0], time(() -> {
                for (int i = 0; i < n; i++) {
                    sink += fixed.validate(row, 0, row.byteSize());
                }
            }));
            best[1] = Math.min(best[1], time(() -> {
                for (int i = 0; i < n; i++) {
                    sink += mixed.validate(row, 0, row.byteSize());
                }
            }));
            best[2] = Math.min(best[2], time(() -> {
                for (int i = 0; i < n; i++) {
                    sink += mixed.columnOffset(row, 0, 4);
                }
            }));
        }
        if (print) {
            System.out.printf(
                    "layout: validate fixed row %s  row with 2 strings %s  offset behind 2 strings %s%n",
                    ns(best[0], n), ns(best[1], n), ns(best[2], n));
        }
    }
}
