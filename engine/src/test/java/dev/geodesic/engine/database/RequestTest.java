package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.TestServer.KITCHEN;
import static dev.geodesic.engine.database.TestServer.assertCode;
import static dev.geodesic.engine.database.TestServer.client;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.query.SqlResult;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What requests over HTTP cost a database, and what its names are worth. */
@Timeout(60)
class RequestTest {

    private static final byte[] EXTRAS = TestServer.read("../samples/modules/extras/extras.wasm");

    @TempDir
    private Path data;

    /** A writer that is busy until somebody lets it go on. */
    private static CountDownLatch hold(Database database) throws InterruptedException {
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        database.submit(new Writer.Task() {
            @Override
            public void run() {
                held.countDown();
                try {
                    release.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }

            @Override
            public void refuse(EngineException reason) {
                held.countDown();
            }
        });
        held.await();
        return release;
    }

    @Test
    @Proves("http-api.md 6.11")
    void aCallIsOneEntryInTheQueue() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            CountDownLatch release = hold(kitchen);
            CompletableFuture<CallAnswer> answer =
                    kitchen.callFunction(client(test.owner), "add_note", new Arguments.Json("[\"x\"]"));
            assertEquals(1, kitchen.queueDepth());
            assertFalse(answer.isDone());
            release.countDown();
            assertInstanceOf(CallAnswer.OfReducer.class, answer.get(10, TimeUnit.SECONDS));
        }
    }

    /** Connecting, the call and disconnecting are three transactions, and the answer waits for none of them to be on disk. */
    @Test
    @Proves("durability.md 5")
    void callsDoNotWaitForTheDisk() throws Exception {
        ManualLogs logs = new ManualLogs();
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, logs)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            long before = Database.join(kitchen.committedOffset());
            logs.hold();
            test.commit(kitchen, "add_note", "[\"x\"]");
            assertEquals(before + 3, Database.join(kitchen.committedOffset()));
            assertFalse(kitchen.whenDurable(before + 1).isDone());
            logs.release();
            kitchen.whenDurable(before + 3).get(10, TimeUnit.SECONDS);
        }
    }

    /** Neither the program nor a subscriber could tell that a client came and went. */
    @Test
    @Proves("http-api.md 6.11")
    void aVisitThatNobodyAwaitsIsOneTransaction() {
        try (TestServer test = new TestServer(data)) {
            Database extras = test.create("extras", EXTRAS);
            long before = Database.join(extras.committedOffset());
            test.commit(extras, "set_empty", "[true]");
            assertEquals(before + 1, Database.join(extras.committedOffset()));
            // A call that changes nothing leaves nothing of its client.
            test.commit(extras, "strike", "[\"x\", 0, 0]");
            assertEquals(before + 1, Database.join(extras.committedOffset()));
            assertCode(ErrorCode.INVALID_ARGUMENTS, () -> test.commit(extras, "set_empty", "[1]"));
            assertCode(ErrorCode.NO_SUCH_REDUCER, () -> test.commit(extras, "nothing", "[]"));
            assertEquals(before + 1, Database.join(extras.committedOffset()));
            // Only the one that asks.
            assertEquals(1, extras.sql(client(test.owner), "SELECT * FROM st_client").result().rows().count());
        }
    }

    @Test
    @Proves("http-api.md 6.12")
    void looksRowsUpAtOnce() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database extras = test.create("extras", EXTRAS);
            Database kitchen = test.create("kitchen", KITCHEN);
            ClientInfo owner = client(test.owner);
            for (int i = 0; i < 3; i++) {
                extras.sql(owner, "INSERT INTO thing (id, owner, text) VALUES (" + i + ", 0x" + test.ownerIdentity().toHex()
                        + ", 'text " + i + "')");
            }
            long before = Database.join(extras.committedOffset());
            CountDownLatch release = hold(extras);
            List<String> lookUps = List.of(
                    "SELECT * FROM thing WHERE id = 1", "SELECT text FROM thing WHERE id = 2 AND text = 'text 2'",
                    "SELECT * FROM thing WHERE id = 1 AND text = 'other'", "SELECT * FROM thing WHERE id = 77",
                    "SELECT COUNT(*) AS n FROM thing WHERE id = 0");
            List<SqlAnswer> found = lookUps.stream().map(text -> extras.lookUp(owner, text).orElseThrow().join()).toList();
            release.countDown();
            assertEquals(before, Database.join(extras.committedOffset()));
            for (int i = 0; i < lookUps.size(); i++) {
                SqlResult expected = extras.sql(owner, lookUps.get(i)).result();
                assertEquals(expected.schema(), found.get(i).result().schema());
                assertArrayEquals(expected.rows().bytes(), found.get(i).result().rows().bytes(), lookUps.get(i));
                assertEquals(extras.sql(owner, lookUps.get(i)).txOffset(), found.get(i).txOffset());
            }
            for (String other : List.of(
                    "SELECT * FROM thing", "SELECT * FROM thing WHERE id > 0", "SELECT * FROM thing WHERE text = 'text 1'",
                    "SELECT * FROM thing WHERE owner = 0x" + test.ownerIdentity().toHex(), "SELECT * FROM my_thing WHERE id = 1",
                    "SELECT * FROM st_table WHERE table_id = 1", "SELECT * FROM st_client", "DELETE FROM thing WHERE id = 1",
                    "EXPLAIN SELECT * FROM thing WHERE id = 1", "SHOW row_limit", "SELECT * FROM nowhere WHERE id = 1", "SELECT",
                    "SELECT * FROM thing WHERE id = 1" + " ".repeat(5_000))) {
                assertTrue(extras.lookUp(owner, other).isEmpty(), other);
            }
            assertTrue(extras.lookUp(client(test.other), lookUps.getFirst()).isEmpty(), "the table is private");
            // A program that wants to know who connects hears of it, on the writer.
            kitchen.sql(owner, "INSERT INTO team (id, name) VALUES (9, 'x')");
            test.commit(kitchen, "test_turn", "[\"sessions\", true]");
            long came = Database.join(kitchen.committedOffset());
            CountDownLatch releaseKitchen = hold(kitchen);
            CompletableFuture<SqlAnswer> awaited = kitchen.lookUp(owner, "SELECT * FROM team WHERE id = 9").orElseThrow();
            assertEquals(1, kitchen.queueDepth());
            assertFalse(awaited.isDone());
            releaseKitchen.countDown();
            assertEquals(1, awaited.join().result().rows().count());
            assertEquals(came + 2, Database.join(kitchen.committedOffset()), "it came and went");
            extras.drain(System.nanoTime());
            assertTrue(extras.lookUp(owner, lookUps.getFirst()).isEmpty(), "it stops");
        }
    }

    @Test
    @Proves("http-api.md 6.8")
    void formerNamesStayWithTheirOwnersOverARestart() {
        CommitLogs files = new CommitLogs(CommitLogOptions.DEFAULTS);
        byte[] program = new TinyModule().table("a").wasm();
        Identity identity;
        Identity owner;
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, files)) {
            identity = test.publish("first", program, false).identity();
            owner = test.ownerIdentity();
            test.server.setNames(identity, List.of("second", "third"), owner);
        }
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, files)) {
            Identity other = test.other.claims().identity();
            assertEquals(List.of("second", "third"), test.server.names(identity));
            assertCode(ErrorCode.NO_SUCH_DATABASE, () -> test.server.resolve("first"));
            assertCode(ErrorCode.NAME_RESERVED, () ->
                    test.server.publish(new PublishRequest(Optional.of("first"), other, program, false)));
            Identity others = test.server.publish(new PublishRequest(Optional.of("other"), other, program, false)).identity();
            assertCode(ErrorCode.NAME_RESERVED, () -> test.server.addName(others, "first", other));
            assertCode(ErrorCode.NAME_TAKEN, () -> test.server.addName(others, "second", other));
            assertCode(ErrorCode.NAME_RESERVED, () -> test.server.setNames(others, List.of("free", "first"), other));
            assertEquals(List.of("other"), test.server.names(others), "all or nothing");
            assertTrue(test.server.publish(new PublishRequest(Optional.of("free"), other, program, false)).created());

            test.server.addName(identity, "first", owner);
            assertEquals(identity, test.server.resolve("first"));
            assertCode(ErrorCode.NAME_TAKEN, () -> test.server.addName(identity, "first", owner));
            // Registered again, it is no former name any more.
            test.server.setNames(identity, List.of("fourth"), owner);
            test.server.setNames(identity, List.of("first"), owner);
            assertEquals(List.of("first"), test.server.names(identity));
        }
    }
}
