package dev.geodesic.engine.egress;

import java.util.List;

/** @param http10 whether the server spoke HTTP/1.0; HTTP/1.1 otherwise */
public record OutboundResponse(int status, List<HeaderField> headers, byte[] body, boolean http10) {
}
