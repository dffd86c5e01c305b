package dev.geodesic.engine.host;

import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.runtime.TrapKind;

/** What came of an HTTP handler (spec/module-abi.md 2.3 and 6). No transaction is open any more. */
public sealed interface HandlerOutcome {

    /**
     * A response, not yet checked.
     *
     * @param response BSATN of an {@link dev.geodesic.engine.host.http.HttpResponse}
     */
    record Returned(byte[] response, byte[] body) implements HandlerOutcome {
    }

    /** As {@link ProcedureOutcome.Trapped}. */
    record Trapped(TrapKind kind, ErrorCode code, String message) implements HandlerOutcome {
    }

    /** As {@link ProcedureOutcome.TimedOut}. */
    record TimedOut() implements HandlerOutcome {
    }
}
