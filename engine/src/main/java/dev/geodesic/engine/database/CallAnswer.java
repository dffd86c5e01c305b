package dev.geodesic.engine.database;

/** How a call ended of what a name stands for: a reducer or a procedure. */
public sealed interface CallAnswer {

    /** Of a reducer. */
    record OfReducer(CallResult result) implements CallAnswer {
    }

    /**
     * The value of a procedure.
     *
     * @param json untyped SATS-JSON
     * @param lastTxOffset of the last transaction that the procedure may have seen, or -1
     */
    record OfProcedure(String json, long lastTxOffset, long durationMicros) implements CallAnswer {
    }
}
