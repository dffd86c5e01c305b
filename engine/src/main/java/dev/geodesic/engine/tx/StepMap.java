package dev.geodesic.engine.tx;

import it.unimi.dsi.fastutil.HashCommon;
import it.unimi.dsi.fastutil.longs.Long2LongOpenHashMap;

/** Numbers by row, 0 where there is none, in many small maps: growing one of them holds nobody up. */
final class StepMap {

    /** About what an entry takes. */
    static final long ENTRY_BYTES = 24;
    private static final int PARTS = 1_024;

    private final Long2LongOpenHashMap[] parts = new Long2LongOpenHashMap[PARTS];
    private long size;

    private static int part(long row) {
        // The maps themselves look at other bits.
        return (int) (HashCommon.mix(row) >>> Long.SIZE - 10) & PARTS - 1;
    }

    long get(long row) {
        Long2LongOpenHashMap map = parts[part(row)];
        return map == null ? 0 : map.get(row);
    }

    void put(long row, long number) {
        int part = part(row);
        Long2LongOpenHashMap map = parts[part];
        if (map == null) {
            map = new Long2LongOpenHashMap();
            parts[part] = map;
        }
        if (map.put(row, number) == 0) {
            size++;
        }
    }

    void remove(long row) {
        Long2LongOpenHashMap map = parts[part(row)];
        if (map != null && map.remove(row) != 0) {
            size--;
        }
    }

    boolean isEmpty() {
        return size == 0;
    }

    long memoryBytes() {
        return size * ENTRY_BYTES;
    }
}
