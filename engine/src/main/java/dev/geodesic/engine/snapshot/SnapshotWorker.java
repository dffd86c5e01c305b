package dev.geodesic.engine.snapshot;

import dev.geodesic.engine.port.Timer;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What the databases of a server share to take their snapshots.
 *
 * @param executor runs one snapshot after the other, in the order in which they became due; a database is at most once in it
 * @param timer the clock, and when a snapshot that failed is tried again
 * @param nanoTime a clock that nobody sets
 * @param obstacle why no snapshot may begin now, if so, such as a disk that is nearly full
 */
public record SnapshotWorker(Executor executor, Timer timer, LongSupplier nanoTime, Supplier<Optional<String>> obstacle) {

    /** A thread of low priority that ends when there is nothing to do. The caller shuts it down after the databases. */
    public static ThreadPoolExecutor thread() {
        ThreadPoolExecutor thread = new ThreadPoolExecutor(
                1, 1, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().priority(Thread.MIN_PRIORITY).name("snapshots").factory());
        thread.allowCoreThreadTimeOut(true);
        return thread;
    }
}
