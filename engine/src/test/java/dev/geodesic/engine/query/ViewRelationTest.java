package dev.geodesic.engine.query;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.Hashes;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SatsJson;
import dev.geodesic.testkit.Proves;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Backing tables of views look like tables without their first column, to each caller with other rows. */
@Proves("sql.md 10")
@Proves("execution.md 6.1")
final class ViewRelationTest {

    private static final int MINE = 4096;
    private static final int TOP = 4097;
    private static final int ITEM = 4098;
    private static final Caller OWNER = new Caller(new Identity(9, 9, 9, 9), true);
    private static final Caller ANN = new Caller(new Identity(1, 0, 0, 0), false);
    private static final Caller BOB = new Caller(new Identity(2, 0, 0, 0), false);

    private final SqlEngine engine = new SqlEngine(Limits.DEFAULTS);
    private final TestDatabase database = new TestDatabase(List.of(
            Tables.view(MINE, "mine", TableRole.VIEW)
                    .column("id", PrimitiveType.U32)
                    .column("text", PrimitiveType.STRING)
                    .btree("arg_hash", "id")
                    .build(),
            Tables.view(TOP, "top", TableRole.ANONYMOUS_VIEW).column("id", PrimitiveType.U32).hidden().build(),
            Tables.table(ITEM, "item").column("id", PrimitiveType.U32).unique("id").build()));

    @BeforeEach
    void fill() {
        mine(ANN, 1, "a");
        mine(ANN, 2, "b");
        mine(BOB, 2, "c");
        BsatnWriter row = new BsatnWriter();
        row.writeRaw(Hashes.viewArguments(Optional.empty()));
        row.writeU32(2);
        database.insert(TOP, row.toByteArray());
        database.execute("INSERT INTO item (id) VALUES (1), (2), (3)", OWNER);
    }

    @AfterEach
    void close() {
        database.close();
    }

    private void mine(Caller caller, int id, String text) {
        BsatnWriter row = new BsatnWriter();
        row.writeRaw(Hashes.viewArguments(Optional.of(caller.identity())));
        row.writeU32(id);
        row.writeString(text);
        database.insert(MINE, row.toByteArray());
    }

    private List<String> rows(String sql, Caller caller) {
        SqlResult result = database.execute(sql, caller);
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < result.rows().count(); i++) {
            rows.add(SatsJson.toString(result.schema(), result.rows().row(i), SatsJson.Flavor.UNTYPED));
        }
        return rows.stream().sorted().toList();
    }

    private String error(String sql, Caller caller) {
        return assertThrows(EngineException.class, () -> engine.prepare(sql, database.view(), caller)).getMessage();
    }

    @Test
    void showsTheRowsOfTheCaller() {
        assertEquals(List.of("[1,\"a\"]", "[2,\"b\"]"), rows("SELECT * FROM mine", ANN));
        assertEquals(List.of("[2,\"c\"]"), rows("SELECT * FROM mine", BOB));
        assertEquals(List.of(), rows("SELECT * FROM mine", OWNER));
        assertEquals(List.of("[\"b\"]"), rows("SELECT m.text FROM mine m WHERE id = 2", ANN));
        assertEquals(List.of("[2]"), rows("SELECT COUNT(*) AS n FROM mine", ANN));
        assertEquals(
                ProductType.of(ProductElement.of("id", PrimitiveType.U32), ProductElement.of("text", PrimitiveType.STRING)),
                database.execute("SELECT * FROM mine", ANN).schema());
        assertEquals(List.of("[2]"), rows("SELECT * FROM top", OWNER));
    }

    @Test
    void hidesWhoseRowsTheyAre() {
        assertEquals("`arg_hash` is not in scope", error("SELECT arg_hash FROM mine", OWNER));
        assertEquals("`arg_hash` is not in scope", error("SELECT * FROM mine WHERE arg_hash = 1", ANN));
        assertEquals("`arg_hash` is not in scope",
                error("SELECT i.* FROM item i JOIN mine m ON i.id = m.id WHERE m.arg_hash = 1", ANN));
        assertTrue(error("SELECT * FROM top", ANN).startsWith("no such table: `top`"));
    }

    @Test
    void isNotWritten() {
        String refused = "`mine` is a view; DML on views is not supported";
        assertEquals(refused, error("DELETE FROM mine", OWNER));
        assertEquals(refused, error("UPDATE mine SET id = 1", OWNER));
        assertEquals(refused, error("INSERT INTO mine (id, text) VALUES (1, 'x')", OWNER));
    }

    @Test
    void joinsWithTables() {
        assertEquals(List.of("[1]", "[2]"), rows("SELECT i.* FROM item i JOIN mine m ON i.id = m.id", ANN));
        assertEquals(List.of("[2,\"c\"]"), rows("SELECT m.* FROM mine m JOIN item i ON i.id = m.id", BOB));
        assertEquals(List.of("[\"b\",3]"), rows("SELECT m.text, i.id FROM mine m JOIN item i WHERE i.id = 3 AND m.id = 2", ANN));
        assertEquals(List.of("[2]"), rows("SELECT t.* FROM top t JOIN mine m ON m.id = t.id", new Caller(BOB.identity(), true)));
    }

    @Test
    void isSubscribedToByEachCaller() {
        String join = "SELECT m.* FROM mine m JOIN item i ON m.id = i.id";
        for (String sql : List.of("SELECT * FROM mine", join)) {
            SubscriptionQuery ann = query(sql, ANN);
            assertTrue(ann.dependsOnCaller());
            assertNotEquals(ann.key(), query(sql, BOB).key());
            assertEquals(2, count(ann));
            assertEquals(1, count(query(sql, BOB)));
        }
        // The index over hash and key serves the join, one shape for each caller.
        assertNotEquals(query(join, ANN).semijoin().get().shape(), query(join, BOB).semijoin().get().shape());
        SubscriptionQuery top = query("SELECT * FROM top", OWNER);
        assertEquals(top.key(), query("SELECT * FROM top", new Caller(BOB.identity(), true)).key());
        assertEquals(4, count(top));
        assertEquals(List.of("mine", "item"), engine.compileSubscription("SELECT * FROM *", database.view(), ANN).stream()
                .map(SubscriptionQuery::tableName).toList());
    }

    private SubscriptionQuery query(String sql, Caller caller) {
        List<SubscriptionQuery> queries = engine.compileSubscription(sql, database.view(), caller);
        assertEquals(1, queries.size());
        return queries.getFirst();
    }

    private int count(SubscriptionQuery query) {
        RowBuffer rows = new RowBuffer();
        query.rows(database.view(), new QueryBudget(Limits.DEFAULTS), rows);
        return query.tableId() == TOP ? rows.byteCount() : rows.count();
    }
}
