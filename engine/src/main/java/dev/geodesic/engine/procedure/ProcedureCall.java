package dev.geodesic.engine.procedure;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.egress.HeaderField;
import dev.geodesic.engine.egress.HttpEgress;
import dev.geodesic.engine.egress.OutboundCall;
import dev.geodesic.engine.egress.OutboundRequest;
import dev.geodesic.engine.egress.OutboundResponse;
import dev.geodesic.engine.host.ModuleInstance;
import dev.geodesic.engine.host.abi.CallContext;
import dev.geodesic.engine.host.abi.ProcedureHost;
import dev.geodesic.engine.host.http.HttpAnswer;
import dev.geodesic.engine.host.http.HttpHeader;
import dev.geodesic.engine.host.http.HttpRequest;
import dev.geodesic.engine.host.http.HttpResponse;
import dev.geodesic.engine.host.http.HttpVersion;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One call of a procedure or handler while it runs: what the guest asks of its host, and how it is stopped. On the thread
 * that runs the guest, but for {@link #cancel}, {@link #interrupt} and {@link #isOver}.
 */
final class ProcedureCall implements ProcedureHost {

    private static final long LOOK_MILLIS = 1_000;
    /** The clock that stops guests is that much coarser than ours. */
    private static final long CLOCK_MILLIS = 100;

    private final ProcedureDatabase database;
    private final HttpEgress egress;
    private final Limits limits;
    private final ModuleInstance instance;
    private final long startNanos = System.nanoTime();
    /** The last one. */
    private WriterLease lease;
    private long lastTxOffset = -1;
    private volatile boolean cancelled;
    /** Guarded by this. */
    private OutboundCall request;

    ProcedureCall(
            ProcedureDatabase database, HttpEgress egress, Limits limits, ModuleInstance instance) {
        this.database = database;
        this.egress = egress;
        this.limits = limits;
        this.instance = instance;
    }

    CallContext context(String function) {
        return CallContext.procedure(function, this, database::credentials);
    }

    // ---- its end ----

    /** Stops the call soon, whatever it does. Any thread; to be repeated until the call is over. */
    void cancel() {
        OutboundCall open;
        synchronized (this) {
            cancelled = true;
            open = request;
            notifyAll();
        }
        if (open != null) {
            open.cancel();
        }
        interrupt();
    }

    /** Stops the guest if it computes. Any thread. */
    void interrupt() {
        instance.interrupt();
    }

    /** Whether it should have ended. Any thread. */
    boolean isOver() {
        return cancelled || millisLeft() <= 0;
    }

    private long millisLeft() {
        return limits.calls().procedureMillisMax() - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos);
    }

    EngineException over() {
        return new EngineException(ErrorCode.GUEST_TIMEOUT, whyTimedOut());
    }

    /** For the caller of a call that was stopped. */
    String whyTimedOut() {
        if (cancelled) {
            return "the database is stopping";
        }
        if (millisLeft() <= CLOCK_MILLIS) {
            return "it took longer than " + limits.calls().procedureMillisMax() + " ms (limit procedureMillisMax)";
        }
        if (lease != null && lease.wasOverdue()) {
            return "its transaction took longer than " + limits.calls().procedureTransactionMillisMax()
                    + " ms (limit procedureTransactionMillisMax)";
        }
        return "it computed for too long";
    }

    /** Whether it ever had a transaction. */
    boolean hasWritten() {
        return lease != null;
    }

    /** Gives back what the guest has left; on its way out its own side should have done so. */
    void finish() {
        if (lease != null && lease.isOpen()) {
            abort();
        }
    }

    /** Offset of the last transaction that the call may have seen, -1 if it has seen none. */
    long lastTxOffset() {
        return lastTxOffset;
    }

    // ---- what the guest asks ----

    @Override
    public Begun startTx() {
        lease = new WriterLease(database, this, limits.calls().procedureTransactionMillisMax());
        return lease.begin();
    }

    @Override
    public void commit() {
        try {
            lease.commit();
        } catch (EngineException e) {
            // Whatever number it has: the transaction is gone, and no guest expects that of a commit.
            throw e.code() == ErrorCode.INTERNAL || e.code() == ErrorCode.GUEST_TIMEOUT ? e
                    : new EngineException(ErrorCode.GUEST_TRAP, "the transaction could not be committed: " + e.getMessage());
        } finally {
            lastTxOffset = Math.max(lastTxOffset, lease.lastTxOffset());
        }
    }

    @Override
    public void abort() {
        lease.abort();
        lastTxOffset = Math.max(lastTxOffset, lease.lastTxOffset());
    }

    @Override
    public synchronized long sleepUntil(long micros) {
        long now;
        while ((now = database.nowMicros()) < micros && !isOver()) {
            long millis = Math.min(Math.min((micros - now) / 1000 + 1, millisLeft()), LOOK_MILLIS);
            try {
                wait(Math.max(1, millis));
            } catch (InterruptedException e) {
                // Nobody stops the call in this way.
            }
        }
        if (cancelled) {
            throw over();
        }
        return now;
    }

    @Override
    public HttpAnswer http(HttpRequest asked, byte[] body) {
        OutboundCall call = egress.prepare(new OutboundRequest(
                asked.method().name(),
                asked.uri(),
                asked.headers().stream().map(h -> new HeaderField(h.name(), h.value())).toList(),
                body,
                asked.timeoutMicros().isEmpty() ? Optional.empty()
                        : Optional.of(Duration.of(asked.timeoutMicros().getAsLong(), ChronoUnit.MICROS)),
                asked.version().ordinal() <= HttpVersion.HTTP_1_0.ordinal()));
        synchronized (this) {
            if (cancelled) {
                throw over();
            }
            request = call;
        }
        try {
            OutboundResponse response = call.execute();
            return new HttpAnswer.Received(
                    new HttpResponse(
                            response.headers().stream().map(f -> new HttpHeader(f.name(), f.value())).toList(),
                            response.http10() ? HttpVersion.HTTP_1_0 : HttpVersion.HTTP_1_1,
                            response.status()),
                    response.body());
        } catch (EngineException e) {
            if (e.code() != ErrorCode.HTTP_ERROR) {
                throw e;
            }
            if (isOver()) {
                throw over();
            }
            return new HttpAnswer.Failed(e.getMessage());
        } finally {
            synchronized (this) {
                request = null;
            }
        }
    }
}
