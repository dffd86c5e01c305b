package dev.geodesic.engine.table.chronicle;

import dev.geodesic.engine.base.MemoryUse;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The off-heap stores of one database. Writer thread only; {@link #memoryBytes} from any thread.
 */
public final class ChronicleStores implements TableStores {

    private final Arena arena = Arena.ofShared();
    /** All of memory. It dies with the arena, so that nobody can read pages after {@link #close}. */
    final MemorySegment memory = MemorySegment.NULL.reinterpret(Long.MAX_VALUE, arena, null);
    final MemoryUse use = new MemoryUse();
    final PagePool smallPages = new PagePool(SizeClasses.SMALL_PAGE_BYTES, use);
    final PagePool largePages = new PagePool(SizeClasses.LARGE_PAGE_BYTES, use);
    final AtomicLong ownBytes = new AtomicLong();
    private final List<ChronicleStore> open = new ArrayList<>();

    @Override
    public TableStore create(RowLayout layout) {
        return open(new ChronicleStore(this, layout, true));
    }

    @Override
    public TableStore createUnlimited(RowLayout layout) {
        return open(new ChronicleStore(this, layout, false));
    }

    private TableStore open(ChronicleStore store) {
        open.add(store);
        return store;
    }

    @Override
    public MemoryUse memory() {
        return use;
    }

    void closed(ChronicleStore store) {
        open.remove(store);
    }

    /** Pages in use or kept for later; memory that no row was written to yet counts, though the system has not given it. */
    @Override
    public long memoryBytes() {
        return smallPages.bytes() + largePages.bytes() + ownBytes.get();
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            // First: a reader that is late gets an exception then, not memory that is somebody else's.
            arena.close();
            List.copyOf(open).forEach(TableStore::close);
            smallPages.close();
            largePages.close();
            use.release();
        }
    }
}
