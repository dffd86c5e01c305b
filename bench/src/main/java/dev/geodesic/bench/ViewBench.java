package dev.geodesic.bench;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.port.Timer;
import dev.geodesic.engine.query.SqlEngine;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.schema.ViewDef;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.engine.view.ViewKey;
import dev.geodesic.engine.view.ViewResult;
import dev.geodesic.engine.view.Views;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
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

/** A transaction that touches nothing that a view has read: begin, one row, refresh, commit. Views of 1,000 callers. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ViewBench {

    private static final int CALLERS = 1_000;
    private static final byte[] NO_ROWS = new byte[Integer.BYTES];

    /** Nothing, all of another table, or other keys of the same index. */
    @Param({"nothing", "table", "key"})
    private String read;

    private final byte[] row = ItemRows.row(1, 7, Items.NAME);
    private final MemorySegment segment = MemorySegment.ofArray(row);
    private Items items;
    private Views views;

    @Setup(Level.Trial)
    public void open() {
        items = new Items("heap", 0);
        views = new Views(Limits.DEFAULTS, new SqlEngine(Limits.DEFAULTS), new Timer() {
            @Override
            public long nowMicros() {
                return 0;
            }

            @Override
            public Wake after(long micros, Runnable work) {
                throw new UnsupportedOperationException();
            }
        });
        items.tx.begin();
        ViewDef def = new ViewDef(
                "v", "v", 0, true, false, ProductType.UNIT, new ArrayType(new AlgebraicType.Ref(0)), 0, Optional.empty(),
                items.schema.columns(), OptionalInt.empty());
        TableSchema view = items.catalog.createView(items.tx, def);
        commit();
        byte[] key = new byte[Integer.BYTES];
        views.start(List.of(def), (v, caller, reads) -> {
            if (read.equals("table")) {
                reads.scan(1);
            } else {
                LittleEndian.putInt(key, 0, (int) -caller.orElseThrow().w0());
                reads.point(items.group(), MemorySegment.ofArray(key), 0, key.length);
            }
            return new ViewResult.Rows(NO_ROWS);
        });
        for (int i = 1; !read.equals("nothing") && i <= CALLERS; i++) {
            items.tx.begin();
            views.materialize(ViewKey.of(view, new Identity(i, 0, 0, 0)), items.tx);
            commit();
        }
    }

    @TearDown(Level.Trial)
    public void close() {
        items.close();
    }

    private TxData commit() {
        views.refresh(items.tx);
        TxData data = items.commit();
        views.committed();
        return data;
    }

    /** Inserts a row, or deletes it again: the table stays small. */
    @Benchmark
    public TxData oneRow() {
        items.tx.begin();
        if (!items.tx.delete(items.table(), segment, 0, row.length)) {
            items.tx.insert(items.table(), segment, 0, row.length);
        }
        return commit();
    }
}
