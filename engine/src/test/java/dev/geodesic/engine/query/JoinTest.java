package dev.geodesic.engine.query;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.query.parse.Operator;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Joins of random tables: plans must give what plain evaluation of the cross product gives. */
@Proves("sql.md 6")
final class JoinTest {

    private static final Caller OWNER = new Caller(new Identity(1, 2, 3, 4), true);
    private static final double[] FLOATS = {0.0, -0.0, 1.5, Double.NaN};
    private static final String[] TEXTS = {"", "a", "b"};
    /** Columns of every table. */
    private static final List<AlgebraicType> TYPES =
            List.of(PrimitiveType.U32, PrimitiveType.U8, PrimitiveType.STRING, PrimitiveType.F64, PrimitiveType.U32);

    /** A condition over one decoded row of each table. */
    private record Condition(String sql, Predicate<List<List<Object>>> holds) {
    }

    private int probes;
    private int hashes;

    @Test
    void plansAgreeWithPlainEvaluation() {
        Seeds.repeat(60, random -> {
            List<TableSchema> tables = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                tables.add(randomTable(random, i));
            }
            try (TestDatabase database = new TestDatabase(tables)) {
                for (TableSchema table : tables) {
                    fill(random, database, table);
                }
                for (int i = 0; i < 8; i++) {
                    compare(random, database, tables);
                }
            }
        });
        assertTrue(probes > 20 && hashes > 20, probes + " index joins, " + hashes + " hash joins");
    }

    private static TableSchema randomTable(Random random, int number) {
        Tables table = Tables.table(4096 + number, "t" + number);
        for (int c = 0; c < TYPES.size(); c++) {
            table.column("c" + c, TYPES.get(c));
        }
        if (random.nextBoolean()) {
            table.unique("c0");
        }
        for (int i = random.nextInt(4); i > 0; i--) {
            String[] names = random.ints(0, TYPES.size()).distinct().limit(1 + random.nextInt(3))
                    .mapToObj(c -> "c" + c).toArray(String[]::new);
            if (random.nextBoolean()) {
                table.btree(names);
            } else {
                table.hash(names);
            }
        }
        return table.build();
    }

    private static void fill(Random random, TestDatabase database, TableSchema table) {
        for (int i = random.nextInt(12); i > 0; i--) {
            BsatnWriter row = new BsatnWriter();
            row.writeU32(i);
            row.writeU8(random.nextInt(3));
            row.writeString(TEXTS[random.nextInt(TEXTS.length)]);
            row.writeF64(FLOATS[random.nextInt(FLOATS.length)]);
            row.writeU32(random.nextInt(6));
            database.insert(table.tableId(), row.toByteArray());
        }
    }

    private void compare(Random random, TestDatabase database, List<TableSchema> tables) {
        int count = 2 + random.nextInt(3);
        List<TableSchema> from = new ArrayList<>();
        StringBuilder sql = new StringBuilder();
        List<Condition> conditions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            TableSchema table = tables.get(random.nextInt(tables.size()));
            from.add(table);
            sql.append(i == 0 ? " FROM " : random.nextInt(5) == 0 ? " CROSS JOIN " : " JOIN ").append(table.name()).append(" a")
                    .append(i);
            if (i > 0 && !sql.toString().endsWith("CROSS JOIN " + table.name() + " a" + i) && random.nextInt(8) > 0) {
                Condition on = columns(random, random.nextInt(i), i, Operator.EQUAL);
                sql.append(" ON ").append(on.sql());
                conditions.add(on);
            }
        }
        if (random.nextInt(3) > 0) {
            Condition where = condition(random, count, 2);
            sql.append(" WHERE ").append(where.sql());
            conditions.add(where);
        }
        List<List<List<Object>>> expected = new ArrayList<>();
        combine(database, from, 0, new ArrayList<>(), row -> {
            if (conditions.stream().allMatch(c -> c.holds().test(row))) {
                expected.add(List.copyOf(row));
            }
        });

        int one = random.nextInt(count);
        String text = "SELECT a" + one + ".*" + sql;
        SelectPlan plan = (SelectPlan) new SqlEngine(Limits.DEFAULTS).prepare(text, database.view(), OWNER);
        for (JoinPlan.Step step : plan.parts().getFirst().steps()) {
            probes += step.access() instanceof JoinPlan.Access.Index ? 1 : 0;
            hashes += step.access() instanceof JoinPlan.Access.Hash ? 1 : 0;
        }
        assertEquals(multiset(expected.stream().map(r -> (Object) r.get(one)).toList()), multiset(decoded(plan, database)), text);

        int other = random.nextInt(count);
        String columns = "SELECT a" + one + ".c2 AS x, a" + other + ".c3 AS y" + sql;
        SelectPlan projected = (SelectPlan) new SqlEngine(Limits.DEFAULTS).prepare(columns, database.view(), OWNER);
        assertEquals(
                multiset(expected.stream().map(r -> (Object) List.of(r.get(one).get(2), r.get(other).get(3))).toList()),
                multiset(decoded(projected, database)),
                columns);

        String counted = "SELECT COUNT(*) AS n" + sql + " LIMIT 1";
        assertEquals(
                List.of(List.of(BigInteger.valueOf(expected.size()))),
                decoded((SelectPlan) new SqlEngine(Limits.DEFAULTS).prepare(counted, database.view(), OWNER), database), counted);

        compareGroups(random, database, sql.toString(), count, expected);

        int limit = random.nextInt(4);
        SelectPlan limited = (SelectPlan) new SqlEngine(Limits.DEFAULTS)
                .prepare(text + " LIMIT " + limit, database.view(), OWNER);
        assertEquals(Math.min(limit, expected.size()), decoded(limited, database).size(), text);
    }

    /** Groups by a text of one table, a sum over another one, in order of both. */
    private static void compareGroups(
            Random random, TestDatabase database, String from, int tables, List<List<List<Object>>> combinations) {
        int one = random.nextInt(tables);
        int other = random.nextInt(tables);
        boolean descending = random.nextBoolean();
        int offset = random.nextInt(2);
        String sql = "SELECT a" + one + ".c2 AS k, SUM(a" + other + ".c4) AS s, MAX(a" + other + ".c0) AS m" + from
                + " GROUP BY a" + one + ".c2 HAVING COUNT(*) > 1 ORDER BY s" + (descending ? " DESC" : "") + ", k LIMIT 2 OFFSET "
                + offset;
        Map<String, List<List<List<Object>>>> groups = combinations.stream()
                .collect(Collectors.groupingBy(c -> (String) c.get(one).get(2)));
        Comparator<List<Object>> bySum = Comparator.comparing(row -> (BigInteger) row.get(1));
        List<List<Object>> expected = groups.entrySet().stream()
                .filter(g -> g.getValue().size() > 1)
                .map(g -> List.<Object>of(
                        g.getKey(),
                        g.getValue().stream().map(c -> (BigInteger) c.get(other).get(4)).reduce(BigInteger.ZERO, BigInteger::add),
                        g.getValue().stream().map(c -> (BigInteger) c.get(other).get(0)).reduce(BigInteger::max).orElseThrow()))
                .sorted((descending ? bySum.reversed() : bySum).thenComparing(row -> (String) row.getFirst()))
                .skip(offset).limit(2).toList();
        SelectPlan plan = (SelectPlan) new SqlEngine(Limits.DEFAULTS).prepare(sql, database.view(), OWNER);
        assertEquals(expected, decoded(plan, database), sql);
    }

    private static void combine(
            TestDatabase database, List<TableSchema> from, int at, List<List<Object>> row,
            Consumer<List<List<Object>>> out) {
        if (at == from.size()) {
            out.accept(row);
            return;
        }
        for (var rows = database.view().scan(from.get(at).tableId()); rows.next();) {
            byte[] bytes = rows.segment().asSlice(rows.offset(), rows.length()).toArray(ValueLayout.JAVA_BYTE);
            row.add(NaiveValues.decodeRow(from.get(at).rowType(), bytes));
            combine(database, from, at + 1, row, out);
            row.removeLast();
        }
    }

    private static Condition columns(Random random, int left, int right, Operator operator) {
        int a = random.nextInt(TYPES.size());
        int b = TYPES.get(a) == PrimitiveType.U32 && random.nextBoolean() ? 4 - a : a;
        boolean swap = random.nextBoolean();
        String first = "a" + left + ".c" + a;
        String second = "a" + right + ".c" + b;
        String sql = swap
                ? second + " " + operator.swapped().symbol() + " " + first
                : first + " " + operator.symbol() + " " + second;
        return new Condition(
                sql, row -> operator.accepts(NaiveValues.compare(row.get(left).get(a), row.get(right).get(b))));
    }

    private static Condition condition(Random random, int tables, int depth) {
        int kind = random.nextInt(depth > 0 ? 7 : 4);
        if (kind >= 4) {
            Condition left = condition(random, tables, depth - 1);
            Condition right = condition(random, tables, depth - 1);
            boolean and = kind > 4;
            return new Condition(
                    "(" + left.sql() + (and ? " AND " : " OR ") + right.sql() + ")",
                    row -> and ? left.holds().test(row) && right.holds().test(row)
                            : left.holds().test(row) || right.holds().test(row));
        }
        int table = random.nextInt(tables);
        Operator operator = random.nextBoolean() ? Operator.EQUAL : Operator.values()[random.nextInt(6)];
        if (kind == 3) {
            return columns(random, table, random.nextInt(tables), operator);
        } else if (kind == 2) {
            String text = TEXTS[random.nextInt(TEXTS.length)];
            return new Condition(
                    "a" + table + ".c2 " + operator.symbol() + " '" + text + "'",
                    row -> operator.accepts(NaiveValues.compare(row.get(table).get(2), text)));
        }
        int column = random.nextInt(2);
        BigInteger value = BigInteger.valueOf(random.nextInt(6));
        return new Condition(
                "a" + table + ".c" + column + " " + operator.symbol() + " " + value,
                row -> operator.accepts(NaiveValues.compare(row.get(table).get(column), value)));
    }

    private static List<Object> decoded(SelectPlan plan, TestDatabase database) {
        SqlResult result = plan.execute(database.view());
        List<Object> rows = new ArrayList<>();
        for (int i = 0; i < result.rows().count(); i++) {
            rows.add(NaiveValues.decodeRow(result.schema(), result.rows().row(i)));
        }
        return rows;
    }

    private static TreeMap<String, Integer> multiset(List<Object> rows) {
        TreeMap<String, Integer> counts = new TreeMap<>();
        rows.forEach(r -> counts.merge(r.toString(), 1, Integer::sum));
        return counts;
    }

    /** Hash tables of two rows: the walk begins anew for every combination of them. */
    @Test
    void largeTablesAreHashedInParts() {
        TableSchema table = Tables.table(4096, "t").column("id", PrimitiveType.U32).column("key", PrimitiveType.U32).build();
        try (TestDatabase database = new TestDatabase(List.of(table))) {
            database.execute("INSERT INTO t (id, key) VALUES (1, 1), (2, 1), (3, 2), (4, 2), (5, 2), (6, 3), (7, 9)", OWNER);
            SelectPlan plan = (SelectPlan) new SqlEngine(Limits.DEFAULTS).prepare(
                    "SELECT a.* FROM t a JOIN t b ON a.key = b.key JOIN t c ON b.key = c.key WHERE c.id < 7 AND a.id > 0",
                    database.view(), OWNER);
            for (int rowsMax = 1; rowsMax < 9; rowsMax++) {
                JoinCursor cursor = new JoinCursor(
                        plan.parts().getFirst(), database.view(), new QueryBudget(Limits.DEFAULTS), 3, rowsMax);
                int count = 0;
                while (cursor.next()) {
                    count++;
                }
                assertEquals(2 * 2 * 2 + 3 * 3 * 3 + 1, count, rowsMax + " rows in a hash table");
            }
        }
    }

    /** 8 rows with 4 keys on the left, 6 rows with 3 keys on the right, and unique ids. */
    @Test
    @Proves("sql.md 11")
    void estimatesWhatAJoinReads() {
        List<TableSchema> tables = new ArrayList<>();
        for (String name : List.of("l", "r", "bare")) {
            Tables shape = Tables.table(4096 + tables.size(), name).column("id", PrimitiveType.U32)
                    .column("key", PrimitiveType.U32);
            tables.add(name.equals("bare") ? shape.build() : shape.unique("id").btree("key").build());
        }
        try (TestDatabase database = new TestDatabase(tables)) {
            for (int i = 0; i < 8; i++) {
                database.execute("INSERT INTO l (id, key) VALUES (" + i + ", " + i % 4 + ")", OWNER);
                database.execute("INSERT INTO bare (id, key) VALUES (" + i + ", " + i % 4 + ")", OWNER);
            }
            for (int i = 0; i < 6; i++) {
                database.execute("INSERT INTO r (id, key) VALUES (" + i + ", " + i % 3 + ")", OWNER);
            }
            // Unique inner: 8 scanned, 8 looked up.
            assertEquals(16, estimate(database, "l JOIN r ON l.key = r.id"));
            // 2 rows of the right table for each key.
            assertEquals(8 + 16, estimate(database, "l JOIN r ON l.id = r.key"));
            // The filter is on the left: 8 scanned, 8 filtered, 8 looked up.
            assertEquals(24, estimate(database, "l JOIN r ON l.key = r.id WHERE l.key > 1"));
            // The filtered right side drives: 6 + 6, and 2 rows of the left one for each.
            assertEquals(12 + 12, estimate(database, "l JOIN r ON l.key = r.key WHERE r.id > 1"));
            // Two rows by index, then one each.
            assertEquals(2 + 2, estimate(database, "l JOIN r ON l.id = r.id WHERE l.key = 3"));
            // Hash join: both sides and the product.
            assertEquals(6 + 8 + 48, estimate(database, "r JOIN bare b ON r.id = b.id"));
            // Nested loop.
            assertEquals(8 + 6 + 48, estimate(database, "l JOIN r"));
            assertEquals(8 + 6 + 48, estimate(database, "l JOIN r LIMIT 1"));
        }
    }

    private static long estimate(TestDatabase database, String from) {
        String table = from.substring(0, from.indexOf(' '));
        return ((SelectPlan) new SqlEngine(Limits.DEFAULTS)
                .prepare("SELECT " + table + ".* FROM " + from, database.view(), OWNER)).estimate(database.view());
    }

    /** Ten million million combinations: neither time nor memory may be anybody's to take. */
    @Test
    void hostileJoinsEnd() {
        Limits defaults = Limits.DEFAULTS;
        Limits limits = new Limits(
                defaults.memoryBytesMax(), 200, defaults.rowBytesMax(), defaults.transactionRowsMax(),
                defaults.transactionBytesMax(), defaults.handlesMax(), defaults.logLineBytesMax(),
                defaults.logLinesPerSecondMax(), defaults.queueMessagesMax(), 1_000_000, defaults.messageBytesMax(),
                defaults.moduleBytesMax(), defaults.subscriptionQueriesMax(), defaults.queryTablesMax(),
                defaults.queryNodesMax(), defaults.queryTextBytesMax(), defaults.databasesMax(), defaults.connectionsMax(),
                defaults.calls(), defaults.reads());
        TableSchema table = Tables.table(4096, "t").column("id", PrimitiveType.U32).build();
        try (TestDatabase database = new TestDatabase(List.of(table))) {
            database.transact(tx -> {
                for (int i = 0; i < 1_000; i++) {
                    BsatnWriter row = new BsatnWriter();
                    row.writeU32(i);
                    tx.insert(4096, MemorySegment.ofArray(row.buffer()), 0, row.length());
                }
            });
            SqlEngine engine = new SqlEngine(limits);
            String from = " FROM t a JOIN t b JOIN t c JOIN t d";
            SelectPlan product = (SelectPlan) engine.prepare("SELECT COUNT(*) AS n" + from, database.view(), OWNER);
            assertEquals(List.of(List.of(BigInteger.TEN.pow(12))), decoded(product, database));
            SelectPlan huge = (SelectPlan) engine.prepare(
                    "SELECT COUNT(*) AS n" + from + " JOIN t e JOIN t f JOIN t g", database.view(), OWNER);
            assertEquals(
                    "the number of rows has more than 63 bits",
                    assertThrows(EngineException.class, () -> huge.execute(database.view())).getMessage());
            String chained = " WHERE a.id < b.id AND b.id < c.id AND c.id < d.id";
            SelectPlan count = (SelectPlan) engine.prepare("SELECT COUNT(*) AS n" + from + chained, database.view(), OWNER);
            EngineException slow = assertThrows(EngineException.class, () -> count.execute(database.view()));
            assertEquals("the query runs longer than the limit call-millis-max of 200", slow.getMessage());
            SelectPlan none = (SelectPlan) engine.prepare(
                    "SELECT COUNT(*) AS n" + from + " WHERE b.id > 5 AND a.id > 5 AND c.id > 9 AND d.id <> d.id", database.view(),
                    OWNER);
            assertThrows(EngineException.class, () -> none.execute(database.view()), "rows that are filtered count as well");
            SelectPlan rows = (SelectPlan) engine.prepare("SELECT a.*" + from, database.view(), OWNER);
            EngineException large = assertThrows(EngineException.class, () -> rows.execute(database.view()));
            assertEquals(ErrorCode.LIMIT_EXCEEDED, large.code());
            SelectPlan some = (SelectPlan) engine.prepare("SELECT a.*" + from + " LIMIT 3", database.view(), OWNER);
            assertEquals(3, some.execute(database.view()).rows().count());
        }
    }
}
