package dev.geodesic.engine.query;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Text that means no good, through lexer, parser, binder, planner and the run: the answer is a result or an error of code SQL
 * or LIMIT_EXCEEDED with a message of moderate length, soon.
 */
final class HostileSqlTest {

    private static final Caller OWNER = new Caller(new Identity(1, 2, 3, 4), true);
    private static final Caller OTHER = new Caller(new Identity(5, 6, 7, 8), false);
    private static final List<String> TABLES = List.of("item", "tag", "mine", "st_table", "st_var", "secret", "nope");
    private static final List<String> COLUMNS =
            List.of("id", "name", "grp", "at", "owner", "data", "flag", "x", "list", "nope", "n");
    private static final List<String> LITERALS = List.of(
            "0", "1", "-1", "1.5", "1e400", "1e-400", "255", "256", "18446744073709551616", "'a'", "''", "'5'", "0xff", "X'0'",
            "0x", "true", "FALSE", ":sender", ":x", "$1", "$99999", "NULL", "'2025-02-10T15:45:30Z'", "'PT1S'", "\"q\"", "E'x'",
            "$$a$$");

    private final SqlEngine engine = new SqlEngine(Limits.DEFAULTS);
    private final TestDatabase database = new TestDatabase(List.of(
            Tables.table(4096, "item")
                    .column("id", PrimitiveType.U64).column("name", PrimitiveType.STRING).column("grp", PrimitiveType.I16)
                    .column("at", SpecialTypes.TIMESTAMP).column("flag", PrimitiveType.BOOL)
                    .unique("id").btree("grp", "name").hash("name").build(),
            Tables.table(4097, "tag")
                    .column("id", PrimitiveType.U64).column("owner", SpecialTypes.IDENTITY).column("data", ArrayType.BYTES)
                    .column("x", PrimitiveType.F64).column("list", new ArrayType(PrimitiveType.STRING))
                    .btree("x").btree("owner").build(),
            Tables.table(4098, "secret").column("id", PrimitiveType.U64).hidden().build(),
            Tables.view(4099, "mine", TableRole.VIEW).column("n", PrimitiveType.I128).build()));

    @BeforeEach
    void fill() {
        for (int i = 0; i < 20; i++) {
            BsatnWriter item = new BsatnWriter();
            item.writeU64(i);
            item.writeString("n" + i % 3);
            item.writeU16(i % 4 - 2);
            item.writeU64(i * 1_000_000L);
            item.writeBool(i % 2 == 0);
            database.insert(4096, item.toByteArray());
            BsatnWriter tag = new BsatnWriter();
            tag.writeU64(i % 5);
            tag.writeIdentity(new Identity(i % 2, 0, 0, 0));
            tag.writeBytes(new byte[i % 3]);
            tag.writeF64(i % 4 == 0 ? Double.NaN : i);
            tag.writeU32(0);
            database.insert(4097, tag.toByteArray());
        }
    }

    @AfterEach
    void close() {
        database.close();
    }

    private final AtomicInteger answered = new AtomicInteger();

    private void survives(String sql, Caller caller) {
        long start = System.nanoTime();
        for (int way = 0; way < 4; way++) {
            try {
                switch (way) {
                    case 0 -> run(engine.prepare(sql, database.view(), caller));
                    case 1 -> engine.describe(sql, database.view(), caller);
                    case 2 -> run(engine.prepare(sql, database.view(), caller, List.of("1", "x", "t")));
                    default -> {
                        engine.compileOneOff(sql, database.view(), caller);
                        engine.compileSubscription(sql, database.view(), caller);
                    }
                }
                answered.incrementAndGet();
            } catch (EngineException e) {
                assertTrue(
                        e.code() == ErrorCode.SQL || e.code() == ErrorCode.LIMIT_EXCEEDED
                                || e.code() == ErrorCode.UNIQUE_ALREADY_EXISTS,
                        () -> e.code() + " " + e.getMessage() + ": " + sql);
                assertTrue(e.getMessage().length() < 5_000, "long message: " + e.getMessage().length());
            } catch (RuntimeException | StackOverflowError | AssertionError e) {
                throw new AssertionError(sql.substring(0, Math.min(2_000, sql.length())), e);
            }
        }
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        assertTrue(millis < 20_000, millis + " ms: " + sql.substring(0, Math.min(200, sql.length())));
    }

    /** Changes are rolled back. */
    private void run(SqlStatement statement) {
        switch (statement) {
            case SelectPlan select -> select.execute(database.view());
            case DmlPlan dml -> {
                try {
                    database.transact(tx -> {
                        dml.execute(tx);
                        throw new RolledBack();
                    });
                } catch (RolledBack e) {
                    // As intended.
                }
            }
        }
    }

    private static final class RolledBack extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    // ---- random text ----

