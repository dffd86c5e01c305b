package dev.geodesic.engine.durability;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.SnapshotView;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SnapshotStoreTest {

    private static final List<Supplier<TableStores>> STORES = List.of(HeapStores::new, ChronicleStores::new);

    private static SnapshotStore store(FaultyStorage files) {
        return SnapshotStore.open(files, () -> 0x0807060504030201L);
    }

    private static SnapshotInfo publish(SnapshotStore snapshots, CommittedState committed) {
        try (SnapshotView view = committed.openSnapshot(Limits.Reads.DEFAULTS);
                SnapshotStore.Draft draft = snapshots.write(view, SnapshotInfo.of(view, 3), SnapshotProgress.NONE)) {
            draft.publish();
            return draft.info();
        }
    }

    private static SampleDatabase load(SnapshotStore snapshots, SnapshotInfo info, TableStores stores) {
        CommittedState committed = new CommittedState(stores);
        Catalog catalog = Catalog.bootstrap(committed);
        SnapshotStore.Loaded loaded = snapshots.load(info.nextOffset(), committed, catalog, SnapshotProgress.NONE);
        assertEquals(info, loaded.info());
        return new SampleDatabase(new Random(1), committed, catalog);
    }

    /** The same transactions, from the log alone. */
    private static SampleDatabase replay(List<byte[]> records, TableStores stores) {
        CommittedState committed = new CommittedState(stores);
        Catalog catalog = Catalog.bootstrap(committed);
        apply(records, 0, committed, catalog);
        return new SampleDatabase(new Random(1), committed, catalog);
    }

    private static void apply(List<byte[]> records, int from, CommittedState committed, Catalog catalog) {
        Recovery recovery = new Recovery(committed, catalog);
        for (int i = from; i < records.size(); i++) {
            recovery.apply(i, records.get(i), 0, records.get(i).length);
        }
        recovery.finish();
    }

    @Test
    @Proves("durability.md 7")
    @Proves("durability.md 8")
    void givesBackRandomDatabases() {
        Seeds.repeat(60, random -> {
            Supplier<TableStores> stores = STORES.get(random.nextInt(2));
            FaultyStorage files = new FaultyStorage(random);
            SnapshotStore snapshots = store(files);
            try (SampleDatabase database = new SampleDatabase(random, stores.get())) {
                for (int i = random.nextInt(20); i >= 0; i--) {
                    database.transact(1 + random.nextInt(random.nextInt(5) == 0 ? 300 : 20));
                }
                SnapshotInfo info = publish(snapshots, database.committed);
                assertEquals(new SnapshotInfo(database.committed.nextTxOffset(), 3, database.committed.commitMicros()), info);
                assertEquals(List.of(info.nextOffset()), snapshots.offsets());
                assertEquals(info, snapshots.info(info.nextOffset()));
                assertEquals(info, snapshots.verify(info.nextOffset(), SnapshotProgress.NONE));
                try (SampleDatabase loaded = load(snapshots, info, stores.get());
                        SampleDatabase replayed = replay(database.records, stores.get())) {
                    assertEquals(SampleDatabase.dump(replayed.committed), SampleDatabase.dump(loaded.committed));
                    assertEquals(replayed.counters(), loaded.counters());
                }
                // What comes after it is applied to what it gave.
                for (int i = random.nextInt(5); i >= 0; i--) {
                    database.transact(1 + random.nextInt(20));
                }
                Map<String, Set<String>> expected = SampleDatabase.dump(database.committed);
                try (SampleDatabase loaded = load(snapshots, info, stores.get());
                        SampleDatabase replayed = replay(database.records, stores.get())) {
                    apply(database.records, (int) info.nextOffset(), loaded.committed, loaded.catalog);
                    assertEquals(expected, SampleDatabase.dump(loaded.committed));
                    assertEquals(replayed.counters(), loaded.counters());
                }
            }
        });
    }
}
