package dev.geodesic.engine.database;

import dev.geodesic.sats.Identity;
import java.util.Optional;

/**
 * A program to install (spec/http-api.md 6.1).
 *
 * @param database name or identity; empty for a new database without a name
 * @param clear whether to drop the data of an existing database
 */
public record PublishRequest(Optional<String> database, Identity caller, byte[] program, boolean clear) {
}
