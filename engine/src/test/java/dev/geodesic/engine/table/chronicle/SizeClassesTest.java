package dev.geodesic.engine.table.chronicle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SizeClassesTest {

    @Test
    void everyLengthHasTheSmallestSlotThatFits() {
        for (int bytes = 0; bytes <= SizeClasses.LARGE_SLOT_MAX; bytes++) {
            int sizeClass = SizeClasses.of(bytes);
            assertTrue(SizeClasses.slotBytes(sizeClass) >= bytes);
            if (sizeClass > 0) {
                assertTrue(SizeClasses.slotBytes(sizeClass - 1) < bytes, "bytes " + bytes);
            }
        }
        assertEquals(SizeClasses.LARGE_SLOT_MAX, SizeClasses.slotBytes(SizeClasses.COUNT - 1));
    }

    @Test
    void classesWasteLittle() {
        for (int c = 1; c < SizeClasses.COUNT; c++) {
            int slot = SizeClasses.slotBytes(c);
            int before = SizeClasses.slotBytes(c - 1);
            assertTrue(slot > before);
            assertTrue(slot - before <= Math.max(8, before / 6), before + " then " + slot);
            int page = slot <= SizeClasses.SMALL_SLOT_MAX ? SizeClasses.SMALL_PAGE_BYTES : SizeClasses.LARGE_PAGE_BYTES;
            assertTrue(page % slot <= page / 50, "class of " + slot + " wastes " + page % slot);
        }
    }
}
