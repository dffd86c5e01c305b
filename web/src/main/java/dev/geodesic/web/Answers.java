package dev.geodesic.web;

import dev.geodesic.sats.JsonWriter;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Bodies with the exact content types that clients compare (spec/http-api.md section 1). */
final class Answers {

    /** Without a charset: the published command line tool compares it byte for byte. */
    static final String JSON = "application/json";
    static final String TEXT = "text/plain; charset=utf-8";

    /** Header with the time that a call or statement took. */
    static final String DURATION = "spacetime-execution-duration-micros";

    private static final List<String> METHODS = List.of("GET", "HEAD", "POST", "PUT", "DELETE");

    private Answers() {
    }

    static Response of(int status, String contentType, String body) {
        return Answer.of(status, contentType, body).toResponse();
    }

    static Response text(int status, String text) {
        return of(status, TEXT, text);
    }

    static Response json(JsonWriter json) {
        return Response.ok(json.toByteArray()).header(HttpHeaders.CONTENT_TYPE, JSON).build();
    }

    /** Value of an {@code Allow} header in our order, without OPTIONS, which the server answers everywhere. */
    static String methods(String allowed) {
        List<String> names = Arrays.stream((allowed == null ? "" : allowed).split(",")).map(String::strip).toList();
        return METHODS.stream().filter(names::contains).collect(Collectors.joining(","));
    }
}