    @Test
    @Proves("sql.md 13")
    void randomSentences() {
        Seeds.repeat(800, random -> survives(statement(random), random.nextBoolean() ? OWNER : OTHER));
        assertTrue(answered.get() > 100, "sentences that were answered: " + answered);
    }

    @Test
    void mutatedRecordedStatements() {
        String owner = OWNER.identity().toHex();
        List<String> recorded = SqlVectors.load(owner, OTHER.identity().toHex(), owner).stream()
                .skip(1).map(v -> SqlVectors.string(v, "query")).toList();
        List<String> tables = List.of("item", "tag", "mine");
        Seeds.repeat(800, random -> {
            String sql = pick(random, recorded).replaceAll("\\b(member|note|scalars|specials|team)\\b", pick(random, tables));
            StringBuilder text = new StringBuilder(sql);
            for (int i = random.nextInt(4); i > 0; i--) {
                mutate(random, text, recorded);
            }
            survives(text.toString(), OWNER);
        });
    }

    private static void mutate(Random random, StringBuilder text, List<String> others) {
        int at = random.nextInt(text.length() + 1);
        int end = Math.min(text.length(), at + 1 + random.nextInt(8));
        switch (random.nextInt(5)) {
            case 0 -> text.delete(at, end);
            case 1 -> text.insert(at, text.substring(at, end));
            case 2 -> text.insert(at, (char) (random.nextBoolean() ? 32 + random.nextInt(96) : random.nextInt(0xffff)));
            case 3 -> text.insert(at, " " + pick(random, LITERALS) + " ");
            default -> {
                String other = pick(random, others);
                text.insert(at, other, random.nextInt(other.length() + 1), other.length());
            }
        }
    }

    private static String statement(Random r) {
        return switch (r.nextInt(9)) {
            case 0 -> "INSERT INTO " + pick(r, TABLES) + " (" + list(r, COLUMNS) + ") VALUES (" + list(r, LITERALS) + ")"
                    + (r.nextBoolean() ? ", (" + list(r, LITERALS) + ")" : "");
            case 1 -> "UPDATE " + pick(r, TABLES) + " SET " + pick(r, COLUMNS) + " = " + pick(r, LITERALS)
                    + (r.nextBoolean() ? " WHERE " + condition(r, 3) : "");
            case 2 -> "DELETE FROM " + pick(r, TABLES) + (r.nextBoolean() ? " WHERE " + condition(r, 3) : "");
            case 3 -> (r.nextBoolean() ? "SET row_limit = " : "SHOW row_limit ") + (r.nextBoolean() ? pick(r, LITERALS) : "");
            case 4 -> "EXPLAIN " + select(r);
            default -> select(r);
        };
    }

    private static String select(Random r) {
        int tables = r.nextInt(3) == 0 ? 2 + r.nextInt(3) : 1;
        StringBuilder sql = new StringBuilder("SELECT ").append(r.nextInt(6) == 0 ? "DISTINCT " : "");
        sql.append(switch (r.nextInt(5)) {
            case 0 -> "*";
            case 1 -> "a0.*";
            case 2 -> "COUNT(*) AS n";
            case 3 -> column(r) + " AS n, " + aggregate(r) + " AS m";
            default -> column(r) + ", " + column(r) + " AS n";
        });
        for (int i = 0; i < tables; i++) {
            sql.append(i == 0 ? " FROM " : r.nextBoolean() ? " JOIN " : " CROSS JOIN ")
                    .append(pick(r, TABLES)).append(" a").append(i);
            if (i > 0 && r.nextInt(3) > 0) {
                sql.append(" ON a").append(r.nextInt(i + 1)).append('.').append(pick(r, COLUMNS))
                        .append(" = a").append(i).append('.').append(pick(r, COLUMNS));
            }
        }
        sql.append(r.nextBoolean() ? " WHERE " + condition(r, 3) : "");
        sql.append(r.nextInt(3) == 0 ? " GROUP BY " + pick(r, List.of("1", "n", "2", column(r))) : "");
        sql.append(r.nextInt(5) == 0 ? " HAVING " + aggregate(r) + " > " + pick(r, LITERALS) : "");
        sql.append(r.nextInt(3) == 0 ? " ORDER BY " + pick(r, List.of("1", "n", "7", column(r), aggregate(r))) + " DESC" : "");
        sql.append(r.nextInt(3) == 0 ? " LIMIT " + pick(r, LITERALS) : "");
        sql.append(r.nextInt(4) == 0 ? " OFFSET " + pick(r, LITERALS) : "");
        return sql.append(r.nextInt(5) == 0 ? ";" : "").toString();
    }

    private static String column(Random r) {
        return (r.nextBoolean() ? "a" + r.nextInt(2) + "." : "") + pick(r, COLUMNS);
    }

