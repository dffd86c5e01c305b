package dev.geodesic.engine.simulation;

import dev.geodesic.engine.host.abi.HostFunctions;
import dev.geodesic.engine.host.runtime.WasmInstance;
import dev.geodesic.engine.host.runtime.WasmModule;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import dev.geodesic.engine.host.wasmtime.WasmtimeOptions;
import dev.geodesic.engine.host.wasmtime.WasmtimeRuntime;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;

/** One runtime for all servers of this process, which compiles each program once. Never closed. */
public final class SharedRuntime implements WasmRuntime {

    public static final ThreadFactory THREADS = Thread.ofPlatform().daemon().stackSize(GUEST_THREAD_STACK_BYTES).factory();
    public static final SharedRuntime INSTANCE = new SharedRuntime();

    private final WasmRuntime runtime = WasmtimeRuntime.open(
            new WasmtimeOptions(Optional.of(Path.of("target", "compiled-modules").toAbsolutePath()), THREADS),
            HostFunctions.TABLE);
    private final Map<ByteBuffer, WasmModule> modules = new HashMap<>();

    private SharedRuntime() {
    }

    @Override
    public synchronized WasmModule compile(byte[] wasm) {
        WasmModule module = modules.computeIfAbsent(ByteBuffer.wrap(wasm), key -> runtime.compile(wasm));
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
