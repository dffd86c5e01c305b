package dev.geodesic.bench;

import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableIndex;
import dev.geodesic.engine.table.TableIndexes;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
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

/**
 * A unique index on a u64 whose keys came in no order, over rows in the Chronicle store. Point operations must cost the same
 * from 10^4 to 10^7 rows, but for caches and the depth of the tree.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class IndexBench {

    private static final int SCANNED = 100;

    @Param({"ordered", "hash"})
    private String algorithm;

    @Param({"10000", "1000000"})
    private int rows;

    private TableStores stores;
    private TableStore store;
    private TableIndex index;
    private long[] pointers;
    private final byte[] row = ItemRows.row(0, 7, Items.NAME);
    private final MemorySegment segment = MemorySegment.ofArray(row);
    /** Lower and upper bound of a range: tag and u64 each. */
    private final byte[] bounds = new byte[2 * (1 + Long.BYTES)];
    private final KeyRange range = new KeyRange(
            MemorySegment.ofArray(bounds), 0, 0, 0, 0, 1 + Long.BYTES, 1 + Long.BYTES, 1 + Long.BYTES);
    private final RowPointers found = new RowPointers();
    private final SplittableRandom random = new SplittableRandom(42);

    @Setup(Level.Trial)
    public void fill() {
        stores = Items.stores("chronicle");
        RowLayout layout = RowLayout.of(ProductType.of(
                ProductElement.of("id", PrimitiveType.U64),
                ProductElement.of("grp", PrimitiveType.U32),
                ProductElement.of("name", PrimitiveType.STRING)));
        store = stores.create(layout);
        index = TableIndexes.create(new IndexSchema(1, "item_id", Optional.empty(), algorithm.equals("hash")
                ? new IndexAlgorithm.Hash(List.of(0)) : new IndexAlgorithm.BTree(List.of(0)), true), layout, store);
        pointers = new long[rows];
        // Every id once, in an order that jumps: the step has no factor in common with powers of ten.
        for (int i = 0; i < rows; i++) {
            int id = (int) (i * 7_919L % rows);
            LittleEndian.putLong(row, 0, id);
            pointers[id] = store.allocate(segment, 0, row.length);
            store.publish(pointers[id]);
            index.insert(pointers[id]);
        }
    }

    @TearDown(Level.Trial)
    public void close() {
        store.close();
        stores.close();
    }

    private void check(int count, int expected) {
        if (count != expected) {
            throw new IllegalStateException(count + " rows instead of " + expected);
        }
    }

    /** A row leaves the index and comes back. */
    @Benchmark
    public void removeAndInsert() {
        long pointer = pointers[random.nextInt(rows)];
        index.remove(pointer);
        index.insert(pointer);
    }

    /** The rows of one key, as a query finds them. */
    @Benchmark
    public long seek() {
        LittleEndian.putLong(row, 0, random.nextInt(rows));
        found.clear();
        index.point(segment, 0, Long.BYTES, found);
        check(found.size(), 1);
        return found.get(0);
    }

    /** Whether a row with this key is there, as a unique constraint asks. */
    @Benchmark
    public long findByRow() {
        LittleEndian.putLong(row, 0, random.nextInt(rows));
        return index.findByRow(segment, 0);
    }

    /** A hundred rows in a row; a hash index has no order, and looks for them one by one. */
    @Benchmark
    public int scanHundred() {
        long from = random.nextInt(rows - SCANNED);
        found.clear();
        if (algorithm.equals("hash")) {
            for (long id = from; id < from + SCANNED; id++) {
                LittleEndian.putLong(row, 0, id);
                index.point(segment, 0, Long.BYTES, found);
            }
        } else {
            LittleEndian.putLong(bounds, 1, from);
            LittleEndian.putLong(bounds, 2 + Long.BYTES, from + SCANNED - 1);
            index.range(range, found);
        }
        check(found.size(), SCANNED);
        return found.size();
    }
}
