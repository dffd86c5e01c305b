package dev.geodesic.bench;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.durability.Recovery;
import dev.geodesic.engine.durability.SnapshotInfo;
import dev.geodesic.engine.durability.SnapshotProgress;
import dev.geodesic.engine.durability.SnapshotStore;
import dev.geodesic.engine.durability.TxRecord;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.SnapshotView;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.LittleEndian;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * What a start costs: snapshots written and loaded, and logs of transactions of one row replayed, over the table of
 * {@link ItemRows} with its two indexes. Arguments: numbers of rows in the table; without any, a million. Prints operations in a
 * second of time and of processor time of the thread; an update is two row operations. Everything is done twice, the second
 * time counts. {@code bench/run.sh --recovery}.
 */
public final class RecoveryBench {

    private static final int ROUNDS = 2;
    private static final int TRANSACTIONS = 1_000_000;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final boolean heap;
    private final int rows;
    private final byte[] row = ItemRows.row(0, 7, "an item with a name of some length");
    private final MemorySegment segment = MemorySegment.ofArray(row);
    private final SplittableRandom random = new SplittableRandom(42);

    private RecoveryBench(boolean heap, int rows) {
        this.heap = heap;
        this.rows = rows;
    }

    public static void main(String[] args) throws Exception {
        List<String> sizes = args.length > 0 ? List.of(args) : List.of("1000000");
        for (String size : sizes) {
            for (boolean heap : new boolean[] {false, true}) {
                new RecoveryBench(heap, Integer.parseInt(size)).run();
            }
        }
    }

    private interface Work {
        /** Returns how many operations it was. */
        long run() throws IOException;
    }

    private void measure(String what, int round, Work work) throws IOException {
        long start = System.nanoTime();
        long startCpu = THREADS.getCurrentThreadCpuTime();
        long operations = work.run();
        double seconds = (System.nanoTime() - start) / 1e9;
        double cpu = (THREADS.getCurrentThreadCpuTime() - startCpu) / 1e9;
        if (round == ROUNDS - 1) {
            System.out.printf("%-9s %,11d rows  %-28s %,12.0f/s  %,12.0f/s of processor time%n",
                    heap ? "heap" : "chronicle", rows, what, operations / seconds, operations / cpu);
        }
    }

    /** Records of transactions, one behind the other. */
    private static final class Log {
        private final BsatnWriter bytes = new BsatnWriter(1 << 20);
        private final int[] ends = new int[TRANSACTIONS];
        private int count;

        void add(TxData data) {
            TxRecord.write(data, 1, bytes);
            ends[count++] = bytes.length();
        }

        long replay(Recovery recovery, long first) {
            int from = 0;
            for (int i = 0; i < count; i++) {
                recovery.apply(first + i, bytes.buffer(), from, ends[i] - from);
                from = ends[i];
            }
            return count;
        }
    }

    private void run() throws IOException {
        Path directory = Files.createTempDirectory("recovery-bench");
        try (SnapshotStore snapshots = SnapshotStore.open(FileStorage.open(directory))) {
            Log inserts = new Log();
            Log updates = new Log();
            Log deletes = new Log();
            long offset = fill(snapshots, inserts, updates, deletes);
            for (int round = 0; round < ROUNDS; round++) {
                try (CommittedState committed = new CommittedState(Items.stores(heap ? "heap" : "chronicle"))) {
                    Catalog catalog = Catalog.bootstrap(committed);
                    measure("snapshot loaded, rows", round, () ->
                            snapshots.load(offset, committed, catalog, SnapshotProgress.NONE).rows());
                    Recovery recovery = new Recovery(committed, catalog);
                    measure("inserts replayed", round, () -> inserts.replay(recovery, offset));
                    measure("updates replayed, rows", round, () -> 2 * updates.replay(recovery, offset + TRANSACTIONS));
                    measure("deletes replayed", round, () -> deletes.replay(recovery, offset + 2 * TRANSACTIONS));
                    measure("indexes completed, rows", round, () -> {
                        recovery.finish();
                        return rows;
                    });
                }
            }
        } finally {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    /** Writes a snapshot of a table and the records of transactions behind it; returns the offset of the snapshot. */
    private long fill(SnapshotStore snapshots, Log inserts, Log updates, Log deletes) throws IOException {
        try (CommittedState committed = new CommittedState(Items.stores(heap ? "heap" : "chronicle"))) {
            Catalog catalog = Catalog.bootstrap(committed);
            MutTx tx = new MutTx(committed, Limits.DEFAULTS, catalog);
            TableSchema schema = ItemRows.schema(catalog);
            int table = schema.tableId();
            tx.begin();
            catalog.createTable(tx, schema);
            for (int i = 0; i < rows; i++) {
                insert(tx, table);
                if (i % 1000 == 999) {
                    commit(committed, tx);
                    tx.begin();
                }
            }
            commit(committed, tx);
            long offset = committed.nextTxOffset();
            for (int round = 0; round < ROUNDS; round++) {
                try (SnapshotView view = committed.openSnapshot(Limits.Reads.DEFAULTS)) {
                    measure("snapshot written, rows", round, () -> {
                        SnapshotStore.Draft draft = snapshots.write(view, SnapshotInfo.of(view, 0), SnapshotProgress.NONE);
                        draft.publish();
                        return draft.rows();
                    });
                }
            }
            for (int i = 0; i < TRANSACTIONS; i++) {
                tx.begin();
                insert(tx, table);
                inserts.add(commit(committed, tx));
            }
            int key = schema.indexes().getFirst().indexId();
            for (int i = 0; i < TRANSACTIONS; i++) {
                tx.begin();
                LittleEndian.putLong(row, 0, 1 + random.nextLong(rows + TRANSACTIONS));
                LittleEndian.putInt(row, Long.BYTES, random.nextInt(rows));
                tx.update(table, key, segment, 0, row.length);
                updates.add(commit(committed, tx));
            }
            byte[] id = new byte[Long.BYTES];
            for (int i = 0; i < TRANSACTIONS; i++) {
                tx.begin();
                // Every one once, in an order that jumps.
                LittleEndian.putLong(id, 0, 1 + i * 7_919L % TRANSACTIONS);
                tx.deletePoint(key, MemorySegment.ofArray(id), 0, id.length);
                deletes.add(commit(committed, tx));
            }
            return offset;
        }
    }

    private void insert(MutTx tx, int table) {
        LittleEndian.putLong(row, 0, 0);
        LittleEndian.putInt(row, Long.BYTES, random.nextInt(rows));
        tx.insert(table, segment, 0, row.length);
    }

    private static TxData commit(CommittedState committed, MutTx tx) {
        TxData data = tx.finish();
        committed.apply(data);
        tx.end();
        return data;
    }
}
