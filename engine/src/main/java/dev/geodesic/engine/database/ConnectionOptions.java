package dev.geodesic.engine.database;

import java.util.Optional;

/**
 * What a WebSocket client asked for (spec/websocket.md 1.2).
 *
 * @param v1 protocol version 1, with its way to count queries and merge updates
 * @param light version 1: other callers' calls stay unnamed
 * @param confirmed messages wait until what they depend on is durable
 * @param sessionId that no other live connection of the identity may have (spec/websocket.md 11)
 */
public record ConnectionOptions(boolean v1, boolean light, boolean confirmed, Optional<String> sessionId) {

    public ConnectionOptions(boolean v1, boolean light, boolean confirmed) {
        this(v1, light, confirmed, Optional.empty());
    }
}
