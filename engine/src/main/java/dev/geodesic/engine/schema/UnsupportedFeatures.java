package dev.geodesic.engine.schema;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** What a module may declare and this version does not have yet. A module that needs it is refused as a whole. */
public final class UnsupportedFeatures {

    private static final int EXAMPLES_MAX = 5;
    private static final int EXAMPLE_LENGTH_MAX = 100;

    private UnsupportedFeatures() {
    }

    /** @throws EngineException as {@link #check(RawModuleDef)} */
    public static void check(ModuleDef def) {
        check(def.raw());
    }

    /** @throws EngineException UNSUPPORTED_FEATURE that names every such feature with examples from the module */
    public static void check(RawModuleDef def) {
        List<String> found = of(def);
        if (!found.isEmpty()) {
            throw new EngineException(
                    ErrorCode.UNSUPPORTED_FEATURE,
                    "the module uses features that this version does not support: " + String.join("; ", found));
        }
    }

    /** One entry for each feature in use. */
    static List<String> of(RawModuleDef def) {
        List<String> found = new ArrayList<>();
        add(found, "submodules", def.submodules(), RawModuleDef.Submodule::namespace);
        add(found, "outboxes", def.outboxes(), RawModuleDef.Outbox::table);
        return found;
    }

    private static <T> void add(List<String> found, String feature, List<T> uses, Function<T, String> name) {
        if (!uses.isEmpty()) {
            List<String> examples = uses.stream()
                    .limit(EXAMPLES_MAX)
                    .map(name)
                    .map(n -> n.length() > EXAMPLE_LENGTH_MAX ? n.substring(0, EXAMPLE_LENGTH_MAX) + "..." : n)
                    .toList();
            found.add(feature + " (" + String.join(", ", examples) + (uses.size() > EXAMPLES_MAX ? ", ..." : "") + ")");
        }
    }
}
