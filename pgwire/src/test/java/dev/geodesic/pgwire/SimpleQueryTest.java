package dev.geodesic.pgwire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The JDBC driver in simple mode: one query message for one statement. */
@Proves("sql.md 15")
class SimpleQueryTest {

    private static final String SIMPLE = "preferQueryMode=simple&sslmode=disable";

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

    /** Column to {@code type text}. */
    private static Map<String, String> row(String sql) throws SQLException {
        try (Connection c = world.connect(world.owner, SIMPLE); Statement s = c.createStatement();
                ResultSet rows = s.executeQuery(sql)) {
            ResultSetMetaData meta = rows.getMetaData();
            assertTrue(rows.next());
            Map<String, String> values = new LinkedHashMap<>();
            for (int i = 1; i <= meta.getColumnCount(); i++) {
                values.put(meta.getColumnName(i), meta.getColumnTypeName(i) + " " + rows.getString(i));
            }
            assertFalse(rows.next());
            return values;
        }
    }

    @Test
    void scalarsHaveTheTypesOfTheTable() throws SQLException {
        assertEquals("""
                {id=numeric 1, b=bool t, n_u_8=int2 255, n_i_8=int2 -128, n_u_16=int4 65535, n_i_16=int2 -32768, \
                n_u_32=int8 4294967295, n_i_32=int4 -2147483648, n_u_64=numeric 18446744073709551615, \
                n_i_64=int8 -9223372036854775808, n_u_128=numeric 340282366920938463463374607431768211455, \
                n_i_128=numeric -170141183460469231731687303715884105728, \
                n_u_256=numeric 115792089237316195423570985008687907853269984665640564039457584007913129639935, \
                n_i_256=numeric -57896044618658097711785492504343953926634992332820282019728792003956564819967, \
                f_32=float4 1.5, f_64=float8 -0, s=varchar it's "q" ü}""",
                row("SELECT * FROM scalars").toString());
    }

    @Test
    void errorsLeaveTheConnection() throws SQLException {
        try (Connection c = world.connect(world.other, SIMPLE); Statement s = c.createStatement()) {
            SQLException e = assertThrows(SQLException.class, () -> s.executeQuery("SELECT * FROM secret"));
            assertEquals("XX000", e.getSQLState());
            assertEquals("ERROR: (Sql) no such table: `secret`. If the table exists, it may be marked private.",
                    e.getMessage());
            assertTrue(s.executeQuery("SELECT * FROM member").next());
        }
    }

    /** The driver writes values into the text here, as quoted text with a cast; they are bound, whatever is in them. */
    @Test
    void bindsValues() throws SQLException {
        try (Connection c = world.connect(world.owner, SIMPLE);
                PreparedStatement insert = c.prepareStatement("INSERT INTO team (id, name) VALUES (?, 'it''s')");
                PreparedStatement read = c.prepareStatement("SELECT name FROM member WHERE id = ? AND active = ?")) {
            insert.setInt(1, 55);
            insert.executeUpdate();
            assertEquals("it's", row("SELECT name FROM team WHERE id = 55").get("name").substring("varchar ".length()));
            read.setInt(1, 1);
            read.setBoolean(2, true);
            try (ResultSet rows = read.executeQuery()) {
                assertTrue(rows.next());
                assertEquals("ann", rows.getString(1));
            }
        }
    }
}
