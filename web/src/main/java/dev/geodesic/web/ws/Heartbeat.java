package dev.geodesic.web.ws;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Pings every client, and drops those that gave no sign of life for too long (spec/websocket.md section 10): nothing came, and
 * nothing could be sent.
 */
final class Heartbeat implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Heartbeat.class.getName());

    private final Set<Session> sessions = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("geodesic-heartbeat").factory());

    Heartbeat() {
        timer.scheduleAtFixedRate(this::beat, 1, 1, TimeUnit.SECONDS);
    }

    void add(Session session) {
        sessions.add(session);
    }

    void remove(Session session) {
        sessions.remove(session);
    }

    /** Open connections. */
    int connections() {
        return sessions.size();
    }

    /** Runs something short later, or at once if the server is going. */
    void later(Runnable task, long millis) {
        try {
            timer.schedule(task, millis, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            task.run();
        }
    }

    private void beat() {
        long now = System.nanoTime();
        for (Session session : sessions) {
            try {
                session.beat(now);
            } catch (RuntimeException e) {
                // Of one session: the others must not lose their pings by it.
                LOG.log(System.Logger.Level.WARNING, "heartbeat", e);
            }
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
        sessions.forEach(Session::shutDown);
    }
}
