package dev.geodesic.engine.tx;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.table.ForwardingStores;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** Stores that know which rows there are: whoever reads one that has been freed fails, and so does who forgets to free one. */
final class CheckedStores extends ForwardingStores {

    private final AtomicLong rows = new AtomicLong();
    private final Set<Checked> open = ConcurrentHashMap.newKeySet();

    CheckedStores(TableStores stores) {
        super(stores);
    }

    @Override
    public TableStore create(RowLayout layout) {
        return open(super.create(layout));
    }

    @Override
    public TableStore createUnlimited(RowLayout layout) {
        return open(super.createUnlimited(layout));
    }

    private TableStore open(TableStore store) {
        Checked checked = new Checked(store);
        open.add(checked);
        return checked;
    }

    /** Rows of open tables that have not been freed. */
    long rows() {
        return rows.get();
    }

    int openStores() {
        return open.size();
    }

    private final class Checked extends Store {

        private final Set<Long> there = ConcurrentHashMap.newKeySet();

        Checked(TableStore store) {
            super(store);
        }

        private long known(long row) {
            assertTrue(there.contains(row), () -> "row " + row + " is read, but it has been freed");
            return row;
        }

        @Override
        public long allocate(MemorySegment source, long offset, int length) {
            long row = super.allocate(source, offset, length);
            assertTrue(there.add(row), "a row's place was given away twice");
            rows.incrementAndGet();
            return row;
        }

        @Override
        public void publish(long row) {
            super.publish(known(row));
        }

        @Override
        public void retire(long row) {
            super.retire(known(row));
        }

        @Override
        public void free(long row) {
            known(row);
            there.remove(row);
            rows.decrementAndGet();
            super.free(row);
        }

        @Override
        public MemorySegment segment(long row) {
            return super.segment(known(row));
        }

        @Override
        public long offset(long row) {
            return super.offset(known(row));
        }

        @Override
        public int length(long row) {
            return super.length(known(row));
        }

        @Override
        public boolean isLive(long row) {
            return super.isLive(known(row));
        }

        @Override
        public void close() {
            if (open.remove(this)) {
                rows.addAndGet(-there.size());
                there.clear();
            }
            super.close();
        }
    }
}
