package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.host.http.HttpAnswer;
import dev.geodesic.engine.host.http.HttpRequest;
import dev.geodesic.engine.tx.Transaction;

/**
 * What one call of a procedure or handler may do besides computing (spec/module-abi.md 5.9). Called from the thread that runs
 * the guest, in an order that has been checked: commit and abort with an open transaction only, all else without. Times are
 * microseconds since the Unix epoch.
 *
 * <p>An {@link dev.geodesic.engine.base.EngineException} traps the guest; GUEST_TIMEOUT ends the call as timed out. Every
 * method may block; it should return soon, however it likes, once the call was interrupted.
 */
public interface ProcedureHost {

    /** A transaction and when it began. */
    record Begun(Transaction transaction, long micros) {
    }

    /** Waits for the right to write and opens a transaction. */
    Begun startTx();

    /** Ends the transaction, whether it returns or throws: committed and broadcast, or rolled back. */
    void commit();

    /** Rolls the transaction back. */
    void abort();

    /**
     * Sends a request.
     *
     * @param request its timeout is present and between 0 and 180 s
     */
    HttpAnswer http(HttpRequest request, byte[] body);

    /** Waits until a time, if that is not past. Returns the time then. */
    long sleepUntil(long micros);
}
