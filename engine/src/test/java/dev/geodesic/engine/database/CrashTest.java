package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills a server with SIGKILL while it works, starts it again on the same directory, and compares: every confirmed call is
 * there, every call with all that it writes or nothing, calls of one client up to one of them and none behind it, nothing
 * that was not sent, and nothing of earlier lives is lost. {@code -Dgeodesic.crash.kills=100} for more of it.
 */
class CrashTest {

    private static final int KILLS = Integer.getInteger("geodesic.crash.kills", 8);
    /** Kills before the next one begins with an empty directory. */
    private static final int LIVES = 10;
    private static final int LINES_MAX = 3000;
    /** Not collected, so that its level stays. */
    private static final Logger LOG_READER = Logger.getLogger("dev.geodesic.engine.durability.LogReader");

    @TempDir
    private Path directory;

    private int confirmedCalls;
    private int lostCalls;

    @Test
    @Proves("durability.md 1")
    @Proves("durability.md 10")
    @Proves("durability.md 13")
    void whatWasConfirmedSurvivesSigkill() throws Exception {
        LOG_READER.setLevel(Level.OFF);
        long seed = Seeds.seed();
        Random random = new Random(seed);
        Books books = null;
        for (int kill = 0; kill < KILLS; kill++) {
            if (kill % LIVES == 0) {
                books = new Books(directory.resolve("data" + kill));
            }
            try {
                books.life = kill;
                List<Call> calls = runAndKill(books, random);
                books.check(calls);
            } catch (AssertionError | Exception e) {
                throw new AssertionError("kill " + kill + " with -Dgeodesic.seed=" + seed + ": " + e, e);
            }
        }
        assertTrue(confirmedCalls > KILLS, "the server did something: " + confirmedCalls);
        Logger.getLogger(CrashTest.class.getName()).info(
                KILLS + " kills: " + confirmedCalls + " calls confirmed and found, " + lostCalls + " sent and lost");
    }

    /** One call that the child announced. */
    private static final class Call {

        private final int client;
        private final String reducer;
        private final int argument;
        private final String mark;
        private boolean confirmed;

        Call(int client, String reducer, int argument, String mark) {
            this.client = client;
            this.reducer = reducer;
            this.argument = argument;
            this.mark = mark;
        }

        boolean writes() {
            return !reducer.equals("test_write_and_fail") && !reducer.equals("nothing");
        }
    }

    /** Runs a child until a random moment and returns what it sent, in order for each client. */
    private List<Call> runAndKill(Books books, Random random) throws Exception {
        Path errors = directory.resolve("errors");
        Process child = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-ea", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED",
                "-Dgeodesic.wasmtime.library=" + System.getProperty("geodesic.wasmtime.library"),
                "-cp", System.getProperty("java.class.path"), CrashChild.class.getName(),
                books.data.toString(), "../samples/modules/v2/kitchen_v2.wasm", Long.toString(random.nextLong()),
                Integer.toString(books.nextFill), Integer.toString(books.life))
                .redirectError(errors.toFile()).start();
        boolean early = random.nextInt(5) == 0;
        int lines = early ? Integer.MAX_VALUE : 1 + random.nextInt(1 + random.nextInt(LINES_MAX));
        List<String> said = new ArrayList<>();
        CountDownLatch enough = new CountDownLatch(1);
        Thread reader = Thread.ofVirtual().start(() -> read(child, line -> {
            said.add(line);
            if (said.size() == lines) {
                enough.countDown();
            }
        }));
        boolean ended = early
                ? child.waitFor(random.nextInt(2500), TimeUnit.MILLISECONDS)
                : !enough.await(60, TimeUnit.SECONDS) || child.waitFor(random.nextInt(5000), TimeUnit.MICROSECONDS);
        child.destroyForcibly().waitFor();
        reader.join();
        assertFalse(ended, () -> "the server stopped by itself: " + text(errors) + said);
        return calls(books, said);
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static void read(Process child, Consumer<String> lines) {
        try (BufferedReader out = child.inputReader()) {
            out.lines().forEach(lines);
        } catch (IOException | UncheckedIOException e) {
            // The pipe may break when the child dies.
        }
    }

