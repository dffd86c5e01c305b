package dev.geodesic.it;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** Requests to the deployed EAR, from outside. */
final class Http implements AutoCloseable {

    /** An answer; its body as text. */
    record Answer(int status, HttpHeaders headers, String body) {

        String header(String name) {
            return headers.firstValue(name).orElse("");
        }

        JsonObject json() {
            return Json.createReader(new StringReader(body)).readObject();
        }
    }

    /** Somebody with a token. */
    record Caller(String identity, String token) {
    }

    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final AtomicLong NAMES = new AtomicLong(System.currentTimeMillis());

    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    /** A request to a path below the root; nobody's without a caller. */
    static HttpRequest.Builder request(String method, String path, Caller caller, HttpRequest.BodyPublisher body) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(Ear.SERVER + path.substring(1))).timeout(TIMEOUT).method(method, body);
        if (caller != null) {
            request.header("Authorization", "Bearer " + caller.token());
        }
        return request;
    }

    Answer send(HttpRequest.Builder request) throws IOException, InterruptedException {
        HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        return new Answer(response.statusCode(), response.headers(), response.body());
    }

    /** Without waiting for the end of the body. */
    <T> HttpResponse<T> open(HttpRequest.Builder request, HttpResponse.BodyHandler<T> body)
            throws IOException, InterruptedException {
        return client.send(request.build(), body);
    }

    Answer send(String method, String path, Caller caller) throws IOException, InterruptedException {
        return send(request(method, path, caller, HttpRequest.BodyPublishers.noBody()));
    }

    Answer send(String method, String path, Caller caller, byte[] body) throws IOException, InterruptedException {
        return send(request(method, path, caller, HttpRequest.BodyPublishers.ofByteArray(body)));
    }

    Answer call(String database, String reducer, Caller caller, String arguments) throws IOException, InterruptedException {
        return send(request("POST", "/v1/database/" + database + "/call/" + reducer, caller,
                HttpRequest.BodyPublishers.ofString(arguments)).header("Content-Type", "application/json"));
    }

    Answer sql(String database, Caller caller, String statement) throws IOException, InterruptedException {
        return send("POST", "/v1/database/" + database + "/sql", caller, statement.getBytes(StandardCharsets.UTF_8));
    }

    /** Publishes a program under a name. */
    Answer publish(String database, Caller caller, byte[] program) throws IOException, InterruptedException {
        return send("PUT", "/v1/database/" + database, caller, program);
    }

    Caller newCaller() throws IOException, InterruptedException {
        JsonObject identity = send("POST", "/v1/identity", null).json();
        return new Caller(identity.getString("identity"), identity.getString("token"));
    }

    /** A name that no database has had. */
    static String unusedName() {
        return "db-" + Long.toString(NAMES.incrementAndGet(), Character.MAX_RADIX);
    }

    /** A new database under an {@link #unusedName}. */
    String newDatabase(Caller owner, String module) throws IOException, InterruptedException {
        String name = unusedName();
        Answer answer = publish(name, owner, module(module));
        if (answer.status() != 200) {
            throw new AssertionError(answer);
        }
        return name;
    }

    /** A compiled module below {@code samples}. */
    static byte[] module(String path) throws IOException {
        return Files.readAllBytes(Path.of("../samples").resolve(path));
    }

    @Override
    public void close() {
        client.close();
    }
}
