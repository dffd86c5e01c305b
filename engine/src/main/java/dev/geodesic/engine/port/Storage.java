package dev.geodesic.engine.port;

import java.io.IOException;
import java.util.List;

/**
 * The files of one directory. What was done to the directory (create, rename, delete) survives a power loss only after
 * {@link #force}, what was written to a file only after {@link StorageFile#force}. Thread-safe. {@code toString} names the
 * directory in messages.
 */
public interface Storage extends AutoCloseable {

    /** Names of the files, in no particular order. */
    List<String> list() throws IOException;

    /** Creates an empty file; fails if there is one of this name. */
    StorageFile create(String name) throws IOException;

    /** Opens an existing file for reading and writing. */
    StorageFile open(String name) throws IOException;

    /** Renames a file, over another one if need be; afterwards the name stands for the old or the new file, never for none. */
    void rename(String from, String to) throws IOException;

    void delete(String name) throws IOException;

    /** Makes the names in the directory durable. A failure is final: what had been done may or may not survive. */
    void force() throws IOException;

    /** Files stay open. */
    @Override
    void close() throws IOException;
}
