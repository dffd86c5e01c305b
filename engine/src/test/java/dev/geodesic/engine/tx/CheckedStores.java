package dev.geodesic.engine.tx;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.MemoryUse;
import dev.geodesic.engine.table.RowCursor;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** Stores that know which rows there are: whoever reads one that has been freed fails, and so does who forgets to free one. */
final class CheckedStores implements TableStores {

    private final TableStores stores;
    private final AtomicLong rows = new AtomicLong();
    private final Set<Checked> open = ConcurrentHashMap.newKeySet();

    CheckedStores(TableStores stores) {
        this.stores = stores;
    }

    @Override
    public TableStore create(RowLayout layout) {
        return open(stores.create(layout));
    }

    @Override
    public TableStore createUnlimited(RowLayout layout) {
        return open(stores.createUnlimited(layout));
    }

    private TableStore open(TableStore store) {
        Checked checked = new Checked(store);
        open.add(checked);
        return checked;
    }

    @Override
    public MemoryUse memory() {
        return stores.memory();
    }

    /** Rows of open tables that have not been freed. */
    long rows() {
        return rows.get();
    }

    int openStores() {
        return open.size();
    }

    @Override
    public long memoryBytes() {
        return stores.memoryBytes();
    }

    @Override
    public void close() {
        stores.close();
    }

    private final class Checked implements TableStore {

        private final TableStore store;
        private final Set<Long> there = ConcurrentHashMap.newKeySet();

        Checked(TableStore store) {
            this.store = store;
        }

        private long known(long row) {
            assertTrue(there.contains(row), () -> "row " + row + " is read, but it has been freed");
            return row;
        }

        @Override
        public long allocate(MemorySegment source, long offset, int length) {
            long row = store.allocate(source, offset, length);
            assertTrue(there.add(row), "a row's place was given away twice");
            rows.incrementAndGet();
            return row;
        }

        @Override
        public void publish(long row) {
            store.publish(known(row));
        }

        @Override
        public void retire(long row) {
            store.retire(known(row));
        }

        @Override
        public void free(long row) {
            known(row);
            there.remove(row);
            rows.decrementAndGet();
            store.free(row);
        }

        @Override
        public MemorySegment segment(long row) {
            return store.segment(known(row));
        }

        @Override
        public long offset(long row) {
            return store.offset(known(row));
        }

        @Override
        public int length(long row) {
            return store.length(known(row));
        }

        @Override
        public boolean isLive(long row) {
            return store.isLive(known(row));
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
            if (open.remove(this)) {
                rows.addAndGet(-there.size());
                there.clear();
            }
            store.close();
        }
    }
}
