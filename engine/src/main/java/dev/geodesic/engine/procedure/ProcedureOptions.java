package dev.geodesic.engine.procedure;

import dev.geodesic.engine.egress.EgressOptions;

/**
 * How procedures and HTTP handlers run.
 *
 * @param instances of one program that run at the same time
 * @param queueMax calls of one program that wait for an instance
 * @param egress what their requests may reach
 */
public record ProcedureOptions(int instances, int queueMax, EgressOptions egress) {

    private static final int QUEUE_DEFAULT = 256;

    public static final ProcedureOptions DEFAULTS = new ProcedureOptions(
            Math.max(1, Runtime.getRuntime().availableProcessors()), QUEUE_DEFAULT, EgressOptions.DEFAULTS);

    public ProcedureOptions {
        if (instances < 1 || queueMax < 1) {
            throw new IllegalArgumentException("at least one instance and one place in the queue are needed");
        }
    }
}
