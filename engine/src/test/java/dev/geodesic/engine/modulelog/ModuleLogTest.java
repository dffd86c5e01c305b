package dev.geodesic.engine.modulelog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.host.abi.LogLevel;
import dev.geodesic.engine.host.abi.LogRecord;
import dev.geodesic.engine.host.runtime.WasmFrame;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lines, days and floods. */
@Proves("execution.md 9")
class ModuleLogTest {

    private static final Instant START = Instant.parse("2026-03-04T23:59:58Z");

    @TempDir
    private Path directory;
    private Instant now = START;

    private ModuleLog open(Optional<Path> where) {
        return new ModuleLog(where, Limits.DEFAULTS, () -> now);
    }

    private static LogRecord line(LogLevel level, String message) {
        return new LogRecord(level, 1_700_000_000_000_000L, Optional.of("my_module"), Optional.of("src/lib.rs"),
                OptionalInt.of(12), Optional.of("say_hello"), message, List.of());
    }

    @Test
    void linesAreJsonWithTheLevelFirst() throws IOException {
        try (ModuleLog log = open(Optional.of(directory))) {
            log.log(line(LogLevel.INFO, "Hello"));
            log.log(new LogRecord(LogLevel.PANIC, 5, Optional.empty(), Optional.empty(), OptionalInt.empty(), Optional.empty(),
                    "no\n\"way\"", List.of(new WasmFrame("", "f"), new WasmFrame("m", ""))));
            log.hostError("f", 7, "failed");
            assertEquals(List.of(
                    "{\"level\":\"Info\",\"ts\":1700000000000000,\"target\":\"my_module\",\"filename\":\"src/lib.rs\","
                            + "\"line_number\":12,\"function\":\"say_hello\",\"message\":\"Hello\"}",
                    "{\"level\":\"Panic\",\"ts\":5,\"message\":\"no\\n\\\"way\\\"\","
                            + "\"trace\":[{\"func_name\":\"f\"},{\"module_name\":\"m\"}]}",
                    "{\"level\":\"Error\",\"ts\":7,\"target\":\"__spacetimedb__\",\"filename\":\"__spacetimedb__\","
                            + "\"function\":\"f\",\"message\":\"failed\"}"), log.tail(10));
        }
    }

    @Test
    void everyDayHasAFile() throws IOException {
        try (ModuleLog log = open(Optional.of(directory))) {
            log.log(line(LogLevel.INFO, "today"));
            now = START.plusSeconds(2);
            log.log(line(LogLevel.INFO, "tomorrow"));
            assertEquals(1, log.tail(10).size());
        }
        assertTrue(Files.readString(directory.resolve("2026-03-04.log")).contains("today"));
        assertTrue(Files.readString(directory.resolve("2026-03-05.log")).contains("tomorrow"));
    }

    @Test
    void floodsAreCutAndToldOf() throws IOException {
        int max = Limits.DEFAULTS.logLinesPerSecondMax();
        try (ModuleLog log = open(Optional.empty())) {
            List<String> followed = new ArrayList<>();
            log.follow(0, followed::add);
            for (int i = 0; i < max + 7; i++) {
                log.log(line(LogLevel.INFO, "flood " + i));
            }
            assertEquals(max, followed.size());
            // Whoever looks is told, even if nothing else is ever logged.
            String told = log.tail(1).getFirst();
            assertTrue(told.contains("\"level\":\"Warn\"") && told.contains("7 log lines were dropped: more than 10000"), told);
            log.log(line(LogLevel.INFO, "still the same second"));
            assertEquals(max + 1, followed.size());
            now = START.plusSeconds(1);
            log.log(line(LogLevel.INFO, "next"));
            assertEquals(max + 3, followed.size());
            assertTrue(followed.get(max + 1).contains("1 log lines were dropped"), followed.get(max + 1));
            assertTrue(followed.get(max + 2).contains("next"));
        }
    }

    @Test
    void longLinesAreAFloodToo() throws IOException {
        String text = "x".repeat(60_000);
        try (ModuleLog log = open(Optional.of(directory))) {
            for (int i = 0; i < 1_000; i++) {
                log.log(line(LogLevel.INFO, text));
            }
        }
        List<String> lines = Files.readAllLines(directory.resolve("2026-03-04.log"));
        assertTrue(lines.size() > 150 && lines.size() < 200, "10 MiB in a second: " + lines.size());
        assertTrue(lines.getLast().contains(1_001 - lines.size() + " log lines were dropped"), lines.getLast());
    }

    @Test
    void followersMissNothing() throws Exception {
        try (ModuleLog log = open(Optional.of(directory))) {
            log.log(line(LogLevel.DEBUG, "one"));
            log.log(line(LogLevel.DEBUG, "two"));
            List<String> followed = new ArrayList<>();
            AutoCloseable following = log.follow(1, followed::add);
            log.log(line(LogLevel.DEBUG, "three"));
            following.close();
            log.log(line(LogLevel.DEBUG, "four"));
            assertEquals(2, followed.size());
            assertTrue(followed.get(0).contains("two") && followed.get(1).contains("three"));
        }
    }

    @Test
    void aDiskThatRefusesStopsNobody() throws IOException {
        Path file = Files.createFile(directory.resolve("a-file"));
        try (ModuleLog log = open(Optional.of(file))) {
            log.log(line(LogLevel.INFO, "lost"));
            log.log(line(LogLevel.INFO, "lost"));
            assertEquals(List.of(), log.tail(5));
        }
    }
}
