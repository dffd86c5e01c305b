package dev.geodesic.engine.durability;

import dev.geodesic.engine.port.DiskSpace;
import java.time.Duration;

/**
 * When the disk is too full (docs/operating.md, "When the disk runs full").
 *
 * @param space of the data directory
 * @param warnBytes below this the operator is warned, and what can wait is not begun
 * @param stopBytes below this nothing new is written. A quarter of it is kept for connections that end; the rest for deletions
 *     and connections
 * @param interval between two looks
 */
public record DiskOptions(DiskSpace space, long warnBytes, long stopBytes, Duration interval) {

    public static final Duration INTERVAL = Duration.ofSeconds(2);

    public DiskOptions {
        if (stopBytes < 0 || warnBytes < stopBytes || !interval.isPositive()) {
            throw new IllegalArgumentException("the disk is watched in an interval, and the warning comes before the stop");
        }
    }
}
