package dev.geodesic.web.ws;

import java.util.concurrent.atomic.LongAdder;

/** What all outboxes of this server hold together. Thread-safe. */
public final class Outboxes {

    private static final LongAdder WAITING = new LongAdder();

    private Outboxes() {
    }

    /** Number of messages that are not sent yet. */
    public static long waitingMessages() {
        return WAITING.sum();
    }

    static void add(int messages) {
        WAITING.add(messages);
    }
}
