package dev.geodesic.engine.procedure;

import dev.geodesic.engine.host.http.HttpResponse;

/**
 * What a call gave that went well.
 *
 * @param <T> the value: BSATN of a procedure's, an {@link Answer} of a handler's
 * @param lastTxOffset of the last transaction that the call may have seen; nobody may see the value before it is as
 *     durable as they want. -1 if it has seen none
 */
public record ProcedureReturn<T>(T value, long lastTxOffset, long durationMicros) {

    /** Response of a handler. */
    public record Answer(HttpResponse response, byte[] body) {
    }
}
