package dev.geodesic.engine.egress;

import java.util.List;

/**
 * What an operator lets modules reach.
 *
 * @param allow destinations that may be reached whatever their address
 * @param deny destinations that may not; stronger than {@code allow}
 * @param responseBytesMax body of one response
 */
public record EgressOptions(Mode mode, List<EgressRule> allow, List<EgressRule> deny, int responseBytesMax) {

    /** What may be reached besides {@code allow}. */
    public enum Mode {
        /** Nothing at all may be reached, not even {@code allow}. */
        OFF,
        /** Nothing. */
        LISTED,
        /** Every public address. */
        PUBLIC
    }

    public static final EgressOptions DEFAULTS = new EgressOptions(Mode.PUBLIC, List.of(), List.of(), 32 << 20);

    public EgressOptions {
        allow = List.copyOf(allow);
        deny = List.copyOf(deny);
    }
}
