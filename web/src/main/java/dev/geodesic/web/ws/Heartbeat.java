package dev.geodesic.web.ws;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Pings every client, and drops those that gave no sign of life for too long (spec/websocket.md section 10): nothing came, and
 * nothing could be sent.
 */
final class Heartbeat implements AutoCloseable {

    private static final long PING_SECONDS = 15;
    static final long PING_NANOS = TimeUnit.SECONDS.toNanos(PING_SECONDS);
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final Set<SubscribeEndpoint> endpoints = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("geodesic-heartbeat").factory());

    Heartbeat() {
        timer.scheduleAtFixedRate(this::beat, PING_SECONDS, PING_SECONDS, TimeUnit.SECONDS);
    }

    void add(SubscribeEndpoint endpoint) {
        endpoints.add(endpoint);
    }

    void remove(SubscribeEndpoint endpoint) {
        endpoints.remove(endpoint);
    }

    /** Open connections. */
    int connections() {
        return endpoints.size();
    }

    private void beat() {
        long now = System.nanoTime();
        for (SubscribeEndpoint endpoint : endpoints) {
            if (now - endpoint.lastSignNanos() > IDLE_NANOS) {
                endpoint.dropIdle();
            } else {
                endpoint.ping();
            }
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
