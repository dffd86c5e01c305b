package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.query.SqlVectors;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The module that the golden vectors were recorded with answers every recorded statement: tables, views, rules, catalogue. */
@Proves("sql.md 9")
@Proves("sql.md 10")
@Proves("sql.md 14")
class GoldenSqlTest {

    @TempDir
    private Path data;

    @Test
    void answersAsRecorded() {
        try (TestServer test = new TestServer(data)) {
            Database database = test.create("golden", TestServer.read("../samples/modules/golden-v2/golden_v2.wasm"));
            List<JsonObject> vectors = SqlVectors.load(
                    test.owner.claims().identity().toHex(), test.other.claims().identity().toHex(),
                    database.identity().toHex());
            for (JsonValue call : ((JsonArray) vectors.getFirst().get("calls").orElseThrow()).items()) {
                JsonObject fixture = (JsonObject) call;
                String arguments = new JsonWriter().write(fixture.get("args").orElseThrow()).toString();
                assertInstanceOf(
                        CallResult.Committed.class,
                        Database.join(database.call(
                                TestServer.client(who(test, fixture)), SqlVectors.string(fixture, "call"),
                                new Arguments.Json(arguments))),
                        fixture.toString());
            }
            for (JsonObject vector : vectors.subList(1, vectors.size())) {
                SqlVectors.compare(vector, () ->
                        database.sql(TestServer.client(who(test, vector)), SqlVectors.string(vector, "query")).result());
            }
        }
    }

    private static TokenAuthority.Issued who(TestServer test, JsonObject vector) {
        return SqlVectors.string(vector, "caller").equals("owner") ? test.owner : test.other;
    }
}
