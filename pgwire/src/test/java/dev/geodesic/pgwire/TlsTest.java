package dev.geodesic.pgwire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** TLS in the way of PostgreSQL: asked for in the clear, then a handshake. */
@Proves("sql.md 15")
@Timeout(60)
class TlsTest {

    private static final int SSL_REQUEST = 80_877_103;
    private static final char[] PASSWORD = "geodesic".toCharArray();

    @TempDir
    private static Path keys;
    @TempDir
    private static Path data;
    private static Path key;
    private static World world;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        key = keys.resolve("key.p12");
        Process keytool = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), "-genkeypair", "-keystore", key.toString(),
                "-storetype", "PKCS12", "-storepass", new String(PASSWORD), "-alias", "test", "-keyalg", "EC",
                "-dname", "CN=localhost")
                .redirectErrorStream(true).start();
        String output = new String(keytool.getInputStream().readAllBytes());
        assertEquals(0, keytool.waitFor(), output);
        world = new World(data, options(false));
    }

    private static PgOptions options(boolean required) {
        return new PgOptions(
                new InetSocketAddress("127.0.0.1", 0), Optional.of(Tls.of(key, PASSWORD)), required, 10, 64 << 20,
                new PgOptions.Times(3_000, 3_000, 3_000, 30_000));
    }

    @AfterAll
    static void stop() {
        world.close();
    }

    @Test
    void driverConnectsWithTlsAndWithout() throws SQLException {
        for (String mode : new String[] {"require", "prefer", "disable"}) {
            try (Connection c = world.connect(world.owner, "sslmode=" + mode); Statement s = c.createStatement()) {
                assertTrue(s.executeQuery("SELECT * FROM member").next(), mode);
            }
        }
    }

    @Test
    void turnsAwayClientsWithoutTlsIfItIsRequired() throws IOException {
        try (PgServer strict = PgServer.start(world.engine, options(true), Thread.ofVirtual().factory());
                RawClient client = new RawClient(strict.port())) {
            client.startup(3 << 16, "user", "me", "database", "golden");
            assertEquals("FATAL 28000 TLS is required: connect with sslmode=require", client.error());
            client.end();
        }
        assertThrows(IllegalArgumentException.class, () -> new PgOptions(
                new InetSocketAddress(0), Optional.empty(), true, 1, 1, PgOptions.Times.DEFAULTS));
    }

    /** What comes in the clear behind the request must not be taken for what was encrypted. */
    @Test
    void takesNothingInTheClearAfterTheRequest() throws IOException {
        try (RawClient client = new RawClient(world.endpoint.port())) {
            client.out.writeInt(8);
            client.out.writeInt(SSL_REQUEST);
            client.startup(3 << 16, "user", "me", "database", "golden");
            assertEquals('S', client.in.read());
            client.end();
        }
        try (RawClient client = new RawClient(world.endpoint.port())) {
            client.request(SSL_REQUEST);
            assertEquals('S', client.in.read());
            // No handshake: the time to log in ends it.
            client.end();
        }
    }

    @Test
    void refusesKeyStoresThatCannotBeUsed() throws IOException {
        assertThrows(IllegalArgumentException.class, () -> Tls.of(key, "wrong".toCharArray()));
        Path text = Files.writeString(keys.resolve("text.p12"), "no key");
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> Tls.of(text, PASSWORD));
        assertTrue(e.getMessage().contains("text.p12"), e.getMessage());
    }
}
