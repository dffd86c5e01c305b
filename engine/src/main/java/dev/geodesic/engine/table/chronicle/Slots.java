package dev.geodesic.engine.table.chronicle;

/**
 * The pages of one store with slots of one size, those with room as a list. Where {@code pool} is null every page holds
 * one row and has a map of its own.
 */
final class Slots {

    final PagePool pool;
    final int slotBytes;
    private Page first;
    private Page last;

    Slots(PagePool pool, int slotBytes) {
        this.pool = pool;
        this.slotBytes = slotBytes;
    }

    /** A page with room, or null. */
    Page first() {
        return first;
    }

    /** Whether another page than this one has room. */
    boolean hasRoomBeside(Page page) {
        return first != page || page.next != null;
    }

    void add(Page page) {
        page.previous = last;
        if (last == null) {
            first = page;
        } else {
            last.next = page;
        }
        last = page;
    }

    void remove(Page page) {
        if (page.previous == null) {
            first = page.next;
        } else {
            page.previous.next = page.next;
        }
        if (page.next == null) {
            last = page.previous;
        } else {
            page.next.previous = page.previous;
        }
        page.previous = null;
        page.next = null;
    }
}
