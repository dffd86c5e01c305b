package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Proves;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
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

        static final String CALL =
                "{\"CallReducer\":{\"reducer\":\"add_note\",\"args\":\"[\\\"socket\\\"]\",\"request_id\":1,\"flags\":0}}";
        private static final Pattern ANSWER =
                Pattern.compile("\"TransactionUpdate\".*\"Committed\".*\"add_note\"", Pattern.DOTALL);
        private final StringBuilder text = new StringBuilder();
        final AtomicInteger count = new AtomicInteger();
        /** The code with which the connection ended; -1 without one. */
        final CompletableFuture<Integer> closed = new CompletableFuture<>();

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
        try (BuiltServer server = new BuiltServer(directory)) {
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
            WebSocket socket = server.subscribe("stopped", token, confirmed);
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
            assertEquals(1001, confirmed.closed.get(30, TimeUnit.SECONDS), "told that the server goes away");
        }
        try (BuiltServer again = new BuiltServer(directory)) {
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
        try (BuiltServer server = new BuiltServer(directory)) {
            token = server.newToken();
            String identity = server.publish("damaged", token);
            server.publish("healthy", token);
            assertEquals(200, server.addNote("damaged", token));
            try (Stream<Path> files = Files.list(server.directory(identity).resolve("log"))) {
                segment = files.filter(f -> f.toString().endsWith(".log")).findFirst().orElseThrow();
            }
        }
        byte[] whole = Files.readAllBytes(segment);
        byte[] bytes = whole.clone();
        bytes[100] ^= 1;
        Files.write(segment, bytes);
        try (BuiltServer again = new BuiltServer(directory)) {
            assertEquals(0, again.notes("healthy", token));
            HttpResponse<String> refused = again.send("POST", "/v1/database/damaged/sql", token, "SELECT * FROM note");
            assertEquals(500, refused.statusCode());
            assertTrue(refused.body().contains(segment.getFileName().toString()), refused.body());
            JsonObject health = again.health();
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
