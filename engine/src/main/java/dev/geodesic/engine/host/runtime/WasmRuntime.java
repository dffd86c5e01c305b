package dev.geodesic.engine.host.runtime;

/** A WebAssembly runtime with the host functions that its programs may import. Thread-safe. */
public interface WasmRuntime extends AutoCloseable {

    /** Native stack that one guest call may use. */
    int GUEST_STACK_BYTES = 256 << 10;

    /** Stack size to ask for when making a thread that runs guests. */
    long GUEST_THREAD_STACK_BYTES = 16L << 20;

    /**
     * Compiles a program. Its imports must be among the host functions.
     *
     * @throws dev.geodesic.engine.base.EngineException INVALID_MODULE if it is no valid program or cannot be linked
     */
    WasmModule compile(byte[] wasm);

    /**
     * Ends the runtime's threads and frees its memory.
     *
     * @throws dev.geodesic.engine.base.EngineException INTERNAL while modules or instances are open
     */
    @Override
    void close();
}
