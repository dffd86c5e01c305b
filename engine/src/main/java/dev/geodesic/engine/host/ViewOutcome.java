package dev.geodesic.engine.host;

import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.runtime.TrapKind;

/** What a view gave (spec/module-abi.md 2.3). */
public sealed interface ViewOutcome {

    /**
     * Rows, not yet checked.
     *
     * @param array BSATN: a u32 count, then that many row products, and nothing behind them
     */
    record Rows(byte[] array) implements ViewOutcome {
    }

    /** A SELECT to run in the view's stead; blank for no rows. */
    record Sql(String text) implements ViewOutcome {
    }

    /** The view returned an error, or cannot be called at all. The instance lives on. */
    record Failed(String message) implements ViewOutcome {
    }

    /** As {@link ReducerOutcome.Trapped}; a result that is none counts as an unknown code. */
    record Trapped(TrapKind kind, ErrorCode code, String message) implements ViewOutcome {
    }

    /** As {@link ReducerOutcome.TimedOut}. */
    record TimedOut() implements ViewOutcome {
    }
}
