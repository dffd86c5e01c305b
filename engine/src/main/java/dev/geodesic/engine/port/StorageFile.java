package dev.geodesic.engine.port;

import java.io.IOException;
import java.nio.ByteBuffer;

/** An open file of a {@link Storage}. One thread at a time; positions and sizes are bytes. */
public interface StorageFile extends AutoCloseable {

    long size() throws IOException;

    /** Reads some bytes, as many as there are up to the room in {@code target}; -1 at the end of the file. */
    int read(ByteBuffer target, long position) throws IOException;

    /** Writes all of {@code source}; the file grows if need be. After an error any part of it may have been written. */
    void write(ByteBuffer source, long position) throws IOException;

    /** Cuts the file to a size that is not larger than the present one. */
    void truncate(long size) throws IOException;

    /**
     * Makes everything written durable. After a failure nothing is known about what had not been durable before, and a
     * later success says nothing about it either, unless it is written again.
     */
    void force() throws IOException;

    @Override
    void close() throws IOException;
}
