package dev.geodesic.engine.schema;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.util.List;
import java.util.Map;

/** Whether variables are what a module asks for (spec/module-def.md 3, section 15 of a definition). */
public final class EnvironmentRules {

    private static final int VARIABLES_MAX = 1_000;
    private static final int CHARS_MAX = 1 << 20;

    private EnvironmentRules() {
    }

    /**
     * Checks names and sizes of variables, whatever a definition says of them.
     *
     * @throws EngineException INVALID_ENVIRONMENT
     */
    public static Map<String, String> bounded(Map<String, String> variables) {
        long bytes = 0;
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            String name = variable.getKey();
            if (name.isEmpty() || name.indexOf('=') >= 0 || name.indexOf(0) >= 0) {
                throw new EngineException(ErrorCode.INVALID_ENVIRONMENT, "not a name of an environment variable: `" + name + "`");
            }
            bytes += name.length() + variable.getValue().length();
        }
        if (variables.size() > VARIABLES_MAX || bytes > CHARS_MAX) {
            throw new EngineException(ErrorCode.INVALID_ENVIRONMENT, "more than " + VARIABLES_MAX
                    + " environment variables or " + CHARS_MAX + " characters in them");
        }
        return variables;
    }

    /** Required variables that have no value, in the order of the definition. */
    public static List<String> missing(RawModuleDef def, Map<String, String> variables) {
        return def.environment().stream()
                .filter(v -> !v.optional() && !variables.containsKey(v.name()))
                .map(RawModuleDef.EnvironmentVariable::name)
                .toList();
    }

    /**
     * Checks values against what the definition allows.
     *
     * @throws EngineException ENVIRONMENT_MISSING with the names, separated by commas; INVALID_ENVIRONMENT
     */
    public static void check(RawModuleDef def, Map<String, String> variables) {
        List<String> missing = missing(def, variables);
        if (!missing.isEmpty()) {
            throw new EngineException(ErrorCode.ENVIRONMENT_MISSING, String.join(",", missing));
        }
        for (RawModuleDef.EnvironmentVariable variable : def.environment()) {
            String value = variables.get(variable.name());
            if (value != null && !variable.allowed().isEmpty() && !variable.allowed().contains(value)) {
                throw new EngineException(
                        ErrorCode.INVALID_ENVIRONMENT,
                        "the environment variable " + variable.name() + " must be one of " + variable.allowed());
            }
        }
    }
}
