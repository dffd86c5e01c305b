package dev.geodesic.engine.base;

/**
 * Memory that one database holds for rows and indexes, counted where it is taken and given back, and what it may hold. Once
 * there is a limit, taking more asks {@link #check} first; giving back never does, and neither do rows that must find room.
 * Changes: writer only. Reading: any thread.
 */
public final class MemoryUse {

    private ServerMemory server = ServerMemory.unlimited();
    private long bytesMax = Long.MAX_VALUE;
    private volatile boolean limited;
    private volatile long offHeapBytes;
    private volatile long heapBytes;
    private boolean released;

    /** Becomes a part of the whole. */
    public void join(ServerMemory whole) {
        server.addOffHeap(-offHeapBytes);
        server.addHeap(-heapBytes);
        server = whole;
        server.addOffHeap(offHeapBytes);
        server.addHeap(heapBytes);
    }

    /** From now on what is taken is checked; what is there already, for instance after a recovery, may be more. */
    public void limit(long max) {
        bytesMax = max;
        limited = true;
    }

    /** Counts memory off the heap; negative if it is given back. */
    public void addOffHeap(long more) {
        if (!released && more != 0) {
            offHeapBytes += more;
            server.addOffHeap(more);
        }
    }

    /** Counts memory on the heap; negative if it is given back. */
    public void addHeap(long more) {
        if (!released && more != 0) {
            heapBytes += more;
            server.addHeap(more);
        }
    }

    /** Whether so much more is within the limits. */
    public boolean hasRoom(long moreOffHeap, long moreHeap) {
        return !limited || bytes() + moreOffHeap + moreHeap <= bytesMax && server.hasRoom(moreOffHeap, moreHeap);
    }

    /** Errors: LIMIT_EXCEEDED, with limit and setting, if so much more would be too much. */
    public void check(long moreOffHeap, long moreHeap) {
        if (hasRoom(moreOffHeap, moreHeap)) {
            return;
        }
        if (bytes() + moreOffHeap + moreHeap > bytesMax) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "the database may hold " + bytesMax + " bytes of memory for rows and indexes (limit database-bytes, setting "
                            + "geodesic.limits.database.bytes) and has " + bytes() + "; delete rows, or raise the limit");
        }
        server.check(moreOffHeap, moreHeap);
    }

    /** All of it has been given back; nothing counts any more. */
    public void release() {
        addOffHeap(-offHeapBytes);
        addHeap(-heapBytes);
        released = true;
    }

    /** Bytes held, on the heap and off it. */
    public long bytes() {
        return offHeapBytes + heapBytes;
    }

    /** Of these, on the heap. */
    public long heapBytes() {
        return heapBytes;
    }
}
