package dev.geodesic.engine.table;

import dev.geodesic.engine.base.MemoryUse;
import java.lang.foreign.MemorySegment;

/** Stores that do what others do; for tests that change a part of it. */
public class ForwardingStores implements TableStores {

    private final TableStores stores;

    public ForwardingStores(TableStores stores) {
        this.stores = stores;
    }

    @Override
    public TableStore create(RowLayout layout) {
        return stores.create(layout);
    }

    @Override
    public TableStore createUnlimited(RowLayout layout) {
        return stores.createUnlimited(layout);
    }

    @Override
    public MemoryUse memory() {
        return stores.memory();
    }

    @Override
    public long memoryBytes() {
        return stores.memoryBytes();
    }

    @Override
    public void close() {
        stores.close();
    }

    /** One of them. */
    public static class Store implements TableStore {

        private final TableStore store;

        public Store(TableStore store) {
            this.store = store;
        }

        @Override
        public long allocate(MemorySegment source, long offset, int length) {
            return store.allocate(source, offset, length);
        }

        @Override
        public void publish(long row) {
            store.publish(row);
        }

        @Override
        public void retire(long row) {
            store.retire(row);
        }

        @Override
        public void free(long row) {
            store.free(row);
        }

        @Override
        public MemorySegment segment(long row) {
            return store.segment(row);
        }

        @Override
        public long offset(long row) {
            return store.offset(row);
        }

        @Override
        public int length(long row) {
            return store.length(row);
        }

        @Override
        public boolean isLive(long row) {
            return store.isLive(row);
        }

        @Override
        public long liveCount() {
            return store.liveCount();
        }

        @Override
        public long memoryBytes() {
            return store.memoryBytes();
        }

        @Override
        public RowCursor scan() {
            return store.scan();
        }

        @Override
        public long walk(long from, int places, boolean others, RowPointers out) {
            return store.walk(from, places, others, out);
        }

        @Override
        public void close() {
            store.close();
        }
    }
}
