package dev.geodesic.engine.host;

import dev.geodesic.engine.host.runtime.WasmBinary;
import java.util.EnumSet;
import java.util.Set;

/** What a program can only use if the host has it, told from its imports and exports. */
public enum ModuleFeature {
    VIEWS,
    PROCEDURES,
    HTTP_HANDLERS,
    OUTBOUND_HTTP,
    IMMEDIATE_CALLS,
    CREDENTIALS,
    ENVIRONMENT;

    /** Features that a program demands. Imports count even if the code never runs. */
    public static Set<ModuleFeature> of(WasmBinary binary) {
        EnumSet<ModuleFeature> found = EnumSet.noneOf(ModuleFeature.class);
        for (WasmBinary.Import entry : binary.imports()) {
            switch (entry.name()) {
                case "procedure_http_request" -> found.add(OUTBOUND_HTTP);
                case "volatile_nonatomic_schedule_immediate" -> found.add(IMMEDIATE_CALLS);
                case "get_jwt" -> found.add(CREDENTIALS);
                case "env_get" -> found.add(ENVIRONMENT);
                default -> { }
            }
        }
        for (WasmBinary.Export entry : binary.exports()) {
            switch (entry.name()) {
                case "__call_view__", "__call_view_anon__" -> found.add(VIEWS);
                case "__call_procedure__" -> found.add(PROCEDURES);
                case "__call_http_handler__" -> found.add(HTTP_HANDLERS);
                default -> { }
            }
        }
        return found;
    }
}
