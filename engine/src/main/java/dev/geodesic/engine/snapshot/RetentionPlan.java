package dev.geodesic.engine.snapshot;

import dev.geodesic.engine.durability.Retention;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/**
 * What is kept of the snapshots and the log of a database.
 *
 * @param snapshots offsets of the kept snapshots
 * @param logFrom first transaction of the log that is kept
 */
record RetentionPlan(Set<Long> snapshots, long logFrom) {

    /** Within the history a snapshot is kept for each part of it, so that its oldest one can be replaced one day. */
    private static final int PARTS = 4;

    /**
     * A state from which the log goes on.
     *
     * @param offset number of transactions in it
     * @param timeMicros when the last of them was committed
     */
    record Point(long offset, long timeMicros) {

        /** The empty state. */
        static final Point BEGINNING = new Point(0, 0);
    }

    /**
     * Of points p(0) to p(n), always kept: the newest ones, as many as is set; the newest one that is as old as the history,
     * or the oldest; between them enough for no two neighbours to be further apart than a part of the history, as far as there
     * are; all that are pinned; the log from the oldest on.
     *
     * <p>At most one point goes for its age at a time. As many become too old as are taken, in the long run, and so a clock that
     * is wrong by years costs a part of the history for each snapshot that is taken meanwhile, and not all at once.
     *
     * @param points oldest first, at least one; the empty state is one of them if the log goes back to it
     * @param pinned nothing from this offset on is deleted
     */
    static RetentionPlan of(List<Point> points, Retention retention, long nowMicros, long pinned) {
        long history = TimeUnit.MILLISECONDS.toMicros(retention.history().toMillis());
        int newest = Math.max(0, points.size() - retention.snapshots());
        int oldest = Math.min(newest, history == 0 ? newest : Math.min(1, base(points, nowMicros - history)));
        List<Point> kept = new ArrayList<>();
        kept.add(points.get(oldest));
        for (int i = oldest + 1; i < points.size(); i++) {
            if (i >= newest || points.get(i).offset() >= pinned
                    || points.get(i + 1).timeMicros() - kept.getLast().timeMicros() > history / PARTS) {
                kept.add(points.get(i));
            }
        }
        Set<Long> offsets = new TreeSet<>();
        kept.forEach(p -> offsets.add(p.offset()));
        points.stream().filter(p -> p.offset() >= pinned).forEach(p -> offsets.add(p.offset()));
        return new RetentionPlan(offsets, Math.min(kept.getFirst().offset(), pinned));
    }

    /** Position of the newest point that is so old, or of the oldest. */
    private static int base(List<Point> points, long timeMicros) {
        int base = 0;
        while (base + 1 < points.size() && points.get(base + 1).timeMicros() <= timeMicros) {
            base++;
        }
        return base;
    }
}
