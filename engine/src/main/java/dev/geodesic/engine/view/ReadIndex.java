package dev.geodesic.engine.view;

import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.TxData;
import it.unimi.dsi.fastutil.ints.Int2ObjectMap;
import it.unimi.dsi.fastutil.ints.Int2ObjectOpenHashMap;
import it.unimi.dsi.fastutil.longs.Long2ObjectMap;
import it.unimi.dsi.fastutil.longs.Long2ObjectOpenHashMap;
import it.unimi.dsi.fastutil.longs.LongIterator;
import it.unimi.dsi.fastutil.longs.LongSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** Finds the materialisations whose read sets a transaction touches. */
final class ReadIndex {

    private final Int2ObjectMap<Readers> byTable = new Int2ObjectOpenHashMap<>();

    /** Who read something of one table. */
    private static final class Readers {

        private final Set<Materialization> ofTable = new LinkedHashSet<>();
        private final Map<KeyHash, Long2ObjectMap<Set<Materialization>>> ofKeys = new IdentityHashMap<>();

        boolean isEmpty() {
            return ofTable.isEmpty() && ofKeys.isEmpty();
        }
    }

    boolean isEmpty() {
        return byTable.isEmpty();
    }

    void add(Materialization reader) {
        reader.reads().tables().forEach(t -> readers(t).ofTable.add(reader));
        reader.reads().keys().forEach((index, keys) -> {
            Long2ObjectMap<Set<Materialization>> byKey =
                    readers(index.tableId()).ofKeys.computeIfAbsent(index, i -> new Long2ObjectOpenHashMap<>());
            keys.forEach(k -> byKey.computeIfAbsent(k, h -> new LinkedHashSet<>(2)).add(reader));
        });
    }

    private Readers readers(int tableId) {
        return byTable.computeIfAbsent(tableId, t -> new Readers());
    }

    void remove(Materialization reader) {
        reader.reads().tables().forEach(t -> {
            byTable.get(t).ofTable.remove(reader);
            dropEmpty(t);
        });
        reader.reads().keys().forEach((index, keys) -> {
            Readers readers = byTable.get(index.tableId());
            remove(reader, readers, index, keys);
            dropEmpty(index.tableId());
        });
    }

    private static void remove(Materialization reader, Readers readers, KeyHash index, LongSet keys) {
        Long2ObjectMap<Set<Materialization>> byKey = readers.ofKeys.get(index);
        for (LongIterator i = keys.iterator(); i.hasNext();) {
            long key = i.nextLong();
            Set<Materialization> found = byKey.get(key);
            found.remove(reader);
            if (found.isEmpty()) {
                byKey.remove(key);
            }
        }
        if (byKey.isEmpty()) {
            readers.ofKeys.remove(index);
        }
    }

    private void dropEmpty(int tableId) {
        if (byTable.get(tableId).isEmpty()) {
            byTable.remove(tableId);
        }
    }

    /** Adds those whose reads the open transaction has touched so far. */
    void collect(MutTx tx, Set<Materialization> touched) {
        if (!byTable.isEmpty()) {
            tx.forEachChange(byTable::containsKey, change -> collect(change, touched));
        }
    }

    private void collect(TxData.TableChange change, Set<Materialization> touched) {
        Readers readers = byTable.get(change.table().id());
        touched.addAll(readers.ofTable);
        readers.ofKeys.forEach((index, byKey) -> {
            collect(change, change.deletes(), index, byKey, touched);
            collect(change, change.inserts(), index, byKey, touched);
        });
    }

    private static void collect(
            TxData.TableChange change,
            RowPointers rows,
            KeyHash index,
            Long2ObjectMap<Set<Materialization>> byKey,
            Set<Materialization> touched) {
        RowLayout layout = change.table().layout();
        TableStore store = change.table().store();
        for (int i = 0; i < rows.size(); i++) {
            long row = rows.get(i);
            Set<Materialization> found = byKey.get(index.ofRow(layout, store.segment(row), store.offset(row)));
            if (found != null) {
                touched.addAll(found);
            }
        }
    }
}
