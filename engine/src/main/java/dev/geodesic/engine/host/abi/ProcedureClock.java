package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.base.Limits;
import java.util.concurrent.TimeUnit;

/**
 * The time of one call of a procedure or handler: all of it counts for the procedure, what it does not wait for counts as
 * the guest's, and a transaction has its own.
 */
final class ProcedureClock {

    private final Limits limits;
    private final long start = System.nanoTime();
    private long waited;
    private long transactionStart;
    private boolean inTransaction;

    ProcedureClock(Limits limits) {
        this.limits = limits;
    }

    static long now() {
        return System.nanoTime();
    }

    /** The guest did not run from a time until now. */
    void waitedSince(long since) {
        waited += now() - since;
    }

    void beginTransaction() {
        inTransaction = true;
        transactionStart = now();
    }

    void endTransaction() {
        inTransaction = false;
    }

    /** Until the procedure must be over. */
    long millisLeft() {
        return Math.max(0, limits.calls().procedureMillisMax() - TimeUnit.NANOSECONDS.toMillis(now() - start));
    }

    /** Until the guest is stopped, if it does not wait. */
    long guestMillisLeft() {
        long now = now();
        long left = Math.min(millisLeft(), limits.callMillisMax() - TimeUnit.NANOSECONDS.toMillis(now - start - waited));
        if (inTransaction) {
            left = Math.min(left,
                    limits.calls().procedureTransactionMillisMax() - TimeUnit.NANOSECONDS.toMillis(now - transactionStart));
        }
        return Math.max(0, left);
    }
}
