package dev.geodesic.pgwire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Proves;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.HexFormat;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.util.PGInterval;

/** The JDBC driver as it is: parse, bind, describe, execute; with values as text and in binary form. */
@Proves("sql.md 15")
class ExtendedQueryTest {

    /** Binary at once, binary after some runs (the driver's way), never binary. */
    private static final String BINARY = "prepareThreshold=-1&sslmode=disable";
    private static final String TEXT = "binaryTransfer=false&sslmode=disable";

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

    @ParameterizedTest
    @ValueSource(strings = {BINARY, TEXT})
    void scalars(String parameters) throws SQLException {
        try (Connection c = world.connect(world.owner, parameters);
                PreparedStatement s = c.prepareStatement(
                        "SELECT * FROM scalars WHERE n_u_8 = ? AND b = ? AND s = ? AND f_32 = ?")) {
            s.setInt(1, 255);
            s.setBoolean(2, true);
            s.setString(3, "it's \"q\" ü");
            s.setFloat(4, 1.5f);
            for (int run = 0; run < 7; run++) {
                try (ResultSet row = s.executeQuery()) {
                    assertTrue(row.next(), "run " + run);
                    assertTrue(row.getBoolean("b"));
                    assertEquals(255, row.getInt("n_u_8"));
                    assertEquals(-128, row.getInt("n_i_8"));
                    assertEquals(65_535, row.getInt("n_u_16"));
                    assertEquals(-32_768, row.getShort("n_i_16"));
                    assertEquals(4_294_967_295L, row.getLong("n_u_32"));
                    assertEquals(Integer.MIN_VALUE, row.getInt("n_i_32"));
                    assertEquals(new BigDecimal("18446744073709551615"), row.getBigDecimal("n_u_64"));
                    assertEquals(Long.MIN_VALUE, row.getLong("n_i_64"));
                    assertEquals(new BigDecimal("340282366920938463463374607431768211455"), row.getBigDecimal("n_u_128"));
                    assertEquals(new BigDecimal("-170141183460469231731687303715884105728"), row.getBigDecimal("n_i_128"));
                    assertEquals(1.5f, row.getFloat("f_32"));
                    assertEquals(-0.0, row.getDouble("f_64"));
                    assertEquals("it's \"q\" ü", row.getString("s"));
                    assertFalse(row.next());
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {BINARY, TEXT})
    void specialTypes(String parameters) throws SQLException {
        try (Connection c = world.connect(world.owner, parameters);
                PreparedStatement s = c.prepareStatement(
                        "SELECT * FROM specials WHERE id = ? AND at > ? AND uuid = ? AND ident = ?")) {
            s.setInt(1, 1);
            s.setTimestamp(2, Timestamp.from(Instant.parse("2023-11-14T22:13:20Z")));
            s.setObject(3, new UUID(0, 3));
            s.setBytes(4, HexFormat.of().parseHex(world.owner.claims().identity().toHex()));
            for (int run = 0; run < 7; run++) {
                try (ResultSet row = s.executeQuery()) {
                    assertTrue(row.next(), "run " + run);
                    assertArrayEquals(
                            HexFormat.of().parseHex(world.owner.claims().identity().toHex()), row.getBytes("ident"));
                    assertEquals(16, row.getBytes("conn").length);
                    assertEquals(Instant.parse("2023-11-14T22:13:20.123456Z"),
                            row.getObject("at", LocalDateTime.class).toInstant(ZoneOffset.UTC));
                    assertEquals(new UUID(0, 3), row.getObject("uuid"));
                    assertEquals(-5, Math.round(((PGInterval) row.getObject("dur")).getSeconds() * 1e6));
                    assertEquals("{\"Interval\": {\"__time_duration_micros__\": \"PT0.000007S\"}}", row.getString("sched"));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {BINARY, TEXT})
    void arraysAndCompounds(String parameters) throws SQLException {
        try (Connection c = world.connect(world.owner, parameters);
                PreparedStatement s = c.prepareStatement("SELECT * FROM compounds WHERE id = ?")) {
            s.setLong(1, 1);
            for (int run = 0; run < 7; run++) {
                try (ResultSet row = s.executeQuery()) {
                    assertTrue(row.next(), "run " + run);
                    assertArrayEquals(new Object[] {1, -2}, (Object[]) row.getArray("nums").getArray());
                    assertArrayEquals(new Object[] {"a", "b c"}, (Object[]) row.getArray("words").getArray());
                    assertArrayEquals(new byte[] {0, -1}, row.getBytes("bytes"));
                    assertEquals("darkBlue", row.getString("color"));
                    assertEquals("{\"x\": 5, \"y\": 6}", row.getString("point"));
                    assertEquals("{\"some\": \"t\"}", row.getString("opt_text"));
                    assertEquals("{\"none\": {}}", row.getString("opt_num"));
                    assertEquals("{\"err\": \"bad\"}", row.getString("res"));
                    assertEquals("{\"box\": {\"top_left\": {\"x\": 1, \"y\": 2}, \"size_2_d\": {\"x\": 3, \"y\": 4}}}",
                            row.getString("shape"));
                }
            }
        }
    }

    @Test
    void describesWithoutRunning() throws SQLException {
        try (Connection c = world.connect(world.owner, BINARY);
                PreparedStatement s = c.prepareStatement(
                        "SELECT name, active AS on_duty FROM member WHERE id = ? AND team_id = ?")) {
            ResultSetMetaData columns = s.getMetaData();
            assertEquals("name varchar on_duty bool", columns.getColumnName(1) + " " + columns.getColumnTypeName(1) + " "
                    + columns.getColumnName(2) + " " + columns.getColumnTypeName(2));
            ParameterMetaData parameters = s.getParameterMetaData();
            assertEquals(2, parameters.getParameterCount());
            assertEquals("int8", parameters.getParameterTypeName(1));
        }
    }

    @Test
    void writesAndCounts() throws SQLException {
        try (Connection c = world.connect(world.owner, BINARY);
                PreparedStatement insert = c.prepareStatement("INSERT INTO team (id, name) VALUES (?, ?)");
                PreparedStatement update = c.prepareStatement("UPDATE team SET name = ? WHERE id >= ?");
                PreparedStatement delete = c.prepareStatement("DELETE FROM team WHERE name = ?")) {
            for (int i = 100; i < 103; i++) {
                insert.setInt(1, i);
                insert.setString(2, "'); DELETE FROM member; -- $1");
                insert.addBatch();
            }
            assertArrayEquals(new int[] {1, 1, 1}, insert.executeBatch());
            update.setString(1, "x");
            update.setInt(2, 101);
            assertEquals(2, update.executeUpdate());
            delete.setString(1, "x");
            assertEquals(2, delete.executeUpdate());
            delete.setString(1, "'); DELETE FROM member; -- $1");
            assertEquals(1, delete.executeUpdate());
            SQLException e = assertThrows(SQLException.class, () -> {
                delete.setNull(1, Types.VARCHAR);
                delete.executeUpdate();
            });
            assertTrue(e.getMessage().contains("(Sql) "), e.getMessage());
        }
    }

    /** Rows come in portions from a portal that stays open. */
    @Test
    void fetchesInPortions() throws SQLException {
        try (Connection c = world.connect(world.owner, BINARY)) {
            c.setAutoCommit(false);
            try (PreparedStatement s = c.prepareStatement("SELECT name FROM member")) {
                s.setFetchSize(2);
                try (ResultSet rows = s.executeQuery()) {
                    int count = 0;
                    while (rows.next()) {
                        count++;
                    }
                    assertEquals(3, count);
                }
            }
            c.commit();
        }
    }

    /** A block is no transaction here: writes in it are refused, clearly, and nothing is written. */
    @ParameterizedTest
    @ValueSource(strings = {BINARY, "preferQueryMode=simple&sslmode=disable"})
    void refusesWritesInBlocks(String parameters) throws SQLException {
        try (Connection c = world.connect(world.owner, parameters); Statement s = c.createStatement()) {
            c.setAutoCommit(false);
            assertTrue(s.executeQuery("SELECT * FROM member").next());
            SQLException e = assertThrows(SQLException.class, () -> s.executeUpdate("DELETE FROM member"));
            assertEquals("0A000", e.getSQLState());
            assertTrue(e.getMessage().contains("autocommit"), e.getMessage());
            assertEquals("25P02", assertThrows(SQLException.class, () -> s.executeQuery("SELECT * FROM member")).getSQLState());
            c.rollback();
            c.setAutoCommit(true);
            assertTrue(s.executeQuery("SELECT * FROM member").next());
        }
    }

    @Test
    void errorsLeaveTheConnection() throws SQLException {
        try (Connection c = world.connect(world.other, BINARY)) {
            for (int run = 0; run < 3; run++) {
                try (PreparedStatement s = c.prepareStatement("SELECT * FROM secret WHERE id = ?")) {
                    s.setInt(1, 1);
                    SQLException e = assertThrows(SQLException.class, s::executeQuery);
                    assertTrue(e.getMessage().startsWith("ERROR: (Sql) no such table: `secret`"), e.getMessage());
                }
                try (PreparedStatement s = c.prepareStatement("DELETE FROM member WHERE id = ?")) {
                    s.setInt(1, 1);
                    SQLException e = assertThrows(SQLException.class, s::executeUpdate);
                    assertTrue(e.getMessage().contains("is not authorized to run SQL DML statements"), e.getMessage());
                }
                try (PreparedStatement s = c.prepareStatement("SELECT * FROM member WHERE id = ?")) {
                    s.setInt(1, 1);
                    assertTrue(s.executeQuery().next());
                }
            }
        }
    }
}
