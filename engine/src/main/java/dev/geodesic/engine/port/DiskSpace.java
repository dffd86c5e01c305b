package dev.geodesic.engine.port;

import java.io.IOException;

/** How much room there is where the data lies. Thread-safe; may take as long as the file system does. */
public interface DiskSpace {

    /** Bytes that this process may still write. */
    long usableBytes() throws IOException;
}
