package dev.geodesic.engine.host;

import dev.geodesic.engine.host.runtime.WasmBinary;
import java.util.EnumSet;
import java.util.Set;

/**
 * What a program can only use if the host has it, told from its imports. Whether a module declares views, procedures or
 * handlers is in its definition only: the crates export all entry points always.
 */
public enum ModuleFeature {
    /** Sleeps, or transactions inside a procedure. */
    PROCEDURES,
    OUTBOUND_HTTP,
    /** Reducers called as soon as possible, outside the transaction. */
    IMMEDIATE_CALLS,
    ENVIRONMENT;

    /** Features whose functions a program imports, whether or not it ever calls them. */
    public static Set<ModuleFeature> of(WasmBinary binary) {
        EnumSet<ModuleFeature> found = EnumSet.noneOf(ModuleFeature.class);
        for (WasmBinary.Import entry : binary.imports()) {
            switch (entry.name()) {
                case "procedure_sleep_until", "procedure_start_mut_tx" -> found.add(PROCEDURES);
                case "procedure_http_request" -> found.add(OUTBOUND_HTTP);
                case "volatile_nonatomic_schedule_immediate" -> found.add(IMMEDIATE_CALLS);
                case "env_get" -> found.add(ENVIRONMENT);
                default -> { }
            }
        }
        return found;
    }
}
