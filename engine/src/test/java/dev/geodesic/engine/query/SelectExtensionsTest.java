package dev.geodesic.engine.query;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.Hashes;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SatsJson;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What dialect Q has beyond the specification (docs/sql.md). */
final class SelectExtensionsTest {

    private static final Caller OWNER = new Caller(new Identity(1, 2, 3, 4), true);
    private static final Caller OTHER = new Caller(new Identity(5, 6, 7, 8), false);

    private final SqlEngine engine = new SqlEngine(Limits.DEFAULTS);
    private final TestDatabase database = new TestDatabase(List.of(
            Tables.table(4096, "team").column("id", PrimitiveType.U32).column("name", PrimitiveType.STRING).unique("id").build(),
            Tables.table(4097, "player")
                    .column("id", PrimitiveType.U32)
                    .column("team_id", "teamId", PrimitiveType.U32)
                    .column("name", PrimitiveType.STRING)
                    .column("level", PrimitiveType.I16)
                    .column("owner", SpecialTypes.IDENTITY)
                    .unique("id")
                    .btree("team_id")
                    .build(),
            Tables.table(4098, "odd").column("id", PrimitiveType.U8).column("list", new ArrayType(PrimitiveType.I32)).build(),
            Tables.view(4099, "mine", TableRole.VIEW).column("n", PrimitiveType.U64).build()));

    @BeforeEach
    void fill() {
        run("INSERT INTO team (id, name) VALUES (1, 'red'), (2, 'blue'), (3, 'none')");
        String a = ", 0x" + OWNER.identity().toHex() + ")";
        String b = ", 0x" + OTHER.identity().toHex() + ")";
        run("INSERT INTO player (id, team_id, name, level, owner) VALUES (1, 1, 'ann', 5" + a + ", (2, 1, 'bob', -3" + b
                + ", (3, 2, 'cid', 5" + b + ", (4, 2, 'dan', 9" + b + ", (5, 1, 'eve', 5" + a);
    }

    @AfterEach
    void close() {
        database.close();
    }

    private SqlResult run(String sql) {
        return database.execute(sql, OWNER);
    }

    private List<String> rows(String sql) {
        return rows(sql, OWNER);
    }

