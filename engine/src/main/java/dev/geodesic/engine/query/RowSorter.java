package dev.geodesic.engine.query;

import dev.geodesic.sats.BsatnWriter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/** The first rows of a result in the order of some keys. What it keeps counts for the budget. Not thread-safe. */
final class RowSorter implements RowSink {

    /** Beyond this the rows are all kept, and sorted once. */
    private static final long HEAP_ROWS_MAX = 100_000;
    private static final Comparator<Entry> ORDER =
            (a, b) -> Arrays.compareUnsigned(a.bytes, 0, a.keyLength, b.bytes, 0, b.keyLength);

    private final QueryBudget budget;
    private final long wanted;
    private final BsatnWriter key = new BsatnWriter();
    /** One of the two: all rows, or the first ones with the last of them on top. */
    private final List<Entry> all = new ArrayList<>();
    private final PriorityQueue<Entry> first = new PriorityQueue<>(ORDER.reversed());

    /** A key and behind it a row. */
    private record Entry(byte[] bytes, int keyLength) {
    }

    /** @param wanted rows that {@link #drain} gives at most */
    RowSorter(long wanted, QueryBudget budget) {
        this.wanted = wanted;
        this.budget = budget;
    }

    /** Takes the key of the next row; false if that row need not be given. */
    boolean wants(SortKeys keys, RowTuple rows) {
        keys.write(rows, key);
        if (first.size() < wanted) {
            return true;
        }
        if (wanted == 0) {
            return false;
        }
        Entry last = first.peek();
        return Arrays.compareUnsigned(key.buffer(), 0, key.length(), last.bytes, 0, last.keyLength) < 0;
    }

    @Override
    public void row(MemorySegment segment, long offset, int length) {
        byte[] bytes = Arrays.copyOf(key.buffer(), key.length() + length);
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, offset, bytes, key.length(), length);
        budget.keepInOrder(bytes.length);
        Entry entry = new Entry(bytes, key.length());
        if (wanted > HEAP_ROWS_MAX) {
            all.add(entry);
        } else {
            first.add(entry);
            if (first.size() > wanted) {
                budget.keepInOrder(-first.remove().bytes.length);
            }
        }
    }

    /** Gives the rows in order, but for some at the start. */
    long drain(long offset, RowSink sink) {
        all.addAll(first);
        all.sort(ORDER);
        long end = Math.min(wanted, all.size());
        for (long i = offset; i < end; i++) {
            Entry entry = all.get((int) i);
            sink.row(MemorySegment.ofArray(entry.bytes), entry.keyLength, entry.bytes.length - entry.keyLength);
        }
        return Math.max(0, end - offset);
    }
}
