package dev.geodesic.bench;

import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.sats.Bsatn;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SatsJson;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** One row through the codecs. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CodecBench {

    private final ProductType type = ProductType.of(
            ProductElement.of("id", PrimitiveType.U64),
            ProductElement.of("grp", PrimitiveType.U32),
            ProductElement.of("name", PrimitiveType.STRING));
    private final byte[] row = ItemRows.row(12_345_678_901L, 7, "an item with a name of some length");
    private final MemorySegment segment = MemorySegment.ofArray(row);
    private final RowLayout layout = RowLayout.of(type);
    private final JsonWriter json = new JsonWriter();

    @Benchmark
    public int skip() {
        BsatnReader in = new BsatnReader(row);
        Bsatn.skip(in, type);
        return in.position();
    }

    @Benchmark
    public int validate() {
        return layout.validate(segment, 0, row.length);
    }

    @Benchmark
    public long findLastColumn() {
        return layout.columnOffset(segment, 0, 2);
    }

    @Benchmark
    public int toJson() {
        json.clear();
        SatsJson.write(type, new BsatnReader(row), json, SatsJson.Flavor.UNTYPED);
        return json.length();
    }
}
