package dev.geodesic.protocol.message;

/** How a procedure call ended. */
public sealed interface ProcedureOutcome {

    /** Text for a call that used up its energy, where the protocol has no case of its own for it. */
    String OUT_OF_ENERGY_TEXT = "procedure ran out of energy";

    record Returned(EncodedValue value) implements ProcedureOutcome {
    }

    record InternalError(String error) implements ProcedureOutcome {
    }

    record OutOfEnergy() implements ProcedureOutcome {
    }
}
