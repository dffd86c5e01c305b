package dev.geodesic.engine.query;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.query.parse.Operator;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Integers;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.testkit.Proves;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Random tables, indexes and conditions: plans must give what plain evaluation of the same condition gives. */
final class SqlDifferentialTest {

    private static final int ROUNDS = 60;
    private static final int QUERIES_PER_ROUND = 6;
    private static final Identity SENDER =
            Identity.fromHex("c200b9322c6915549469768188dc0cc6ce60fdbd63823b801c6ace9666085d28");
    private static final Caller OWNER = new Caller(SENDER, true);

    private final SqlEngine engine = new SqlEngine(Limits.DEFAULTS);
    private final long seed = Long.getLong("geodesic.seed", new Random().nextLong());
    private final Random random = new Random(seed);

    /** A value that rows may hold, and how SQL may write it; no text if it has no literal. */
    private record Sample(byte[] bsatn, Object value, List<String> texts) {
    }

    private record SampleType(AlgebraicType type, List<Sample> samples) {
    }

    /** A condition as SQL and as the expected outcome for a decoded row. */
    private interface Condition {
        String sql();

        boolean holds(List<Object> row);
    }

    private final List<SampleType> types = sampleTypes();
    private int indexed;
    private int grouped;
    /** Whether conditions may have what dialect S has not. */
    private boolean extended;

    @Test
    @Proves("sql.md 5")
    void plansAgreeWithPlainEvaluation() {
        for (int round = 0; round < ROUNDS; round++) {
            List<SampleType> columns = new ArrayList<>();
            TableSchema table = randomTable(columns);
            try (CommittedState committed = new CommittedState(new HeapStores())) {
                Catalog catalog = Catalog.bootstrap(committed);
                MutTx tx = new MutTx(committed, Limits.DEFAULTS, catalog).begin();
                catalog.createTable(tx, table);
                List<byte[]> rows = new ArrayList<>();
                fill(tx, columns, rows);
                committed.apply(tx.finish());
                tx.end();
                compareQueries(committed.writerView(), table, columns, rows);

                // The same with rows of the running transaction, then changes.
                tx.begin();
                fill(tx, columns, rows);
                compareQueries(tx, table, columns, rows);
                compareDelete(tx, table, condition(columns, 2), rows);
                compareUpdate(tx, table, columns, condition(columns, 2), rows);
                compareQueries(tx, table, columns, rows);
                tx.rollback();
            }
        }
        assertTrue(grouped > ROUNDS, "groups must be compared: " + grouped + seedText());
        assertTrue(indexed > ROUNDS / 4, "index paths must be exercised: " + indexed + seedText());
    }

    private TableSchema randomTable(List<SampleType> columns) {
        Tables builder = Tables.table(4096, "t");
        int columnCount = 1 + random.nextInt(5);
        for (int i = 0; i < columnCount; i++) {
            columns.add(pick(types));
            builder.column("c" + i, columns.get(i).type());
        }
        for (int i = random.nextInt(4); i > 0; i--) {
            String[] names = random.ints(0, columnCount).distinct().limit(1 + random.nextInt(columnCount))
                    .mapToObj(c -> "c" + c).toArray(String[]::new);
            if (random.nextBoolean()) {
                builder.btree(names);
            } else {
                builder.hash(names);
            }
        }
        return builder.build();
    }

    private void fill(Transaction tx, List<SampleType> columns, List<byte[]> rows) {
        for (int i = random.nextInt(30); i > 0; i--) {
            BsatnWriter row = new BsatnWriter();
            columns.forEach(c -> row.writeRaw(pick(c.samples()).bsatn()));
            tx.insert(4096, MemorySegment.ofArray(row.toByteArray()), 0, row.length());
            if (rows.stream().noneMatch(r -> Arrays.equals(r, row.toByteArray()))) {
                rows.add(row.toByteArray());
            }
        }
    }

    private void compareQueries(ReadView view, TableSchema table, List<SampleType> columns, List<byte[]> rows) {
        for (int i = 0; i < QUERIES_PER_ROUND; i++) {
            extended = random.nextBoolean();
            compare(view, table, condition(columns, 3), rows);
        }
    }

