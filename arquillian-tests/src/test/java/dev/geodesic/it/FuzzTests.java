package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.Http.Answer;
import dev.geodesic.it.Http.Caller;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import jakarta.json.Json;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.StringReader;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Requests that chance has made: each is answered, none with an error of the server, and nothing is left of them. */
@Proves("http-api.md 1")
interface FuzzTests {

    int RUNS = 400;
    Duration TIME = Duration.ofSeconds(6);
    int REDUCER_ERROR = 530;
    List<String> JSON_PARTS = List.of(
            "[", "]", "{", "}", ",", ":", "\"", "\\", "\\u", "\\ud800", "null", "true", "-", "1e999", "1e-999", "0x1", "-0",
            "340282366920938463463374607431768211456", "\"some\"", "\"none\"", "\"\"", "\u0000", "\ud83d\ude00", " ", "/*",
            "{\"id\":1}", "[[[[[[[[[[[[[[[[", "1.0", "NaN", "\"__identity__\"", "\"0x", "\ufeff");
    List<String> SQL_PARTS = List.of(
            "SELECT", "*", "FROM", "member", "team", "WHERE", "id", "=", "'", "\"", "(", ")", ",", ";", "--", "AND", "OR", "NOT",
            "COUNT(*)", "AS", "n", "JOIN", "ON", "m.", "LIMIT", "-1", "0x", "X'00'", "1e999", "99999999999999999999999999", "<>",
            "INSERT INTO", "VALUES", "DELETE FROM", "UPDATE", "SET", "SHOW", "row_limit", ":sender", "NULL", "TRUE", "\u0000",
            "\ud83d\ude00", "st_table", "ORDER BY", "GROUP BY", "/*", "$1", "::", "(((((((((((((((((((((((((((((((((");
    List<String> NAME_PARTS = List.of(
            "a", "-", "0x", "%00", "%2F", "..", "%", "%zz", "A", "_", "%C3%A4", "+", "c2", ";", "identity");
    List<String> QUERY_PARTS = List.of(
            "num_lines", "=", "&", "%", "%zz", "%00", "true", "follow=false", "version=9", "version", "1",
            "-1", "confirmed=", "confirmed=false", "token", "+", "clear=false", "policy=Compatible",
            "?", "host_type", "0x", ";", "%20");

