package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.ws.ServerProcess.Vitals;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mixed load on the built server for long: a third of the time with kills and restarts at random moments, then one life
 * without. After each life everything that was confirmed is there; at the end of the long one the server holds no more
 * memory, threads and files than when it had warmed up. {@code -Dgeodesic.soak.minutes=60}; the report is written to
 * {@code target/soak/report.md}. With less than ten minutes memory is reported, but not judged.
 */
@Tag("soak")
class SoakIT {

    private static final long MINUTES = Long.getLong("geodesic.soak.minutes", 1);
    private static final int SAMPLES = 24;
    /** The first samples are of a server that warms up. */
    private static final int WARM = SAMPLES / 3;
    private static final long JUDGED_FROM_MINUTES = 10;
    private static final long LIFE_MILLIS_MAX = 20_000;
    private static final String JVM = "-Xmx768m";

    @TempDir
    private Path directory;

    private final Path report = Path.of("target", "soak", "report.md");
    private int kills;
    private int stops;

    @Test
    @Proves("durability.md 9.4")
    @Proves("durability.md 10")
    void nothingIsLostAndNothingGrows() throws Exception {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        try {
            long begin = System.nanoTime();
            Path data = directory.resolve("data");
            SoakLoad load;
            try (ServerProcess server = start(data)) {
                load = new SoakLoad(random);
                server.stop();
            }
            while (System.nanoTime() - begin < TimeUnit.MINUTES.toNanos(MINUTES) / 3 || kills < 2) {
                liveAndDie(load, data, random);
            }
            List<Vitals> vitals;
            long diskBytes;
            try (ServerProcess server = start(data)) {
                load.check();
                long millis = TimeUnit.NANOSECONDS.toMillis(begin + TimeUnit.MINUTES.toNanos(MINUTES) - System.nanoTime());
                vitals = live(load, server, Math.max(millis, 15_000) / SAMPLES);
                server.stop();
                diskBytes = bytes(data);
            }
            try (ServerProcess server = start(data)) {
                load.check();
                server.stop();
            }
            write(load, vitals, diskBytes, seed);
            judge(vitals);
        } catch (AssertionError | Exception e) {
            keepLog();
            throw new AssertionError("-Dgeodesic.seed=" + seed + ": " + e, e);
        }
    }

    private ServerProcess start(Path data) {
        return ServerProcess.start(directory.resolve("work"), data, JVM);
    }

    /** The temporary directory goes with the test. */
    private void keepLog() throws IOException {
        Path log = directory.resolve("work").resolve("server.log");
        if (Files.exists(log)) {
            Files.createDirectories(report.getParent());
            Files.writeString(report.resolveSibling("server.log"), Files.readString(log));
        }
    }

    private void liveAndDie(SoakLoad load, Path data, Random random) {
        try (ServerProcess server = start(data)) {
            load.check();
            try (SoakLoad.Running running = load.run(() -> server.witness(report.getParent()))) {
                Features.pause(1 + random.nextLong(LIFE_MILLIS_MAX));
                running.expectEnd();
                if (random.nextInt(4) == 0) {
                    server.stop();
                    stops++;
                } else {
                    server.kill();
                    kills++;
                }
            }
        }
    }

    /** Looks at the server now and then, while the load holds its breath. */
    private List<Vitals> live(SoakLoad load, ServerProcess server, long millisBetween) {
        List<Vitals> vitals = new ArrayList<>();
        for (int i = 0; i < SAMPLES; i++) {
            SoakLoad.Running running = load.run(() -> server.witness(report.getParent()));
            Features.pause(millisBetween);
            running.close();
            vitals.add(server.vitals());
        }
        return vitals;
    }

    private static void judge(List<Vitals> vitals) {
        if (MINUTES < JUDGED_FROM_MINUTES) {
            return;
        }
        flat(vitals, "resident memory", Vitals::resident, 32L << 20);
        flat(vitals, "heap", Vitals::heap, 8L << 20);
        flat(vitals, "committed memory", Vitals::committed, 32L << 20);
        flat(vitals, "rows and indexes", Vitals::tables, 1L << 20);
        flat(vitals, "files", Vitals::files, 8);
        flat(vitals, "threads", Vitals::threads, 8);
    }

    /** The last samples are no higher than those after the warm-up, but for a twentieth and some slack. */
    private static void flat(List<Vitals> vitals, String what, ToLongFunction<Vitals> value, long slack) {
        long early = median(vitals.subList(WARM, 2 * WARM), value);
        long late = median(vitals.subList(2 * WARM, SAMPLES), value);
        assertTrue(late <= early + early / 20 + slack, () -> what + " grew from " + early + " to " + late);
    }

    private static long median(List<Vitals> vitals, ToLongFunction<Vitals> value) {
        return vitals.stream().mapToLong(value).sorted().skip(vitals.size() / 2).findFirst().orElseThrow();
    }

    private void write(SoakLoad load, List<Vitals> vitals, long diskBytes, long seed) throws IOException {
        StringBuilder text = new StringBuilder();
        text.append(String.format(Locale.ROOT, """
                %s, %d minutes, seed %d, %d processors, %s: %d kills and %d stops, %d counted calls confirmed and found, \
                %d MiB in the data directory at the end.

                | Work | Times |
                |---|---|
                """, LocalDate.now(), MINUTES, seed, Runtime.getRuntime().availableProcessors(), JVM, kills, stops,
                load.confirmedCalls(), diskBytes >> 20));
        load.done().entrySet().stream().filter(e -> !e.getKey().equals("counted calls")).sorted(Map.Entry.comparingByKey())
                .forEach(e -> text.append("| ").append(e.getKey()).append(" | ").append(e.getValue()).append(" |\n"));
        text.append("""

                The long life, one line a sample, after a full collection (MiB):

                | | resident | heap | committed | tables | files | threads |
                |---|---|---|---|---|---|---|
                """);
        for (int i = 0; i < vitals.size(); i++) {
            Vitals v = vitals.get(i);
            text.append(String.format(Locale.ROOT, "| %d | %d | %d | %d | %.1f | %d | %d |%n", i + 1, v.resident() >> 20,
                    v.heap() >> 20, v.committed() >> 20, v.tables() / 1048576.0, v.files(), v.threads()));
        }
        Files.createDirectories(report.getParent());
        Files.writeString(report, text);
    }

    private static long bytes(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile).mapToLong(f -> f.toFile().length()).sum();
        }
    }
}
