package dev.geodesic.engine.view;

import dev.geodesic.engine.tx.ReadRecorder;
import it.unimi.dsi.fastutil.ints.IntOpenHashSet;
import it.unimi.dsi.fastutil.ints.IntSet;
import it.unimi.dsi.fastutil.longs.LongOpenHashSet;
import it.unimi.dsi.fastutil.longs.LongSet;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * What one run of a view read (spec/execution.md 6.3): whole tables, and keys of indexes. Keys are kept as hashes: two keys
 * with one hash cost a run of the view that changes nothing.
 */
final class ReadSet implements ReadRecorder {

    /** A view that looks at more keys of one index depends on the whole table: its runs cost more than these could save. */
    static final int KEYS_MAX = 4096;

    private final IntFunction<KeyHash> indexes;
    private final IntSet tables = new IntOpenHashSet();
    private final Map<KeyHash, LongSet> keys = new IdentityHashMap<>();

    /** @param indexes one and the same object for one index id */
    ReadSet(IntFunction<KeyHash> indexes) {
        this.indexes = indexes;
    }

    @Override
    public void wholeTable(int tableId) {
        if (tables.add(tableId)) {
            keys.keySet().removeIf(index -> index.tableId() == tableId);
        }
    }

    @Override
    public void point(int indexId, byte[] key) {
        KeyHash index = indexes.apply(indexId);
        if (tables.contains(index.tableId())) {
            return;
        }
        LongSet read = keys.computeIfAbsent(index, i -> new LongOpenHashSet());
        read.add(index.ofKey(key));
        if (read.size() > KEYS_MAX) {
            wholeTable(index.tableId());
        }
    }

    /** Tables of which everything was read. */
    IntSet tables() {
        return tables;
    }

    /** Hashes of the keys that were looked up in other tables. */
    Map<KeyHash, LongSet> keys() {
        return keys;
    }
}
