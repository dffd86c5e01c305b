package dev.geodesic.engine.database;

/**
 * Something that is wrong with the files of a database.
 *
 * @param file relative to the directory of the database
 * @param problem with the place in the file and the remedy
 */
public record Finding(String file, String problem) {
}