    private void compareDelete(Transaction tx, TableSchema table, Condition condition, List<byte[]> rows) {
        SqlResult result = ((DmlPlan) engine.prepare("DELETE FROM t WHERE " + condition.sql(), tx, OWNER)).execute(tx);
        int before = rows.size();
        rows.removeIf(r -> condition.holds(NaiveValues.decodeRow(table.rowType(), r)));
        assertEquals(before - rows.size(), result.deleted(), condition.sql() + seedText());
    }

    private void compareUpdate(
            Transaction tx, TableSchema table, List<SampleType> columns, Condition condition, List<byte[]> rows) {
        int column = random.nextInt(columns.size());
        AlgebraicType type = columns.get(column).type();
        List<Sample> samples = columns.get(column).samples().stream()
                .filter(s -> s.texts().stream().anyMatch(t -> isAssignable(t, type)))
                .toList();
        if (samples.isEmpty()) {
            return;
        }
        Sample sample = pick(samples);
        String text = sample.texts().stream().filter(t -> isAssignable(t, type)).findFirst().orElseThrow();
        String sql = "UPDATE t SET c" + column + " = " + text + " WHERE " + condition.sql();
        SqlResult result = ((DmlPlan) engine.prepare(sql, tx, OWNER)).execute(tx);
        List<byte[]> changed = rows.stream().filter(r -> condition.holds(NaiveValues.decodeRow(table.rowType(), r))).toList();
        assertEquals(changed.size(), result.updated(), sql + seedText());
        rows.removeAll(changed);
        for (byte[] old : changed) {
            BsatnReader in = new BsatnReader(old);
            BsatnWriter row = new BsatnWriter();
            for (int c = 0; c < columns.size(); c++) {
                int from = in.position();
                NaiveValues.decode(columns.get(c).type(), in);
                if (c == column) {
                    row.writeRaw(sample.bsatn());
                } else {
                    row.writeRaw(old, from, in.position() - from);
                }
            }
            if (rows.stream().noneMatch(r -> Arrays.equals(r, row.toByteArray()))) {
                rows.add(row.toByteArray());
            }
        }
    }

    /** INSERT and SET take strings for string columns only, and no parameter. */
    private static boolean isAssignable(String text, AlgebraicType type) {
        return !text.equals(":sender") && (type == PrimitiveType.STRING || !text.startsWith("'"));
    }

    private void compare(ReadView tx, TableSchema table, Condition condition, List<byte[]> tableRows) {
        String where = " WHERE " + condition.sql();
        String message = where + seedText();
        ProductType rowType = table.rowType();
        List<byte[]> expected = tableRows.stream()
                .filter(r -> condition.holds(NaiveValues.decodeRow(rowType, r)))
                .toList();

        SelectPlan plan = (SelectPlan) engine.prepare("SELECT * FROM t" + where, tx, OWNER);
        indexed += plan.parts().getFirst().steps().getFirst().scan().index().isPresent() ? 1 : 0;
        SqlResult all = plan.execute(tx);
        assertEquals(multiset(expected), multiset(rows(all)), message);

        SqlResult count = ((SelectPlan) engine.prepare("SELECT COUNT(*) AS n FROM t" + where, tx, OWNER)).execute(tx);
        assertEquals(expected.size(), new BsatnReader(count.rows().row(0)).readU64(), message);

        int limit = random.nextInt(5);
        SqlResult limited =
                ((SelectPlan) engine.prepare("SELECT * FROM t" + where + " LIMIT " + limit, tx, OWNER)).execute(tx);
        assertEquals(Math.min(limit, expected.size()), limited.rows().count(), message);
        assertTrue(multiset(expected).keySet().containsAll(multiset(rows(limited)).keySet()), message);

        int column = random.nextInt(table.columns().size());
        String projection = "SELECT c" + column + ", c0 AS z FROM t" + where;
        SqlResult projected = ((SelectPlan) engine.prepare(projection, tx, OWNER)).execute(tx);
        List<Object> wanted = expected.stream()
                .map(r -> NaiveValues.decodeRow(rowType, r))
                .map(r -> (Object) List.of(r.get(column), r.get(0)).toString())
                .sorted()
                .toList();
        List<Object> got = rows(projected).stream()
                .map(r -> (Object) NaiveValues.decodeRow(projected.schema(), r).toString())
                .sorted()
                .toList();
        assertEquals(wanted, got, message);

        if (!extended) {
            compareSubscription(tx, rowType, condition, where, expected, tableRows);
        }
        List<List<Object>> values = expected.stream().map(r -> NaiveValues.decodeRow(rowType, r)).toList();
        compareOrder(tx, table, where, values);
        compareDistinct(tx, table, where, values);
        compareGroups(tx, table, where, values);
    }

