package dev.geodesic.engine.database;

import java.util.List;

/**
 * A request for a module's HTTP handler (spec/execution.md 8.2).
 *
 * @param method as in the request line
 * @param path behind {@code /route}
 * @param uri as the client knows it, absolute and with its query
 * @param http10 whether it came in HTTP/1.0 or older; 1.1 otherwise
 */
public record HandlerRequest(
        String method, String path, String uri, boolean http10, List<HandlerAnswer.Header> headers, byte[] body) {

    public HandlerRequest {
        headers = List.copyOf(headers);
    }
}
