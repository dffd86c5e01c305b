package dev.geodesic.engine.database;

import dev.geodesic.sats.Identity;

/**
 * What the control database knows of a database.
 *
 * @param incarnation counts creations and resets; names the directory of the data
 * @param initialProgram hash of the program at creation or the last reset
 */
public record DatabaseEntry(Identity identity, Identity owner, long incarnation, Identity initialProgram, boolean locked) {
}
