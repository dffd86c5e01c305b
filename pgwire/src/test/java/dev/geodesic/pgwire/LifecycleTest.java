package dev.geodesic.pgwire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The endpoint starts and stops with its server and leaves nothing behind; identities stay with their connections. */
@Proves("sql.md 15")
@Timeout(60)
class LifecycleTest {

    @TempDir
    private Path data;

    @Test
    void stopsEverything() throws Exception {
        try (World world = new World(data)) {
            Set<Thread> threads = ConcurrentHashMap.newKeySet();
            PgServer second = PgServer.start(world.engine, World.options(5), work -> {
                Thread thread = Thread.ofVirtual().unstarted(work);
                threads.add(thread);
                return thread;
            });
            try (RawClient idle = new RawClient(second.port()); RawClient loggingIn = new RawClient(second.port())) {
                loggingIn.startup(3 << 16, "user", "me", "database", "golden");
                assertEquals('R', loggingIn.read().type());
                assertTrue(threads.size() >= 3, threads.toString());
                int port = second.port();
                second.close();
                second.close();
                idle.end();
                loggingIn.end();
                for (Thread thread : threads) {
                    thread.join(10_000);
                    assertTrue(!thread.isAlive(), thread.toString());
                }
                assertEquals(0, second.connectionCount());
                assertThrows(IOException.class, () -> new RawClient(port).close());
            }
            // The address of the first one is taken.
            PgOptions taken = new PgOptions(
                    new InetSocketAddress("127.0.0.1", world.endpoint.port()), Optional.empty(), false, 1, 1,
                    PgOptions.Times.DEFAULTS);
            UncheckedIOException e = assertThrows(
                    UncheckedIOException.class, () -> PgServer.start(world.engine, taken, Thread.ofVirtual().factory()));
            assertTrue(e.getMessage().contains(String.valueOf(world.endpoint.port())), e.getMessage());
        }
    }

    /** Whoever logs in later elsewhere changes nothing for those who are there (spec/sql.md 15, flaw not to copy). */
    @Test
    void identitiesStayWithTheirConnections() throws IOException {
        try (World world = new World(data);
                RawClient owner = RawClient.loggedIn(world, world.owner.token());
                RawClient other = RawClient.loggedIn(world, world.other.token())) {
            assertEquals("TDCZ", owner.query("SELECT * FROM secret").types());
            assertEquals("EZ", other.query("SELECT * FROM secret").types());
            assertEquals("TDCZ", owner.query("SELECT * FROM secret").types());
            assertEquals("EZ", other.query("DELETE FROM secret").types());
            List<RawClient.Message> inserted = owner.query("INSERT INTO secret (id, text) VALUES (2, 'x')").until('Z');
            assertTrue(inserted.getFirst().text().matches("inserted: 1, server: [0-9]+\\.[0-9]{2}(µs|ms|s)\0"),
                    inserted.getFirst().text());
            owner.query("DELETE FROM secret WHERE id = 99");
            assertTrue(owner.until('Z').getFirst().text().startsWith("deleted: 0, server: "));
        }
    }

    /** What clients are told at the login (spec/sql.md 15). */
    @Test
    void tellsItsParameters() throws IOException {
        try (World world = new World(data); RawClient client = new RawClient(world.endpoint.port())) {
            client.startup(3 << 16, "user", "me", "database", "golden");
            assertEquals("\0\0\0\3", client.read().text());
            client.send('p', RawClient.bytes(world.owner.token() + "\0"));
            List<String> login = client.until('Z').stream()
                    .map(m -> m.type() + m.text().replace('\0', ' ').strip()).toList();
            assertEquals(List.of(
                    "R", "Sserver_version spacetime 2.8.3", "Sserver_version_num 150000", "Sserver_encoding UTF8",
                    "Sclient_encoding UTF8", "SDateStyle ISO, YMD", "SIntervalStyle postgres", "STimeZone Etc/UTC",
                    "Sinteger_datetimes on", "Sstandard_conforming_strings on", "Sis_superuser on", "Sin_hot_standby off",
                    "Sdefault_transaction_read_only off", "Ssearch_path public", "Ssession_authorization me", "K", "ZI"), login);
        }
    }

    @Test
    void keepsVariablesOfTheSession() throws IOException {
        try (World world = new World(data); RawClient client = RawClient.loggedIn(world, world.owner.token())) {
            assertEquals("CZ", client.query("SET extra_float_digits = 3").types());
            assertEquals("CZ", client.query("SET SESSION my.own TO 'some value'").types());
            client.query("SHOW my.own");
            assertTrue(client.until('Z').get(1).text().endsWith("some value"));
            assertEquals("SCZ", client.query("SET search_path TO elsewhere").types());
            assertEquals("SCZ", client.query("RESET ALL").types());
            client.query("SET client_encoding TO 'LATIN1'");
            assertEquals("ERROR 22023 client_encoding cannot be LATIN1: only UTF8", client.error());
            client.until('Z');
            client.query("SHOW nothing");
            assertEquals("ERROR 42704 unrecognized configuration parameter \"nothing\"", client.error());
            client.until('Z');
            client.query("SHOW TRANSACTION ISOLATION LEVEL");
            assertTrue(client.until('Z').get(1).text().endsWith("read committed"));
            assertEquals("TCZ", client.query("SHOW row_limit").types());
        }
    }
}
