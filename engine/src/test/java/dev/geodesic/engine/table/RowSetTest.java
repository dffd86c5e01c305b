package dev.geodesic.engine.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RowSetTest {

    private static final ProductType TYPE = ProductType.of(ProductElement.of("s", PrimitiveType.STRING));

    @Test
    void findsWhatAMapFinds() {
        long seed = ModelValues.seed();
        Random random = new Random(seed);
        RowLayout layout = RowLayout.of(TYPE);
        try (HeapStores stores = new HeapStores()) {
            TableStore store = stores.create(layout);
            RowSet set = new RowSet(layout, store);
            Map<ByteBuffer, Long> model = new HashMap<>();
            List<ByteBuffer> keys = new ArrayList<>();
            for (int k = 0; k < 200_000; k++) {
                byte[] bytes = ModelValues.encode(TYPE, List.of("row " + random.nextInt(60_000)));
                MemorySegment s = MemorySegment.ofArray(bytes);
                Long known = model.get(ByteBuffer.wrap(bytes));
                assertEquals(known == null ? TableStore.NO_ROW : known, set.find(s, 0, bytes.length), "seed " + seed);
                boolean shrinking = k / 50_000 % 2 == 1;
                if (shrinking && !keys.isEmpty()) {
                    int i = random.nextInt(keys.size());
                    ByteBuffer key = keys.set(i, keys.getLast());
                    keys.removeLast();
                    long row = model.remove(key);
                    set.remove(row);
                    store.free(row);
                } else if (known == null) {
                    long row = store.allocate(s, 0, bytes.length);
                    set.insert(row);
                    model.put(ByteBuffer.wrap(bytes), row);
                    keys.add(ByteBuffer.wrap(bytes));
                }
                assertEquals(model.size(), set.size(), "seed " + seed);
            }
            assertTrue(set.memoryBytes() > model.size() * 12L);
            byte[] bytes = ModelValues.encode(TYPE, List.of("one more"));
            set.insert(store.allocate(MemorySegment.ofArray(bytes), 0, bytes.length));
            set.clear();
            assertEquals(0, set.size());
            assertEquals(TableStore.NO_ROW, set.find(MemorySegment.ofArray(bytes), 0, bytes.length));
        }
    }

    @Test
    void memoryDoesNotGrowUnderChurn() {
        RowLayout layout = RowLayout.of(TYPE);
        try (HeapStores stores = new HeapStores()) {
            TableStore store = stores.create(layout);
            RowSet set = new RowSet(layout, store);
            long after = 0;
            for (int round = 0; round < 20; round++) {
                List<Long> rows = new ArrayList<>();
                for (int i = 0; i < 20_000; i++) {
                    byte[] bytes = ModelValues.encode(TYPE, List.of(round + " " + i));
                    long row = store.allocate(MemorySegment.ofArray(bytes), 0, bytes.length);
                    set.insert(row);
                    rows.add(row);
                }
                rows.forEach(row -> {
                    set.remove(row);
                    store.free(row);
                });
                if (round == 4) {
                    after = set.memoryBytes() + store.memoryBytes();
                }
            }
            long end = set.memoryBytes() + store.memoryBytes();
            assertTrue(end <= after * 5 / 4, after + " then " + end);
        }
    }
}
