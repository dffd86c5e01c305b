package dev.geodesic.engine.database;

import dev.geodesic.engine.base.ErrorCode;

/**
 * How a reducer call ended that could be started. Calls that could not are errors with their code.
 */
public sealed interface CallResult {

    /** What callers learn of a trap; the details go to the module's log. */
    String FATAL_ERROR = "The instance encountered a fatal error.";

    /** Time in the host. */
    long durationMicros();

    /** @param txOffset of the transaction; of the last one before it if nothing changed */
    record Committed(long txOffset, long durationMicros) implements CallResult {
    }

    /** The reducer returned an error; nothing changed. */
    record Failed(String message, long durationMicros) implements CallResult {
    }

    /** The guest trapped, or the host could not carry the call out; nothing changed. */
    record Trapped(String message, long durationMicros) implements CallResult {
    }

    /**
     * The call needed more than it, its database or the server may have; nothing changed.
     *
     * @param code LIMIT_EXCEEDED or DISK_FULL
     * @param message for the caller: limit and setting
     */
    record Refused(ErrorCode code, String message, long durationMicros) implements CallResult {
    }

    /** The call ran into its deadline; nothing changed. */
    record TimedOut(long durationMicros) implements CallResult {
    }
}
