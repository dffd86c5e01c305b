package dev.geodesic.engine.port;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Tasks for other threads that wait until the thread which asks for them has done the work that lies before it, half a
 * millisecond at most, or a tick of the guests' clock if the work is one long call: what it has for one client then goes on its
 * way together, and the client's thread is woken once. Belongs to one thread.
 */
public final class WakeUps implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(WakeUps.class.getName());
    private static final ThreadLocal<WakeUps> CURRENT = new ThreadLocal<>();
    private static final long HELD_NANOS_MAX = TimeUnit.MICROSECONDS.toNanos(500);

    private record WakeUp(Executor executor, Runnable task) {
    }

    private final List<WakeUp> held = new ArrayList<>();
    private long heldSince;

    private WakeUps() {
    }

    /** From now on the present thread holds wake-ups back; it calls {@link #release} after each piece of work. */
    public static WakeUps hold() {
        WakeUps wakeUps = new WakeUps();
        CURRENT.set(wakeUps);
        return wakeUps;
    }

    /** Gives a task to an executor, soon if the present thread holds wake-ups back, else at once. */
    public static void execute(Executor executor, Runnable task) {
        WakeUps current = CURRENT.get();
        if (current == null) {
            executor.execute(task);
            return;
        }
        if (current.held.isEmpty()) {
            current.heldSince = System.nanoTime();
        }
        current.held.add(new WakeUp(executor, task));
    }

    /** The work takes long: what is held back on the present thread goes. */
    public static void releaseOfThisThread() {
        WakeUps current = CURRENT.get();
        if (current != null) {
            current.release();
        }
    }

    /** Lets go what has been held for long enough. */
    public void releaseOld() {
        if (!held.isEmpty() && System.nanoTime() - heldSince > HELD_NANOS_MAX) {
            release();
        }
    }

    public void release() {
        for (int i = 0; i < held.size(); i++) {
            try {
                held.get(i).executor().execute(held.get(i).task());
            } catch (RejectedExecutionException e) {
                LOG.log(System.Logger.Level.DEBUG, "whoever should be woken has stopped", e);
            }
        }
        held.clear();
    }

    /** Nothing is held back any more. */
    @Override
    public void close() {
        CURRENT.remove();
        release();
    }
}
