package dev.geodesic.testkit;

import java.util.Random;

/** Random tests that can be replayed with {@code -Dgeodesic.seed=...}. */
public final class Seeds {

    /** A test that draws all its chance from one source. */
    @FunctionalInterface
    public interface RandomTest {
        void run(Random random) throws Exception;
    }

    private Seeds() {
    }

    /** The seed of this run: the system property {@code geodesic.seed}, or a new one. */
    public static long seed() {
        String given = System.getProperty("geodesic.seed");
        return given != null ? Long.decode(given) : new Random().nextLong();
    }

    /** Runs the test {@code count} times, each with a seed of its own; a failure names the seed that repeats it alone. */
    public static void repeat(int count, RandomTest test) {
        Random seeds = new Random(seed());
        for (int i = 0; i < count; i++) {
            long seed = i == 0 ? seed() : seeds.nextLong();
            try {
                test.run(new Random(seed));
            } catch (Exception | AssertionError | StackOverflowError e) {
                throw new AssertionError("run " + i + " failed, repeat with -Dgeodesic.seed=" + seed + ": " + e, e);
            }
        }
    }
}