    private List<List<Object>> run(ReadView view, String sql) {
        SqlResult result = ((SelectPlan) engine.prepare(sql, view, OWNER)).execute(view);
        return rows(result).stream().map(r -> NaiveValues.decodeRow(result.schema(), r)).toList();
    }

    private int comparableColumn(TableSchema table) {
        int column = random.nextInt(table.columns().size());
        return table.columns().get(column).type() == SpecialTypes.TIME_DURATION ? -1 : column;
    }

    private void compareOrder(ReadView view, TableSchema table, String where, List<List<Object>> rows) {
        List<Integer> keys = new ArrayList<>();
        List<Boolean> descending = new ArrayList<>();
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            int column = comparableColumn(table);
            if (column < 0) {
                return;
            }
            keys.add(column);
            descending.add(random.nextBoolean());
        }
        Comparator<List<Object>> order = (a, b) -> {
            for (int i = 0; i < keys.size(); i++) {
                int c = NaiveValues.compare(a.get(keys.get(i)), b.get(keys.get(i)));
                if (c != 0) {
                    return descending.get(i) ? -c : c;
                }
            }
            return 0;
        };
        int offset = random.nextInt(3);
        int limit = random.nextBoolean() ? Integer.MAX_VALUE : random.nextInt(5);
        StringBuilder sql = new StringBuilder("SELECT * FROM t").append(where).append(" ORDER BY ");
        for (int i = 0; i < keys.size(); i++) {
            String key = random.nextInt(3) == 0 ? Integer.toString(keys.get(i) + 1) : "c" + keys.get(i);
            sql.append(i == 0 ? "" : ", ").append(key)
                    .append(descending.get(i) ? " DESC" : random.nextBoolean() ? " ASC" : "");
        }
        sql.append(limit == Integer.MAX_VALUE ? "" : " LIMIT " + limit).append(offset == 0 ? "" : " OFFSET " + offset);
        String message = sql + seedText();
        List<List<Object>> expected = rows.stream().sorted(order).skip(offset).limit(limit).toList();
        List<List<Object>> got = run(view, sql.toString());
        assertEquals(expected.size(), got.size(), message);
        for (int i = 0; i < got.size(); i++) {
            assertEquals(0, order.compare(expected.get(i), got.get(i)), message + " row " + i);
        }
        List<Object> left = new ArrayList<>(rows);
        got.forEach(row -> assertTrue(left.remove(row), message));
    }

    private void compareDistinct(ReadView view, TableSchema table, String where, List<List<Object>> rows) {
        int a = comparableColumn(table);
        int b = comparableColumn(table);
        if (a >= 0 && b >= 0) {
            String sql = "SELECT DISTINCT c" + a + " AS x, c" + b + " AS y FROM t" + where;
            List<String> got = run(view, sql).stream().map(r -> NaiveValues.normal(r).toString()).sorted().toList();
            List<String> expected = rows.stream().map(r -> NaiveValues.normal(List.of(r.get(a), r.get(b))).toString())
                    .distinct().sorted().toList();
            assertEquals(expected, got, sql + seedText());
        }
    }

    private void compareGroups(ReadView view, TableSchema table, String where, List<List<Object>> rows) {
        int key = comparableColumn(table);
        int measure = comparableColumn(table);
        if (key < 0 || measure < 0) {
            return;
        }
        AlgebraicType type = table.columns().get(measure).type();
        boolean hasSum = type instanceof PrimitiveType p && p != PrimitiveType.BOOL && p != PrimitiveType.STRING;
        boolean isGrouped = random.nextBoolean();
        int least = random.nextInt(3);
        String c = "c" + measure;
        String sql = "SELECT " + (isGrouped ? "c" + key + " AS k, " : "") + "COUNT(*) AS n, COUNT(DISTINCT " + c
                + ") AS d, MIN(" + c + ") AS lo, MAX(" + c + ") AS hi"
                + (hasSum ? ", SUM(" + c + ") AS s, AVG(" + c + ") AS a" : "") + " FROM t" + where
                + (isGrouped ? " GROUP BY " + pick(List.of("c" + key, "k", "1", "t.c" + key)) : "")
                + (least > 0 ? " HAVING " + pick(List.of("n", "COUNT(*)")) + " >= " + least : "");
        String message = sql + seedText();
        Map<Object, List<Object>> groups = new HashMap<>();
        rows.forEach(r -> groups.computeIfAbsent(isGrouped ? NaiveValues.normal(r.get(key)) : "", k -> new ArrayList<>())
                .add(r.get(measure)));
        groups.values().removeIf(g -> g.size() < least);
        boolean fits = !hasSum || groups.values().stream().allMatch(g -> fits(g, (PrimitiveType) type));
        if (!fits) {
            // A group that HAVING would take away may fail too, but one that stays must.
            String error = assertThrows(EngineException.class, () -> run(view, sql), message).getMessage();
            assertTrue(error.startsWith("SUM: ") && error.contains(" does not fit type "), message + error);
            return;
        }
        List<List<Object>> got;
        try {
            got = run(view, sql);
        } catch (EngineException e) {
            assertTrue(least > 0 && e.getMessage().startsWith("SUM: "), message + e.getMessage());
            return;
        }
        grouped++;
        assertEquals(groups.size(), got.size(), message);
        for (List<Object> row : got) {
            int at = isGrouped ? 1 : 0;
            List<Object> group = groups.remove(isGrouped ? NaiveValues.normal(row.get(0)) : "");
            assertEquals(BigInteger.valueOf(group.size()), row.get(at), message);
            assertEquals(
                    BigInteger.valueOf(group.stream().map(NaiveValues::normal).distinct().count()), row.get(at + 1), message);
            Object smallest = group.stream().min(NaiveValues::compare).orElseThrow();
            Object greatest = group.stream().max(NaiveValues::compare).orElseThrow();
            assertEquals(0, NaiveValues.compare(smallest, row.get(at + 2)), message);
            assertEquals(0, NaiveValues.compare(greatest, row.get(at + 3)), message);
            if (hasSum) {
                compareSum(group, row.get(at + 4), (double) row.get(at + 5), message);
            }
        }
    }

    private static BigInteger sum(List<Object> integers) {
        return integers.stream().map(BigInteger.class::cast).reduce(BigInteger.ZERO, BigInteger::add);
    }

    private static boolean fits(List<Object> group, PrimitiveType type) {
        if (!type.isInteger()) {
            return true;
        }
        int bits = Math.min(256, Math.max(64, type.byteSize() * 16));
        BigInteger sum = sum(group);
        return type.isSignedInteger() ? sum.bitLength() < bits : sum.bitLength() <= bits;
    }

    private static void compareSum(List<Object> group, Object sum, double average, String message) {
        if (sum instanceof BigInteger integer) {
            assertEquals(sum(group), integer, message);
            double exact = new BigDecimal(integer).divide(BigDecimal.valueOf(group.size()), MathContext.DECIMAL128).doubleValue();
            assertEquals(exact, average, Math.abs(exact) * 1e-15, message);
            return;
        }
        double expected = 0;
        double size = 0;
        for (Object value : group) {
            expected += (Double) value;
            size += Math.abs((Double) value);
        }
        double tolerance = Double.isFinite(size) ? size * 1e-12 : 0;
        assertEquals(expected, (double) sum, tolerance, message);
        assertEquals(expected / group.size(), average, tolerance, message);
    }

    private void compareSubscription(
            ReadView tx, ProductType rowType, Condition condition, String where, List<byte[]> expected, List<byte[]> tableRows) {
        String message = where + seedText();
        SubscriptionQuery query = engine.compileSubscription("SELECT * FROM t" + where, tx, OWNER).getFirst();
        RowBuffer found = new RowBuffer();
        query.rows(tx, new QueryBudget(Limits.DEFAULTS), found);
        assertEquals(multiset(expected), multiset(rows(found)), message);
        for (byte[] row : tableRows) {
            List<Object> values = NaiveValues.decodeRow(rowType, row);
            boolean holds = condition.holds(values);
            assertEquals(holds, query.matches(MemorySegment.ofArray(row), 0, row.length), message);
            if (holds) {
                for (ColumnEquality equality : query.equalities(0)) {
                    BsatnReader in = new BsatnReader(row);
                    for (int c = 0; c < equality.column(); c++) {
                        NaiveValues.decode(rowType.elements().get(c).type(), in);
                    }
                    int at = in.position();
                    NaiveValues.decode(rowType.elements().get(equality.column()).type(), in);
                    byte[] value = Arrays.copyOfRange(row, at, in.position());
                    assertTrue(equality.values().stream().anyMatch(v -> Arrays.equals(v, value)), message);
                }
            }
        }
        assertEquals(query.key(), engine.compileSubscription("SELECT t.* FROM t AS t" + where, tx, OWNER).getFirst().key());
    }

    private Condition condition(List<SampleType> columns, int depth) {
        int choice = random.nextInt(depth > 0 ? 10 : 6);
        if (choice >= 8) {
            return chain(columns, depth, "OR", false);
        } else if (choice >= 6) {
            return chain(columns, depth, "AND", true);
        }
        int column = random.nextInt(columns.size());
        SampleType type = columns.get(column);
        List<Integer> same = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i) == type) {
                same.add(i);
            }
        }
        Operator operator = random.nextInt(3) > 0 ? Operator.EQUAL : pick(List.of(Operator.values()));
        if (type.type() == SpecialTypes.TIME_DURATION) {
            return constant(random.nextBoolean());
        } else if (random.nextInt(6) == 0) {
            int other = pick(same);
            return leaf("c" + column + " " + spelling(operator) + " t.c" + other, row ->
                    operator.accepts(NaiveValues.compare(row.get(column), row.get(other))));
        }
        List<Sample> written = type.samples().stream().filter(s -> !s.texts().isEmpty()).toList();
        Sample sample = pick(written);
        String text = pick(sample.texts());
        if (extended && random.nextInt(6) == 0) {
            return listOrRange("c" + column, column, sample, pick(written));
        }
        return random.nextInt(3) == 0
                ? leaf(text + spelling(operator) + "\"c" + column + "\"", row ->
                        operator.accepts(NaiveValues.compare(sample.value(), row.get(column))))
                : leaf("c" + column + spelling(operator) + text, row ->
                        operator.accepts(NaiveValues.compare(row.get(column), sample.value())));
    }

    private Condition listOrRange(String name, int column, Sample a, Sample b) {
        boolean isNegated = random.nextBoolean();
        String not = isNegated ? " NOT" : "";
        if (random.nextBoolean()) {
            return leaf(name + not + " IN (" + pick(a.texts()) + ", " + pick(b.texts()) + ")", row -> isNegated
                    != (NaiveValues.compare(row.get(column), a.value()) == 0
                            || NaiveValues.compare(row.get(column), b.value()) == 0));
        }
        return leaf(name + not + " BETWEEN " + pick(a.texts()) + " AND " + pick(b.texts()), row -> isNegated
                != (NaiveValues.compare(row.get(column), a.value()) >= 0
                        && NaiveValues.compare(row.get(column), b.value()) <= 0));
    }

    private Condition chain(List<SampleType> columns, int depth, String word, boolean isAnd) {
        List<Condition> terms = new ArrayList<>();
        for (int i = 2 + random.nextInt(2); i > 0; i--) {
            terms.add(condition(columns, depth - 1));
        }
        String sql = terms.stream().map(t -> "(" + t.sql() + ")").collect(Collectors.joining(" " + word + " "));
        boolean isNegated = extended && random.nextInt(4) == 0;
        return leaf(isNegated ? "NOT (" + sql + ")" : sql, row -> isNegated
                != (isAnd ? terms.stream().allMatch(t -> t.holds(row)) : terms.stream().anyMatch(t -> t.holds(row))));
    }

    private static Condition constant(boolean value) {
        return leaf(value ? "TRUE" : "false = true", row -> value);
    }

    private static Condition leaf(String sql, Predicate<List<Object>> holds) {
        return new Condition() {
            @Override
            public String sql() {
                return sql;
            }

            @Override
            public boolean holds(List<Object> row) {
                return holds.test(row);
            }
        };
    }

    private String spelling(Operator operator) {
        return operator == Operator.NOT_EQUAL && random.nextBoolean() ? "!=" : operator.symbol();
    }

    private String seedText() {
        return " (-Dgeodesic.seed=" + seed + ")";
    }

    private <T> T pick(List<T> items) {
        return items.get(random.nextInt(items.size()));
    }

    private static List<byte[]> rows(SqlResult result) {
        return rows(result.rows());
    }

    private static List<byte[]> rows(RowBuffer buffer) {
        List<byte[]> rows = new ArrayList<>();
        for (int i = 0; i < buffer.count(); i++) {
            rows.add(buffer.row(i));
        }
        return rows;
    }

    private static TreeMap<String, Integer> multiset(List<byte[]> rows) {
        TreeMap<String, Integer> counts = new TreeMap<>();
        rows.forEach(r -> counts.merge(HexFormat.of().formatHex(r), 1, Integer::sum));
        return counts;
    }

    // ---- samples ----

    private static List<SampleType> sampleTypes() {
        List<SampleType> types = new ArrayList<>();
        types.add(new SampleType(PrimitiveType.BOOL, List.of(
                sample(PrimitiveType.BOOL, w -> w.writeBool(true), "true", "TRUE"),
                sample(PrimitiveType.BOOL, w -> w.writeBool(false), "false"))));
        for (PrimitiveType p : PrimitiveType.values()) {
            if (p.isInteger()) {
                types.add(integers(p));
            }
        }
        types.add(floats(PrimitiveType.F32));
        types.add(floats(PrimitiveType.F64));
        List<Sample> strings = new ArrayList<>();
        for (String s : List.of("", "a", "ab", "b", "o'k", "\u00fc", "\ufffd", "\ud83d\ude00", "5", "abcdefghi", "abcdefghj")) {
            strings.add(sample(PrimitiveType.STRING, w -> w.writeString(s), "'" + s.replace("'", "''") + "'"));
        }
        strings.add(sample(PrimitiveType.STRING, w -> w.writeString("-1.50"), "-1.50", "'-1.50'"));
        types.add(new SampleType(PrimitiveType.STRING, strings));
        List<Sample> bytes = new ArrayList<>();
        for (String hex : List.of("", "00", "ff", "00ff", "7f", "0011223344556677", "0011223344556688")) {
            bytes.add(sample(ArrayType.BYTES, w -> w.writeBytes(HexFormat.of().parseHex(hex)),
                    "0x" + hex, "X'" + hex.toUpperCase(Locale.ROOT) + "'", "'" + hex + "'"));
        }
        bytes.add(sample(ArrayType.BYTES, w -> w.writeBytes(SENDER.toLittleEndian()), ":sender"));
        types.add(new SampleType(ArrayType.BYTES, bytes));
        types.add(hexNumbers(SpecialTypes.IDENTITY, 32, ":sender"));
        types.add(hexNumbers(SpecialTypes.CONNECTION_ID, 16, null));
        types.add(uuids());
        List<Sample> timestamps = new ArrayList<>();
        for (long micros : new long[] {0, 1, -1, 1_700_000_000_123_456L, -62_135_596_800_000_000L, 999_999}) {
            Instant instant = Instant.ofEpochSecond(Math.floorDiv(micros, 1_000_000), Math.floorMod(micros, 1_000_000) * 1_000L);
            timestamps.add(sample(SpecialTypes.TIMESTAMP, w -> w.writeU64(micros), "'" + instant + "'",
                    "'" + instant.toString().replace('T', ' ').replace("Z", "+00:00") + "'"));
        }
        types.add(new SampleType(SpecialTypes.TIMESTAMP, timestamps));
        types.add(new SampleType(SpecialTypes.TIME_DURATION, List.of(
                sample(SpecialTypes.TIME_DURATION, w -> w.writeU64(5)),
                sample(SpecialTypes.TIME_DURATION, w -> w.writeU64(-5)))));
        return types;
    }

    private static SampleType integers(PrimitiveType p) {
        int bits = p.byteSize() * 8;
        BigInteger max = BigInteger.ONE.shiftLeft(p.isSignedInteger() ? bits - 1 : bits).subtract(BigInteger.ONE);
        BigInteger min = p.isSignedInteger() ? max.negate().subtract(BigInteger.ONE) : BigInteger.ZERO;
        List<Sample> samples = new ArrayList<>();
        for (BigInteger v : List.of(
                BigInteger.ZERO, BigInteger.ONE, BigInteger.TEN, max, min, max.subtract(BigInteger.ONE), max.shiftRight(1),
                min.add(BigInteger.ONE), min.shiftRight(1), BigInteger.ONE.shiftLeft(bits - 2))) {
            samples.add(sample(p, w -> Integers.write(v, p.byteSize(), w),
                    v.toString(), "'" + v + "'", v + ".0", v + "e0", v.signum() < 0 ? v.toString() : "+" + v, v + "000e-3"));
        }
        return new SampleType(p, samples);
    }

    private static SampleType floats(PrimitiveType p) {
        boolean isSingle = p == PrimitiveType.F32;
        List<Sample> samples = new ArrayList<>();
        for (double v : new double[] {0, -0.0, 1.5, -1.5, 1, Double.MIN_VALUE, 3e38, -3e38, Double.POSITIVE_INFINITY,
                Double.NEGATIVE_INFINITY}) {
            double value = isSingle ? (float) v : v;
            String text = Double.isInfinite(value) ? (value > 0 ? "1e999" : "-1e999") : Double.toString(value);
            samples.add(sample(p, w -> writeFloat(w, isSingle, value), text, "'" + text + "'"));
        }
        for (long nan : new long[] {0x7ff8000000000000L, 0xfff8000000000001L, 0x7ff0000000000001L}) {
            samples.add(sample(p, w -> {
                if (isSingle) {
                    w.writeU32((int) (nan >>> 32) | 0x7fc00000 | (int) nan);
                } else {
                    w.writeU64(nan);
                }
            }));
        }
        return new SampleType(p, samples);
    }

    private static void writeFloat(BsatnWriter out, boolean isSingle, double value) {
        if (isSingle) {
            out.writeF32((float) value);
        } else {
            out.writeF64(value);
        }
    }

    private static SampleType hexNumbers(ProductType type, int size, String parameter) {
        List<Sample> samples = new ArrayList<>();
        for (String last : List.of("00", "01", "ff")) {
            for (String first : List.of("00", "80", "7f")) {
                String digits = first + "00".repeat(size - 2) + last;
                samples.add(sample(type, w -> w.writeRaw(reversed(HexFormat.of().parseHex(digits))),
                        "0x" + digits, "x'" + digits + "'", "'" + digits + "'", "'0x" + digits + "'"));
            }
        }
        if (parameter != null) {
            samples.add(sample(type, w -> w.writeIdentity(SENDER), parameter, "0x" + SENDER.toHex()));
        }
        return new SampleType(type, samples);
    }

    private static SampleType uuids() {
        List<Sample> samples = new ArrayList<>();
        for (String text : List.of("00000000-0000-0000-0000-000000000003", "01234567-89ab-4cde-f012-3456789abcde",
                "ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000")) {
            String digits = text.replace("-", "");
            samples.add(sample(SpecialTypes.UUID, w -> w.writeRaw(reversed(HexFormat.of().parseHex(digits))),
                    "'" + text + "'", "'" + digits + "'", "'" + text.toUpperCase(Locale.ROOT) + "'"));
        }
        return new SampleType(SpecialTypes.UUID, samples);
    }

    private static byte[] reversed(byte[] bytes) {
        byte[] result = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            result[i] = bytes[bytes.length - 1 - i];
        }
        return result;
    }

    private static Sample sample(AlgebraicType type, Consumer<BsatnWriter> write, String... texts) {
        BsatnWriter out = new BsatnWriter();
        write.accept(out);
        byte[] bsatn = out.toByteArray();
        return new Sample(bsatn, NaiveValues.decode(type, new BsatnReader(bsatn)), List.of(texts));
    }
}
