package dev.geodesic.protocol.message;

import java.util.List;

/** How a reducer call ended. */
public sealed interface ReducerOutcome {

    /** Text for a call that used up its energy, where the protocol has no case of its own for it. */
    String OUT_OF_ENERGY_TEXT = "reducer ran out of energy";

    /**
     * @param returnValue BSATN; empty for ordinary reducers, which clients assert
     * @param querySets what the caller itself sees of the transaction
     */
    record Committed(byte[] returnValue, List<QuerySetUpdate> querySets) implements ReducerOutcome {

        private static final byte[] NOTHING = {};

        public Committed(List<QuerySetUpdate> querySets) {
            this(NOTHING, querySets);
        }
    }

    /** The reducer returned an error. */
    record Failed(String error) implements ReducerOutcome {
    }

    /** Trap, host error, undecodable arguments, unknown or forbidden reducer. */
    record InternalError(String error) implements ReducerOutcome {
    }

    record OutOfEnergy() implements ReducerOutcome {
    }
}
