package dev.geodesic.engine.schema;

import dev.geodesic.engine.schema.RawModuleDef.ExplicitName;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Canonical names of one definition (spec/module-def.md 4.1), and the one namespace that they share. */
final class Names {

    /** By code point, as every list that is sorted by name. */
    static final Comparator<String> ORDER =
            (a, b) -> Arrays.compareUnsigned(a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));

    private final CaseConversion naming;
    private final ValidationErrors errors;
    private final Map<ExplicitName.Kind, Map<String, String>> explicit = new EnumMap<>(ExplicitName.Kind.class);
    private final Map<String, Object> owners = new HashMap<>();

    Names(RawModuleDef def, ValidationErrors errors) {
        this.naming = def.naming();
        this.errors = errors;
        for (ExplicitName.Kind kind : ExplicitName.Kind.values()) {
            explicit.put(kind, new HashMap<>());
        }
        for (ExplicitName name : def.explicitNames()) {
            String other = explicit.get(name.kind()).putIfAbsent(name.source(), name.canonical());
            if (other != null && !other.equals(name.canonical())) {
                errors.add("`" + name.source() + "` has two explicit names, `" + other + "` and `" + name.canonical() + "`");
            }
        }
    }

    String table(String source) {
        return canonical(ExplicitName.Kind.TABLE, source);
    }

    String function(String source) {
        return canonical(ExplicitName.Kind.FUNCTION, source);
    }

    private String canonical(ExplicitName.Kind kind, String source) {
        String name = explicit.get(kind).get(source);
        return name != null ? name : naming.snake(source);
    }

    Optional<String> explicitIndex(String source) {
        return Optional.ofNullable(explicit.get(ExplicitName.Kind.INDEX).get(source));
    }

    String snake(String source) {
        return naming.snake(source);
    }

    /** {@code {table}_{column}_..._{suffix}}. */
    static String generated(String table, List<String> columns, String suffix) {
        return table + '_' + String.join("_", columns) + '_' + suffix;
    }

    /**
     * Takes a name for an entity. Tables, views, indexes, constraints, sequences and schedules share one namespace; an
     * entity may take a name twice.
     */
    void claim(String name, Object entity) {
        Object owner = owners.putIfAbsent(name, entity);
        if (owner != null && owner != entity) {
            errors.add("name `" + name + "` is used for multiple entities");
        }
    }
}
