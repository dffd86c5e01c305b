package dev.geodesic.engine.query;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.SatsJson;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.testkit.Proves;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Users in teams, and documents of teams. */
@Proves("sql.md 9")
final class RowLevelSecurityTest {

    private static final int USER = 4096;
    private static final int MEMBER = 4097;
    private static final int DOCUMENT = 4098;
    private static final Caller OWNER = new Caller(new Identity(9, 9, 9, 9), true);
    private static final Caller ANN = new Caller(new Identity(1, 0, 0, 0), false);
    private static final Caller BOB = new Caller(new Identity(2, 0, 0, 0), false);

    private final SqlEngine engine = new SqlEngine(Limits.DEFAULTS);
    private final TestDatabase database = new TestDatabase(List.of(
            Tables.table(USER, "user")
                    .column("identity", SpecialTypes.IDENTITY)
                    .column("name", PrimitiveType.STRING)
                    .unique("identity")
                    .build(),
            Tables.table(MEMBER, "member")
                    .column("identity", SpecialTypes.IDENTITY)
                    .column("team", PrimitiveType.U32)
                    .btree("identity")
                    .btree("team")
                    .build(),
            Tables.table(DOCUMENT, "document")
                    .column("id", PrimitiveType.U32)
                    .column("team", PrimitiveType.U32)
                    .column("open", PrimitiveType.BOOL)
                    .unique("id")
                    .btree("team")
                    .build(),
            Tables.table(4099, "secret").column("team", PrimitiveType.U32).hidden().btree("team").build()));

    /** Ann is in teams 1 and 2, Bob in 2; documents 10 and 11 (open) are of team 1, 20 of 2, 30 (open) of 3. */
    @BeforeEach
    void fill() {
        run("INSERT INTO user (identity, name) VALUES (0x" + ANN.identity().toHex() + ", 'ann'), (0x" + BOB.identity().toHex()
                + ", 'bob')");
        run("INSERT INTO member (identity, team) VALUES (0x" + ANN.identity().toHex() + ", 1), (0x" + ANN.identity().toHex()
                + ", 2), (0x" + BOB.identity().toHex() + ", 2)");
        run("INSERT INTO document (id, team, open) VALUES (10, 1, false), (11, 1, true), (20, 2, false), (30, 3, true)");
    }

    @AfterEach
    void close() {
        database.close();
    }

    private void run(String sql) {
        database.execute(sql, OWNER);
    }

    private void rule(int tableId, String sql) {
        assertEquals(tableId, RowLevelSecurity.check(sql, database.view(), Limits.DEFAULTS));
        BsatnWriter row = new BsatnWriter();
        row.writeU32(tableId);
        row.writeString(sql);
        database.insert(10, row.toByteArray());
    }

    private List<String> rows(String sql, Caller caller) {
        return json(database.execute(sql, caller));
    }

