package dev.geodesic.engine.database;

import dev.geodesic.engine.table.ForwardingStores;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/** Stores whose user tables find the heap full while somebody says so. */
final class FullStores extends ForwardingStores {

    private final AtomicBoolean full;

    FullStores(TableStores stores, AtomicBoolean full) {
        super(stores);
        this.full = full;
    }

    @Override
    public TableStore create(RowLayout layout) {
        return new Store(super.create(layout)) {
            @Override
            public long allocate(MemorySegment source, long offset, int length) {
                if (full.get()) {
                    throw new OutOfMemoryError("for the test");
                }
                return super.allocate(source, offset, length);
            }
        };
    }
}
