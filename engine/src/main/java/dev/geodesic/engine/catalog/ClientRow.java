package dev.geodesic.engine.catalog;

import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;

/** A connected client: a row of {@code st_client}. */
public record ClientRow(Identity identity, ConnectionId connection) {
}
