package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Proves;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server of its own, as the build has made it, that is ended with SIGTERM or starts with a damaged database. */
interface StopTests {

    /** What a client of {@code ws} was told. */
    final class Confirmed implements WebSocket.Listener {

        private static final Pattern ANSWER =
                Pattern.compile("\"TransactionUpdate\".*\"Committed\".*\"add_note\"", Pattern.DOTALL);
        private final StringBuilder text = new StringBuilder();
        private final AtomicInteger count = new AtomicInteger();
        private final CompletableFuture<Integer> closed = new CompletableFuture<>();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            text.append(data);
            if (last) {
                if (ANSWER.matcher(text).find()) {
                    count.incrementAndGet();
                }
                text.setLength(0);
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            closed.complete(code);
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            closed.complete(-1);
        }
    }

    /** A process, and requests to it. */
    final class Running implements AutoCloseable {

        private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        private final int port;
        private final Process process;

        Running(Path directory) throws Exception {
            try (ServerSocket free = new ServerSocket(0)) {
                port = free.getLocalPort();
            }
            process = ToolProgramTests.run(directory.resolve("output"), "start", "--data-dir",
                    directory.resolve("data").toString(), "--listen-addr", "127.0.0.1:" + port);
            while (true) {
                assertTrue(process.isAlive(), () -> "the server ended");
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
            List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
            all.add(process.toHandle());
            all.forEach(ProcessHandle::destroy);
            all.forEach(one -> one.onExit().orTimeout(90, TimeUnit.SECONDS).join());
        }

        @Override
        public void close() {
            stop();
            client.close();
        }
    }

    @Test
    @Timeout(600)
    @Proves("durability.md 10")
    default void nothingThatWasAcknowledgedIsLostAndNobodyHangsWhenTheServerIsTerminated(@TempDir Path directory)
            throws Exception {
        AtomicInteger acknowledged = new AtomicInteger();
        AtomicInteger sent = new AtomicInteger();
        Confirmed confirmed = new Confirmed();
        AtomicInteger submitted = new AtomicInteger();
        String token;
        try (Running server = new Running(directory)) {
            token = server.newToken();
            server.publish("stopped", token);
            List<Thread> callers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                callers.add(Thread.ofPlatform().start(() -> {
                    try {
                        while (true) {
                            sent.incrementAndGet();
                            int status = server.send("POST", "/v1/database/stopped/call/add_note", token, "[\"http\"]")
                                    .statusCode();
                            if (status != 200) {
                                sent.decrementAndGet();
                                return;
                            }
                            acknowledged.incrementAndGet();
                        }
                    } catch (IOException | InterruptedException e) {
                        // Cut off: the call may or may not have been made.
                    }
                }));
            }
            WebSocket socket = server.client.newWebSocketBuilder().header("Authorization", "Bearer " + token)
                    .subprotocols("v1.json.spacetimedb")
                    .buildAsync(URI.create("ws://127.0.0.1:" + server.port
                            + "/v1/database/stopped/subscribe?confirmed=true"), confirmed).join();
            Thread caller = Thread.ofPlatform().start(() -> {
                try {
                    while (!confirmed.closed.isDone()) {
                        int id = submitted.incrementAndGet();
                        socket.sendText("{\"CallReducer\":{\"reducer\":\"add_note\",\"args\":\"[\\\"socket\\\"]\",\"request_id\":"
                                + id + ",\"flags\":0}}", true).get(30, TimeUnit.SECONDS);
                        while (submitted.get() - confirmed.count.get() > 100 && !confirmed.closed.isDone()) {
                            Thread.sleep(1);
                        }
                    }
                } catch (Exception e) {
                    // The server has gone.
                }
            });
            callers.add(caller);
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
            while (confirmed.count.get() < 500 || acknowledged.get() < 500) {
                assertTrue(System.nanoTime() < end, () -> confirmed.count + " and " + acknowledged + " calls answered");
                Thread.sleep(10);
            }
            server.stop();
            for (Thread one : callers) {
                one.join(TimeUnit.SECONDS.toMillis(60));
                assertTrue(!one.isAlive(), "nobody hangs");
            }
            confirmed.closed.get(30, TimeUnit.SECONDS);
        }
        try (Running again = new Running(directory)) {
            long notes = again.notes("stopped", token);
            int told = acknowledged.get() + confirmed.count.get();
            assertTrue(notes >= told, notes + " notes, " + told + " acknowledged");
            assertTrue(notes <= sent.get() + submitted.get(), notes + " notes");
        }
    }

    @Test
    @Timeout(600)
    @Proves("durability.md 8")
    default void aDamagedDatabaseIsReportedAndCanBeOpenedAfterARepair(@TempDir Path directory) throws Exception {
        String token;
        Path segment;
        try (Running server = new Running(directory)) {
            token = server.newToken();
            String identity = server.publish("damaged", token);
            server.publish("healthy", token);
            assertEquals(200, server.send("POST", "/v1/database/damaged/call/add_note", token, "[\"x\"]").statusCode());
            try (Stream<Path> files =
                    Files.list(directory.resolve("data").resolve("databases").resolve(identity).resolve("0").resolve("log"))) {
                segment = files.filter(f -> f.toString().endsWith(".log")).findFirst().orElseThrow();
            }
        }
        byte[] whole = Files.readAllBytes(segment);
        byte[] bytes = whole.clone();
        bytes[100] ^= 1;
        Files.write(segment, bytes);
        try (Running again = new Running(directory)) {
            assertEquals(0, again.notes("healthy", token));
            HttpResponse<String> refused = again.send("POST", "/v1/database/damaged/sql", token, "SELECT * FROM note");
            assertEquals(500, refused.statusCode());
            assertTrue(refused.body().contains(segment.getFileName().toString()), refused.body());
            JsonObject health = Json.createReader(
                    new StringReader(again.send("GET", "/health/ready", "", "").body())).readObject();
            assertEquals("UP", health.getString("status"), health::toString);
            assertTrue(health.toString().contains("\"databases_failed\":1"), health::toString);
            assertTrue(again.send("GET", "/v1/metrics", "", "").body().contains("\ngeodesic_databases_failed 1\n"));
            assertEquals(500, again.send("POST", "/v1/database/damaged/open", token, "").statusCode());
            assertEquals(403, again.send("POST", "/v1/database/damaged/open", again.newToken(), "").statusCode());
            Files.write(segment, whole);
            assertEquals(200, again.send("POST", "/v1/database/damaged/open", token, "").statusCode());
            assertEquals(1, again.notes("damaged", token));
            assertTrue(again.send("GET", "/v1/metrics", "", "").body().contains("\ngeodesic_databases_failed 0\n"));
        }
    }
}
