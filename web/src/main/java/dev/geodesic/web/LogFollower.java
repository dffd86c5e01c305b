package dev.geodesic.web;

import dev.geodesic.sats.JsonWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Log lines between the thread that logs, which never waits, and one reader, who may be slow: what does not fit is
 * dropped, and a line in its place says so.
 */
final class LogFollower implements Consumer<String> {

    private static final int CHARS_MAX = 4 << 20;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private List<String> lines = new ArrayList<>();
    private long chars;
    private long dropped;
    private boolean bounded;

    /** From now on lines may be dropped; those before are what the reader asked for. */
    void bound() {
        lock.lock();
        try {
            bounded = true;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void accept(String line) {
        lock.lock();
        try {
            if (bounded && chars + line.length() > CHARS_MAX) {
                dropped++;
                return;
            }
            lines.add(line);
            chars += line.length();
            arrived.signal();
        } finally {
            lock.unlock();
        }
    }

    /** All lines that wait; none after {@code millis} without any. */
    List<String> take(long millis) throws InterruptedException {
        lock.lock();
        try {
            long nanos = TimeUnit.MILLISECONDS.toNanos(millis);
            while (lines.isEmpty() && nanos > 0) {
                nanos = arrived.awaitNanos(nanos);
            }
            if (dropped > 0) {
                lines.add(droppedLine(dropped));
                dropped = 0;
            }
            List<String> taken = lines;
            lines = new ArrayList<>();
            chars = 0;
            return taken;
        } finally {
            lock.unlock();
        }
    }

    private static String droppedLine(long count) {
        String host = "__spacetimedb__";
        return new JsonWriter().beginObject()
                .key("level").string("Warn")
                .key("ts").number(System.currentTimeMillis() * 1000)
                .key("target").string(host)
                .key("filename").string(host)
                .key("function").string(host)
                .key("message").string(count + " lines are missing here: they were read too slowly")
                .endObject().toString();
    }
}
