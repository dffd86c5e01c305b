package dev.geodesic.engine.database;

import dev.geodesic.sats.Identity;
import java.util.Optional;

/**
 * What was restored.
 *
 * @param name the name that was given
 * @param created false if the database existed
 * @param transactions number of them in the restored state
 * @param commitMicros when the last of them was committed, in microseconds since 1970
 */
public record RestoreResult(
        Optional<String> name, Identity identity, boolean created, long transactions, long commitMicros) {
}
