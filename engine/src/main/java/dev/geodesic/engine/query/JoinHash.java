package dev.geodesic.engine.query;

import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStore;
import it.unimi.dsi.fastutil.HashCommon;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * Rows of one table, found by the hash of some of their columns. Holds pointers only, some twenty bytes for a row; what
 * is found has an equal hash, so the caller compares. Not thread-safe.
 */
final class JoinHash {

    private static final int NONE = -1;

    private final TableStore store;
    private long[] rows = new long[64];
    private int[] hashes = new int[64];
    /** Next row of the same bucket. */
    private int[] next = new int[64];
    private int[] buckets = newBuckets(64);
    private int size;

    JoinHash(TableStore store) {
        this.store = store;
    }

    private static int[] newBuckets(int count) {
        int[] buckets = new int[count];
        Arrays.fill(buckets, NONE);
        return buckets;
    }

    int size() {
        return size;
    }

    void add(long row, int hash) {
        if (size == rows.length) {
            grow();
        }
        rows[size] = row;
        hashes[size] = hash;
        link(size++);
    }

    private void link(int at) {
        int bucket = hashes[at] & buckets.length - 1;
        next[at] = buckets[bucket];
        buckets[bucket] = at;
    }

    private void grow() {
        rows = Arrays.copyOf(rows, size * 2);
        hashes = Arrays.copyOf(hashes, size * 2);
        next = Arrays.copyOf(next, size * 2);
        buckets = newBuckets(size * 2);
        for (int i = 0; i < size; i++) {
            link(i);
        }
    }

    /** Rows with this hash. */
    RowIterator rows(int hash) {
        return new Chain(hash);
    }

    /** Hash of some columns of the tuple's rows: equal if the values are equal in SQL. */
    static int hash(JoinPlan plan, RowTuple rows, List<BoundExpr.BoundColumn> columns) {
        long h = 0;
        for (int i = 0; i < columns.size(); i++) {
            BoundExpr.BoundColumn column = columns.get(i);
            RowLayout layout = plan.layout(column.table());
            MemorySegment segment = rows.segment(column.table());
            long at = layout.columnOffset(segment, rows.offset(column.table()), column.position());
            h = HashCommon.mix(h * 31 + column.kind().hash(layout, segment, at));
        }
        return (int) (h ^ h >>> 32);
    }

    private final class Chain implements RowIterator {

        private final int hash;
        private int at = NONE;
        private boolean started;

        Chain(int hash) {
            this.hash = hash;
        }

        @Override
        public boolean next() {
            at = started ? next[at] : buckets[hash & buckets.length - 1];
            started = true;
            while (at != NONE && hashes[at] != hash) {
                at = next[at];
            }
            return at != NONE;
        }

        @Override
        public MemorySegment segment() {
            return store.segment(rows[at]);
        }

        @Override
        public long offset() {
            return store.offset(rows[at]);
        }

        @Override
        public int length() {
            return store.length(rows[at]);
        }

        @Override
        public long row() {
            return rows[at];
        }
    }
}
