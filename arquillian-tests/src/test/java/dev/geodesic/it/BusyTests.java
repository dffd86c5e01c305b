package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.Http.Answer;
import dev.geodesic.it.Http.Caller;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import jakarta.json.Json;
import java.io.StringReader;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Many slow requests, far more than the container has threads, leave it free for others. */
interface BusyTests {

    /** Of the container: it begins with a few for each processor. */
    int MORE_THAN_THREADS = 60;
    String KITCHEN = "modules/v2/kitchen_v2.wasm";
    String PROCEDURES = "modules/procedures/procedures.wasm";

    private static HttpRequest call(String database, String function, Caller caller, String arguments) {
        return Http.request("POST", "/v1/database/" + database + "/call/" + function, caller,
                HttpRequest.BodyPublishers.ofString(arguments)).header("Content-Type", "application/json").build();
    }

    private static HttpRequest sql(String database, Caller caller, String statement) {
        return Http.request("POST", "/v1/database/" + database + "/sql", caller,
                HttpRequest.BodyPublishers.ofString(statement)).build();
    }

    /** How many turns of the module's loop take so long here. */
    private static long turns(Http http, String database, Caller caller, Duration time) throws Exception {
        long turns = 1_000_000;
        while (true) {
            long start = System.nanoTime();
            assertEquals(200, http.call(database, "spin", caller, "[" + turns + "]").status());
            long nanos = System.nanoTime() - start;
            if (nanos > 100_000_000) {
                return (long) ((double) turns * time.toNanos() / nanos);
            }
            turns *= 4;
        }
    }

    private static void quick(Http http, String database, Caller caller) throws Exception {
        assertEquals(200, http.send("GET", "/v1/ping", null).status());
        Answer rows = http.sql(database, caller, "SELECT * FROM team");
        assertEquals(200, rows.status(), rows::body);
        assertEquals(200, http.call(database, "nothing", caller, "[]").status());
        assertEquals(200, http.send("GET", "/v1/database/" + database + "/names", caller).status());
    }

    static int gauge(Http http, String name) throws Exception {
        return http.send("GET", "/v1/metrics", null).body().lines()
                .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
                .mapToInt(line -> (int) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1))).sum();
    }

    /** Waits until nobody works on anything any more. */
    static void settled(Http http) throws Exception {
        Await.until("no request is left over",
                () -> gauge(http, "geodesic_requests") + gauge(http, "geodesic_queue_depth") == 0);
    }

    @Test
    @Proves("http-api.md 6.11")
    @Proves("http-api.md 6.12")
    default void slowRequestsLeaveTheServerFreeForOthers() throws Exception {
        try (Http http = new Http();
                HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            Caller owner = http.newCaller();
            byte[] kitchen = Http.module(KITCHEN);
            String busy = http.newDatabase(owner, KITCHEN);
            String calm = http.newDatabase(owner, KITCHEN);
            String sleepy = http.newDatabase(owner, PROCEDURES);
            long turns = turns(http, calm, owner, Duration.ofSeconds(10));
            List<CompletableFuture<HttpResponse<String>>> slow = new ArrayList<>();
            slow.add(client.sendAsync(call(busy, "spin", owner, "[" + turns + "]"), HttpResponse.BodyHandlers.ofString()));
            for (int i = 0; i < MORE_THAN_THREADS; i++) {
                List<HttpRequest> requests = List.of(
                        call(busy, "nothing", owner, "[]"),
                        sql(busy, owner, "SELECT * FROM team"),
                        call(sleepy, "sleep", owner, "[50]"),
                        Http.request("GET", "/v1/database/" + sleepy + "/route/mirror", null,
                                HttpRequest.BodyPublishers.noBody()).build());
                requests.forEach(r -> slow.add(client.sendAsync(r, HttpResponse.BodyHandlers.ofString())));
            }
            for (int i = 0; i < 10; i++) {
                slow.add(client.sendAsync(
                        Http.request("PUT", "/v1/database/" + busy, owner,
                                HttpRequest.BodyPublishers.ofByteArray(kitchen)).build(),
                        HttpResponse.BodyHandlers.ofString()));
            }
            CompletableFuture<?> spinning = slow.getFirst();
            Await.until("the slow requests have come", () -> {
                assertFalse(spinning.isDone(), "the slow requests have not come");
                return gauge(http, "geodesic_requests") >= 2 * MORE_THAN_THREADS;
            });
            quick(http, calm, owner);
            assertFalse(spinning.isDone(), "quick requests had to wait for slow ones");
            for (CompletableFuture<HttpResponse<String>> answer : slow) {
                HttpResponse<String> response = answer.join();
                boolean mirrored = response.statusCode() == 299;
                assertTrue(mirrored || response.statusCode() == 200, () -> response.statusCode() + " " + response.body());
            }
            settled(http);
        }
    }

    /** What a client began is finished, or ended, without it; nobody stays connected. */
    @Test
    default void clientsThatLeaveLeaveNothingBehind() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String left = http.newDatabase(owner, PROCEDURES);
            List<String> bodies = List.of(
                    "call/sleep [700]", "call/add [%d]", "sql SELECT * FROM item", "unstable/procedure/sleep [300]");
            for (int i = 0; i < 10 * bodies.size(); i++) {
                String[] parts = bodies.get(i % bodies.size()).split(" ", 2);
                String body = parts[1].formatted(i);
                try (Socket socket = new Socket(Ear.SERVER.getHost(), Ear.SERVER.getPort())) {
                    socket.getOutputStream().write(("POST /v1/database/" + left + "/" + parts[0]
                            + " HTTP/1.1\r\nHost: localhost\r\n"
                            + "Authorization: Bearer " + owner.token() + "\r\nContent-Type: application/json\r\nContent-Length: "
                            + body.length() + "\r\n\r\n" + body).getBytes(StandardCharsets.US_ASCII));
                    socket.getOutputStream().flush();
                }
            }
            settled(http);
            long start = System.nanoTime();
            while (true) {
                Answer clients = http.sql(left, owner, "SELECT * FROM st_client");
                assertEquals(200, clients.status(), clients::body);
                // The one that asks.
                if (Json.createReader(new StringReader(clients.body())).readArray().getJsonObject(0).getJsonArray("rows")
                        .size() == 1) {
                    break;
                }
                assertTrue(System.nanoTime() - start < 30_000_000_000L, clients::body);
            }
        }
    }
}
