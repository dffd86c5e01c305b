package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.TestServer.KITCHEN;
import static dev.geodesic.engine.database.TestServer.V2;
import static dev.geodesic.engine.database.TestServer.callMessage;
import static dev.geodesic.engine.database.TestServer.client;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.ServerMessage.SetOutcome;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What message types newer than the described release add: many sets in one request, and ids of sessions. */
@Proves("websocket.md 11")
class SessionTest {

    @TempDir
    Path data;

    private static ClientMessage.QuerySet set(int id, String... queries) {
        return new ClientMessage.QuerySet(id, List.of(queries));
    }

    private static int rows(SetOutcome outcome) {
        List<TableUpdate> tables = assertInstanceOf(SetOutcome.Applied.class, outcome).tables();
        return tables.stream().flatMap(t -> t.fragments().stream()).mapToInt(f -> f.inserts().count()).sum();
    }

    private static String error(SetOutcome outcome) {
        return assertInstanceOf(SetOutcome.Failed.class, outcome).error();
    }

    @Test
    void everySetOfABatchHasItsOutcome() throws Exception {
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, LogFactory.MEMORY)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            test.commit(kitchen, "add_note", "[\"a\"]");
            test.commit(kitchen, "add_note", "[\"b\"]");
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection connection = kitchen.connect(client(test.owner), V2, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            connection.submit(new ClientMessage.Subscribe(SubscriptionKind.SET, 1, 4, List.of("SELECT * FROM note")), 1);
            inbox.next(ServerMessage.SubscribeApplied.class);
            connection.submit(new ClientMessage.SubscribeBatch(2, List.of(
                    set(7, "SELECT * FROM note", "SELECT * FROM note WHERE text = 'a'"),
                    set(4, "SELECT * FROM note"),
                    set(5, "SELECT * FROM note", "SELECT * FROM nothing"),
                    set(6),
                    set(7, "SELECT * FROM note"),
                    set(5, "SELECT * FROM note WHERE text = 'b'"))), 1);
            connection.submit(callMessage(3, "add_note", "[\"a\"]"), 1);
            ServerMessage.SubscribeBatchApplied applied = inbox.next(ServerMessage.SubscribeBatchApplied.class);
            assertEquals(2, applied.requestId());
            List<SetOutcome> results = applied.results();
            assertEquals(List.of(7, 4, 5, 6, 7, 5), results.stream().map(SetOutcome::querySetId).toList());
            assertEquals(3, rows(results.get(0)));
            assertTrue(error(results.get(1)).startsWith("Subscription with id QuerySetId { id: 4 } already exists for client"));
            assertTrue(error(results.get(2)).startsWith("no such table: `nothing`"), error(results.get(2)));
            assertEquals(0, rows(results.get(3)));
            assertTrue(error(results.get(4)).startsWith("Subscription with id QuerySetId { id: 7 } already exists for client"));
            assertEquals(1, rows(results.get(5)));
            // Set 5 failed once and watches one query now.
            ServerMessage.ReducerResult result = inbox.next(ServerMessage.ReducerResult.class);
            assertEquals(List.of(4, 7), ((ReducerOutcome.Committed) result.outcome())
                    .querySets().stream().map(s -> s.querySetId()).toList());
        }
    }

    @Test
    void aSessionIdIsHeldByOneConnectionOfAnIdentity() throws Exception {
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, LogFactory.MEMORY)) {
            Database kitchen = test.create("kitchen", KITCHEN);
            test.commit(kitchen, "test_turn", "[\"sessions\", true]");
            ClientConnection first = admitted(kitchen, test.owner, "tab 1");
            admitted(kitchen, test.owner, "tab 2");
            admitted(kitchen, test.other, "tab 1");
            int came = test.count(kitchen, "SELECT * FROM test_session WHERE came = true");
            TestServer.Inbox refused = new TestServer.Inbox();
            kitchen.connect(client(test.owner), options("tab 1"), refused, "token");
            CloseReason reason = refused.end();
            assertEquals(4000, reason.code());
            assertTrue(refused.messages.isEmpty(), "nothing precedes it");
            assertEquals(3, kitchen.connectionCount());
            // A query over HTTP is a connection too.
            assertEquals(came + 1, test.count(kitchen, "SELECT * FROM test_session WHERE came = true"));
            first.disconnect();
            first.disconnect();
            Await.until("the first is gone", () -> kitchen.connectionCount() == 2);
            admitted(kitchen, test.owner, "tab 1");
        }
    }

    private static ConnectionOptions options(String sessionId) {
        return new ConnectionOptions(false, false, false, Optional.of(sessionId));
    }

    private static ClientConnection admitted(Database database, TokenAuthority.Issued who, String sessionId)
            throws InterruptedException {
        TestServer.Inbox inbox = new TestServer.Inbox();
        ClientConnection connection = database.connect(client(who), options(sessionId), inbox, "token");
        inbox.next(ServerMessage.InitialConnection.class);
        return connection;
    }
}
