package dev.geodesic.engine.simulation;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Snapshots that are due, each of which is taken when the simulation says so, on its thread. Thread-safe. */
final class SteppedSnapshots extends AbstractExecutorService {

    private final Queue<Runnable> due = new ArrayDeque<>();
    private boolean closed;

    synchronized boolean isDue() {
        return !due.isEmpty();
    }

    private synchronized Runnable next() {
        return due.poll();
    }

    /** Takes all that are due. The log has nothing to write, else they would wait for it. */
    void takeAll() {
        Runnable snapshot;
        while ((snapshot = next()) != null) {
            snapshot.run();
        }
    }

    /** Takes those that are due until somebody else, who waits for some of them, has finished. */
    void takeUntil(CompletableFuture<?> finished) throws InterruptedException {
        finished.whenComplete((result, e) -> {
            synchronized (this) {
                notifyAll();
            }
        });
        while (!finished.isDone()) {
            takeAll();
            synchronized (this) {
                if (!finished.isDone() && due.isEmpty()) {
                    wait();
                }
            }
        }
    }

    @Override
    public synchronized void execute(Runnable snapshot) {
        if (!closed) {
            due.add(snapshot);
            notifyAll();
        }
    }

    @Override
    public void shutdown() {
        shutdownNow();
    }

    @Override
    public synchronized List<Runnable> shutdownNow() {
        closed = true;
        List<Runnable> left = List.copyOf(due);
        due.clear();
        return left;
    }

    @Override
    public synchronized boolean isShutdown() {
        return closed;
    }

    @Override
    public boolean isTerminated() {
        return isShutdown();
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        return isShutdown();
    }
}
