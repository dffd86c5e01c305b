package dev.geodesic.engine.database;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What becomes of the variables that a module reads (spec/http-api.md 10).
 *
 * @param set values to set, by name
 * @param remove names to forget
 * @param removeAll whether all others are forgotten
 */
public record EnvironmentChange(Map<String, String> set, Set<String> remove, boolean removeAll) {

    public static final EnvironmentChange NONE = new EnvironmentChange(Map.of(), Set.of(), false);

    public EnvironmentChange {
        set = Map.copyOf(set);
        remove = Set.copyOf(remove);
    }

    /** The variables afterwards, by name. */
    Map<String, String> applyTo(Map<String, String> variables) {
        Map<String, String> after = new TreeMap<>(removeAll ? Map.of() : variables);
        after.keySet().removeAll(remove);
        after.putAll(set);
        return after;
    }
}
