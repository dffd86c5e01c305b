package dev.geodesic.engine.host.wasmtime;

import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.host.runtime.WasmInstance;
import dev.geodesic.engine.host.runtime.WasmModule;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/** A program compiled and linked: {@code wasmtime_instance_pre_t}. */
final class WasmtimeModule implements WasmModule {

    private final WasmtimeRuntime runtime;
    /** Instances are made side by side, but not while the module closes. */
    private final ReadWriteLock lock = new ReentrantReadWriteLock();

    private long pre;

    WasmtimeModule(WasmtimeRuntime runtime, long pre) {
        this.runtime = runtime;
        this.pre = pre;
        runtime.opened();
    }

    @Override
    public WasmInstance instantiate(Object attachment, long memoryBytesMax, long millisMax) {
        lock.readLock().lock();
        try {
            Invariants.check(pre != 0, "the module is closed");
            return WasmtimeInstance.open(runtime, pre, attachment, memoryBytesMax, millisMax);
        } finally {
            lock.readLock().unlock();
        }
    }

    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (pre != 0) {
                NativeLibrary.PRE_DELETE.call(pre);
                pre = 0;
                runtime.released();
            }
        } finally {
            lock.writeLock().unlock();
        }
    }
}
