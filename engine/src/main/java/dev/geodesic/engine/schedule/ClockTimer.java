package dev.geodesic.engine.schedule;

import dev.geodesic.engine.port.Timer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/** Real time. Its one thread, shared by all databases, starts when somebody waits and ends when nobody does. */
public final class ClockTimer implements Timer {

    private static final Duration IDLE = Duration.ofSeconds(5);

    private final InstantSource clock;
    private final ScheduledThreadPoolExecutor executor;

    public ClockTimer(InstantSource clock, ThreadFactory threads) {
        this.clock = clock;
        executor = new ScheduledThreadPoolExecutor(1, threads);
        executor.setRemoveOnCancelPolicy(true);
        executor.setKeepAliveTime(IDLE.toMillis(), TimeUnit.MILLISECONDS);
        executor.allowCoreThreadTimeOut(true);
    }

    @Override
    public long nowMicros() {
        Instant now = clock.instant();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
    }

    @Override
    public Wake after(long micros, Runnable work) {
        ScheduledFuture<?> waiting = executor.schedule(work, micros, TimeUnit.MICROSECONDS);
        return () -> waiting.cancel(false);
    }
}
