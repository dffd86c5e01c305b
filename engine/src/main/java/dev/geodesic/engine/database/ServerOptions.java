package dev.geodesic.engine.database;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.port.Timer;
import dev.geodesic.engine.schedule.ClockTimer;
import dev.geodesic.engine.table.TableStores;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;

/**
 * What a server stands on.
 *
 * @param dataDirectory where everything durable lies
 * @param stores makes the row stores of one database
 * @param guestThreads makes platform threads with stacks large enough for guests
 * @param timer when scheduled calls are due
 */
public record ServerOptions(
        Path dataDirectory,
        Limits limits,
        Supplier<TableStores> stores,
        LogFactory logs,
        ThreadFactory guestThreads,
        Clock clock,
        Timer timer) {

    /** With real time for schedules. */
    public ServerOptions(
            Path dataDirectory,
            Limits limits,
            Supplier<TableStores> stores,
            LogFactory logs,
            ThreadFactory guestThreads,
            Clock clock) {
        this(dataDirectory, limits, stores, logs, guestThreads, clock,
                new ClockTimer(clock, Thread.ofPlatform().daemon().name("geodesic-timer").factory()));
    }
}
