package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.sats.Identity;
import java.time.InstantSource;
import java.util.Map;

/**
 * What every instance of a database's module sees.
 *
 * @param database identity of the database
 * @param clock time of log lines and console timers
 * @param environment values for {@code env_get}
 */
public record GuestOptions(
        Identity database,
        Limits limits,
        LogSink log,
        ImmediateCalls immediateCalls,
        InstantSource clock,
        Map<String, String> environment) {

    public GuestOptions {
        environment = Map.copyOf(environment);
    }
}
