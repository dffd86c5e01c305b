package dev.geodesic.engine.simulation;

import com.sun.management.OperatingSystemMXBean;
import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.LogFiles;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.UnaryOperator;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Short lives of a server, each from one seed, for forty seconds: see {@link Simulation}. {@code -Dgeodesic.simulator.seeds=}
 * for a number of them, {@code -Dgeodesic.seed=} for one again. A failure is told with the fewest events that still lead to one.
 */
@Proves("durability.md 1")
@Proves("durability.md 4")
@Proves("durability.md 8")
@Proves("durability.md 9.2")
@Proves("durability.md 9.3")
class SimulatorTest {

    private static final int SEEDS = Integer.getInteger("geodesic.simulator.seeds", Integer.MAX_VALUE);
    private static final int EVENTS = Integer.getInteger("geodesic.simulator.events", 25);
    /** If nobody says how many. */
    private static final long NANOS = TimeUnit.SECONDS.toNanos(SEEDS == Integer.MAX_VALUE ? 40 : Integer.MAX_VALUE);
    private static final long SHRINK_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    /** Not collected, so that its level stays. */
    private static final Logger ENGINE = Logger.getLogger("dev.geodesic.engine");

    @TempDir
    private Path root;

    @BeforeEach
    void expectWarnings() {
        ENGINE.setLevel(Level.OFF);
    }

    @AfterEach
    void expectNoMore() {
        ENGINE.setLevel(null);
    }

    @Test
    void everySeedHoldsWhatIsPromised() throws Exception {
        Template template = new Template(root);
        int count = System.getProperty("geodesic.seed") != null && SEEDS == Integer.MAX_VALUE ? 1 : SEEDS;
        Random seeds = new Random(Seeds.seed());
        long start = System.nanoTime();
        long startOfWork = PROCESS.getProcessCpuTime();
        int done = 0;
        for (int i = 0; i < count && System.nanoTime() - start < NANOS; i++) {
            long seed = i == 0 ? Seeds.seed() : seeds.nextLong();
            List<Event> events = Event.list(seed, EVENTS);
            Simulation.Failure failure = failure(template, seed, events);
            done++;
            if (failure != null) {
                throw new AssertionError("seed " + done + " of this run: " + report(template, seed, events, failure), failure);
            }
        }
        ENGINE.setLevel(Level.INFO);
        ENGINE.info(done + " seeds of " + EVENTS + " events in " + (System.nanoTime() - start) / 1_000_000 + " ms, "
                + (PROCESS.getProcessCpuTime() - startOfWork) / 1_000_000 + " ms of processors");
    }

    /** It would be a poor simulator that could not fail. */
    @Test
    void aLogThatReportsTooEarlyIsFound() throws Exception {
        Template template = new Template(root);
        Random seeds = new Random(Seeds.seed());
        for (int i = 0; i < 100; i++) {
            long seed = seeds.nextLong();
            if (failure(template, seed, Event.list(seed, EVENTS), HastyLog::of) != null) {
                return;
            }
        }
        throw new AssertionError("nobody noticed");
    }

    /** Says that transactions are durable as soon as it has them. */
    private static final class HastyLog implements Durability {

        private final Durability log;
        private volatile long durable;
        private LongConsumer listener = offset -> { };

        private HastyLog(Durability log) {
            this.log = log;
            this.durable = log.durableOffset();
        }

        static LogFactory of(LogFactory logs) {
            return (directory, start, replay) -> {
                Durability log = logs.open(directory, start, replay);
                return directory.toString().contains("databases") ? new HastyLog(log) : log;
            };
        }

        @Override
        public void append(long txOffset, byte[] record, int offset, int length) {
            log.append(txOffset, record, offset, length);
            durable = txOffset;
            listener.accept(txOffset);
        }

        @Override
        public long durableOffset() {
            return durable;
        }

        @Override
        public long epoch() {
            return log.epoch();
        }

        @Override
        public Optional<LogFiles> files() {
            return log.files();
        }

        @Override
        public void listen(LongConsumer onDurable, Consumer<RuntimeException> failed) {
            listener = onDurable;
            log.listen(offset -> { }, failed);
        }

        @Override
        public void close() {
            log.close();
        }
    }

    /** Null if all went well. */
    private static Simulation.Failure failure(Template template, long seed, List<Event> events) throws Exception {
        return failure(template, seed, events, UnaryOperator.identity());
    }

    private static Simulation.Failure failure(
            Template template, long seed, List<Event> events, UnaryOperator<LogFactory> sabotage) throws Exception {
        try (Simulation simulation = new Simulation(template, seed, sabotage)) {
            simulation.run(events);
            return null;
        } catch (Simulation.Failure e) {
            return e;
        }
    }

    private static String report(Template template, long seed, List<Event> events, Simulation.Failure failure)
            throws Exception {
        long end = System.nanoTime() + SHRINK_NANOS;
        List<Event> few = new ArrayList<>(events.subList(0, failure.event() + 1));
        Simulation.Failure last = failure;
        // Larger pieces first.
        for (int size = few.size() / 2; size > 0; size /= 2) {
            for (int at = few.size() - 1 - size; at >= 0 && System.nanoTime() < end; at -= size) {
                List<Event> fewer = new ArrayList<>(few);
                fewer.subList(at, at + size).clear();
                Simulation.Failure again = failure(template, seed, fewer);
                if (again != null) {
                    last = again;
                    few = new ArrayList<>(fewer.subList(0, again.event() + 1));
                    at = Math.min(at, few.size() - 1);
                }
            }
        }
        return "repeat with -Dgeodesic.seed=" + seed + ": " + failure.getMessage() + "\n" + few.size()
                + " of its events suffice: " + last.getMessage();
    }
}
