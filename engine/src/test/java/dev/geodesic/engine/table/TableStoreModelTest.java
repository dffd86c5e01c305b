package dev.geodesic.engine.table;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Both stores against a map from pointer to bytes and state. */
class TableStoreModelTest {

    private static RowLayout layout(AlgebraicType... columns) {
        return RowLayout.of(new ProductType(
                Stream.of(columns).map(c -> ProductElement.of("c", c)).toList()));
    }

    private static final RowLayout TEXT = layout(ArrayType.BYTES);

    static Stream<Supplier<TableStores>> stores() {
        return Stream.of(named("heap", HeapStores::new), named("chronicle", ChronicleStores::new));
    }

    private static Supplier<TableStores> named(String name, Supplier<TableStores> supplier) {
        return new Supplier<>() {
            @Override
            public TableStores get() {
                return supplier.get();
            }

            @Override
            public String toString() {
                return name;
            }
        };
    }

    /** Layouts with the largest row that the test makes. */
    static Stream<Arguments> kinds() {
        AlgebraicType wide = ProductType.of(
                Stream.generate(() -> ProductElement.of("w", PrimitiveType.U256)).limit(400).toArray(ProductElement[]::new));
        return stores().flatMap(s -> Stream.of(
                Arguments.of(s, layout(), 0),
                Arguments.of(s, layout(PrimitiveType.U8), 1),
                Arguments.of(s, layout(PrimitiveType.U64, PrimitiveType.U8), 9),
                Arguments.of(s, layout(PrimitiveType.U256, PrimitiveType.U256), 64),
                Arguments.of(s, layout(wide), 12_800),
                Arguments.of(s, TEXT, 30),
                Arguments.of(s, TEXT, 3_000),
                Arguments.of(s, TEXT, 200_000)));
    }

    private enum State {
        PENDING,
        LIVE,
        RETIRED
    }

    private static byte[] randomRow(RowLayout layout, int max, Random random) {
        int length = layout.fixedLength().orElseGet(() -> 4 + random.nextInt(1 + random.nextInt(max)));
        byte[] row = new byte[length];
        random.nextBytes(row);
        if (layout == TEXT) {
            ByteBuffer.wrap(row).order(ByteOrder.LITTLE_ENDIAN).putInt(length - 4);
        }
        return row;
    }

