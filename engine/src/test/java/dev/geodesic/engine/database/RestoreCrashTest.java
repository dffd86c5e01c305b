package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.backup.BackupReader;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.durability.FaultyDisk;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills a server with SIGKILL while it writes backups, restores them, sets databases back and takes snapshots. Afterwards every
 * database is the one before the last step or the one behind it, whole; there are no others; a backup under its name is whole;
 * and nothing unfinished is left in the data directory. {@code -Dgeodesic.crash.restore.kills=200} for more of it.
 */
@Timeout(value = 3, unit = TimeUnit.HOURS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RestoreCrashTest {

    private static final int KILLS = Integer.getInteger("geodesic.crash.restore.kills", 6);
    /** Kills before the next one begins with an empty directory. */
    private static final int LIVES = 15;
    private static final int LINES_MAX = 60;
    private static final Logger ENGINE = Logger.getLogger("dev.geodesic.engine");
    private static final Identity OWNER = CrashChild.SIDE_OWNER;

    @TempDir
    private Path directory;

    private final Map<RestoreCrashChild.Step, Integer> cutOff = new TreeMap<>();
    private final Map<RestoreCrashChild.Step, Integer> done = new TreeMap<>();
    private ChildJvm children;
    private Path program;

    @BeforeEach
    void prepare() throws Exception {
        ENGINE.setLevel(Level.OFF);
        program = Files.write(
                directory.resolve("a.wasm"), new TinyModule().table("a").reducer("go", TinyModule.CALLABLE).wasm());
        children = new ChildJvm(directory);
        Path errors = directory.resolve("errors-training");
        Process trained = children.train(
                RestoreCrashChild.class, List.of(directory.resolve("training").toString(), program.toString(), "1", "0"), errors);
        CountDownLatch enough = new CountDownLatch(60);
        Thread.ofVirtual().start(() -> ChildJvm.read(trained, line -> enough.countDown()));
        assertTrue(enough.await(60, TimeUnit.SECONDS), () -> ChildJvm.text(errors));
        ChildJvm.end(trained);
    }

    @AfterEach
    void speak() {
        ENGINE.setLevel(null);
    }

    @Test
    @Proves("durability.md 8")
    @Proves("durability.md 13")
    void aKillDuringARestoreLeavesTheOldDatabaseOrTheNewOne() throws Exception {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        long begin = System.nanoTime();
        Path place = null;
        List<Books> books = List.of();
        for (int kill = 0; kill < KILLS; kill++) {
            if (kill % LIVES == 0) {
                place = directory.resolve("place" + kill);
                books = new ArrayList<>();
                for (int thread = 0; thread < RestoreCrashChild.THREADS; thread++) {
                    books.add(new Books(thread));
                }
            }
            try {
                runAndKill(place, kill, random, books);
                check(place, books);
            } catch (AssertionError | Exception e) {
                throw new AssertionError("kill " + kill + " with -Dgeodesic.seed=" + seed + ": " + e, e);
            }
        }
        assertTrue(done.size() >= 4, () -> "the server did something: " + done);
        ENGINE.setLevel(null);
        Logger.getLogger(RestoreCrashTest.class.getName()).info(String.format(
                "%d kills in %d s with seed %d; done: %s; cut off: %s", KILLS,
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin), seed, done, cutOff));
    }

    private void runAndKill(Path place, int life, Random random, List<Books> books) throws Exception {
        Path errors = directory.resolve("errors");
        Process child = children.start(RestoreCrashChild.class, List.of(
                place.toString(), program.toString(), Long.toString(random.nextLong()), Integer.toString(life)), errors);
        boolean early = random.nextInt(6) == 0;
        int lines = early ? Integer.MAX_VALUE : 2 + random.nextInt(LINES_MAX);
        List<String> said = new ArrayList<>();
        CountDownLatch enough = new CountDownLatch(1);
        Thread reader = Thread.ofVirtual().start(() -> ChildJvm.read(child, line -> {
            said.add(line);
            if (said.size() == lines) {
                enough.countDown();
            }
        }));
        boolean ended = false;
        if (early) {
            ended = child.waitFor(random.nextInt(1500), TimeUnit.MILLISECONDS);
        } else {
            while (!ended && !enough.await(100, TimeUnit.MILLISECONDS)) {
                ended = !child.isAlive();
            }
            // A restore takes some milliseconds: into it.
            ended = ended || child.waitFor(random.nextInt(20_000), TimeUnit.MICROSECONDS);
        }
        ChildJvm.kill(child);
        reader.join();
        assertFalse(ended, () -> "the server stopped by itself: " + ChildJvm.text(errors) + said);
        for (String line : said) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "ready" -> books.forEach(Books::ready);
                case "begun" -> books.get(Integer.parseInt(words[1])).begun(words);
                case "done" -> books.get(Integer.parseInt(words[1])).done(words[2]);
                default -> throw new AssertionError(line);
            }
        }
    }

    /** What one thread's databases must be: rows of each, by name. */
    private final class Books {

        private final int thread;
        private final String main;
        private SortedMap<String, SortedSet<Integer>> now = new TreeMap<>();
        private SortedMap<String, SortedSet<Integer>> next;
        private RestoreCrashChild.Step step;
        private final Map<String, SortedSet<Integer>> backups = new HashMap<>();
        private final Map<Long, SortedSet<Integer>> past = new HashMap<>();

        Books(int thread) {
            this.thread = thread;
            this.main = RestoreCrashChild.main(thread);
        }

        void ready() {
            now.computeIfAbsent(main, n -> new TreeSet<>());
        }

        void begun(String[] words) {
            step = RestoreCrashChild.Step.valueOf(words[2]);
            String subject = words[3];
            next = new TreeMap<>(now);
            switch (step) {
                case INSERT -> {
                    SortedSet<Integer> more = new TreeSet<>(now.get(main));
                    more.add(Integer.parseInt(subject));
                    next.put(main, more);
                }
                case BACKUP -> backups.put(subject, now.get(main));
                case RESTORE_BACKUP -> next.put(main, backups.get(subject));
                case RESTORE_HISTORY -> next.put(main, past.get(Long.parseLong(subject)));
                case COPY_BACKUP -> next.put(words[4], backups.get(subject));
                case COPY_HISTORY -> next.put(words[4], past.get(Long.parseLong(subject)));
                case DELETE_COPY -> next.remove(subject);
                case SNAPSHOT, RESTORE_ZIP -> {
                    // The same as before.
                }
            }
        }

        void done(String offset) {
            now = next;
            next = null;
            if (step == RestoreCrashChild.Step.INSERT) {
                past.put(Long.parseLong(offset), now.get(main));
            }
            done.merge(step, 1, Integer::sum);
        }

        void check(SortedMap<String, SortedSet<Integer>> found) {
            SortedMap<String, SortedSet<Integer>> mine = new TreeMap<>(found);
            mine.keySet().removeIf(n -> !n.equals(main) && !n.startsWith(RestoreCrashChild.copies(thread)));
            if (now.isEmpty() && next == null) {
                // It died before it said that it is ready.
                assertTrue(mine.isEmpty() || mine.equals(Map.of(main, new TreeSet<>())), mine::toString);
                now = mine;
                return;
            }
            if (next != null) {
                cutOff.merge(step, 1, Integer::sum);
                if (mine.equals(next)) {
                    now = next;
                }
            }
            assertEquals(now, mine, () -> "or " + next + " by " + step);
            next = null;
        }
    }

    private static void check(Path place, List<Books> books) throws IOException {
        Path data = place.resolve("data");
        try (Server server = Server.start(RestoreCrashChild.options(place))) {
            assertEquals(Map.of(), server.failedDatabases());
            SortedMap<String, SortedSet<Integer>> found = new TreeMap<>();
            Set<String> known = new TreeSet<>();
            for (Identity identity : server.databasesOf(OWNER)) {
                List<String> names = server.names(identity);
                assertEquals(1, names.size(), names::toString);
                SortedSet<Integer> ids = new TreeSet<>();
                RowBuffer rows = server.database(identity).sql(CrashChild.SIDE_CLIENT, "SELECT id FROM a").result().rows();
                for (int row = 0; row < rows.count(); row++) {
                    ids.add(new BsatnReader(rows.row(row)).readU32());
                }
                found.put(names.getFirst(), ids);
                known.add(identity.toHex() + "/" + server.entry(identity).orElseThrow().incarnation());
            }
            books.forEach(b -> b.check(found));
            assertEquals(known, directories(data.resolve("databases")));
            assertTrue(Files.notExists(data.resolve(Backups.STAGING)), "what was unpacked is gone");
            try (Stream<Path> all = Files.walk(data)) {
                assertEquals(List.of(), all.map(p -> p.getFileName().toString())
                        .filter(n -> n.endsWith(".tmp") || n.endsWith(".part") || n.equals("unregistered")).toList());
            }
        }
        checkBackups(place.resolve("backups"), books);
    }

    /** Incarnations of databases. */
    private static Set<String> directories(Path databases) throws IOException {
        Set<String> found = new TreeSet<>();
        if (Files.exists(databases)) {
            try (Stream<Path> all = Files.walk(databases, 2)) {
                all.map(databases::relativize).filter(p -> p.getNameCount() == 2).forEach(p -> found.add(p.toString()));
            }
        }
        return found;
    }

    /** Under its name a backup is whole; what a kill interrupted has another one. */
    private static void checkBackups(Path backups, List<Books> books) throws IOException {
        if (Files.notExists(backups)) {
            return;
        }
        try (Stream<Path> all = Files.list(backups)) {
            for (Path backup : all.toList()) {
                String name = backup.getFileName().toString();
                if (name.startsWith(".") && name.endsWith(".part")) {
                    continue;
                }
                assertTrue(books.stream().anyMatch(b -> b.backups.containsKey(name)), name);
                try (Storage into = new FaultyDisk(new Random(1), Path.of("into")).open(Path.of("into"))) {
                    new BackupReader(1 << 30).copy(backup, into, manifest -> { });
                } catch (EngineException e) {
                    throw new AssertionError(backup + ": " + e.describe(), e);
                }
            }
        }
    }
}
