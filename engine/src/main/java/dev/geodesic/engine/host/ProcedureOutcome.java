package dev.geodesic.engine.host;

import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.runtime.TrapKind;

/** What came of a procedure (spec/module-abi.md 2.3 and 6). No transaction is open any more. */
public sealed interface ProcedureOutcome {

    /**
     * The procedure's value, not yet checked.
     *
     * @param value BSATN
     */
    record Returned(byte[] value) implements ProcedureOutcome {
    }

    /**
     * It trapped or returned a code that is none and the instance is dead, or it cannot be called at all.
     *
     * @param code as in {@link ReducerOutcome.Trapped}
     * @param message for the caller
     */
    record Trapped(TrapKind kind, ErrorCode code, String message) implements ProcedureOutcome {
    }

    /** A limit of time has passed or the call was interrupted; the instance is dead. */
    record TimedOut() implements ProcedureOutcome {
    }
}
