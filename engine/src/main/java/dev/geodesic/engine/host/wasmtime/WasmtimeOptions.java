package dev.geodesic.engine.host.wasmtime;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;

/**
 * Settings of the runtime.
 *
 * @param cacheDirectory where compiled programs are kept; its content is native code, so nobody else may write there
 * @param threads makes the one thread that drives deadlines
 */
public record WasmtimeOptions(Optional<Path> cacheDirectory, ThreadFactory threads) {
}