    private static List<String> json(SqlResult result) {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < result.rows().count(); i++) {
            rows.add(SatsJson.toString(result.schema(), result.rows().row(i), SatsJson.Flavor.UNTYPED));
        }
        return rows.stream().sorted().toList();
    }

    private String error(String sql, Caller caller) {
        return assertThrows(EngineException.class, () -> engine.prepare(sql, database.view(), caller)).getMessage();
    }

    private int subscribed(String sql, Caller caller) {
        return engine.compileSubscription(sql, database.view(), caller).stream().mapToInt(query -> {
            RowBuffer found = new RowBuffer();
            query.rows(database.view(), new QueryBudget(Limits.DEFAULTS), found);
            return found.count();
        }).sum();
    }

    @Test
    void aRuleMayJoin() {
        rule(DOCUMENT, "SELECT d.* FROM document d JOIN member m ON d.team = m.team WHERE m.identity = :sender");
        assertEquals(List.of("[10]", "[11]", "[20]"), rows("SELECT id FROM document", ANN));
        assertEquals(List.of("[20]"), rows("SELECT id FROM document", BOB));
        assertEquals(4, rows("SELECT id FROM document", OWNER).size());
        assertEquals(List.of("[2]"), rows("SELECT COUNT(*) AS n FROM document d WHERE d.team = 1", ANN));
        assertEquals(List.of("[20,\"ann\"]"), rows("SELECT d.id, u.name FROM document d JOIN user u WHERE u.name = 'ann'", BOB));
        assertEquals(3, engine.compileOneOff("SELECT * FROM document", database.view(), ANN).execute(database.view()).rows()
                .count());
    }

    @Test
    void severalRulesAddUp() {
        rule(DOCUMENT, "SELECT d.* FROM member m JOIN document d ON d.team = m.team WHERE m.identity = :sender");
        rule(DOCUMENT, "SELECT * FROM document WHERE open");
        assertEquals(List.of("[10]", "[11]", "[11]", "[20]", "[30]"), rows("SELECT id FROM document", ANN));
        assertEquals(List.of("[5]"), rows("SELECT COUNT(*) AS n FROM document", ANN));
        assertEquals(2, rows("SELECT id FROM document LIMIT 2", ANN).size());
        // Each combination of rules for both sides: 5 of Ann's documents with themselves, and 11 twice with itself twice.
        assertEquals(List.of("[7]"), rows("SELECT COUNT(*) AS n FROM document a JOIN document b ON a.id = b.id", ANN));
        assertEquals(2, engine.compileSubscription("SELECT * FROM document", database.view(), ANN).size());
        assertEquals(5, subscribed("SELECT * FROM document", ANN));
        assertEquals(4, subscribed("SELECT * FROM document", OWNER));
    }

    /** The table that a rule protects is not protected inside it; others are. */
    @Test
    void rulesHoldInsideOtherRules() {
        rule(MEMBER, "SELECT m.* FROM member m JOIN member mine ON m.team = mine.team WHERE mine.identity = :sender");
        rule(DOCUMENT, "SELECT d.* FROM document d JOIN member m ON d.team = m.team");
        assertEquals(3, rows("SELECT * FROM member", ANN).size());
        assertEquals(2, rows("SELECT * FROM member", BOB).size());
        // Bob sees both members of team 2, so its document twice, and none of team 1.
        assertEquals(List.of("[20]", "[20]"), rows("SELECT id FROM document", BOB));
        assertEquals(List.of("[10]", "[11]", "[20]", "[20]"), rows("SELECT id FROM document", ANN));
        assertEquals(2, subscribed("SELECT * FROM member", BOB));
    }

    @Test
    void rulesThatNeedEachOtherAreRefused() {
        rule(MEMBER, "SELECT m.* FROM member m JOIN document d ON m.team = d.team");
        rule(DOCUMENT, "SELECT d.* FROM document d JOIN member m ON m.team = d.team");
        assertEquals(
                "Discovered cyclic dependency when resolving RLS rules for table id " + DOCUMENT,
                error("SELECT * FROM document", ANN));
        assertEquals(
                "Discovered cyclic dependency when resolving RLS rules for table id " + MEMBER,
                error("SELECT u.* FROM user u JOIN member m ON u.identity = m.identity", ANN));
        assertEquals(4, rows("SELECT * FROM document", OWNER).size());
    }

    @Test
    void aRuleIsReadWithTheRightsOfTheCaller() {
        rule(DOCUMENT, "SELECT d.* FROM document d JOIN secret s ON d.team = s.team");
        assertTrue(error("SELECT * FROM document", ANN).startsWith("no such table: `secret`"));
        assertEquals(4, rows("SELECT * FROM document", OWNER).size());
    }

    @Test
    void aSubscriptionHasTwoTablesWithItsRules() {
        rule(DOCUMENT, "SELECT d.* FROM document d JOIN member m ON d.team = m.team WHERE m.identity = :sender");
        assertEquals(3, subscribed("SELECT * FROM document", ANN));
        assertEquals(1, subscribed("SELECT * FROM document", BOB));
        assertNotEquals(key(ANN), key(BOB));
        assertEquals(key(ANN), key(ANN));
        assertTrue(engine.compileSubscription("SELECT * FROM document", database.view(), ANN).getFirst().dependsOnCaller());
        EngineException e = assertThrows(EngineException.class, () -> engine.compileSubscription(
                "SELECT d.* FROM document d JOIN user u ON d.id = u.identity WHERE d.id = 1", database.view(), ANN));
        assertTrue(e.getMessage().startsWith("Unexpected type"), e.getMessage());
        e = assertThrows(EngineException.class, () -> engine.compileSubscription(
                "SELECT d.* FROM document d JOIN document e ON d.team = e.team", database.view(), ANN));
        assertTrue(e.getMessage().startsWith("Invalid number of tables in subscription: 4"), e.getMessage());
        assertEquals(6, subscribed("SELECT d.* FROM document d JOIN document e ON d.team = e.team", OWNER));
        rule(MEMBER, "SELECT m.* FROM member m JOIN document d ON m.team = d.id WHERE d.open");
        e = assertThrows(EngineException.class, () ->
                engine.compileSubscription("SELECT * FROM member", database.view(), ANN));
        assertTrue(e.getMessage().startsWith("Discovered cyclic dependency"), e.getMessage());
    }

    private String key(Caller caller) {
        return engine.compileSubscription("SELECT * FROM document", database.view(), caller).getFirst().key();
    }

    @Test
    void combinationsOfRulesAreLimited() {
        for (int i = 0; i < 8; i++) {
            rule(DOCUMENT, "SELECT * FROM document WHERE id <> " + i);
        }
        String sql = "SELECT a.* FROM document a JOIN document b JOIN document c JOIN document d";
        EngineException e = assertThrows(EngineException.class, () -> engine.prepare(sql, database.view(), ANN));
        assertEquals(ErrorCode.LIMIT_EXCEEDED, e.code());
        StringBuilder wide = new StringBuilder("SELECT d.* FROM user u");
        for (int i = 0; i < 15; i++) {
            wide.append(" JOIN ").append(i == 0 ? "document d" : "user u" + i);
        }
        assertEquals(8, ((SelectPlan) engine.prepare(wide.toString(), database.view(), ANN)).parts().size());
        rule(DOCUMENT, "SELECT d.* FROM document d JOIN member m ON d.team = m.team");
        e = assertThrows(EngineException.class, () -> engine.prepare(wide.toString(), database.view(), ANN));
        assertTrue(e.getMessage().contains("query-tables-max"), e.getMessage());
    }

    @Test
    @Proves("module-def.md 6.5")
    void rulesAreCheckedWhenTheyCome() {
        refused("SELECT * FROM secret", "Cannot define RLS rule on private table: secret. Please make table public if you wish to"
                + " restrict access using RLS.");
        refused("SELECT * FROM nope", "no such table: `nope`. If the table exists, it may be marked private.");
        refused("SELECT id FROM document", "Column projections are not supported in subscriptions; "
                + "Subscriptions must return a table type");
        refused("SELECT * FROM document WHERE id = 'x'", "The literal expression `x` cannot be parsed as type `U32`");
        refused("SELECT * FROM document LIMIT 1", "Unsupported: SELECT * FROM document LIMIT 1");
        refused("DELETE FROM document", "Unsupported: Non-SELECT queries");
        refused("SELECT * FROM st_table", "Cannot define RLS rule on system table: st_table");
        refused("nonsense", "sql parser error: ");
        EngineException e = assertThrows(EngineException.class, () ->
                RowLevelSecurity.checkNew("SELECT * FROM nope", database.view(), Limits.DEFAULTS));
        String prefix = "failed to create row-level security: `SELECT * FROM nope`: no such";
        assertTrue(e.getMessage().startsWith(prefix), e.getMessage());
        // Private tables may be read.
        assertEquals(DOCUMENT, RowLevelSecurity.check(
                "SELECT d.* FROM document d JOIN secret s ON d.team = s.team", database.view(), Limits.DEFAULTS));
    }

    private void refused(String sql, String message) {
        EngineException e =
                assertThrows(EngineException.class, () -> RowLevelSecurity.check(sql, database.view(), Limits.DEFAULTS), sql);
        assertTrue(e.getMessage().startsWith(message), e.getMessage());
    }
}
