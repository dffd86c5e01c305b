package dev.geodesic.engine.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every pair of module versions that was shown to the recorded server, with what it answered. */
class MigrationVectorTest {

    static Stream<JsonObject> vectors() {
        return new String(resource("migration.jsonl"), StandardCharsets.UTF_8).lines().map(l -> (JsonObject) Json.parse(l));
    }

    private static byte[] resource(String name) {
        try (InputStream in = MigrationVectorTest.class.getResourceAsStream("/golden/migration/" + name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ModuleDef variant(JsonObject vector, String member) {
        return ModuleDef.decode(resource(string(vector, member) + ".bsatn"));
    }

    private static String string(JsonObject object, String member) {
        return ((JsonValue.JsonString) object.get(member).orElseThrow()).value();
    }

    @ParameterizedTest
    @MethodSource("vectors")
    @Proves("module-def.md 8")
    @Proves("module-def.md 9.1")
    @Proves("bsatn.md 6.4")
    void answersAsRecorded(JsonObject vector) {
        ModuleDef before = variant(vector, "old");
        JsonValue body = ((JsonObject) vector.get("pre_publish").orElseThrow()).get("body").orElseThrow();
        if (body instanceof JsonValue.JsonString invalid) {
            EngineException e = assertThrows(EngineException.class, () -> variant(vector, "new"));
            assertEquals(invalid.value(), e.getMessage());
            return;
        }
        ModuleDef after = variant(vector, "new");
        JsonObject answer = (JsonObject) body;
        if (answer.get("ManualMigrate").isPresent()) {
            String reason = string((JsonObject) answer.get("ManualMigrate").get(), "reason");
            EngineException e = assertThrows(EngineException.class, () -> MigrationPlanner.plan(before, after));
            assertEquals(reason, e.getMessage());
            return;
        }
        JsonObject automatic = (JsonObject) answer.get("AutoMigrate").orElseThrow();
        MigrationPlan plan = MigrationPlanner.plan(before, after);
        assertEquals(string(automatic, "migrate_plan"), MigrationText.of(plan, false));
        assertEquals(automatic.get("break_clients").orElseThrow(), new JsonValue.JsonBool(plan.breaksClients()));
        // Colours come on top.
        assertEquals(MigrationText.of(plan, false), MigrationText.of(plan, true).replaceAll("\u001b\\[[0-9]+m", ""));
    }
}
