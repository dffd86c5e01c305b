package dev.geodesic.engine.table.heap;

import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import java.util.ArrayList;
import java.util.List;

/** Stores on the Java heap. */
public final class HeapStores implements TableStores {

    private final List<HeapStore> open = new ArrayList<>();

    @Override
    public TableStore create(RowLayout layout) {
        HeapStore store = new HeapStore(open::remove);
        open.add(store);
        return store;
    }

    @Override
    public long memoryBytes() {
        return open.stream().mapToLong(TableStore::memoryBytes).sum();
    }

    @Override
    public void close() {
        List.copyOf(open).forEach(TableStore::close);
    }
}
