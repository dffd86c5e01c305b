package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.host.ReducerOutcome;
import dev.geodesic.engine.host.runtime.TrapKind;
import dev.geodesic.engine.modulelog.ModuleLog;
import dev.geodesic.engine.schema.ReducerDef;
import dev.geodesic.engine.schema.Visibility;
import dev.geodesic.engine.subscription.Subscriber;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.sats.ConnectionId;
import java.util.List;
import java.util.function.Consumer;

/** Calls of reducers, each in a transaction of its own (spec/execution.md section 2). Writer thread. */
final class ReducerCalls {

    static final Runnable NOTHING = () -> { };

    private final Limits limits;
    private final Transactor transactor;
    private final Catalog catalog;
    private final ModuleLog log;
    private final Program program;

    ReducerCalls(Limits limits, Transactor transactor, Catalog catalog, ModuleLog log, Program program) {
        this.limits = limits;
        this.transactor = transactor;
        this.catalog = catalog;
        this.log = log;
        this.program = program;
    }

    /**
     * A reducer that {@code client} may call, by canonical name.
     *
     * @throws EngineException NO_SUCH_REDUCER, also for private ones; LIFECYCLE_REDUCER
     */
    ReducerDef callable(String name, ClientInfo client) {
        ReducerDef reducer = program.definition().reducer(name).orElse(null);
        if (reducer == null) {
            ExternalCalls.unknown(log, "reducer", name);
            throw new EngineException(ErrorCode.NO_SUCH_REDUCER, "no such reducer");
        }
        if (reducer.lifecycle().isPresent()) {
            throw new EngineException(
                    ErrorCode.LIFECYCLE_REDUCER,
                    "can't directly call special " + reducer.lifecycle().get().text() + " lifecycle reducer");
        }
        if (reducer.visibility() == Visibility.PRIVATE && !client.identity().equals(program.owner())) {
            throw new EngineException(ErrorCode.NO_SUCH_REDUCER, "no such reducer");
        }
        return reducer;
    }

    /** Checks arguments. Errors: INVALID_ARGUMENTS. */
    CallArguments arguments(ReducerDef reducer, Arguments arguments, boolean v1) {
        try {
            return CallArguments.check(reducer, arguments, v1);
        } catch (EngineException e) {
            ExternalCalls.badArguments(log, "reducer", reducer.name());
            throw e;
        }
    }

    static ReducerCall cause(ClientInfo client, ReducerDef reducer, long timestamp, EncodedValue arguments, int requestId) {
        return new ReducerCall(
                timestamp, client.identity(), client.connection(), reducer.name(), reducer.id(), arguments, requestId, 0, 0,
                true);
    }

    /** A cause for messages of protocol version 1, where nothing was called. */
    static ReducerCall noReducer(ClientInfo client, long timestamp) {
        return new ReducerCall(
                timestamp, client.identity(), ConnectionId.NONE, "", ReducerCall.UNKNOWN_REDUCER, EncodedValue.EMPTY, 0, 0,
                0, true);
    }

    CallResult run(ReducerDef reducer, ClientInfo client, byte[] arguments, ReducerCall cause) {
        return run(reducer, client, arguments, cause, null, NOTHING, NOTHING, updates -> { });
    }

    /**
     * Runs a reducer. {@code before} and {@code after} work in the same transaction.
     *
     * @param caller subscriber that gets its part of the transaction through {@code updates}, or null
     * @throws EngineException what {@code before} and {@code after} throw; INTERNAL and STORAGE_FAILED stop the database
     */
    CallResult run(
            ReducerDef reducer,
            ClientInfo client,
            byte[] arguments,
            ReducerCall cause,
            Subscriber caller,
            Runnable before,
            Runnable after,
            Consumer<List<QuerySetUpdate>> updates) {
        long start = System.nanoTime();
        transactor.begin();
        ReducerOutcome outcome;
        try {
            before.run();
            outcome = program.module().call(transactor.tx(), reducer, client, cause.timestampMicros(), arguments,
                    c -> catalog.jwtPayload(transactor.tx(), c));
            if (outcome instanceof ReducerOutcome.Committed) {
                after.run();
            }
        } catch (OutOfMemoryError e) {
            transactor.rollback();
            outcome = new ReducerOutcome.Trapped(TrapKind.HOST, ErrorCode.LIMIT_EXCEEDED, Transactor.OUT_OF_MEMORY);
        } catch (Throwable e) {
            transactor.rollback();
            throw e;
        }
        if (outcome instanceof ReducerOutcome.Committed) {
            return commit(reducer, cause, caller, start, updates);
        }
        transactor.rollback();
        return switch (outcome) {
            case ReducerOutcome.Failed failed -> {
                log.hostError(reducer.name(), cause.timestampMicros(), failed.message());
                yield new CallResult.Failed(failed.message(), micros(start));
            }
            case ReducerOutcome.TimedOut timedOut -> {
                log.hostError(reducer.name(), Database.now(), "the call took longer than " + limits.callMillisMax() + " ms");
                yield new CallResult.TimedOut(micros(start));
            }
            case ReducerOutcome.Trapped trapped -> {
                log.hostError(reducer.name(), Database.now(), trapped.message());
                if (trapped.code() == ErrorCode.LIMIT_EXCEEDED) {
                    yield new CallResult.Refused(trapped.code(), trapped.message(), micros(start));
                }
                yield new CallResult.Trapped(CallResult.FATAL_ERROR, micros(start));
            }
            case ReducerOutcome.Committed done -> throw new IllegalStateException();
        };
    }

    private CallResult commit(
            ReducerDef reducer, ReducerCall cause, Subscriber caller, long start, Consumer<List<QuerySetUpdate>> updates) {
        try {
            updates.accept(transactor.commit(cause.withDuration(micros(start)), caller));
        } catch (EngineException e) {
            if (Database.isFatal(e)) {
                throw e;
            }
            // Not the reducer's fault but, say, that of a view which reads what it wrote (spec/execution.md 6.4).
            log.hostError(reducer.name(), Database.now(), e.getMessage());
            return switch (e.code()) {
                case GUEST_TIMEOUT -> new CallResult.TimedOut(micros(start));
                case DISK_FULL, LIMIT_EXCEEDED -> new CallResult.Refused(e.code(), e.getMessage(), micros(start));
                default -> new CallResult.Trapped(e.getMessage(), micros(start));
            };
        }
        return new CallResult.Committed(transactor.lastTxOffset(), micros(start));
    }

    static long micros(long startNanos) {
        return (System.nanoTime() - startNanos) / 1000;
    }
}
