package dev.geodesic.engine.table.chronicle;

import dev.geodesic.engine.base.MemoryUse;
import java.util.ArrayList;
import java.util.List;

/**
 * The pages of one size of one database. Grows by whole maps, each as large as all before together up to a bound, and
 * closes maps none of whose pages is used. Writer thread only; {@link #bytes} from any thread.
 */
final class PagePool implements AutoCloseable {

    private static final long FIRST_MAP_BYTES = 1 << 20;
    private static final long MAP_BYTES_MAX = 64 << 20;

    final int pageBytes;
    private final List<PageMap> maps = new ArrayList<>();
    private final MemoryUse use;
    private volatile long bytes;

    PagePool(int pageBytes, MemoryUse use) {
        this.pageBytes = pageBytes;
        this.use = use;
    }

    /**
     * The first map with a free page; a new one if there is none.
     *
     * @param limited whether it matters how much the database holds
     * @throws dev.geodesic.engine.base.EngineException LIMIT_EXCEEDED if there is no memory, or not for this database
     */
    PageMap mapWithFreePage(boolean limited) {
        for (PageMap map : maps) {
            if (map.hasFree()) {
                return map;
            }
        }
        long size = Math.clamp(bytes, FIRST_MAP_BYTES, MAP_BYTES_MAX);
        if (!use.hasRoom(size, 0)) {
            size = FIRST_MAP_BYTES;
            if (limited) {
                use.check(size, 0);
            }
        }
        PageMap map = new PageMap(pageBytes, (int) (size / pageBytes));
        maps.add(map);
        bytes += map.bytes();
        use.addOffHeap(map.bytes());
        return map;
    }

    void release(PageMap map, long address) {
        map.release(address);
        // One map with free pages stays, so that a table at the edge does not open and close maps in turn.
        if (map.isUnused() && maps.stream().anyMatch(m -> m != map && m.hasFree())) {
            maps.remove(map);
            bytes -= map.bytes();
            use.addOffHeap(-map.bytes());
            map.close();
        }
    }

    long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        maps.forEach(PageMap::close);
        maps.clear();
        bytes = 0;
    }
}
