package dev.geodesic.engine.query;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** EXPLAIN of statements under every rule of spec/sql.md 12, beside {@code golden/sql/plans.txt}. */
final class PlanTest {

    private static final Caller OWNER = new Caller(new Identity(1, 2, 3, 4), true);

    private static TestDatabase database() {
        TestDatabase database = new TestDatabase(List.of(
                Tables.table(4096, "item")
                        .column("id", PrimitiveType.U64)
                        .column("grp", PrimitiveType.U32)
                        .column("kind", PrimitiveType.U8)
                        .column("name", PrimitiveType.STRING)
                        .column("owner", SpecialTypes.IDENTITY)
                        .unique("id")
                        .btree("grp")
                        .btree("grp", "kind", "name")
                        .hash("kind", "grp")
                        .hash("owner")
                        .build(),
                Tables.table(4097, "box").column("id", PrimitiveType.U64).column("item", PrimitiveType.U64).build(),
                Tables.table(4098, "tag")
                        .column("item", PrimitiveType.U64)
                        .column("kind", PrimitiveType.U8)
                        .column("text", PrimitiveType.STRING)
                        .btree("item")
                        .btree("kind", "text")
                        .build()));
        for (int i = 0; i < 4; i++) {
            database.execute("INSERT INTO item (id, grp, kind, name, owner) VALUES (" + i + ", " + i % 2 + ", 1, 'x', 0x"
                    + "00".repeat(32) + ")", OWNER);
            database.execute("INSERT INTO box (id, item) VALUES (" + i + ", 1)", OWNER);
            database.execute("INSERT INTO tag (item, kind, text) VALUES (" + i / 2 + ", 1, 't" + i + "')", OWNER);
        }
        return database;
    }

    private static List<String> plan(TestDatabase database, String sql) {
        SqlResult result = database.execute("EXPLAIN " + sql, OWNER);
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < result.rows().count(); i++) {
            byte[] row = result.rows().row(i);
            lines.add(new String(row, 4, row.length - 4, StandardCharsets.UTF_8));
        }
        return lines;
    }

    /** A statement, its plan indented by four blanks, an empty line; lines with # are comments. */
    @Test
    @Proves("sql.md 12")
    void plansAreAsRecorded() throws IOException {
        String expected;
        try (InputStream in = PlanTest.class.getResourceAsStream("/golden/sql/plans.txt")) {
            expected = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        StringBuilder actual = new StringBuilder();
        try (TestDatabase database = database()) {
            for (String line : expected.lines().toList()) {
                if (!line.startsWith("    ")) {
                    actual.append(line).append('\n');
                }
                if (!line.isBlank() && !line.startsWith("#") && !line.startsWith("    ")) {
                    plan(database, line).forEach(step -> actual.append("    ").append(step).append('\n'));
                }
            }
        }
        assertEquals(expected, actual.toString());
    }

    @Test
    void isForTheOwner() {
        try (TestDatabase database = database()) {
            Caller other = new Caller(new Identity(9, 9, 9, 9), false);
            EngineException e = assertThrows(EngineException.class, () -> new SqlEngine(Limits.DEFAULTS)
                    .prepare("EXPLAIN SELECT * FROM item", database.view(), other));
            assertEquals("Caller " + other.identity().toHex() + " is not authorized to run EXPLAIN", e.getMessage());
        }
    }
}
