package dev.geodesic.engine.database;

import dev.geodesic.engine.base.MemoryUse;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.RowCursor;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/** Stores whose user tables find the heap full while somebody says so. */
record FullStores(TableStores stores, AtomicBoolean full) implements TableStores {

    @Override
    public TableStore create(RowLayout layout) {
        return new Full(stores.create(layout), full);
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

    private record Full(TableStore store, AtomicBoolean full) implements TableStore {

        @Override
        public long allocate(MemorySegment source, long offset, int length) {
            if (full.get()) {
                throw new OutOfMemoryError("for the test");
            }
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
