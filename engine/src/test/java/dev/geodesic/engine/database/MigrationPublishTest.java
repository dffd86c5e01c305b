package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonNumber;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.JsonString;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Vectors;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The recorded updates again, with the recorded definitions: what is accepted, and what the publisher reads otherwise. */
@Proves("module-def.md 8")
@Proves("module-def.md 9")
class MigrationPublishTest {

    private static final String REJECTED = "Database update rejected: ";
    private static final String FAILED = "Failed to create or update the database: ";

    @TempDir
    private Path data;

    private static String string(JsonObject object, String member) {
        return ((JsonString) object.get(member).orElseThrow()).value();
    }

    @Test
    void everyRecordedUpdate() {
        int run = 0;
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, LogFactory.MEMORY)) {
            for (String line : Vectors.lines(MigrationPublishTest.class, "/golden/migration/migration.jsonl")) {
                replay(test, (JsonObject) Json.parse(line), "db-" + run++);
            }
        }
        assertEquals(50, run);
    }

    private static void replay(TestServer test, JsonObject vector, String name) {
        String what = string(vector, "case");
        Database database = test.create(name, MigrationPrograms.of(string(vector, "old")));
        for (JsonValue reducer : ((JsonArray) vector.get("filled").orElseThrow()).items()) {
            test.commit(database, ((JsonString) reducer).value(), "[]");
        }
        byte[] next = MigrationPrograms.of(string(vector, "new"));
        Identity hash = database.programHash();
        Optional<String> token = Optional.empty();
        try {
            UpdatePreview preview = test.server.preview(database.identity(), test.ownerIdentity(), next);
            if (preview instanceof UpdatePreview.Automatic automatic) {
                token = Optional.of(automatic.token());
            }
        } catch (EngineException e) {
            assertEquals(ErrorCode.INVALID_MODULE_DEF, e.code(), what);
        }
        assertEquals(hash, database.programHash(), "a preview changes nothing");
        for (JsonValue attempt : ((JsonArray) vector.get("publish").orElseThrow()).items()) {
            JsonObject answer = (JsonObject) attempt;
            Optional<String> agreed = string(answer, "policy").equals("break") ? token : Optional.empty();
            String tables = dump(test, database);
            String result = publish(test, name, next, agreed);
            boolean ok = ((JsonNumber) answer.get("status").orElseThrow()).text().equals("200");
            if (ok) {
                assertEquals("ok", result, what);
                assertEquals(LoadedModule.hash(next), database.programHash(), what);
            } else {
                assertEquals(string(answer, "body"), result, what);
                assertEquals(hash, database.programHash(), what);
                assertEquals(tables, dump(test, database), what);
            }
            assertTrue(database.failure().isEmpty(), what);
        }
    }

    private static String publish(TestServer test, String name, byte[] program, Optional<String> token) {
        try {
            test.server.publish(new PublishRequest(
                    Optional.of(name), test.ownerIdentity(), program, false, EnvironmentChange.NONE, token));
            return "ok";
        } catch (EngineException e) {
            return switch (e.code()) {
                case MIGRATION_REFUSED -> REJECTED + e.getMessage();
                case MIGRATION_FAILED -> FAILED + e.getMessage();
                case INVALID_MODULE_DEF -> e.getMessage();
                default -> throw e;
            };
        }
    }

    /** What the catalogue and the tables hold, as far as SQL shows it. */
    private static String dump(TestServer test, Database database) {
        StringBuilder out = new StringBuilder();
        for (String table : new String[] {"st_table", "st_column", "st_index", "st_constraint", "st_sequence", "thing"}) {
            out.append(table).append(' ').append(test.count(database, "SELECT * FROM " + table)).append('\n');
        }
        return out.toString();
    }
}
