package dev.geodesic.engine.host;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.host.abi.ByteSink;
import dev.geodesic.engine.host.abi.CallContext;
import dev.geodesic.engine.host.abi.GuestOptions;
import dev.geodesic.engine.host.abi.GuestState;
import dev.geodesic.engine.host.abi.HostCallException;
import dev.geodesic.engine.host.runtime.TrapKind;
import dev.geodesic.engine.host.runtime.WasmInstance;
import dev.geodesic.engine.host.runtime.WasmModule;
import dev.geodesic.engine.host.runtime.WasmTrapException;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A running instance of a module, initialised and described (spec/module-abi.md 2.1). Used by one thread at a time; see the
 * package page for what thread. Dead after a trap or a timeout: every later call is refused, and only {@link #close} is left.
 */
public final class ModuleInstance implements AutoCloseable {

    private static final int RETURN_OK = 0;
    private static final int RETURN_ERROR = 1;
    private static final int RETURN_VIEW = 2;
    private static final int NO_FUNCTION = -1;

    /** Why a guest did not return. */
    private record Unwound(TrapKind kind, ErrorCode code, String message) {

        boolean timedOut() {
            return kind == TrapKind.INTERRUPTED;
        }
    }

    private final Limits limits;
    private final GuestState guest;
    private final WasmInstance wasm;
    private final boolean async;
    private final int callReducer;
    private final int callView;
    private final int callViewAnon;
    private final int callProcedure;
    private final int callHttpHandler;
    private final ModuleDescription description;
    private boolean dead;

    private ModuleInstance(WasmModule module, ModuleExports exports, GuestOptions options, boolean async) {
        this.async = async;
        limits = options.limits();
        guest = new GuestState(options);
        long start = System.nanoTime();
        wasm = instantiate(module);
        boolean ready = false;
        try {
            callReducer = wasm.function(ModuleExports.CALL_REDUCER);
            callView = exports.view() ? wasm.function(ModuleExports.CALL_VIEW) : NO_FUNCTION;
            callViewAnon = exports.anonymousView() ? wasm.function(ModuleExports.CALL_VIEW_ANON) : NO_FUNCTION;
            callProcedure = exports.procedure() ? wasm.function(ModuleExports.CALL_PROCEDURE) : NO_FUNCTION;
            callHttpHandler = exports.httpHandler() ? wasm.function(ModuleExports.CALL_HTTP_HANDLER) : NO_FUNCTION;
            description = initialise(exports, start);
            ready = true;
        } finally {
            if (!ready) {
                wasm.close();
            }
        }
    }

    /**
     * Instantiates, initialises and describes. A module that fails in this is INVALID_MODULE; the message says where.
     *
     * @param async for procedures and handlers, otherwise for reducers and views
     */
    static ModuleInstance open(WasmModule module, ModuleExports exports, GuestOptions options, boolean async) {
        return new ModuleInstance(module, exports, options, async);
    }

    private WasmInstance instantiate(WasmModule module) {
        try {
            return module.instantiate(guest, limits.memoryBytesMax(), limits.callMillisMax());
        } catch (WasmTrapException | HostCallException e) {
            throw new EngineException(ErrorCode.INVALID_MODULE, "wasm trap while calling \"start\": " + e.getMessage());
        }
    }

    /** All of it together has the time of one call. */
    private ModuleDescription initialise(ModuleExports exports, long start) {
        if (exports.initialize()) {
            runInit(ModuleExports.INITIALIZE, start);
        }
        exports.preinits().forEach(preinit -> runInit(preinit, start));
        if (exports.setup()) {
            wasm.setI32(0, guest.openSink(limits.messageBytesMax()));
            runInit(ModuleExports.SETUP, start);
            int code = wasm.resultI32();
            if (code == RETURN_ERROR) {
                throw invalid("setup function returned an error: " + guest.sink().text());
            }
            if (code != RETURN_OK) {
                throw invalid("wasm trap while calling \"" + ModuleExports.SETUP + "\": unknown return code " + code);
            }
        }
        return describe(start);
    }

    private void runInit(String function, long start) {
        guest.begin(CallContext.outsideTransaction(function));
        long gone = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        try {
            wasm.call(wasm.function(function), Math.max(0, limits.callMillisMax() - gone));
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

    private ModuleDescription describe(long start) {
        wasm.setI32(0, guest.openSink(limits.moduleBytesMax()));
        runInit(ModuleExports.DESCRIBE, start);
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

    /** Whether it is for procedures and handlers; otherwise it is for reducers and views. */
    public boolean isAsync() {
        return async;
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
        begin(context, false);
        try {
            setCallArguments(reducerId, sender, connection, timestampMicros, arguments, limits.messageBytesMax());
            Unwound unwound = enter(callReducer);
            if (unwound != null) {
                return unwound.timedOut()
                        ? new ReducerOutcome.TimedOut()
                        : new ReducerOutcome.Trapped(unwound.kind, unwound.code, unwound.message);
            }
            int code = wasm.resultI32();
            return switch (code) {
                case RETURN_OK -> ReducerOutcome.Committed.INSTANCE;
                case RETURN_ERROR -> new ReducerOutcome.Failed(guest.sink().text());
                default -> new ReducerOutcome.Trapped(TrapKind.OTHER, ErrorCode.GUEST_TRAP, "unknown return code " + code);
            };
        } finally {
            guest.end();
        }
    }

    /**
     * Runs a view.
     *
     * @param context the transaction to read in
     * @param index position among the views of its kind, as its definition says
     * @param sender who asks; empty for an anonymous view
     * @throws EngineException as {@link #callReducer}
     */
    public ViewOutcome callView(CallContext context, int index, Optional<Identity> sender) {
        int function = sender.isPresent() ? callView : callViewAnon;
        if (function == NO_FUNCTION) {
            return new ViewOutcome.Failed(
                    missing("view", context, sender.isPresent() ? ModuleExports.CALL_VIEW : ModuleExports.CALL_VIEW_ANON));
        }
        begin(context, false);
        try {
            wasm.setI32(0, index);
            sender.ifPresent(this::setSender);
            int next = sender.isPresent() ? 5 : 1;
            wasm.setI32(next, 0); // no arguments
            wasm.setI32(next + 1, guest.openSink(limits.calls().resultBytesMax()));
            Unwound unwound = enter(function);
            if (unwound != null) {
                return unwound.timedOut()
                        ? new ViewOutcome.TimedOut()
                        : new ViewOutcome.Trapped(unwound.kind, unwound.code, unwound.message);
            }
            return viewResult(wasm.resultI32(), guest.sink());
        } finally {
            guest.end();
        }
    }

    private static ViewOutcome viewResult(int code, ByteSink sink) {
        return switch (code) {
            case RETURN_OK -> new ViewOutcome.Rows(sink.toByteArray());
            case RETURN_ERROR -> new ViewOutcome.Failed(sink.text());
            case RETURN_VIEW -> {
                int tag = sink.length() == 0 ? -1 : sink.at(0);
                if (tag == 0) {
                    yield new ViewOutcome.Rows(sink.toByteArray(1));
                }
                try {
                    if (tag == 1) {
                        BsatnReader in = new BsatnReader(sink.toByteArray(1));
                        String sql = in.readString();
                        if (in.remaining() == 0) {
                            yield new ViewOutcome.Sql(sql);
                        }
                    }
                } catch (BsatnException e) {
                    yield badView("the result of the view has a damaged header: " + e.getMessage());
                }
                yield badView("the result of the view has a damaged header");
            }
            default -> badView("unknown return code " + code);
        };
    }

    private static ViewOutcome badView(String message) {
        return new ViewOutcome.Trapped(TrapKind.OTHER, ErrorCode.GUEST_TRAP, message);
    }

    /**
     * Runs a procedure. Only on an instance made for this.
     *
     * @param context of a procedure
     * @param procedureId position in the module's definition
     * @param arguments BSATN of the arguments, back to back
     * @throws EngineException as {@link #callReducer}
     */
    public ProcedureOutcome callProcedure(
            CallContext context,
            int procedureId,
            Identity sender,
            ConnectionId connection,
            long timestampMicros,
            byte[] arguments) {
        if (callProcedure == NO_FUNCTION) {
            return new ProcedureOutcome.Trapped(
                    TrapKind.OTHER, ErrorCode.GUEST_TRAP, missing("procedure", context, ModuleExports.CALL_PROCEDURE));
        }
        begin(context, true);
        try {
            setCallArguments(
                    procedureId, sender, connection, timestampMicros, arguments, limits.calls().resultBytesMax());
            Unwound unwound = enterAsync(callProcedure, ModuleExports.CALL_PROCEDURE, "Procedures");
            if (unwound == null) {
                return new ProcedureOutcome.Returned(guest.sink().toByteArray());
            }
            return unwound.timedOut()
                    ? new ProcedureOutcome.TimedOut()
                    : new ProcedureOutcome.Trapped(unwound.kind, unwound.code, unwound.message);
        } finally {
            guest.end();
        }
    }

    /**
     * Runs an HTTP handler. Only on an instance made for this.
     *
     * @param context of a procedure
     * @param handlerId position in the module's definition
     * @param request BSATN of an {@link dev.geodesic.engine.host.http.HttpRequest}
     * @throws EngineException as {@link #callReducer}
     */
    public HandlerOutcome callHttpHandler(
            CallContext context, int handlerId, long timestampMicros, byte[] request, byte[] requestBody) {
        if (callHttpHandler == NO_FUNCTION) {
            return new HandlerOutcome.Trapped(
                    TrapKind.OTHER, ErrorCode.GUEST_TRAP, missing("HTTP handler", context, ModuleExports.CALL_HTTP_HANDLER));
        }
        begin(context, true);
        try {
            wasm.setI32(0, handlerId);
            wasm.setI64(1, timestampMicros);
            wasm.setI32(2, guest.openSource(request));
            wasm.setI32(3, guest.openSource(requestBody));
            wasm.setI32(4, guest.openSink(limits.calls().resultBytesMax()));
            wasm.setI32(5, guest.openSecondSink(limits.calls().resultBytesMax()));
            Unwound unwound = enterAsync(callHttpHandler, ModuleExports.CALL_HTTP_HANDLER, "HTTP handlers");
            if (unwound == null) {
                return new HandlerOutcome.Returned(guest.sink().toByteArray(), guest.secondSink().toByteArray());
            }
            return unwound.timedOut()
                    ? new HandlerOutcome.TimedOut()
                    : new HandlerOutcome.Trapped(unwound.kind, unwound.code, unwound.message);
        } finally {
            guest.end();
        }
    }

    private static String missing(String kind, CallContext context, String export) {
        return "Module defines " + kind + " " + context.function() + " but does not export `" + export + "`";
    }

    private void begin(CallContext context, boolean needsAsync) {
        Invariants.check(!dead, "the instance is dead");
        Invariants.check(async == needsAsync, "the instance is for other calls", "async", async ? 1 : 0);
        guest.begin(context);
    }

    private void setSender(Identity sender) {
        wasm.setI64(1, sender.w0());
        wasm.setI64(2, sender.w1());
        wasm.setI64(3, sender.w2());
        wasm.setI64(4, sender.w3());
    }

    private void setCallArguments(
            int id, Identity sender, ConnectionId connection, long timestampMicros, byte[] arguments, int sinkBytesMax) {
        wasm.setI32(0, id);
        setSender(sender);
        wasm.setI64(5, connection.low());
        wasm.setI64(6, connection.high());
        wasm.setI64(7, timestampMicros);
        wasm.setI32(8, guest.openSource(arguments));
        wasm.setI32(9, guest.openSink(sinkBytesMax));
    }

    /** Runs the guest with the arguments that are set: null if it returned. */
    private Unwound enter(int function) {
        try {
            dead = true; // until the guest has returned
            wasm.call(function, guest.callMillis());
            dead = false;
            return null;
        } catch (WasmTrapException e) {
            releasePanic(e);
            return new Unwound(e.kind(), ErrorCode.GUEST_TRAP, e.getMessage());
        } catch (HostCallException e) {
            releasePanic(e);
            return new Unwound(TrapKind.HOST, e.code(), e.getMessage());
        }
    }

    /** As {@link #enter}, and every code but 0 is the instance's end. */
    private Unwound enterAsync(int function, String export, String kind) {
        Unwound unwound = enter(function);
        int code = unwound == null ? wasm.resultI32() : RETURN_OK;
        if (code == RETURN_OK) {
            return unwound;
        }
        dead = true;
        return new Unwound(TrapKind.OTHER, ErrorCode.GUEST_TRAP,
                "`" + export + "` returned unexpected code " + code + ". " + kind + " should return code 0 or trap.");
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
