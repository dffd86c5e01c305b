package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of event tables reach subscribers and the log, and are gone. */
@Proves("execution.md 7")
class EventTableTest {

    private static final byte[] MODULE = TestServer.read("../samples/modules/features/event_table.wasm");

    @TempDir
    private Path data;

    @Test
    void rowsAreSentOnceAndNeverStored() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database database = test.create("events", MODULE);
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection connection = database.connect(TestServer.client(test.other), TestServer.V2, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            connection.submit(new ClientMessage.Subscribe(
                    SubscriptionKind.SET, 1, 7, List.of("SELECT * FROM flash")), 10);
            TableUpdate initial = inbox.next(ServerMessage.SubscribeApplied.class).tables().getFirst();
            assertEquals(0, initial.fragments().getFirst().inserts().count());
            for (int i = 0; i < 3; i++) {
                test.commit(database, "emit", "[\"same\"]");
                TableUpdate update = inbox.next(ServerMessage.TransactionUpdate.class).querySets().getFirst().tables().getFirst();
                assertEquals(1, update.fragments().getFirst().inserts().count(), "an equal row is an event of its own");
                assertEquals(0, update.fragments().getFirst().deletes().count());
                assertEquals(0, test.count(database, "SELECT * FROM flash"));
            }
            assertTrue(inbox.messages.isEmpty(), "nothing is deleted afterwards");
        }
    }

    @Test
    void oldClientsAreTurnedAway() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database database = test.create("events", MODULE);
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection connection = database.connect(TestServer.client(test.other), TestServer.V1, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            connection.submit(new ClientMessage.Subscribe(
                    SubscriptionKind.MULTI, 1, 7, List.of("SELECT * FROM flash")), 10);
            assertEquals(
                    "Subscribing to event tables requires WebSocket v2. Please upgrade your client SDK and regenerate your "
                            + "module bindings.",
                    inbox.next(ServerMessage.SubscriptionError.class).error());
            connection.submit(new ClientMessage.Subscribe(SubscriptionKind.LEGACY, 2, 0, List.of("SELECT * FROM *")), 10);
            assertEquals(List.of(), inbox.next(ServerMessage.SubscribeApplied.class).tables().stream()
                    .filter(t -> t.tableName().equals("flash")).toList());
        }
    }

    @Test
    void rowsInTheLogAreSteppedOverAtTheStart() {
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, new CommitLogs(CommitLogOptions.DEFAULTS))) {
            Database database = test.create("events", MODULE);
            for (int i = 0; i < 3; i++) {
                test.commit(database, "emit", "[\"before\"]");
            }
        }
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, new CommitLogs(CommitLogOptions.DEFAULTS))) {
            Database database = test.server.database(test.server.resolve("events"));
            assertEquals(0, test.count(database, "SELECT * FROM flash"));
            test.commit(database, "emit", "[\"after\"]");
            assertEquals(1, test.count(database, "SELECT * FROM st_event_table"));
        }
    }
}