    private static String aggregate(Random r) {
        return pick(r, List.of("COUNT", "SUM", "MIN", "MAX", "AVG", "STDDEV")) + "(" + (r.nextInt(5) == 0 ? "DISTINCT " : "")
                + (r.nextInt(5) == 0 ? "*" : column(r)) + ")";
    }

    private static String condition(Random r, int depth) {
        String left = r.nextInt(8) == 0 ? pick(r, LITERALS) : column(r);
        String right = r.nextInt(3) == 0 ? column(r) : pick(r, LITERALS);
        return switch (r.nextInt(depth > 0 ? 8 : 4)) {
            case 0 -> left + " IN (" + right + ", " + pick(r, LITERALS) + ")";
            case 1 -> left + " BETWEEN " + pick(r, LITERALS) + " AND " + right;
            case 2, 3 -> left + " " + pick(r, List.of("=", "<>", "<", ">=", "!=", "||")) + " " + right;
            case 4 -> "NOT " + condition(r, depth - 1);
            case 5 -> "(" + condition(r, depth - 1) + ")";
            case 6 -> condition(r, depth - 1) + " AND " + condition(r, depth - 1);
            default -> condition(r, depth - 1) + " OR " + condition(r, depth - 1);
        };
    }

    private static String list(Random r, List<String> items) {
        List<String> some = new ArrayList<>();
        for (int i = 1 + r.nextInt(5); i > 0; i--) {
            some.add(pick(r, items));
        }
        return String.join(", ", some);
    }

    private static <T> T pick(Random random, List<T> items) {
        return items.get(random.nextInt(items.size()));
    }

    // ---- as large as a text may be ----

    @Test
    @Proves("sql.md 5")
    void largeStatements() {
        for (String sql : List.of(
                filled("SELECT item.* FROM item", " JOIN tag"),
                filled("SELECT a.* FROM item a", " CROSS JOIN tag AS \"x y\""),
                filled("SELECT * FROM item WHERE id = 1", " AND id = 1"),
                filled("SELECT * FROM item WHERE id = 1", " OR grp=1"),
                filled("SELECT * FROM item WHERE ", "NOT ") + "flag",
                filled("SELECT * FROM item WHERE id IN (1", ",1") + ")",
                filled("SELECT * FROM item WHERE name IN ('a'", ",'b'") + ")",
                filled("SELECT * FROM item WHERE id = ", "9"),
                filled("SELECT * FROM item WHERE id = 0x", "f"),
                filled("SELECT * FROM item WHERE id = 1e", "9"),
                filled("SELECT * FROM item WHERE id = .", "0") + "1e50000",
                filled("SELECT * FROM item WHERE name = '", "''") + "'",
                filled("SELECT * FROM item WHERE ", "n") + " = 1",
                filled("SELECT * FROM item WHERE ", "n.") + "x = 1",
                filled("SELECT id", ",id") + " FROM item",
                filled("SELECT id AS a0, COUNT(*) AS n", ", MAX(id) AS x") + " FROM item GROUP BY 1",
                filled("SELECT id, COUNT(*) AS n FROM item GROUP BY id", ",id"),
                filled("SELECT id FROM item ORDER BY id", ",name DESC"),
                filled("SELECT MAX(id) AS m FROM item HAVING COUNT(*) = 1", " OR SUM(id)=1"),
                filled("INSERT INTO item (id", ",id") + ") VALUES (1)",
                filled("INSERT INTO secret (id) VALUES (1)", ",(2)"),
                filled("UPDATE item SET id = 1", ",id = 1"),
                filled("SELECT * FROM item WHERE id = $1", " AND id = $99999"),
                filled("", ";"), filled("EXPLAIN SELECT * FROM item", " JOIN item"))) {
            survives(sql, OWNER);
        }
    }

    private static String filled(String start, String part) {
        return start + part.repeat((49_000 - start.length()) / part.length());
    }

    @Test
    void thousandsOfJoinsAndConditionsAreRefusedByTheirLimits() {
        StringBuilder joins = new StringBuilder("SELECT a0.* FROM item a0");
        for (int i = 1; i < 2_000; i++) {
            joins.append(" JOIN item a").append(i);
        }
        assertEquals(
                "the query joins more tables than the limit query-tables-max of 16",
                assertThrows(EngineException.class, () -> engine.prepare(joins.toString(), database.view(), OWNER)).getMessage());
        engine.prepare("SELECT * FROM item WHERE id = 1" + " OR id = 1".repeat(1_600), database.view(), OWNER);
        assertEquals(
                "Recursion limit exceeded, `sql-parser::parse_expr`",
                assertThrows(EngineException.class, () -> engine.prepare(
                        "SELECT * FROM item WHERE id = 1" + " OR id = 1".repeat(1_601), database.view(), OWNER)).getMessage());
    }
}
