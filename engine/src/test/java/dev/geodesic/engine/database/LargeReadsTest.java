package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.TestServer.V1;
import static dev.geodesic.engine.database.TestServer.V2;
import static dev.geodesic.engine.database.TestServer.V2_CONFIRMED;
import static dev.geodesic.engine.database.TestServer.callMessage;
import static dev.geodesic.engine.database.TestServer.client;
import static dev.geodesic.engine.database.TestServer.query;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Queries of clients that are read beside the writer: their place among the connection's messages, and what happens while the
 * reader takes its time. Here it does until it is let go.
 */
@Timeout(60)
class LargeReadsTest {

    private static final String NOTES = "SELECT * FROM note";
    private static final String TEAMS = "SELECT * FROM team";
    /** Some transactions are too many for a read that waits for them. */
    private static final Limits FEW = TestServer.readLimits(Limits.DEFAULTS, 60_000, 10_000, -1);
    private static final int TOO_MANY = 300;

    @TempDir
    private Path data;
    private int worlds;

    /** A database whose readers do nothing for now. */
    private final class World implements AutoCloseable {

        final TestServer test;
        final Database database;
        private final CountDownLatch held = new CountDownLatch(1);

        World(Limits limits) throws Exception {
            test = new TestServer(Files.createDirectories(data.resolve("world" + worlds++)), limits, LogFactory.MEMORY);
            database = test.create("kitchen", TestServer.KITCHEN);
            add(2);
            int threads = test.server.readers().getMaximumPoolSize();
            CountDownLatch busy = new CountDownLatch(threads);
            for (int i = 0; i < threads; i++) {
                test.server.readers().execute(() -> {
                    busy.countDown();
                    try {
                        held.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
            }
            assertTrue(busy.await(20, TimeUnit.SECONDS));
        }

        void add(int notes) {
            for (int i = 0; i < notes; i++) {
                test.commit(database, "add_note", "[\"note\"]");
            }
        }

        void letGo() {
            held.countDown();
        }

        /** Everything that was queued has been done. */
        void settle() {
            Database.join(database.committedOffset());
        }

        @Override
        public void close() {
            letGo();
            test.close();
        }
    }

    private static final class Peer {

        final TestServer.Inbox inbox = new TestServer.Inbox();
        final ClientConnection connection;

        Peer(World world, ConnectionOptions options) throws InterruptedException {
            connection = world.database.connect(client(world.test.owner), options, inbox, "token");
            next(ServerMessage.InitialConnection.class);
        }

        void subscribe(SubscriptionKind kind, int request, int set, String... queries) {
            connection.submit(new ClientMessage.Subscribe(kind, request, set, List.of(queries)), 10);
        }

        void unsubscribe(SubscriptionKind kind, int request, int set, boolean rows) {
            connection.submit(new ClientMessage.Unsubscribe(kind, request, set, rows), 10);
        }

        <T extends ServerMessage> T next(Class<T> type) throws InterruptedException {
            return inbox.next(type);
        }

        void nothing(World world) {
            world.settle();
            assertNull(inbox.messages.peek());
        }
    }

    private static int inserts(List<TableUpdate> tables) {
        return tables.stream().flatMap(t -> t.fragments().stream()).mapToInt(f -> f.inserts().count()).sum();
    }

    private static int deletes(List<TableUpdate> tables) {
        return tables.stream().flatMap(t -> t.fragments().stream()).mapToInt(f -> f.deletes().count()).sum();
    }

    private static List<TableUpdate> notes(List<TableUpdate> tables) {
        return tables.stream().filter(t -> t.tableName().equals("note")).toList();
    }

    private static int changes(List<QuerySetUpdate> sets, int setId) {
        return sets.stream().filter(s -> s.querySetId() == setId).mapToInt(s -> inserts(s.tables())).sum();
    }

    @Test
    @Proves("websocket.md 9")
    void theAnswerHasItsPlaceAndShowsTheStateOfItsTurn() throws Exception {
        for (ConnectionOptions options : List.of(V2, V2_CONFIRMED)) {
            try (World world = new World(TestServer.besideTheWriter(Limits.DEFAULTS))) {
                Peer peer = new Peer(world, options);
                peer.subscribe(SubscriptionKind.SET, 1, 7, NOTES);
                peer.connection.submit(callMessage(2, "add_note", "[\"own\"]"), 10);
                world.settle();
                world.add(1);
                peer.connection.submit(query(3, NOTES), 10);
                peer.unsubscribe(SubscriptionKind.SET, 4, 7, true);
                peer.subscribe(SubscriptionKind.SET, 5, 7, NOTES);
                world.settle();
                // The writer has done all of it, and somebody else is served.
                world.add(1);
                peer.nothing(world);
                world.letGo();
                ServerMessage.SubscribeApplied applied = peer.next(ServerMessage.SubscribeApplied.class);
                assertEquals(1, applied.requestId());
                assertEquals(2, inserts(applied.tables()));
                ServerMessage.ReducerResult result = peer.next(ServerMessage.ReducerResult.class);
                assertEquals(1, changes(assertInstanceOf(ReducerOutcome.Committed.class, result.outcome()).querySets(), 7));
                assertEquals(1, changes(peer.next(ServerMessage.TransactionUpdate.class).querySets(), 7));
                ServerMessage.OneOffResult oneOff = peer.next(ServerMessage.OneOffResult.class);
                assertEquals(4, assertInstanceOf(QueryOutcome.Rows.class, oneOff.outcome()).rows().inserts().count());
                ServerMessage.UnsubscribeApplied ended = peer.next(ServerMessage.UnsubscribeApplied.class);
                assertEquals(4, deletes(ended.tables().orElseThrow()));
                assertEquals(4, inserts(peer.next(ServerMessage.SubscribeApplied.class).tables()));
                assertEquals(1, changes(peer.next(ServerMessage.TransactionUpdate.class).querySets(), 7));
                world.add(1);
                assertEquals(1, changes(peer.next(ServerMessage.TransactionUpdate.class).querySets(), 7));
                peer.nothing(world);
            }
        }
    }

    @Test
    void allKindsOfVersionOneGoThisWay() throws Exception {
        try (World world = new World(TestServer.besideTheWriter(Limits.DEFAULTS))) {
            Peer peer = new Peer(world, V1);
            peer.subscribe(SubscriptionKind.LEGACY, 1, 0, NOTES);
            peer.subscribe(SubscriptionKind.SINGLE, 2, 5, NOTES);
            peer.subscribe(SubscriptionKind.MULTI, 3, 6, NOTES, TEAMS);
            peer.unsubscribe(SubscriptionKind.SINGLE, 4, 5, true);
            peer.unsubscribe(SubscriptionKind.MULTI, 5, 6, true);
            world.settle();
            world.letGo();
            assertEquals(2, inserts(peer.next(ServerMessage.SubscribeApplied.class).tables()));
            assertEquals(2, inserts(peer.next(ServerMessage.SubscribeApplied.class).tables()));
            ServerMessage.SubscribeApplied multi = peer.next(ServerMessage.SubscribeApplied.class);
            assertEquals(0, inserts(notes(multi.tables())));
            // The other set still holds the query.
            assertEquals("Internal error", peer.next(ServerMessage.SubscriptionError.class).error());
            assertEquals(2, deletes(notes(peer.next(ServerMessage.UnsubscribeApplied.class).tables().orElseThrow())));
        }
    }

    @Test
    void aSetThatCannotBeReadEndsAndNothingOfItComesAfterwards() throws Exception {
        try (World world = new World(FEW)) {
            Peer peer = new Peer(world, V2);
            peer.subscribe(SubscriptionKind.SET, 1, 7, NOTES);
            peer.connection.submit(callMessage(2, "add_note", "[\"own\"]"), 10);
            world.settle();
            world.add(TOO_MANY);
            peer.subscribe(SubscriptionKind.SET, 3, 8, NOTES);
            world.settle();
            world.add(1);
            world.letGo();
            ServerMessage.SubscriptionError error = peer.next(ServerMessage.SubscriptionError.class);
            assertEquals(OptionalInt.of(1), error.requestId());
            assertEquals(OptionalInt.of(7), error.querySetId());
            assertTrue(error.error().contains("geodesic.limits.read.retained.bytes of 10000"), error.error());
            ServerMessage.ReducerResult result = peer.next(ServerMessage.ReducerResult.class);
            assertEquals(List.of(), assertInstanceOf(ReducerOutcome.Committed.class, result.outcome()).querySets());
            assertEquals(3 + TOO_MANY, inserts(peer.next(ServerMessage.SubscribeApplied.class).tables()));
            List<QuerySetUpdate> sets = peer.next(ServerMessage.TransactionUpdate.class).querySets();
            assertEquals(0, changes(sets, 7));
            assertEquals(1, changes(sets, 8));
            world.add(1);
            sets = peer.next(ServerMessage.TransactionUpdate.class).querySets();
            assertEquals(0, changes(sets, 7));
            assertEquals(1, changes(sets, 8));
            // Its id is free.
            peer.subscribe(SubscriptionKind.SET, 4, 7, NOTES);
            assertEquals(5 + TOO_MANY, inserts(peer.next(ServerMessage.SubscribeApplied.class).tables()));
            peer.nothing(world);
        }
    }

    @Test
    void aSetThatCannotBeReadHadBeenEndedByItsClient() throws Exception {
        try (World world = new World(FEW)) {
            Peer peer = new Peer(world, V2);
            peer.subscribe(SubscriptionKind.SET, 1, 7, NOTES);
            world.settle();
            world.add(1);
            peer.unsubscribe(SubscriptionKind.SET, 2, 7, false);
            world.settle();
            world.add(TOO_MANY);
            peer.subscribe(SubscriptionKind.SET, 3, 7, NOTES);
            world.settle();
            world.add(1);
            world.letGo();
            assertEquals(OptionalInt.of(1), peer.next(ServerMessage.SubscriptionError.class).requestId());
            assertEquals(OptionalInt.of(2), peer.next(ServerMessage.SubscriptionError.class).requestId());
            assertEquals(3 + TOO_MANY, inserts(peer.next(ServerMessage.SubscribeApplied.class).tables()));
            assertEquals(1, changes(peer.next(ServerMessage.TransactionUpdate.class).querySets(), 7));
            peer.nothing(world);
        }
    }

    @Test
    @Proves("websocket.md 5.4")
    void inVersionOneAFailureEndsAllSubscriptions() throws Exception {
        try (World world = new World(FEW)) {
            Peer peer = new Peer(world, V1);
            peer.subscribe(SubscriptionKind.MULTI, 1, 7, NOTES);
            peer.connection.submit(callMessage(2, "add_note", "[\"own\"]"), 10);
            world.settle();
            world.add(1);
            peer.subscribe(SubscriptionKind.MULTI, 3, 8, NOTES, TEAMS);
            world.settle();
            world.add(TOO_MANY);
            world.letGo();
            ServerMessage.SubscriptionError error = peer.next(ServerMessage.SubscriptionError.class);
            assertEquals(OptionalInt.empty(), error.requestId());
            assertEquals(OptionalInt.empty(), error.querySetId());
            ServerMessage.ReducerResult result = peer.next(ServerMessage.ReducerResult.class);
            assertEquals(List.of(), assertInstanceOf(ReducerOutcome.Committed.class, result.outcome()).querySets());
            assertEquals(OptionalInt.of(3), afterEmptyUpdates(peer, ServerMessage.SubscriptionError.class).requestId());
            peer.subscribe(SubscriptionKind.MULTI, 4, 8, NOTES);
            assertEquals(4 + TOO_MANY, inserts(afterEmptyUpdates(peer, ServerMessage.SubscribeApplied.class).tables()));
        }
    }

    /** Updates that only tell who called. */
    private static <T extends ServerMessage> T afterEmptyUpdates(Peer peer, Class<T> type) throws InterruptedException {
        ServerMessage message = peer.next(ServerMessage.class);
        while (message instanceof ServerMessage.TransactionUpdate update) {
            assertEquals(List.of(), update.querySets());
            message = peer.next(ServerMessage.class);
        }
        return assertInstanceOf(type, message);
    }

    @Test
    void ofABatchThoseSetsEndThatCannotBeRead() throws Exception {
        try (World world = new World(FEW)) {
            Peer peer = new Peer(world, V2);
            ClientMessage.SubscribeBatch batch = new ClientMessage.SubscribeBatch(1, List.of(
                    new ClientMessage.QuerySet(7, List.of(NOTES)), new ClientMessage.QuerySet(8, List.of("SELECT * FROM nobody")),
                    new ClientMessage.QuerySet(9, List.of(NOTES, TEAMS))));
            peer.connection.submit(batch, 10);
            world.settle();
            world.add(TOO_MANY);
            world.letGo();
            List<ServerMessage.SetOutcome> failed = peer.next(ServerMessage.SubscribeBatchApplied.class).results();
            failed.forEach(f -> assertInstanceOf(ServerMessage.SetOutcome.Failed.class, f));
            assertTrue(failed.get(1).toString().contains("nobody"), failed.toString());
            peer.connection.submit(batch, 10);
            List<ServerMessage.SetOutcome> results = peer.next(ServerMessage.SubscribeBatchApplied.class).results();
            assertEquals(2 + TOO_MANY, inserts(((ServerMessage.SetOutcome.Applied) results.get(0)).tables()));
            assertInstanceOf(ServerMessage.SetOutcome.Failed.class, results.get(1));
            world.add(1);
            List<QuerySetUpdate> sets = peer.next(ServerMessage.TransactionUpdate.class).querySets();
            assertEquals(1, changes(sets, 7));
            assertEquals(1, changes(sets, 9));
            peer.nothing(world);
        }
    }

    @Test
    void aOneOffQueryThatCannotBeReadFailsAlone() throws Exception {
        try (World world = new World(TestServer.readLimits(Limits.DEFAULTS, 1, 1 << 20, -1))) {
            Peer peer = new Peer(world, V2);
            peer.connection.submit(query(1, NOTES), 10);
            peer.connection.submit(callMessage(2, "add_note", "[\"own\"]"), 10);
            world.settle();
            Thread.sleep(10);
            world.letGo();
            QueryOutcome outcome = peer.next(ServerMessage.OneOffResult.class).outcome();
            String error = assertInstanceOf(QueryOutcome.Failed.class, outcome).error();
            assertTrue(error.contains("geodesic.limits.read.millis of 1"), error);
            peer.next(ServerMessage.ReducerResult.class);
        }
    }

    @Test
    void aClientThatHasGoneIsNotReadFor() throws Exception {
        try (World world = new World(TestServer.besideTheWriter(Limits.DEFAULTS))) {
            Peer peer = new Peer(world, V2);
            peer.subscribe(SubscriptionKind.SET, 1, 7, NOTES);
            world.settle();
            peer.connection.disconnect();
            Await.until("it has left", () -> world.database.connectionCount() == 0);
            world.add(1);
            assertEquals(0, world.database.subscriptions().planCount());
            world.letGo();
            Await.until("all reads have ended", () -> world.test.server.readers().getActiveCount() == 0);
            peer.nothing(world);
            assertTrue(world.database.failure().isEmpty());
        }
    }

    @Test
    void aDatabaseStopsWhileAnAnswerIsMade() throws Exception {
        Peer peer;
        World world = new World(TestServer.besideTheWriter(Limits.DEFAULTS));
        peer = new Peer(world, V2);
        peer.subscribe(SubscriptionKind.SET, 1, 7, NOTES);
        world.settle();
        long start = System.nanoTime();
        // The readers still rest.
        world.test.close();
        assertTrue(System.nanoTime() - start < TimeUnit.SECONDS.toNanos(4), "nobody waits for a read that has not begun");
        assertEquals(CloseReason.MODULE_EXITED, peer.inbox.end());
        world.letGo();
        assertNull(peer.inbox.messages.peek());
    }

    @Test
    void aNewProgramComesWhileAnAnswerIsMade() throws Exception {
        try (World world = new World(TestServer.besideTheWriter(Limits.DEFAULTS))) {
            Peer peer = new Peer(world, V2);
            peer.subscribe(SubscriptionKind.SET, 1, 7, NOTES);
            world.settle();
            world.test.publish("kitchen", ScheduledCallsTest.withComment(TestServer.KITCHEN), false);
            world.add(1);
            world.letGo();
            assertEquals(2, inserts(peer.next(ServerMessage.SubscribeApplied.class).tables()));
            assertEquals(1, changes(peer.next(ServerMessage.TransactionUpdate.class).querySets(), 7));
        }
    }

    @Test
    void tooMuchThatWaitsBehindAnAnswerEndsTheConnection() throws Exception {
        try (World world = new World(TestServer.besideTheWriter(TestServer.limits(20, 1 << 20, 1 << 20)))) {
            Peer peer = new Peer(world, V2);
            peer.subscribe(SubscriptionKind.SET, 1, 7, NOTES);
            world.settle();
            world.add(30);
            assertEquals(1008, peer.inbox.end().code());
            world.letGo();
            Await.until("all reads have ended", () -> world.test.server.readers().getActiveCount() == 0);
            assertTrue(peer.inbox.messages.stream().noneMatch(m -> m.plain() instanceof ServerMessage.SubscribeApplied));
        }
    }

    @Test
    void smallQueriesAreAnsweredByTheWriter() throws Exception {
        try (World world = new World(TestServer.readLimits(Limits.DEFAULTS, 60_000, 1 << 20, 2))) {
            Peer peer = new Peer(world, V2);
            peer.subscribe(SubscriptionKind.SET, 1, 7, NOTES);
            assertEquals(2, inserts(peer.next(ServerMessage.SubscribeApplied.class).tables()));
            world.add(1);
            assertEquals(1, changes(peer.next(ServerMessage.TransactionUpdate.class).querySets(), 7));
            // By key: one row of three is looked at.
            peer.connection.submit(query(2, "SELECT * FROM note WHERE id = 1"), 10);
            peer.next(ServerMessage.OneOffResult.class);
            peer.connection.submit(query(3, NOTES), 10);
            peer.nothing(world);
            world.letGo();
            peer.next(ServerMessage.OneOffResult.class);
        }
    }
}
