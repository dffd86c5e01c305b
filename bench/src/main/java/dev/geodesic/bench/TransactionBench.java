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

/** Whole transactions without a guest: begin, one change, commit, log record. Table of 100,000 rows at the start. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class TransactionBench {

    private static final int ROWS = 100_000;

    @Param({"chronicle", "heap"})
    private String kind;

    private CommittedState committed;
    private MutTx tx;
    private int table;
    private int key;
    private int group;
    private final byte[] row = ItemRows.row(0, 7, "an item with a name of some length");
    private final MemorySegment segment = MemorySegment.ofArray(row);
    private final BsatnWriter record = new BsatnWriter();
    private final SplittableRandom random = new SplittableRandom(42);
    private long salt;

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
        group = schema.indexes().getLast().indexId();
        for (int i = 0; i < ROWS; i++) {
            insertRow();
        }
        commit();
    }

    @TearDown(Level.Trial)
    public void close() {
        committed.close();
    }

    private void insertRow() {
        LittleEndian.putLong(row, 0, 0);
        LittleEndian.putInt(row, Long.BYTES, (int) salt++);
        tx.insert(table, segment, 0, row.length);
    }

    private int commit() {
        TxData data = tx.finish();
        committed.apply(data);
        tx.end();
        record.clear();
        TxRecord.write(data, committed.commitMicros(), record);
        return record.length();
    }

    @Benchmark
    public int insert() {
        tx.begin();
        insertRow();
        return commit();
    }

    /** Asks both indexes for the row just added: what overlay indexes cost that are built only when somebody asks. */
    @Benchmark
    public int insertAndFindOwn() {
        tx.begin();
        insertRow();
        tx.point(key, segment, 0, Long.BYTES);
        tx.point(group, segment, Long.BYTES, Integer.BYTES);
        return commit();
    }

    @Benchmark
    public int insertTen() {
        tx.begin();
        for (int i = 0; i < 10; i++) {
            insertRow();
        }
        return commit();
    }

    @Benchmark
    public int updateByKey() {
        tx.begin();
        LittleEndian.putLong(row, 0, 1 + random.nextInt(ROWS));
        LittleEndian.putInt(row, 8, (int) salt++);
        tx.update(table, key, segment, 0, row.length);
        return commit();
    }

    @Benchmark
    public boolean findByKey() {
        tx.begin();
        LittleEndian.putLong(row, 0, 1 + random.nextInt(ROWS));
        boolean found = tx.point(key, segment, 0, Long.BYTES).next();
        tx.rollback();
        return found;
    }
}
