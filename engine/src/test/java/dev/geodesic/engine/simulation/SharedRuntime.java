package dev.geodesic.engine.simulation;

import dev.geodesic.engine.auth.SigningKeys;
import dev.geodesic.engine.durability.FaultyStorage;
import dev.geodesic.engine.host.abi.HostFunctions;
import dev.geodesic.engine.host.runtime.WasmInstance;
import dev.geodesic.engine.host.runtime.WasmModule;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import dev.geodesic.engine.host.wasmtime.WasmtimeOptions;
import dev.geodesic.engine.host.wasmtime.WasmtimeRuntime;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ThreadFactory;

/** One runtime for all servers of this process, which compiles each program once, and keys for them. Never closed. */
public final class SharedRuntime implements WasmRuntime {

    public static final ThreadFactory THREADS = Thread.ofPlatform().daemon().stackSize(GUEST_THREAD_STACK_BYTES).factory();
    public static final SharedRuntime INSTANCE = new SharedRuntime();
    public static final SigningKeys KEYS = SigningKeys.open(new FaultyStorage(new Random(1)));

    private final WasmRuntime runtime = WasmtimeRuntime.open(
            new WasmtimeOptions(Optional.of(Path.of("target", "compiled-modules").toAbsolutePath()), THREADS),
            HostFunctions.TABLE);
    private final Map<Program, WasmModule> modules = new HashMap<>();

    private record Program(byte[] wasm) {

        @Override
        public boolean equals(Object other) {
            return other instanceof Program program && Arrays.equals(wasm, program.wasm);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(wasm);
        }
    }

    private SharedRuntime() {
    }

    @Override
    public synchronized WasmModule compile(byte[] wasm) {
        WasmModule module = modules.computeIfAbsent(new Program(wasm), key -> runtime.compile(wasm));
        return new WasmModule() {
            @Override
            public WasmInstance instantiate(Object attachment, long memoryBytesMax, long millisMax) {
                return module.instantiate(attachment, memoryBytesMax, millisMax);
            }

            @Override
            public void close() {
                // For the next one.
            }
        };
    }

    @Override
    public void close() {
        // As above.
    }
}
