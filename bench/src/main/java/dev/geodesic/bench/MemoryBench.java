package dev.geodesic.bench;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowCursor;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.sats.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What rows and index entries take, over the table of {@link ItemRows} with its two indexes: keys in order, groups at random.
 * First as many rows as the arguments say (without any 10^5, 10^6 and 10^7; {@code heap} or {@code chronicle} in front for
 * only one store), then a day in fast motion over the first of these sizes: every "hour" as many updates, deletes and inserts
 * as there are rows, of names whose usual length goes up and down. What the engine counts stands beside what the heap holds
 * after a collection, and what the pages take beside the bytes of the rows. {@code bench/run.sh --memory}.
 */
public final class MemoryBench {

    private static final int HOURS = 24;
    private static final int NAME_MAX = 400;
    private static final int ROWS_PER_TRANSACTION = 1_000;

    private final String kind;
    private final SplittableRandom random = new SplittableRandom(42);
    private final long emptyHeap = heapInUse();
    private final TableStores stores;
    private final CommittedState committed;
    private final MutTx tx;
    private final int table;
    private final int key;
    private long nextId = 1;

    private MemoryBench(String kind) {
        this.kind = kind;
        stores = kind.equals("heap") ? new HeapStores() : new ChronicleStores();
        committed = new CommittedState(stores);
        Catalog catalog = Catalog.bootstrap(committed);
        tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        TableSchema schema = ItemRows.schema(catalog);
        tx.begin();
        catalog.createTable(tx, schema);
        table = schema.tableId();
        key = schema.indexes().getFirst().indexId();
        commit();
    }

    public static void main(String[] args) {
        List<String> kinds = List.of("chronicle", "heap");
        List<String> sizes = List.of(args);
        if (!sizes.isEmpty() && kinds.contains(sizes.getFirst())) {
            kinds = List.of(sizes.getFirst());
            sizes = sizes.subList(1, sizes.size());
        }
        for (String kind : kinds) {
            MemoryBench loadsClasses = new MemoryBench(kind);
            loadsClasses.fillDay(10);
            loadsClasses.committed.close();
        }
        sizes = sizes.isEmpty() ? List.of("100000", "1000000", "10000000") : sizes;
        for (String size : sizes) {
            for (String kind : kinds) {
                new MemoryBench(kind).fill(Integer.parseInt(size));
            }
        }
        for (String kind : kinds) {
            new MemoryBench(kind).day(Integer.parseInt(sizes.getFirst()));
        }
    }

    private static long heapInUse() {
        System.gc();
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private void commit() {
        committed.apply(tx.finish());
        tx.end();
    }

    private void insert(int nameLength, int groups) {
        byte[] row = row(0, nameLength, groups);
        tx.insert(table, MemorySegment.ofArray(row), 0, row.length);
        nextId++;
    }

    private byte[] row(long id, int nameLength, int groups) {
        byte[] row = ItemRows.row(id, 0, "x".repeat(nameLength));
        LittleEndian.putInt(row, Long.BYTES, random.nextInt(groups));
        return row;
    }

    private long rowBytes() {
        Table rows = committed.requireTable(table);
        TableStore store = rows.store();
        long bytes = 0;
        for (RowCursor all = store.scan(); all.next();) {
            bytes += store.length(all.row());
        }
        return bytes;
    }

    private void print(String what) {
        Table rows = committed.requireTable(table);
        double count = rows.store().liveCount();
        long bytes = rowBytes();
        long store = rows.store().memoryBytes();
        long indexes = rows.memoryBytes() - store;
        long heap = heapInUse() - emptyHeap;
        long offHeap = stores.memory().bytes() - stores.memory().heapBytes();
        System.out.printf(
                "%-9s %,11.0f rows, %-9s %5.1f bytes each; with all %6.1f: store %6.1f (%.2f times the rows), "
                        + "an index entry %4.1f; heap %6.1f (counted %.1f) and %6.1f off it; %,.0f MiB%n",
                kind, count, what, bytes / count, (heap + offHeap) / count, store / count, (double) store / bytes,
                indexes / 2.0 / count, heap / count, stores.memory().heapBytes() / count, offHeap / count,
                (heap + offHeap) / 0x1p20);
    }

    private void fill(int rows) {
        for (int i = 0; i < rows;) {
            tx.begin();
            for (int end = Math.min(rows, i + ROWS_PER_TRANSACTION); i < end; i++) {
                insert(34, Math.max(1, rows / 10));
            }
            commit();
        }
        print("filled:");
        committed.close();
    }

    /** The table grows by half until noon and shrinks again; names are long in the afternoon. */
    private void day(int rows) {
        fillDay(rows);
        print("morning:");
        for (int hour = 1; hour <= HOURS; hour++) {
            int length = (int) (NAME_MAX / 2 * (1 - Math.cos(2 * Math.PI * hour / HOURS)));
            for (int i = 0; i < rows;) {
                tx.begin();
                for (int end = Math.min(rows, i + ROWS_PER_TRANSACTION); i < end; i++) {
                    change(hour <= HOURS / 2 ? 4 : 2, length / 2 + random.nextInt(length / 2 + 8), rows / 10);
                }
                commit();
            }
            if (hour % 6 == 0) {
                print(hour + " h:");
            }
        }
        committed.close();
    }

    private void fillDay(int rows) {
        for (int i = 0; i < rows;) {
            tx.begin();
            for (int end = Math.min(rows, i + ROWS_PER_TRANSACTION); i < end; i++) {
                insert(random.nextInt(8), Math.max(1, rows / 10));
            }
            commit();
        }
    }

    /** Of a hundred changes, 94 are updates, and so many of the others are inserts, out of 6; the rest are deletes. */
    private void change(int inserts, int nameLength, int groups) {
        int what = random.nextInt(100);
        long id = 1 + random.nextLong(nextId - 1);
        if (what >= 6) {
            byte[] row = row(id, nameLength, groups);
            MemorySegment segment = MemorySegment.ofArray(row);
            if (tx.point(key, segment, 0, Long.BYTES).next()) {
                tx.update(table, key, segment, 0, row.length);
            }
        } else if (what < inserts) {
            insert(nameLength, groups);
        } else {
            byte[] bytes = new byte[Long.BYTES];
            LittleEndian.putLong(bytes, 0, id);
            tx.deletePoint(key, MemorySegment.ofArray(bytes), 0, bytes.length);
        }
    }
}
