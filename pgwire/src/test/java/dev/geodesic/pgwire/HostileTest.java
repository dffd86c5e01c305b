package dev.geodesic.pgwire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Messages that are none, clients that are slow or many: each is refused or cut off, and nothing stays behind. */
@Proves("sql.md 15")
@Timeout(60)
class HostileTest {

    private static final int VERSION_3 = 3 << 16;
    private static final int SSL_REQUEST = 80_877_103;
    private static final int GSS_REQUEST = 80_877_104;
    private static final int CANCEL_REQUEST = 80_877_102;
    private static final int CONNECTIONS_MAX = 8;
    private static final long RETAINED_MAX = 4 << 20;

    @TempDir
    private static Path data;
    private static World world;

    @BeforeAll
    static void start() {
        world = new World(data, World.options(CONNECTIONS_MAX, RETAINED_MAX, new PgOptions.Times(1_500, 1_500, 1_500, 5_000)));
    }

    @AfterAll
    static void stop() {
        world.close();
    }

    @AfterEach
    void nothingStaysBehind() throws InterruptedException {
        Await.until("connections stay", () -> world.endpoint.connectionCount() == 0);
        assertEquals(0, world.endpoint.retainedBytes());
    }

    private static RawClient open() throws IOException {
        return new RawClient(world.endpoint.port());
    }

    private static RawClient loggedIn() throws IOException {
        return RawClient.loggedIn(world, world.owner.token());
    }

    // ---- before the login ----

    @Test
    void refusesWhatIsNoStartup() throws IOException {
        for (int length : new int[] {-1, 0, 3, 7, 10_005, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            try (RawClient client = open()) {
                client.out.writeInt(length);
                client.out.writeInt(VERSION_3);
                client.out.flush();
                client.socket.shutdownOutput();
                client.end();
            }
        }
        try (RawClient client = open()) {
            client.out.write(RawClient.bytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            assertEquals("FATAL 54000", client.error().substring(0, 11));
            client.end();
        }
        try (RawClient client = open()) {
            client.startup(2 << 16, "user", "me");
            assertEquals("FATAL 0A000 unsupported frontend protocol 2.0: the server has 3.0", client.error());
        }
        try (RawClient client = open()) {
            client.startup(VERSION_3, "user", "me");
            assertEquals("ERROR XX000 Database name is required", client.error());
            client.end();
        }
        try (RawClient client = open()) {
            // A name without a value, and no end.
            client.out.writeInt(12);
            client.out.writeInt(VERSION_3);
            client.out.write(RawClient.bytes("user"));
            assertEquals("FATAL 08P01 unterminated text in message", client.error());
        }
    }

    @Test
    void answersRequestsForEncryptionAndCancelling() throws IOException {
        try (RawClient client = open()) {
            client.request(GSS_REQUEST);
            assertEquals('N', client.in.read());
            client.request(SSL_REQUEST);
            assertEquals('N', client.in.read());
            client.startup(VERSION_3, "user", "me", "database", "golden");
            assertEquals('R', client.read().type());
        }
        try (RawClient client = open()) {
            client.request(SSL_REQUEST);
            assertEquals('N', client.in.read());
            client.request(SSL_REQUEST);
            client.end();
        }
        try (RawClient client = open()) {
            client.out.writeInt(16);
            client.out.writeInt(CANCEL_REQUEST);
            client.out.writeLong(0);
            client.out.flush();
            assertEquals(-1, client.in.read());
        }
    }

    @Test
    void newerMinorVersionsAreToldOfTheOldest() throws IOException {
        try (RawClient client = open()) {
            client.startup(VERSION_3 | 2, "user", "me", "database", "golden", "_pq_.extra", "1");
            RawClient.Message negotiate = client.read();
            assertEquals('v', negotiate.type());
            assertTrue(negotiate.text().contains("_pq_.extra"));
            assertEquals('R', client.read().type());
        }
    }

    @Test
    void refusesBadLogins() throws IOException {
        record Case(String database, String token, String error) {
        }
        String good = world.owner.token();
        // Not its last letter, of which some bits count for nothing.
        int at = good.length() - 9;
        String forged = good.substring(0, at) + (good.charAt(at) == 'A' ? 'B' : 'A') + good.substring(at + 1);
        String identity = world.golden.identity().toHex();
        for (Case c : List.of(
                new Case("golden", "", "FATAL 28P01 Invalid token: InvalidToken"),
                new Case("golden", good + "x", "FATAL 28P01 Invalid token: InvalidToken"),
                new Case("golden", forged, "FATAL 28P01 Invalid token: InvalidSignature"),
                new Case("golden", "x".repeat(20_000), "FATAL 28P01 Invalid token: InvalidToken"),
                new Case("nosuch", good, "FATAL 3D000 database \"nosuch\" does not exist"),
                new Case("No Name!", good, "FATAL 3D000 database \"No Name!\" does not exist"),
                new Case(identity, good, "FATAL 3D000 database \"" + identity + "\" does not exist"),
                new Case("nosuch", "bad", "FATAL 28P01 Invalid token: InvalidToken"))) {
            try (RawClient client = open()) {
                client.startup(VERSION_3, "user", "me", "database", c.database());
                assertEquals('R', client.read().type());
                client.send('p', RawClient.bytes(c.token() + "\0"));
                assertEquals(c.error(), client.error());
                client.end();
            }
        }
        try (RawClient client = open()) {
            client.startup(VERSION_3, "user", "me", "database", "golden");
            assertEquals('R', client.read().type());
            client.query("SELECT 1");
            assertEquals("FATAL 08P01 expected a password", client.error());
        }
        try (RawClient client = open()) {
            client.startup(VERSION_3, "user", "me", "database", "golden");
            assertEquals('R', client.read().type());
            client.out.writeByte('p');
            client.out.writeInt(1 << 30);
            assertEquals("FATAL 54000", client.error().substring(0, 11));
        }
    }

    // ---- slow and many ----

    @Test
    void cutsOffSlowClients() throws IOException {
        try (RawClient silent = open()) {
            silent.end();
        }
        try (RawClient withoutPassword = open()) {
            withoutPassword.startup(VERSION_3, "user", "me", "database", "golden");
            withoutPassword.end();
        }
        try (RawClient halfAFrame = loggedIn()) {
            halfAFrame.out.writeByte('Q');
            halfAFrame.out.writeInt(100);
            halfAFrame.out.flush();
            halfAFrame.end();
        }
    }

    @Test
    void cutsOffIdleClients() throws IOException {
        try (RawClient idle = loggedIn()) {
            idle.end();
        }
    }

    /** A client that sends and never reads holds its connection no longer than the time to write. */
    @Test
    void cutsOffClientsThatDoNotRead() throws IOException, InterruptedException {
        try (RawClient client = loggedIn()) {
            client.socket.setSoTimeout(1);
            Thread sender = Thread.ofVirtual().start(() -> {
                try {
                    for (int i = 0; i < 5_000; i++) {
                        client.query("SELECT a.attname, b.typname, a.attname FROM pg_attribute a, pg_type b");
                    }
                } catch (IOException e) {
                    // Cut off, as it should be.
                }
            });
            Await.until("the client was not cut off", () -> world.endpoint.connectionCount() == 0);
            sender.join();
        }
    }

    @Test
    void admitsSoManyClients() throws IOException, InterruptedException {
        List<RawClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < CONNECTIONS_MAX; i++) {
                clients.add(loggedIn());
            }
            try (RawClient oneMore = open()) {
                assertEquals("FATAL 53300 sorry, too many clients already", oneMore.error());
                oneMore.end();
            }
            clients.removeLast().close();
            Await.until("the place stays taken", () -> world.endpoint.connectionCount() < CONNECTIONS_MAX);
            clients.add(loggedIn());
            assertEquals("TDDDCZ", clients.getLast().query("SELECT * FROM member").types());
        } finally {
            for (RawClient client : clients) {
                client.close();
            }
        }
    }

