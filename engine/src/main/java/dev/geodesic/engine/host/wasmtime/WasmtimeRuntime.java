package dev.geodesic.engine.host.wasmtime;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.base.ServerMemory;
import dev.geodesic.engine.host.runtime.FunctionType;
import dev.geodesic.engine.host.runtime.HostFunction;
import dev.geodesic.engine.host.runtime.ValueType;
import dev.geodesic.engine.host.runtime.WasmModule;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Wasmtime. One per engine.
 *
 * <p>Time: a ticker thread raises the epoch every {@value #TICK_MILLIS} ms. The next loop or call of a running guest then asks
 * {@link WasmtimeInstance#epoch} whether to go on, so a call without deadline pressure costs nothing.
 */
public final class WasmtimeRuntime implements WasmRuntime {

    static final int TICK_MILLIS = 10;
    /** What a program may use is what rustc emits by default, and SIMD; all else would only widen the attack surface. */
    private static final List<String> FEATURES_OFF = List.of(
            "wasm_threads", "shared_memory", "wasm_memory64", "wasm_multi_memory", "wasm_gc", "wasm_function_references",
            "wasm_exceptions", "wasm_stack_switching", "wasm_custom_page_sizes", "wasm_wide_arithmetic", "wasm_relaxed_simd",
            "wasm_compact_imports", "wasm_component_model");

    private final long engine;
    private final long linker;
    private final Arena arena = Arena.ofShared();
    private final long epochCallback;
    private final CompiledCache cache;
    private final ServerMemory memory;
    private final Thread ticker;
    private final AtomicInteger open = new AtomicInteger();
    private volatile long tick;
    private volatile boolean closed;

    private WasmtimeRuntime(WasmtimeOptions options, List<HostFunction> functions) {
        long config = NativeLibrary.CONFIG_NEW.call();
        NativeLibrary.CONFIG_EPOCH.call(config, 1);
        NativeLibrary.CONFIG_MAX_STACK.call(config, GUEST_STACK_BYTES);
        // Host functions keep the address of the memory between calls.
        NativeLibrary.config("memory_may_move").call(config, 0);
        for (String feature : FEATURES_OFF) {
            NativeLibrary.config(feature).call(config, 0);
        }
        engine = NativeLibrary.ENGINE_NEW.call(config);
        linker = NativeLibrary.LINKER_NEW.call(engine);
        for (HostFunction function : functions) {
            define(function);
        }
        epochCallback = NativeLibrary.upcallStub(
                Upcalls.EPOCH, FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG), arena);
        memory = options.memory();
        cache = new CompiledCache(options.cacheDirectory());
        ticker = options.threads().newThread(this::runTicker);
        ticker.start();
    }

    /**
     * Loads the native library if need be and makes a runtime.
     *
     * @param functions what programs may import
     * @throws EngineException INTERNAL if the library is missing or unsuitable; the message says what to set
     */
    public static WasmtimeRuntime open(WasmtimeOptions options, List<HostFunction> functions) {
        try {
            return new WasmtimeRuntime(options, functions);
        } catch (ExceptionInInitializerError e) {
            throw e.getCause() instanceof EngineException cause ? cause : new EngineException(
                    ErrorCode.INTERNAL, "libwasmtime cannot be loaded: " + e.getCause(), e.getCause());
        } catch (NoClassDefFoundError e) {
            throw new EngineException(ErrorCode.INTERNAL, "libwasmtime could not be loaded; see the first error", e);
        }
    }

    private void define(HostFunction function) {
        MethodHandle target = MethodHandles.insertArguments(Upcalls.HOST, 0, function, !function.type().results().isEmpty());
        long stub = NativeLibrary.upcallStub(
                target, FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG), arena);
        try (Arena local = Arena.ofConfined()) {
            MemorySegment module = local.allocateFrom(function.module());
            MemorySegment name = local.allocateFrom(function.name());
            long type = functionType(function.type(), local);
            long error = NativeLibrary.LINKER_DEFINE.call(
                    linker, module.address(), module.byteSize() - 1, name.address(), name.byteSize() - 1, type, stub, 0, 0);
            NativeLibrary.FUNCTYPE_DELETE.call(type);
            if (error != 0) {
                throw new EngineException(ErrorCode.INTERNAL, NativeLibrary.takeError(error)).with("function", function.name());
            }
        }
    }

    private static long functionType(FunctionType type, Arena arena) {
        return NativeLibrary.FUNCTYPE_NEW.call(valueTypes(type.parameters(), arena), valueTypes(type.results(), arena));
    }

    private static long valueTypes(List<ValueType> types, Arena arena) {
        MemorySegment array = arena.allocate(JAVA_LONG, Math.max(1, types.size()));
        for (int i = 0; i < types.size(); i++) {
            long kind = switch (types.get(i)) {
                case I32 -> 0;
                case I64 -> 1;
                case F32, F64, V128, FUNCREF, EXTERNREF -> throw new IllegalArgumentException(types.toString());
            };
            array.setAtIndex(JAVA_LONG, i, NativeLibrary.VALTYPE_NEW.call(kind));
        }
        long vector = arena.allocate(16, 8).address();
        NativeLibrary.VALTYPE_VEC_NEW.call(vector, types.size(), array.address());
        return vector;
    }

    @Override
    public WasmModule compile(byte[] wasm) {
        Invariants.check(!closed, "the runtime is closed");
        long module = load(wasm);
        try (Arena local = Arena.ofConfined()) {
            long out = local.allocate(8, 8).address();
            long error = NativeLibrary.LINKER_INSTANTIATE_PRE.call(linker, module, out);
            if (error != 0) {
                throw new EngineException(ErrorCode.INVALID_MODULE, NativeLibrary.takeError(error));
            }
            return new WasmtimeModule(this, NativeLibrary.getLong(out));
        } finally {
            NativeLibrary.MODULE_DELETE.call(module); // the linked form keeps the code alive
        }
    }

    private long load(byte[] wasm) {
        try (Arena local = Arena.ofConfined()) {
            MemorySegment out = local.allocate(16, 8);
            Optional<byte[]> compiled = cache.read(wasm);
            if (compiled.isPresent()) {
                MemorySegment code = local.allocateFrom(JAVA_BYTE, compiled.get());
                long error = NativeLibrary.MODULE_DESERIALIZE.call(engine, code.address(), code.byteSize(), out.address());
                if (error == 0) {
                    return NativeLibrary.getLong(out.address());
                }
                NativeLibrary.ERROR_DELETE.call(error); // made by another version or for another processor
            }
            MemorySegment program = local.allocateFrom(JAVA_BYTE, wasm);
            long error = NativeLibrary.MODULE_NEW.call(engine, program.address(), wasm.length, out.address());
            if (error != 0) {
                throw new EngineException(
                        ErrorCode.INVALID_MODULE, "not a valid WebAssembly module: " + NativeLibrary.takeError(error));
            }
            long module = NativeLibrary.getLong(out.address());
            if (cache.isEnabled()) {
                store(wasm, module, out.address());
            }
            return module;
        }
    }

    private void store(byte[] wasm, long module, long vector) {
        long error = NativeLibrary.MODULE_SERIALIZE.call(module, vector);
        if (error != 0) {
            NativeLibrary.ERROR_DELETE.call(error);
            return;
        }
        cache.write(wasm, NativeLibrary.bytes(vector));
        NativeLibrary.BYTE_VEC_DELETE.call(vector);
    }

    private void runTicker() {
        long start = System.nanoTime();
        while (!closed) {
            try {
                Thread.sleep(TICK_MILLIS);
            } catch (InterruptedException e) {
                continue; // only close interrupts, and it has set the flag before
            }
            tick = (System.nanoTime() - start) / (TICK_MILLIS * 1_000_000L);
            NativeLibrary.ENGINE_INCREMENT_EPOCH.call(engine);
        }
    }

    long tick() {
        return tick;
    }

    /** Where the memory of guests is counted. */
    ServerMemory memory() {
        return memory;
    }

    long epochCallback() {
        return epochCallback;
    }

    long newStore() {
        Invariants.check(!closed, "the runtime is closed");
        return NativeLibrary.STORE_NEW.call(engine, 0, 0);
    }

    /** Counts modules and instances. */
    void opened() {
        open.incrementAndGet();
    }

    void released() {
        open.decrementAndGet();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        Invariants.check(open.get() == 0, "modules or instances are open", "open", open.get());
        closed = true;
        ticker.interrupt();
        boolean interrupted = false;
        while (ticker.isAlive()) {
            try {
                ticker.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        NativeLibrary.LINKER_DELETE.call(linker);
        NativeLibrary.ENGINE_DELETE.call(engine);
        arena.close();
    }

    /** Targets of native code. None may throw: that would end the process. */
    private static final class Upcalls {

        static final MethodHandle HOST;
        static final MethodHandle EPOCH;

        static {
            try {
                MethodHandles.Lookup lookup = MethodHandles.lookup();
                HOST = lookup.findStatic(Upcalls.class, "host", MethodType.methodType(
                        long.class, HostFunction.class, boolean.class, long.class, long.class, long.class, long.class));
                EPOCH = lookup.findStatic(Upcalls.class, "epoch", MethodType.methodType(
                        long.class, long.class, long.class, long.class, long.class));
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        /** {@code wasmtime_func_unchecked_callback_t}: 0, or a trap. */
        @SuppressWarnings("unused") // found by name above
        private static long host(HostFunction function, boolean hasResult, long env, long caller, long slots, long count) {
            WasmtimeInstance instance = WasmtimeInstance.current();
            try {
                long result = function.handler().call(instance.frame(slots, caller));
                if (hasResult) {
                    NativeLibrary.putLong(slots, result);
                }
                return 0;
            } catch (Throwable t) {
                return instance.raise(t);
            }
        }

        /** The callback of {@code wasmtime_store_epoch_deadline_callback}: 0 to go on, or an error. */
        @SuppressWarnings("unused") // found by name above
        private static long epoch(long context, long data, long delta, long kind) {
            WasmtimeInstance instance = WasmtimeInstance.current();
            try {
                return instance.epoch(delta);
            } catch (Throwable t) {
                return instance.stop();
            }
        }
    }
}
