package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.Identity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * Databases that are being opened: a bounded number at a time, in the background, while others are served already. Requests
 * wait for theirs, but not for ever, and not too many. Thread-safe.
 */
final class Openings {

    /** Requests that wait hold threads. */
    private static final int WAITING_MAX = 64;
    private static final long IDLE_SECONDS = 5;
    private static final long END_SECONDS = 60;

    private final Duration wait;
    private final ThreadPoolExecutor threads;
    private final Map<Identity, Opening> all = new ConcurrentHashMap<>();
    private final Semaphore waiting = new Semaphore(WAITING_MAX);
    private volatile boolean closed;

    /** One database on its way. */
    final class Opening {

        private final CompletableFuture<Void> done = new CompletableFuture<>();
        private volatile String phase = "waiting for its turn";

        /** What is being done, in words for an operator. Errors: DATABASE_STOPPED if the server stops meanwhile. */
        void phase(String text) {
            if (closed) {
                throw new EngineException(ErrorCode.DATABASE_STOPPED, "the server is stopping");
            }
            phase = text;
        }
    }

    /** @param wait how long a request waits */
    Openings(int threadsMax, Duration wait) {
        this.wait = wait;
        // As many may wait as there are databases, which is limited.
        this.threads = new ThreadPoolExecutor(
                threadsMax, threadsMax, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name("opener-", 0).factory());
        threads.allowCoreThreadTimeOut(true);
    }

    /** @param work reports its own errors */
    void start(Identity database, Consumer<Opening> work) {
        Opening opening = new Opening();
        all.put(database, opening);
        threads.execute(() -> run(database, opening, work));
    }

    /** As {@link #start}, on the calling thread. */
    void run(Identity database, Consumer<Opening> work) {
        Opening opening = new Opening();
        all.put(database, opening);
        run(database, opening, work);
    }

    private void run(Identity database, Opening opening, Consumer<Opening> work) {
        try {
            work.accept(opening);
        } finally {
            all.remove(database, opening);
            opening.done.complete(null);
        }
    }

    /** What is being opened, and how far it is. */
    Map<Identity, String> phases() {
        Map<Identity, String> phases = new ConcurrentHashMap<>();
        all.forEach((database, opening) -> phases.put(database, opening.phase));
        return phases;
    }

    /** Waits until a database is not being opened any more. Errors: BUSY if that takes too long. */
    void await(Identity database) {
        Opening opening = all.get(database);
        if (opening == null) {
            return;
        }
        boolean admitted = waiting.tryAcquire();
        try {
            if (!admitted) {
                throw busy(opening);
            }
            opening.done.get(wait.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw busy(opening);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw busy(opening);
        } finally {
            if (admitted) {
                waiting.release();
            }
        }
    }

    private static EngineException busy(Opening opening) {
        return new EngineException(ErrorCode.BUSY, "the database is being opened: " + opening.phase + "; try again later");
    }

    /** Waits for all that are under way. */
    void awaitAll() {
        List<Opening> open;
        while (!(open = new ArrayList<>(all.values())).isEmpty()) {
            open.forEach(opening -> opening.done.join());
        }
    }

    /**
     * Gives up those that have not begun, and waits for the others, which stop soon unless the disk does not answer.
     *
     * @return whether all have ended
     */
    boolean close() {
        closed = true;
        try {
            CompletableFuture.allOf(all.values().stream().map(o -> o.done).toArray(CompletableFuture[]::new))
                    .get(END_SECONDS, TimeUnit.SECONDS);
            return true;
        } catch (TimeoutException | ExecutionException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            threads.shutdown();
        }
    }
}