    // ---- memory ----

    @Test
    void boundsWhatAllConnectionsHold() throws IOException {
        try (RawClient client = loggedIn()) {
            client.send('P', RawClient.bytes("s\0SELECT 1 FROM pg_am WHERE amname = $1\0\0\0"));
            byte[] value = new byte[600_000];
            ByteArrayOutputStream bind = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(bind);
            for (int i = 0; i < 3; i++) {
                bind.reset();
                out.writeBytes("p" + i + "\0s\0");
                out.writeShort(0);
                out.writeShort(1);
                out.writeInt(value.length);
                Arrays.fill(value, (byte) 'x');
                out.write(value);
                out.writeShort(0);
                client.send('B', bind.toByteArray());
            }
            client.send('S', new byte[0]);
            List<RawClient.Message> messages = client.until('Z');
            assertEquals("53200", messages.get(messages.size() - 2).field('C'));
            assertEquals("TDDDCZ", client.query("SELECT * FROM member").types());
            client.out.writeByte('Q');
            client.out.writeInt((int) RETAINED_MAX + 100);
            client.out.flush();
            assertEquals("FATAL 53200", client.error().substring(0, 11));
            client.end();
        }
    }

    @Test
    void boundsPreparedStatementsAndPortals() throws IOException {
        try (RawClient client = loggedIn()) {
            for (int i = 0; i < 1_001; i++) {
                client.send('P', RawClient.bytes("s" + i + "\0SELECT 1\0\0\0"));
            }
            client.send('S', new byte[0]);
            List<RawClient.Message> parsed = client.until('Z');
            assertEquals("53400", parsed.get(parsed.size() - 2).field('C'));
            assertEquals("CZ", client.query("DEALLOCATE ALL").types());
            client.send('P', RawClient.bytes("s\0SELECT 1\0\0\0"));
            for (int i = 0; i < 101; i++) {
                client.send('B', RawClient.bytes("p" + i + "\0s\0\0\0\0\0\0\0"));
            }
            client.send('S', new byte[0]);
            List<RawClient.Message> bound = client.until('Z');
            assertEquals("53400", bound.get(bound.size() - 2).field('C'));
        }
    }

