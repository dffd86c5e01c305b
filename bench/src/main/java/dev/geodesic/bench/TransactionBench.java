package dev.geodesic.bench;

import dev.geodesic.engine.durability.TxRecord;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.LittleEndian;
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

/** Transactions without a guest: begin, one change, commit, log record. Table of 100,000 rows at the start. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class TransactionBench {

    private static final int ROWS = 100_000;

    @Param({"chronicle", "heap"})
    private String store;

    private Items items;
    private TxData last;
    private final BsatnWriter record = new BsatnWriter();
    private final SplittableRandom random = new SplittableRandom(42);

    @Setup(Level.Trial)
    public void open() {
        items = new Items(store, ROWS);
        items.tx.begin();
        items.update(1);
        last = items.commit();
    }

    @TearDown(Level.Trial)
    public void close() {
        items.close();
    }

    private int record(TxData data) {
        record.clear();
        TxRecord.write(data, items.committed.commitMicros(), record);
        return record.length();
    }

    /** Begin and commit of nothing. */
    @Benchmark
    public TxData empty() {
        items.tx.begin();
        return items.commit();
    }

    /** The record of a transaction that updated one row. Must not run beside the others: the rows must be there still. */
    @Benchmark
    public int recordOfUpdate() {
        return record(last);
    }

    @Benchmark
    public int insert() {
        items.tx.begin();
        items.insert();
        return record(items.commit());
    }

    /** What is inserted and not committed. */
    @Benchmark
    public void insertAndRollBack() {
        items.tx.begin();
        items.insert();
        items.tx.rollback();
    }

    /** Asks both indexes for the row just added: what overlay indexes cost that are built only when somebody asks. */
    @Benchmark
    public boolean insertAndFindOwn() {
        items.tx.begin();
        items.insert();
        boolean found = items.tx.point(items.key(), items.segment, 0, Long.BYTES).next()
                & items.tx.point(items.group(), items.segment, Long.BYTES, Integer.BYTES).next();
        record(items.commit());
        return found;
    }

    @Benchmark
    public int insertTen() {
        items.tx.begin();
        for (int i = 0; i < 10; i++) {
            items.insert();
        }
        return record(items.commit());
    }

    @Benchmark
    public int updateByKey() {
        items.tx.begin();
        items.update(1 + random.nextInt(ROWS));
        return record(items.commit());
    }

    @Benchmark
    public boolean findByKey() {
        items.tx.begin();
        LittleEndian.putLong(items.row, 0, 1 + random.nextInt(ROWS));
        boolean found = items.tx.point(items.key(), items.segment, 0, Long.BYTES).next();
        items.tx.rollback();
        return found;
    }
}
