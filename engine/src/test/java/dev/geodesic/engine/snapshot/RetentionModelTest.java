package dev.geodesic.engine.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Random histories: whatever is deleted, every moment that was promised can be had again. */
@Proves("durability.md 7")
class RetentionModelTest {

    private static final long HOUR = 3_600_000_000L;

    @Test
    void everyPromisedMomentCanBeRestored() {
        Seeds.repeat(10, random -> run(random, false));
    }

    /** Of a clock that jumps nothing is promised but what does not depend on time. */
    @Test
    void theNewestSnapshotsAreGoodWhateverTheClockSays() {
        Seeds.repeat(10, random -> run(random, true));
    }

    private static void run(Random random, boolean jumps) {
        int hours = random.nextInt(4) == 0 ? 0 : random.nextInt(60);
        Retention retention = new Retention(1 + random.nextInt(3), Duration.ofHours(hours));
        SnapshotOptions options = new SnapshotOptions(FileStorage::open, 5 + random.nextInt(30), Long.MAX_VALUE / 2, retention);
        Counters database = new Counters(random, options);
        try {
            for (int step = 0; step < 60; step++) {
                switch (random.nextInt(12)) {
                    case 0, 1, 2, 3, 4, 5 -> database.transact(1 + random.nextInt(8));
                    case 6, 7, 8 -> database.pass(Duration.ofMinutes(random.nextInt(300)));
                    case 9 -> database.take();
                    case 10 -> {
                        if (jumps) {
                            database.timer.set(database.timer.nowMicros() + random.nextLong(-1_000 * HOUR, 10_000 * HOUR));
                        }
                    }
                    default -> {
                        Counters next = database.restarted(options);
                        database.close();
                        database = next;
                    }
                }
                database.turn();
                check(database, retention.snapshots(),
                        jumps ? Long.MAX_VALUE : database.timer.nowMicros() - retention.history().toMillis() * 1000);
            }
        } finally {
            database.close();
        }
    }

    private static void check(Counters database, int newest, long sinceMicros) {
        List<Long> snapshots = database.snapshots();
        long logFrom = database.logFrom();
        for (long offset : snapshots.subList(Math.max(0, snapshots.size() - newest), snapshots.size())) {
            assertTrue(offset >= logFrom, "the log goes on from a snapshot");
            assertEquals(database.moments.get((int) offset).values(), database.recover(offset, offset));
            assertEquals(database.moments.getLast().values(), database.recover(offset, database.count()));
        }
        // Every state that was there at some time since.
        long first = Math.max(0, database.countAt(sinceMicros));
        long last = database.count();
        for (long count : new long[] {first, (first + last) / 2, last}) {
            long from = -1;
            for (long offset : snapshots) {
                from = offset <= count && offset >= logFrom ? offset : from;
            }
            from = from < 0 && logFrom == 0 ? 0 : from;
            assertTrue(from >= 0,
                    "nothing leads to " + count + " of " + last + ": snapshots " + snapshots + ", log from " + logFrom);
            assertEquals(database.moments.get((int) count).values(), database.recover(from, count));
        }
        // And not everything is kept: a snapshot for each part of the history, what is pinned by nobody goes.
        assertTrue(snapshots.size() <= newest + 12, snapshots.size() + " snapshots are kept");
    }
}
