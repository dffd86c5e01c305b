package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills a server with SIGKILL while it works, starts it again on the same directory, and compares: every confirmed call is
 * there, every call with all that it writes or nothing, calls of one client up to one of them and none behind it, nothing
 * that was not sent, and nothing of earlier lives is lost. {@code -Dgeodesic.crash.kills=100} for more of it.
 */
@Timeout(value = 3, unit = TimeUnit.HOURS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CrashTest {

    private static final int KILLS = Integer.getInteger("geodesic.crash.kills", 12);
    /** Directories that are worked on side by side. */
    private static final int LANES = 2;
    /** Kills before the next one begins with an empty directory. */
    private static final int LIVES = 10;
    private static final int LINES_MAX = 1500;
    private static final Logger ENGINE = Logger.getLogger("dev.geodesic.engine");
    private static final byte[] FIRST = new TinyModule().table("a").reducer("go", TinyModule.CALLABLE).wasm();
    private static final byte[] SECOND = new TinyModule().table("a").table("b").reducer("go", TinyModule.CALLABLE).wasm();

    @TempDir
    private Path directory;

    private final AtomicInteger kills = new AtomicInteger();
    private final AtomicInteger confirmedCalls = new AtomicInteger();
    private final AtomicInteger lostCalls = new AtomicInteger();
    private final AtomicInteger sideSteps = new AtomicInteger();
    private ChildJvm children;
    private Path programs;

    @BeforeEach
    void prepare() throws Exception {
        ENGINE.setLevel(Level.OFF);
        programs = Files.createDirectory(directory.resolve("programs"));
        Files.copy(Path.of("../samples/modules/v2/kitchen_v2.wasm"), programs.resolve("main.wasm"));
        Files.write(programs.resolve("first.wasm"), FIRST);
        Files.write(programs.resolve("second.wasm"), SECOND);
        children = new ChildJvm(directory);
        Path errors = directory.resolve("errors-training");
        Process trained = children.train(
                CrashChild.class, List.of(directory.resolve("training").toString(), programs.toString(), "1", "0", "0"), errors);
        CountDownLatch enough = new CountDownLatch(200);
        Thread.ofVirtual().start(() -> ChildJvm.read(trained, line -> enough.countDown()));
        assertTrue(enough.await(60, TimeUnit.SECONDS), () -> ChildJvm.text(errors));
        ChildJvm.end(trained);
    }

    @AfterEach
    void speak() {
        ENGINE.setLevel(null);
    }

    @Test
    @Proves("durability.md 1")
    @Proves("durability.md 5")
    @Proves("durability.md 10")
    @Proves("durability.md 13")
    void whatWasConfirmedSurvivesSigkill() throws Exception {
        long seed = Seeds.seed();
        long begin = System.nanoTime();
        try (ExecutorService lanes = Executors.newFixedThreadPool(LANES)) {
            List<Future<?>> ends = new ArrayList<>();
            for (int lane = 0; lane < LANES; lane++) {
                int number = lane;
                ends.add(lanes.submit(() -> {
                    killAgainAndAgain(seed, number);
                    return null;
                }));
            }
            for (Future<?> end : ends) {
                end.get();
            }
        }
        assertTrue(confirmedCalls.get() > KILLS, "the server did something: " + confirmedCalls);
        ENGINE.setLevel(null);
        Logger.getLogger(CrashTest.class.getName()).info(String.format(
                "%d kills in %d s with seed %d: %d calls confirmed and found, %d sent and lost, %d publishes and deletes",
                KILLS, TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin), seed, confirmedCalls.get(), lostCalls.get(),
                sideSteps.get()));
    }

    private void killAgainAndAgain(long seed, int lane) throws Exception {
        Random random = new Random(seed + lane);
        Books books = null;
        for (int life = 0; kills.getAndIncrement() < KILLS; life++) {
            if (life % LIVES == 0) {
                books = new Books(directory.resolve("data" + lane + '-' + life), directory.resolve("errors" + lane));
            }
            try {
                books.life = life;
                List<Call> calls = runAndKill(books, random);
                books.check(calls);
            } catch (AssertionError | Exception e) {
                kills.set(KILLS);
                throw new AssertionError(
                        "life " + life + " in lane " + lane + " with -Dgeodesic.seed=" + seed + ": " + e, e);
            }
        }
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
        Path errors = books.errors;
        Process child = children.start(CrashChild.class, List.of(
                books.data.toString(), programs.toString(), Long.toString(random.nextLong()),
                Integer.toString(books.nextFill), Integer.toString(books.life)), errors);
        boolean early = random.nextInt(5) == 0;
        int lines = early ? Integer.MAX_VALUE : 1 + random.nextInt(1 + random.nextInt(LINES_MAX));
        List<String> said = new ArrayList<>();
        CountDownLatch enough = new CountDownLatch(1);
        Thread reader = Thread.ofVirtual().start(() -> ChildJvm.read(child, line -> {
            said.add(line);
            if (said.size() == lines) {
                enough.countDown();
            }
        }));
        // Whether a machine is slow is not the question.
        boolean ended = early
                ? child.waitFor(random.nextInt(2000), TimeUnit.MILLISECONDS)
                : !awaitLines(enough, child) || child.waitFor(random.nextInt(5000), TimeUnit.MICROSECONDS);
        ChildJvm.kill(child);
        reader.join();
        assertFalse(ended, () -> "the server stopped by itself: " + ChildJvm.text(errors) + last(said));
        return calls(books, said);
    }

    private static List<String> last(List<String> said) {
        return said.subList(Math.max(0, said.size() - 20), said.size());
    }

    /** False if the child has ended before it said so much. */
    private static boolean awaitLines(CountDownLatch enough, Process child) throws InterruptedException {
        while (!enough.await(100, TimeUnit.MILLISECONDS)) {
            if (!child.isAlive()) {
                return false;
            }
        }
        return true;
    }

    private List<Call> calls(Books books, List<String> said) {
        List<Call> calls = new ArrayList<>();
        books.sides.begin();
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
                    confirmedCalls.incrementAndGet();
                }
                case "begun" -> books.sides.begun(
                        CrashChild.SideStep.valueOf(words[1]), Integer.parseInt(words[2]), Integer.parseInt(words[3]));
                case "done" -> {
                    books.sides.done();
                    sideSteps.incrementAndGet();
                }
                default -> throw new AssertionError(line);
            }
        }
        return calls;
    }

    /** Rows of {@code note} and {@code test_found}: in the order of their generated ids, which is that of the transactions. */
    private record Marked(long id, String mark, String value) {
    }

    /**
     * What the side databases must be: a list of them by number, null if there is none. One step at a time is done to them, so
     * after a crash the last one has been done or not.
     */
    private static final class Sides {

        private record Side(String program, SortedSet<Integer> ids) {
        }

        private Side[] now = new Side[CrashChild.SIDES];
        private Side[] next;

        void begin() {
            next = null;
        }

        void begun(CrashChild.SideStep step, int number, int id) {
            next = now.clone();
            Side before = now[number];
            next[number] = switch (step) {
                case CLEAR -> new Side(LoadedModule.hash(FIRST).toHex(), new TreeSet<>());
                case UPDATE -> new Side(LoadedModule.hash(SECOND).toHex(), before == null ? new TreeSet<>() : before.ids());
                case DELETE -> null;
                case INSERT -> {
                    if (before == null) {
                        yield null;
                    }
                    SortedSet<Integer> ids = new TreeSet<>(before.ids());
                    ids.add(id);
                    yield new Side(before.program(), ids);
                }
            };
        }

        void done() {
            now = next;
            next = null;
        }

        void check(Server server) {
            List<Side> found = new ArrayList<>();
            for (int i = 0; i < CrashChild.SIDES; i++) {
                Optional<Database> database = find(server, CrashChild.side(i));
                found.add(database.map(d -> {
                    SortedSet<Integer> ids = new TreeSet<>();
                    RowBuffer rows = d.sql(CrashChild.SIDE_CLIENT, "SELECT id FROM a").result().rows();
                    for (int row = 0; row < rows.count(); row++) {
                        ids.add(new BsatnReader(rows.row(row)).readU32());
                    }
                    return new Side(d.programHash().toHex(), ids);
                }).orElse(null));
            }
            if (next != null && found.equals(Arrays.asList(next))) {
                now = next;
            }
            assertEquals(Arrays.asList(now), found, () -> "or " + Arrays.toString(next));
        }

        private static Optional<Database> find(Server server, String name) {
            try {
                return Optional.of(server.database(server.resolve(name)));
            } catch (EngineException e) {
                assertEquals(ErrorCode.NO_SUCH_DATABASE, e.code(), e::describe);
                return Optional.empty();
            }
        }
    }

    /** What one data directory must hold. */
    private final class Books {

        private final Path data;
        private final Path errors;
        private final Sides sides = new Sides();
        private int life;
        private boolean created;
        private int nextFill;
        /** Calls of all lives that were found after them, and must be found ever after. */
        private final List<Call> kept = new ArrayList<>();

        private final Set<Integer> ids = new HashSet<>();
        private final Set<Integer> deletedIds = new HashSet<>();
        private final Map<String, List<Marked>> found = new HashMap<>();
        private final Map<String, List<Marked>> notes = new HashMap<>();

        Books(Path data, Path errors) {
            this.data = data;
            this.errors = errors;
        }

        void check(List<Call> sent) {
            try (Server server = Server.start(CrashChild.options(data))) {
                assertEquals(Map.of(), server.failedDatabases());
                if (server.databases().isEmpty()) {
                    assertFalse(created, "the database is gone");
                    return;
                }
                created = true;
                readTables(server, server.database(server.resolve(CrashChild.DATABASE)));
                sides.check(server);
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
                    lostCalls.incrementAndGet();
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
            assertAllSent(found.keySet(), marks);
            assertAllSent(notes.keySet(), marks);
            assertAllSent(ids, filled);
        }

        private static <T> void assertAllSent(Set<T> there, Set<T> sent) {
            Set<T> more = new HashSet<>(there);
            more.removeAll(sent);
            assertEquals(Set.of(), more, "rows that nobody sent");
        }
    }

    private interface Tables {
        void read(String sql, Consumer<BsatnReader> row);
    }
}
