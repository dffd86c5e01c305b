package dev.geodesic.engine.base;

import java.util.concurrent.atomic.AtomicLong;

/** Memory that all databases of a server, and their programs, hold together, and what they may hold. Thread-safe. */
public final class ServerMemory {

    private final long bytesMax;
    private final long heapBytesMax;
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong heapBytes = new AtomicLong();

    /**
     * @param bytesMax off the heap and on it
     * @param heapBytesMax on the heap
     */
    public ServerMemory(long bytesMax, long heapBytesMax) {
        this.bytesMax = bytesMax;
        this.heapBytesMax = heapBytesMax;
    }

    /** Without limits. */
    public static ServerMemory unlimited() {
        return new ServerMemory(Long.MAX_VALUE, Long.MAX_VALUE);
    }

    /** Counts memory off the heap; negative if it is given back. */
    public void addOffHeap(long more) {
        bytes.addAndGet(more);
    }

    /** Counts memory on the heap; negative if it is given back. */
    public void addHeap(long more) {
        bytes.addAndGet(more);
        heapBytes.addAndGet(more);
    }

    boolean hasRoom(long moreOffHeap, long moreHeap) {
        return bytes.get() + moreOffHeap + moreHeap <= bytesMax && heapBytes.get() + moreHeap <= heapBytesMax;
    }

    /** Bytes that are left. */
    public long room() {
        return Math.max(0, bytesMax - bytes.get());
    }

    /** Errors: LIMIT_EXCEEDED if so much more would be too much. */
    public void check(long moreOffHeap, long moreHeap) {
        if (!hasRoom(moreOffHeap, moreHeap)) {
            boolean heap = heapBytes.get() + moreHeap > heapBytesMax;
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "the databases of this server may hold " + (heap ? heapBytesMax : bytesMax) + " bytes of memory"
                            + (heap ? " on the heap (limit server-heap-bytes, setting geodesic.limits.server.heap.bytes)"
                            : " (limit server-bytes, setting geodesic.limits.server.bytes)")
                            + " and have " + (heap ? heapBytes : bytes).get() + "; delete rows, or raise the limit");
        }
    }

    /** Bytes held, on the heap and off it. */
    public long bytes() {
        return bytes.get();
    }

    /** Of these, on the heap. */
    public long heapBytes() {
        return heapBytes.get();
    }

    public long bytesMax() {
        return bytesMax;
    }

    public long heapBytesMax() {
        return heapBytesMax;
    }
}