    private static String chance(Random random, List<String> parts, String between) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i >= 0; i--) {
            text.append(parts.get(random.nextInt(parts.size()))).append(between);
        }
        return text.toString();
    }

    /** A good text with a few changes. */
    private static byte[] changed(Random random, String good, List<String> parts) {
        StringBuilder text = new StringBuilder(good);
        for (int i = random.nextInt(3); i >= 0; i--) {
            int at = random.nextInt(text.length() + 1);
            if (random.nextBoolean()) {
                text.insert(at, parts.get(random.nextInt(parts.size())));
            } else {
                text.delete(at, Math.min(text.length(), at + 1 + random.nextInt(4)));
            }
        }
        byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        if (bytes.length > 0 && random.nextInt(4) == 0) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
        return bytes;
    }

    private static void repeat(Seeds.RandomTest test) {
        long end = System.nanoTime() + TIME.toNanos();
        Seeds.repeat(RUNS, random -> {
            if (System.nanoTime() < end) {
                test.run(random);
            }
        });
    }

    /** Nobody works on anything, and nobody is connected but who asks. */
    private static void nothingIsLeft(Http http, String name, Caller owner) throws Exception {
        BusyTests.settled(http);
        Answer clients = http.sql(name, owner, "SELECT * FROM st_client");
        assertEquals(1, Json.createReader(new StringReader(clients.body())).readArray().getJsonObject(0).getJsonArray("rows")
                .size(), clients::body);
        assertEquals(200, http.call(name, "nothing", owner, "[]").status());
    }

    @Test
    @Proves("http-api.md 6.11")
    @Proves("http-api.md 6.12")
    default void bodies() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            String path = "/v1/database/" + name;
            String[] reducers = {"add_member", "add_compounds", "add_scalars", "run_job", "nothing", "ban", "test_add_keys"};
            repeat(random -> {
                HttpRequest.Builder request = switch (random.nextInt(5)) {
                    case 0, 1 -> Http.request("POST", path + "/call/" + reducers[random.nextInt(reducers.length)], owner, body(
                            random.nextBoolean()
                                    ? changed(random, "[1, 2, \"ann\", true, [0, [1]], {\"some\": []}]", JSON_PARTS)
                                    : chance(random, JSON_PARTS, "").getBytes(StandardCharsets.UTF_8)));
                    case 2 -> Http.request("POST", path + "/sql", owner, body(random.nextBoolean()
                            ? changed(random, "SELECT m.* FROM member m JOIN team t ON m.team_id = t.id WHERE t.id = 1",
                                    SQL_PARTS)
                            : chance(random, SQL_PARTS, " ").getBytes(StandardCharsets.UTF_8)));
                    case 3 -> Http.request("PUT", path + "/names", owner, body(changed(random, "[\"A\", \"-\"]", JSON_PARTS)));
                    default -> Http.request("POST", random.nextBoolean() ? "/v1/mcp" : path + "/mcp", owner, body(changed(random,
                            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"sql\",\"arguments\":"
                                    + "{\"database\":\"" + name + "\",\"sql\":\"SELECT * FROM team\"}}}", JSON_PARTS)));
                };
                Answer answer = http.send(request.header("Content-Type", "application/json"));
                assertTrue(answer.status() < 500 || answer.status() == REDUCER_ERROR, answer::toString);
                assertTrue(answer.status() < 400 || !answer.body().isEmpty(), answer::toString);
                assertFalse(answer.body().contains("internal error"), answer::toString);
            });
            // A renaming may have come off.
            String identity = http.send("GET", "/v1/identity/" + owner.identity() + "/databases", owner).json()
                    .getJsonArray("identities").getString(0);
            nothingIsLeft(http, identity, owner);
        }
    }

    private static HttpRequest.BodyPublisher body(byte[] bytes) {
        return HttpRequest.BodyPublishers.ofByteArray(bytes);
    }

    /** Request lines and headers as no client library would send them. */
    @Test
    default void pathsQueriesAndHeaders() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            String[] below = {"", "/identity", "/schema", "/logs", "/names", "/sql", "/call/nothing", "/unstable/timestamp",
                "/route/x", "/subscribe", "/pre_publish", "/environment", "/nowhere", "/mcp"};
            String[] methods = {"GET", "POST", "HEAD", "OPTIONS", "PATCH"};
            String[] headers = {"Authorization", "Content-Type", "X-Forwarded-Host", "X-Forwarded-Proto", "Upgrade",
                "Sec-WebSocket-Protocol", "Sec-WebSocket-Key", "spacetime-environment", "Accept", "Origin", "Cookie", "Range",
                "Expect", "Accept-Encoding", "Content-Encoding", "If-None-Match"};
            String[] values = {"Bearer ", "Bearer " + owner.token(), "Bearer a.b.c", "Basic eDp5", "application/json",
                "text/html;q=", "https", "a b", "[::1", "v1.json.spacetimedb", "websocket",
                "K=V", "=", "*/*", "é", "\u0001", "bytes=0-", "gzip", "x".repeat(3000)};
            repeat(random -> {
                StringBuilder request = new StringBuilder(methods[random.nextInt(methods.length)]).append(" /v1/database/")
                        .append(random.nextBoolean() ? name : chance(random, NAME_PARTS, "").replace(" ", ""))
                        .append(below[random.nextInt(below.length)]);
                if (random.nextBoolean()) {
                    request.append('?').append(chance(random, QUERY_PARTS, ""));
                }
                request.append(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n");
                for (int i = random.nextInt(4); i > 0; i--) {
                    String header = headers[random.nextInt(headers.length)];
                    String value = values[random.nextInt(values.length)];
                    if (!header.equals("Expect")) {
                        request.append(header).append(": ").append(value).append("\r\n");
                    }
                }
                int status = status(request + "\r\n[]");
                assertTrue(status >= 200 && status < 500 || status == 501, () -> status + " for " + request);
            });
            nothingIsLeft(http, name, owner);
        }
    }

    private static int status(String request) throws Exception {
        try (Socket socket = new Socket(Ear.SERVER.getHost(), Ear.SERVER.getPort())) {
            socket.setSoTimeout((int) Duration.ofSeconds(40).toMillis());
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            InputStream in = socket.getInputStream();
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
                line.write(c);
            }
            String first = line.toString(StandardCharsets.ISO_8859_1);
            assertTrue(first.startsWith("HTTP/1.1 "), () -> "\"" + first + "\" for " + request);
            return Integer.parseInt(first.substring(9, 12));
        }
    }
}
