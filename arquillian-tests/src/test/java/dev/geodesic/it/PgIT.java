package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.geodesic.testkit.Proves;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.container.test.api.RunAsClient;
import org.jboss.arquillian.junit5.ArquillianExtension;
import org.jboss.shrinkwrap.api.spec.EnterpriseArchive;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The PostgreSQL JDBC driver and psql, as they are, against the deployed EAR. */
@ExtendWith(ArquillianExtension.class)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
@Proves("sql.md 15")
class PgIT {

    private static final String PORT = System.getProperty("test.pg.port");
    private static final String KITCHEN = "modules/v2/kitchen_v2.wasm";
    private static final List<String> MODES =
            List.of("sslmode=require", "sslmode=disable", "sslmode=disable&preferQueryMode=simple");

    @Deployment
    static EnterpriseArchive ear() {
        return Ear.with(PgIT.class);
    }

    private static Connection connect(String database, String token, String parameters) throws SQLException {
        Properties login = new Properties();
        login.setProperty("user", "somebody");
        login.setProperty("password", token);
        return DriverManager.getConnection("jdbc:postgresql://localhost:" + PORT + "/" + database + "?" + parameters, login);
    }

    @Test
    @RunAsClient
    void driverReadsWritesAndLearnsTheSchema() throws Exception {
        try (Http http = new Http()) {
            Http.Caller owner = http.newCaller();
            Http.Caller other = http.newCaller();
            String name = http.newDatabase(owner, KITCHEN);
            for (String mode : MODES) {
                try (Connection c = connect(name, owner.token(), mode); Statement s = c.createStatement()) {
                    s.executeUpdate("DELETE FROM team");
                    s.executeUpdate("INSERT INTO team (id, name) VALUES (7, 'it''s')");
                    boolean simple = mode.contains("simple");
                    try (PreparedStatement read = c.prepareStatement(
                            "SELECT name, id FROM team WHERE id = " + (simple ? "7" : "?"))) {
                        if (!simple) {
                            read.setInt(1, 7);
                        }
                        try (ResultSet row = read.executeQuery()) {
                            assertTrue(row.next(), mode);
                            assertEquals("it's 7", row.getString(1) + " " + row.getInt(2), mode);
                            assertFalse(row.next(), mode);
                        }
                    }
                    try (ResultSet tables = c.getMetaData().getTables(null, "public", "team", null)) {
                        assertTrue(tables.next(), mode);
                    }
                    SQLException e = assertThrows(SQLException.class, () -> s.executeQuery("SELECT * FROM nothing"), mode);
                    assertTrue(e.getMessage().startsWith("ERROR: (Sql) no such table: `nothing`."), e.getMessage());
                }
                try (Connection c = connect(name, other.token(), mode); Statement s = c.createStatement()) {
                    assertTrue(s.executeQuery("SELECT * FROM team").next(), mode);
                    SQLException e = assertThrows(SQLException.class, () -> s.executeUpdate("DELETE FROM team"), mode);
                    assertTrue(e.getMessage().contains("is not authorized to run SQL DML statements"), e.getMessage());
                }
            }
            assertEquals("28P01", assertThrows(
                    SQLException.class, () -> connect(name, "no token", MODES.getFirst())).getSQLState());
            assertEquals("3D000", assertThrows(
                    SQLException.class, () -> connect("no-such-database", owner.token(), MODES.getFirst())).getSQLState());
        }
    }

    @Test
    @RunAsClient
    void psqlListsAndQueries() throws Exception {
        if (Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .map(directory -> Path.of(directory, "psql")).noneMatch(Files::isExecutable)) {
            missing("psql");
        }
        try (Http http = new Http()) {
            Http.Caller owner = http.newCaller();
            String name = http.newDatabase(owner, KITCHEN);
            for (String tls : List.of("require", "disable")) {
                Answer tables = psql(name, owner.token(), tls, "\\dt");
                assertTrue(tables.output().contains("public|team|table|" + owner.identity()), tables.output());
                Answer columns = psql(name, owner.token(), tls, "\\d team");
                assertTrue(columns.output().contains("id|bigint||not null|"), columns.output());
                assertTrue(columns.output().contains("PRIMARY KEY, btree (id)"), columns.output());
                Answer inserted = psql(name, owner.token(), tls, "INSERT INTO team (id, name) VALUES (9, 'x')");
                assertTrue(inserted.output().matches("inserted: [01], server: [0-9.]+(µs|ms|s)\\s*"), inserted.output());
                Answer rows = psql(name, owner.token(), tls, "SELECT id, name FROM team WHERE id = 9");
                assertEquals("id|name\n9|x\n(1 row)\n", rows.output());
                Answer error = psql(name, owner.token(), tls, "SELECT * FROM nothing");
                assertEquals(1, error.code());
                assertTrue(error.output().contains("ERROR:  (Sql) no such table: `nothing`."), error.output());
            }
            Answer refused = psql(name, "no token", "disable", "SELECT 1");
            assertEquals(2, refused.code());
            assertTrue(refused.output().contains("FATAL:  Invalid token: InvalidToken"), refused.output());
        }
    }

    private record Answer(int code, String output) {
    }

    /** Unaligned output, errors with it. */
    private static Answer psql(String database, String token, String tls, String command)
            throws IOException, InterruptedException {
        ProcessBuilder psql = new ProcessBuilder(
                "psql", "-X", "-A", "-h", "localhost", "-p", PORT, "-U", "somebody", "-c", command, database)
                .redirectErrorStream(true);
        psql.environment().put("PGPASSWORD", token);
        psql.environment().put("PGSSLMODE", tls);
        psql.environment().put("PGCONNECT_TIMEOUT", "20");
        psql.environment().put("PGCLIENTENCODING", "UTF8");
        Process process = psql.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Answer(process.waitFor(), output);
    }

    /** Skips the test; in CI, where everything must be there, fails it. */
    private static void missing(String what) {
        if (Boolean.getBoolean("geodesic.ci")) {
            fail("missing: " + what);
        }
        System.getLogger(PgIT.class.getName()).log(System.Logger.Level.WARNING, "skipped, missing: " + what);
        abort("missing: " + what);
    }
}
