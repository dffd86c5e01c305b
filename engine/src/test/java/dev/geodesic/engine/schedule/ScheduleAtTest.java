package dev.geodesic.engine.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.schedule.ScheduleAt.Interval;
import dev.geodesic.engine.schedule.ScheduleAt.Time;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ScheduleAtTest {

    private static final BigInteger MAX = BigInteger.valueOf(Long.MAX_VALUE);

    @Test
    @Proves("execution.md 5.1")
    void aTimeIsItselfAndAnIntervalCountsFromItsBase() {
        assertEquals(-5, new Time(-5).firstDue(1000));
        assertEquals(1007, new Interval(7).firstDue(1000));
        assertEquals(1007, new Interval(-7).firstDue(1000));
        assertEquals(1000, new Interval(0).firstDue(1000));
        assertEquals(Long.MAX_VALUE, new Interval(Long.MIN_VALUE).firstDue(1000));
        assertEquals(Long.MAX_VALUE, new Interval(Long.MAX_VALUE).firstDue(1000));
    }

    @Test
    @Proves("execution.md 5.4")
    void ticksLieOnTheGridOfTheFirstOne() {
        Interval every10 = new Interval(10);
        assertEquals(110, every10.nextDue(100, 100));
        assertEquals(110, every10.nextDue(100, 109));
        assertEquals(120, every10.nextDue(100, 110), "strictly after now");
        assertEquals(160, every10.nextDue(100, 155), "missed ones are skipped");
        assertEquals(110, every10.nextDue(100, 50), "called before its time: the next one all the same");
        assertEquals(110, new Interval(-10).nextDue(100, 109));
        assertEquals(155, new Interval(0).nextDue(100, 155), "at once");
    }

    /** The rule in the words of the specification, for any numbers. */
    @Test
    @Proves("execution.md 5.4")
    void theNextTickIsTheSmallestMultipleBehindNow() {
        Seeds.repeat(2000, random -> {
            long last = number(random);
            long now = number(random);
            long interval = number(random);
            BigInteger length = BigInteger.valueOf(interval).abs();
            long next = new Interval(interval).nextDue(last, now);
            String what = "last " + last + " now " + now + " interval " + interval + " next " + next;
            if (length.signum() == 0) {
                assertEquals(Math.max(last, now), next, what);
                return;
            }
            BigInteger distance = BigInteger.valueOf(now).subtract(BigInteger.valueOf(last));
            BigInteger k = distance.signum() < 0 ? BigInteger.ONE : distance.divide(length).add(BigInteger.ONE);
            BigInteger expected = BigInteger.valueOf(last).add(k.multiply(length));
            if (interval == Long.MIN_VALUE) {
                assertTrue(next > now || next == Long.MAX_VALUE, what);
            } else {
                assertEquals(expected.min(MAX).longValueExact(), next, what);
            }
        });
    }

    private static long number(Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt(40) - 20;
            case 1 -> 1_700_000_000_000_000L + random.nextInt(1_000_000);
            case 2 -> random.nextLong();
            default -> random.nextBoolean() ? Long.MIN_VALUE + random.nextInt(3) : Long.MAX_VALUE - random.nextInt(3);
        };
    }
}
