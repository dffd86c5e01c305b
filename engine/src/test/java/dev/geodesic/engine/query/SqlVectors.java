package dev.geodesic.engine.query;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonNumber;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.JsonString;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SatsJson;
import dev.geodesic.sats.TypeJson;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/** The recorded statements of {@code golden/sql/sql.jsonl}, and how an answer is compared with the recorded one. */
public final class SqlVectors {

    /** Statements that succeed on the recorded server, or fail there otherwise, and the beginning of our error. */
    private static final Map<String, String> OUR_ERRORS = Map.ofEntries(
            // The catalogue describes what exists, whatever somebody would like.
            Map.entry("DELETE FROM st_table WHERE table_id = 5000", "Unsupported: DML on the system table `st_table`"),
            // "better to refuse": hex digits are no decimal number.
            Map.entry("SELECT * FROM member WHERE id = 0x1", "The literal expression `1` cannot be parsed as type `U32`"),
            Map.entry("SELECT * FROM member WHERE id = 0x10", "The literal expression `10` cannot be parsed as type `U32`"),
            Map.entry(
                    "SELECT id FROM scalars WHERE n_u_256 = 0x05", "The literal expression `05` cannot be parsed as type `U256`"),
            Map.entry(
                    "INSERT INTO team (id, name) VALUES (0x10, 'hex')",
                    "The literal expression `10` cannot be parsed as type `U32`"),
            // Extensions, but not so.
            Map.entry("SELECT COUNT(*) AS n, id FROM member", "column `id` must appear in the GROUP BY clause"),
            Map.entry("SELECT id FROM team HAVING id = 1", "column `id` must appear in the GROUP BY clause"),
            // "reorder properly": names are not ignored.
            Map.entry(
                    "INSERT INTO team (name, id) VALUES (5, 'five')", "Unexpected type: (expected) String != U32 (inferred)"),
            Map.entry("INSERT INTO team (a, b) VALUES (6, 'six')", "`team` does not have a field `a`"));

    /** Statements that fail on the recorded server and work here. */
    private static final List<String> WORKING = List.of(
            "INSERT INTO team (name, id) VALUES ('five', 5)",
            // Extensions.
            "SELECT COUNT(id) AS n FROM member", "SELECT SUM(id) AS n FROM member", "SELECT * FROM team LIMIT 1 OFFSET 1",
            "SELECT * FROM team OFFSET 1", "SELECT DISTINCT id FROM team", "SELECT * FROM team ORDER BY id",
            "SELECT id FROM team GROUP BY id", "SELECT * FROM member WHERE NOT active", "SELECT * FROM member WHERE id IN (1,2)",
            "SELECT * FROM member WHERE id BETWEEN 1 AND 2", "EXPLAIN SELECT * FROM team");

    /** Beginnings of statements that write types which cannot be written there: the next statements would find their rows. */
    private static final List<String> NOT_RUN = List.of(
            "INSERT INTO specials (id, ident, conn, at,", "UPDATE specials SET at = '", "UPDATE specials SET uuid = '");

    /** Counts that differ because of the statements above. */
    private static final Map<String, Long> OUR_DELETES = Map.of("DELETE FROM team", 5L);

    /** Ids of one table's indexes and constraints are handed out in no order that anybody could know. */
    private static final List<String> ANY_IDS = List.of("SELECT * FROM st_index", "SELECT * FROM st_constraint");

    private SqlVectors() {
    }

    /** The fixture, then the statements, with the identities of those who run them and of the database. */
    public static List<JsonObject> load(String owner, String other, String database) {
        try (InputStream in = SqlVectors.class.getResourceAsStream("/golden/sql/sql.jsonl")) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .replace("{{owner}}", owner)
                    .replace("{{other}}", other)
                    .replace("{{db}}", database);
            return text.lines().map(line -> (JsonObject) Json.parse(line)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs a statement and compares. */
    public static void compare(JsonObject vector, Supplier<SqlResult> run) {
        String query = string(vector, "query");
        if (NOT_RUN.stream().anyMatch(query::startsWith)) {
            return;
        }
        SqlResult result;
        try {
            result = run.get();
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
        if (vector.get("rows").orElseThrow() instanceof JsonString) {
            // Rows of live connections, of which this request has one.
            assertEquals(1, result.rows().count(), query);
            return;
        }
        TreeMap<String, Integer> expected = new TreeMap<>();
        for (JsonValue row : ((JsonArray) vector.get("rows").orElseThrow()).items()) {
            expected.merge(canonical(query, row), 1, Integer::sum);
        }
        TreeMap<String, Integer> rows = new TreeMap<>();
        for (int i = 0; i < result.rows().count(); i++) {
            String json = SatsJson.toString(result.schema(), result.rows().row(i), SatsJson.Flavor.UNTYPED);
            rows.merge(canonical(query, Json.parse(json)), 1, Integer::sum);
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

    private static String canonical(String query, JsonValue row) {
        return canonical(ANY_IDS.contains(query) ? new JsonArray(((JsonArray) row).items().subList(1, 4)) : row);
    }

    private static String canonical(JsonValue value) {
        return switch (value) {
            case JsonNumber n -> new BigDecimal(n.text()).stripTrailingZeros().toString();
            case JsonArray a -> a.items().stream().map(SqlVectors::canonical).toList().toString();
            default -> value.toString();
        };
    }

    static ProductType schema(JsonArray columns) {
        return new ProductType(columns.items().stream()
                .map(c -> (JsonObject) c)
                .map(c -> ProductElement.of(string(c, "name"), TypeJson.read(c.get("type").orElseThrow())))
                .toList());
    }

    public static String string(JsonObject object, String name) {
        return ((JsonString) object.get(name).orElseThrow()).value();
    }
}
