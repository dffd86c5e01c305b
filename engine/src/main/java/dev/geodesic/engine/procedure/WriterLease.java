package dev.geodesic.engine.procedure;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.abi.ProcedureHost;
import dev.geodesic.engine.tx.Transaction;
import java.util.concurrent.TimeUnit;

/**
 * The writer, lent for one transaction.
 *
 * <pre>
 *   WAITING ──► LENT ──► COMMITTING | ABORTING ──► ENDED
 *      └──► GIVEN_UP: whoever waited is gone         └──► ENDED also if refused
 * </pre>
 *
 * In LENT, and only then, the transaction belongs to the borrower's thread, and the writer waits. It does not wait for ever:
 * from the deadline on the borrower is interrupted until it lets go, and a thread that has died has let go.
 */
final class WriterLease implements ProcedureDatabase.WriterTask {

    private enum State { WAITING, LENT, COMMITTING, ABORTING, ENDED, GIVEN_UP }

    private static final long LOOK_MILLIS = 50;

    private final ProcedureDatabase database;
    private final ProcedureCall call;
    private final Thread borrower = Thread.currentThread();
    private final long millisMax;
    /* Guarded by this. */
    private State state = State.WAITING;
    private ProcedureHost.Begun begun;
    private long lastTxOffset = -1;
    private EngineException refusal;
    private boolean overdue;

    WriterLease(ProcedureDatabase database, ProcedureCall call, long millisMax) {
        this.database = database;
        this.call = call;
        this.millisMax = millisMax;
    }

    // ---- the borrower's thread ----

    /** Waits for the writer. Errors: GUEST_TIMEOUT if the call is over meanwhile; why the writer refuses. */
    ProcedureHost.Begun begin() {
        database.onWriter(this);
        synchronized (this) {
            while (state == State.WAITING && !call.isOver()) {
                await();
            }
            if (state == State.WAITING) {
                state = State.GIVEN_UP;
                throw call.over();
            }
            if (refusal != null) {
                throw refusal;
            }
            return begun;
        }
    }

    /** Commits and broadcasts. Errors: why the transaction was rolled back instead. */
    void commit() {
        give(State.COMMITTING);
    }

    /** Rolls back. */
    void abort() {
        give(State.ABORTING);
    }

    private synchronized void give(State next) {
        if (state == State.LENT) {
            state = next;
            notifyAll();
        }
        // The writer is at it: nothing can keep it from ending.
        while (state == State.COMMITTING || state == State.ABORTING) {
            await();
        }
        if (next == State.COMMITTING && refusal != null) {
            throw refusal;
        }
    }

    synchronized boolean isOpen() {
        return state == State.LENT;
    }

    /** Whether the deadline passed while the transaction was lent. */
    synchronized boolean wasOverdue() {
        return overdue;
    }

    /** Offset of the last transaction that the borrower may have seen. */
    synchronized long lastTxOffset() {
        return lastTxOffset;
    }

    // ---- the writer ----

    @Override
    public void run() {
        State wanted;
        synchronized (this) {
            if (state != State.WAITING) {
                return;
            }
            long micros = database.nowMicros();
            Transaction tx;
            try {
                tx = database.begin(micros);
            } catch (Throwable e) {
                end(new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped"));
                throw e;
            }
            begun = new ProcedureHost.Begun(tx, micros);
            lastTxOffset = database.lastTxOffset();
            state = State.LENT;
            notifyAll();
            awaitReturn();
            wanted = state;
        }
        // From here on the borrower waits for ENDED.
        EngineException failure = new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped");
        try {
            if (wanted == State.COMMITTING) {
                failure = database.commit(begun.micros()).orElse(null);
            } else {
                database.rollback();
                failure = null;
            }
        } finally {
            synchronized (this) {
                lastTxOffset = Math.max(lastTxOffset, database.lastTxOffset());
                end(failure);
            }
        }
    }

    private void awaitReturn() {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millisMax);
        while (state == State.LENT) {
            await();
            if (state == State.LENT) {
                overdue |= System.nanoTime() - deadline >= 0;
                if (!borrower.isAlive()) {
                    state = State.ABORTING;
                } else if (overdue || call.isOver()) {
                    call.interrupt();
                }
            }
        }
    }

    private void end(EngineException failure) {
        refusal = failure;
        state = State.ENDED;
        notifyAll();
    }

    @Override
    public synchronized void refuse(EngineException reason) {
        if (state == State.WAITING) {
            end(reason);
        }
    }

    /** Waits for a notice, and not long. Nobody stops these threads by interrupting them. */
    private void await() {
        try {
            wait(LOOK_MILLIS);
        } catch (InterruptedException e) {
            // The caller looks again.
        }
    }
}
