package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Views of every kind in the guest {@code samples/modules/features-2.8}, which logs each run. */
class ViewFeaturesTest {

    private static final byte[] MODULE = TestServer.read("../samples/modules/features-2.8/features_2_8.wasm");
    private static final String FATAL = "The instance encountered a fatal error.";

    @TempDir
    private Path data;

    private TestServer test;
    private Database database;

    @BeforeEach
    void create() {
        test = new TestServer(data, Timers.callMillisMax(2_000), LogFactory.MEMORY, new ManualTimer(1_000_000));
        database = test.create("features", MODULE);
    }

    @AfterEach
    void close() {
        test.close();
    }

    /** A client with one subscription. */
    private final class Subscriber {

        private final TestServer.Inbox inbox = new TestServer.Inbox();
        private final ClientConnection connection;
        private final Fragment initial;

        Subscriber(TokenAuthority.Issued who, String sql) throws InterruptedException {
            connection = connect(who, inbox);
            connection.submit(new ClientMessage.Subscribe(SubscriptionKind.SET, 1, 1, List.of(sql)), 10);
            initial = inbox.next(ServerMessage.SubscribeApplied.class).tables().getFirst().fragments().getFirst();
        }

        /** Inserts and deletes of the next update, as {@code +n -m}. */
        String update() throws InterruptedException {
            List<Fragment> fragments = inbox.next(ServerMessage.TransactionUpdate.class).querySets().getFirst().tables()
                    .getFirst().fragments();
            return "+" + fragments.stream().mapToInt(f -> f.inserts().count()).sum()
                    + " -" + fragments.stream().mapToInt(f -> f.deletes().count()).sum();
        }

        void assertQuiet() {
            Database.join(database.committedOffset());
            assertTrue(inbox.messages.isEmpty(), () -> "nobody expected " + inbox.messages);
        }
    }

    private ClientConnection connect(TokenAuthority.Issued who, TestServer.Inbox inbox) throws InterruptedException {
        ClientConnection connection = database.connect(TestServer.client(who), TestServer.V2, inbox, "token");
        inbox.next(ServerMessage.InitialConnection.class);
        return connection;
    }

    private CallResult call(TokenAuthority.Issued who, String reducer, String arguments) {
        return Database.join(database.call(TestServer.client(who), reducer, new Arguments.Json(arguments)));
    }

    private void put(TokenAuthority.Issued who, int id, int kind, int weight) {
        assertInstanceOf(CallResult.Committed.class,
                call(who, "put_item", "[" + id + "," + kind + "," + weight + ",\"item " + id + "\"]"));
    }

    private int count(TokenAuthority.Issued who, String sql) {
        return database.sql(TestServer.client(who), sql).result().rows().count();
    }

    /** How often a view has run so far. */
    private long runs(String view) throws IOException {
        return database.log().tail(10_000).stream().filter(l -> l.contains("view " + view + " runs")).count();
    }

    @Test
    @Proves("execution.md 6.1")
    @Proves("execution.md 6.2")
    @Proves("sql.md 10")
    void everyCallerSeesItsOwnRows() throws Exception {
        Subscriber owner = new Subscriber(test.owner, "SELECT * FROM my_items");
        Subscriber other = new Subscriber(test.other, "SELECT * FROM my_items WHERE kind = 1");
        put(test.owner, 1, 1, 5);
        assertEquals("+1 -0", owner.update());
        put(test.other, 2, 2, 5);
        put(test.other, 3, 1, 5);
        assertEquals("+1 -0", other.update());
        owner.assertQuiet();
        other.assertQuiet();
        assertEquals(1, count(test.owner, "SELECT * FROM my_items"));
        assertEquals(2, count(test.other, "SELECT * FROM my_items"));
        assertEquals(1, count(test.other, "SELECT * FROM my_first_item WHERE id = 2"));
        assertEquals(1, new Subscriber(test.owner, "SELECT * FROM my_first_item").initial.inserts().count());
        assertEquals(0, count(test.server.tokens().issueAnonymous(), "SELECT * FROM my_first_item"));
    }

    @Test
    @Proves("execution.md 6.3")
    void whatAViewReadSaysWhenItRuns() throws Exception {
        Subscriber key = new Subscriber(test.owner, "SELECT * FROM items_of_kind_one");
        Subscriber range = new Subscriber(test.owner, "SELECT * FROM heavy_items");
        Subscriber whole = new Subscriber(test.other, "SELECT * FROM item_count");
        assertEquals(1, whole.initial.inserts().count());
        put(test.owner, 1, 2, 5);
        assertEquals(1, runs("items_of_kind_one"));
        assertEquals(2, runs("heavy_items"), "a range counts as the table");
        assertEquals("+1 -1", whole.update());
        key.assertQuiet();
        range.assertQuiet();
        put(test.owner, 1, 1, 5);
        assertEquals("+1 -0", key.update());
        put(test.owner, 1, 1, 500);
        assertEquals("+1 -1", key.update());
        assertEquals("+1 -0", range.update());
        put(test.owner, 1, 2, 500);
        assertEquals("+0 -1", key.update());
        assertEquals(4, runs("items_of_kind_one"));
        whole.assertQuiet();
    }

