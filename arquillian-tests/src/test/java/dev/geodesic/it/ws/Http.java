package dev.geodesic.it.ws;

import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** The HTTP routes that the tests need. */
final class Http {

    static final int PORT = Integer.getInteger("test.http.port");

    private static final HttpClient CLIENT = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    /** Somebody with a token. */
    record User(String identity, String token) {
    }

    private Http() {
    }

    /** Answer of any status; {@code token} may be null. */
    static HttpResponse<String> send(String method, String path, String token, byte[] body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + PORT + "/v1/" + path))
                .timeout(Duration.ofSeconds(60)).method(method, HttpRequest.BodyPublishers.ofByteArray(body));
        if (path.contains("/call/") || path.startsWith("restore")) {
            request.header("Content-Type", "application/json");
        }
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        try {
            return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Body of a 200 answer. */
    static String ok(String method, String path, String token, byte[] body) {
        HttpResponse<String> answer = send(method, path, token, body);
        if (answer.statusCode() != 200) {
            throw new AssertionError(method + " " + path + ": " + answer.statusCode() + " " + answer.body());
        }
        return answer.body();
    }

    static User newUser() {
        String answer = ok("POST", "identity", null, new byte[0]);
        return new User(string(answer, "identity"), string(answer, "token"));
    }

    /** A member of a JSON object. */
    static String string(String json, String... path) {
        JsonValue value = Json.parse(json);
        for (String name : path) {
            value = ((JsonValue.JsonObject) value).get(name).orElseThrow();
        }
        return ((JsonValue.JsonString) value).value();
    }
}
