package dev.geodesic.pgwire;

import dev.geodesic.pgwire.message.PgException;
import java.util.concurrent.atomic.AtomicLong;

/** Bytes that all connections together may hold. Thread-safe. */
final class MemoryBudget {

    private final long max;
    private final AtomicLong held = new AtomicLong();

    MemoryBudget(long max) {
        this.max = max;
    }

    /** Errors: 53200 if there is no room. */
    void take(long bytes) {
        if (held.addAndGet(bytes) > max) {
            held.addAndGet(-bytes);
            throw PgException.error("53200", "too many large results and parameters are held by all connections");
        }
    }

    void give(long bytes) {
        held.addAndGet(-bytes);
    }

    long held() {
        return held.get();
    }
}
