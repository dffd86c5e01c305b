package dev.geodesic.engine.table;

import java.lang.foreign.MemorySegment;

/**
 * The bytes of one table's rows.
 *
 * <p>A row is born <em>pending</em> ({@link #allocate}): it has its final bytes and pointer, but scans do not see it. It
 * becomes <em>live</em> ({@link #publish}) when its transaction commits, <em>retired</em> ({@link #retire}) when a commit
 * deletes it, and its place is reused after {@link #free}. Between {@code retire} and {@code free} its bytes can still be
 * read, for the log and the subscriptions.
 *
 * <pre>
 *   allocate ─► pending ─ publish ─► live ─ retire ─► retired ─ free ─► gone
 *                  └────────────────── free ────────────────────────────┘
 * </pre>
 *
 * <p>Threads: the writer alone calls the methods that change something. {@code allocate}, and {@code free} of pending
 * rows, may run while readers read other rows; {@code publish}, {@code retire} and {@code free} of retired rows run under
 * the exclusive lock of the committed state. Readers hold the shared lock. A pointer is never handed to another table.
 */
public interface TableStore extends AutoCloseable {

    /** No row. Row pointers are never negative. */
    long NO_ROW = -1;

    /**
     * Copies {@code length} bytes in.
     *
     * @return the pointer of the pending row
     * @throws dev.geodesic.engine.base.EngineException LIMIT_EXCEEDED if the row is too long, memory is exhausted, or the
     *     database holds as much as it may
     */
    long allocate(MemorySegment source, long offset, int length);

    /** Pending to live. */
    void publish(long row);

    /** Live to retired. */
    void retire(long row);

    /** Pending or retired to gone. */
    void free(long row);

    /** Where the row's bytes are. The segment may be shared by all rows; use it with {@link #offset}. */
    MemorySegment segment(long row);

    long offset(long row);

    int length(long row);

    /** Whether the row is live; false for pending and retired rows. */
    boolean isLive(long row);

    /** Number of live rows. */
    long liveCount();

    /** Bytes reserved for this table, pages and bookkeeping. */
    long memoryBytes();

    /** All live rows, in no given order; valid while the caller holds the shared lock. */
    RowCursor scan();

    /**
     * A part of a walk over all live rows, by rising pointers. Between two calls the store may change in any way;
     * rows that stay in it meanwhile come exactly once. The caller holds the shared lock.
     *
     * @param from 0, or what the call before returned
     * @param places about how many places to look at
     * @param others whether pointers that are not live come too, as {@code ~row}: all retired rows, but also pending rows and
     *     places that hold none
     * @param out gets the pointers
     * @return where to go on, above all pointers that have come and not above those to come, or {@link #NO_ROW} at the end
     */
    long walk(long from, int places, boolean others, RowPointers out);

    /** Releases the memory; every pointer is dead. */
    @Override
    void close();
}
