package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.WakeUps;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * The one thread of a database that changes anything, and its queue. Tasks run in the order in which they came. What comes
 * from outside is bounded: who brings it asks {@link #hasRoom} first, and turns it back if there is none. What the database
 * itself submits is always taken; it is bounded where it comes from.
 */
final class Writer {

    private static final System.Logger LOG = System.getLogger(Writer.class.getName());
    private static final int BATCH = 256;
    private static final Duration LOOK = Duration.ofMillis(50);

    /** Something for the writer thread to do. */
    interface Task {

        /** Does the work, or the next part of it. May throw only what must stop the database. */
        void run();

        /** How often {@link #run} is called, one or more; always the same. */
        default int parts() {
            return 1;
        }

        /** Called, on any thread, if the database has stopped before {@link #run} was called as often as it should. */
        void refuse(EngineException reason);
    }

    private final LinkedBlockingQueue<Task> queue = new LinkedBlockingQueue<>();
    /** Parts of tasks that have not begun. */
    private final AtomicInteger depth = new AtomicInteger();
    private final int depthMax;
    private final Runnable beforePart;
    private final Runnable whenIdle;
    private final Consumer<Throwable> onFailure;
    private final Thread thread;
    /** Guarded by itself being final once set; null while running. */
    private volatile EngineException stopped;

    /**
     * @param depthMax parts of tasks that may wait while more come from outside
     * @param beforePart may hold up the next part of a task
     * @param whenIdle runs before the writer waits for a task
     * @param onFailure hears, on the writer thread, of what a task threw; the writer has stopped then
     */
    Writer(
            String name, ThreadFactory largeStackThreads, int depthMax, Runnable beforePart, Runnable whenIdle,
            Consumer<Throwable> onFailure) {
        this.depthMax = depthMax;
        this.beforePart = beforePart;
        this.whenIdle = whenIdle;
        this.onFailure = onFailure;
        this.thread = largeStackThreads.newThread(this::loop);
        thread.setName("writer-" + name);
        thread.setDaemon(true);
        thread.start();
    }

    void submit(Task task) {
        if (stopped != null) {
            task.refuse(stopped);
            return;
        }
        depth.addAndGet(task.parts());
        queue.add(task);
        if (stopped != null && queue.remove(task)) {
            task.refuse(stopped);
        }
    }

    /** Whether one more task from outside may wait; it may have many parts, and several threads that ask at once bring more. */
    boolean hasRoom() {
        return depth.get() < depthMax;
    }

    /** Parts of tasks that have not begun. */
    int depth() {
        return depth.get();
    }

    boolean isWriterThread() {
        return Thread.currentThread() == thread;
    }

    private void loop() {
        List<Task> batch = new ArrayList<>(BATCH);
        int done = 0;
        try (WakeUps wakeUps = WakeUps.hold()) {
            while (stopped == null) {
                batch.clear();
                done = 0;
                if (queue.isEmpty()) {
                    whenIdle.run();
                }
                batch.add(queue.take());
                queue.drainTo(batch, BATCH - 1);
                while (done < batch.size() && stopped == null) {
                    run(batch.get(done++), wakeUps);
                }
                wakeUps.release();
            }
        } catch (InterruptedException e) {
            stop(new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped"));
        } catch (Throwable e) {
            failed(e);
        }
        for (int i = done; i < batch.size(); i++) {
            batch.get(i).refuse(stopped);
        }
        refuseAll();
    }

    private void run(Task task, WakeUps wakeUps) {
        int parts = task.parts();
        depth.addAndGet(-parts);
        for (int i = 0; i < parts; i++) {
            if (stopped != null) {
                task.refuse(stopped);
                return;
            }
            beforePart.run();
            task.run();
            wakeUps.releaseOld();
        }
    }

    /** Whatever else fails, for instance because the heap is full: nobody may wait for a writer that is gone. */
    private void failed(Throwable e) {
        EngineException reason = Database.STOPPED;
        try {
            reason = new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped: " + e.getMessage());
        } catch (OutOfMemoryError full) {
            // The short text will do.
        }
        if (stopped == null) {
            stopped = reason;
        }
        try {
            onFailure.accept(e);
        } catch (Throwable further) {
            LOG.log(System.Logger.Level.ERROR, "the end of a database failed", further);
        }
    }

    /** No task starts any more; waiting ones are refused. */
    void stop(EngineException reason) {
        if (stopped == null) {
            stopped = reason;
        }
        refuseAll();
        if (!isWriterThread()) {
            queue.add(new Task() {
                @Override
                public void run() {
                    // Wakes the thread only.
                }

                @Override
                public void refuse(EngineException e) {
                    // As above.
                }
            });
        }
    }

    private void refuseAll() {
        Task task;
        while ((task = queue.poll()) != null) {
            task.refuse(stopped);
        }
    }

    /**
     * Waits for the running task and for the thread to end, or until it is of no use.
     *
     * @return whether the thread has ended, or is this one
     */
    boolean close(BooleanSupplier useless) {
        stop(new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped"));
        if (isWriterThread()) {
            return true;
        }
        boolean interrupted = false;
        boolean ended = false;
        while (!ended) {
            try {
                ended = thread.join(LOOK);
                if (!ended && useless.getAsBoolean()) {
                    break;
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return ended;
    }
}
