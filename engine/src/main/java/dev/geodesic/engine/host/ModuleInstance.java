package dev.geodesic.engine.host;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.host.abi.CallContext;
import dev.geodesic.engine.host.abi.GuestOptions;
import dev.geodesic.engine.host.abi.GuestState;
import dev.geodesic.engine.host.abi.HostCallException;
import dev.geodesic.engine.host.runtime.TrapKind;
import dev.geodesic.engine.host.runtime.WasmInstance;
import dev.geodesic.engine.host.runtime.WasmModule;
import dev.geodesic.engine.host.runtime.WasmTrapException;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;

/**
 * A running instance of a module, initialised and described (spec/module-abi.md 2.1). Used by one thread at a time; see the
 * package page for what thread. Dead after a trap or a timeout: every later call is refused, and only {@link #close} is left.
 */
public final class ModuleInstance implements AutoCloseable {

    private static final int RETURN_OK = 0;
    private static final int RETURN_ERROR = 1;

    private final Limits limits;
    private final GuestState guest;
    private final WasmInstance wasm;
    private final int callReducer;
    private final ModuleDescription description;
    private boolean dead;

    private ModuleInstance(WasmModule module, ModuleExports exports, GuestOptions options) {
        limits = options.limits();
        guest = new GuestState(options);
        wasm = instantiate(module);
        boolean ready = false;
        try {
            callReducer = wasm.function(ModuleExports.CALL_REDUCER);
            description = initialise(exports);
            ready = true;
        } finally {
            if (!ready) {
                wasm.close();
            }
        }
    }

    /**
     * Instantiates, initialises and describes. A module that fails in this is INVALID_MODULE; the message says where.
     */
    static ModuleInstance open(WasmModule module, ModuleExports exports, GuestOptions options) {
        return new ModuleInstance(module, exports, options);
    }

    private WasmInstance instantiate(WasmModule module) {
        try {
            return module.instantiate(guest, limits.memoryBytesMax(), limits.callMillisMax());
        } catch (WasmTrapException | HostCallException e) {
            throw new EngineException(ErrorCode.INVALID_MODULE, "wasm trap while calling \"start\": " + e.getMessage());
        }
    }

    private ModuleDescription initialise(ModuleExports exports) {
        if (exports.initialize()) {
            runInit(ModuleExports.INITIALIZE);
        }
        exports.preinits().forEach(this::runInit);
        if (exports.setup()) {
            wasm.setI32(0, guest.openSink(limits.messageBytesMax()));
            runInit(ModuleExports.SETUP);
            int code = wasm.resultI32();
            if (code == RETURN_ERROR) {
                throw invalid("setup function returned an error: " + guest.sink().text());
            }
            if (code != RETURN_OK) {
                throw invalid("wasm trap while calling \"" + ModuleExports.SETUP + "\": unknown return code " + code);
            }
        }
        return describe();
    }

    private void runInit(String function) {
        guest.begin(CallContext.outsideTransaction(function));
        try {
            wasm.call(wasm.function(function), limits.callMillisMax());
        } catch (WasmTrapException | HostCallException e) {
            releasePanic(e);
            String where = function.equals(ModuleExports.DESCRIBE)
                    ? "error getting module description: "
                    : "wasm trap while calling \"" + function + "\": ";
            throw invalid(where + e.getMessage());
        } finally {
            guest.end();
        }
    }

    private ModuleDescription describe() {
        wasm.setI32(0, guest.openSink(limits.moduleBytesMax()));
        runInit(ModuleExports.DESCRIBE);
        byte[] bytes = guest.sink().toByteArray();
        int tag = bytes.length == 0 ? -1 : bytes[0];
        return switch (tag) {
            case 1 -> new ModuleDescription(ModuleDescription.Version.V9, bytes);
            case 2 -> new ModuleDescription(ModuleDescription.Version.V10, bytes);
            default -> throw invalid("error getting module description: error decoding module description: "
                    + (tag < 0 ? "it is empty" : "unknown version tag " + (tag & 0xff)));
        };
    }

    private static EngineException invalid(String message) {
        return new EngineException(ErrorCode.INVALID_MODULE, message);
    }

    private void releasePanic(RuntimeException e) {
        guest.releasePanic(e instanceof WasmTrapException trap ? trap.frames() : wasm.lastFrames());
    }

    /** The definition that this instance gave when it was made. */
    public ModuleDescription description() {
        return description;
    }

    public boolean isDead() {
        return dead;
    }

    /**
     * Runs a reducer.
     *
     * @param context the transaction to run in; the caller commits it only after {@link ReducerOutcome.Committed}
     * @param reducerId position in the module's definition
     * @param arguments BSATN of the arguments, back to back
     * @throws EngineException INTERNAL if a host function met a bug; the guest has been unwound and the instance is dead
     */
    public ReducerOutcome callReducer(
            CallContext context,
            int reducerId,
            Identity sender,
            ConnectionId connection,
            long timestampMicros,
            byte[] arguments) {
        Invariants.check(!dead, "the instance is dead");
        guest.begin(context);
        try {
            wasm.setI32(0, reducerId);
            wasm.setI64(1, sender.w0());
            wasm.setI64(2, sender.w1());
            wasm.setI64(3, sender.w2());
            wasm.setI64(4, sender.w3());
            wasm.setI64(5, connection.low());
            wasm.setI64(6, connection.high());
            wasm.setI64(7, timestampMicros);
            wasm.setI32(8, guest.openSource(arguments));
            wasm.setI32(9, guest.openSink(limits.messageBytesMax()));
            dead = true; // until the guest has returned
            wasm.call(callReducer, limits.callMillisMax());
            dead = false;
            int code = wasm.resultI32();
            return switch (code) {
                case RETURN_OK -> ReducerOutcome.Committed.INSTANCE;
                case RETURN_ERROR -> new ReducerOutcome.Failed(guest.sink().text());
                default -> new ReducerOutcome.Trapped(TrapKind.OTHER, ErrorCode.GUEST_TRAP, "unknown return code " + code);
            };
        } catch (WasmTrapException e) {
            releasePanic(e);
            return e.kind() == TrapKind.INTERRUPTED
                    ? new ReducerOutcome.TimedOut()
                    : new ReducerOutcome.Trapped(e.kind(), ErrorCode.GUEST_TRAP, e.getMessage());
        } catch (HostCallException e) {
            releasePanic(e);
            return new ReducerOutcome.Trapped(TrapKind.HOST, e.code(), e.getMessage());
        } finally {
            guest.end();
        }
    }

    /** Stops the present call soon, as if its time were up. Any thread. */
    public void interrupt() {
        wasm.interrupt();
    }

    /** Size of the instance's linear memory. */
    public long memoryBytes() {
        return wasm.memoryBytes();
    }

    @Override
    public void close() {
        dead = true;
        wasm.close();
    }
}
