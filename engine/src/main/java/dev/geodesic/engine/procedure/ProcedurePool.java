package dev.geodesic.engine.procedure;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.egress.HttpEgress;
import dev.geodesic.engine.host.HandlerOutcome;
import dev.geodesic.engine.host.ModuleHost;
import dev.geodesic.engine.host.ModuleInstance;
import dev.geodesic.engine.host.ProcedureOutcome;
import dev.geodesic.engine.host.http.HttpRequest;
import dev.geodesic.engine.host.http.HttpResponse;
import dev.geodesic.engine.schema.HttpHandlerDef;
import dev.geodesic.engine.schema.ProcedureDef;
import dev.geodesic.sats.Bsatn;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadFactory;

/**
 * The instances of one program that run its procedures and HTTP handlers. Each has a thread, made when there is work for it
 * and gone after a while without; a call has the instance to itself. Calls wait in a bounded queue. Any thread.
 *
 * <p>A pool is open, then retired (what it has accepted still runs), or closed (everything is stopped).
 */
public final class ProcedurePool implements AutoCloseable {

    private static final long IDLE_MILLIS = 30_000;
    private static final long LOOK_MILLIS = 50;
    /** What a call fails with (spec/execution.md 8.1). */
    public static final String FATAL = "The module instance encountered a fatal error: ";

    private final ModuleHost module;
    private final ProcedureOptions options;
    private final Limits limits;
    private final ProcedureDatabase database;
    private final HttpEgress egress;
    private final ThreadFactory threads;
    private final Runnable drained;
    /* Guarded by this. */
    private final Queue<Job<?>> queue = new ArrayDeque<>();
    private final Set<ProcedureCall> running = new HashSet<>();
    /** Threads that take jobs. */
    private int workers;
    private int idle;
    /** Threads that may hold an instance. */
    private int alive;
    private boolean draining;
    private boolean isDrained;
    private boolean retired;
    private boolean closed;

    /**
     * @param threads makes threads for guests
     * @param drained runs once, when a retired or closed pool has given back its last instance
     */
    public ProcedurePool(
            ModuleHost module,
            ProcedureOptions options,
            Limits limits,
            ProcedureDatabase database,
            HttpEgress egress,
            ThreadFactory threads,
            Runnable drained) {
        this.module = module;
        this.options = options;
        this.limits = limits;
        this.database = database;
        this.egress = egress;
        this.threads = threads;
        this.drained = drained;
    }

    /** A call and who waits for it. */
    private abstract class Job<T> {

        private final String function;
        private final CompletableFuture<ProcedureReturn<T>> result = new CompletableFuture<>();

        Job(String function) {
            this.function = function;
        }

        /** Errors: PROCEDURE_FAILED, GUEST_TIMEOUT. */
        abstract T run(ModuleInstance instance, ProcedureCall call);

        void fail(EngineException e) {
            result.completeExceptionally(e);
        }
    }

    /**
     * Calls a procedure.
     *
     * @param arguments BSATN, checked
     * @return completes with BSATN of the return type, or exceptionally: PROCEDURE_FAILED, GUEST_TIMEOUT with the text for
     *     the caller; LIMIT_EXCEEDED if too many calls wait; DATABASE_STOPPED if the pool is not open; INTERNAL
     */
    public CompletableFuture<ProcedureReturn<byte[]>> call(
            ProcedureDef procedure, Identity sender, ConnectionId connection, long timestampMicros, byte[] arguments) {
        return submit(new Job<>(procedure.name()) {
            @Override
            byte[] run(ModuleInstance instance, ProcedureCall call) {
                return switch (instance.callProcedure(
                        call.context(procedure.name()), procedure.id(), sender, connection, timestampMicros, arguments)) {
                    case ProcedureOutcome.Returned returned -> checked(procedure, returned.value());
                    case ProcedureOutcome.Trapped trapped -> throw failed(trapped.message());
                    case ProcedureOutcome.TimedOut timedOut -> throw timedOut(call);
                };
            }
        });
    }

    private static byte[] checked(ProcedureDef procedure, byte[] value) {
        try {
            Bsatn.check(procedure.returnType(), value, 0, value.length);
            return value;
        } catch (BsatnException e) {
            throw failed("the return value is not of the declared type: " + e.getMessage());
        }
    }

    /** Calls a handler. Results and errors as {@link #call}. */
    public CompletableFuture<ProcedureReturn<ProcedureReturn.Answer>> handle(
            HttpHandlerDef handler, long timestampMicros, HttpRequest request, byte[] body) {
        return submit(new Job<>(handler.name()) {
            @Override
            ProcedureReturn.Answer run(ModuleInstance instance, ProcedureCall call) {
                return switch (instance.callHttpHandler(
                        call.context(handler.name()), handler.id(), timestampMicros, request.encode(), body)) {
                    case HandlerOutcome.Returned returned -> answer(returned);
                    case HandlerOutcome.Trapped trapped -> throw failed(trapped.message());
                    case HandlerOutcome.TimedOut timedOut -> throw timedOut(call);
                };
            }
        });
    }

    private static ProcedureReturn.Answer answer(HandlerOutcome.Returned returned) {
        try {
            return new ProcedureReturn.Answer(HttpResponse.decode(returned.response()), returned.body());
        } catch (BsatnException e) {
            throw failed("the response is malformed: " + e.getMessage());
        }
    }

    private static EngineException failed(String why) {
        return new EngineException(ErrorCode.PROCEDURE_FAILED, FATAL + why);
    }

