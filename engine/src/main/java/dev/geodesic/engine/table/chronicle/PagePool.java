package dev.geodesic.engine.table.chronicle;

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
    private volatile long bytes;

    PagePool(int pageBytes) {
        this.pageBytes = pageBytes;
    }

    /** The first map with a free page; a new one if there is none. Errors: LIMIT_EXCEEDED if there is no memory. */
    PageMap mapWithFreePage() {
        for (PageMap map : maps) {
            if (map.hasFree()) {
                return map;
            }
        }
        PageMap map = new PageMap(pageBytes, (int) (Math.clamp(bytes, FIRST_MAP_BYTES, MAP_BYTES_MAX) / pageBytes));
        maps.add(map);
        bytes += map.bytes();
        return map;
    }

    void release(PageMap map, long address) {
        map.release(address);
        // One map with free pages stays, so that a table at the edge does not open and close maps in turn.
        if (map.isUnused() && maps.stream().anyMatch(m -> m != map && m.hasFree())) {
            maps.remove(map);
            bytes -= map.bytes();
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