    @Test
    @Proves("execution.md 6.5")
    void queriesAreViewsToo() throws Exception {
        Subscriber light = new Subscriber(test.owner, "SELECT * FROM light_items");
        Subscriber tags = new Subscriber(test.owner, "SELECT * FROM tags_of_timers");
        put(test.owner, 1, 1, 5);
        assertEquals("+1 -0", light.update());
        put(test.owner, 1, 1, 50);
        assertEquals("+0 -1", light.update());
        test.commit(database, "start_timer", "[\"later\",\"\"," + TimeUnit.HOURS.toMicros(1) + ",true]");
        assertEquals("+1 -0", tags.update());
        test.commit(database, "stop_timers", "[\"later\"]");
        assertEquals("+0 -1", tags.update());
    }

    @Test
    @Proves("execution.md 6.4")
    @Proves("module-abi.md 6")
    void aViewThatTrapsFailsTheCall() throws Exception {
        Subscriber moody = new Subscriber(test.owner, "SELECT * FROM moody");
        assertEquals(1, moody.initial.inserts().count());
        for (String how : List.of("panic", "recursion")) {
            CallResult.Trapped trapped = assertInstanceOf(
                    CallResult.Trapped.class, call(test.owner, "set_gate", "[\"view: " + how + "\",true]"));
            assertEquals(FATAL, trapped.message());
            assertEquals(0, count(test.owner, "SELECT * FROM gate WHERE name = 'view: " + how + "'"));
        }
        assertInstanceOf(CallResult.TimedOut.class, call(test.owner, "set_gate", "[\"view: loop\",true]"));
        TestServer.assertCode(ErrorCode.GUEST_TRAP, () -> database.sql(
                TestServer.client(test.owner), "INSERT INTO gate (name) VALUES ('view: panic')"));
        assertEquals(0, count(test.owner, "SELECT * FROM gate WHERE name = 'view: panic'"));
        put(test.owner, 1, 1, 5);
        moody.assertQuiet();
        test.commit(database, "set_gate", "[\"view: nothing\",true]");
    }

    @Test
    @Proves("execution.md 6.4")
    void aSubscriptionGetsTheErrorOfItsView() throws Exception {
        test.commit(database, "set_gate", "[\"view: panic\",true]");
        TestServer.Inbox inbox = new TestServer.Inbox();
        ClientConnection connection = connect(test.other, inbox);
        connection.submit(new ClientMessage.Subscribe(
                SubscriptionKind.SET, 1, 1, List.of("SELECT * FROM item_count", "SELECT * FROM moody")), 10);
        assertEquals(FATAL, inbox.next(ServerMessage.SubscriptionError.class).error());
        // Nothing of it is kept up to date.
        long runs = runs("item_count");
        put(test.owner, 1, 1, 5);
        assertEquals(runs, runs("item_count"));
        test.commit(database, "set_gate", "[\"view: panic\",false]");
        connection.submit(new ClientMessage.Subscribe(
                SubscriptionKind.SET, 2, 1, List.of("SELECT * FROM item_count", "SELECT * FROM moody")), 10);
        assertEquals(2, inbox.next(ServerMessage.SubscribeApplied.class).tables().size());
    }

    @Test
    @Proves("execution.md 6.4")
    @Proves("module-def.md 6.4")
    void aKeyIsUniqueAmongTheRowsOfACaller() throws Exception {
        Subscriber one = new Subscriber(test.owner, "SELECT * FROM one_key");
        put(test.owner, 1, 3, 5);
        assertEquals("+1 -0", one.update());
        CallResult.Trapped trapped =
                assertInstanceOf(CallResult.Trapped.class, call(test.owner, "put_item", "[2,3,5,\"second\"]"));
        assertTrue(trapped.message().startsWith("Error materializing view `one_key`: Unique constraint violation"),
                trapped.message());
        put(test.owner, 1, 1, 5);
        assertEquals("+0 -1", one.update());
        Subscriber owner = new Subscriber(test.owner, "SELECT * FROM my_keyed_items");
        Subscriber other = new Subscriber(test.other, "SELECT * FROM my_keyed_items");
        put(test.owner, 7, 1, 5);
        put(test.other, 7, 1, 5);
        assertEquals("+1 -0", owner.update());
        assertEquals("+0 -1", owner.update(), "the item changed hands");
        assertEquals("+1 -0", other.update());
    }

    @Test
    @Proves("execution.md 6.2")
    @Proves("execution.md 8.3")
    void viewsGoOnInTheNextProgram() throws Exception {
        put(test.owner, 1, 1, 5);
        Subscriber key = new Subscriber(test.owner, "SELECT * FROM items_of_kind_one");
        long runs = runs("items_of_kind_one");
        // The same program with a custom section behind it has another hash.
        byte[] next = Arrays.copyOf(MODULE, MODULE.length + 4);
        next[MODULE.length + 1] = 2;
        next[MODULE.length + 2] = 1;
        next[MODULE.length + 3] = 'x';
        test.publish("features", next, false);
        assertEquals(runs + 1, runs("items_of_kind_one"));
        key.assertQuiet();
        put(test.owner, 2, 1, 5);
        assertEquals("+1 -0", key.update());
    }
}
