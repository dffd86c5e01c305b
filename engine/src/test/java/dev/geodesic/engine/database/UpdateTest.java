package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.TestServer.V2;
import static dev.geodesic.engine.database.TestServer.client;
import static dev.geodesic.engine.database.TinyModule.CALLABLE;
import static dev.geodesic.engine.database.TinyModule.ON_DISCONNECT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What those who are connected see of an update. */
@Proves("execution.md 8.3")
class UpdateTest {

    @TempDir
    private Path data;

    private record Client(ClientConnection connection, TestServer.Inbox inbox) {

        static Client of(Database database, TokenAuthority.Issued who) throws InterruptedException {
            TestServer.Inbox inbox = new TestServer.Inbox();
            Client client = new Client(database.connect(client(who), V2, inbox, "token"), inbox);
            inbox.next(ServerMessage.InitialConnection.class);
            return client;
        }

        void subscribe(int setId, String sql) throws InterruptedException {
            connection.submit(new ClientMessage.Subscribe(SubscriptionKind.SET, setId, setId, List.of(sql)), 10);
            inbox.next(ServerMessage.SubscribeApplied.class);
        }

        Fragment update() throws InterruptedException {
            return inbox.next(ServerMessage.TransactionUpdate.class).querySets().getFirst().tables().getFirst().fragments()
                    .getFirst();
        }
    }

    private static String token(TestServer test, Database database, byte[] program) {
        return assertInstanceOf(
                UpdatePreview.Automatic.class, test.server.preview(database.identity(), test.ownerIdentity(), program)).token();
    }

    private static PublishResult publish(TestServer test, Database database, byte[] program, Optional<String> token) {
        return test.server.publish(new PublishRequest(
                Optional.of(database.identity().toHex()), test.ownerIdentity(), program, false, EnvironmentChange.NONE, token));
    }

    private static EngineException fails(TestServer test, Database database, byte[] program, Optional<String> token) {
        EngineException e = assertThrows(EngineException.class, () -> publish(test, database, program, token));
        assertEquals(ErrorCode.MIGRATION_FAILED, e.code(), e.describe());
        return e;
    }

