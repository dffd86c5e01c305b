package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.StringReader;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The server as the build has made it, as a process of its own, and requests to it. */
final class BuiltServer implements AutoCloseable {

    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Path data;
    private final int port;
    private final Process process;

    /** Starts one with its data, and its output, in a directory, and waits until it is ready. */
    BuiltServer(Path directory) throws Exception {
        this(directory, Map.of());
    }

    /** @param environment more variables for it */
    BuiltServer(Path directory, Map<String, String> environment) throws Exception {
        data = directory.resolve("data");
        port = freePort();
        Path output = Files.createDirectories(directory).resolve("output");
        process = ToolProgramTests.run(environment, output, "start", "--data-dir", data.toString(), "--listen-addr",
                "127.0.0.1:" + port);
        while (true) {
            assertTrue(process.isAlive(), () -> "the server ended, see " + output);
            Thread.sleep(200);
            try {
                if (send("GET", "/health/ready", "", "").statusCode() == 200) {
                    return;
                }
            } catch (IOException e) {
                // Not listening yet.
            }
        }
    }

    /**
     * Starts one that does not get ready, ends it when it says why, and returns that.
     *
     * @param reason part of what it says
     */
    static String startThatFails(Path directory, String reason) throws Exception {
        Path output = directory.resolve("output");
        Process process = ToolProgramTests.run(output, "start", "--data-dir", directory.resolve("data").toString(),
                "--listen-addr", "127.0.0.1:" + freePort());
        try {
            for (int i = 0; i < 600; i++) {
                String said = Files.readString(output) + Files.readString(output.resolveSibling("errors"));
                if (said.contains(reason)) {
                    return said;
                }
                Thread.sleep(200);
            }
            throw new AssertionError("it does not say why it does not start: " + Files.readString(output));
        } finally {
            kill(process);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }

    String url() {
        return "http://127.0.0.1:" + port;
    }

    /** Of a database that has never been cleared or restored. */
    Path directory(String identity) {
        return data.resolve("databases").resolve(identity).resolve("0");
    }

    HttpResponse<String> send(String method, String path, String token, String body)
            throws IOException, InterruptedException {
        return send(method, path, token, HttpRequest.BodyPublishers.ofString(body));
    }

    HttpResponse<String> send(String method, String path, String token, HttpRequest.BodyPublisher body)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(Duration.ofSeconds(60)).method(method, body);
        if (path.contains("/call/")) {
            request.header("Content-Type", "application/json");
        }
        if (!token.isEmpty()) {
            request.header("Authorization", "Bearer " + token);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    /** Calls a reducer that adds a row to {@code note}. */
    int addNote(String name, String token) throws Exception {
        return send("POST", "/v1/database/" + name + "/call/add_note", token, "[\"x\"]").statusCode();
    }

    /** A client under confirmed reads. */
    WebSocket subscribe(String name, String token, WebSocket.Listener listener) {
        return client.newWebSocketBuilder().header("Authorization", "Bearer " + token).subprotocols("v1.json.spacetimedb")
                .buildAsync(URI.create("ws://127.0.0.1:" + port + "/v1/database/" + name + "/subscribe?confirmed=true"),
                        listener).join();
    }

    JsonObject health() throws Exception {
        return Json.createReader(new StringReader(send("GET", "/health/ready", "", "").body())).readObject();
    }

    String newToken() throws Exception {
        return Json.createReader(new StringReader(send("POST", "/v1/identity", "", "").body())).readObject()
                .getString("token");
    }

    String publish(String name, String token) throws Exception {
        HttpResponse<String> answer = send("PUT", "/v1/database/" + name, token,
                HttpRequest.BodyPublishers.ofFile(Path.of("../samples", BusyTests.KITCHEN)));
        assertEquals(200, answer.statusCode(), answer.body());
        return send("GET", "/v1/database/" + name + "/identity", "", "").body();
    }

    long notes(String name, String token) throws Exception {
        HttpResponse<String> answer =
                send("POST", "/v1/database/" + name + "/sql", token, "SELECT COUNT(*) AS n FROM note");
        assertEquals(200, answer.statusCode(), answer.body());
        return Json.createReader(new StringReader(answer.body())).readArray().getJsonObject(0)
                .getJsonArray("rows").getJsonArray(0).getJsonNumber(0).longValue();
    }

    /** SIGTERM, and the end. */
    void stop() {
        List<ProcessHandle> all = all(process);
        all.forEach(ProcessHandle::destroy);
        all.forEach(one -> one.onExit().orTimeout(90, TimeUnit.SECONDS).join());
    }

    private static void kill(Process process) {
        List<ProcessHandle> all = all(process);
        all.forEach(ProcessHandle::destroyForcibly);
        all.forEach(one -> one.onExit().orTimeout(90, TimeUnit.SECONDS).join());
    }

    private static List<ProcessHandle> all(Process process) {
        List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
        all.add(process.toHandle());
        return all;
    }

    @Override
    public void close() {
        stop();
        client.close();
    }
}
