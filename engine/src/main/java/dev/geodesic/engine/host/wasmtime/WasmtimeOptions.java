package dev.geodesic.engine.host.wasmtime;

import dev.geodesic.engine.base.ServerMemory;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;

/**
 * Settings of the runtime.
 *
 * @param cacheDirectory where compiled programs are kept; its content is native code, so nobody else may write there
 * @param threads makes the one thread that drives deadlines
 * @param memory counts what guests take; an instance cannot grow by more than what it had left when the instance was made
 */
public record WasmtimeOptions(Optional<Path> cacheDirectory, ThreadFactory threads, ServerMemory memory) {

    /** Without a limit for all guests together. */
    public WasmtimeOptions(Optional<Path> cacheDirectory, ThreadFactory threads) {
        this(cacheDirectory, threads, ServerMemory.unlimited());
    }
}
