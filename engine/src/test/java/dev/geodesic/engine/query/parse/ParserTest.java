package dev.geodesic.engine.query.parse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.testkit.Proves;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ParserTest {

    private static Statement parse(String sql) {
        return Parser.parse(sql, Dialect.SUBSCRIPTION, Limits.DEFAULTS);
    }

    private static Statement.Select select(String sql) {
        return (Statement.Select) parse(sql);
    }

    private static Expr where(String condition) {
        return select("SELECT * FROM t WHERE " + condition).where().orElseThrow();
    }

    private static Statement.Select query(String sql) {
        return (Statement.Select) Parser.parse(sql, Dialect.QUERY, Limits.DEFAULTS);
    }

    private static String error(String sql) {
        EngineException e = assertThrows(EngineException.class, () -> parse(sql), sql);
        assertEquals(ErrorCode.SQL, e.code(), sql);
        return e.getMessage();
    }

    /** Every row of the tables of errors in spec/sql.md 2, 5 and 13 that a parser can find. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "foo                                        | "
                + "sql parser error: Expected an SQL statement, found: foo at Line: 1, Column 1",
        "SELECT * FORM t                            | "
                + "sql parser error: Expected end of statement, found: FORM at Line: 1, Column 10",
        "SELECT * FROM *                            | sql parser error: Expected identifier, found: * at Line: 1, Column 15",
        "SELECT * FROM t WHERE                      | sql parser error: Expected an expression:, found: EOF",
        "SELECT * FROM t WHERE a =                  | sql parser error: Expected an expression:, found: EOF",
        "SELECT * FROM t WHERE a AND                | sql parser error: Expected an expression:",
        "SELECT * FROM t WHERE (a = 1               | sql parser error: Expected ), found: EOF",
        "SELECT * FROM t WHERE a = 1)               | sql parser error: Expected end of statement, found: )",
        "SELECT a, FROM t                           | Unsupported projection expression: FROM",
        "SELECT * FROM t WHERE a = 'x               | sql parser error: Unterminated string literal at Line: 1, Column 27",
        "SELECT * FROM \"t                          | sql parser error: Expected close delimiter",
        "SELECT * FROM \"\"                         | sql parser error: Zero-length delimited identifier",
        "SELECT * FROM t /* a /* b */               | sql parser error: Unexpected EOF while in a multi-line comment",
        "SELECT * FROM t WHERE a = 1x               | sql parser error: Trailing junk after numeric literal",
        "SELECT * FROM t WHERE a = 0xfg             | sql parser error: Trailing junk after numeric literal",
        "SELECT * FROM t WHERE a = 1.2.3            | sql parser error: Trailing junk after numeric literal",
        "SELECT * FROM t WHERE a \\ 1               | sql parser error: Unexpected character U+005C",
        "DELETE t                                   | sql parser error: Expected FROM",
        "INSERT t (a) VALUES (1)                    | sql parser error: Expected INTO",
        "INSERT INTO t (a) VALUES ()                | sql parser error: Expected an expression",
        "UPDATE t                                   | sql parser error: Expected SET",
        "SELECT * FROM t; SELECT * FROM t           | Multiple SQL statements are not supported",
        "SELECT id                                  | A FROM clause is required",
        "SELECT *                                   | A FROM clause is required",
        "SELECT FROM t                              | A FROM clause is required",
        "SELECT 1                                   | Unsupported projection expression: 1",
        "SELECT 1 FROM t                            | Unsupported projection expression: 1",
        "SELECT id + 1 FROM t                       | Unsupported projection expression: id + 1",
        "SELECT (id) FROM t                         | Unsupported projection expression: (id)",
        "SELECT lower(id) FROM t                    | Unsupported projection expression: lower(id)",
        "SELECT id::int FROM t                      | Unsupported projection expression: id::int",
        "SELECT NULL FROM t                         | Unsupported projection expression: NULL",
        "SELECT COUNT(*) AS n, id FROM t            | Unsupported projection expression: COUNT(*)",
        "SELECT COUNT(*) FROM t                     | Aggregate expressions must have column aliases",
        "SELECT COUNT(id) AS n FROM t               | Unsupported aggregate function: COUNT(id)",
        "SELECT COUNT(DISTINCT id) AS n FROM t      | Unsupported aggregate function: COUNT(",
        "SELECT SUM(id) AS n FROM t                 | Unsupported aggregate function: SUM(id)",
        "SELECT *, id FROM t                        | Mixed wildcard projections are not supported",
        "SELECT id, * FROM t                        | Mixed wildcard projections are not supported",
        "SELECT t.*, t.id FROM t                    | Mixed wildcard projections are not supported",
        "SELECT * FROM t, u                         | Implicit joins are not supported",
        "SELECT t.* FROM t LEFT JOIN u ON t.a = u.a | Non-inner joins are not supported",
        "SELECT t.* FROM t FULL OUTER JOIN u ON t.a = u.a | Non-inner joins are not supported",
        "SELECT t.* FROM t NATURAL JOIN u           | Non-inner joins are not supported",
        "SELECT t.* FROM t JOIN u USING (a)         | Non-inner joins are not supported",
        "SELECT t.* FROM t JOIN u ON t.a < u.a      | Non-inner joins are not supported",
        "SELECT t.* FROM t JOIN u ON t.a = 1        | Non-inner joins are not supported",
        "SELECT t.* FROM t JOIN u ON t.a = u.a AND u.b = 1 | Non-inner joins are not supported",
        "SELECT * FROM (SELECT * FROM t) AS x       | Unsupported FROM expression: (SELECT * FROM t) AS x",
        "SELECT * FROM f(1)                         | Unsupported FROM expression: f(1)",
        "SELECT * FROM t ORDER BY id                | Unsupported: SELECT * FROM t ORDER BY id",
        "SELECT id FROM t GROUP BY id               | Unsupported: SELECT id FROM t GROUP BY id",
        "SELECT id FROM t WHERE a = 1 HAVING id = 1 | Unsupported: SELECT id FROM t WHERE a = 1 HAVING id = 1",
        "SELECT DISTINCT id FROM t                  | Unsupported: SELECT DISTINCT id FROM t",
        "SELECT * FROM t OFFSET 1                   | Unsupported: SELECT * FROM t OFFSET 1",
        "SELECT * FROM t LIMIT 1 OFFSET 1           | Unsupported: SELECT * FROM t LIMIT 1 OFFSET 1",
        "SELECT * FROM t LIMIT 'x'                  | Unsupported: SELECT * FROM t LIMIT 'x'",
        "SELECT * FROM t LIMIT -1                   | Unsupported: SELECT * FROM t LIMIT -1",
        "SELECT * FROM t LIMIT a                    | Unsupported: SELECT * FROM t LIMIT a",
        "SELECT * FROM t UNION SELECT * FROM t      | Unsupported: SELECT * FROM t UNION SELECT * FROM t",
        "SELECT * FROM t FOR UPDATE                 | Unsupported: SELECT * FROM t FOR UPDATE",
        "(SELECT * FROM t)                          | Unsupported: (SELECT * FROM t)",
        "WITH x AS (SELECT * FROM t) SELECT * FROM x| Unsupported: WITH x AS",
        "VALUES (1)                                 | Unsupported: VALUES (1)",
        "EXPLAIN SELECT * FROM t                    | Unsupported: EXPLAIN SELECT * FROM t",
        "BEGIN                                      | Unsupported: BEGIN",
        "CREATE TABLE x (id int)                    | Unsupported: CREATE TABLE x (id int)",
        "DROP TABLE t                               | Unsupported: DROP TABLE t",
        "TRUNCATE t                                 | Unsupported: TRUNCATE t",
        "SHOW TABLES                                | Unsupported: SHOW TABLES",
        "SET TIME ZONE 'x'                          | Unsupported: SET TIME ZONE 'x'",
        "INSERT INTO t (a) VALUES (1) RETURNING a   | Unsupported: INSERT INTO t (a) VALUES (1) RETURNING a",
        "INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING | Unsupported: INSERT INTO t",
        "INSERT INTO t (a) SELECT a FROM u          | Unsupported INSERT expression: SELECT a FROM u",
        "INSERT INTO t DEFAULT VALUES               | Unsupported INSERT expression: DEFAULT VALUES",
        "INSERT INTO t (a) VALUES (1+1)             | Unsupported INSERT value: 1+1",
        "INSERT INTO t (a) VALUES (f(1), 2)         | Unsupported INSERT value: f(1)",
        "INSERT INTO t (a) VALUES (b)               | Unsupported INSERT value: b",
        "INSERT INTO t (a) VALUES (NULL)            | Unsupported literal expression: NULL",
        "INSERT INTO t (a) VALUES (:sender)         | Unsupported literal expression: :sender",
        "UPDATE t SET a = b                         | Unsupported column/variable assignment expression: b",
        "UPDATE t SET a = a + 1, b = 2              | Unsupported column/variable assignment expression: a + 1",
        "UPDATE t SET a = :sender                   | Unsupported literal expression: :sender",
        "UPDATE t x SET a = 1                       | Unsupported: UPDATE t x SET a = 1",
        "UPDATE t SET a = 1 FROM u WHERE t.a = u.a  | Unsupported: UPDATE t SET a = 1 FROM u WHERE t.a = u.a",
        "UPDATE t SET (a, b) = (1, 2)               | Unsupported: UPDATE t SET",
        "DELETE FROM t x WHERE x.a = 1              | Unsupported table expression in DELETE: t x",
        "DELETE FROM t AS x                         | Unsupported table expression in DELETE: t AS x",
        "DELETE FROM t USING u                      | Unsupported: DELETE FROM t USING u",
        "DELETE FROM t WHERE a = 1 RETURNING a      | Unsupported: DELETE FROM t WHERE a = 1 RETURNING a",
        "SELECT * FROM t WHERE NOT a                | Unsupported expression: NOT a",
        "SELECT * FROM t WHERE a IN (1,2) AND b = 1 | Unsupported expression: a IN (1, 2)",
        "SELECT * FROM t WHERE a NOT IN (1)         | Unsupported expression: a NOT IN (1)",
        "SELECT * FROM t WHERE a BETWEEN 1 AND 2 AND c | Unsupported expression: a BETWEEN 1 AND 2",
        "SELECT * FROM t WHERE a LIKE 'a%'          | Unsupported expression: a LIKE 'a%'",
        "SELECT * FROM t WHERE a IS NULL            | Unsupported expression: a IS NULL",
        "SELECT * FROM t WHERE a IS NOT DISTINCT FROM b | Unsupported expression: a IS NOT DISTINCT FROM b",
        "SELECT * FROM t WHERE lower(a) = 'a'       | Unsupported expression: lower(a) = 'a'",
        "SELECT * FROM t WHERE a = (SELECT b FROM u)| Unsupported expression: (SELECT b FROM u)",
        "SELECT * FROM t WHERE EXISTS (SELECT 1)    | Unsupported expression: EXISTS (SELECT 1)",
        "SELECT * FROM t WHERE a::text = 'x'        | Unsupported expression: a::text = 'x'",
        "SELECT * FROM t WHERE a = b = c            | Unsupported expression: a = b = c",
        "SELECT * FROM t WHERE (a = 1) = true       | Unsupported expression: (a = 1) = true",
        "SELECT * FROM t WHERE (a, b) = (1, 2)      | Unsupported expression: (a, b) = (1, 2)",
        "SELECT * FROM t WHERE -a = 1               | Unsupported expression: -a = 1",
        "SELECT * FROM t WHERE CASE WHEN a THEN b END | Unsupported expression: CASE WHEN a THEN b END",
        "SELECT * FROM t WHERE a + 1 = 2            | Unsupported binary operator: +",
        "SELECT * FROM t WHERE a = b <@ c           | Unsupported binary operator: <@",
        "SELECT * FROM t WHERE a = NULL             | Unsupported literal expression: NULL",
        "SELECT * FROM t WHERE a = :nope            | Unsupported literal expression: :nope",
        "SELECT * FROM t WHERE a = $1               | Unsupported literal expression: $1",
        "SELECT * FROM t WHERE a = ?                | Unsupported literal expression: ?",
        "SELECT * FROM t WHERE a = E'x'             | Unsupported literal expression: E'x'",
        "SELECT * FROM t WHERE a = $q$ ' $q$        | Unsupported literal expression: $q$",
    })
    void refuses(String sql, String message) {
        String actual = error(sql);
        assertTrue(actual.startsWith(message), sql + "\nexpected: " + message + "\nbut was:  " + actual);
    }

    /** What dialect Q has beyond the reference, and what it still has not. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "SELECT a FROM t ORDER id                   | "
                + "sql parser error: Expected BY, found: id at Line: 1, Column 23",
        "SELECT a FROM t ORDER BY                   | "
                + "sql parser error: Expected an expression:, found: EOF at Line: 1, Column 25",
        "SELECT a FROM t ORDER BY a NULLS FIRST     | sql parser error: Expected end of statement, found: NULLS at Line: 1",
        "SELECT a FROM t ORDER BY a,                | sql parser error: Expected an expression:",
        "SELECT a FROM t ORDER BY a + 1             | Unsupported binary operator: +",
        "SELECT a FROM t ORDER BY lower(a)          | Unsupported expression: lower(a)",
        "SELECT a FROM t ORDER BY 'a'               | Unsupported expression: 'a'",
        "SELECT a FROM t ORDER BY (a)               | Unsupported expression: (a)",
        "SELECT a FROM t ORDER BY SUM(*)            | Unsupported expression: SUM(*)",
        "SELECT a FROM t GROUP BY SUM(a)            | Unsupported expression: SUM(a)",
        "SELECT a FROM t GROUP BY ROLLUP (a)        | Unsupported expression: ROLLUP (a)",
        "SELECT a FROM t LIMIT 1 LIMIT 2            | Unsupported: SELECT a FROM t LIMIT 1 LIMIT 2",
        "SELECT a FROM t OFFSET -1                  | Unsupported: SELECT a FROM t OFFSET -1",
        "SELECT a FROM t LIMIT 1 ORDER BY a         | Unsupported: SELECT a FROM t LIMIT 1 ORDER BY a",
        "SELECT a FROM t FETCH FIRST 1 ROWS ONLY    | Unsupported: SELECT a FROM t FETCH FIRST 1 ROWS ONLY",
        "SELECT DISTINCT ON (a) a FROM t            | Unsupported: SELECT DISTINCT ON (a) a FROM t",
        "SELECT ALL a FROM t                        | Unsupported: SELECT ALL a FROM t",
        "SELECT SUM(*) AS n FROM t                  | Unsupported aggregate function: SUM(*)",
        "SELECT SUM(DISTINCT a) AS n FROM t         | Unsupported aggregate function: SUM(DISTINCT a)",
        "SELECT SUM(a + 1) AS n FROM t              | Unsupported aggregate function: SUM(a + 1)",
        "SELECT SUM(a) + 1 AS n FROM t              | Unsupported aggregate function: SUM(a) + 1",
        "SELECT STDDEV(a) AS n FROM t               | Unsupported aggregate function: STDDEV(a)",
        "SELECT SUM(a) FROM t                       | Aggregate expressions must have column aliases",
        "SELECT a, SUM(a) FROM t                    | Aggregate expressions must have column aliases",
        "SELECT a FROM t WHERE SUM(a) > 1           | Unsupported expression: SUM(a) > 1",
        "SELECT a FROM t WHERE a IN ()              | sql parser error: Expected an expression:, found: ) at Line: 1, Column 29",
        "SELECT a FROM t WHERE a IN (1, 2           | sql parser error: Expected ), found: EOF at Line: 1, Column 33",
        "SELECT a FROM t WHERE a IN (SELECT a FROM u) | Unsupported expression: a IN (SELECT a FROM u)",
        "SELECT a FROM t WHERE a IN 1               | sql parser error: Expected (, found: 1",
        "SELECT a FROM t WHERE a BETWEEN 1          | sql parser error: Expected AND, found: EOF",
        "SELECT a FROM t WHERE a BETWEEN 1 OR 2     | sql parser error: Expected AND, found: OR",
        "SELECT a FROM t WHERE a LIKE 'x'           | Unsupported expression: a LIKE 'x'",
        "SELECT a FROM t WHERE a NOT LIKE 'x'       | Unsupported expression: a NOT LIKE 'x'",
        "SELECT a FROM t WHERE a = NOT b            | Unsupported expression: NOT b",
        "SELECT a FROM t WHERE a IS NULL            | Unsupported expression: a IS NULL",
        "EXPLAIN                                    | Unsupported: EXPLAIN",
        "EXPLAIN ANALYZE SELECT a FROM t            | Unsupported: EXPLAIN ANALYZE SELECT a FROM t",
        "EXPLAIN EXPLAIN SELECT a FROM t            | Unsupported: EXPLAIN EXPLAIN SELECT a FROM t",
        "EXPLAIN INSERT INTO t (a) VALUES (1)       | Unsupported: EXPLAIN INSERT INTO t (a) VALUES (1)",
    })
    void refusesInDialectQ(String sql, String message) {
        String actual = assertThrows(EngineException.class, () -> query(sql), sql).getMessage();
        assertTrue(actual.startsWith(message), sql + "\nexpected: " + message + "\nbut was:  " + actual);
    }

    @Test
    void readsGroupsAndOrder() {
        Statement.Select select = query("SELECT a, count(*) n, max(t.b) AS m FROM t GROUP BY a, 2 "
                + "HAVING COUNT(DISTINCT b) > 1 ORDER BY m DESC, SUM(c), 1 ASC OFFSET 2 LIMIT 3;");
        Statement.Tail tail = select.tail();
        assertEquals(
                "[a, COUNT(*), MAX(t.b)]",
                ((Statement.Projection.Columns) select.projection()).columns().stream()
                        .map(c -> c.value().toString()).toList().toString());
        assertEquals(List.of(column("a"), literal(Expr.Literal.Kind.NUMBER, "2")), tail.groupBy());
        assertEquals("COUNT(DISTINCT b)", ((Expr.Compare) tail.having().orElseThrow()).left().toString());
        assertEquals(List.of(true, false, false), tail.orderBy().stream().map(Statement.SortKey::descending).toList());
        assertEquals(Optional.of(literal(Expr.Literal.Kind.NUMBER, "2")), tail.offset());
        assertEquals(Optional.of(literal(Expr.Literal.Kind.NUMBER, "3")), tail.limit());
        assertTrue(query("SELECT DISTINCT a FROM t").tail().distinct());
    }

    @Test
    void readsNegationsListsAndRanges() {
        assertEquals(q("a <> 1 OR b >= 2"), q("NOT (a = 1 AND b < 2)"));
        assertEquals(q("a <> 1 AND (b = 2 OR c = 3) AND d = false"), q("NOT (a = 1 OR b <> 2 AND c <> 3 OR d)"));
        assertEquals(q("a = 1"), q("NOT NOT a = 1"));
        assertEquals(q("a = 1 OR a = 2"), q("a IN (1, 2)"));
        assertEquals(q("a <> 1 AND a <> 2 AND b"), q("a NOT IN (1, 2) AND b"));
        assertEquals(q("a >= 1 AND a <= b AND c"), q("a BETWEEN 1 AND b AND c"));
        assertEquals(q("a < 1 OR a > 2"), q("a NOT BETWEEN 1 AND 2"));
        assertEquals(q("5 = a"), q("5 IN (a)"));
    }

    private static Expr q(String condition) {
        return query("SELECT * FROM t WHERE " + condition).where().orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "  \n\t", ";", " ; ;", "-- nothing", "/* nothing /* at */ all */"})
    void refusesEmptyText(String sql) {
        assertEquals("Empty SQL query", error(sql));
    }

    @Test
    @Proves("sql.md 1")
    void readsSelect() {
        Statement.Select select = select("select a, x.b as \"c d\", \"e\"\"f\" g FROM \"T\" AS x WHERE x.a >= 5 limit 1e1;");
        assertEquals(
                List.of(
                        new Statement.OutputColumn(new Expr.Column(Optional.empty(), "a"), "a"),
                        new Statement.OutputColumn(new Expr.Column(Optional.of("x"), "b"), "c d"),
                        new Statement.OutputColumn(new Expr.Column(Optional.empty(), "e\"f"), "g")),
                ((Statement.Projection.Columns) select.projection()).columns());
        assertEquals(new Statement.TableRef("T", "x"), select.from().first());
        assertEquals(Optional.of(literal(Expr.Literal.Kind.NUMBER, "1e1")), select.tail().limit());
        assertEquals(
                new Expr.Compare(
                        Operator.GREATER_OR_EQUAL,
                        new Expr.Column(Optional.of("x"), "a"),
                        new Expr.Literal(Expr.Literal.Kind.NUMBER, "5")),
                select.where().orElseThrow());
    }

    @Test
    @Proves("sql.md 5")
    void bindsAndTighterThanOr() {
        Expr expected = new Expr.Or(List.of(
                new Expr.And(List.of(column("a"), column("b"))), column("c"), new Expr.And(List.of(column("d"), column("e")))));
        assertEquals(expected, where("a AND b OR c OR (d) and ((e))"));
        assertEquals(
                new Expr.And(List.of(column("a"), new Expr.Or(List.of(column("b"), column("c"))), column("d"))),
                where("(a AND (b OR c)) AND d"));
    }

    private static Expr.Column column(String name) {
        return new Expr.Column(Optional.empty(), name);
    }

    @Test
    @Proves("sql.md 4")
    void readsLiterals() {
        assertEquals(literal(Expr.Literal.Kind.NUMBER, "-1.5E-2"), right("- 1.5E-2"));
        assertEquals(literal(Expr.Literal.Kind.NUMBER, ".5"), right("+.5"));
        assertEquals(literal(Expr.Literal.Kind.NUMBER, "1."), right("1."));
        assertEquals(literal(Expr.Literal.Kind.STRING, "it's -- no /* comment"), right("'it''s -- no /* comment'"));
        assertEquals(literal(Expr.Literal.Kind.STRING, "line\nbreak\\"), right("'line\nbreak\\'"));
        assertEquals(literal(Expr.Literal.Kind.HEX, "0aF"), right("0x0aF"));
        assertEquals(literal(Expr.Literal.Kind.HEX, "00"), right("x'00'"));
        assertEquals(literal(Expr.Literal.Kind.HEX, ""), right("X''"));
        assertEquals(literal(Expr.Literal.Kind.BOOL, "true"), right("True"));
        assertEquals(new Expr.Sender(), right("(:sender)"));
    }

    private static Expr.Literal literal(Expr.Literal.Kind kind, String text) {
        return new Expr.Literal(kind, text);
    }

    private static Expr.Operand right(String text) {
        return ((Expr.Compare) where("a /* x */ <> -- y\n" + text)).right();
    }

    @Test
    void readsNamespacesAndWordsThatAreNoKeywordsHere() {
        Statement.Select select = select("SELECT count, start, lib.items.order FROM lib.\"items\" WHERE lib.items.value = 1");
        assertEquals("lib.items", select.from().first().name());
        assertEquals(
                new Expr.Column(Optional.of("lib.items"), "order"),
                ((Statement.Projection.Columns) select.projection()).columns().getLast().value());
        assertEquals("user", select("SELECT * FROM user").from().first().name());
        assertEquals("u", select("SELECT * FROM user u WHERE u.name = 'x'").from().first().alias());
    }

    @Test
    @Proves("sql.md 1")
    void readsJoins() {
        Statement.Relation from =
                select("SELECT a.* FROM a CROSS JOIN b INNER JOIN c AS d ON b.x = d.y JOIN e WHERE a.x = 1").from();
        assertEquals(List.of("b", "c", "e"), from.joins().stream().map(j -> j.table().name()).toList());
        assertEquals("Optional[JoinColumns[left=b.x, right=d.y]]", from.joins().get(1).on().toString());
        assertTrue(from.joins().get(2).on().isEmpty());
    }

    @Test
    @Proves("sql.md 1")
    void readsDml() {
        Statement.Insert insert = (Statement.Insert) parse("INSERT INTO t (a, \"b\") VALUES (1, 'x'), (-2, 0xff) ;");
        assertEquals(List.of("a", "b"), insert.columns());
        assertEquals(literal(Expr.Literal.Kind.NUMBER, "-2"), insert.rows().get(1).get(0));
        assertEquals(List.of(), ((Statement.Insert) parse("INSERT INTO t VALUES (1)")).columns());
        Statement.Update update = (Statement.Update) parse("UPDATE t SET a = 1, t.b = 'x' WHERE c");
        assertEquals(List.of("a", "t.b"), update.assignments().stream().map(Statement.Assignment::column).toList());
        assertEquals(Optional.of(column("c")), update.where());
        assertEquals(new Statement.Delete("t", Optional.empty()), parse("delete from t"));
        assertEquals(
                new Statement.SetVariable("row_limit", literal(Expr.Literal.Kind.NUMBER, "5")), parse("SET row_limit TO 5"));
        assertEquals(new Statement.ShowVariable("row_limit"), parse("show row_limit"));
    }

    @Test
    void knowsTheSubscriptionToEverything() {
        assertTrue(Parser.isSelectAll(" select *\nFROM * ; -- all", Limits.DEFAULTS));
        assertFalse(Parser.isSelectAll("SELECT * FROM * WHERE a", Limits.DEFAULTS));
        assertFalse(Parser.isSelectAll("SELECT * FROM \"*\"", Limits.DEFAULTS));
    }

    @Test
    void limitsChainsAndParentheses() {
        assertEquals(1_600, ((Expr.And) where("a" + " AND a".repeat(1_599))).terms().size());
        assertEquals(
                "Recursion limit exceeded, `sql-parser::parse_expr`", error("SELECT * FROM t WHERE a" + " AND a".repeat(1_601)));
        assertEquals(column("a"), where("(".repeat(47) + "a" + ")".repeat(47)));
        assertEquals(
                "sql parser error: recursion limit exceeded",
                error("SELECT * FROM t WHERE " + "(".repeat(48) + "a" + ")".repeat(48)));
        assertEquals(100, ((Expr.And) where("(a)" + " AND (a)".repeat(99))).terms().size());
    }

    @Test
    void limitsTheLengthInBytes() {
        String fits = "SELECT * FROM t WHERE a = '" + "x".repeat(50_000 - 28) + "'";
        assertEquals(50_000, fits.length());
        parse(fits);
        assertEquals("SQL query exceeds maximum allowed length: \"" + fits.substring(0, 120) + "...\"", error(fits + ";"));
        String wide = "SELECT * FROM t WHERE a = '" + "\u00fc".repeat(25_000) + "'";
        assertTrue(error(wide).startsWith("SQL query exceeds maximum allowed length: \"SELECT"), "two bytes a character");
    }

    /** Whatever the text, the answer is a statement or an SQL error, quickly, with a message of moderate length. */
    @Test
    void survivesHostileText() {
        for (String part : List.of(
                "(", ")", "((", "/*", "*/", "--\n", "'", "''", "\"", "\"a", "$", "$$", "$a$", "0x", "x'", "E'\\'", ":", "::", ";",
                ",", "-", "+", "NOT ", "SELECT ", "FROM ", "WHERE ", "a.", "a ", "a=", "a IN (", "1e", "1e9", ".", "\u0000",
                "\ud83d",
                "\ud83d\ude00", "JOIN a ", "CASE ", "COUNT(*)", "BETWEEN 1 ", "LIMIT ", "AND ", "OR (", "VALUES (", "[", "{",
                "\\", "NOT a AND ", "a,", "a DESC,", "1,", "COUNT(", "SUM(a),", "$1", "$1,", "a BETWEEN 1 AND ")) {
            String flood = part.repeat(20_000 / part.length());
            for (String prefix : List.of(
                    "", "SELECT ", "SELECT * FROM t WHERE ", "SELECT * FROM t WHERE a = ", "SELECT * FROM t ",
                    "INSERT INTO t (a) VALUES (", "INSERT INTO t (a) VALUES ", "UPDATE t SET a = ", "DELETE FROM t WHERE ",
                    "SET ", "SELECT * FROM t ORDER BY ", "SELECT a FROM t GROUP BY ", "SELECT a FROM t GROUP BY a HAVING ",
                    "EXPLAIN ", "SELECT * FROM t WHERE a IN (")) {
                survives(prefix + flood);
            }
        }
    }

    @Test
    void survivesMutatedStatements() {
        long seed = Long.getLong("geodesic.seed", new Random().nextLong());
        Random random = new Random(seed);
        List<String> words = List.of(
                "SELECT", "*", "FROM", "t", "WHERE", "a", "=", "1", "'x'", "AND", "OR", "(", ")", ",", ".", "COUNT", "AS",
                "LIMIT",
                ";", "JOIN", "ON", "INSERT", "INTO", "VALUES", "UPDATE", "SET", "DELETE", "NOT", "IN", "NULL", ":sender",
                "0xff", "-",
                "<>", "\"q\"", "SHOW", "BETWEEN", "--", "/*", "*/", "ORDER", "BY", "GROUP", "HAVING",
                "DISTINCT", "SUM", "MIN", "OFFSET", "EXPLAIN", "DESC", "$1", "TO", "row_limit", "CROSS");
        for (int i = 0; i < 20_000; i++) {
            StringBuilder sql = new StringBuilder(random.nextBoolean() ? "SELECT * FROM t WHERE " : "");
            for (int n = random.nextInt(25); n > 0; n--) {
                sql.append(words.get(random.nextInt(words.size()))).append(random.nextInt(4) == 0 ? "" : " ");
            }
            try {
                survives(sql.toString());
            } catch (RuntimeException e) {
                throw new AssertionError(sql + " (-Dgeodesic.seed=" + seed + ")", e);
            }
        }
    }

    private static void survives(String sql) {
        for (Dialect dialect : Dialect.values()) {
            try {
                Parser.parse(sql, dialect, Limits.DEFAULTS);
            } catch (EngineException e) {
                assertEquals(ErrorCode.SQL, e.code());
                assertTrue(e.getMessage().length() < 2_000, () -> "long message: " + e.getMessage().length());
            }
        }
    }
}
