package dev.geodesic.engine.table.heap;

import dev.geodesic.engine.base.MemoryUse;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import java.util.ArrayList;
import java.util.List;

/** Stores on the Java heap. */
public final class HeapStores implements TableStores {

    private final List<HeapStore> open = new ArrayList<>();
    private final MemoryUse use = new MemoryUse();

    @Override
    public TableStore create(RowLayout layout) {
        return open(new HeapStore(use, true, open::remove));
    }

    @Override
    public TableStore createUnlimited(RowLayout layout) {
        return open(new HeapStore(use, false, open::remove));
    }

    private TableStore open(HeapStore store) {
        open.add(store);
        return store;
    }

    @Override
    public MemoryUse memory() {
        return use;
    }

    @Override
    public long memoryBytes() {
        return open.stream().mapToLong(TableStore::memoryBytes).sum();
    }

    @Override
    public void close() {
        List.copyOf(open).forEach(TableStore::close);
        use.release();
    }
}
