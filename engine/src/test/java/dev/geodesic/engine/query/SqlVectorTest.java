package dev.geodesic.engine.query;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.geodesic.engine.auth.Hashes;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonNull;
import dev.geodesic.sats.JsonValue.JsonNumber;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.JsonString;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SatsJson;
import dev.geodesic.sats.TypeJson;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Runs the recorded statements of {@code golden/sql/sql.jsonl} in order. Left out: queries on the catalogue. Rows of views
 * are those of the recorded answers, for nobody refreshes them here.
 * Where this engine answers otherwise on purpose, {@link #OUR_ERRORS} says how.
 */
final class SqlVectorTest {

    private static final String OWNER = "c200b9322c6915549469768188dc0cc6ce60fdbd63823b801c6ace9666085d28";
    private static final String OTHER = "c200f259de898313807ef60499e192d8658d3d1d7a0e0cc5baf3f366956aa94c";
    private static final Pattern ELSEWHERE = Pattern.compile(
            "\\bst_(?!var|row_level)\\w+\\b");

    /** Statements that succeed on the recorded server, or fail there otherwise, and the beginning of our error. */
    private static final Map<String, String> OUR_ERRORS = Map.of(
            // "better to refuse": hex digits are no decimal number.
            "SELECT * FROM member WHERE id = 0x1", "The literal expression `1` cannot be parsed as type `U32`",
            "SELECT * FROM member WHERE id = 0x10", "The literal expression `10` cannot be parsed as type `U32`",
            "SELECT id FROM scalars WHERE n_u_256 = 0x05", "The literal expression `05` cannot be parsed as type `U256`",
            "INSERT INTO team (id, name) VALUES (0x10, 'hex')", "The literal expression `10` cannot be parsed as type `U32`",
            // "reorder properly": names are not ignored.
            "INSERT INTO team (name, id) VALUES (5, 'five')", "Unexpected type: (expected) String != U32 (inferred)",
            "INSERT INTO team (a, b) VALUES (6, 'six')", "`team` does not have a field `a`");

    /** Statements that fail on the recorded server and work here. */
    private static final List<String> WORKING = List.of("INSERT INTO team (name, id) VALUES ('five', 5)");

    /** Counts that differ because of the statements above. */
    private static final Map<String, Long> OUR_DELETES = Map.of("DELETE FROM team", 5L);

    private static final Map<String, TableRole> VIEWS = Map.of(
            "my_notes", TableRole.VIEW, "red_members", TableRole.ANONYMOUS_VIEW, "first_secret", TableRole.ANONYMOUS_VIEW,
            "active_members", TableRole.ANONYMOUS_VIEW);

    private int compared;

    @Test
    @Proves("sql.md 1")
    @Proves("sql.md 2")
    @Proves("sql.md 3")
    @Proves("sql.md 4")
    @Proves("sql.md 5")
    @Proves("sql.md 7")
    @Proves("sql.md 8")
    @Proves("sql.md 13")
    @Proves("sql.md 14")
    void answersAsRecorded() throws IOException {
        List<JsonObject> vectors = vectors();
        try (TestDatabase database = fixture(vectors)) {
            for (JsonObject vector : vectors) {
                String query = string(vector, "query");
                if (!ELSEWHERE.matcher(query).find()) {
                    run(database, vector, query);
                    compared++;
                }
            }
        }
        assertTrue(compared > 305, "statements compared: " + compared);
    }

    private static void run(TestDatabase database, JsonObject vector, String query) {
        Caller caller = new Caller(
                Identity.fromHex(string(vector, "caller").equals("owner") ? OWNER : OTHER),
                string(vector, "caller").equals("owner"));
        SqlResult result;
        try {
            result = database.execute(query, caller);
        } catch (EngineException e) {
            compareError(vector, query, e.getMessage());
            return;
        }
        if (WORKING.contains(query)) {
            return;
        }
        if (vector.get("error").isPresent()) {
            fail(query + " should fail: " + string(vector, "error"));
        }
        compareResult(vector, query, result);
    }

    private static void compareError(JsonObject vector, String query, String message) {
        if (OUR_ERRORS.containsKey(query)) {
            assertBegins(OUR_ERRORS.get(query), message, query);
        } else if (vector.get("error").isEmpty()) {
            fail(query + ": " + message);
        } else {
            assertBegins(leadingPhrase(string(vector, "error")), message, query);
        }
    }

    /** The part of a message that must be the same. */
    private static String leadingPhrase(String error) {
        boolean isEcho = error.startsWith("sql parser error:") || error.startsWith("Unsupported");
        return isEcho && !error.startsWith("Unsupported literal") ? error.substring(0, error.indexOf(':') + 1) : error;
    }

    private static void assertBegins(String expected, String message, String query) {
        assertTrue(message.startsWith(expected), query + "\nexpected: " + expected + "\nbut was:  " + message);
    }

    private static void compareResult(JsonObject vector, String query, SqlResult result) {
        if (vector.get("schema").isPresent()) {
            assertEquals(schema((JsonArray) vector.get("schema").get()), result.schema(), query);
        }
        TreeMap<String, Integer> expected = new TreeMap<>();
        for (JsonValue row : ((JsonArray) vector.get("rows").orElseThrow()).items()) {
            expected.merge(canonical(row), 1, Integer::sum);
        }
        TreeMap<String, Integer> rows = new TreeMap<>();
        for (int i = 0; i < result.rows().count(); i++) {
            String json = SatsJson.toString(result.schema(), result.rows().row(i), SatsJson.Flavor.UNTYPED);
            rows.merge(canonical(Json.parse(json)), 1, Integer::sum);
        }
        assertEquals(expected, rows, query);
        long deleted = OUR_DELETES.getOrDefault(query, stat(vector, "rows_deleted"));
        assertEquals(
                List.of(stat(vector, "rows_inserted"), stat(vector, "rows_updated"), deleted),
                List.of(result.inserted(), result.updated(), result.deleted()),
                query);
    }

    private static long stat(JsonObject vector, String name) {
        return vector.get("stats")
                .flatMap(s -> ((JsonObject) s).get(name))
                .map(n -> Long.parseLong(((JsonNumber) n).text()))
                .orElse(0L);
    }

    private static String canonical(JsonValue value) {
        return switch (value) {
            case JsonNumber n -> new BigDecimal(n.text()).stripTrailingZeros().toString();
            case JsonArray a -> a.items().stream().map(SqlVectorTest::canonical).toList().toString();
            default -> value.toString();
        };
    }

    // ---- the recorded module's tables ----

    private static List<JsonObject> vectors() throws IOException {
        try (InputStream in = SqlVectorTest.class.getResourceAsStream("/golden/sql/sql.jsonl")) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .replace("{{owner}}", OWNER)
                    .replace("{{other}}", OTHER);
            return text.lines().skip(1).map(line -> (JsonObject) Json.parse(line)).toList();
        }
    }

    /** Tables as the recorded answers to {@code SELECT * FROM table} show them, with what the module says beyond that. */
    private static TestDatabase fixture(List<JsonObject> vectors) {
        Map<String, Tables> tables = new HashMap<>();
        Map<String, JsonArray> rows = new HashMap<>();
        int id = 4096;
        for (String name : List.of(
                "scalars", "specials", "compounds", "player_score_2_d", "RenamedTable", "team", "member", "note", "secret",
                "flash", "my_notes", "red_members", "first_secret", "active_members")) {
            JsonObject answer = answer(vectors, name, "owner");
            Tables table = VIEWS.containsKey(name) ? Tables.view(id++, name, VIEWS.get(name)) : Tables.table(id++, name);
            for (ProductElement column : schema((JsonArray) answer.get("schema").orElseThrow()).elements()) {
                String columnName = column.name().orElseThrow();
                table.column(columnName, name.equals("player_score_2_d") ? camelCase(columnName) : columnName, column.type());
            }
            tables.put(name, table);
            rows.put(name, (JsonArray) answer.get("rows").orElseThrow());
        }
        for (String name : List.of("scalars", "specials", "compounds", "RenamedTable", "team", "member", "secret", "note")) {
            tables.get(name).unique("id");
        }
        tables.get("player_score_2_d").accessor("PlayerScore2D").unique("player_id").hash("team_id").btree("team_id", "level");
        tables.get("RenamedTable").accessor("renamed_src");
        tables.get("member").btree("team_id");
        tables.get("secret").hidden();
        tables.get("flash").event();
        tables.get("note").btree("owner").autoInc("id");
        TestDatabase database = new TestDatabase(tables.values().stream().map(Tables::build).toList());
        rows.forEach((name, all) -> {
            TableSchema table = database.view().tableByName(name).orElseThrow();
            for (JsonValue row : all.items()) {
                database.insert(table.tableId(), stored(table, OWNER, row));
            }
        });
        JsonObject othersNotes = answer(vectors, "my_notes", "other");
        for (JsonValue row : ((JsonArray) othersNotes.get("rows").orElseThrow()).items()) {
            TableSchema table = database.view().tableByName("my_notes").orElseThrow();
            database.insert(table.tableId(), stored(table, OTHER, row));
        }
        TableSchema rules = database.view().tableByName("st_row_level_security").orElseThrow();
        int noteId = database.view().tableByName("note").orElseThrow().tableId();
        JsonValue rule = Json.parse("[" + noteId + ", \"SELECT * FROM note WHERE owner = :sender\"]");
        database.insert(rules.tableId(), encode(rules, rule));
        return database;
    }

    private static JsonObject answer(List<JsonObject> vectors, String table, String caller) {
        return vectors.stream()
                .filter(v -> string(v, "query").equals("SELECT * FROM " + table) && string(v, "caller").equals(caller))
                .findFirst()
                .orElseThrow();
    }

    /** A row of a view stands behind the hash of whose it is. */
    private static byte[] stored(TableSchema table, String caller, JsonValue row) {
        byte[] encoded = encode(table, row);
        if (!table.role().isView()) {
            return encoded;
        }
        BsatnWriter out = new BsatnWriter();
        out.writeRaw(Hashes.viewArguments(
                table.role() == TableRole.VIEW ? Optional.of(Identity.fromHex(caller)) : Optional.empty()));
        out.writeRaw(encoded);
        return out.toByteArray();
    }

    private static byte[] encode(TableSchema table, JsonValue row) {
        BsatnWriter out = new BsatnWriter();
        for (int c = 0; c < VisibleColumns.of(table).size(); c++) {
            AlgebraicType type = VisibleColumns.of(table).get(c).type();
            int column = c;
            // Zero lets the sequence give the recorded number, and be where it was.
            boolean isGenerated = table.sequences().stream().anyMatch(s -> s.column() == column);
            JsonValue value = isGenerated ? new JsonNumber("0") : ((JsonArray) row).items().get(c);
            // JSON has no NaN and no infinity; the fixture's calls say which it was.
            if (value instanceof JsonNull && type == PrimitiveType.F32) {
                out.writeF32(Float.NaN);
            } else if (value instanceof JsonNull && type == PrimitiveType.F64) {
                out.writeF64(Double.POSITIVE_INFINITY);
            } else {
                SatsJson.read(type, value, out);
            }
        }
        return out.toByteArray();
    }

    private static ProductType schema(JsonArray columns) {
        return new ProductType(columns.items().stream()
                .map(c -> (JsonObject) c)
                .map(c -> ProductElement.of(string(c, "name"), TypeJson.read(c.get("type").orElseThrow())))
                .toList());
    }

    private static String camelCase(String name) {
        return Pattern.compile("_(\\w)").matcher(name).replaceAll(m -> m.group(1).toUpperCase(Locale.ROOT));
    }

    private static String string(JsonObject object, String name) {
        return ((JsonString) object.get(name).orElseThrow()).value();
    }
}
