package dev.geodesic.engine.table.heap;

import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.base.MemoryUse;
import dev.geodesic.engine.table.RowCursor;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.Consumer;

/** A byte array per row; a row pointer is an index into the array of these. */
final class HeapStore implements TableStore {

    private static final MemorySegment[] CLOSED = {};
    private static final byte PENDING = 1;
    private static final byte LIVE = 2;
    private static final byte RETIRED = 3;
    private static final int ROW_BYTES = 80;
    /** Less than this is not told at once: the count of all databases is shared. */
    private static final int UNCOUNTED_MAX = 16 << 10;

    private final MemoryUse use;
    private final boolean limited;
    private final Consumer<HeapStore> onClose;
    // Volatile, because the writer grows them while readers look up live rows.
    private volatile MemorySegment[] rows = new MemorySegment[8];
    private volatile byte[] states = new byte[8];
    private int[] free = new int[8];
    private int freeCount;
    private int end;
    private long liveCount;
    private long bytes;
    private long counted;

    /** @param limited whether it matters how much the database holds */
    HeapStore(MemoryUse use, boolean limited, Consumer<HeapStore> onClose) {
        this.use = use;
        this.limited = limited;
        this.onClose = onClose;
    }

    @Override
    public long allocate(MemorySegment source, long offset, int length) {
        checkOpen();
        if (limited) {
            use.check(0, length + (long) ROW_BYTES);
        }
        byte[] row = new byte[length];
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, offset, row, 0, length);
        int index = freeCount > 0 ? free[--freeCount] : end++;
        if (index == rows.length) {
            rows = Arrays.copyOf(rows, index * 2);
            states = Arrays.copyOf(states, index * 2);
        }
        rows[index] = MemorySegment.ofArray(row);
        states[index] = PENDING;
        bytes += length;
        count();
        return index;
    }

    private void count() {
        long now = memoryBytes();
        if (Math.abs(now - counted) > UNCOUNTED_MAX) {
            use.addHeap(now - counted);
            counted = now;
        }
    }

    private void checkOpen() {
        Invariants.check(rows != CLOSED, "table store is closed");
    }

    private void move(long row, byte from, byte to) {
        Invariants.check(row >= 0 && row < end && states[(int) row] == from, "row is not in the expected state", "row", row);
        states[(int) row] = to;
    }

    @Override
    public void publish(long row) {
        move(row, PENDING, LIVE);
        liveCount++;
    }

    @Override
    public void retire(long row) {
        move(row, LIVE, RETIRED);
        liveCount--;
    }

    @Override
    public void free(long row) {
        int length = length(row);
        move(row, states[(int) row] == RETIRED ? RETIRED : PENDING, (byte) 0);
        bytes -= length;
        rows[(int) row] = null;
        if (freeCount == free.length) {
            free = Arrays.copyOf(free, freeCount * 2);
        }
        free[freeCount++] = (int) row;
        count();
    }

    @Override
    public MemorySegment segment(long row) {
        MemorySegment[] all = rows;
        MemorySegment segment = row >= 0 && row < all.length ? all[(int) row] : null;
        Invariants.check(segment != null, "no such row in the store", "row", row);
        return segment;
    }

    @Override
    public long offset(long row) {
        return 0;
    }

    @Override
    public int length(long row) {
        return (int) segment(row).byteSize();
    }

    @Override
    public boolean isLive(long row) {
        segment(row);
        return states[(int) row] == LIVE;
    }

    @Override
    public long liveCount() {
        return liveCount;
    }

    @Override
    public long memoryBytes() {
        return bytes + (end - freeCount) * (long) ROW_BYTES + rows.length * 5L + free.length * 4L;
    }

    @Override
    public RowCursor scan() {
        checkOpen();
        return new RowCursor() {
            private final byte[] all = states;
            private int at = -1;

            @Override
            public boolean next() {
                while (++at < all.length) {
                    if (all[at] == LIVE) {
                        return true;
                    }
                }
                at = all.length;
                return false;
            }

            @Override
            public long row() {
                return at;
            }
        };
    }

    @Override
    public long walk(long from, int places, boolean others, RowPointers out) {
        checkOpen();
        byte[] all = states;
        int end = (int) Math.min(all.length, from + places);
        for (int at = (int) from; at < end; at++) {
            if (all[at] == LIVE) {
                out.add(at);
            } else if (others && all[at] == RETIRED) {
                out.add(~(long) at);
            }
        }
        return end == all.length ? NO_ROW : end;
    }

    @Override
    public void close() {
        if (rows != CLOSED) {
            rows = CLOSED;
            states = new byte[0];
            free = new int[8];
            freeCount = 0;
            end = 0;
            liveCount = 0;
            bytes = 0;
            use.addHeap(-counted);
            counted = 0;
            onClose.accept(this);
        }
    }
}
