package dev.geodesic.bench;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.tx.CommittedState;
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
    private String store;

    private Items items;
    private final byte[] id = new byte[Long.BYTES];
    private final MemorySegment idSegment = MemorySegment.ofArray(id);
    private final SplittableRandom random = new SplittableRandom(42);
    private SnapshotView open;
    private int updates;

    @Setup(Level.Trial)
    public void open() {
        items = new Items(store, ROWS);
    }

    @TearDown(Level.Trial)
    public void close() {
        if (open != null) {
            open.close();
        }
        items.close();
    }

    private TxData update() {
        items.tx.begin();
        items.update(1 + random.nextLong(ROWS));
        return items.commit();
    }

    @Benchmark
    public TxData updateAlone() {
        return update();
    }

    /** Each retired row is held back, and freed later. */
    @Benchmark
    public TxData updateBesideASnapshot() {
        if (updates++ % UPDATES_PER_SNAPSHOT == 0) {
            SnapshotView before = open;
            open = items.committed.openSnapshot(Limits.Reads.DEFAULTS);
            if (before != null) {
                before.close();
            }
        }
        return update();
    }

    private long scan(ReadView view) {
        long bytes = 0;
        for (RowIterator rows = view.scan(items.table()); rows.next();) {
            bytes += rows.length();
        }
        return bytes;
    }

    @Benchmark
    public long scanUnderTheLock() {
        try (CommittedState.Snapshot snapshot = items.committed.read()) {
            return scan(snapshot.view());
        }
    }

    @Benchmark
    public long scanASnapshot() {
        try (SnapshotView snapshot = items.committed.openSnapshot(Limits.Reads.DEFAULTS)) {
            return scan(snapshot);
        }
    }

    private int find(ReadView view) {
        LittleEndian.putLong(id, 0, 1 + random.nextLong(ROWS));
        RowIterator rows = view.point(items.key(), idSegment, 0, id.length);
        return rows.next() ? rows.length() : 0;
    }

    @Benchmark
    public int findUnderTheLock() {
        try (CommittedState.Snapshot snapshot = items.committed.read()) {
            return find(snapshot.view());
        }
    }

    @Benchmark
    public int findInASnapshot() {
        try (SnapshotView snapshot = items.committed.openSnapshot(Limits.Reads.DEFAULTS)) {
            return find(snapshot);
        }
    }
}
