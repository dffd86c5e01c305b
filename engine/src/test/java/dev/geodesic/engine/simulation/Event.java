package dev.geodesic.engine.simulation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Something that happens to a simulated server.
 *
 * @param seed of everything that is left open, so that a list without some of its events still means something
 */
record Event(Kind kind, long seed) {

    enum Kind {
        CALL(32), BATCH(4), REQUEST(5), PROCEDURE(5), SUBSCRIBE(7), UNSUBSCRIBE(3), CONNECT(4), DISCONNECT(3), QUERY(3), SQL(6),
        READ(4), PASS(9), SET_CLOCK(2), FLUSH(8), FAULT(2), CRASH(2), POWER_LOSS(2), RESTART(2), PUBLISH(2), BAD_INPUT(3),
        COMPRESS(2), SNAPSHOT(4), BACKUP(2), RESTORE(3);

        private final int weight;

        Kind(int weight) {
            this.weight = weight;
        }

        private static Kind random(Random random) {
            int at = random.nextInt(Arrays.stream(values()).mapToInt(k -> k.weight).sum());
            for (Kind kind : values()) {
                at -= kind.weight;
                if (at < 0) {
                    return kind;
                }
            }
            throw new AssertionError();
        }
    }

    static List<Event> list(long seed, int count) {
        Random random = new Random(seed);
        List<Event> events = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            events.add(new Event(Kind.random(random), random.nextLong()));
        }
        return events;
    }
}