    private List<Call> calls(Books books, List<String> said) {
        List<Call> calls = new ArrayList<>();
        Map<String, Call> byNumber = new HashMap<>();
        for (String line : said) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "ready" -> books.created = true;
                case "sent" -> {
                    int client = Integer.parseInt(words[1]);
                    int argument = words.length > 4 ? Integer.parseInt(words[4]) : 0;
                    Call call = new Call(
                            client, words[3], argument, CrashChild.mark(books.life, client, Integer.parseInt(words[2])));
                    calls.add(call);
                    byNumber.put(words[1] + ' ' + words[2], call);
                    if (call.reducer.equals("test_fill")) {
                        books.nextFill = Math.max(books.nextFill, argument + CrashChild.CLIENTS * CrashChild.FILL_ROWS);
                    }
                }
                case "confirmed" -> {
                    byNumber.get(words[1] + ' ' + words[2]).confirmed = true;
                    confirmedCalls++;
                }
                default -> throw new AssertionError(line);
            }
        }
        return calls;
    }

    /** Rows of {@code note} and {@code test_found}: in the order of their generated ids, which is that of the transactions. */
    private record Marked(long id, String mark, String value) {
    }

    /** What one data directory must hold. */
    private final class Books {

        private final Path data;
        private int life;
        private boolean created;
        private int nextFill;
        /** Calls of all lives that were found after them, and must be found ever after. */
        private final List<Call> kept = new ArrayList<>();

        private final Set<Integer> ids = new HashSet<>();
        private final Set<Integer> deletedIds = new HashSet<>();
        private final Map<String, List<Marked>> found = new HashMap<>();
        private final Map<String, List<Marked>> notes = new HashMap<>();

        Books(Path data) {
            this.data = data;
        }

        void check(List<Call> sent) {
            try (Server server = Server.start(CrashChild.options(data))) {
                assertEquals(Map.of(), server.failedDatabases());
                if (server.databases().isEmpty()) {
                    assertFalse(created, "the database is gone");
                    return;
                }
                created = true;
                readTables(server, server.databases().getFirst());
            }
            Stream.concat(kept.stream(), sent.stream()).filter(c -> c.reducer.equals("test_delete_by")).forEach(this::readDelete);
            for (Call call : kept) {
                assertTrue(isThere(call), () -> "lost later: " + call.reducer + " " + call.mark);
            }
            Set<Integer> clientsWithALoss = new HashSet<>();
            for (Call call : sent) {
                if (!call.writes()) {
                    continue;
                }
                if (!isThere(call)) {
                    assertFalse(call.confirmed, () -> "confirmed but lost: " + call.reducer + " " + call.mark);
                    clientsWithALoss.add(call.client);
                    lostCalls++;
                } else {
                    assertFalse(clientsWithALoss.contains(call.client), () -> "a call before " + call.mark + " is missing");
                    kept.add(call);
                }
            }
            noPhantoms();
        }

        private void readTables(Server server, Database database) {
            TokenAuthority.Issued who = server.tokens().issueAnonymous();
            ClientInfo client = new ClientInfo(who.claims().identity(), new ConnectionId(99, 99), who.claims().payload());
            Tables tables = (sql, row) -> {
                RowBuffer rows = database.sql(client, sql).result().rows();
                for (int i = 0; i < rows.count(); i++) {
                    row.accept(new BsatnReader(rows.row(i)));
                }
            };
            ids.clear();
            deletedIds.clear();
            found.clear();
            notes.clear();
            tables.read("SELECT id FROM test_index", in -> assertTrue(ids.add(in.readU32())));
            TreeMap<Long, Marked> foundById = new TreeMap<>();
            tables.read("SELECT id, label, value FROM test_found", in -> {
                Marked row = new Marked(in.readU64(), in.readString(), in.readString());
                assertEquals(null, foundById.put(row.id(), row));
            });
            TreeMap<Long, Marked> notesById = new TreeMap<>();
            tables.read("SELECT id, text FROM note", in -> {
                Marked row = new Marked(in.readU64(), in.readString(), "");
                assertEquals(null, notesById.put(row.id(), row));
            });
            group(foundById, found);
            group(notesById, notes);
            // What failing reducers wrote and deleted, and clients whose server died.
            List<Integer> teams = new ArrayList<>();
            tables.read("SELECT id FROM team", in -> teams.add(in.readU32()));
            assertEquals(Set.of(1, 2), Set.copyOf(teams));
            List<Object> autos = new ArrayList<>();
            tables.read("SELECT serial FROM test_auto", autos::add);
            assertEquals(List.of(), autos);
            List<ConnectionId> clients = new ArrayList<>();
            tables.read("SELECT connection_id FROM st_client", in -> clients.add(in.readConnectionId()));
            assertEquals(List.of(client.connection()), clients);
        }

        /** By mark. Ids of one life have no gaps, as transactions have none, and are higher than those of earlier lives. */
        private void group(TreeMap<Long, Marked> rows, Map<String, List<Marked>> byMark) {
            Marked before = null;
            for (Marked row : rows.values()) {
                if (before != null) {
                    int lifeBefore = CrashChild.life(before.mark());
                    int thisLife = CrashChild.life(row.mark());
                    assertTrue(thisLife > lifeBefore || thisLife == lifeBefore && row.id() == before.id() + 1,
                            before + " is followed by " + row);
                }
                byMark.computeIfAbsent(row.mark(), m -> new ArrayList<>()).add(row);
                before = row;
            }
        }

        private void readDelete(Call call) {
            if (found.containsKey(call.mark) && found.get(call.mark).getFirst().value().equals("1")) {
                assertFalse(ids.contains(call.argument), () -> "deleted by " + call.mark + " but there");
                assertTrue(deletedIds.add(call.argument), () -> "deleted twice, by " + call.mark + " too");
            }
        }

        private boolean isThere(Call call) {
            return switch (call.reducer) {
                case "add_note" -> whole(call, notes.get(call.mark), 1);
                case "test_whoami" -> whole(call, found.get(call.mark), 4);
                case "test_delete_by" -> whole(call, found.get(call.mark), 1);
                case "test_fill" -> {
                    int rows = 0;
                    for (int id = call.argument; id < call.argument + CrashChild.FILL_ROWS; id++) {
                        rows += ids.contains(id) || deletedIds.contains(id) ? 1 : 0;
                    }
                    int count = rows;
                    assertTrue(rows == 0 || rows == CrashChild.FILL_ROWS, () -> count + " rows of " + call.mark);
                    yield rows > 0;
                }
                default -> throw new AssertionError(call.reducer);
            };
        }

        private static boolean whole(Call call, List<Marked> rows, int wanted) {
            int count = rows == null ? 0 : rows.size();
            assertTrue(count == 0 || count == wanted, () -> count + " rows of " + call.reducer + " " + call.mark);
            return count > 0;
        }

        private void noPhantoms() {
            Set<String> marks = new HashSet<>();
            Set<Integer> filled = new HashSet<>();
            for (Call call : kept) {
                marks.add(call.mark);
                for (int i = 0; i < CrashChild.FILL_ROWS && call.reducer.equals("test_fill"); i++) {
                    filled.add(call.argument + i);
                }
            }
            assertTrue(marks.containsAll(found.keySet()), "rows that nobody sent");
            assertTrue(marks.containsAll(notes.keySet()), "rows that nobody sent");
            assertTrue(filled.containsAll(ids), "rows that nobody sent");
        }
    }

    private interface Tables {
        void read(String sql, Consumer<BsatnReader> row);
    }
}
