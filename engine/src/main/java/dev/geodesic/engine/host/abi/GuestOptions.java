package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.sats.Identity;
import java.time.InstantSource;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What every instance of a database's module sees.
 *
 * @param database identity of the database
 * @param clock time of log lines and console timers
 * @param environment values for {@code env_get} at this moment
 */
public record GuestOptions(
        Identity database,
        Limits limits,
        LogSink log,
        ImmediateCalls immediateCalls,
        InstantSource clock,
        Supplier<Map<String, String>> environment) {
}