    private static EngineException timedOut(ProcedureCall call) {
        return new EngineException(ErrorCode.GUEST_TIMEOUT, FATAL + call.whyTimedOut());
    }

    // ---- queue and workers ----

    private <T> CompletableFuture<ProcedureReturn<T>> submit(Job<T> job) {
        Thread worker = null;
        synchronized (this) {
            if (retired) {
                job.fail(new EngineException(ErrorCode.DATABASE_STOPPED, "the database is stopping"));
                return job.result;
            }
            if (idle <= queue.size() && workers == options.instances() && queue.size() >= options.queueMax()) {
                job.fail(new EngineException(ErrorCode.LIMIT_EXCEEDED, "more than " + options.queueMax()
                        + " calls wait for an instance (limit procedureQueueMax)"));
                return job.result;
            }
            queue.add(job);
            if (idle >= queue.size()) {
                notify();
            } else if (workers < options.instances()) {
                workers++;
                alive++;
                worker = threads.newThread(this::work);
            }
        }
        if (worker != null) {
            start(worker, job);
        }
        return job.result;
    }

    private void start(Thread worker, Job<?> job) {
        worker.setName("procedure-" + worker.threadId());
        worker.setDaemon(true);
        try {
            worker.start();
        } catch (OutOfMemoryError e) {
            // Another worker may already have taken the job; if not, nobody can be counted on.
            boolean waits;
            synchronized (this) {
                workers--;
                waits = queue.remove(job);
            }
            if (waits) {
                job.fail(new EngineException(ErrorCode.LIMIT_EXCEEDED, "no thread can be started for the call"));
            }
            workerEnded();
        }
    }

    private void work() {
        ModuleInstance instance = null;
        boolean counted = true;
        try {
            Job<?> job;
            while ((job = next()) != null) {
                if (instance == null) {
                    try {
                        instance = module.newAsyncInstance();
                    } catch (Throwable e) {
                        job.fail(failed(e.getMessage()));
                        database.logError(job.function, String.valueOf(e.getMessage()));
                        continue;
                    }
                }
                run(job, instance);
                if (instance.isDead()) {
                    instance.close();
                    instance = null;
                }
            }
            counted = false;
        } finally {
            synchronized (this) {
                workers -= counted ? 1 : 0;
            }
            if (instance != null) {
                instance.close();
            }
            workerEnded();
        }
    }

    /** The next job; null if there was none for long, or will be none. */
    private synchronized Job<?> next() {
        long end = System.nanoTime() + IDLE_MILLIS * 1_000_000;
        while (queue.isEmpty()) {
            long millisLeft = (end - System.nanoTime()) / 1_000_000;
            if (retired || millisLeft <= 0) {
                workers--;
                return null;
            }
            idle++;
            try {
                wait(millisLeft);
            } catch (InterruptedException e) {
                // Nobody stops these threads in this way.
            } finally {
                idle--;
            }
        }
        return queue.poll();
    }

    private <T> void run(Job<T> job, ModuleInstance instance) {
        ProcedureCall call = new ProcedureCall(database, egress, limits, instance);
        synchronized (this) {
            if (closed) {
                job.fail(new EngineException(ErrorCode.DATABASE_STOPPED, "the database is stopping"));
                return;
            }
            running.add(call);
        }
        long start = System.nanoTime();
        try {
            T value;
            try {
                value = job.run(instance, call);
            } finally {
                call.finish();
                synchronized (this) {
                    running.remove(call);
                }
            }
            job.result.complete(new ProcedureReturn<>(value, call.lastTxOffset(), (System.nanoTime() - start) / 1000));
        } catch (EngineException e) {
            if (e.code() == ErrorCode.INTERNAL) {
                database.fault(e);
            } else {
                database.logError(job.function, e.getMessage());
            }
            job.fail(e);
        } catch (Throwable e) {
            instance.close();
            if (call.hasWritten() || !(e instanceof VirtualMachineError)) {
                database.fault(e);
            }
            job.fail(new EngineException(ErrorCode.INTERNAL, "internal error", e));
        }
    }

    private void workerEnded() {
        synchronized (this) {
            alive--;
        }
        drainIfEmpty();
    }

    private void drainIfEmpty() {
        synchronized (this) {
            if (!retired || alive > 0 || draining) {
                return;
            }
            draining = true;
        }
        try {
            drained.run();
        } finally {
            synchronized (this) {
                isDrained = true;
                notifyAll();
            }
        }
    }

    // ---- the end ----

    /** Takes no more calls; those that it has taken run to their end, on the old program. */
    public void retire() {
        synchronized (this) {
            retired = true;
            notifyAll();
        }
        drainIfEmpty();
    }

    /** Stops everything soon, without waiting for it. */
    public void stop() {
        List<Job<?>> waiting;
        List<ProcedureCall> calls;
        synchronized (this) {
            retired = true;
            closed = true;
            waiting = new ArrayList<>(queue);
            queue.clear();
            calls = new ArrayList<>(running);
            notifyAll();
        }
        waiting.forEach(job -> job.fail(new EngineException(ErrorCode.DATABASE_STOPPED, "the database is stopping")));
        calls.forEach(ProcedureCall::cancel);
    }

    /** Stops everything and waits for it. The writer must still be running. */
    @Override
    public void close() {
        boolean interrupted = false;
        while (true) {
            stop();
            drainIfEmpty();
            synchronized (this) {
                if (isDrained) {
                    break;
                }
                try {
                    wait(LOOK_MILLIS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
