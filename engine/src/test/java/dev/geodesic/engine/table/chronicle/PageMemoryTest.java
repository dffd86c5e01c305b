package dev.geodesic.engine.table.chronicle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.MemoryUse;
import dev.geodesic.engine.base.ServerMemory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What happens when there is no memory for pages, of the machine or of the database. */
class PageMemoryTest {

    @Test
    void nativeMemoryThatTheMachineDoesNotHaveIsAnErrorAndNothingElse() {
        for (long pageBytes : new long[] {1L << 44, 1L << 50, 1L << 60}) {
            EngineException e = assertThrows(EngineException.class, () -> new PageMap(pageBytes, 1));
            assertEquals(ErrorCode.LIMIT_EXCEEDED, e.code());
            assertTrue(e.getMessage().contains(Long.toString(pageBytes)), e.getMessage());
        }
        try (PageMap map = new PageMap(1 << 16, 4)) {
            assertTrue(map.acquire() != 0, "others are made as before");
        }
    }

    @Test
    void aPoolTakesWhatItMayAndGivesItBack() {
        ServerMemory server = new ServerMemory(Long.MAX_VALUE, Long.MAX_VALUE);
        MemoryUse use = new MemoryUse();
        use.join(server);
        use.limit(5 << 20);
        try (PagePool pool = new PagePool(1 << 16, use)) {
            List<PageMap> maps = new ArrayList<>();
            List<Long> pages = new ArrayList<>();
            EngineException e = assertThrows(EngineException.class, () -> {
                while (true) {
                    PageMap map = pool.mapWithFreePage(true);
                    maps.add(map);
                    pages.add(map.acquire());
                }
            });
            assertTrue(e.getMessage().contains("geodesic.limits.database.bytes"), e.getMessage());
            assertEquals(5 << 20, use.bytes(), "all that it may, in smaller steps at the end");
            assertEquals(80, pages.size());
            assertEquals(server.bytes(), use.bytes());
            pool.mapWithFreePage(false).acquire();
            assertEquals(6 << 20, use.bytes(), "rows that must find room find it");
            for (int i = 0; i < pages.size(); i++) {
                pool.release(maps.get(i), pages.get(i));
            }
            assertTrue(use.bytes() <= 2 << 20, "bytes " + use.bytes());
        }
        use.release();
        assertEquals(0, server.bytes());
    }
}
