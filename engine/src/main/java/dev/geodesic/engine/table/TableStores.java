package dev.geodesic.engine.table;

/** The stores of one database, which share its memory. Writer thread only. */
public interface TableStores extends AutoCloseable {

    /** An empty store for rows of this layout. */
    TableStore create(RowLayout layout);

    /** Bytes reserved for all stores together. */
    long memoryBytes();

    /** Releases all memory, that of stores still open included. */
    @Override
    void close();
}
