package dev.geodesic.engine.query;

import static dev.geodesic.engine.query.SqlVectors.schema;
import static dev.geodesic.engine.query.SqlVectors.string;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.Hashes;
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
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.SatsJson;
import dev.geodesic.testkit.Proves;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Runs the recorded statements of {@code golden/sql/sql.jsonl} in order. Left out: queries on the catalogue. Rows of views
 * are those of the recorded answers, for nobody refreshes them here.
 */
final class SqlVectorTest {

    private static final String OWNER = "c200b9322c6915549469768188dc0cc6ce60fdbd63823b801c6ace9666085d28";
    private static final String OTHER = "c200f259de898313807ef60499e192d8658d3d1d7a0e0cc5baf3f366956aa94c";
    private static final Pattern ELSEWHERE = Pattern.compile("\\bst_(?!var|row_level)\\w+\\b");
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
    void answersAsRecorded() {
        List<JsonObject> all = SqlVectors.load(OWNER, OTHER, OWNER);
        List<JsonObject> vectors = all.subList(1, all.size());
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
        SqlVectors.compare(vector, () -> database.execute(query, caller));
    }

    // ---- the recorded module's tables ----

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

    private static String camelCase(String name) {
        return Pattern.compile("_(\\w)").matcher(name).replaceAll(m -> m.group(1).toUpperCase(Locale.ROOT));
    }

}
