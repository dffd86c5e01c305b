package dev.geodesic.engine.simulation;

import com.sun.management.OperatingSystemMXBean;
import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.LogFiles;
import dev.geodesic.engine.durability.LogStart;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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
 * Short lives of a server, each from one seed, two or more side by side: see {@link Simulation}. Two thousand, or as many as fit
 * into 90 s; {@code -Dgeodesic.simulator.seeds=} for a number of them, {@code -Dgeodesic.seed=} for one again. A failure is
 * told with the fewest events that still lead to one.
 */
@Proves("durability.md 1")
@Proves("durability.md 4")
@Proves("durability.md 8")
@Proves("durability.md 9.2")
@Proves("durability.md 9.3")
class SimulatorTest {

    private static final Optional<Integer> WANTED = Optional.ofNullable(Integer.getInteger("geodesic.simulator.seeds"));
    private static final int SEEDS = WANTED.orElse(System.getProperty("geodesic.seed") == null ? 2000 : 1);
    private static final int EVENTS = Integer.getInteger("geodesic.simulator.events", 25);
    /** If nobody says how many seeds. */
    private static final long NANOS_MAX = TimeUnit.SECONDS.toNanos(WANTED.isEmpty() ? 90 : Integer.MAX_VALUE);
    private static final int LANES = Math.min(SEEDS, Runtime.getRuntime().availableProcessors());
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
        long start = System.nanoTime();
        long startOfWork = PROCESS.getProcessCpuTime();
        Lives lives = new Lives(start + NANOS_MAX);
        try (ExecutorService threads = Executors.newFixedThreadPool(LANES)) {
            List<Future<?>> lanes = new ArrayList<>();
            for (int i = 0; i < LANES; i++) {
                Template template = new Template(Files.createDirectory(root.resolve("lane" + i)));
                lanes.add(threads.submit(() -> live(template, lives)));
            }
            for (Future<?> lane : lanes) {
                lane.get();
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof AssertionError failure) {
                throw failure;
            }
            throw e;
        }
        ENGINE.setLevel(Level.INFO);
        ENGINE.info(lives.begun + " seeds of " + EVENTS + " events in " + (System.nanoTime() - start) / 1_000_000 + " ms, "
                + (PROCESS.getProcessCpuTime() - startOfWork) / 1_000_000 + " ms of processors"
                + (lives.begun < SEEDS ? "; no time for " + SEEDS : ""));
    }

    /** One life after the other, until there are no more seeds. */
    private static Void live(Template template, Lives lives) throws Exception {
        OptionalLong next;
        while ((next = lives.next()).isPresent()) {
            long seed = next.getAsLong();
            List<Event> events = Event.list(seed, EVENTS);
            Simulation.Failure failure = failure(template, seed, events);
            if (failure != null) {
                int number = lives.end();
                throw new AssertionError(
                        "around seed " + number + " of this run: " + report(template, seed, events, failure), failure);
            }
        }
        return null;
    }

    /** The seeds of this run. Thread-safe. */
    private static final class Lives {

        private final long endNanos;
        private final Random random = new Random(Seeds.seed());
        private int begun;
        private boolean ended;

        Lives(long endNanos) {
            this.endNanos = endNanos;
        }

        /** Empty if there have been enough, or there is no time for more. The first is the one that repeats a life. */
        synchronized OptionalLong next() {
            if (ended || begun == SEEDS || begun > 0 && System.nanoTime() > endNanos) {
                return OptionalLong.empty();
            }
            return OptionalLong.of(begun++ == 0 ? Seeds.seed() : random.nextLong());
        }

        /** @return how many there were */
        synchronized int end() {
            ended = true;
            return begun;
        }
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
            return new LogFactory() {
                @Override
                public Durability open(Path directory, LogStart start, Replay replay) {
                    Durability log = logs.open(directory, start, replay);
                    return directory.toString().contains("databases") ? new HastyLog(log) : log;
                }

                @Override
                public void begin(Path directory, long offset) {
                    logs.begin(directory, offset);
                }
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
