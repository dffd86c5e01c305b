package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.egress.HttpEgress;
import dev.geodesic.engine.host.http.HttpRequest;
import dev.geodesic.engine.modulelog.ModuleLog;
import dev.geodesic.engine.procedure.ProcedureDatabase;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.engine.procedure.ProcedurePool;
import dev.geodesic.engine.procedure.ProcedureReturn;
import dev.geodesic.engine.schema.HttpHandlerDef;
import dev.geodesic.engine.schema.ProcedureDef;
import dev.geodesic.engine.schema.Visibility;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;

/**
 * Calls of procedures and HTTP handlers, and the programs that run them: the present one, and replaced ones that have
 * something left to do (spec/execution.md section 8). Any thread, except where a method says otherwise.
 */
final class Procedures {

    private final Limits limits;
    private final ProcedureOptions options;
    private final HttpEgress egress;
    private final ThreadFactory guestThreads;
    private final Program program;
    private final ModuleLog log;
    private final ProcedureDatabase database;
    /** Pools with their programs. Guarded by this. */
    private final Map<LoadedModule, ProcedurePool> pools = new IdentityHashMap<>();
    private boolean closed;

    Procedures(
            Limits limits,
            ProcedureOptions options,
            HttpEgress egress,
            ThreadFactory guestThreads,
            Program program,
            ModuleLog log,
            ProcedureDatabase database) {
        this.limits = limits;
        this.options = options;
        this.egress = egress;
        this.guestThreads = guestThreads;
        this.program = program;
        this.log = log;
        this.database = database;
    }

    /** What a database does for its procedures. */
    record Writing(
            Identity identity, Transactor transactor, Catalog catalog, ModuleLog log, Consumer<Writer.Task> writer,
            Consumer<Throwable> onFault) implements ProcedureDatabase {

        @Override
        public void onWriter(WriterTask task) {
            writer.accept(new Writer.Task() {
                @Override
                public void run() {
                    task.run();
                }

                @Override
                public void refuse(EngineException reason) {
                    task.refuse(reason);
                }
            });
        }

        @Override
        public Transaction begin(long timestampMicros) {
            transactor.begin().calledAt(timestampMicros);
            return transactor.tx();
        }

        @Override
        public Optional<EngineException> commit(long timestampMicros) {
            try {
                ClientInfo self = new ClientInfo(identity, ConnectionId.NONE, "");
                transactor.commit(ReducerCalls.noReducer(self, timestampMicros), null);
                return Optional.empty();
            } catch (EngineException e) {
                if (Database.isFatal(e)) {
                    throw e;
                }
                return Optional.of(e);
            }
        }

        @Override
        public void rollback() {
            transactor.rollback();
        }

        @Override
        public long lastTxOffset() {
            return transactor.lastTxOffset();
        }

        @Override
        public Optional<String> credentials(ConnectionId connection) {
            return catalog.jwtPayload(transactor.tx(), connection);
        }

        @Override
        public long nowMicros() {
            return transactor.nowMicros();
        }

        @Override
        public void logError(String function, String text) {
            log.hostError(function, nowMicros(), text);
        }

        @Override
        public void fault(Throwable cause) {
            onFault.accept(cause);
        }
    }

    // ---- calls ----

    /** A procedure that {@code client} may call, by canonical name. Errors: NO_SUCH_PROCEDURE, also for private ones. */
    ProcedureDef callable(String name, ClientInfo client) {
        return program.definition().procedure(name)
                .filter(p -> p.visibility() != Visibility.PRIVATE || client.identity().equals(program.owner()))
                .orElseThrow(() -> {
                    ExternalCalls.unknown(log, "procedure", name);
                    return new EngineException(ErrorCode.NO_SUCH_PROCEDURE, "No such procedure");
                });
    }

    /** Checks arguments; BSATN. Errors: INVALID_ARGUMENTS. */
    byte[] arguments(ProcedureDef procedure, Arguments arguments) {
        try {
            return CallArguments.check(procedure, arguments).bsatn();
        } catch (EngineException e) {
            ExternalCalls.badArguments(log, "procedure", procedure.name());
            throw e;
        }
    }

    /**
     * Calls a procedure of the present program. Writer thread, because only there no other program can come in between.
     *
     * @param arguments BSATN, checked
     * @return as {@link ProcedurePool#call}; completes on any thread
     */
    CompletableFuture<ProcedureReturn<byte[]>> call(
            ProcedureDef procedure, ClientInfo client, long timestampMicros, byte[] arguments) {
        return pool(program.module())
                .map(pool -> pool.call(procedure, client.identity(), client.connection(), timestampMicros, arguments))
                .orElseGet(Procedures::refused);
    }

    /** Has a request answered. Writer thread. Errors: NO_SUCH_ROUTE; through the result as {@link #call}. */
    CompletableFuture<ProcedureReturn<ProcedureReturn.Answer>> handle(String path, HttpRequest request, byte[] body) {
        HttpHandlerDef handler = program.definition().handler(request.method().name(), path)
                .orElseThrow(() -> new EngineException(
                        ErrorCode.NO_SUCH_ROUTE, "Database has not registered a handler for this route"));
        return pool(program.module())
                .map(pool -> pool.handle(handler, database.nowMicros(), request, body))
                .orElseGet(Procedures::refused);
    }

    private static <T> CompletableFuture<T> refused() {
        return CompletableFuture.failedFuture(
                new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped"));
    }

    // ---- programs ----

    private synchronized Optional<ProcedurePool> pool(LoadedModule module) {
        return closed ? Optional.empty() : Optional.of(pools.computeIfAbsent(module, m -> new ProcedurePool(
                m.host(), options, limits, database, egress, guestThreads, () -> drained(m))));
    }

    private void drained(LoadedModule module) {
        boolean replaced;
        synchronized (this) {
            pools.remove(module);
            notifyAll();
            replaced = program.module() != module;
        }
        if (replaced) {
            module.close();
        }
    }

    /** Closes a program that was replaced, now or when its last procedure has ended. Writer thread. */
    void retire(LoadedModule old) {
        ProcedurePool pool;
        synchronized (this) {
            pool = pools.get(old);
        }
        if (pool == null) {
            old.close();
        } else {
            pool.retire();
        }
    }

    /** Takes no more calls and lets those that it has taken end, for a while. The writer must be running. */
    void drain(long deadlineNanos) {
        end().forEach(ProcedurePool::retire);
        synchronized (this) {
            long millis;
            while (!pools.isEmpty() && (millis = (deadlineNanos - System.nanoTime()) / 1_000_000) > 0) {
                try {
                    wait(millis);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    private synchronized List<ProcedurePool> end() {
        closed = true;
        return List.copyOf(pools.values());
    }

    /** Stops all calls soon; takes no others. */
    void stop() {
        end().forEach(ProcedurePool::stop);
    }

    /** Stops all calls and waits for their end, while the writer still runs. */
    void close() {
        end().forEach(ProcedurePool::close);
    }
}
