package dev.geodesic.web.ws;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.function.Supplier;

/** Buffers that connections have only while they read or write, so that idle ones cost none. Thread-safe. */
final class Pool<T> {

    private final Supplier<T> maker;
    private final ArrayBlockingQueue<T> kept;

    /** @param keptMax how many are kept for others; there may be more in use */
    Pool(int keptMax, Supplier<T> maker) {
        this.maker = maker;
        this.kept = new ArrayBlockingQueue<>(keptMax);
    }

    T take() {
        T one = kept.poll();
        return one != null ? one : maker.get();
    }

    void give(T one) {
        kept.offer(one);
    }
}