    private List<String> rows(String sql, Caller caller) {
        SqlResult result = database.execute(sql, caller);
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < result.rows().count(); i++) {
            rows.add(SatsJson.toString(result.schema(), result.rows().row(i), SatsJson.Flavor.UNTYPED));
        }
        return rows;
    }

    private String error(String sql) {
        EngineException e = assertThrows(EngineException.class, () -> engine.prepare(sql, database.view(), OWNER), sql);
        assertEquals(ErrorCode.SQL, e.code());
        return e.getMessage();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "SELECT name FROM player ORDER BY level DESC, name      | [\"dan\"][\"ann\"][\"cid\"][\"eve\"][\"bob\"]",
        "SELECT id FROM player ORDER BY player.name DESC LIMIT 2| [5][4]",
        "SELECT id FROM player ORDER BY 1 OFFSET 3              | [4][5]",
        "SELECT id FROM player ORDER BY 1 OFFSET 3 LIMIT 1      | [4]",
        "SELECT id FROM player ORDER BY id LIMIT 0              | ``",
        "SELECT id FROM player ORDER BY id OFFSET 9             | ``",
        "SELECT level AS id, id AS x FROM player ORDER BY id, x | [-3,2][5,1][5,3][5,5][9,4]",
        "SELECT * FROM team ORDER BY 2                          | [2,\"blue\"][3,\"none\"][1,\"red\"]",
        "SELECT p.id FROM player p JOIN team t ON p.teamId = t.id ORDER BY t.name, p.id DESC | [4][3][5][2][1]",
        "SELECT t.* FROM player p JOIN team t ON p.team_id = t.id WHERE t.name = 'blue' ORDER BY p.level DESC LIMIT 1 "
                + "| [2,\"blue\"]",
        "SELECT DISTINCT level FROM player ORDER BY level       | [-3][5][9]",
        "SELECT DISTINCT level FROM player ORDER BY 1 LIMIT 1 OFFSET 1 | [5]",
        "SELECT COUNT(*) AS n, SUM(level) AS s, MIN(name) AS a, MAX(level) AS b, AVG(level) AS c FROM player "
                + "| [5,21,\"ann\",9,4.2]",
        "SELECT COUNT(name) AS n, COUNT(DISTINCT level) AS d FROM player | [5,3]",
        "SELECT COUNT(*) AS n, SUM(level) AS s FROM player WHERE id > 9 | [0,0]",
        "SELECT COUNT(*) AS n, MAX(level) AS s FROM player WHERE id > 9 | ``",
        "SELECT SUM(level) AS s FROM player LIMIT 0             | ``",
        "SELECT COUNT(*) AS n FROM player OFFSET 1              | ``",
        "SELECT COUNT(*) AS n FROM player ORDER BY n            | [5]",
        "SELECT team_id, COUNT(*) AS n FROM player GROUP BY team_id ORDER BY n DESC | [1,3][2,2]",
        "SELECT teamId AS t FROM player GROUP BY t ORDER BY SUM(level), 1 | [1][2]",
        "SELECT COUNT(*) AS n FROM player GROUP BY team_id HAVING MAX(level) = 9 | [2]",
        "SELECT team_id, level FROM player GROUP BY 1, 2 HAVING NOT level = 5 OR team_id BETWEEN 2 AND 3 ORDER BY 1, 2 "
                + "| [1,-3][2,5][2,9]",
        "SELECT t.name, SUM(p.level) AS s FROM team t JOIN player p ON t.id = p.team_id GROUP BY t.name ORDER BY name "
                + "| [\"blue\",14][\"red\",7]",
        "SELECT * FROM team GROUP BY id, name ORDER BY id LIMIT 1 | [1,\"red\"]",
        "SELECT DISTINCT COUNT(*) AS n FROM player GROUP BY id   | [1]",
        "SELECT id FROM player WHERE id IN (1, 4, 7) AND name NOT BETWEEN 'b' AND 'c' ORDER BY id | [1][4]",
        "SELECT id FROM player WHERE NOT (team_id = 1 OR level > 5) | [3]",
    })
    void answers(String sql, String expected) {
        assertEquals(expected, String.join("", rows(sql)), sql);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "SELECT id FROM player ORDER BY nope                    | `nope` is not in scope",
        "SELECT id FROM player ORDER BY 2                       | position 2 is not in the select list",
        "SELECT id FROM player ORDER BY 0                       | position 0 is not in the select list",
        "SELECT id FROM player ORDER BY 1.5                     | position 1.5 is not in the select list",
        "SELECT id FROM player ORDER BY 1e999999999             | position 1e999999999 is not in the select list",
        "SELECT id FROM odd ORDER BY list                       | ORDER BY needs a column of a type that can be compared",
        "SELECT DISTINCT * FROM odd                             | DISTINCT needs columns of types that can be compared",
        "SELECT DISTINCT id FROM player ORDER BY name           | for SELECT DISTINCT, ORDER BY expressions must appear",
        "SELECT id FROM player ORDER BY COUNT(*)                | aggregate functions in ORDER BY need GROUP BY",
        "SELECT t.id FROM team t JOIN player p ORDER BY name    | Names must be qualified when using joins",
        "SELECT id, COUNT(*) AS n FROM player                   | column `id` must appear in the GROUP BY clause or be used in",
        "SELECT level FROM player GROUP BY id                   | column `level` must appear in the GROUP BY clause",
        "SELECT id FROM player GROUP BY id HAVING level = 1     | column `level` must appear in the GROUP BY clause",
        "SELECT id FROM player GROUP BY id ORDER BY level       | column `level` must appear in the GROUP BY clause",
        "SELECT * FROM player GROUP BY id                       | column `player.team_id` must appear in the GROUP BY clause",
        "SELECT COUNT(*) AS n FROM player GROUP BY n            | aggregate functions are not allowed in GROUP BY",
        "SELECT COUNT(*) AS n FROM odd GROUP BY list            | Invalid GROUP BY for type `Array<I32>`",
        "SELECT id FROM player GROUP BY 3                       | position 3 is not in the select list",
        "SELECT SUM(name) AS n FROM player                      | Unsupported aggregate function: SUM(name) for type `String`",
        "SELECT AVG(owner) AS n FROM player                     | Unsupported aggregate function: AVG(owner) for type",
        "SELECT MIN(list) AS n FROM odd                         | Unsupported aggregate function: MIN(list) for type `Array",
        "SELECT COUNT(nope) AS n FROM odd                       | `nope` is not in scope",
        "SELECT COUNT(*) AS n, MIN(id) AS n FROM odd            | Duplicate name `n`",
        "SELECT COUNT(*) AS n FROM player HAVING n              | Unexpected type: (expected) U64 != Bool (inferred)",
        "SELECT COUNT(*) AS n FROM player HAVING n = -1         | The literal expression `-1` cannot be parsed as type `U64`",
        "SELECT id FROM player WHERE NOT id                     | Unexpected type: (expected) Bool != U32 (inferred)",
        "SELECT id FROM player WHERE id IN (1, 'x')             | The literal expression `x` cannot be parsed as type `U32`",
        "EXPLAIN SELECT * FROM nope                             | no such table: `nope`",
    })
    void refuses(String sql, String message) {
        String actual = error(sql);
        assertTrue(actual.startsWith(message), sql + "\nexpected: " + message + "\nbut was:  " + actual);
    }

    /** Where the specification's errors stay. */
    @ParameterizedTest
    @ValueSource(strings = {
        "SELECT * FROM player ORDER BY id", "SELECT * FROM player LIMIT 1 OFFSET 1", "SELECT * FROM player OFFSET 1",
        "SELECT DISTINCT * FROM player", "SELECT * FROM player GROUP BY id", "SELECT * FROM player HAVING id = 1",
        "SELECT SUM(id) AS n FROM player", "SELECT * FROM player WHERE NOT id = 1", "SELECT * FROM player WHERE id IN (1)",
        "SELECT * FROM player WHERE id BETWEEN 1 AND 2", "EXPLAIN SELECT * FROM player"})
    @Proves("sql.md 2")
    void isOfDialectQOnly(String sql) {
        for (EngineException e : List.of(
                assertThrows(EngineException.class, () -> engine.compileSubscription(sql, database.view(), OWNER), sql),
                assertThrows(EngineException.class, () -> engine.compileOneOff(sql, database.view(), OWNER), sql),
                assertThrows(EngineException.class, () -> RowLevelSecurity.check(sql, database.view(), Limits.DEFAULTS), sql))) {
            assertEquals(ErrorCode.SQL, e.code());
            assertTrue(e.getMessage().startsWith("Unsupported"), e.getMessage());
        }
    }

    @Test
    void namesAndTypesOfAggregates() {
        assertEquals(
                ProductType.of(
                        ProductElement.of("k", PrimitiveType.U32), ProductElement.of("s", PrimitiveType.I64),
                        ProductElement.of("m", SpecialTypes.IDENTITY), ProductElement.of("a", PrimitiveType.F64)),
                run("SELECT team_id AS k, SUM(level) AS s, MAX(owner) AS m, AVG(level) AS a FROM player GROUP BY k").schema());
    }

    /** Two rules: their rows together are what there is, and a row that both allow is there twice. */
    @Test
    @Proves("sql.md 9")
    void unionsOfRules() {
        protect("SELECT * FROM player WHERE owner = :sender");
        protect("SELECT p.* FROM player p JOIN team t ON p.team_id = t.id WHERE t.name = 'red'");
        assertEquals(List.of("[1]", "[2]", "[2]", "[3]", "[4]", "[5]"), rows("SELECT id FROM player ORDER BY id", OTHER));
        assertEquals(List.of("[1]", "[2]", "[3]", "[4]", "[5]"), rows("SELECT DISTINCT id FROM player ORDER BY id", OTHER));
        assertEquals(List.of("[4]", "[5]"), rows("SELECT id FROM player ORDER BY id LIMIT 2 OFFSET 4", OTHER));
        assertEquals(2, rows("SELECT id FROM player LIMIT 2 OFFSET 3", OTHER).size());
        assertEquals(
                List.of("[6,18,-3,9,3.0]"),
                rows(
                        "SELECT COUNT(*) AS n, SUM(level) AS s, MIN(level) AS a, MAX(level) AS b, AVG(level) AS c FROM player",
                        OTHER));
        assertEquals(
                List.of("[1,4]", "[2,2]"),
                rows("SELECT team_id, COUNT(*) AS n FROM player GROUP BY team_id ORDER BY 1", OTHER));
        assertEquals(
                List.of("[2,\"blue\"]", "[4,\"red\"]"),
                rows(
                        "SELECT COUNT(*) AS n, t.name FROM team t JOIN player p ON p.team_id = t.id GROUP BY t.name ORDER BY n",
                        OTHER));
        assertEquals(List.of("[5]"), rows("SELECT COUNT(*) AS n FROM player"));
    }

    private void protect(String sql) {
        BsatnWriter row = new BsatnWriter();
        row.writeU32(4097);
        row.writeString(sql);
        database.insert(10, row.toByteArray());
    }

    /** A view's rows are those of the caller, and its first column is nobody's. */
    @Test
    void viewsAreOrderedAndGrouped() {
        for (Caller caller : List.of(OWNER, OTHER)) {
            for (int n = 1; n <= (caller == OWNER ? 3 : 1); n++) {
                BsatnWriter row = new BsatnWriter();
                row.writeRaw(Hashes.viewArguments(Optional.of(caller.identity())));
                row.writeU64(n * 10);
                database.insert(4099, row.toByteArray());
            }
        }
        assertEquals(List.of("[30]", "[20]", "[10]"), rows("SELECT * FROM mine ORDER BY 1 DESC"));
        assertEquals(List.of("[60,3]"), rows("SELECT SUM(n) AS s, COUNT(DISTINCT n) AS d FROM mine"));
        assertEquals(List.of("[10]"), rows("SELECT DISTINCT * FROM mine", OTHER));
        assertEquals("`arg_hash` is not in scope", error("SELECT * FROM mine ORDER BY arg_hash"));
        assertEquals("position 2 is not in the select list", error("SELECT * FROM mine ORDER BY 2"));
    }

    @Test
    void sumsDoNotWrap() {
        try (TestDatabase wide = new TestDatabase(List.of(Tables.table(4096, "t")
                .column("a", PrimitiveType.I256).column("b", PrimitiveType.U64).column("c", PrimitiveType.I64).build()))) {
            String max = "57896044618658097711785492504343953926634992332820282019728792003956564819967";
            wide.execute("INSERT INTO t (a, b, c) VALUES (" + max + ", 18446744073709551615, -9223372036854775808), ("
                    + max + ", 18446744073709551614, -9223372036854775807)", OWNER);
            SelectPlan sum = (SelectPlan) engine.prepare("SELECT SUM(a) AS s FROM t", wide.view(), OWNER);
            EngineException e = assertThrows(EngineException.class, () -> sum.execute(wide.view()));
            assertTrue(e.getMessage().startsWith("SUM: 1157920892") && e.getMessage().endsWith(" does not fit type `I256`"));
            SqlResult sums = wide.execute("SELECT SUM(b) AS b, SUM(c) AS c, AVG(a) AS a FROM t", OWNER);
            assertEquals(
                    "[36893488147419103229,-18446744073709551615,5.78960446186581e76]",
                    SatsJson.toString(sums.schema(), sums.rows().row(0), SatsJson.Flavor.UNTYPED)
                            .replaceFirst("5\\.78960446186581\\d*[eE]\\+?76", "5.78960446186581e76"));
        }
    }

    /** ORDER BY with a LIMIT keeps that many rows; without, or with a group for each row, memory ends. */
    @Test
    void memoryIsLimited() {
        Limits d = Limits.DEFAULTS;
        SqlEngine small = new SqlEngine(TestLimits.sortBytes(d, 100_000));
        database.transact(tx -> {
            for (int i = 10; i < 5_000; i++) {
                BsatnWriter row = new BsatnWriter();
                row.writeU32(i);
                row.writeString("a name " + i);
                tx.insert(4096, MemorySegment.ofArray(row.buffer()), 0, row.length());
            }
        });
        for (String sql : List.of(
                "SELECT * FROM team ORDER BY id", "SELECT DISTINCT name FROM team",
                "SELECT name, COUNT(*) AS n FROM team GROUP BY name", "SELECT COUNT(DISTINCT name) AS n FROM team",
                "SELECT id FROM team ORDER BY name LIMIT 200000", "SELECT a.id FROM team a JOIN team b ORDER BY 1")) {
            SelectPlan plan = (SelectPlan) small.prepare(sql, database.view(), OWNER);
            EngineException e = assertThrows(EngineException.class, () -> plan.execute(database.view()), sql);
            assertEquals(ErrorCode.LIMIT_EXCEEDED, e.code());
            assertEquals(
                    "ORDER BY, GROUP BY or DISTINCT keeps more bytes than the limit read-sort-bytes-max of 100000",
                    e.getMessage());
        }
        SelectPlan first = (SelectPlan) small.prepare("SELECT id FROM team ORDER BY id DESC LIMIT 2", database.view(), OWNER);
        RowBuffer rows = new RowBuffer();
        assertEquals(2, first.execute(database.view(), rows));
        assertEquals(4999, MemorySegment.ofArray(rows.bytes()).get(ValueKind.INT, 0));
        assertEquals(
                1, ((SelectPlan) small.prepare("SELECT MAX(name) AS m FROM team", database.view(), OWNER))
                        .execute(database.view()).rows().count());
    }

    /** The input is what counts (spec/sql.md 11). */
    @Test
    @Proves("sql.md 11")
    void estimatesIgnoreLimitsBehindAnOrder() {
        run("SET row_limit = 4");
        for (String sql : List.of(
                "SELECT * FROM player ORDER BY id LIMIT 1", "SELECT DISTINCT id FROM player LIMIT 1",
                "SELECT MAX(id) AS m FROM player LIMIT 1", "SELECT * FROM player LIMIT 3 OFFSET 2",
                "SELECT * FROM player OFFSET 1")) {
            EngineException e = assertThrows(EngineException.class, () -> rows(sql, OTHER), sql);
            assertEquals("Estimated cardinality (5 rows) exceeds limit (4 rows)", e.getMessage(), sql);
        }
        assertEquals(2, rows("SELECT * FROM player LIMIT 2 OFFSET 2", OTHER).size());
    }

    /** The examples of the page for users. */
    @Test
    void examplesOfThePage() throws IOException {
        String page = Files.readString(Path.of("../docs/sql.md"));
        List<String> examples = Pattern.compile("```sql\n(.*?)```", Pattern.DOTALL).matcher(page).results()
                .map(MatchResult::group).map(s -> s.substring(7, s.length() - 3)).toList();
        assertTrue(examples.size() >= 3, "examples: " + examples);
        run("INSERT INTO player (id, team_id, name, level, owner) VALUES (9, 9, 'zoe', 1, 0x" + "00".repeat(32) + ")");
        for (String example : examples) {
            assertTrue(example.contains("OFFSET 20") || !rows(example.replace("member", "player")).isEmpty(), example);
        }
    }
}
