package dev.geodesic.web;

import dev.geodesic.sats.JsonWriter;

/** A request that a route refuses by its own rules: status and body of the answer. */
final class RefusedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int status;
    private final String contentType;

    private RefusedException(int status, String body, String contentType) {
        super(body, null, false, false);
        this.status = status;
        this.contentType = contentType;
    }

    RefusedException(int status, String text) {
        this(status, text, Answers.TEXT);
    }

    /** For the few routes that refuse in JSON. */
    static RefusedException json(int status, JsonWriter json) {
        return new RefusedException(status, json.toString(), Answers.JSON);
    }

    /** {@code {"variant":{"key":"value"}}}. */
    static RefusedException tagged(int status, String variant, String key, String value) {
        return json(status, new JsonWriter().beginObject().key(variant).beginObject().key(key).string(value)
                .endObject().endObject());
    }

    int status() {
        return status;
    }

    String contentType() {
        return contentType;
    }
}
