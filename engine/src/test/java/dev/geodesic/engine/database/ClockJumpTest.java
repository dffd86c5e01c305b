package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.backup.Moment;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.snapshot.SnapshotListing;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A whole server whose clock is set forward by a year and back again, and an hour further back, while it works. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ClockJumpTest {

    private static final Duration YEAR = Duration.ofDays(365);
    private static final Duration HOUR = Duration.ofHours(1);

    @TempDir
    private Path directory;

    /** How wrong the time of day is. */
    private volatile Duration skew = Duration.ZERO;
    private BackupWorld world;
    private Database database;
    private TestServer.Inbox inbox;
    private ClientConnection connection;
    private int calls;

    @BeforeEach
    void start() throws Exception {
        world = new BackupWorld(directory, HeapStores::new);
        InstantSource clock = () -> Instant.now().plus(skew);
        world.clock = clock.withZone(ZoneOffset.UTC);
        world.restart();
        database = world.create("clock");
        inbox = new TestServer.Inbox();
        connection = database.connect(TestServer.client(world.other), TestServer.V2_CONFIRMED, inbox, "");
        inbox.next(ServerMessage.InitialConnection.class);
    }

    @AfterEach
    void close() {
        world.close();
    }

    /** Calls of every kind are answered, confirmed and read. */
    private void works() throws Exception {
        world.commit(database, "add_note", "[\"http\"]");
        connection.submit(TestServer.callMessage(++calls, "add_note", "[\"socket\"]"), 10);
        inbox.next(ServerMessage.ReducerResult.class);
        assertEquals(2 * calls, world.count(database, "SELECT * FROM note"));
        database.awaitDurable(database.durableOffset());
    }

    private SnapshotListing listing() {
        return database.snapshots().orElseThrow().list();
    }

    @Test
    @Proves("durability.md 13")
    void aServerGoesOnAndItsPastStaysInOrder() throws Exception {
        works();
        database.snapshots().orElseThrow().take().join();
        long first = listing().untilOffset();
        long before = Database.micros(Instant.now());
        TokenAuthority.Issued lasting = world.server.tokens().issueAnonymous();

        skew = YEAR;
        works();
        world.server.tokens().verifyBlocking(lasting.token());
        database.snapshots().orElseThrow().take().join();
        SnapshotListing future = listing();
        assertEquals(0, future.fromOffset(), "a clock that jumps ahead deletes nothing");
        assertEquals(2, future.snapshots().size());
        assertTrue(future.untilMicros() > before + YEAR.minusDays(1).toMillis() * 1000);

        skew = HOUR.negated();
        works();
        works();
        database.snapshots().orElseThrow().take().join();
        assertTrue(listing().untilMicros() >= future.untilMicros(), "times of commits never fall");
        assertEquals(0, listing().fromOffset());

        // What was, is there, after a restart too; a time before the jump is the state before it.
        world.restart();
        database = world.server.database(world.server.resolve("clock"));
        assertEquals(2 * calls, world.count(database, "SELECT * FROM note"));
        world.restore(new RestoreRequest.Source.History(database.identity()), new Moment.Time(before),
                BackupWorld.another("past"));
        assertEquals(2, world.count(world.server.database(world.server.resolve("past")), "SELECT * FROM note"));
        world.restore(new RestoreRequest.Source.History(database.identity()), new Moment.Offset(first),
                BackupWorld.same(database.identity()));
        database = world.server.database(database.identity());
        assertEquals(2, world.count(database, "SELECT * FROM note"));
        world.commit(database, "add_note", "[\"after\"]");
    }

    /** A token that is good for a minute is not good for a year, and one that was given out in the future is not good yet. */
    @Test
    void shortTokensFollowTheClock() {
        TokenAuthority.Issued issued = world.server.tokens().issueAnonymous();
        String minute = world.server.tokens().issueForWebSocket(issued.claims());
        world.server.tokens().verifyBlocking(minute);
        skew = YEAR;
        assertEquals(ErrorCode.INVALID_TOKEN, assertThrows(
                EngineException.class, () -> world.server.tokens().verifyBlocking(minute)).code());
        world.server.tokens().verifyBlocking(issued.token());
        skew = HOUR.negated();
        world.server.tokens().verifyBlocking(issued.token());
    }

    /** What is awaited for so and so long is not awaited for a year: the log's patience with its disk is no time of day. */
    @Test
    void aJumpIsNoHang() throws Exception {
        skew = YEAR;
        works();
        assertEquals(0, world.server.hangingDatabases().size());
        assertTrue(CommitLogOptions.DEFAULTS.patience().compareTo(Duration.ofMinutes(1)) < 0);
        world.restart();
    }
}
