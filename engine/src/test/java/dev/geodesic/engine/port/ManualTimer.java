package dev.geodesic.engine.port;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Time that passes when the test says so; work runs on the thread of the test. */
public final class ManualTimer implements Timer {

    private record Pending(long at, Runnable work) {
    }

    private final List<Pending> pending = new ArrayList<>();
    private long now;

    public ManualTimer(long nowMicros) {
        now = nowMicros;
    }

    @Override
    public synchronized long nowMicros() {
        return now;
    }

    @Override
    public synchronized Wake after(long micros, Runnable work) {
        if (micros < 0) {
            throw new AssertionError("waits for the past: " + micros);
        }
        Pending added = new Pending(now + micros, work);
        pending.add(added);
        return () -> {
            synchronized (this) {
                pending.removeIf(p -> p.work == work);
            }
        };
    }

    public synchronized int pending() {
        return pending.size();
    }

    /** When the next work runs; {@code Long.MAX_VALUE} if there is none. */
    public synchronized long next() {
        return pending.stream().mapToLong(Pending::at).min().orElse(Long.MAX_VALUE);
    }

    /** Time goes on; what waits runs at its own time. */
    public void advance(long micros) {
        advanceTo(nowMicros() + micros);
    }

    public void advanceTo(long end) {
        while (true) {
            Pending due;
            synchronized (this) {
                due = pending.stream().filter(p -> p.at <= end).min(Comparator.comparingLong(Pending::at)).orElse(null);
                if (due == null) {
                    now = Math.max(now, end);
                    return;
                }
                pending.remove(due);
                now = Math.max(now, due.at);
            }
            due.work.run();
        }
    }

    /** Somebody sets the clock, or the machine was asleep; nothing that waits notices. */
    public synchronized void set(long nowMicros) {
        long step = nowMicros - now;
        now = nowMicros;
        pending.replaceAll(p -> new Pending(p.at + step, p.work));
    }
}
