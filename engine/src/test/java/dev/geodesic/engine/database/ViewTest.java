package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An anonymous view in a guest: asked for, kept up to date, forgotten. */
class ViewTest {

    /** {@code first_thing} is the row of {@code thing} with the id 1, if there is one. */
    private static final byte[] MODULE = TestServer.read("../samples/modules/features/view.wasm");
    private static final int ROW_BYTES = 4;

    @TempDir
    private Path data;

    private final ManualTimer timer = new ManualTimer(1_000_000);

    private TestServer server(LogFactory logs) {
        return new TestServer(data, Limits.DEFAULTS, logs, timer);
    }

    private static void execute(TestServer test, Database database, String sql) {
        execute(test.owner, database, sql);
    }

    private static void execute(TokenAuthority.Issued owner, Database database, String sql) {
        database.sql(TestServer.client(owner), sql);
    }

    /** Rows that a one-off query sees, which runs no view. */
    private static int seen(ClientConnection connection, TestServer.Inbox inbox) throws InterruptedException {
        connection.submit(TestServer.query(9, "SELECT * FROM first_thing"), 10);
        QueryOutcome outcome = inbox.next(ServerMessage.OneOffResult.class).outcome();
        return assertInstanceOf(QueryOutcome.Rows.class, outcome).rows().inserts().count();
    }

    private static ClientConnection connect(Database database, TokenAuthority.Issued who, TestServer.Inbox inbox)
            throws InterruptedException {
        ClientConnection connection = database.connect(TestServer.client(who), TestServer.V2, inbox, "token");
        inbox.next(ServerMessage.InitialConnection.class);
        return connection;
    }

    private static Fragment subscribe(ClientConnection connection, TestServer.Inbox inbox, int setId)
            throws InterruptedException {
        connection.submit(
                new ClientMessage.Subscribe(SubscriptionKind.SET, setId, setId, List.of("SELECT * FROM first_thing")), 10);
        return inbox.next(ServerMessage.SubscribeApplied.class).tables().getFirst().fragments().getFirst();
    }

    private static Fragment update(TestServer.Inbox inbox) throws InterruptedException {
        return inbox.next(ServerMessage.TransactionUpdate.class).querySets().getFirst().tables().getFirst().fragments()
                .getFirst();
    }

    @Test
    @Proves("execution.md 6.1")
    @Proves("execution.md 6.2")
    @Proves("websocket.md 8")
    void subscribersSeeAViewAsATable() throws Exception {
        try (TestServer test = server(LogFactory.MEMORY)) {
            Database database = test.create("views", MODULE);
            execute(test, database, "INSERT INTO thing (id) VALUES (1)");
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection connection = connect(database, test.other, inbox);
            assertEquals(0, seen(connection, inbox), "nobody has asked for the view");
            Fragment initial = subscribe(connection, inbox, 1);
            assertEquals(1, initial.inserts().count());
            assertEquals(ROW_BYTES, initial.inserts().dataLength(), "the hash of the arguments is not sent");
            assertEquals(1, seen(connection, inbox));
            execute(test, database, "INSERT INTO thing (id) VALUES (2)");
            execute(test, database, "DELETE FROM thing WHERE id = 1");
            Fragment deleted = update(inbox);
            assertEquals(0, deleted.inserts().count());
            assertEquals(1, deleted.deletes().count());
            assertEquals(ROW_BYTES, deleted.deletes().dataLength());
            execute(test, database, "INSERT INTO thing (id) VALUES (1)");
            assertEquals(1, update(inbox).inserts().count());
            assertTrue(inbox.messages.isEmpty());
        }
    }

    @Test
    @Proves("execution.md 6.2")
    void viewsOfNobodyExpire() throws Exception {
        try (TestServer test = server(LogFactory.MEMORY)) {
            Database database = test.create("views", MODULE);
            execute(test, database, "INSERT INTO thing (id) VALUES (1)");
            assertEquals(1, test.count(database, "SELECT * FROM first_thing"));
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection watching = connect(database, test.other, inbox);
            assertEquals(1, seen(watching, inbox));
            TestServer.Inbox second = new TestServer.Inbox();
            ClientConnection holding = connect(database, test.owner, second);
            subscribe(holding, second, 1);
            subscribe(holding, second, 2);
            pass(TimeUnit.HOURS.toMicros(1), database);
            assertEquals(1, seen(watching, inbox), "there is a subscriber");
            holding.submit(new ClientMessage.Unsubscribe(SubscriptionKind.SET, 3, 1, false), 10);
            second.next(ServerMessage.UnsubscribeApplied.class);
            pass(TimeUnit.HOURS.toMicros(1), database);
            assertEquals(1, seen(watching, inbox), "there is a second subscription");
            holding.disconnect();
            Await.until("the client is gone", () -> database.connectionCount() == 1);
            pass(TimeUnit.MINUTES.toMicros(9), database);
            assertEquals(1, seen(watching, inbox), "not yet");
            pass(TimeUnit.MINUTES.toMicros(11), database);
            assertEquals(0, seen(watching, inbox));
            assertEquals(1, test.count(database, "SELECT * FROM first_thing"), "it runs again");
        }
    }

    /** Time goes on, and what waited for it is done. */
    private void pass(long micros, Database database) {
        for (long left = micros; left > 0; left -= TimeUnit.MINUTES.toMicros(1)) {
            timer.advance(TimeUnit.MINUTES.toMicros(1));
            Database.join(database.committedOffset());
        }
    }

    @Test
    @Proves("execution.md 6.1")
    @Proves("execution.md 10")
    @Proves("durability.md 2.1")
    void viewsAreEmptyAfterAStartAndNoPartOfTheLog() throws Exception {
        TokenAuthority.Issued owner;
        try (TestServer test = server(new CommitLogs(CommitLogOptions.DEFAULTS))) {
            Database database = test.create("views", MODULE);
            execute(test, database, "INSERT INTO thing (id) VALUES (1)");
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection connection = connect(database, test.other, inbox);
            owner = test.owner;
            long offset = Database.join(database.committedOffset());
            subscribe(connection, inbox, 1);
            assertEquals(offset, Database.join(database.committedOffset()));
            execute(test, database, "DELETE FROM thing WHERE id = 1");
            execute(test, database, "INSERT INTO thing (id) VALUES (1)");
        }
        try (TestServer test = server(new CommitLogs(CommitLogOptions.DEFAULTS))) {
            Database database = test.server.database(test.server.resolve("views"));
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection connection = connect(database, test.other, inbox);
            assertEquals(0, seen(connection, inbox));
            assertEquals(1, test.count(database, "SELECT * FROM st_view"));
            assertEquals(1, subscribe(connection, inbox, 1).inserts().count());
            execute(owner, database, "DELETE FROM thing WHERE id = 1");
            assertEquals(1, update(inbox).deletes().count());
        }
    }

    @Test
    @Proves("sql.md 10")
    void viewsAreReadOnly() {
        try (TestServer test = server(LogFactory.MEMORY)) {
            Database database = test.create("views", MODULE);
            for (String sql : List.of(
                    "INSERT INTO first_thing (id) VALUES (1)", "UPDATE first_thing SET id = 2", "DELETE FROM first_thing")) {
                TestServer.assertCode(ErrorCode.SQL, () -> execute(test, database, sql));
            }
        }
    }
}
