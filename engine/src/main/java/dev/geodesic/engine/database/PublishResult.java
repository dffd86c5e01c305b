package dev.geodesic.engine.database;

import dev.geodesic.sats.Identity;
import java.util.Optional;

/**
 * @param name the name that was given
 * @param created false if the database existed
 * @param txOffset of the update; wait for it to be durable before answering
 */
public record PublishResult(Optional<String> name, Identity identity, boolean created, long txOffset) {
}
