package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.backup.BackupWriter;
import dev.geodesic.engine.backup.Moment;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.Faults;
import dev.geodesic.engine.durability.FaultyDisk;
import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The power fails at an operation of the disk while a server does something; afterwards it starts, what was acknowledged is
 * there, and what was not is whole or absent. Every operation of each story is tried with {@code -Dgeodesic.power.all=true},
 * else some of them.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PowerLossTest {

    private static final boolean ALL = Boolean.getBoolean("geodesic.power.all");
    private static final int SOME = 14;
    private static final Logger ENGINE = Logger.getLogger("dev.geodesic.engine");

    private static final Identity OWNER = Identity.fromHex("c2" + "00".repeat(30) + "07");
    private static final byte[] FIRST = new TinyModule().table("a").reducer("go", TinyModule.CALLABLE).wasm();
    private static final byte[] SECOND = new TinyModule().table("a").table("b").reducer("go", TinyModule.CALLABLE).wasm();

    @TempDir
    private Path data;

    /** One thing that is acknowledged or not. */
    private interface Step {
        void run(Server server);
    }

    private record State(SortedMap<String, SortedMap<String, SortedSet<String>>> databases) {
    }

    @BeforeAll
    static void silence() {
        ENGINE.setLevel(Level.OFF);
    }

    @AfterAll
    static void speak() {
        ENGINE.setLevel(null);
    }

    @BeforeEach
    void shareCompiledModules() throws Exception {
        Path shared = Path.of("target", "compiled-modules").toAbsolutePath();
        Files.createDirectories(shared);
        Files.createSymbolicLink(data.resolve("compiled"), shared);
    }

    @AfterEach
    void leaveCompiledModules() throws Exception {
        Files.deleteIfExists(data.resolve("compiled"));
    }

    private Server start(FaultyDisk disk) {
        return Server.start(new ServerOptions(
                data, Limits.DEFAULTS, HeapStores::new,
                new CommitLogs(CommitLogOptions.DEFAULTS.withSegmentBytesMax(2000), disk),
                Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), Clock.systemUTC())
                .withDisk(disk)
                .withSnapshots(new SnapshotOptions(disk, 4, 1 << 20, new Retention(1, Duration.ZERO))));
    }

    private static State state(Server server) {
        assertEquals(Map.of(), server.failedDatabases());
        return new State(Contents.of(server, OWNER));
    }

    private State recover(FaultyDisk disk) {
        try (Server server = start(disk)) {
            return state(server);
        }
    }

    private void noLeftovers(FaultyDisk disk, Server server) {
        Set<String> directories = new HashSet<>();
        server.databasesOf(OWNER).forEach(d -> directories.add(d.toHex()));
        assertEquals(directories, Set.copyOf(disk.directories(data.resolve("databases"))), "no leftovers");
        server.databasesOf(OWNER).forEach(d -> assertEquals(
                1, disk.directories(data.resolve("databases").resolve(d.toHex())).size(), "one incarnation"));
        assertEquals(List.of(), disk.directories(data.resolve("restores")), "nothing of restores");
    }

    /** @param before steps that are behind us when the story begins */
    private void story(List<Step> before, List<Step> steps) {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        FaultyDisk prepared = new FaultyDisk(random, data);
        if (!before.isEmpty()) {
            try (Server server = start(prepared)) {
                before.forEach(step -> step.run(server));
            }
        }
        List<State> states = new ArrayList<>();
        FaultyDisk whole = prepared.restarted();
        try (Server server = start(whole)) {
            states.add(state(server));
            for (Step step : steps) {
                step.run(server);
                states.add(state(server));
            }
            noLeftovers(whole, server);
        }
        assertEquals(states.getLast(), recover(whole.powerLoss()), "a server that has stopped survives anything");
        long operations = whole.operations();
        long[] places = ALL || operations <= SOME
                ? LongStream.range(0, operations).toArray()
                : random.longs(0, operations).distinct().limit(SOME).sorted().toArray();
        for (long place : places) {
            int acknowledged = 0;
            try {
                FaultyDisk disk = prepared.restarted();
                if (random.nextInt(4) == 0) {
                    // One operation fails, and the disk is as good as ever afterwards.
                    disk.faults().plan(op -> op.number() == place ? Faults.Fault.FAIL : Faults.Fault.NONE);
                    acknowledged = runUntilDeath(disk, steps);
                } else {
                    disk.dieAt(place);
                    acknowledged = runUntilDeath(disk, steps);
                    assertTrue(disk.isDead() || acknowledged == steps.size(), "a story that ended early on a good disk");
                }
                FaultyDisk left = random.nextInt(4) == 0 ? disk.restarted() : disk.powerLoss();
                if (random.nextBoolean()) {
                    // It fails again while the server recovers.
                    left.dieAt(random.nextInt(20));
                    runUntilDeath(left, List.of());
                    left = left.powerLoss();
                }
                State found = recover(left);
                int from = acknowledged;
                assertTrue(states.subList(from, Math.min(from + 2, states.size())).contains(found),
                        () -> differences(states.subList(from, Math.min(from + 2, states.size())), found));
                try (Server server = start(left.powerLoss())) {
                    assertEquals(found, new State(Contents.of(server, OWNER)), "what has been recovered once stays");
                    publish("later", FIRST, false).run(server);
                }
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("the power failed at operation " + place + " of " + operations + ", after "
                        + acknowledged + " steps, with -Dgeodesic.seed=" + seed + ": " + e, e);
            }
        }
    }

    private static String differences(List<State> wanted, State found) {
        StringBuilder text = new StringBuilder();
        for (State state : wanted) {
            text.append("either ").append(state.databases().keySet()).append(" but ").append(found.databases().keySet());
            state.databases().forEach((name, tables) -> text.append(' ').append(name).append(": ").append(
                    Contents.difference(tables, found.databases().getOrDefault(name, new TreeMap<>()))));
        }
        return text.toString();
    }

    /** Number of acknowledged steps. */
    private int runUntilDeath(FaultyDisk disk, List<Step> steps) {
        int acknowledged = 0;
        try (Server server = start(disk)) {
            for (Step step : steps) {
                step.run(server);
                acknowledged++;
            }
        } catch (EngineException e) {
            assertTrue(disk.faults().struck(), () -> "failed on a good disk: " + e.describe());
        }
        return acknowledged;
    }

    // ---- steps ----

    private static Step publish(String name, byte[] program, boolean clear) {
        return server -> {
            PublishResult result = server.publish(new PublishRequest(Optional.of(name), OWNER, program, clear));
            server.database(result.identity()).awaitDurable(result.txOffset());
        };
    }

    private static Step insert(String name, String table, int id) {
        return server -> {
            Database database = server.database(server.resolve(name));
            SqlAnswer answer = database.sql(new ClientInfo(OWNER, new ConnectionId(1, 1), "{}"),
                    "INSERT INTO " + table + " (id) VALUES (" + id + ")");
            database.awaitDurable(answer.txOffset());
        };
    }

    /** @param zip where it is put */
    private static Step backup(String name, ByteArrayOutputStream zip) {
        return server -> {
            try (BackupWriter writer = server.backups().prepare(server.resolve(name), false, OWNER)) {
                writer.writeZip(zip);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
    }

    private static Step restore(ByteArrayOutputStream zip, Function<Server, RestoreRequest.Target> target) {
        return server -> {
            try (Backups.Upload upload = server.backups().receive(new ByteArrayInputStream(zip.toByteArray()))) {
                server.backups().restore(new RestoreRequest(
                        new RestoreRequest.Source.Sent(upload), new Moment.Latest(), target.apply(server), OWNER, true));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
    }

    private static final List<Step> ONE = List.of(publish("one", FIRST, false), insert("one", "a", 1), insert("one", "a", 2));

    // ---- stories ----

    @Test
    @Proves("durability.md 1")
    @Proves("durability.md 11")
    void ofTheFirstStartAndThePublishAfterIt() {
        story(List.of(), List.of(publish("one", FIRST, false), insert("one", "a", 5)));
    }

    @Test
    @Proves("durability.md 3")
    @Proves("durability.md 10")
    void ofTransactions() {
        List<Step> steps = new ArrayList<>();
        for (int i = 10; i < 22; i++) {
            steps.add(insert("one", "a", i));
        }
        story(ONE, steps);
    }

    @Test
    @Proves("durability.md 5")
    void ofAPublishBesideAnotherDatabase() {
        story(ONE, List.of(publish("two", SECOND, false), insert("two", "b", 1)));
    }

    @Test
    @Proves("durability.md 2.2")
    @Proves("durability.md 5")
    @Proves("durability.md 13")
    void ofAnUpdate() {
        story(ONE, List.of(publish("one", SECOND, false), insert("one", "b", 3)));
    }

    @Test
    @Proves("durability.md 5")
    void ofClearing() {
        story(ONE, List.of(publish("one", SECOND, true), insert("one", "b", 3), publish("one", FIRST, true)));
    }

    @Test
    @Proves("durability.md 5")
    @Proves("durability.md 11")
    void ofDeletingAndPublishingAgain() {
        story(ONE, List.of(server -> server.delete(server.resolve("one"), OWNER),
                publish("one", SECOND, false), insert("one", "b", 3)));
    }

    @Test
    @Proves("durability.md 11")
    void ofNamesAndVariables() {
        story(ONE, List.of(
                server -> server.addName(server.resolve("one"), "uno", OWNER),
                server -> server.setNames(server.resolve("one"), List.of("eins", "ein"), OWNER),
                server -> server.setLocked(server.resolve("eins"), true, OWNER)));
    }

    /**
     * A disk that says it has forced what it has not breaks every promise, but for one: after a power loss there is the state
     * after one of the transactions, or somebody says what is damaged.
     */
    @Test
    @Proves("durability.md 1")
    void aDiskThatLiesLosesTheEndOrIsFoundOut() {
        Seeds.repeat(8, random -> {
            FaultyDisk disk = new FaultyDisk(random, data);
            try (Server server = start(disk)) {
                publish("one", FIRST, false).run(server);
            }
            SortedMap<String, SortedSet<String>> whole;
            try (Server server = start(disk)) {
                int honest = 1 + random.nextInt(60);
                long lyingFrom = disk.operations() + honest;
                disk.faults().plan(op -> op.number() >= lyingFrom
                        && (op.kind() == Faults.Kind.FORCE || op.kind() == Faults.Kind.FORCE_NAMES)
                        ? Faults.Fault.LIE : Faults.Fault.NONE);
                for (int i = 0; i < 20; i++) {
                    insert("one", "a", i).run(server);
                }
                whole = Contents.of(server.database(server.resolve("one")), OWNER);
            }
            try (Server server = start(disk.powerLoss())) {
                for (EngineException reason : server.failedDatabases().values()) {
                    assertEquals(ErrorCode.STORAGE_CORRUPT, reason.code(), reason::describe);
                }
                if (server.failedDatabases().isEmpty()) {
                    Set<String> found = Contents.of(server.database(server.resolve("one")), OWNER).get("a");
                    List<String> rows = List.copyOf(whole.get("a"));
                    assertEquals(Set.copyOf(rows.subList(0, found.size())), found, "a beginning of what was done");
                }
            } catch (EngineException e) {
                assertEquals(ErrorCode.STORAGE_CORRUPT, e.code(), e::describe);
            }
        });
    }

    @Test
    @Proves("durability.md 1")
    void ofARestoreInPlace() {
        ByteArrayOutputStream zip = new ByteArrayOutputStream();
        List<Step> before = new ArrayList<>(ONE);
        before.add(backup("one", zip));
        before.add(insert("one", "a", 3));
        story(before, List.of(
                restore(zip, server -> new RestoreRequest.Target.Same(server.resolve("one"))), insert("one", "a", 4)));
    }

    @Test
    @Proves("durability.md 1")
    void ofARestoreAsANewDatabase() {
        ByteArrayOutputStream zip = new ByteArrayOutputStream();
        List<Step> before = new ArrayList<>(ONE);
        before.add(backup("one", zip));
        story(before, List.of(
                restore(zip, server -> new RestoreRequest.Target.Another(Optional.of("two"))), insert("two", "a", 4)));
    }

    /** A token is acknowledged when it has been given out. */
    @Test
    @Proves("durability.md 11")
    void keysAreThereAsSoonAsTheyHaveSigned() {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        for (int place = 0; place < 40; place++) {
            FaultyDisk disk = new FaultyDisk(random, data);
            disk.dieAt(place);
            Optional<String> token = Optional.empty();
            try (Server server = start(disk)) {
                token = Optional.of(server.tokens().issueAnonymous().token());
            } catch (EngineException e) {
                assertTrue(disk.isDead(), e::describe);
            }
            String what = "operation " + place + " with -Dgeodesic.seed=" + seed;
            try (Server server = start(disk.powerLoss())) {
                token.ifPresent(text -> server.tokens().verifyBlocking(text));
                server.tokens().verifyBlocking(server.tokens().issueAnonymous().token());
            } catch (EngineException e) {
                throw new AssertionError(what + ": " + e.describe(), e);
            }
        }
    }
}
