package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.TestServer.KITCHEN;
import static dev.geodesic.engine.database.TestServer.V1;
import static dev.geodesic.engine.database.TestServer.V2;
import static dev.geodesic.engine.database.TestServer.client;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Texts of queries, by the kind of the request (spec/websocket.md 8). */
@Proves("websocket.md 8")
class SubscribeTest {

    @TempDir
    Path data;

    private static void subscribe(ClientConnection to, SubscriptionKind kind, int id, String... queries) {
        to.submit(new ClientMessage.Subscribe(kind, id, kind == SubscriptionKind.LEGACY ? 0 : id, List.of(queries)), 1);
    }

    private static String error(TestServer.Inbox inbox) throws InterruptedException {
        return inbox.next(ServerMessage.SubscriptionError.class).error();
    }

    @Test
    void textsAreTrimmedAndAllTablesAreNoSingleQuery() throws Exception {
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, LogFactory.MEMORY)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection v1 = kitchen.connect(client(test.owner), V1, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);

            subscribe(v1, SubscriptionKind.SINGLE, 1, "SELECT * FROM *");
            String refused = error(inbox);
            assertTrue(refused.endsWith(", executing: `SELECT * FROM *`"), refused);
            subscribe(v1, SubscriptionKind.MULTI, 1, "  SELECT * FROM * ");
            assertTrue(inbox.next(ServerMessage.SubscribeApplied.class).tables().size() > 1);
            subscribe(v1, SubscriptionKind.LEGACY, 2, "\tSELECT * FROM *\n");
            ServerMessage.SubscribeApplied legacy = inbox.next(ServerMessage.SubscribeApplied.class);
            assertEquals(SubscriptionKind.LEGACY, legacy.kind());

            subscribe(v1, SubscriptionKind.SINGLE, 3, " SELECT * FROM nothing ");
            assertTrue(error(inbox).endsWith(", executing: ` SELECT * FROM nothing `"));
            subscribe(v1, SubscriptionKind.MULTI, 3, " SELECT * FROM nothing ");
            assertTrue(error(inbox).endsWith(", executing: `SELECT * FROM nothing`"));
            // What fails leaves the legacy set alone, and has no id there.
            subscribe(v1, SubscriptionKind.LEGACY, 4, " SELECT * FROM nothing ");
            ServerMessage.SubscriptionError error = inbox.next(ServerMessage.SubscriptionError.class);
            assertEquals(OptionalInt.of(4), error.requestId());
            assertEquals(OptionalInt.empty(), error.querySetId());
            int watched = kitchen.watchedQueryCount();
            v1.submit(new ClientMessage.Unsubscribe(SubscriptionKind.MULTI, 5, 1, true), 1);
            inbox.next(ServerMessage.UnsubscribeApplied.class);
            assertEquals(watched, kitchen.watchedQueryCount(), "the legacy set holds the same queries");
            subscribe(v1, SubscriptionKind.LEGACY, 6);
            inbox.next(ServerMessage.SubscribeApplied.class);
            assertEquals(0, kitchen.watchedQueryCount());
        }
    }

    /** Keywords, spaces, aliases, order of terms and repetitions make no other query. */
    @Test
    @Proves("sql.md 12")
    void oneQueryIsOnePlanWhateverItsText() throws Exception {
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, LogFactory.MEMORY)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection connection = kitchen.connect(client(test.owner), V2, inbox, "token");
            TestServer.Inbox others = new TestServer.Inbox();
            ClientConnection stranger = kitchen.connect(client(test.other), V2, others, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            others.next(ServerMessage.InitialConnection.class);
            test.commit(kitchen, "add_note", "[\"a\"]");
            List<String> texts = List.of(
                    "SELECT * FROM note WHERE id = 1 AND text = 'a'", "select *  from note where text='a' and id=1",
                    "SELECT n.* FROM note n WHERE n.id = 1 AND (n.text = 'a' AND 1 = n.id)",
                    "SELECT note.* FROM note WHERE note.text = 'a' AND note.id = 1.0");
            for (int i = 0; i < texts.size(); i++) {
                subscribe(i % 2 == 0 ? connection : stranger, SubscriptionKind.SET, i, texts.get(i));
            }
            subscribe(connection, SubscriptionKind.SET, 9, texts.toArray(String[]::new));
            inbox.next(ServerMessage.SubscribeApplied.class);
            inbox.next(ServerMessage.SubscribeApplied.class);
            ServerMessage.SubscribeApplied all = inbox.next(ServerMessage.SubscribeApplied.class);
            others.next(ServerMessage.SubscribeApplied.class);
            others.next(ServerMessage.SubscribeApplied.class);
            assertEquals(1, all.tables().getFirst().fragments().size());
            assertEquals(1, all.tables().getFirst().fragments().getFirst().rowCount());
            assertEquals(1, kitchen.watchedQueryCount());
            connection.disconnect();
            stranger.disconnect();
            Await.until("nothing is left", () -> kitchen.watchedQueryCount() == 0);
        }
    }

    /** Sets without queries take memory too. */
    @Test
    void emptySetsCount() throws Exception {
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, LogFactory.MEMORY)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection connection = kitchen.connect(client(test.owner), V2, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            int max = Limits.DEFAULTS.subscriptionQueriesMax();
            for (int i = 0; i < max; i++) {
                subscribe(connection, SubscriptionKind.SET, i);
                inbox.next(ServerMessage.SubscribeApplied.class);
            }
            subscribe(connection, SubscriptionKind.SET, max);
            assertTrue(error(inbox).startsWith("the connection would watch more queries than the limit"));
            connection.submit(new ClientMessage.Unsubscribe(SubscriptionKind.SET, 1, 7, true), 1);
            inbox.next(ServerMessage.UnsubscribeApplied.class);
            subscribe(connection, SubscriptionKind.SET, max);
            inbox.next(ServerMessage.SubscribeApplied.class);
        }
    }
}