    /** The index that a query was answered by goes away; later the type before the column that another one compares grows. */
    @Test
    void subscriptionsGoOnOverTablesOfAnotherShape() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database database = test.create("live", MigrationPrograms.of("idx"));
            Client client = Client.of(database, test.other);
            client.subscribe(1, "SELECT * FROM thing WHERE name = 'same'");
            publish(test, database, MigrationPrograms.of("none"), Optional.empty());
            test.commit(database, "fill", "[]");
            assertEquals(2, client.update().inserts().count());
            client.subscribe(2, "SELECT * FROM thing WHERE n = 2");
            publish(test, database, MigrationPrograms.of("addvar"), Optional.empty());
            database.sql(client(test.owner), "DELETE FROM thing WHERE n = 2");
            ServerMessage.TransactionUpdate both = client.inbox.next(ServerMessage.TransactionUpdate.class);
            assertEquals(2, both.querySets().size());
            both.querySets().forEach(s -> assertEquals(1, s.tables().getFirst().fragments().getFirst().deletes().count()));
            client.connection.submit(new ClientMessage.Unsubscribe(SubscriptionKind.SET, 3, 1, true), 10);
            ServerMessage.UnsubscribeApplied left = client.inbox.next(ServerMessage.UnsubscribeApplied.class);
            assertEquals(1, left.tables().orElseThrow().getFirst().fragments().getFirst().deletes().count());
            assertTrue(client.inbox.closed.isEmpty());
        }
    }

    @Test
    void aTableThatBecomesPrivateIsNobodyElsesAnyMore() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database database = test.create("secret", MigrationPrograms.of("none"));
            Client owner = Client.of(database, test.owner);
            Client other = Client.of(database, test.other);
            owner.subscribe(1, "SELECT * FROM thing");
            other.subscribe(1, "SELECT * FROM thing");
            other.subscribe(2, "SELECT * FROM other");
            publish(test, database, MigrationPrograms.of("private"), Optional.empty());
            assertEquals("no such table: `thing`. If the table exists, it may be marked private.",
                    other.inbox.next(ServerMessage.SubscriptionError.class).error());
            test.commit(database, "fill", "[]");
            assertEquals(2, owner.update().inserts().count());
            test.commit(database, "fill_other", "[]");
            assertEquals(1, other.update().inserts().count());
        }
    }

    /** A reducer that inserts {@code mark} into the first table. */
    private static TinyModule marking(int mark, String... tables) {
        TinyModule module = new TinyModule();
        List.of(tables).forEach(module::table);
        return module.reducer("gone", ON_DISCONNECT).imports("datastore_insert_bsatn", "table_id_from_name")
                .body("""
                        (i32.store8 (i32.const 80) (i32.const 0x61))
                        (drop (call $table_id_from_name (i32.const 80) (i32.const 1) (i32.const 84)))
                        (i32.store (i32.const 88) (i32.const %d))
                        (i32.store (i32.const 92) (i32.const 4))
                        (drop (call $datastore_insert_bsatn (i32.load (i32.const 84)) (i32.const 88) (i32.const 92)))
                        (i32.const 0)""".formatted(mark));
    }

    @Test
    @Proves("module-def.md 9")
    void aBreakingUpdateNeedsConsentAndEndsEveryConnection() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database database = test.create("breaking", marking(1, "a", "b").wasm());
            Client client = Client.of(database, test.other);
            client.subscribe(1, "SELECT * FROM a");
            byte[] next = marking(2, "a").wasm();
            String token = token(test, database, next);
            assertEquals("Migration plan contains a client-breaking change which is disallowed under current policy",
                    fails(test, database, next, Optional.empty()).getMessage());
            assertEquals("Token provided is invalid or does not match expected hash",
                    fails(test, database, next, Optional.of("0x1")).getMessage());
            assertEquals("Token provided is invalid or does not match expected hash",
                    fails(test, database, marking(3, "a").wasm(), Optional.of(token)).getMessage());
            assertTrue(client.inbox.closed.isEmpty());
            publish(test, database, next, Optional.of(token));
            assertEquals(CloseReason.MODULE_EXITED, client.inbox.end());
            assertEquals(1, test.count(database, "SELECT * FROM a WHERE id = 2"), "the new program says goodbye, once");
            assertEquals(0, test.count(database, "SELECT * FROM a WHERE id = 1"));
            // What the old connection still does is nothing.
            client.connection.submit(TestServer.query(1, "SELECT * FROM a"), 10);
            client.connection.disconnect();
            assertEquals(0, database.connectionCount());
            assertEquals(1, test.count(database, "SELECT * FROM st_client"), "who asks");
            assertTrue(client.inbox.messages.isEmpty());
        }
    }

    /** At the commit the queries of those who are about to be disconnected are still there, but not all of their tables. */
    @Test
    void queriesOfTablesThatAreGoneEnd() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database database = test.create("gone", MigrationPrograms.of("idx"));
            Client client = Client.of(database, test.other);
            client.subscribe(1, "SELECT * FROM thing WHERE name = 'same'");
            client.subscribe(2, "SELECT * FROM other");
            byte[] next = MigrationPrograms.of("rmtable");
            publish(test, database, next, Optional.of(token(test, database, next)));
            assertEquals(CloseReason.MODULE_EXITED, client.inbox.end());
            test.commit(database, "fill", "[]");
            assertEquals(0, database.subscriptions().planCount());
            assertTrue(database.failure().isEmpty());
        }
    }

    @Test
    @Proves("module-def.md 8")
    void theSameProgramIsStartedAfresh() throws Exception {
        // The second call in an instance fails.
        byte[] program = new TinyModule().table("a").reducer("once", CALLABLE).body("""
                (i32.store (i32.const 200) (i32.add (i32.const 1) (i32.load (i32.const 200))))
                (i32.gt_u (i32.load (i32.const 200)) (i32.const 1))""").wasm();
        try (TestServer test = new TestServer(data)) {
            Database database = test.create("same", program);
            test.commit(database, "once", "[]");
            assertInstanceOf(CallResult.Failed.class, test.call(database, "once", "[]"));
            Client client = Client.of(database, test.other);
            publish(test, database, program, Optional.of("nobody looks at it"));
            test.commit(database, "once", "[]");
            assertTrue(client.inbox.closed.isEmpty());
        }
    }

    @Test
    @Proves("module-def.md 8")
    void aViewThatFailsInTheNewProgramRefusesIt() throws Exception {
        try (TestServer test = new TestServer(data)) {
            Database database = test.create("views", MigrationPrograms.of("view"));
            Client client = Client.of(database, test.other);
            client.subscribe(1, "SELECT * FROM others");
            Identity hash = database.programHash();
            assertEquals("The instance encountered a fatal error.",
                    fails(test, database, MigrationPrograms.of("view", MigrationPrograms.TRAPPING_VIEW), Optional.empty())
                            .getMessage());
            assertEquals(hash, database.programHash());
            test.commit(database, "fill", "[]");
            assertTrue(client.inbox.closed.isEmpty());
            // Nobody asks for it: nobody minds.
            Database alone = test.create("alone", MigrationPrograms.of("view"));
            publish(test, alone, MigrationPrograms.of("view", MigrationPrograms.TRAPPING_VIEW), Optional.empty());
        }
    }
}