    private static void refused(Runnable call) {
        assertEquals(ErrorCode.INTERNAL, assertThrows(EngineException.class, call::run).code());
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void behavesLikeTheModel(Supplier<TableStores> kind, RowLayout layout, int max) {
        long seed = ModelValues.seed();
        Random random = new Random(seed);
        String at = "seed " + seed;
        try (TableStores stores = kind.get()) {
            TableStore store = stores.create(layout);
            Map<Long, byte[]> bytes = new HashMap<>();
            Map<Long, State> states = new HashMap<>();
            List<Long> rows = new ArrayList<>();
            int steps = max > 10_000 ? 3_000 : 20_000;
            for (int step = 0; step < steps; step++) {
                boolean growing = step / (steps / 4) % 2 == 0;
                if (rows.isEmpty() || random.nextInt(10) < (growing ? 5 : 1)) {
                    byte[] row = randomRow(layout, max, random);
                    byte[] padded = new byte[row.length + 3];
                    System.arraycopy(row, 0, padded, 3, row.length);
                    long pointer = store.allocate(MemorySegment.ofArray(padded), 3, row.length);
                    assertTrue(pointer >= 0 && bytes.put(pointer, row) == null, at);
                    states.put(pointer, State.PENDING);
                    rows.add(pointer);
                } else {
                    int i = random.nextInt(rows.size());
                    long pointer = rows.get(i);
                    switch (states.get(pointer)) {
                        case LIVE -> {
                            refused(() -> store.publish(pointer));
                            refused(() -> store.free(pointer));
                            store.retire(pointer);
                            states.put(pointer, State.RETIRED);
                        }
                        case PENDING -> {
                            refused(() -> store.retire(pointer));
                            if (random.nextInt(4) > 0) {
                                store.publish(pointer);
                                states.put(pointer, State.LIVE);
                                break;
                            }
                            free(store, pointer, i, rows, states, bytes, at);
                        }
                        case RETIRED -> free(store, pointer, i, rows, states, bytes, at);
                    }
                }
                if (step % (steps / 20) == 0) {
                    check(store, states, bytes, at);
                }
            }
            check(store, states, bytes, at);
            assertTrue(store.memoryBytes() > 0);
        }
    }

    private static void free(
            TableStore store, long pointer, int i, List<Long> rows, Map<Long, State> states, Map<Long, byte[]> bytes, String at) {
        assertArrayEquals(bytes.remove(pointer), read(store, pointer), at);
        store.free(pointer);
        states.remove(pointer);
        rows.set(i, rows.getLast());
        rows.removeLast();
    }

    private static byte[] read(TableStore store, long row) {
        return store.segment(row).asSlice(store.offset(row), store.length(row)).toArray(ValueLayout.JAVA_BYTE);
    }

    private static void check(TableStore store, Map<Long, State> states, Map<Long, byte[]> bytes, String at) {
        Set<Long> live = new HashSet<>();
        states.forEach((row, state) -> {
            assertEquals(state == State.LIVE, store.isLive(row), at);
            assertArrayEquals(bytes.get(row), read(store, row), at);
            if (state == State.LIVE) {
                live.add(row);
            }
        });
        assertEquals(live.size(), store.liveCount(), at);
        RowCursor scan = store.scan();
        while (scan.next()) {
            assertTrue(live.remove(scan.row()), at);
        }
        assertFalse(scan.next());
        assertTrue(live.isEmpty(), at);
    }

    @ParameterizedTest
    @MethodSource("stores")
    void holdsHundredThousandsOfRows(Supplier<TableStores> kind) {
        try (TableStores stores = kind.get()) {
            TableStore store = stores.create(layout(PrimitiveType.U64, PrimitiveType.U64));
            MemorySegment row = MemorySegment.ofArray(new long[2]);
            int n = 500_000;
            for (int i = 0; i < n; i++) {
                row.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, i);
                store.publish(store.allocate(row, 0, 16));
            }
            long sum = 0;
            for (RowCursor scan = store.scan(); scan.next();) {
                sum += store.segment(scan.row()).get(ValueLayout.JAVA_LONG_UNALIGNED, store.offset(scan.row()));
            }
            assertEquals(n * (n - 1L) / 2, sum);
            assertEquals(n, store.liveCount());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 40, 2_000, 100_000, 300_000})
    void churnDoesNotGrowTheMemory(int max) {
        long seed = ModelValues.seed();
        Random random = new Random(seed);
        try (ChronicleStores stores = new ChronicleStores()) {
            TableStore store = stores.create(TEXT);
            List<Long> rows = new ArrayList<>();
            int n = 30_000_000 / (max + 1_000);
            long most = 0;
            for (int round = 0; round < 8; round++) {
                for (int i = 0; i < n; i++) {
                    byte[] row = randomRow(TEXT, max, random);
                    rows.add(store.allocate(MemorySegment.ofArray(row), 0, row.length));
                }
                if (round == 1) {
                    most = store.memoryBytes();
                } else if (round > 1) {
                    assertTrue(store.memoryBytes() < most * 5 / 4, "seed " + seed + " " + most + " " + store.memoryBytes());
                }
                for (int i = 0; i < n; i++) {
                    int k = random.nextInt(rows.size());
                    store.free(rows.set(k, rows.getLast()));
                    rows.removeLast();
                }
            }
            rows.forEach(store::free);
            assertTrue(store.memoryBytes() < 2 << 20, "bytes " + store.memoryBytes());
        }
    }

    @Test
    void memoryStaysCloseToTheRows() {
        long seed = ModelValues.seed();
        Random random = new Random(seed);
        for (int max : new int[] {40, 400, 5_000, 60_000}) {
            try (ChronicleStores stores = new ChronicleStores()) {
                TableStore store = stores.create(TEXT);
                long sum = 0;
                while (sum < 40 << 20) {
                    byte[] row = randomRow(TEXT, max, random);
                    store.allocate(MemorySegment.ofArray(row), 0, row.length);
                    sum += row.length;
                }
                assertTrue(store.memoryBytes() < sum * 16 / 10, "seed " + seed + " " + max + " " + store.memoryBytes());
            }
        }
    }

