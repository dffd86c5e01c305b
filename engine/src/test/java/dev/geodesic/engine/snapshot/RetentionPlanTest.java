package dev.geodesic.engine.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.snapshot.RetentionPlan.Point;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Snapshots are named by their offsets, which are hours as well. */
class RetentionPlanTest {

    private static final long HOUR = 3_600_000_000L;

    private static Point at(long hour) {
        return new Point(hour, hour * HOUR);
    }

    private static RetentionPlan plan(int snapshots, int historyHours, long nowHour, long pinned, Point... points) {
        return RetentionPlan.of(
                List.of(points), new Retention(snapshots, Duration.ofHours(historyHours)), nowHour * HOUR, pinned);
    }

    private static Set<Long> set(Long... offsets) {
        return new TreeSet<>(Arrays.asList(offsets));
    }

    @Test
    void withoutAHistoryOnlyTheNewestAreKept() {
        assertEquals(new RetentionPlan(set(4L, 5L), 4), plan(2, 0, 6, Long.MAX_VALUE, at(1), at(2), at(3), at(4), at(5)));
        assertEquals(new RetentionPlan(set(1L), 1), plan(2, 0, 6, Long.MAX_VALUE, at(1)));
    }

    @Test
    void theEmptyStateCounts() {
        assertEquals(new RetentionPlan(set(0L, 5L), 0), plan(2, 0, 6, Long.MAX_VALUE, Point.BEGINNING, at(5)));
        assertEquals(new RetentionPlan(set(5L, 6L), 5), plan(2, 0, 6, Long.MAX_VALUE, Point.BEGINNING, at(5), at(6)));
    }

    @Test
    void theSnapshotBeforeTheHistoryIsKept() {
        // From 100 to 200: 98 is the newest one that is old enough, and the one before it goes.
        assertEquals(
                new RetentionPlan(set(98L, 120L, 145L, 170L, 195L), 98),
                plan(1, 100, 200, Long.MAX_VALUE, at(90), at(98), at(120), at(145), at(170), at(195)));
        assertEquals(
                new RetentionPlan(set(0L, 150L, 195L), 0), plan(1, 100, 200, Long.MAX_VALUE, Point.BEGINNING, at(150), at(195)));
    }

    @Test
    void oneIsKeptForEachPartOfTheHistory() {
        // 25 apart at most, where that is possible.
        assertEquals(
                new RetentionPlan(set(100L, 124L, 140L, 170L, 190L, 199L), 100),
                plan(2, 100, 200, Long.MAX_VALUE,
                        at(100), at(110), at(124), at(130), at(140), at(170), at(180), at(190), at(199)));
    }

    @Test
    void onlyOneGoesForItsAgeAtATime() {
        assertEquals(
                new RetentionPlan(set(30L, 60L, 90L), 30),
                plan(1, 100, 100_000, Long.MAX_VALUE, at(0), at(30), at(60), at(90)));
    }

    @Test
    void whatIsPinnedStays() {
        assertEquals(new RetentionPlan(set(3L, 4L, 5L), 3), plan(1, 0, 6, 3, at(1), at(2), at(3), at(4), at(5)));
        assertEquals(new RetentionPlan(set(5L), 4), plan(1, 0, 6, 4, at(1), at(2), at(5)));
        assertEquals(new RetentionPlan(set(5L), 5), plan(1, 0, 6, 9, at(1), at(2), at(5)));
    }
}
