package dev.geodesic.engine.host.wasmtime;

import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.host.runtime.WasmInstance;
import dev.geodesic.engine.host.runtime.WasmModule;

/** A program compiled and linked: {@code wasmtime_instance_pre_t}. */
final class WasmtimeModule implements WasmModule {

    private final WasmtimeRuntime runtime;
    private long pre;

    WasmtimeModule(WasmtimeRuntime runtime, long pre) {
        this.runtime = runtime;
        this.pre = pre;
        runtime.opened();
    }

    @Override
    public synchronized WasmInstance instantiate(Object attachment, long memoryBytesMax, long millisMax) {
        Invariants.check(pre != 0, "the module is closed");
        return WasmtimeInstance.open(runtime, pre, attachment, memoryBytesMax, millisMax);
    }

    @Override
    public synchronized void close() {
        if (pre != 0) {
            NativeLibrary.PRE_DELETE.call(pre);
            pre = 0;
            runtime.released();
        }
    }
}
