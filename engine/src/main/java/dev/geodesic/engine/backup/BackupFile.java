package dev.geodesic.engine.backup;

/**
 * A file of a backup.
 *
 * @param sha256 of its bytes, as 64 lower-case hex digits
 */
public record BackupFile(String name, long bytes, String sha256) {
}
