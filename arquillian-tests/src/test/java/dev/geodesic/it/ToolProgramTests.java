package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.Http.Caller;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The program that the command line tool starts beside itself, as the build has packed it. */
@Proves("client-expectations.md 11")
@Proves("http-api.md 9")
interface ToolProgramTests {

    Path TOOLS = Path.of(System.getProperty("wlp.home", ""), "usr", "servers", "geodesic", "tools");

    static Process run(Path output, String... arguments) throws IOException {
        return run(Map.of(), output, arguments);
    }

    /** @param environment more variables for it */
    static Process run(Map<String, String> environment, Path output, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("sh", TOOLS.resolve("spacetimedb-standalone").toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        // The settings of the server under test are not its own.
        builder.environment().keySet().removeIf(name -> name.startsWith("GEODESIC_"));
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().putAll(environment);
        return builder.redirectOutput(output.toFile()).redirectError(output.resolveSibling("errors").toFile()).start();
    }

    @Test
    default void extractsWhatTheServerAnswers(@TempDir Path directory) throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            Path output = directory.resolve("output");
            Process process = run(output, "extract-schema", Path.of("../samples", BusyTests.KITCHEN).toString());
            assertTrue(process.waitFor(120, TimeUnit.SECONDS));
            assertEquals(0, process.exitValue(), Files.readString(output.resolveSibling("errors")));
            assertEquals("{\"V10\":" + http.send("GET", "/v1/database/" + name + "/schema?version=10", null).body() + "}",
                    Files.readString(output, StandardCharsets.UTF_8));
        }
    }

    @Test
    @Timeout(600)
    default void refusesWhatItDoesNotKnow(@TempDir Path directory) throws Exception {
        Path output = directory.resolve("output");
        for (List<String> arguments : List.of(
                List.<String>of(), List.of("stop"),
                List.of("extract-schema", "none.wasm"), List.of("extract-schema", "module.js"),
                List.of("start", "--data-dir"), List.of("start", "--listen-addr", "3000"), List.of("start", "--unheard-of"))) {
            Process process = run(output, arguments.toArray(String[]::new));
            assertTrue(process.waitFor(120, TimeUnit.SECONDS));
            assertEquals(2, process.exitValue(), arguments::toString);
            assertEquals("", Files.readString(output));
            assertTrue(!Files.readString(output.resolveSibling("errors")).contains("Exception"), arguments::toString);
        }
    }

    @Test
    @Timeout(600)
    default void startsTheServer(@TempDir Path directory) throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        Path keys = directory.resolve("keys");
        Process process = run(directory.resolve("output"), "start", "--data-dir", directory.resolve("data").toString(),
                "--jwt-key-dir", keys.toString(), "--listen-addr", "0.0.0.0:1", "--in-memory",
                "--listen-addr=127.0.0.1:" + port);
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest key = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v1/identity/public-key"))
                    .timeout(Duration.ofSeconds(10)).build();
            HttpResponse<String> answer = null;
            while (answer == null || answer.statusCode() != 200) {
                assertTrue(process.isAlive(), () -> text(directory.resolve("output")) + text(directory.resolve("errors")));
                Thread.sleep(200);
                try {
                    answer = client.send(key, HttpResponse.BodyHandlers.ofString());
                } catch (IOException e) {
                    // Not listening yet.
                }
            }
            assertEquals(Files.readString(keys.resolve("id_ecdsa.pub")), answer.body());
        } finally {
            List<ProcessHandle> all = process.descendants().toList();
            process.destroy();
            for (ProcessHandle one : all) {
                one.onExit().orTimeout(60, TimeUnit.SECONDS).join();
            }
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
