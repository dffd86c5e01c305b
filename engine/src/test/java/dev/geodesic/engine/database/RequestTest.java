package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.TestServer.KITCHEN;
import static dev.geodesic.engine.database.TestServer.assertCode;
import static dev.geodesic.engine.database.TestServer.client;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
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
