package dev.geodesic.web;

import java.util.concurrent.atomic.AtomicLong;

/** Bytes that many share. Thread-safe. */
final class Budget {

    private final AtomicLong left;

    Budget(long bytes) {
        this.left = new AtomicLong(bytes);
    }

    /** Takes so many bytes unless others have them; a single user may have any number. */
    boolean tryTake(long bytes) {
        return left.getAndUpdate(now -> now > 0 ? now - bytes : now) > 0;
    }

    void giveBack(long bytes) {
        left.addAndGet(bytes);
    }
}
