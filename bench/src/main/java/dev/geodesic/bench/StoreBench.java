package dev.geodesic.bench;

import dev.geodesic.engine.table.RowCursor;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Rows in a store of a million. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class StoreBench {

    private static final int ROWS = 1_000_000;

    @Param({"chronicle", "heap"})
    private String kind;

    private TableStores stores;
    private TableStore store;
    private final long[] pointers = new long[ROWS];
    private final byte[] row = ItemRows.row(1, 7, "an item with a name of some length");
    private final MemorySegment segment = MemorySegment.ofArray(row);
    private final byte[] copy = new byte[row.length];
    private final SplittableRandom random = new SplittableRandom(42);

    @Setup(Level.Trial)
    public void fill() {
        stores = kind.equals("heap") ? new HeapStores() : new ChronicleStores();
        store = stores.create(RowLayout.of(ProductType.of(
                ProductElement.of("id", PrimitiveType.U64),
                ProductElement.of("grp", PrimitiveType.U32),
                ProductElement.of("name", PrimitiveType.STRING))));
        for (int i = 0; i < ROWS; i++) {
            pointers[i] = store.allocate(segment, 0, row.length);
            store.publish(pointers[i]);
        }
    }

    @TearDown(Level.Trial)
    public void close() {
        store.close();
        stores.close();
    }

    @Benchmark
    public long replaceRandomRow() {
        int i = random.nextInt(ROWS);
        store.retire(pointers[i]);
        store.free(pointers[i]);
        pointers[i] = store.allocate(segment, 0, row.length);
        store.publish(pointers[i]);
        return pointers[i];
    }

    /** The same with a buffer of the transaction in between: what pending rows in the store save. */
    @Benchmark
    public long replaceRandomRowThroughBuffer() {
        int i = random.nextInt(ROWS);
        byte[] buffered = new byte[row.length];
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, 0, buffered, 0, buffered.length);
        store.retire(pointers[i]);
        store.free(pointers[i]);
        pointers[i] = store.allocate(MemorySegment.ofArray(buffered), 0, buffered.length);
        store.publish(pointers[i]);
        return pointers[i];
    }

    @Benchmark
    public byte readRandomRow() {
        long pointer = pointers[random.nextInt(ROWS)];
        MemorySegment.copy(store.segment(pointer), ValueLayout.JAVA_BYTE, store.offset(pointer), copy, 0, copy.length);
        return copy[0];
    }

    @Benchmark
    @OperationsPerInvocation(ROWS)
    public long scan() {
        long sum = 0;
        RowCursor cursor = store.scan();
        while (cursor.next()) {
            sum += cursor.row();
        }
        return sum;
    }
}
