package dev.geodesic.bench;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.durability.TxRecord;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Transactions of one row by key, over the table of {@link ItemRows} at different sizes: do they cost the same in ten thousand
 * rows and in ten million? Begin, change, commit and log record; nanoseconds of processor time of the thread, the best of the
 * rounds. Arguments: numbers of rows, and {@code heap} or {@code chronicle} in front if it shall be only one.
 * {@code bench/run.sh --point}.
 */
public final class PointBench {

    private static final int OPERATIONS = 100_000;
    private static final int ROUNDS = 4;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final String kind;
    private final int rows;
    private final CommittedState committed;
    private final MutTx tx;
    private final int table;
    private final int key;
    private final byte[] row = ItemRows.row(0, 7, "an item with a name of some length");
    private final MemorySegment segment = MemorySegment.ofArray(row);
    private final BsatnWriter record = new BsatnWriter();
    private final SplittableRandom random = new SplittableRandom(42);
    private long found;

    private PointBench(String kind, int rows) {
        this.kind = kind;
        this.rows = rows;
        committed = new CommittedState(kind.equals("heap") ? new HeapStores() : new ChronicleStores());
        Catalog catalog = Catalog.bootstrap(committed);
        tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        TableSchema schema = ItemRows.schema(catalog);
        tx.begin();
        catalog.createTable(tx, schema);
        table = schema.tableId();
        key = schema.indexes().getFirst().indexId();
        commit();
        for (int i = 0; i < rows;) {
            tx.begin();
            for (int end = Math.min(rows, i + 1_000); i < end; i++) {
                put(0);
                tx.insert(table, segment, 0, row.length);
            }
            commit();
        }
    }

    public static void main(String[] args) {
        List<String> kinds = List.of("chronicle", "heap");
        List<String> sizes = List.of(args);
        if (!sizes.isEmpty() && kinds.contains(sizes.getFirst())) {
            kinds = List.of(sizes.getFirst());
            sizes = sizes.subList(1, sizes.size());
        }
        for (String size : sizes.isEmpty() ? List.of("10000", "100000", "1000000", "10000000") : sizes) {
            for (String kind : kinds) {
                new PointBench(kind, Integer.parseInt(size)).run();
            }
        }
    }

    /** A row with this key; its group follows from the key, so that an update leaves the second index as it is. */
    private void put(long id) {
        LittleEndian.putLong(row, 0, id);
        LittleEndian.putInt(row, Long.BYTES, (int) (id * 31 % Math.max(1, rows / 10)));
        LittleEndian.putInt(row, row.length - Integer.BYTES, random.nextInt() & 0x3f3f3f3f | 0x20202020);
    }

    private void putRandom() {
        put(1 + random.nextInt(rows));
    }

    private void commit() {
        TxData data = tx.finish();
        committed.apply(data);
        tx.end();
        record.clear();
        TxRecord.write(data, committed.commitMicros(), record);
    }

    private void find() {
        found += tx.point(key, segment, 0, Long.BYTES).next() ? 1 : 0;
    }

    private double measure(Runnable transaction) {
        long best = Long.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) {
            long start = THREADS.getCurrentThreadCpuTime();
            for (int i = 0; i < OPERATIONS; i++) {
                tx.begin();
                transaction.run();
            }
            best = Math.min(best, THREADS.getCurrentThreadCpuTime() - start);
        }
        return (double) best / OPERATIONS;
    }

    private void run() {
        double finds = measure(() -> {
            putRandom();
            find();
            tx.rollback();
        });
        // The first time gives the row the group that follows from its key.
        Runnable update = () -> {
            putRandom();
            tx.update(table, key, segment, 0, row.length);
            commit();
        };
        double updates = measure(update);
        double moves = measure(() -> {
            putRandom();
            LittleEndian.putInt(row, Long.BYTES, random.nextInt(Math.max(1, rows / 10)));
            tx.update(table, key, segment, 0, row.length);
            commit();
        });
        measure(update);
        double transfers = measure(() -> {
            for (int i = 0; i < 2; i++) {
                putRandom();
                find();
                tx.update(table, key, segment, 0, row.length);
            }
            commit();
        });
        double inserts = measure(() -> {
            put(0);
            tx.insert(table, segment, 0, row.length);
            commit();
        });
        long[] next = {rows};
        double deletes = measure(() -> {
            LittleEndian.putLong(row, 0, ++next[0]);
            tx.deletePoint(key, segment, 0, Long.BYTES);
            commit();
        });
        System.out.printf(
                "%-9s %,11d rows  find %,5.0f  update %,5.0f  update of an indexed column %,5.0f  transfer %,5.0f  "
                        + "insert %,5.0f  delete in order %,5.0f ns%n",
                kind, rows, finds, updates, moves, transfers, inserts, deletes);
        committed.close();
    }
}
