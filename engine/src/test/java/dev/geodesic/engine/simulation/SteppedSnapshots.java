package dev.geodesic.engine.simulation;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.AbstractExecutorService;
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

    @Override
    public synchronized void execute(Runnable snapshot) {
        if (!closed) {
            due.add(snapshot);
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
