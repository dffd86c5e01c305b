package dev.geodesic.engine.database;

import dev.geodesic.engine.modulelog.ModuleLog;

/** What a module's log says of calls from outside that could not begin (spec/execution.md 2.1). */
final class ExternalCalls {

    private ExternalCalls() {
    }

    /** @param kind {@code reducer} or {@code procedure} */
    static void unknown(ModuleLog log, String kind, String name) {
        log.hostError(name, Database.now(), "External attempt to call nonexistent " + kind + " \"" + name
                + "\" failed. Have you run `spacetime generate` recently?");
    }

    /** @param kind {@code reducer} or {@code procedure} */
    static void badArguments(ModuleLog log, String kind, String name) {
        log.hostError(name, Database.now(), "External attempt to call " + kind + " \"" + name
                + "\" failed, invalid arguments.\nThis is likely due to a mismatched client schema, have you run "
                + "`spacetime generate` recently?");
    }
}
