package dev.geodesic.engine.port;

import java.io.IOException;
import java.nio.file.Path;

/** Where the directories of databases lie. Thread-safe. */
@FunctionalInterface
public interface Disk {

    /** Opens a directory; creates it, with its parents, durably if it does not exist. */
    Storage open(Path directory) throws IOException;
}
