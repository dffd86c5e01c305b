package dev.geodesic.bench;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.SnapshotView;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Reads beside the writer, and what they cost the writer. A table of a million rows. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class SnapshotBench {

    private static final int ROWS = 1_000_000;
    /** A snapshot is opened anew after so many updates: about as many as happen in a second. */
    private static final int UPDATES_PER_SNAPSHOT = 100_000;

    @Param({"chronicle", "heap"})
    private String kind;

    private CommittedState committed;
    private MutTx tx;
    private int table;
    private int key;
    private final byte[] row = ItemRows.row(0, 7, "an item with a name of some length");
    private final MemorySegment segment = MemorySegment.ofArray(row);
    private final byte[] id = new byte[Long.BYTES];
    private final MemorySegment idSegment = MemorySegment.ofArray(id);
    private final SplittableRandom random = new SplittableRandom(42);
    private SnapshotView open;
    private int updates;
    private int salt;

    @Setup(Level.Trial)
    public void open() {
        committed = new CommittedState(kind.equals("heap") ? new HeapStores() : new ChronicleStores());
        Catalog catalog = Catalog.bootstrap(committed);
        tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        tx.begin();
        TableSchema schema = ItemRows.schema(catalog);
        catalog.createTable(tx, schema);
        table = schema.tableId();
        key = schema.indexes().getFirst().indexId();
        for (int i = 0; i < ROWS; i++) {
            LittleEndian.putLong(row, 0, 0);
            LittleEndian.putInt(row, Long.BYTES, salt++);
            tx.insert(table, segment, 0, row.length);
        }
        commit();
    }

    @TearDown(Level.Trial)
    public void close() {
        if (open != null) {
            open.close();
        }
        committed.close();
    }

    private void commit() {
        TxData data = tx.finish();
        committed.apply(data);
        tx.end();
    }

    private int update() {
        tx.begin();
        LittleEndian.putLong(row, 0, 1 + random.nextLong(ROWS));
        LittleEndian.putInt(row, Long.BYTES, salt++);
        int written = tx.update(table, key, segment, 0, row.length);
        commit();
        return written;
    }

    @Benchmark
    public int updateAlone() {
        return update();
    }

    /** Each retired row is held back, and freed later. */
    @Benchmark
    public int updateBesideASnapshot() {
        if (updates++ % UPDATES_PER_SNAPSHOT == 0) {
            SnapshotView before = open;
            open = committed.openSnapshot(Limits.Reads.DEFAULTS);
            if (before != null) {
                before.close();
            }
        }
        return update();
    }

    private static long scan(ReadView view, int table) {
        long bytes = 0;
        for (RowIterator rows = view.scan(table); rows.next();) {
            bytes += rows.length();
        }
        return bytes;
    }

    @Benchmark
    public long scanUnderTheLock() {
        try (CommittedState.Snapshot snapshot = committed.read()) {
            return scan(snapshot.view(), table);
        }
    }

    @Benchmark
    public long scanASnapshot() {
        try (SnapshotView snapshot = committed.openSnapshot(Limits.Reads.DEFAULTS)) {
            return scan(snapshot, table);
        }
    }

    private int find(ReadView view) {
        LittleEndian.putLong(id, 0, 1 + random.nextLong(ROWS));
        RowIterator rows = view.point(key, idSegment, 0, id.length);
        return rows.next() ? rows.length() : 0;
    }

    @Benchmark
    public int findUnderTheLock() {
        try (CommittedState.Snapshot snapshot = committed.read()) {
            return find(snapshot.view());
        }
    }

    @Benchmark
    public int findInASnapshot() {
        try (SnapshotView snapshot = committed.openSnapshot(Limits.Reads.DEFAULTS)) {
            return find(snapshot);
        }
    }
}
