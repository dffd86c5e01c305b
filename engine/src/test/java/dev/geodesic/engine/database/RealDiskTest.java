package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Proves;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Faults of the real thing: a file system that is full or was mounted for reading only (needs root, else skipped), a directory
 * that vanishes under a running server, no file handles left. What was acknowledged before is there afterwards.
 */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RealDiskTest {

    private static final byte[] MODULE = new TinyModule().table("a").reducer("go", TinyModule.CALLABLE).wasm();
    private static final Logger ENGINE = Logger.getLogger("dev.geodesic.engine");

    @TempDir
    private Path directory;
    private Path mounted;

    @BeforeEach
    void silence() {
        ENGINE.setLevel(Level.OFF);
    }

    @AfterEach
    void unmount() throws Exception {
        ENGINE.setLevel(null);
        if (mounted != null) {
            run("umount", "-l", mounted.toString());
        }
    }

    private static boolean run(String... command) throws Exception {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
            return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** A file system in memory; skips the test where we may not have one. */
    private Path mount(String size) throws Exception {
        Path point = Files.createDirectory(directory.resolve("mounted"));
        assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", point.toString()),
                "a file system can be mounted by root only");
        mounted = point;
        return point;
    }

    private static void publish(Server server, String name) {
        PublishResult result = server.publish(
                new PublishRequest(Optional.of(name), CrashChild.SIDE_OWNER, MODULE, false));
        server.database(result.identity()).awaitDurable(result.txOffset());
    }

    private static void insert(Database database, int id) {
        database.awaitDurable(
                database.sql(CrashChild.SIDE_CLIENT, "INSERT INTO a (id) VALUES (" + id + ")").txOffset());
    }

    /** Inserts until it fails and returns the number of rows that were acknowledged. */
    private static int insertUntilItFails(Database database, int max) {
        for (int id = 0; id < max; id++) {
            try {
                insert(database, id);
            } catch (EngineException e) {
                assertTrue(Set.of(ErrorCode.STORAGE_FAILED, ErrorCode.DATABASE_STOPPED, ErrorCode.DATABASE_FAILED)
                        .contains(e.code()), e::describe);
                return id;
            }
        }
        throw new AssertionError("the disk took " + max + " rows");
    }

    private static void assertStopped(Database database, String reason) {
        EngineException failure = (EngineException) database.failure().orElseThrow();
        assertEquals(ErrorCode.STORAGE_FAILED, failure.code(), failure::describe);
        assertTrue(failure.getMessage().contains(reason), failure::describe);
        for (String sql : List.of("INSERT INTO a (id) VALUES (999999)", "SELECT * FROM a")) {
            assertThrows(EngineException.class, () -> database.sql(CrashChild.SIDE_CLIENT, sql), "nothing is answered any more");
        }
    }

    /** The acknowledged rows, and at most the one after them. */
    private static void assertKept(Path data, String name, int acknowledged) {
        try (Server server = Server.start(CrashChild.options(data))) {
            Database database = server.database(server.resolve(name));
            int rows = database.sql(CrashChild.SIDE_CLIENT, "SELECT * FROM a").result().rows().count();
            assertTrue(rows == acknowledged || rows == acknowledged + 1, rows + " rows, acknowledged " + acknowledged);
            insert(database, 777_777);
        }
    }

    @Test
    @Proves("durability.md 10")
    @Proves("durability.md 13")
    void aFullDiskStopsTheDatabaseAtTheFailingWriteAndRoomMakesItGoOn() throws Exception {
        Path data = mount("1m").resolve("data");
        int acknowledged;
        try (Server server = Server.start(CrashChild.options(data))) {
            publish(server, "full");
            Database database = server.database(server.resolve("full"));
            acknowledged = insertUntilItFails(database, 100_000);
            assertStopped(database, "No space left on device");
        }
        assertTrue(acknowledged > 10, "acknowledged: " + acknowledged);
        assertTrue(run("mount", "-o", "remount,size=64m", mounted.toString()));
        assertKept(data, "full", acknowledged);
    }

    @Test
    void aServerThatStartsOnAFullDiskSaysSoAndLosesNothing() throws Exception {
        Path data = mount("1m").resolve("data");
        try (Server server = Server.start(CrashChild.options(data))) {
            publish(server, "full");
            insert(server.database(server.resolve("full")), 1);
        }
        fill(mounted.resolve("filler"));
        AtomicInteger rows = new AtomicInteger(1);
        EngineException reason = assertThrows(EngineException.class, () -> {
            try (Server server = Server.start(CrashChild.options(data))) {
                for (EngineException failed : server.failedDatabases().values()) {
                    throw failed;
                }
                // It serves what it can read, as long as it need not write.
                Database full = server.database(server.resolve("full"));
                try {
                    for (int id = 100; id < 100_000; id++) {
                        insert(full, id);
                        rows.incrementAndGet();
                    }
                } catch (EngineException e) {
                    throw full.failure().filter(EngineException.class::isInstance).map(EngineException.class::cast).orElse(e);
                }
            }
        });
        assertTrue(Set.of(ErrorCode.STORAGE_FAILED, ErrorCode.DATABASE_STOPPED).contains(reason.code()), reason::describe);
        assertTrue(reason.getMessage().contains("No space left on device"), reason::describe);
        Files.delete(mounted.resolve("filler"));
        assertKept(data, "full", rows.get());
    }

    private static void fill(Path file) throws IOException {
        try (var out = Files.newOutputStream(file)) {
            while (true) {
                out.write(new byte[4096]);
            }
        } catch (IOException e) {
            assertTrue(e.getMessage().contains("No space left"), e.getMessage());
        }
    }

    @Test
    @Proves("durability.md 13")
    void aReadOnlyDiskIsRefusedAtTheStartAndNothingIsLost() throws Exception {
        Path data = mount("8m").resolve("data");
        try (Server server = Server.start(CrashChild.options(data))) {
            publish(server, "reader");
            insert(server.database(server.resolve("reader")), 0);
        }
        assertTrue(run("mount", "-o", "remount,ro", mounted.toString()));
        EngineException e = assertThrows(EngineException.class, () -> Server.start(CrashChild.options(data)));
        assertEquals(ErrorCode.STORAGE_FAILED, e.code(), e::describe);
        assertTrue(e.getMessage().contains(data.toString()) && e.getMessage().contains("Read-only file system"), e::describe);
        assertTrue(run("mount", "-o", "remount,rw", mounted.toString()));
        assertKept(data, "reader", 1);
    }

    @Test
    @Proves("durability.md 1")
    void aDirectoryThatVanishesStopsItsDatabaseAndNoOther() throws Exception {
        Path data = directory.resolve("data");
        int acknowledged;
        Path log;
        Path away = directory.resolve("away");
        try (Server server = Server.start(CrashChild.options(data))) {
            publish(server, "gone");
            publish(server, "there");
            Database gone = server.database(server.resolve("gone"));
            log = data.resolve("databases").resolve(gone.identity().toHex()).resolve("0").resolve("log");
            Files.move(log, away);
            acknowledged = insertUntilItFails(gone, 100_000);
            assertStopped(gone, "NoSuchFile");
            insert(server.database(server.resolve("there")), 5);
        }
        try (Server server = Server.start(CrashChild.options(data))) {
            assertEquals(Set.of("gone"), names(server, server.failedDatabases().keySet()));
            insert(server.database(server.resolve("there")), 6);
        }
        if (Files.exists(log)) {
            try (var files = Files.list(log)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(log);
        }
        Files.move(away, log);
        assertKept(data, "gone", acknowledged);
    }

    private static Set<String> names(Server server, Set<Identity> identities) {
        Set<String> names = new TreeSet<>();
        identities.forEach(identity -> names.addAll(server.names(identity)));
        return names;
    }

    /** A server in a process that may have few files open. */
    static final class FewFiles {

        private FewFiles() {
        }

        /** Argument: data directory. */
        public static void main(String[] args) throws Exception {
            Logger.getLogger("").setLevel(Level.OFF);
            Server server = Server.start(CrashChild.options(Path.of(args[0])));
            publish(server, "few");
            Database database = server.database(server.resolve("few"));
            insert(database, 0);
            List<FileInputStream> open = new ArrayList<>();
            try {
                while (true) {
                    open.add(new FileInputStream(args[0] + "/server.lock"));
                }
            } catch (IOException e) {
                // Now there is none left.
            }
            int id = 1;
            try {
                while (true) {
                    insert(database, id);
                    id++;
                }
            } catch (EngineException e) {
                open.forEach(FewFiles::close);
                System.out.println("acknowledged " + id + ' ' + ((EngineException) database.failure().orElseThrow()).describe());
                System.out.flush();
            }
            Runtime.getRuntime().halt(0);
        }

        private static void close(FileInputStream file) {
            try {
                file.close();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Test
    @Proves("durability.md 1")
    void withoutFileHandlesTheDatabaseStopsAndSaysWhy() throws Exception {
        Path data = directory.resolve("data");
        ChildJvm children = new ChildJvm(directory);
        List<String> command = new ArrayList<>(List.of("sh", "-c", "ulimit -n 250; exec \"$@\"", "sh"));
        command.addAll(children.command(FewFiles.class, List.of("-XX:-MaxFDLimit"), List.of(data.toString())));
        Path errors = directory.resolve("errors");
        Process process = ChildJvm.start(command, errors);
        try (BufferedReader out = process.inputReader()) {
            String line = out.readLine();
            assertTrue(line != null && line.startsWith("acknowledged "), () -> line + read(errors));
            assertTrue(line.contains("STORAGE_FAILED") && line.contains("Too many open files"), line);
            assertKept(data, "few", Integer.parseInt(line.split(" ")[1]));
        } finally {
            process.destroyForcibly();
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
