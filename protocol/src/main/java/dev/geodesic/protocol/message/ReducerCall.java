package dev.geodesic.protocol.message;

import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;

/**
 * The call behind a transaction.
 *
 * @param timestampMicros since the epoch
 * @param connectionId of the caller, or {@link ConnectionId#NONE}
 * @param reducerName empty for SQL
 * @param reducerId u32, {@link #UNKNOWN_REDUCER} if there is none
 * @param arguments what the caller sent
 * @param requestId the caller's
 * @param energyQuanta u64, informative
 * @param durationMicros time in the host
 * @param started false if the call was refused before it ran (unknown or private reducer, undecodable arguments). v1 then
 *     reports request id 0 and no arguments (spec/websocket.md 5.3).
 */
public record ReducerCall(
        long timestampMicros,
        Identity caller,
        ConnectionId connectionId,
        String reducerName,
        int reducerId,
        EncodedValue arguments,
        int requestId,
        long energyQuanta,
        long durationMicros,
        boolean started) {

    public static final int UNKNOWN_REDUCER = 0xffff_ffff;

    /** The same call with the time that it took. */
    public ReducerCall withDuration(long micros) {
        return new ReducerCall(
                timestampMicros, caller, connectionId, reducerName, reducerId, arguments, requestId, energyQuanta, micros,
                started);
    }

    /** A call that was refused before it ran. */
    public static ReducerCall refused(
            long timestampMicros, Identity caller, ConnectionId connectionId, String reducerName, int reducerId, int requestId) {
        return new ReducerCall(
                timestampMicros, caller, connectionId, reducerName, reducerId, EncodedValue.EMPTY, requestId, 0, 0, false);
    }
}
