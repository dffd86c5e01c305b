package dev.geodesic.web;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * A few threads for work that computes or waits. Each lane, say a database, has its own queue and so many threads at most;
 * lanes take turns, so that none keeps another waiting for long. Platform threads, since computing would hold up
 * everything that runs on virtual ones. Thread-safe.
 */
final class Lanes implements AutoCloseable {

    private final int threadsMax;
    private final int laneThreadsMax;
    private final int laneTasksMax;
    private final ExecutorService threads;
    private final Map<Object, Lane> lanes = new HashMap<>();
    /** Lanes that have a task and may have one more thread. */
    private final ArrayDeque<Lane> ready = new ArrayDeque<>();
    private int running;
    private boolean closed;

    /** Guarded by the object around it. */
    private final class Lane {

        private final Object key;
        private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
        private int running;
        private boolean isReady;

        Lane(Object key) {
            this.key = key;
        }

        void offer() {
            if (!isReady && !waiting.isEmpty() && running < laneThreadsMax) {
                isReady = true;
                ready.add(this);
            }
        }
    }

    /** @param laneTasksMax tasks of one lane that run or wait; more are refused */
    Lanes(String name, int threadsMax, int laneThreadsMax, int laneTasksMax) {
        this.threadsMax = threadsMax;
        this.laneThreadsMax = laneThreadsMax;
        this.laneTasksMax = laneTasksMax;
        this.threads = Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name(name, 0).factory());
    }

    /** Does work on a lane. Errors: a 503 if too much waits there, or if the server stops; else those of the work. */
    <T> CompletableFuture<T> submit(Object key, Supplier<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Runnable task = () -> {
            try {
                result.complete(work.get());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        };
        synchronized (this) {
            if (closed) {
                throw new RefusedException(503, "the server is stopping");
            }
            Lane lane = lanes.computeIfAbsent(key, Lane::new);
            if (lane.running + lane.waiting.size() >= laneTasksMax) {
                throw new RefusedException(503, "More than " + laneTasksMax + " requests are waiting; try again later");
            }
            lane.waiting.add(task);
            lane.offer();
            if (running < threadsMax && !ready.isEmpty()) {
                running++;
                threads.execute(this::work);
            }
        }
        return result;
    }

    private void work() {
        Lane lane = null;
        while (true) {
            Runnable task;
            synchronized (this) {
                if (lane != null) {
                    leave(lane);
                }
                lane = ready.poll();
                if (lane == null) {
                    running--;
                    return;
                }
                lane.isReady = false;
                lane.running++;
                task = lane.waiting.remove();
                lane.offer();
            }
            task.run();
        }
    }

    private void leave(Lane lane) {
        lane.running--;
        lane.offer();
        if (lane.running == 0 && lane.waiting.isEmpty()) {
            lanes.remove(lane.key);
        }
    }

    /** Tasks that run or wait. */
    synchronized int taskCount() {
        return lanes.values().stream().mapToInt(lane -> lane.running + lane.waiting.size()).sum();
    }

    /** Takes no more work; what runs or waits is finished. */
    @Override
    public synchronized void close() {
        closed = true;
        threads.shutdown();
    }
}
