package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The server as the build has made it, on a disk whose forces fail or hang: a library that is preloaded into the process stands
 * between it and the C library (faultydisk.c). Skipped where there is no C compiler.
 */
interface DiskFaultTests {

    Path SOURCE = Path.of("src/test/c/faultydisk.c");

    /** A disk that can be told to fail. */
    final class FaultyDisk {

        private final Path control;
        private final Path library;

        FaultyDisk(Path directory) throws Exception {
            control = directory.resolve("fault");
            library = directory.resolve("faultydisk.so");
            try {
                Process compiler = new ProcessBuilder(
                        "cc", "-shared", "-fPIC", "-o", library.toString(), SOURCE.toString(), "-ldl").inheritIO().start();
                if (compiler.waitFor() == 0) {
                    return;
                }
            } catch (IOException e) {
                // There is none.
            }
            if (Boolean.getBoolean("geodesic.ci")) {
                fail("missing: a C compiler");
            }
            abort("missing: a C compiler");
        }

        Map<String, String> environment() {
            return Map.of("LD_PRELOAD", library.toString(), "FAULTY_DISK", control.toString());
        }

        /** @param part of the paths of the files whose forces fail, until {@link #repair} */
        void fail(String part) throws IOException {
            Files.writeString(control, "fail " + part);
        }

        /** @param part of the paths of the files whose forces do not return, until {@link #repair} */
        void hang(String part) throws IOException {
            Files.writeString(control, "hang " + part);
        }

        void repair() throws IOException {
            Files.delete(control);
        }
    }

    @Test
    @Timeout(600)
    @Proves("durability.md 5")
    @Proves("durability.md 13")
    default void aForceThatFailsStopsItsDatabaseConfirmsNothingAndIsRepairedWithoutARestart(@TempDir Path directory)
            throws Exception {
        FaultyDisk disk = new FaultyDisk(directory);
        try (BuiltServer server = new BuiltServer(directory, disk.environment())) {
            String token = server.newToken();
            String identity = server.publish("broken", token);
            server.publish("healthy", token);
            assertEquals(200, server.addNote("broken", token));
            StopTests.Confirmed confirmed = new StopTests.Confirmed();
            WebSocket socket = server.subscribe("broken", token, confirmed);
            socket.sendText(StopTests.Confirmed.CALL, true).join();
            Await.until("a call is confirmed while the disk is well", () -> confirmed.count.get() >= 1);
            long confirmedNotes = server.notes("broken", token);

            // A client under confirmed reads is told nothing but the end.
            disk.fail(identity);
            socket.sendText(StopTests.Confirmed.CALL, true).join();
            assertEquals(1001, confirmed.closed.get(60, TimeUnit.SECONDS));
            assertEquals(1, confirmed.count.get(), "nothing is confirmed that was not forced");
            assertStopped(server, token, identity);
            assertEquals(200, server.addNote("healthy", token));

            // As long as the disk is bad it is not opened, and the reason is told.
            HttpResponse<String> refused = server.send("POST", "/v1/database/broken/open", token, "");
            assertEquals(500, refused.statusCode(), refused::body);
            assertTrue(refused.body().contains("Input/output error"), refused::body);
            assertEquals(500, server.addNote("broken", token));
            assertTrue(server.health().toString().contains("failed " + identity), server.health()::toString);

            disk.repair();
            assertEquals(200, server.send("POST", "/v1/database/broken/open", token, "").statusCode());
            long notes = server.notes("broken", token);
            assertTrue(notes == confirmedNotes || notes == confirmedNotes + 1, notes + " notes of " + confirmedNotes);
            assertEquals(200, server.addNote("broken", token));
            assertTrue(server.health().toString().contains("\"databases_stopped\":0"), server.health()::toString);

            // The same over HTTP, where a call is answered when it has been committed: then it is not durable yet.
            disk.fail(identity);
            HttpResponse<String> call = server.send("POST", "/v1/database/broken/call/add_note", token, "[\"x\"]");
            assertTrue(call.statusCode() == 200
                    || call.body().contains("cannot be written: java.io.IOException: Input/output error"), call::body);
            Await.until("it stops", () -> server.health().toString().contains("\"databases_stopped\":1"));
            assertStopped(server, token, identity);
            disk.repair();
            assertEquals(200, server.send("POST", "/v1/database/broken/open", token, "").statusCode());
            long then = server.notes("broken", token);
            assertTrue(then == notes + 1 || then == notes + 2, then + " notes, " + notes + " before");
        }
    }

    private static void assertStopped(BuiltServer server, String token, String identity) throws Exception {
        for (String body : new String[] {"SELECT * FROM note", "INSERT INTO note (id, text) VALUES (0, 'x')"}) {
            HttpResponse<String> answer = server.send("POST", "/v1/database/broken/sql", token, body);
            assertEquals(503, answer.statusCode(), answer::body);
            assertTrue(answer.body().contains("STORAGE_FAILED") && answer.body().contains("Input/output error"), answer::body);
        }
        assertEquals(503, server.addNote("broken", token));
        JsonObject health = server.health();
        assertEquals("UP", health.getString("status"), health::toString);
        assertTrue(health.toString().contains("\"databases_stopped\":1"), health::toString);
        assertTrue(health.toString().contains("stopped " + identity), health::toString);
        assertTrue(health.toString().contains("Input/output error"), health::toString);
        String metrics = server.send("GET", "/v1/metrics", "", "").body();
        assertTrue(metrics.contains("\ngeodesic_databases_stopped 1\n"), metrics);
    }

    /** A disk that never answers keeps neither the others from being served nor the process from ending. */
    @Test
    @Timeout(600)
    @Proves("durability.md 10")
    default void aDiskThatHangsDoesNotKeepTheServerFromStopping(@TempDir Path directory) throws Exception {
        FaultyDisk disk = new FaultyDisk(directory);
        String token;
        try (BuiltServer server = new BuiltServer(directory, disk.environment())) {
            token = server.newToken();
            String identity = server.publish("hanging", token);
            server.publish("healthy", token);
            assertEquals(200, server.addNote("hanging", token));
            StopTests.Confirmed confirmed = new StopTests.Confirmed();
            WebSocket socket = server.subscribe("hanging", token, confirmed);
            disk.hang(identity);
            socket.sendText(StopTests.Confirmed.CALL, true).join();
            assertEquals(200, server.addNote("healthy", token));
            Await.until("the health answer says that the disk does not answer",
                    () -> server.health().toString().contains("hanging " + identity));
            assertTrue(server.send("GET", "/v1/metrics", "", "").body().contains("\ngeodesic_databases_hanging 1\n"));
            assertEquals(0, confirmed.count.get(), "nothing is confirmed");
            long begin = System.nanoTime();
            server.stop();
            long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin);
            assertTrue(seconds < 45, seconds + " s");
            confirmed.closed.get(60, TimeUnit.SECONDS);
            assertEquals(0, confirmed.count.get(), "nothing is confirmed");
        }
        disk.repair();
        try (BuiltServer again = new BuiltServer(directory, disk.environment())) {
            long notes = again.notes("hanging", token);
            assertTrue(notes == 1 || notes == 2, notes + " notes");
            assertEquals(1, again.notes("healthy", token));
        }
    }
}
