package dev.geodesic.engine.host;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.host.abi.AbiVersion;
import dev.geodesic.engine.host.abi.GuestOptions;
import dev.geodesic.engine.host.runtime.WasmBinary;
import dev.geodesic.engine.host.runtime.WasmModule;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import java.util.Set;

/**
 * A program of a database. {@link #main} is the instance that runs reducers and views; it belongs to whoever is the
 * database's writer. Everything but {@link #main} and {@link #close} may be called from any thread that may run guests.
 */
public final class ModuleHost implements AutoCloseable {

    private final WasmModule module;
    private final ModuleExports exports;
    private final Set<ModuleFeature> features;
    private final GuestOptions options;
    private ModuleInstance main;
    private boolean closed;

    private ModuleHost(WasmModule module, ModuleExports exports, Set<ModuleFeature> features, GuestOptions options) {
        this.module = module;
        this.exports = exports;
        this.features = features;
        this.options = options;
        this.main = ModuleInstance.open(module, exports, options, false);
    }

    /**
     * Checks and compiles a program and makes its main instance, which runs the program's initialisation on this thread.
     *
     * @throws EngineException INVALID_MODULE if the program cannot run here, with what is wrong; LIMIT_EXCEEDED if it, or the
     *     memory it asks for, is too large
     */
    public static ModuleHost load(WasmRuntime runtime, byte[] wasm, GuestOptions options) {
        int max = options.limits().moduleBytesMax();
        if (wasm.length > max) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "a module of " + wasm.length + " bytes is longer than " + max
                    + " bytes (limit moduleBytesMax)");
        }
        WasmBinary binary = WasmBinary.parse(wasm);
        ModuleExports exports = ModuleExports.check(binary);
        WasmModule module = runtime.compile(wasm);
        try {
            return new ModuleHost(module, exports, ModuleFeature.of(binary), options);
        } catch (Throwable t) {
            module.close();
            throw t;
        }
    }

    /** The definition, as the main instance gave it. */
    public ModuleDescription describe() {
        return main.description();
    }

    public AbiVersion abiVersion() {
        return exports.version();
    }

    public Set<ModuleFeature> features() {
        return features;
    }

    /**
     * The main instance; a new one if the last one died.
     *
     * @throws EngineException INVALID_MODULE if the new one cannot be initialised, though the first one could
     */
    public ModuleInstance main() {
        Invariants.check(!closed, "the module host is closed");
        if (main.isDead()) {
            main.close();
            main = ModuleInstance.open(module, exports, options, false);
        }
        return main;
    }

    /** A further instance, for procedures and handlers; to be closed by the caller before this host. */
    public ModuleInstance newAsyncInstance() {
        return ModuleInstance.open(module, exports, options, true);
    }

    /** Frees the main instance and the program. Not during a call. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            main.close();
            module.close();
        }
    }
}
