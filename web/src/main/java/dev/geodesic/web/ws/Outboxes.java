package dev.geodesic.web.ws;

import java.util.concurrent.atomic.LongAdder;

/** What all outboxes of this server hold together. Thread-safe. */
public final class Outboxes {

    private static final LongAdder WAITING = new LongAdder();
    private static final LongAdder BYTES = new LongAdder();
    /** A quarter of the heap. */
    private static final long BYTES_MAX = Runtime.getRuntime().maxMemory() / 4;

    private Outboxes() {
    }

    /** Number of messages that are not sent yet. */
    public static long waitingMessages() {
        return WAITING.sum();
    }

    /** Bytes of these messages, as far as they do not share them. */
    public static long waitingBytes() {
        return BYTES.sum();
    }

    /** Whether clients that hold much must go. */
    static boolean areFull() {
        return BYTES.sum() > BYTES_MAX;
    }

    static void addBytes(long bytes) {
        BYTES.add(bytes);
    }

    static void add(int messages) {
        WAITING.add(messages);
    }
}
