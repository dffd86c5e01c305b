package dev.geodesic.engine.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.Member;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.testkit.Proves;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SchemaJsonTest {

    /** Lists whose order the recorded server leaves to chance. */
    private static final Set<String> UNORDERED = Set.of(
            "sections", "tables", "reducers", "types", "misc_exports", "indexes", "constraints", "sequences", "entries", "Types",
            "Tables", "Reducers", "Procedures", "Views", "Schedules", "LifeCycleReducers", "HttpHandlers", "HttpRoutes");

    @ParameterizedTest
    @ValueSource(strings = {GoldenModules.V9, GoldenModules.V10})
    @Proves("http-api.md 6.9")
    void writesVersion9LikeTheRecordedServer(String module) {
        assertSame(module, 9, SchemaJson::writeV9);
    }

    @ParameterizedTest
    @ValueSource(strings = {GoldenModules.V9, GoldenModules.V10})
    @Proves("http-api.md 6.9")
    void writesVersion10LikeTheRecordedServer(String module) {
        assertSame(module, 10, SchemaJson::writeV10);
    }

    private static void assertSame(String module, int version, BiConsumer<ModuleDef, JsonWriter> write) {
        JsonWriter out = new JsonWriter();
        write.accept(GoldenModules.def(module), out);
        JsonValue expected = GoldenModules.json(module + "-v" + version);
        assertEquals(lines(normalized("", expected)), lines(normalized("", Json.parse(out.toByteArray()))));
    }

    /** Lists without order get one; types of a typespace keep theirs. */
    private static JsonValue normalized(String key, JsonValue json) {
        return switch (json) {
            case JsonObject o -> new JsonObject(o.members().stream()
                    .map(m -> new Member(m.name(), normalized(isTypespace(o) ? "" : m.name(), m.value())))
                    .toList());
            case JsonArray a -> {
                List<JsonValue> items = a.items().stream().map(i -> normalized("", i)).toList();
                yield UNORDERED.contains(key)
                        ? new JsonArray(items.stream().sorted(Comparator.comparing(Object::toString)).toList())
                        : new JsonArray(items);
            }
            default -> json;
        };
    }

    private static boolean isTypespace(JsonObject o) {
        return o.members().size() == 1 && o.get("types").isPresent();
    }

    /** One list item in a line, so that a failure shows where. */
    private static String lines(JsonValue json) {
        return new JsonWriter().write(json).toString().replace("{\"", "\n{\"");
    }
}