    @Test
    void droppedTablesGiveTheirPagesBack() {
        try (ChronicleStores stores = new ChronicleStores()) {
            long most = 0;
            for (int round = 0; round < 30; round++) {
                TableStore store = stores.create(TEXT);
                for (int length : new int[] {10, 100, 5_000, 50_000, 400_000}) {
                    byte[] row = new byte[length];
                    for (int i = 0; i < 20; i++) {
                        store.publish(store.allocate(MemorySegment.ofArray(row), 0, length));
                    }
                }
                if (round == 0) {
                    most = stores.memoryBytes();
                }
                assertEquals(most, stores.memoryBytes());
                store.close();
                assertTrue(stores.memoryBytes() < most);
                assertEquals(0, store.liveCount());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("stores")
    void holdsRowsOfManyMegabytes(Supplier<TableStores> kind) {
        try (TableStores stores = kind.get()) {
            TableStore store = stores.create(TEXT);
            byte[] row = new byte[33 << 20];
            new Random(3).nextBytes(row);
            long pointer = store.allocate(MemorySegment.ofArray(row), 0, row.length);
            store.publish(pointer);
            assertEquals(row.length, store.length(pointer));
            assertTrue(RowLayout.sameBytes(store.segment(pointer), store.offset(pointer), MemorySegment.ofArray(row), 0,
                    row.length));
            store.retire(pointer);
            store.free(pointer);
            assertTrue(store.memoryBytes() < 1 << 20);
            refused(() -> store.length(pointer));
        }
    }

    @ParameterizedTest
    @MethodSource("stores")
    void deadPointersAreRefused(Supplier<TableStores> kind) {
        try (TableStores stores = kind.get()) {
            for (RowLayout layout : Arrays.asList(layout(PrimitiveType.U32), TEXT)) {
                TableStore store = stores.create(layout);
                TableStore other = stores.create(layout);
                long row = store.allocate(MemorySegment.ofArray(new byte[4]), 0, 4);
                store.publish(row);
                for (long bad : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 40, 60_000}) {
                    refused(() -> store.length(bad));
                    refused(() -> store.isLive(bad));
                    refused(() -> store.publish(bad));
                    refused(() -> store.free(bad));
                }
                refused(() -> other.length(row));
                store.close();
                store.close();
                refused(() -> store.length(row));
                refused(() -> store.retire(row));
                refused(() -> store.scan());
                refused(() -> store.allocate(MemorySegment.ofArray(new byte[4]), 0, 4));
            }
        }
    }

    @Test
    void pagesCannotBeReadAfterClose() {
        ChronicleStores stores = new ChronicleStores();
        TableStore store = stores.create(TEXT);
        long row = store.allocate(MemorySegment.ofArray(new byte[4]), 0, 4);
        MemorySegment segment = store.segment(row);
        long offset = store.offset(row);
        assertEquals(0, segment.get(ValueLayout.JAVA_BYTE, offset));
        stores.close();
        stores.close();
        assertThrows(IllegalStateException.class, () -> segment.get(ValueLayout.JAVA_BYTE, offset));
        assertEquals(0, stores.memoryBytes());
    }

    @Test
    void readersSeeLiveRowsWhileTheWriterAllocates() throws Exception {
        try (ChronicleStores stores = new ChronicleStores()) {
            TableStore store = stores.create(TEXT);
            List<Long> live = new ArrayList<>();
            for (int i = 0; i < 2_000; i++) {
                byte[] row = new byte[4 + i % 100];
                row[0] = (byte) (i % 100);
                live.add(store.allocate(MemorySegment.ofArray(row), 0, row.length));
                store.publish(live.getLast());
            }
            Thread writer = Thread.ofPlatform().start(() -> {
                List<Long> pending = new ArrayList<>();
                for (int i = 0; i < 200_000; i++) {
                    pending.add(store.allocate(MemorySegment.ofArray(new byte[4 + i % 5_000]), 0, 4 + i % 5_000));
                    if (pending.size() == 1_000) {
                        pending.forEach(store::free);
                        pending.clear();
                    }
                }
            });
            do {
                int found = 0;
                for (RowCursor scan = store.scan(); scan.next();) {
                    assertEquals(store.length(scan.row()) - 4,
                            store.segment(scan.row()).get(ValueLayout.JAVA_BYTE, store.offset(scan.row())));
                    found++;
                }
                assertEquals(live.size(), found);
            } while (writer.isAlive());
            writer.join();
        }
    }
}
