package dev.geodesic.engine.table;

import dev.geodesic.engine.base.MemoryUse;

/** The stores of one database, which share its memory. Writer thread only. */
public interface TableStores extends AutoCloseable {

    /** An empty store for rows of this layout. It takes no more memory than {@link #memory} allows. */
    TableStore create(RowLayout layout);

    /** As {@link #create}, for rows that must find room whatever the limits are: those of the system. */
    TableStore createUnlimited(RowLayout layout);

    /** What all stores, and the indexes over them, hold together. */
    MemoryUse memory();

    /** Bytes reserved for all stores together. */
    long memoryBytes();

    /** Releases all memory, that of stores still open included. */
    @Override
    void close();
}
