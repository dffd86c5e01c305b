package dev.geodesic.engine.query.parse;

/** A comparison. */
public enum Operator {
    EQUAL("=", 0b010),
    NOT_EQUAL("<>", 0b101),
    LESS("<", 0b001),
    LESS_OR_EQUAL("<=", 0b011),
    GREATER(">", 0b100),
    GREATER_OR_EQUAL(">=", 0b110);

    private final String symbol;
    /** Bit 0: left is smaller; bit 1: equal; bit 2: left is greater. */
    private final int accepted;

    Operator(String symbol, int accepted) {
        this.symbol = symbol;
        this.accepted = accepted;
    }

    public String symbol() {
        return symbol;
    }

    /** Whether the comparison holds, given the sign of left compared with right. */
    public boolean accepts(int comparison) {
        return (accepted >> (Integer.signum(comparison) + 1) & 1) != 0;
    }

    /** The operator that holds where this one does not. */
    public Operator negated() {
        return switch (this) {
            case EQUAL -> NOT_EQUAL;
            case NOT_EQUAL -> EQUAL;
            case LESS -> GREATER_OR_EQUAL;
            case LESS_OR_EQUAL -> GREATER;
            case GREATER -> LESS_OR_EQUAL;
            case GREATER_OR_EQUAL -> LESS;
        };
    }

    /** The operator that says the same with the operands swapped. */
    public Operator swapped() {
        return switch (this) {
            case EQUAL, NOT_EQUAL -> this;
            case LESS -> GREATER;
            case LESS_OR_EQUAL -> GREATER_OR_EQUAL;
            case GREATER -> LESS;
            case GREATER_OR_EQUAL -> LESS_OR_EQUAL;
        };
    }
}
