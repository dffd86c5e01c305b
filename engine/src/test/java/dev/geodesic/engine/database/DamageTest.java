package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every file that lies in a data directory is damaged in turn, whatever files there are: flipped bits, a cut, removal. Then
 * either somebody says which file is damaged and only the database that it belongs to is out of service, or nothing is
 * different. More of it with {@code -Dgeodesic.damage.flips=50} per file.
 */
@Timeout(value = 1800, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DamageTest {

    private static final int FLIPS = Integer.getInteger("geodesic.damage.flips", 2);
    private static final int TRANSACTIONS = 40;
    private static final int SNAPSHOT_EVERY = 12;
    private static final Logger ENGINE = Logger.getLogger("dev.geodesic.engine");
    private static final Identity OWNER = Identity.fromHex("c2" + "00".repeat(30) + "07");
    private static final ClientInfo CLIENT = new ClientInfo(OWNER, new ConnectionId(1, 1), "{}");
    private static final byte[] MODULE = new TinyModule().table("a").reducer("go", TinyModule.CALLABLE).wasm();

    @TempDir
    private static Path directory;

    private static Path original;
    private static Identity hurt;
    private static Identity healthy;
    private static SortedMap<String, SortedSet<String>> hurtState;
    private static SortedMap<String, SortedSet<String>> healthyState;
    private static String token;

    private static Server start(Path data) {
        return Server.start(new ServerOptions(
                data, Limits.DEFAULTS, HeapStores::new, new CommitLogs(CommitLogOptions.DEFAULTS.withSegmentBytesMax(4000)),
                Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), Clock.systemUTC())
                .withSnapshots(new SnapshotOptions(
                        FileStorage::open, 15, 1 << 20, new Retention(2, Duration.ofDays(1)))));
    }

    @BeforeAll
    static void makeDataDirectory() throws Exception {
        ENGINE.setLevel(Level.OFF);
        original = directory.resolve("original");
        try (Server server = start(original)) {
            token = server.tokens().issueAnonymous().token();
            healthy = publish(server, "healthy");
            insert(server, healthy, 1);
            hurt = publish(server, "hurt");
            for (int i = 0; i < TRANSACTIONS; i++) {
                insert(server, hurt, i);
                if (i % SNAPSHOT_EVERY == 0) {
                    server.database(hurt).snapshots().orElseThrow().take().join();
                }
            }
            healthyState = Contents.of(server.database(healthy), OWNER);
            hurtState = Contents.of(server.database(hurt), OWNER);
            server.setLocked(healthy, true, OWNER);
            server.setLocked(healthy, false, OWNER);
        }
    }

    @AfterAll
    static void speak() {
        ENGINE.setLevel(null);
    }

    private static Identity publish(Server server, String name) {
        PublishResult result = server.publish(new PublishRequest(Optional.of(name), OWNER, MODULE, false));
        server.database(result.identity()).awaitDurable(result.txOffset());
        return result.identity();
    }

    private static void insert(Server server, Identity identity, int id) {
        Database database = server.database(identity);
        database.awaitDurable(database.sql(CLIENT, "INSERT INTO a (id) VALUES (" + id + ")").txOffset());
    }

    private static List<Path> files(Path data) throws IOException {
        try (Stream<Path> all = Files.walk(data)) {
            return all.filter(Files::isRegularFile).map(data::relativize).sorted().toList();
        }
    }

    private static Path copy(String name) throws IOException {
        Path copy = directory.resolve(name);
        try (Stream<Path> all = Files.walk(original)) {
            for (Path path : all.toList()) {
                Files.copy(path, copy.resolve(original.relativize(path)));
            }
        }
        return copy;
    }

    private static void delete(Path tree) throws IOException {
        try (Stream<Path> all = Files.walk(tree)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /** A server must not be fooled by the damage, which {@code what} names. */
    private static void check(Path data, Path file, boolean gone, boolean last, String what) throws Exception {
        boolean ofHurt = file.startsWith(Path.of("databases", hurt.toHex()));
        boolean ofHealthy = file.startsWith(Path.of("databases", healthy.toHex()));
        try (Server server = start(data)) {
            if (!file.startsWith("keys")) {
                server.tokens().verifyBlocking(token);
            }
            assertEquals(2, server.databasesOf(OWNER).size(), what);
            for (Identity identity : List.of(hurt, healthy)) {
                boolean damaged = identity.equals(hurt) ? ofHurt : ofHealthy;
                EngineException reason = server.failedDatabases().get(identity);
                if (reason == null) {
                    SortedMap<String, SortedSet<String>> found = Contents.of(server.database(identity), OWNER);
                    SortedMap<String, SortedSet<String>> wanted = identity.equals(hurt) ? hurtState : healthyState;
                    assertEquals("", Contents.difference(wanted, found), what);
                } else {
                    assertTrue(damaged, () -> what + " stops another database: " + reason.describe());
                    assertEquals(ErrorCode.STORAGE_CORRUPT, reason.code(), () -> what + ": " + reason.describe());
                    assertTrue(gone || reason.getMessage().contains(file.getFileName().toString()),
                            () -> what + " is not named: " + reason.describe());
                    assertEquals(ErrorCode.DATABASE_FAILED, stopped(server, identity).code());
                }
            }
            if (last) {
                insert(server, ofHurt ? healthy : hurt, 4711);
            }
        } catch (EngineException e) {
            assertTrue(file.startsWith("keys") || file.startsWith("control"), () -> what + " stops the server: " + e.describe());
            assertEquals(ErrorCode.STORAGE_CORRUPT, e.code(), () -> what + ": " + e.describe());
            assertTrue(e.getMessage().contains(gone ? file.getParent().getFileName().toString() : file.getFileName().toString()),
                    () -> what + " is not named: " + e.describe());
        }
    }

    private static EngineException stopped(Server server, Identity identity) {
        try {
            server.database(identity);
            throw new AssertionError("a damaged database is served");
        } catch (EngineException e) {
            return e;
        }
    }

    private interface Damage {
        void to(Path file) throws IOException;
    }

    private static void damage(Path file, boolean gone, String what, Damage damage) throws Exception {
        Path data = copy("copy");
        try {
            damage.to(data.resolve(file));
            check(data, file, gone, false, what);
            // Nothing that the server did in the meantime makes it worse.
            check(data, file, gone, true, what + ", again");
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(what + ": " + e, e);
        } finally {
            delete(data);
        }
    }

    @Test
    void theDirectoryHasWhatADirectoryMayHave() throws Exception {
        String all = files(original).toString();
        for (String part : List.of(
                "keys/id_ecdsa", "control/log/", hurt.toHex() + "/0/log/", ".cwasm", ".snapshot", "server.lock")) {
            assertTrue(all.contains(part), () -> part + " is not in " + all);
        }
        assertTrue(files(original).stream().filter(f -> f.toString().contains(hurt.toHex() + "/0/log/")).count() > 3, all);
    }

    @Test
    @Proves("durability.md 10")
    @Proves("durability.md 13")
    void aFlippedBitIsNoticedOrHarmless() throws Exception {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        for (Path file : files(original)) {
            byte[] content = Files.readAllBytes(original.resolve(file));
            for (int i = 0; i < FLIPS && content.length > 0; i++) {
                // Headers first, then anywhere.
                int at = i % 2 == 0 ? random.nextInt(Math.min(content.length, 64)) : random.nextInt(content.length);
                int bit = 1 << random.nextInt(8);
                damage(file, false, file + " with bit " + bit + " of byte " + at + " of " + content.length
                        + " flipped, -Dgeodesic.seed=" + seed, path -> {
                            byte[] flipped = content.clone();
                            flipped[at] ^= (byte) bit;
                            Files.write(path, flipped);
                        });
            }
        }
    }

    @Test
    @Proves("durability.md 8")
    void aFileThatIsCutIsNoticedOrHarmless() throws Exception {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        for (Path file : files(original)) {
            byte[] content = Files.readAllBytes(original.resolve(file));
            if (content.length == 0) {
                continue;
            }
            int length = random.nextInt(content.length);
            damage(file, false, file + " cut from " + content.length + " to " + length + " bytes, -Dgeodesic.seed=" + seed,
                    path -> Files.write(path, Arrays.copyOf(content, length)));
        }
    }

    @Test
    @Proves("durability.md 8")
    void aMissingFileIsNoticedOrHarmless() throws Exception {
        for (Path file : files(original)) {
            damage(file, true, file + " removed", Files::delete);
        }
    }

    @Test
    void aMissingDirectoryIsNoticedOrHarmless() throws Exception {
        try (Stream<Path> all = Files.walk(original)) {
            for (Path sub : all.filter(Files::isDirectory).map(original::relativize).toList()) {
                // Without all databases each of them is missed.
                if (sub.toString().isEmpty() || sub.equals(Path.of("databases"))) {
                    continue;
                }
                damage(sub.resolve("any"), true, sub + " removed", path -> delete(path.getParent()));
            }
        }
    }

    /** A damaged control database is no reason to delete anything. */
    @Test
    @Proves("durability.md 10")
    void whatTheControlDatabaseForgotIsKept() throws Exception {
        Path data = copy("forgotten");
        try {
            Path log = data.resolve("control").resolve("log");
            List<Path> before = files(data.resolve("databases"));
            delete(log);
            for (int i = 0; i < 2; i++) {
                EngineException e = assertThrows(EngineException.class, () -> start(data).close());
                assertEquals(ErrorCode.STORAGE_CORRUPT, e.code());
                assertTrue(e.getMessage().contains("restore"), e.getMessage());
            }
            assertEquals(before, files(data.resolve("databases")));
        } finally {
            delete(data);
        }
    }
}
