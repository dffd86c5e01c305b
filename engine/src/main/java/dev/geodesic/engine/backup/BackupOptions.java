package dev.geodesic.engine.backup;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How databases are backed up.
 *
 * @param directory below which the server may write backups; empty: it only sends them
 * @param uploadBytesMax of a backup that somebody sends to have it restored
 * @param bytesMax of the files in it, unpacked
 */
public record BackupOptions(Optional<Path> directory, long uploadBytesMax, long bytesMax) {

    /** No directory, 16 GiB and 64 GiB. */
    public static final BackupOptions DEFAULTS = new BackupOptions(Optional.empty(), 16L << 30, 64L << 30);
}
