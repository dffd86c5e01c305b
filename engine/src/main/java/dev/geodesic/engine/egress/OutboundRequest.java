package dev.geodesic.engine.egress;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A request as a module made it; nothing about it is checked yet.
 *
 * @param method {@code GET} and so on, or a word of the module's own
 * @param timeout from connecting to the last byte of the body
 * @param http10 whether the server should be spoken to in HTTP/1.0; HTTP/1.1 otherwise
 */
public record OutboundRequest(
        String method, String uri, List<HeaderField> headers, byte[] body, Optional<Duration> timeout, boolean http10) {

    public OutboundRequest {
        headers = List.copyOf(headers);
    }
}
