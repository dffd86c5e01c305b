package dev.geodesic.bench;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.host.ModuleHost;
import dev.geodesic.engine.host.ReducerOutcome;
import dev.geodesic.engine.host.abi.CallContext;
import dev.geodesic.engine.host.abi.GuestOptions;
import dev.geodesic.engine.host.abi.HostFunctions;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import dev.geodesic.engine.host.wasmtime.WasmtimeOptions;
import dev.geodesic.engine.host.wasmtime.WasmtimeRuntime;
import dev.geodesic.engine.schema.ModuleDef;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.LittleEndian;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What crossing into a guest and back costs. {@link #guestCall}: the reducer {@code noop} of the load kit's module, arguments and
 * all, in a transaction that stays empty. {@link #hostCall}: one kind of host call 100 times in one call of
 * {@code bench/load/hostcalls}, over a table of 100,000 rows, rolled back afterwards; the guest call is in it by a hundredth.
 * Start in the project's root.
 */
@State(Scope.Thread)
@Fork(value = 1, jvmArgsAppend = "-Xss16m")
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class GuestBench {

    private static final int ROWS = 100_000;
    private static final int TIMES = 100;
    private static final Identity SENDER = new Identity(1, 2, 3, 4);
    private static final ConnectionId CONNECTION = new ConnectionId(1, 1);

    /** In the order of the module's reducers. */
    public enum Kind {
        NOTHING, TABLE_ID, ROW_COUNT, INSERT, UPDATE_BY_KEY, DELETE_BY_KEY, FIND_BY_KEY, ADVANCE_64_KIB, LOG_LINE
    }

    /** The host calls. */
    @State(Scope.Thread)
    public static class Calls {
        @Param
        private Kind hostCall;
    }

    private Items items;
    private WasmRuntime runtime;
    private ModuleHost load;
    private ModuleHost calls;
    private int noop;
    private long lines;
    private long time;
    private final byte[] arguments = new byte[3 * Integer.BYTES];

    @Setup(Level.Trial)
    public void open() throws IOException {
        items = new Items("chronicle", ROWS);
        runtime = WasmtimeRuntime.open(
                new WasmtimeOptions(Optional.empty(), Thread.ofPlatform().daemon().factory()), HostFunctions.TABLE);
        GuestOptions options = new GuestOptions(
                SENDER, Limits.DEFAULTS, line -> lines++, (name, bytes) -> { }, InstantSource.system(), Map::of);
        load = ModuleHost.load(runtime, Files.readAllBytes(Path.of("bench/load/module/loadmod.wasm")), options);
        noop = ModuleDef.decode(load.describe().bytes()).reducer("noop").orElseThrow().id();
        calls = ModuleHost.load(runtime, Files.readAllBytes(Path.of("bench/load/hostcalls/hostcalls.wasm")), options);
        LittleEndian.putInt(arguments, 0, items.table());
        LittleEndian.putInt(arguments, Integer.BYTES, items.key());
        LittleEndian.putInt(arguments, 2 * Integer.BYTES, TIMES);
    }

    @TearDown(Level.Trial)
    public void close() {
        load.close();
        calls.close();
        runtime.close();
        items.close();
    }

    private ReducerOutcome call(ModuleHost host, int reducer, byte[] given) {
        items.tx.begin();
        ReducerOutcome outcome = host.main().callReducer(
                CallContext.inTransaction("bench", items.tx, connection -> Optional.empty()),
                reducer, SENDER, CONNECTION, ++time, given);
        items.tx.rollback();
        if (!(outcome instanceof ReducerOutcome.Committed)) {
            throw new IllegalStateException(outcome.toString());
        }
        return outcome;
    }

    @Benchmark
    public ReducerOutcome guestCall() {
        return call(load, noop, new byte[0]);
    }

    @Benchmark
    @OperationsPerInvocation(TIMES)
    public ReducerOutcome hostCall(Calls of) {
        return call(calls, of.hostCall.ordinal(), arguments);
    }
}
