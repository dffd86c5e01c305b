package dev.geodesic.engine.query;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SatsJson;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.testkit.Proves;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SqlEngineTest {

    private static final Identity ALICE = new Identity(1, 2, 3, 0xc200_0000_0000_0000L);
    private static final Identity BOB = new Identity(4, 5, 6, 0xc200_0000_0000_0000L);
    private static final Caller OWNER = new Caller(ALICE, true);
    private static final Caller OTHER = new Caller(BOB, false);

    private final SqlEngine engine = new SqlEngine(Limits.DEFAULTS);
    private final TestDatabase database = new TestDatabase(List.of(
            Tables.table(4096, "member")
                    .column("id", PrimitiveType.U32)
                    .column("team_id", "teamId", PrimitiveType.U32)
                    .column("name", PrimitiveType.STRING)
                    .column("active", PrimitiveType.BOOL)
                    .unique("id")
                    .btree("team_id")
                    .btree("active", "team_id")
                    .build(),
            Tables.table(4097, "note")
                    .accessor("Notes")
                    .column("id", PrimitiveType.U64)
                    .column("owner", SpecialTypes.IDENTITY)
                    .column("text", PrimitiveType.STRING)
                    .unique("id")
                    .autoInc("id")
                    .build(),
            Tables.table(4098, "secret").column("text", PrimitiveType.STRING).hidden().build(),
            Tables.table(4099, "flash").column("text", PrimitiveType.STRING).btree("text").event().build(),
            Tables.table(4101, "tag").column("text", PrimitiveType.STRING).btree("text").build(),
            Tables.table(4100, "odd")
                    .column("at", SpecialTypes.TIMESTAMP)
                    .column("dur", SpecialTypes.TIME_DURATION)
                    .column("opt", SpecialTypes.option(PrimitiveType.U8))
                    .column("nums", new ArrayType(PrimitiveType.I32))
                    .column("bytes", ArrayType.BYTES)
                    .column("conn", SpecialTypes.CONNECTION_ID)
                    .build()));
    private final ReadView view = database.view();

    @BeforeEach
    void fill() {
        execute("INSERT INTO member (id, team_id, name, active) VALUES "
                + "(1, 1, 'ann', true), (2, 1, 'bob', false), (3, 2, 'cid', true), (4, 9, 'dan', false)");
    }

    @AfterEach
    void close() {
        database.close();
    }

    private SqlResult execute(String sql) {
        return execute(sql, OWNER);
    }

    private SqlResult execute(String sql, Caller caller) {
        return database.execute(sql, caller);
    }

    private List<String> rows(String sql, Caller caller) {
        SqlResult result = execute(sql, caller);
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < result.rows().count(); i++) {
            rows.add(SatsJson.toString(result.schema(), result.rows().row(i), SatsJson.Flavor.UNTYPED));
        }
        return rows;
    }

    private String error(String sql, Caller caller) {
        EngineException e = assertThrows(EngineException.class, () -> engine.prepare(sql, view, caller), sql);
        assertEquals(ErrorCode.SQL, e.code());
        return e.getMessage();
    }

    private String subscriptionError(String sql) {
        return assertThrows(EngineException.class, () -> engine.compileSubscription(sql, view, OTHER), sql).getMessage();
    }

    /** The errors of spec/sql.md 3, 4, 5, 7 and 13 that need tables and types. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "SELECT * FROM nope                             | no such table: `nope`. If the table exists, it may be marked private.",
        "SELECT * FROM Member                           | no such table: `Member`. If",
        "SELECT * FROM lib.member                       | no such table: `lib.member`. If",
        "SELECT nope FROM member                        | `nope` is not in scope",
        "SELECT member.id FROM member m                 | `member` is not in scope",
        "SELECT x.* FROM member                         | `x` is not in scope",
        "SELECT id FROM member WHERE x.id = 1           | `x` is not in scope",
        "SELECT id FROM member WHERE name = \"bob\"     | `bob` is not in scope",
        "SELECT id, id FROM member                      | Duplicate name `id`",
        "SELECT id AS a, name a FROM member             | Duplicate name `a`",
        "SELECT * FROM member WHERE id                  | Unexpected type: (expected) U32 != Bool (inferred)",
        "SELECT * FROM member WHERE :sender             | Unexpected type: (expected) (__identity__: U256) != Bool (inferred)",
        "SELECT * FROM member WHERE 1                   | The literal expression `1` cannot be parsed as type `Bool`",
        "SELECT * FROM member WHERE 1 = 1               | Cannot resolve type for literal expression",
        "SELECT * FROM member WHERE 'a' = 'b'           | Cannot resolve type for literal expression",
        "SELECT * FROM member WHERE 1 = true            | The literal expression `1` cannot be parsed as type `Bool`",
        "SELECT * FROM member WHERE id = name           | Unexpected type: (expected) String != U32 (inferred)",
        "SELECT * FROM member WHERE id = true           | Unexpected type: (expected) Bool != U32 (inferred)",
        "SELECT * FROM member WHERE id = 4294967296     | The literal expression `4294967296` cannot be parsed as type `U32`",
        "SELECT * FROM member WHERE id = -1             | The literal expression `-1` cannot be parsed as type `U32`",
        "SELECT * FROM member WHERE id = 1.5            | The literal expression `1.5` cannot be parsed as type `U32`",
        "SELECT * FROM member WHERE id = 1e999999999999 | The literal expression `1e999999999999` cannot be parsed as type",
        "SELECT * FROM member WHERE id = ''             | The literal expression `` cannot be parsed as type `U32`",
        "SELECT * FROM member WHERE active = 'true'     | The literal expression `true` cannot be parsed as type `Bool`",
        "SELECT * FROM member WHERE id = :sender        | Unexpected type: (expected) (__identity__: U256) != U32 (inferred)",
        "SELECT * FROM note WHERE owner = 0x01          | "
                + "The literal expression `01` cannot be parsed as type `(__identity__: U256)`",
        "SELECT * FROM odd WHERE at = '2023-11-14'      | The literal expression `2023-11-14` cannot be parsed as type",
        "SELECT * FROM odd WHERE at = '2023-02-30T00:00:00Z' | The literal expression `2023-02-30T00:00:00Z` cannot be",
        "SELECT * FROM odd WHERE at = '2023-02-03T00:00:00+24:00' | The literal expression `2023-02-03T00:00:00+24:00` cannot",
        "SELECT * FROM odd WHERE dur = 5                | "
                + "The literal expression `5` cannot be parsed as type `(__time_duration_micros__",
        "SELECT * FROM odd WHERE dur < dur              | Invalid binary operator `<` for type `(__time_duration_micros__: I64)`",
        "SELECT * FROM odd WHERE nums = nums            | Invalid binary operator `=` for type `Array<I32>`",
        "SELECT * FROM odd WHERE opt = 5                | "
                + "The literal expression `5` cannot be parsed as type `(some: U8 | none: ())`",
        "SELECT * FROM odd WHERE bytes = 10             | The literal expression `10` cannot be parsed as type `Array<U8>`",
        "SELECT * FROM odd WHERE bytes = 0x0            | The literal expression `0` cannot be parsed as type `Array<U8>`",
        "SELECT * FROM odd WHERE conn = :sender         | "
                + "Unexpected type: (expected) (__identity__: U256) != (__connection_id__: U128)",
        "SELECT * FROM member m JOIN note n ON m.id = n.id | Unexpected type: (expected) U64 != U32 (inferred)",
        "SELECT * FROM member m JOIN note n             | SELECT * is not supported for joins",
        "SELECT m.* FROM member m JOIN note m           | Duplicate name `m`",
        "SELECT m.* FROM member m JOIN note n ON id = n.id | Names must be qualified when using joins",
        "SELECT m.* FROM member m JOIN note n WHERE text = 'x' | Names must be qualified when using joins",
        "INSERT INTO member VALUES (1)                  | "
                + "The number of fields (0) in the INSERT does not match the number of columns (4)",
        "INSERT INTO secret (a, b) VALUES (1, 2)        | "
                + "The number of fields (2) in the INSERT does not match the number of columns (1)",
        "INSERT INTO secret (nope) VALUES ('x')         | `secret` does not have a field `nope`",
        "INSERT INTO note (id, id, text) VALUES (1, 1, 'x') | Duplicate name `id`",
        "INSERT INTO secret (text) VALUES ('x', 1)      | Inserting a row with 2 values into `secret` which has 1 fields",
        "INSERT INTO secret (text) VALUES (true)        | Unexpected type: (expected) Bool != String (inferred)",
        "INSERT INTO note (id, owner, text) VALUES ('1', 0x00, 'x') | Unexpected type: (expected) String != U64 (inferred)",
        "UPDATE member SET nope = 1                     | `member` does not have a field `nope`",
        "UPDATE member SET member.id = 1                | `member` does not have a field `member.id`",
        "UPDATE member SET id = '1'                     | Unexpected type: (expected) String != U32 (inferred)",
        "UPDATE member SET id = 1 WHERE x.id = 2        | `x` is not in scope",
        "UPDATE odd SET at = '2023-11-14T22:13:20'      | The literal expression `2023-11-14T22:13:20` cannot be parsed",
        "UPDATE odd SET conn = '00'                     | Unexpected type: (expected) String != (__connection_id__",
        "UPDATE odd SET dur = 'PT'                      | The literal expression `PT` cannot be parsed as type `(__time_duration",
        "UPDATE odd SET dur = 5                         | The literal expression `5` cannot be parsed as type `(__time_duration",
        "SELECT * FROM member LIMIT 1.5                 | The literal expression `1.5` cannot be parsed as type `U64`",
        "SELECT * FROM member LIMIT 18446744073709551616 | The literal expression `18446744073709551616` cannot be",
        "SELECT * FROM member WHERE id = $1             | Unsupported literal expression: $1",
        "UPDATE nope SET a = 1                          | no such table: `nope`",
        "DELETE FROM nope                               | no such table: `nope`",
        "SHOW nope                                      | nope is not a valid system variable",
        "SET nope = 1                                   | nope is not a valid system variable",
        "SET row_limit = 'x'                            | Unexpected type: (expected) U64 != String (inferred)",
        "SET row_limit = -1                             | The literal expression `-1` cannot be parsed as type `U64`",
        "DELETE FROM st_row_level_security              | Unsupported: DML on the system table `st_row_level_security`",
    })
    void refuses(String sql, String message) {
        String actual = error(sql, OWNER);
        assertTrue(actual.startsWith(message), sql + "\nexpected: " + message + "\nbut was:  " + actual);
    }

    @Test
    @Proves("sql.md 3")
    void selectsByNameAccessorAndAlias() {
        assertEquals(List.of("[3,\"cid\"]"), rows("SELECT m.id, name AS n FROM member AS m WHERE teamId = 2", OWNER));
        assertEquals(List.of(), rows("SELECT * FROM Notes", OWNER));
        assertEquals(
                ProductType.of(
                        ProductElement.of("teamId", PrimitiveType.U32), ProductElement.of("who", PrimitiveType.STRING)),
                execute("SELECT teamId, name AS who FROM member").schema());
    }

    @Test
    @Proves("sql.md 7")
    void countsRowsAndNotTheLimit() {
        assertEquals(List.of("[4]"), rows("SELECT COUNT(*) AS n FROM member LIMIT 1", OWNER));
        assertEquals(List.of("[2]"), rows("SELECT count(*) n FROM member WHERE active", OWNER));
        assertEquals(List.of("[0]"), rows("SELECT count(*) n FROM member WHERE false", OWNER));
        assertEquals(
                ProductType.of(ProductElement.of("n", PrimitiveType.U64)),
                execute("SELECT COUNT(*) AS n FROM member").schema());
    }

    @Test
    void foldsConditionsOnConstants() {
        assertEquals(4, rows("SELECT * FROM member WHERE true = true AND :sender = :sender", OWNER).size());
        assertEquals(0, rows("SELECT * FROM member WHERE true < false OR :sender <> :sender", OWNER).size());
        assertEquals(2, rows("SELECT * FROM member WHERE (false OR active) AND true", OWNER).size());
        assertEquals(0, rows("SELECT * FROM member WHERE 0x" + "00".repeat(32) + " = :sender", OWNER).size());
    }

    @Test
    @Proves("sql.md 4")
    void writesTypesThatHaveOnlyStringsForLiterals() {
        execute("UPDATE odd SET at = '2023-11-14T22:13:20.1234567+01:00', dur = '-PT1.000002S'");
        assertEquals(0, execute("UPDATE odd SET dur = 'PT1S' WHERE at = '2000-01-01T00:00:00Z'").updated());
        SqlDescription description = engine.describe(
                "UPDATE odd SET dur = $2, at = $1 WHERE bytes = $3 AND conn = $4 AND at > $1", view, OWNER);
        assertEquals(
                List.of(SpecialTypes.TIMESTAMP, SpecialTypes.TIME_DURATION, ArrayType.BYTES, SpecialTypes.CONNECTION_ID),
                description.parameters());
        assertFalse(description.isQuery());
        assertEquals(ProductType.UNIT, description.schema());
    }

    @Test
    void describesAndBindsParameters() {
        String sql = "SELECT name AS n FROM member WHERE active = $3 AND id >= $1 LIMIT $5";
        SqlDescription description = engine.describe(sql, view, OTHER);
        assertEquals(
                List.of(PrimitiveType.U32, PrimitiveType.STRING, PrimitiveType.BOOL, PrimitiveType.STRING, PrimitiveType.U64),
                description.parameters());
        assertTrue(description.isQuery());
        assertEquals(ProductType.of(ProductElement.of("n", PrimitiveType.STRING)), description.schema());
        SelectPlan plan = (SelectPlan) engine.prepare(sql, view, OTHER, List.of("2", "", "t", "", "7"));
        assertEquals(1, plan.execute(view).rows().count());
        SqlStatement insert = engine.prepare(
                "INSERT INTO member (id, team_id, name, active) VALUES ($1, 7, $2, $3)", view, OWNER,
                List.of("77", " x ", "off"));
        assertEquals(1, database.execute((DmlPlan) insert).inserted());
        assertEquals(List.of("[77,7,\" x \",false]"), rows("SELECT * FROM member WHERE id = 77", OWNER));
        assertEquals("there is no parameter $2", parameterError("id = $2", "1"));
        assertEquals("Unsupported literal expression: NULL", parameterError("id = $1", (String) null));
        assertEquals("The literal expression `x` cannot be parsed as type `U32`", parameterError("id = $1", "x"));
        assertEquals("The literal expression `2` cannot be parsed as type `Bool`", parameterError("active = $1", "2"));
        assertEquals("Unsupported literal expression: $0", parameterError("id = $0", "2"));
        assertEquals("Unsupported literal expression: $a$1$a$", parameterError("id = $a$1$a$", "2"));
        assertEquals("Cannot resolve type for literal expression", parameterError("$1 = $1", "2"));
    }

    private String parameterError(String condition, String... values) {
        return assertThrows(
                EngineException.class,
                () -> engine.prepare("SELECT * FROM member WHERE " + condition, view, OWNER, Arrays.asList(values))).getMessage();
    }

    /** As the PostgreSQL wire shows values, and some other forms. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "F64 | nan | 7ff8000000000000", "F64 | -Infinity | fff0000000000000", "F64 | 1.5 | 3ff8000000000000",
        "F32 | inf | 7f800000", "I16 | ' 7 ' | 0007", "BOOL | Yes | 01", "BOOL | f | 00",
    })
    void readsValuesOfParameters(PrimitiveType type, String text, String bigEndian) {
        byte[] bytes = HexFormat.of().parseHex(bigEndian);
        byte[] value = LiteralCodec.forParameter(text, type);
        for (int i = 0; i < bytes.length; i++) {
            assertEquals(bytes[i], value[bytes.length - 1 - i], text);
        }
    }

    @Test
    void readsValuesOfParametersOfSpecialTypes() {
        byte[] micros = LiteralCodec.forParameter("2023-11-14T22:13:20.123456Z", SpecialTypes.TIMESTAMP);
        for (String text : List.of(
                "2023-11-14 22:13:20.123456", "2023-11-14 23:13:20.123456+01", "2023-11-14T22:13:20.123456+00:00")) {
            assertArrayEquals(micros, LiteralCodec.forParameter(text, SpecialTypes.TIMESTAMP), text);
        }
        assertArrayEquals(
                new byte[] {2, 0, 0, 0, 0x0a, (byte) 0xff}, LiteralCodec.forParameter("\\x0aFF", ArrayType.BYTES));
        assertArrayEquals(
                LiteralCodec.forParameter("0x" + "ab".repeat(32), SpecialTypes.IDENTITY),
                LiteralCodec.forParameter("\\x" + "ab".repeat(32), SpecialTypes.IDENTITY));
        assertArrayEquals(
                new byte[] {7, 0, 0, 0, 0, 0, 0, 0}, LiteralCodec.forParameter("PT0.000007S", SpecialTypes.TIME_DURATION));
    }

    @Test
    @Proves("sql.md 12")
    void choosesTheIndexWithMostColumns() {
        assertEquals("member_id_idx_btree", index("id = 1 AND name = 'x'"));
        assertEquals("member_team_id_idx_btree", index("team_id = 1"));
        assertEquals("member_active_team_id_idx_btree", index("team_id = 1 AND id = 2 AND active"));
        assertEquals("member_id_idx_btree", index("team_id = 1 AND 2 = id"));
        assertEquals("member_id_idx_btree", index("id > 1"));
        assertEquals("none", index("name > 'a'"));
        assertEquals("none", index("id = 1 OR id = 2"));
        assertEquals("member_active_team_id_idx_btree", index("active"));
        assertEquals("none", index("id = team_id"));
        assertEquals(0, rows("SELECT * FROM member WHERE id = 1 AND id = 2", OWNER).size());
    }

    private String index(String condition) {
        SelectPlan plan = (SelectPlan) engine.prepare("SELECT * FROM member WHERE " + condition, view, OWNER);
        return plan.parts().getFirst().steps().getFirst().scan().index().map(i -> i.index().name()).orElse("none");
    }

    @Test
    void insertsInTheOrderOfTheNames() {
        SqlResult result = execute("INSERT INTO member (name, active, teamId, id) "
                + "VALUES ('eve', true, 7, 5), ('fay', false, 8, 6)");
        assertEquals(2, result.inserted());
        assertEquals(List.of("[5,7,\"eve\",true]"), rows("SELECT * FROM member WHERE name = 'eve'", OWNER));
    }

    @Test
    void countsOnlyRowsThatWereNotThere() {
        assertEquals(0, execute("INSERT INTO member (id, team_id, name, active) VALUES (1, 1, 'ann', true)").inserted());
        EngineException e = assertThrows(
                EngineException.class, () -> execute("INSERT INTO member (id, team_id, name, active) VALUES (1, 1, 'x', true)"));
        assertEquals(ErrorCode.UNIQUE_ALREADY_EXISTS, e.code());
        assertEquals(
                "IndexError: Unique constraint violation 'member_id_idx_btree' in table 'member': column(s): '[\"id\"]' value: 1",
                e.getMessage());
        assertEquals(1, execute("INSERT INTO flash (text) VALUES ('x')").inserted());
    }

    @Test
    void preparedInsertRunsAgainWithNewGeneratedValues() {
        DmlPlan insert = (DmlPlan) engine.prepare(
                "INSERT INTO note (id, owner, text) VALUES (0, 0x" + ALICE.toHex() + ", 'x')", view, OWNER);
        assertEquals(1, database.execute(insert).inserted());
        assertEquals(1, database.execute(insert).inserted());
        assertEquals(List.of("[1]", "[2]"), rows("SELECT id FROM note", OWNER));
    }

    @Test
    @Proves("sql.md 7")
    void updatesWhatMatchedBefore() {
        assertEquals(4, execute("UPDATE member SET team_id = 1, name = 'a', name = 'same'").updated());
        assertEquals(2, execute("UPDATE member SET active = true WHERE member.active = false").updated());
        assertEquals(
                List.of("[1,1,\"same\",true]", "[2,1,\"same\",true]", "[3,1,\"same\",true]", "[4,1,\"same\",true]"),
                rows("SELECT * FROM member", OWNER).stream().sorted().toList());
        assertEquals(0, execute("UPDATE member SET active = true WHERE id = 77").updated());
    }

    @Test
    void updateFailsOnATakenKey() {
        EngineException e = assertThrows(EngineException.class, () -> execute("UPDATE member SET id = 1"));
        assertEquals(ErrorCode.UNIQUE_ALREADY_EXISTS, e.code());
    }

    @Test
    @Proves("sql.md 7")
    void deletes() {
        assertEquals(2, execute("DELETE FROM member WHERE id = 1 OR active = false AND id = 2").deleted());
        assertEquals(1, execute("DELETE FROM member WHERE team_id = 9").deleted());
        assertEquals(1, execute("DELETE FROM member").deleted());
        assertEquals(0, execute("DELETE FROM member").deleted());
    }

    @Test
    @Proves("sql.md 8")
    void othersSeePublicTablesAndWriteNothing() {
        String absent = "no such table: `secret`. If the table exists, it may be marked private.";
        assertEquals(absent, error("SELECT * FROM secret", OTHER));
        assertEquals(absent, error("INSERT INTO secret (text) VALUES ('x')", OTHER));
        assertEquals(absent, error("SELECT * FROM secret", OTHER));
        assertTrue(error("SELECT * FROM st_connection_credentials", OTHER).startsWith("no such table"));
        assertEquals(0, rows("SELECT * FROM st_connection_credentials", OWNER).size());
        String refused = "Caller " + BOB.toHex() + " is not authorized to run SQL DML statements";
        assertEquals(refused, error("DELETE FROM member", OTHER));
        assertEquals(refused, error("UPDATE member SET id = 1", OTHER));
        assertEquals(refused, error("SET row_limit = 5", OTHER));
        assertEquals("Unexpected type: (expected) String != U32 (inferred)", error("UPDATE member SET id = 'a'", OTHER));
        assertEquals(4, rows("SELECT * FROM member", OTHER).size());
    }

    @Test
    @Proves("sql.md 11")
    void limitsRowsOfOthers() {
        assertEquals(List.of(), rows("SHOW row_limit", OTHER));
        execute("SET row_limit = 3");
        assertEquals(List.of("[[8,3]]"), rows("SHOW row_limit", OTHER));
        assertThrows(EngineException.class, () -> execute("SET row_limit TO 4"));
        assertEquals("Estimated cardinality (4 rows) exceeds limit (3 rows)", error("SELECT * FROM member", OTHER));
        assertEquals(
                "Estimated cardinality (8 rows) exceeds limit (3 rows)", error("SELECT * FROM member WHERE name = 'x'", OTHER));
        assertTrue(error("SELECT COUNT(*) AS n FROM member", OTHER).startsWith("Estimated cardinality (4 rows)"));
        assertTrue(error("SELECT COUNT(*) AS n FROM member LIMIT 1", OTHER).startsWith("Estimated cardinality (4 rows)"));
        assertEquals(4, rows("SELECT * FROM member", OWNER).size());
        assertEquals(2, rows("SELECT * FROM member LIMIT 2", OTHER).size());
        assertEquals(1, rows("SELECT * FROM member WHERE id = 1", OTHER).size());
        assertEquals(2, rows("SELECT * FROM member WHERE team_id = 1", OTHER).size());
        assertThrows(EngineException.class, () -> engine.compileOneOff("SELECT * FROM member", view, OTHER));
        SubscriptionQuery query = engine.compileSubscription("SELECT * FROM member", view, OTHER).getFirst();
        assertEquals(4, query.estimate(view));
        assertThrows(EngineException.class, () -> engine.checkRowLimit(view, OTHER, query.estimate(view)));
        engine.checkRowLimit(view, OTHER, 3);
        SubscriptionQuery point = engine.compileSubscription("SELECT * FROM member WHERE team_id = 1", view, OTHER).getFirst();
        engine.checkRowLimit(view, OTHER, List.of(point));
        assertThrows(EngineException.class, () -> engine.checkRowLimit(view, OTHER, List.of(point, point)));
        engine.checkRowLimit(view, OWNER, List.of(query));
        assertEquals(1, execute("DELETE FROM st_var WHERE name = 'row_limit'").deleted());
        assertEquals(4, rows("SELECT * FROM member", OTHER).size());
    }

    @Test
    @Proves("sql.md 9")
    void rowLevelSecurityHoldsForOthers() {
        execute("INSERT INTO note (id, owner, text) VALUES (0, 0x" + ALICE.toHex() + ", 'a'), (0, 0x" + BOB.toHex() + ", 'b')");
        protect(4097, "SELECT n.* FROM note n WHERE n.owner = :sender");
        assertEquals(2, rows("SELECT * FROM note", OWNER).size());
        assertEquals(List.of("[\"b\"]"), rows("SELECT text FROM note", OTHER));
        assertEquals(List.of(), rows("SELECT text FROM note WHERE text = 'a'", OTHER));
        assertEquals(List.of("[1]"), rows("SELECT COUNT(*) AS n FROM note", OTHER));
        SubscriptionQuery query = engine.compileSubscription("SELECT * FROM note", view, OTHER).getFirst();
        assertTrue(query.dependsOnCaller());
        assertEquals(1, count(query));

        protect(4097, "SELECT * FROM note WHERE text >= 'a'");
        assertEquals(List.of("[\"a\"]", "[\"b\"]", "[\"b\"]"), rows("SELECT text FROM note", OTHER).stream().sorted().toList());
        assertEquals(List.of("[3]"), rows("SELECT COUNT(*) AS n FROM note", OTHER));
        assertEquals(1, rows("SELECT text FROM note LIMIT 1", OTHER).size());
        assertEquals(2, engine.compileSubscription("SELECT * FROM note", view, OTHER).size());
        assertEquals(1, engine.compileSubscription("SELECT * FROM note", view, OWNER).size());

    }

    private void protect(int tableId, String sql) {
        BsatnWriter row = new BsatnWriter();
        row.writeU32(tableId);
        row.writeString(sql);
        database.insert(10, row.toByteArray());
    }

    private long count(SubscriptionQuery query) {
        RowBuffer rows = new RowBuffer();
        query.rows(view, new QueryBudget(Limits.DEFAULTS), rows);
        return rows.count();
    }

    @Test
    @Proves("sql.md 2")
    void subscriptionsReturnWholeRowsOnly() {
        String projection = "Column projections are not supported in subscriptions; Subscriptions must return a table type";
        assertEquals(projection + ", executing: `SELECT id FROM member`", subscriptionError("SELECT id FROM member"));
        assertTrue(subscriptionError("SELECT COUNT(*) AS n FROM member").startsWith(projection));
        assertTrue(subscriptionError("SELECT * FROM member LIMIT 1").startsWith("Unsupported: SELECT * FROM member LIMIT 1"));
        assertTrue(subscriptionError("DELETE FROM member").startsWith("Unsupported: Non-SELECT queries"));
        assertTrue(subscriptionError("SHOW row_limit").startsWith("Unsupported: Non-SELECT queries"));
        assertTrue(subscriptionError("SELECT * FROM secret").startsWith("no such table: `secret`"));
        assertTrue(subscriptionError("").startsWith("Empty SQL query"));
        String noIndex = "Subscriptions require indexes on join columns, executing: `";
        for (String sql : List.of(
                "SELECT a.* FROM member a JOIN member b", "SELECT a.* FROM member a JOIN member b ON a.name = b.name",
                "SELECT f.* FROM flash f JOIN member m ON f.text = m.name",
                "SELECT m.* FROM member m JOIN flash f ON f.text = m.name")) {
            assertEquals(noIndex + sql + "`", subscriptionError(sql));
        }
        String events = "SELECT f.* FROM flash f JOIN tag t ON f.text = t.text";
        assertEquals(1, engine.compileSubscription(events, view, OTHER).size());
        assertTrue(subscriptionError("SELECT t.* FROM flash f JOIN tag t ON f.text = t.text")
                .startsWith("Event tables cannot be used as the lookup table in subscription joins, executing: `"));
        assertTrue(subscriptionError(
                        "SELECT a.* FROM member a JOIN member b ON a.id = b.id JOIN member c ON a.id = c.id")
                .startsWith("Invalid number of tables in subscription: 3"));
        EngineException e = assertThrows(
                EngineException.class, () -> engine.compileOneOff("SELECT id FROM member", view, OTHER));
        assertEquals(projection, e.getMessage());
        assertThrows(EngineException.class, () -> engine.compileOneOff("SELECT * FROM *", view, OTHER));
        assertEquals(2, engine.compileOneOff("SELECT * FROM member WHERE active", view, OTHER).execute(view).rows().count());
    }

    @Test
    void equalSubscriptionsShareAKey() {
        String key = key("SELECT * FROM member WHERE id = 1 AND active = true", OTHER);
        assertEquals(key, key("select m.* from member m where 'true' <> m.name and (active and 1.0 = id)", OTHER)
                .replace(",#0.2<>0400000074727565", ""));
        assertEquals(key, key("SELECT * FROM member WHERE active AND id = '1' AND active", OWNER));
        assertNotEquals(key, key("SELECT * FROM member WHERE id = 1 OR active = true", OTHER));
        assertNotEquals(key, key("SELECT * FROM member WHERE team_id = 1 AND active = true", OTHER));
        assertNotEquals(
                key("SELECT * FROM note WHERE owner = :sender", OTHER), key("SELECT * FROM note WHERE owner = :sender", OWNER));
        assertNotEquals(key("SELECT * FROM note", OTHER), key("SELECT * FROM member", OTHER));
        assertFalse(engine.compileSubscription("SELECT * FROM note", view, OTHER).getFirst().dependsOnCaller());
        assertTrue(engine.compileSubscription("SELECT * FROM note WHERE :sender = owner", view, OTHER)
                .getFirst()
                .dependsOnCaller());
    }

    private String key(String sql, Caller caller) {
        List<SubscriptionQuery> queries = engine.compileSubscription(sql, view, caller);
        assertEquals(1, queries.size());
        return queries.getFirst().key();
    }

    @Test
    void equalityTermsAreThoseThatEveryRowFulfils() {
        assertEquals(List.of(1, 3), equalities("team_id = 1 AND active AND id > 3 AND name <> 'x'"));
        assertEquals(List.of(), equalities("team_id = 1 OR active"));
        assertEquals(List.of(0), equalities("(team_id = 1 OR active) AND 4 = id"));
    }

    private List<Integer> equalities(String condition) {
        return engine.compileSubscription("SELECT * FROM member WHERE " + condition, view, OTHER).getFirst()
                .equalities(0).stream().map(ColumnEquality::column)
                .toList();
    }

    @Test
    @Proves("websocket.md 8")
    void subscribesToEverything() {
        assertEquals(List.of("member", "note", "odd", "tag"), tableNames(OTHER));
        assertEquals(List.of("member", "note", "secret", "odd", "tag"), tableNames(OWNER));
    }

    private List<String> tableNames(Caller caller) {
        return engine.compileSubscription("SELECT * FROM *;", view, caller).stream().map(SubscriptionQuery::tableName).toList();
    }

    @Test
    void limitsTheNumberOfConditionsAndTables() {
        String sql = "SELECT * FROM member WHERE id = 1" + " OR id = 1".repeat(1_200);
        engine.prepare(sql, view, OWNER);
        SqlEngine small = new SqlEngine(TestLimits.queryNodes(Limits.DEFAULTS, 1_000));
        EngineException e = assertThrows(EngineException.class, () -> small.prepare(sql, view, OWNER));
        assertEquals(ErrorCode.LIMIT_EXCEEDED, e.code());
        StringBuilder join = new StringBuilder("SELECT a.* FROM member a");
        for (int i = 0; i < 16; i++) {
            join.append(" JOIN member b").append(i);
        }
        assertEquals(
                ErrorCode.LIMIT_EXCEEDED,
                assertThrows(EngineException.class, () -> engine.prepare(join.toString(), view, OWNER)).code());
    }

    /** A type of 2^60 parts: sharing makes it small in memory, but printing or comparing it part by part would not end. */
    @Test
    void messagesAboutHugeTypesAreShort() {
        AlgebraicType type = PrimitiveType.U8;
        for (int i = 0; i < 60; i++) {
            type = ProductType.of(ProductElement.of("a", type), ProductElement.of("b", type));
        }
        String text = TypeText.of(type);
        assertTrue(text.length() < 1_100 && text.endsWith("..."), text);
        assertEquals(ValueKind.OTHER, ValueKind.of(type));
    }
}
