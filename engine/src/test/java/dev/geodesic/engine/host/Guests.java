package dev.geodesic.engine.host;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.host.abi.CallContext;
import dev.geodesic.engine.host.abi.GuestOptions;
import dev.geodesic.engine.host.abi.HostFunctions;
import dev.geodesic.engine.host.abi.LogRecord;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import dev.geodesic.engine.host.wasmtime.Wat;
import dev.geodesic.engine.host.wasmtime.WasmtimeOptions;
import dev.geodesic.engine.host.wasmtime.WasmtimeRuntime;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A runtime, a log and a clock for tests, and modules made of a few lines of WebAssembly text. */
public final class Guests implements AutoCloseable {

    public static final Identity DATABASE = new Identity(0x1111, 0x2222, 0x3333, 0x4444);
    public static final Identity SENDER = new Identity(1, 2, 3, 4);
    public static final ConnectionId CONNECTION = new ConnectionId(5, 6);
    public static final long TIMESTAMP = 1_700_000_000_000_000L;

    public final WasmRuntime runtime;
    public final List<LogRecord> log = new ArrayList<>();
    public final List<String> scheduled = new ArrayList<>();
    /** What the clock shows at first. */
    public Instant clockStart = Instant.EPOCH.plusSeconds(1_000_000);
    private long nanos;
    public Limits limits = Limits.DEFAULTS;

    public Guests() {
        runtime = WasmtimeRuntime.open(
                new WasmtimeOptions(
                        Optional.of(Path.of("target", "compiled-modules")),
                        Thread.ofPlatform().daemon().name("ticker").factory()),
                HostFunctions.TABLE);
    }

    public GuestOptions options() {
        // Every look at the clock is 1.5 ms later than the one before.
        InstantSource clock = () -> clockStart.plusNanos(nanos += 1_500_000);
        return new GuestOptions(DATABASE, limits, log::add, (name, arguments) -> scheduled.add(name + arguments.length), clock,
                () -> Map.of("KEY", "value", "EMPTY", ""));
    }

    public Guests withLimits(
            long memoryBytesMax, long callMillisMax, int rowBytesMax, int handlesMax, int logLineBytesMax) {
        Limits d = Limits.DEFAULTS;
        limits = new Limits(memoryBytesMax, callMillisMax, rowBytesMax, d.transactionRowsMax(), d.transactionBytesMax(),
                handlesMax, logLineBytesMax, d.logLinesPerSecondMax(), d.queueMessagesMax(), d.queueBytesMax(),
                d.messageBytesMax(),
                d.moduleBytesMax(), d.subscriptionQueriesMax(), d.queryTablesMax(), d.queryNodesMax(), d.queryTextBytesMax(),
                d.databasesMax(), d.connectionsMax(), d.calls(), d.reads());
        return this;
    }

    /** Limits of the calls that are no reducers. */
    public Guests withCalls(long callMillisMax, long procedureMillisMax, long procedureTransactionMillisMax, int resultBytesMax) {
        Limits d = Limits.DEFAULTS;
        limits = new Limits(d.memoryBytesMax(), callMillisMax, d.rowBytesMax(), d.transactionRowsMax(), d.transactionBytesMax(),
                d.handlesMax(), d.logLineBytesMax(), d.logLinesPerSecondMax(), d.queueMessagesMax(), d.queueBytesMax(),
                d.messageBytesMax(),
                d.moduleBytesMax(), d.subscriptionQueriesMax(), d.queryTablesMax(), d.queryNodesMax(), d.queryTextBytesMax(),
                d.databasesMax(), d.connectionsMax(),
                new Limits.Calls(procedureMillisMax, procedureTransactionMillisMax, resultBytesMax,
                        d.calls().iteratorBytesMax()), d.reads());
        return this;
    }

    public ModuleHost load(byte[] wasm) {
        return ModuleHost.load(runtime, wasm, options());
    }

    public ModuleHost load(String wat) {
        return load(Wat.toWasm(wat));
    }

    /** Import lines for functions of the table. */
    public static String imports(String... names) {
        StringBuilder out = new StringBuilder();
        for (String name : names) {
            var f = HostFunctions.TABLE.stream().filter(x -> x.name().equals(name)).findFirst().orElseThrow();
            out.append("(import \"").append(f.module()).append("\" \"").append(name).append("\" (func $").append(name);
            f.type().parameters().forEach(p -> out.append(" (param ").append(p).append(')'));
            f.type().results().forEach(r -> out.append(" (result ").append(r).append(')'));
            out.append("))\n");
        }
        return out.toString();
    }

    public static final String MEMORY = "(memory (export \"memory\") 2)\n";
    /** Writes an empty V10 definition. */
    public static final String DESCRIBE = """
            (data (i32.const 16) "\\02\\00\\00\\00\\00")
            (func (export "__describe_module__") (param i32)
              (i32.store (i32.const 32) (i32.const 5))
              (drop (call $bytes_sink_write (local.get 0) (i32.const 16) (i32.const 32))))
            """;

    /**
     * A whole module with one reducer. Its locals: $id, $args, $err, and $r, $n, $t to use. Memory from 64 on is free.
     *
     * @param others declarations besides
     * @param body statements that leave the reducer's result
     */
    public static String module(String imports, String others, String body) {
        return "(module\n" + imports("bytes_sink_write") + imports + MEMORY + DESCRIBE + others + """
                (func (export "__call_reducer__")
                """ + CALL_SIGNATURE + body + "))";
    }

    /** Parameters and locals of reducers and procedures. */
    public static final String CALL_SIGNATURE = """
            (param $id i32) (param $s0 i64) (param $s1 i64) (param $s2 i64) (param $s3 i64)
            (param $c0 i64) (param $c1 i64) (param $ts i64) (param $args i32) (param $err i32) (result i32)
            (local $r i32) (local $n i32) (local $t i64)
            """;

    /** A whole module whose reducer does nothing, with other exports. */
    public static String withExports(String imports, String exports) {
        return module(imports, exports, "(i32.const 0)");
    }

    /** A procedure; locals as the reducer of {@link #module}, the sink is $err. */
    public static String procedure(String body) {
        return "(func (export \"__call_procedure__\")" + CALL_SIGNATURE + body + ")";
    }

    /** Statements that write bytes of the data at {@code from} into a sink. */
    public static String write(String sink, int from, int length) {
        return "(i32.store (i32.const 60) (i32.const " + length + "))"
                + "(drop (call $bytes_sink_write " + sink + " (i32.const " + from + ") (i32.const 60)))";
    }

    /** Calls reducer {@code id} of the main instance inside a transaction. */
    public static ReducerOutcome call(ModuleHost host, int id, Transaction tx, byte... arguments) {
        CallContext context = CallContext.inTransaction("test_reducer", tx,
                c -> c.equals(CONNECTION) ? Optional.of("{\"sub\":\"x\"}") : Optional.empty());
        return host.main().callReducer(context, id, SENDER, CONNECTION, TIMESTAMP, arguments);
    }

    /** Loads a module, calls it once and closes it. */
    public ReducerOutcome run(String wat, Transaction tx, byte... arguments) {
        try (ModuleHost host = load(wat)) {
            return call(host, 0, tx, arguments);
        }
    }

    @Override
    public void close() {
        runtime.close();
    }
}
