package dev.geodesic.bench;

import dev.geodesic.engine.table.RowCursor;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
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

/** Rows in a store; those that are read and replaced are chosen at random. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class StoreBench {

    @Param({"chronicle", "heap"})
    private String store;

    @Param({"10000", "1000000"})
    private int rows;

    private static final int SCANNED = 1_000;

    private TableStores stores;
    private TableStore rowStore;
    private long[] pointers;
    private final byte[] row = ItemRows.row(1, 7, Items.NAME);
    private final MemorySegment segment = MemorySegment.ofArray(row);
    private final byte[] copy = new byte[row.length];
    private RowCursor cursor;
    private final SplittableRandom random = new SplittableRandom(42);

    @Setup(Level.Trial)
    public void fill() {
        stores = Items.stores(store);
        rowStore = stores.create(RowLayout.of(ProductType.of(
                ProductElement.of("id", PrimitiveType.U64),
                ProductElement.of("grp", PrimitiveType.U32),
                ProductElement.of("name", PrimitiveType.STRING))));
        pointers = new long[rows];
        for (int i = 0; i < rows; i++) {
            pointers[i] = rowStore.allocate(segment, 0, row.length);
            rowStore.publish(pointers[i]);
        }
    }

    @TearDown(Level.Trial)
    public void close() {
        rowStore.close();
        stores.close();
    }

    @Benchmark
    public long replaceRandomRow() {
        int i = random.nextInt(rows);
        rowStore.retire(pointers[i]);
        rowStore.free(pointers[i]);
        pointers[i] = rowStore.allocate(segment, 0, row.length);
        rowStore.publish(pointers[i]);
        return pointers[i];
    }

    /** The same with a buffer of the transaction in between: what pending rows in the store save. */
    @Benchmark
    public long replaceRandomRowThroughBuffer() {
        int i = random.nextInt(rows);
        byte[] buffered = new byte[row.length];
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, 0, buffered, 0, buffered.length);
        rowStore.retire(pointers[i]);
        rowStore.free(pointers[i]);
        pointers[i] = rowStore.allocate(MemorySegment.ofArray(buffered), 0, buffered.length);
        rowStore.publish(pointers[i]);
        return pointers[i];
    }

    @Benchmark
    public byte readRandomRow() {
        long pointer = pointers[random.nextInt(rows)];
        MemorySegment.copy(rowStore.segment(pointer), ValueLayout.JAVA_BYTE, rowStore.offset(pointer), copy, 0, copy.length);
        return copy[0];
    }

    /** The next 1,000 rows of a scan that begins again when it is through. */
    @Benchmark
    @OperationsPerInvocation(SCANNED)
    public long scan() {
        long sum = 0;
        for (int i = 0; i < SCANNED; i++) {
            if (cursor == null || !cursor.next()) {
                cursor = rowStore.scan();
                continue;
            }
            sum += cursor.row();
        }
        return sum;
    }
}
