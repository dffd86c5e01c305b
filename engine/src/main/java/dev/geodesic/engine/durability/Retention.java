package dev.geodesic.engine.durability;

import java.time.Duration;

/**
 * How much of the past is kept. What a kept snapshot needs is kept with it.
 *
 * @param snapshots newest snapshots that are kept, at least 1
 * @param history every moment of so long ago can be restored; zero: only what the kept snapshots give
 */
public record Retention(int snapshots, Duration history) {

    /** Two snapshots, and a week. */
    public static final Retention DEFAULTS = new Retention(2, Duration.ofDays(7));

    public Retention {
        if (snapshots < 1 || history.isNegative()) {
            throw new IllegalArgumentException("at least one snapshot is kept, and no negative time");
        }
    }
}
