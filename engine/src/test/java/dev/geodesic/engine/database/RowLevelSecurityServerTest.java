package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A module whose notes are for those who wrote them, and clients who ask in every way. */
@Proves("sql.md 9")
@Proves("websocket.md 8")
class RowLevelSecurityServerTest {

    @TempDir
    private Path data;

    @Test
    void everybodySeesTheirOwnRows() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database database = test.create(
                    "notes", TestServer.read("../samples/modules/features/row_level_security.wasm"));
            TokenAuthority.Issued third = test.server.tokens().issueAnonymous();
            TestServer.Inbox annInbox = new TestServer.Inbox();
            TestServer.Inbox bobInbox = new TestServer.Inbox();
            ClientConnection ann = database.connect(TestServer.client(test.other), TestServer.V2, annInbox, "token");
            ClientConnection bob = database.connect(TestServer.client(third), TestServer.V1, bobInbox, "token");
            annInbox.next(ServerMessage.InitialConnection.class);
            bobInbox.next(ServerMessage.InitialConnection.class);
            ann.submit(new ClientMessage.Subscribe(SubscriptionKind.SET, 1, 1, List.of("SELECT * FROM note")), 10);
            bob.submit(new ClientMessage.Subscribe(SubscriptionKind.SINGLE, 1, 1, List.of("SELECT * FROM note")), 10);
            annInbox.next(ServerMessage.SubscribeApplied.class);
            assertEquals(1, bobInbox.next(ServerMessage.SubscribeApplied.class).tables().size());

            ann.submit(TestServer.callMessage(2, "write", "[\"of Ann\"]"), 10);
            ReducerOutcome.Committed own = assertInstanceOf(
                    ReducerOutcome.Committed.class, annInbox.next(ServerMessage.ReducerResult.class).outcome());
            assertEquals(1, own.querySets().size(), "her own row");
            bob.submit(TestServer.callMessage(3, "write", "[\"of Bob\"]"), 10);
            bobInbox.next(ServerMessage.ReducerResult.class);
            assertTrue(bobInbox.messages.isEmpty(), "nobody is told of what is not theirs");

            bob.submit(TestServer.query(4, "SELECT * FROM note"), 10);
            assertEquals(1, found(bobInbox));
            ann.submit(TestServer.query(5, "SELECT a.* FROM note a JOIN note b ON a.owner = b.owner"), 10);
            assertEquals(1, found(annInbox), "and ann was told nothing of bob's call before");
            assertEquals(1, count(database, third, "SELECT * FROM note WHERE text = 'of Bob'"));
            assertEquals(0, count(database, third, "SELECT * FROM note WHERE text = 'of Ann'"));
            assertEquals(2, test.count(database, "SELECT * FROM note"), "the owner of the database sees all");
        }
    }

    private static int count(Database database, TokenAuthority.Issued who, String sql) {
        return database.sql(TestServer.client(who), sql).result().rows().count();
    }

    private static int found(TestServer.Inbox inbox) throws InterruptedException {
        QueryOutcome.Rows rows = assertInstanceOf(
                QueryOutcome.Rows.class, inbox.next(ServerMessage.OneOffResult.class).outcome());
        return rows.rows().rowCount();
    }
}