    // ---- after the login ----

    @Test
    void answersOddStatements() throws IOException {
        try (RawClient client = loggedIn()) {
            assertEquals("IZ", client.query("").types());
            assertEquals("IZ", client.query(" ; /* nothing */ ; -- at all").types());
            client.query("SELECT * FROM member; DELETE FROM member");
            assertEquals("ERROR XX000 (Sql) Multiple SQL statements are not supported", client.error());
            client.until('Z');
            client.send('Q', new byte[] {(byte) 0xff, (byte) 0xfe, 0});
            assertEquals("ERROR 22021 invalid byte sequence for encoding \"UTF8\"", client.error());
            client.until('Z');
            client.query("x".repeat(200_000));
            assertTrue(client.error().startsWith("ERROR XX000 (Sql) SQL query exceeds maximum allowed length"));
            client.until('Z');
            client.send('F', new byte[10]);
            assertEquals("ERROR 0A000 function calls are not supported", client.error());
            client.until('Z');
            client.query("SELECT name FROM member WHERE id = 1");
            List<RawClient.Message> rows = client.until('Z');
            assertEquals("SELECT 1\0", rows.get(2).text());
            assertEquals("I", rows.getLast().text());
            client.send('X', new byte[0]);
            client.end();
        }
    }

    /** After an error everything is skipped up to Sync. */
    @Test
    void skipsToSync() throws IOException {
        try (RawClient client = loggedIn()) {
            client.send('P', RawClient.bytes("\0SELECT 1\0\0\0"))
                    .send('B', RawClient.bytes("\0nosuch\0\0\0\0\0\0\0"))
                    .send('E', RawClient.bytes("\0\0\0\0\0"))
                    .send('P', RawClient.bytes("\0SELECT 1\0\0\0"))
                    .send('S', new byte[0]);
            List<RawClient.Message> messages = client.until('Z');
            assertEquals(List.of('1', 'E', 'Z'), messages.stream().map(RawClient.Message::type).toList());
            assertEquals("26000", messages.get(1).field('C'));
            client.send('P', RawClient.bytes("\0SELECT id FROM member\0\0\0"))
                    .send('B', RawClient.bytes("\0\0\0\0\0\0\0\0"))
                    .send('D', RawClient.bytes("P\0"))
                    .send('E', RawClient.bytes("\0\0\0\0\2"))
                    .send('E', RawClient.bytes("\0\0\0\0\2"))
                    .send('S', new byte[0]);
            assertEquals("12TDDsDCZ", client.types());
        }
    }

    @Test
    void refusesFramesThatCannotBe() throws IOException {
        try (RawClient client = loggedIn()) {
            client.out.writeByte('Q');
            client.out.writeInt(3);
            assertEquals("FATAL 08P01 invalid message length", client.error());
        }
        try (RawClient client = loggedIn()) {
            client.out.writeByte('Q');
            client.out.writeInt(Integer.MAX_VALUE);
            assertEquals("FATAL 54000", client.error().substring(0, 11));
        }
        try (RawClient client = loggedIn()) {
            client.send('y', new byte[0]);
            assertEquals("FATAL 08P01 invalid frontend message type 121", client.error());
        }
    }

    /** Frames of every type with content by chance, or a good one with some bytes changed. */
    @Test
    void survivesChance() throws Exception {
        Seeds.repeat(60, random -> {
            try (RawClient client = loggedIn()) {
                for (int i = 0; i < 20; i++) {
                    client.send(type(random), random.nextInt(3) == 0 ? noise(random) : mutated(random));
                }
                client.send('S', new byte[0]);
                client.send('X', new byte[0]);
                client.end();
            } catch (SocketException e) {
                // Cut off for a broken frame.
            }
        });
        try (RawClient client = loggedIn()) {
            assertEquals("TDDDCZ", client.query("SELECT * FROM member").types());
        }
    }

    private static char type(Random random) {
        String types = "PPPBBBBDDEEECSHQQFdcf";
        return random.nextInt(40) == 0 ? (char) random.nextInt(256) : types.charAt(random.nextInt(types.length()));
    }

    private static byte[] noise(Random random) {
        byte[] bytes = new byte[random.nextInt(60)];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] mutated(Random random) {
        String[] good = {
            "\0SELECT * FROM member WHERE id = $1 AND name = $2\0\0\1\0\0\0\27",
            "\0\0\0\1\0\1\0\2\0\0\0\4\0\0\0\1\0\0\0\1a\0\1\0\1",
            "P\0", "S\0", "\0\0\0\0\1", "SELECT relname FROM pg_class WHERE relname ~ 'a' ORDER BY 1 LIMIT 3\0",
            "SET x = 'y'\0", "SHOW server_version\0", "\0SELECT typname FROM pg_type WHERE oid = $1\0\0\0",
            "\0\0\0\1\0\1\0\1\0\0\0\4\0\0\0\20\0\0"
        };
        byte[] bytes = RawClient.bytes(good[random.nextInt(good.length)]);
        for (int i = random.nextInt(3); i > 0; i--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        return bytes;
    }
}
