package dev.geodesic.protocol;

import java.util.Optional;

/** What a connection speaks, in the server's order of preference (spec/websocket.md 1.1). */
public enum Subprotocol {
    /** v2 messages, several in one payload. */
    V3("v3.bsatn.spacetimedb"),
    V2("v2.bsatn.spacetimedb"),
    V1_BSATN("v1.bsatn.spacetimedb"),
    V1_JSON("v1.json.spacetimedb");

    /** Body of the 400 answer if nothing fits. */
    public static final String NOT_SELECTED = "no valid protocol selected";

    private final String headerValue;

    Subprotocol(String headerValue) {
        this.headerValue = headerValue;
    }

    /** The name in {@code Sec-WebSocket-Protocol}. */
    public String headerValue() {
        return headerValue;
    }

    /** Whether the server answers in text messages. */
    public boolean isText() {
        return this == V1_JSON;
    }

    public boolean isV1() {
        return this == V1_BSATN || this == V1_JSON;
    }

    /** Whether query results wait until they are durable if the client does not say. */
    public boolean confirmedByDefault() {
        return !isV1();
    }

    /**
     * The most preferred of the offered ones, whatever their order.
     *
     * @param headerValues values of the header, repeated or comma separated
     */
    public static Optional<Subprotocol> negotiate(Iterable<String> headerValues) {
        Subprotocol best = null;
        for (String value : headerValues) {
            for (String name : value.split(",")) {
                for (Subprotocol candidate : values()) {
                    if (candidate.headerValue.equals(name.strip()) && (best == null || candidate.compareTo(best) < 0)) {
                        best = candidate;
                    }
                }
            }
        }
        return Optional.ofNullable(best);
    }
}
