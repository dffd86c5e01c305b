package dev.geodesic.engine.host;

import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.runtime.TrapKind;

/** What a guest made of a call (spec/module-abi.md 2.3 and 6). Only after {@link Committed} may the transaction commit. */
public sealed interface ReducerOutcome {

    /** The reducer returned success; the caller commits. */
    record Committed() implements ReducerOutcome {
        public static final Committed INSTANCE = new Committed();
    }

    /** The reducer returned an error, with its text. The instance lives on. */
    record Failed(String message) implements ReducerOutcome {
    }

    /**
     * The guest trapped and its instance is dead, or it returned an unknown code and lives on.
     *
     * @param code LIMIT_EXCEEDED, STORAGE_FAILED and the like if a host function ended the call for such a reason, else
     *     GUEST_TRAP
     * @param message for the log; callers are told no more than that there was a fatal error
     */
    record Trapped(TrapKind kind, ErrorCode code, String message) implements ReducerOutcome {
    }

    /** The call ran longer than {@code callMillisMax} or was interrupted; the instance is dead. */
    record TimedOut() implements ReducerOutcome {
    }
}
