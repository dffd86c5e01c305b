package dev.geodesic.engine.database;

import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.util.Objects;

/**
 * Who calls.
 *
 * @param connection id of the connection; HTTP requests take a random one
 * @param jwtPayload what the caller's token says, as JSON text
 */
public record ClientInfo(Identity identity, ConnectionId connection, String jwtPayload) {

    public ClientInfo {
        Objects.requireNonNull(identity, "identity");
        Objects.requireNonNull(connection, "connection");
        Objects.requireNonNull(jwtPayload, "jwtPayload");
    }
}
