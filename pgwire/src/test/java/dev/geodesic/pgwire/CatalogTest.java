package dev.geodesic.pgwire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What tools ask about the catalogue: the JDBC driver's metadata, and queries as such. */
@Proves("sql.md 15")
class CatalogTest {

    private static final String PLAIN = "sslmode=disable";

    @TempDir
    private static Path data;
    private static World world;

    @BeforeAll
    static void start() {
        world = new World(data);
    }

    @AfterAll
    static void stop() {
        world.close();
    }

    /** Some columns of all rows, joined by blanks. */
    private static List<String> rows(ResultSet rows, String... columns) throws SQLException {
        List<String> all = new ArrayList<>();
        try (rows) {
            while (rows.next()) {
                List<String> row = new ArrayList<>();
                for (String column : columns) {
                    row.add(rows.getString(column));
                }
                all.add(String.join(" ", row));
            }
        }
        return all;
    }

    private static String columnType(DatabaseMetaData meta, String column) {
        try {
            return String.join(",", rows(meta.getColumns(null, null, "compounds", column), "COLUMN_NAME", "TYPE_NAME"));
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static String query(String sql, Object... parameters) throws SQLException {
        try (Connection c = world.connect(world.owner, PLAIN); PreparedStatement s = c.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                s.setObject(i + 1, parameters[i]);
            }
            List<String> all = new ArrayList<>();
            try (ResultSet rows = s.executeQuery()) {
                while (rows.next()) {
                    List<String> row = new ArrayList<>();
                    for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                        row.add(String.valueOf(rows.getString(i)));
                    }
                    all.add(String.join("|", row));
                }
            }
            return String.join("; ", all);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sslmode=disable", "sslmode=disable&preferQueryMode=simple"})
    void driverListsTablesAndColumns(String mode) throws SQLException {
        try (Connection c = world.connect(world.owner, mode)) {
            DatabaseMetaData meta = c.getMetaData();
            assertEquals(List.of("public member TABLE"),
                    rows(meta.getTables(null, "public", "membe_", null), "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE"));
            assertEquals(List.of("member TABLE", "active_members VIEW", "red_members VIEW"),
                    rows(meta.getTables(null, null, "%member%", new String[] {"TABLE", "VIEW"}), "TABLE_NAME", "TABLE_TYPE"));
            assertEquals(List.of("id 1 -5 int8 0", "team_id 2 -5 int8 0", "name 3 12 varchar 0", "active 4 -7 bool 0"),
                    rows(meta.getColumns(null, "public", "member", null),
                            "COLUMN_NAME", "ORDINAL_POSITION", "DATA_TYPE", "TYPE_NAME", "NULLABLE"));
            assertEquals(List.of("nested _bytea", "nums _int4", "points anyarray", "words _varchar"),
                    Stream.of("nested", "nums", "points", "words")
                    .map(column -> columnType(meta, column)).toList());
            assertTrue(rows(meta.getSchemas(), "TABLE_SCHEM").contains("public"));
            assertTrue(rows(meta.getTypeInfo(), "TYPE_NAME").contains("timestamp"));
            assertEquals(List.of("golden"), rows(meta.getCatalogs(), "TABLE_CAT"));
        }
    }

    @Test
    void driverFindsKeysAndIndexes() throws SQLException {
        try (Connection c = world.connect(world.other, PLAIN)) {
            DatabaseMetaData meta = c.getMetaData();
            assertEquals(List.of("id 1 member_id_idx_btree"),
                    rows(meta.getPrimaryKeys(null, "public", "member"), "COLUMN_NAME", "KEY_SEQ", "PK_NAME"));
            assertEquals(List.of(
                            "f player_score_2_d_nick_name_idx_btree 1 nick_name",
                            "f player_score_2_d_player_id_idx_btree 1 player_id",
                            "f player_score_2_d_slot_1_idx_direct 1 slot_1", "t player_score_2_d_team_id_idx_hash 1 team_id",
                            "t player_score_2_d_level_idx_btree 1 level",
                            "t player_score_2_d_team_id_level_idx_btree 1 team_id",
                            "t player_score_2_d_team_id_level_idx_btree 2 level"),
                    rows(meta.getIndexInfo(null, "public", "player_score_2_d", false, false),
                            "NON_UNIQUE", "INDEX_NAME", "ORDINAL_POSITION", "COLUMN_NAME"));
            assertEquals(List.of(), rows(meta.getImportedKeys(null, null, "member"), "PK_NAME"));
        }
    }

    /** Others learn nothing of private tables. */
    @Test
    void othersSeePublicTables() throws SQLException {
        try (Connection owner = world.connect(world.owner, PLAIN); Connection other = world.connect(world.other, PLAIN)) {
            assertEquals(List.of("secret"), rows(owner.getMetaData().getTables(null, null, "secret", null), "TABLE_NAME"));
            assertEquals(List.of(), rows(other.getMetaData().getTables(null, null, "secret", null), "TABLE_NAME"));
            assertEquals(List.of(), rows(other.getMetaData().getColumns(null, null, "secret", null), "TABLE_NAME"));
            try (Statement s = other.createStatement();
                    ResultSet rows = s.executeQuery("SELECT relname FROM pg_class WHERE relname LIKE 'secret%'")) {
                assertFalse(rows.next());
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '#', textBlock = """
            SELECT 1 # 1
            SELECT current_database(), current_schema(), 1 + 2 * 3 # golden|public|7
            SELECT 'a' || NULL IS NULL, NOT NULL AND false, NULL OR true, 1 IN (2, NULL) # t|f|t|null
            SELECT CASE 2 WHEN 1 THEN 'x' WHEN 2 THEN 'y' END, coalesce(NULL, 'z'), nullif('a', 'a') # y|z|null
            SELECT relname FROM pg_class WHERE relname ~ '^(te|membe)' AND relkind = 'r' ORDER BY 1 DESC # team; member
            SELECT t.n FROM (SELECT 5 AS n) AS t, pg_am a WHERE t.n BETWEEN 4 AND 6 AND a.amname = 'hash' # 5
            SELECT a.amname FROM pg_am a JOIN (SELECT 'hash' AS amname) b USING (amname) # hash
            SELECT n.nspname FROM pg_namespace n WHERE EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid \
                    AND c.relname = 'team') # public
            SELECT ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = 'team'::regclass ORDER BY attnum) # {id,name}
            SELECT attrelid::regclass, attnum FROM pg_catalog.pg_attribute WHERE attrelid = 'team'::regclass LIMIT 1 # team|1
            SELECT 1 UNION SELECT 1 UNION ALL SELECT 2 ORDER BY 1 # 1; 2
            SELECT c.relname, d.description FROM pg_class c LEFT JOIN pg_description d ON d.objoid = c.oid \
                    WHERE c.relname = 'team' # team|null
            SELECT (information_schema._pg_expandarray(i.indkey)).n, row_number() OVER (ORDER BY indexrelid) FROM pg_index i \
                    JOIN pg_class c ON c.oid = indexrelid WHERE c.relname = 'player_score_2_d_team_id_level_idx_btree' # 1|1; 2|1
            SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name = 'note' # note
            SELECT trim(both '"' from '"x"'), 'abc' LIKE 'a%', 'x' = ANY (ARRAY['x','y']), substring('abc', 2, 1) # x|t|t|b
            """)
    void evaluates(String sql, String expected) throws SQLException {
        assertEquals(expected, query(sql));
    }

    @Test
    void takesParameters() throws SQLException {
        assertEquals("team", query(
                "SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relname = ? AND c.relnatts = ?", "team", 2));
    }

    /** Errors are clear, and no query keeps a thread. */
    @ParameterizedTest
    @CsvSource(delimiter = '#', textBlock = """
            SELECT * FROM pg_catalog.pg_nothing # is not in the catalogue
            SELECT nothing FROM pg_class # column "nothing" does not exist
            SELECT pg_sleep(10) FROM pg_class # function pg_sleep is not supported
            SELECT relkind, count(*) FROM pg_class GROUP BY relkind # GROUP is not supported
            SELECT 1 FROM pg_class WHERE ( # syntax error at end of input
            SELECT 1 FROM pg_class a, pg_class b, pg_class c, pg_class d, pg_class e # too much work
            SELECT 1 FROM pg_class WHERE repeat('a', 9) = '' # function repeat is not supported
            SELECT 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' ~ '(x+x+)+\\1y' # too much work
            SELECT 'x' ~ '(' # invalid regular expression
            SELECT 1 / 0 # division by zero
            """)
    void refuses(String sql, String message) {
        SQLException e = assertTimeoutPreemptively(
                Duration.ofSeconds(20), () -> assertThrows(SQLException.class, () -> query(sql)));
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    @Test
    void nestingIsLimited() {
        String deep = "SELECT " + "(".repeat(5_000) + "1" + ")".repeat(5_000);
        assertTrue(assertThrows(SQLException.class, () -> query(deep)).getMessage().contains("nested")
                || assertThrows(SQLException.class, () -> query(deep)).getMessage().contains("(Sql)"));
        String inCatalog = "SELECT 1 FROM pg_class WHERE " + "NOT ".repeat(5_000) + "true";
        assertTrue(assertThrows(SQLException.class, () -> query(inCatalog)).getMessage().contains("nested deeper"));
    }
}
