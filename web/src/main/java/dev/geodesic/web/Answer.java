package dev.geodesic.web;

import jakarta.servlet.http.HttpServletResponse;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * An answer that a resource may give as well as a filter.
 *
 * @param headers besides the content type
 */
record Answer(int status, String contentType, Map<String, Object> headers, byte[] body) {

    static Answer of(int status, String contentType, String body) {
        return new Answer(status, contentType, Map.of(), body.getBytes(StandardCharsets.UTF_8));
    }

    static Answer text(int status, String text) {
        return of(status, Answers.TEXT, text);
    }

    Response toResponse() {
        Response.ResponseBuilder response = Response.status(status).header(HttpHeaders.CONTENT_TYPE, contentType);
        headers.forEach(response::header);
        return response.entity(body).build();
    }

    /** Blocks until the client, or its connection, has taken the body. */
    void send(HttpServletResponse response) throws IOException {
        response.setStatus(status);
        headers.forEach((name, value) -> response.setHeader(name, value.toString()));
        response.setContentType(contentType);
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }
}
