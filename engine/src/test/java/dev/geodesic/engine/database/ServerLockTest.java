package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.testkit.Proves;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One data directory, one server (spec/durability.md P9): in one process and in several, also while one starts or stops. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ServerLockTest {

    private static final byte[] MODULE = new TinyModule().table("a").reducer("go", TinyModule.CALLABLE).wasm();

    @TempDir
    private Path directory;

    /** Contends for a data directory: as often as it gets it, it adds a row of its own. */
    static final class Contender {

        private Contender() {
        }

        /** Arguments: data directory, first id, number of rows. */
        public static void main(String[] args) throws Exception {
            System.out.println("ready");
            System.out.flush();
            contend(Path.of(args[0]), Integer.parseInt(args[1]), Integer.parseInt(args[2]));
            System.out.println("done");
            System.out.flush();
            Runtime.getRuntime().halt(0);
        }

        static void contend(Path data, int first, int count) throws Exception {
            Path owner = data.resolveSibling("owner");
            for (int i = 0; i < count; ) {
                try (Server server = Server.start(CrashChild.options(data))) {
                    // Fails if somebody else thinks so, too.
                    Files.createFile(owner);
                    Database database = server.database(server.resolve("shared"));
                    database.awaitDurable(database.sql(
                            CrashChild.SIDE_CLIENT, "INSERT INTO a (id) VALUES (" + (first + i) + ")").txOffset());
                    i++;
                    Files.delete(owner);
                } catch (EngineException e) {
                    if (e.code() != ErrorCode.STORAGE_LOCKED) {
                        throw e;
                    }
                }
            }
        }
    }

    private Path prepared() throws IOException {
        Path data = directory.resolve("data");
        try (Server server = Server.start(CrashChild.options(data))) {
            PublishResult result = server.publish(
                    new PublishRequest(Optional.of("shared"), CrashChild.SIDE_OWNER, MODULE, false));
            server.database(result.identity()).awaitDurable(result.txOffset());
        }
        return data;
    }

    private static void assertRows(Path data, int count) {
        try (Server server = Server.start(CrashChild.options(data))) {
            assertEquals(count, server.database(server.resolve("shared"))
                    .sql(CrashChild.SIDE_CLIENT, "SELECT * FROM a").result().rows().count());
        }
    }

    @Test
    @Proves("durability.md 1")
    @Proves("durability.md 8")
    @Proves("durability.md 13")
    void aSecondServerInTheSameProcessIsRefusedAndHarmsNothing() throws Exception {
        Path data = prepared();
        Path sameByAnotherName = Files.createSymbolicLink(directory.resolve("link"), data);
        try (Server server = Server.start(CrashChild.options(data))) {
            for (Path path : List.of(data, data.resolve("..").resolve("data"), sameByAnotherName)) {
                EngineException e = assertThrows(EngineException.class, () -> Server.start(CrashChild.options(path)));
                assertEquals(ErrorCode.STORAGE_LOCKED, e.code());
                assertTrue(e.getMessage().contains(path.toString()), e.getMessage());
            }
            Database database = server.database(server.resolve("shared"));
            database.awaitDurable(database.sql(CrashChild.SIDE_CLIENT, "INSERT INTO a (id) VALUES (1)").txOffset());
        }
        assertRows(data, 1);
    }

    @Test
    @Proves("durability.md 13")
    void serversInSeveralProcessesTakeTurns() throws Exception {
        int each = 6;
        Path data = prepared();
        ChildJvm children = new ChildJvm(directory);
        List<Process> processes = new ArrayList<>();
        try {
            for (int i = 0; i < 2; i++) {
                processes.add(children.start(
                        Contender.class, List.of(data.toString(), Integer.toString(1000 * i), Integer.toString(each)),
                        directory.resolve("errors" + i)));
            }
            for (Process process : processes) {
                assertEquals("ready", process.inputReader().readLine());
            }
            Contender.contend(data, 5000, each);
            for (int i = 0; i < processes.size(); i++) {
                BufferedReader out = processes.get(i).inputReader();
                String errors = Files.readString(directory.resolve("errors" + i));
                assertEquals("done", out.readLine(), errors);
            }
        } finally {
            processes.forEach(Process::destroyForcibly);
        }
        assertRows(data, 3 * each);
    }

    @Test
    @Proves("durability.md 1")
    void serversInOneProcessTakeTurns() throws Exception {
        int each = 8;
        Path data = prepared();
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                int first = 1000 * i;
                all.add(threads.submit(() -> {
                    Contender.contend(data, first, each);
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
        }
        assertRows(data, 3 * each);
    }

    /** Nobody looks at files that are there already, such as those of a process that was killed. */
    @Test
    void aLockFileThatWasLeftOverIsNoLock() throws Exception {
        Path data = prepared();
        assertTrue(Files.exists(data.resolve("server.lock")));
        assertRows(data, 0);
    }
}
