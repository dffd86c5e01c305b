package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.egress.EgressOptions;
import dev.geodesic.engine.egress.EgressRule;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.engine.schedule.ClockTimer;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ProcedureOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Procedures and HTTP handlers of a compiled module, from the database's border inwards. */
@Timeout(120)
class ProceduresTest {

    private static final byte[] PROGRAM = TestServer.read("../samples/modules/procedures/procedures.wasm");
    private static final String FATAL = "The module instance encountered a fatal error: ";

    @TempDir
    private Path data;
    private TestServer test;
    private Database database;
    private HttpServer web;

    private void start(
            int instances, int queueMax, long millisMax, long transactionMillisMax, Supplier<TableStores> stores) {
        Limits d = TestServer.limits(1000, 1 << 20, 1 << 20);
        Limits limits = new Limits(
                256 << 20, 5_000, d.rowBytesMax(), d.transactionRowsMax(), d.transactionBytesMax(), d.handlesMax(),
                d.logLineBytesMax(), d.logLinesPerSecondMax(), d.queueMessagesMax(), d.queueBytesMax(), d.messageBytesMax(),
                d.moduleBytesMax(), d.subscriptionQueriesMax(), d.queryTablesMax(), d.queryNodesMax(), d.queryTextBytesMax(),
                d.databasesMax(), d.connectionsMax(),
                new Limits.Calls(millisMax, transactionMillisMax, 1 << 20, d.calls().iteratorBytesMax()), d.reads());
        EgressOptions egress = new EgressOptions(
                EgressOptions.Mode.PUBLIC, EgressRule.parseAll("127.0.0.2/32"), List.of(), 10_000);
        test = new TestServer(data, limits, LogFactory.MEMORY, stores,
                new ClockTimer(Clock.systemUTC(), Thread.ofPlatform().daemon().factory()),
                new ProcedureOptions(instances, queueMax, egress));
        database = test.create("procedures", PROGRAM);
    }

    private void start() {
        start(2, 10, 60_000, 400, HeapStores::new);
    }

    @AfterEach
    void stop() {
        if (test != null) {
            test.close();
        }
        if (web != null) {
            web.stop(0);
        }
    }

    private CompletableFuture<CallAnswer> begin(String procedure, String arguments) {
        return database.callFunction(TestServer.client(test.other), procedure, new Arguments.Json(arguments));
    }

    private String call(String procedure, String arguments) {
        return value(begin(procedure, arguments));
    }

    private static String value(CompletableFuture<CallAnswer> answer) {
        return assertInstanceOf(CallAnswer.OfProcedure.class, Database.join(answer.orTimeout(60, TimeUnit.SECONDS))).json();
    }

    private static EngineException failure(CompletableFuture<?> answer) {
        return assertThrows(EngineException.class, () -> Database.join(answer.orTimeout(60, TimeUnit.SECONDS)));
    }

    private void assertFails(ErrorCode code, String text, CompletableFuture<?> answer) {
        EngineException e = failure(answer);
        assertEquals(code, e.code(), e.describe());
        assertTrue(e.getMessage().contains(text), e.getMessage());
    }

    private int items() {
        return test.count(database, "SELECT * FROM item");
    }

    /** Lets what was begun get under way; where it has not, the test looks at less and fails no more easily. */
    private static void pause(long millis) throws InterruptedException {
        Thread.sleep(millis);
    }

    // ---- values and names ----

    @Test
    @Proves("http-api.md 6.11")
    @Proves("execution.md 8.1")
    void valuesAndErrorsOverHttp() {
        start();
        assertEquals("4294967297", call("sum", "[4294967295, 2]"));
        assertEquals("[0,5]", call("checked", "[true]"));
        assertEquals("[1,\"not ok\"]", call("checked", "[false]"));
        assertFails(ErrorCode.INVALID_ARGUMENTS, "invalid arguments for procedure sum: ", begin("sum", "[1]"));
        assertFails(ErrorCode.NO_SUCH_REDUCER, "no such reducer", begin("nothing", "[]"));
        assertFails(ErrorCode.PROCEDURE_FAILED, FATAL, begin("fall_now", "[\"panic\"]"));
        assertInstanceOf(CallAnswer.OfReducer.class, Database.join(begin("add", "[1]")));
        assertTrue(call("who_calls", "[]").startsWith("[\"" + test.other.claims().identity().toHex() + "\",\"Some("));
        // Each request was a client for its time only, and so is this one.
        assertEquals(1, test.count(database, "SELECT * FROM st_client"));
    }

    private static ClientMessage.CallProcedure message(int requestId, String procedure, String arguments) {
        return new ClientMessage.CallProcedure(procedure, new Arguments.Json(arguments), requestId);
    }

    @Test
    @Proves("execution.md 8.1")
    @Proves("websocket.md 9")
    void resultsFollowTheirUpdatesOverWebSocket() throws Exception {
        start();
        TestServer.Inbox inbox = new TestServer.Inbox();
        ClientConnection client = database.connect(TestServer.client(test.other), TestServer.V2, inbox, "");
        inbox.next(ServerMessage.InitialConnection.class);
        client.submit(new ClientMessage.Subscribe(SubscriptionKind.MULTI, 1, 1, List.of("SELECT * FROM item")), 10);
        inbox.next(ServerMessage.SubscribeApplied.class);
        client.submit(message(2, "add_item", "[7]"), 10);
        inbox.next(ServerMessage.TransactionUpdate.class);
        ServerMessage.ProcedureResult result = inbox.next(ServerMessage.ProcedureResult.class);
        assertEquals(2, result.requestId());
        assertEquals("1", assertInstanceOf(ProcedureOutcome.Returned.class, result.outcome()).value().json());
        assertTrue(result.timestampMicros() > 0);
        for (String[] bad : new String[][] {
            {"nothing", "[]", "No such procedure"}, {"add", "[1]", "No such procedure"},
            {"sum", "[]", "invalid arguments for procedure sum: "}, {"fall_now", "[\"panic\"]", FATAL}}) {
            client.submit(message(3, bad[0], bad[1]), 10);
            ServerMessage.ProcedureResult refused = inbox.next(ServerMessage.ProcedureResult.class);
            String text = assertInstanceOf(ProcedureOutcome.InternalError.class, refused.outcome()).error();
            assertTrue(text.startsWith(bad[2]), text);
            assertEquals(0, refused.timestampMicros());
            assertEquals(0, refused.durationMicros());
        }
        client.disconnect();
    }

    @Test
    @Proves("module-abi.md 5.8")
    void modulesMayHaveProceduresCalledSoon() throws Exception {
        start();
        test.commit(database, "add_soon", "[9]");
        Await.until("the immediate call", () -> items() == 1);
    }

    // ---- transactions ----

    @ParameterizedTest
    @ValueSource(strings = {"heap", "chronicle"})
    @Proves("module-abi.md 5.9")
    @Proves("execution.md 8.1")
    void transactionsCommitAndRollBack(String store) {
        start(2, 10, 60_000, 5_000, store.equals("heap") ? HeapStores::new : ChronicleStores::new);
        for (int id = 1; id <= 50; id++) {
            assertEquals(Integer.toString(id), call("add_item", "[" + id + "]"));
        }
        assertEquals("[0,51]", call("try_add", "[51, false]"));
        assertEquals("[1,\"as asked\"]", call("try_add", "[52, true]"));
        // Another row with a key that is taken.
        assertTrue(call("try_add", "[1, false]").startsWith("[1,"));
        test.commit(database, "add", "[53]");
        assertEquals(52, items());
    }

    @Test
    @Proves("execution.md 8.1")
    void othersWorkWhileAProcedureSleeps() throws Exception {
        start();
        CompletableFuture<CallAnswer> sleeping = begin("look_twice", "[1000]");
        long start = System.nanoTime();
        for (int id = 1; id <= 20; id++) {
            test.commit(database, "add", "[" + id + "]");
            assertEquals(Integer.toString(id * 2), call("add_item", "[" + (100 + id) + "]"));
        }
        boolean slept = System.nanoTime() - start < TimeUnit.MILLISECONDS.toNanos(900);
        String seen = value(sleeping);
        if (slept) {
            assertTrue(seen.endsWith(",40]"), seen);
        }
        assertTrue(Long.parseLong(call("sleep", "[50]")) >= 50_000);
    }

    @ParameterizedTest
    @ValueSource(strings = {"panic", "spin", "recurse", "memory"})
    @Proves("module-abi.md 6")
    void whatFallsInATransactionFallsAlone(String how) {
        start();
        long begin = System.nanoTime();
        EngineException e = failure(begin("add_then_fall", "[1, \"" + how + "\"]"));
        assertTrue(e.getMessage().startsWith(FATAL), e.describe());
        // On a slow machine filling the memory may take longer than the transaction may.
        assertTrue(e.code() == (how.equals("spin") ? ErrorCode.GUEST_TIMEOUT : ErrorCode.PROCEDURE_FAILED)
                || how.equals("memory") && e.code() == ErrorCode.GUEST_TIMEOUT, e.describe());
        test.commit(database, "add", "[10]");
        assertTrue(System.nanoTime() - begin < TimeUnit.SECONDS.toNanos(10), "the writer was kept too long");
        assertEquals(2, items(), "the first commit stays, the second transaction is gone");
        // A new instance serves the next one.
        assertEquals("3", call("add_item", "[11]"));
    }

    @Test
    @Proves("module-abi.md 5.9")
    void whatIsLeftOpenIsRolledBack() {
        start();
        assertEquals("0", call("leave_open", "[]"));
        test.commit(database, "add", "[1]");
        assertEquals(1, items());
        assertFails(ErrorCode.PROCEDURE_FAILED, "cannot sleep", begin("sleep_in_transaction", "[]"));
        test.commit(database, "add", "[2]");
    }

    @Test
    void anEndlessProcedureEndsWithItsTime() {
        start(1, 10, 700, 400, HeapStores::new);
        assertFails(ErrorCode.GUEST_TIMEOUT, "procedureMillisMax", begin("fall_now", "[\"spin\"]"));
        assertFails(ErrorCode.GUEST_TIMEOUT, "procedureMillisMax", begin("sleep", "[100000]"));
        assertEquals("3", call("sum", "[1, 2]"));
    }

    // ---- the pool ----

    @Test
    @Proves("module-abi.md 6")
    void callsWaitForAnInstance() throws Exception {
        start(2, 3, 60_000, 400, HeapStores::new);
        CountDownLatch asked = new CountDownLatch(2);
        CountDownLatch answer = new CountDownLatch(1);
        web = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.2"), 0), 0);
        web.setExecutor(task -> Thread.ofVirtual().start(task));
        web.createContext("/", exchange -> {
            asked.countDown();
            try {
                answer.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        web.start();
        String fetch = "[\"http://127.0.0.2:" + web.getAddress().getPort() + "/\", 100000]";
        List<CompletableFuture<CallAnswer>> busy = List.of(begin("fetch", fetch), begin("fetch", fetch));
        assertTrue(asked.await(30, TimeUnit.SECONDS));
        List<CompletableFuture<CallAnswer>> waiting = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            waiting.add(begin("sum", "[1, 2]"));
        }
        assertFails(ErrorCode.LIMIT_EXCEEDED, "procedureQueueMax", begin("sum", "[1, 2]"));
        assertTrue(waiting.stream().noneMatch(CompletableFuture::isDone));
        answer.countDown();
        busy.forEach(call -> assertEquals("[0,\"204 \"]", value(call)));
        waiting.forEach(call -> assertEquals("3", value(call)));
        assertEquals("3", call("sum", "[1, 2]"));
    }

    // ---- outbound requests ----

    private String serve(String address) throws IOException {
        web = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral(address), 0), 0);
        web.createContext("/", exchange -> {
            byte[] body = ("asked " + exchange.getRequestHeaders().getFirst("x-asked")).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(201, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        web.start();
        return "http://" + address + ":" + web.getAddress().getPort() + "/?secret";
    }

    @Test
    @Proves("module-abi.md 5.9")
    void fetchesWhatIsAllowed() throws Exception {
        start();
        assertEquals("[0,\"201 asked yes\"]", call("fetch", "[\"" + serve("127.0.0.2") + "\", 5000]"));
    }

    @Test
    @Proves("module-abi.md 5.9")
    void doesNotFetchFromInside() throws Exception {
        start();
        String answer = call("fetch", "[\"" + serve("127.0.0.1") + "\", 5000]");
        assertTrue(answer.contains("refusing to connect to private or special-purpose addresses"), answer);
        assertTrue(call("fetch", "[\"http://nowhere.invalid/\", 5000]").startsWith("[1,"));
    }

    // ---- handlers ----

    private CompletableFuture<HandlerAnswer> begin(String method, String path, String query, String body) {
        return database.handle(new HandlerRequest(method, path, "http://host.test/v1/database/x/route" + path + query, false,
                List.of(new HandlerAnswer.Header("x-in", new byte[] {'a', (byte) 0xe9})), body.getBytes(StandardCharsets.UTF_8)));
    }

    private static String text(HandlerAnswer answer) {
        return answer.status() + " " + new String(answer.body(), StandardCharsets.UTF_8);
    }

    private String handle(String method, String path, String query, String body) {
        return text(Database.join(begin(method, path, query, body).orTimeout(60, TimeUnit.SECONDS)));
    }

    @Test
    @Proves("execution.md 8.2")
    void handlersAnswer() {
        start();
        String base = "http://host.test/v1/database/x/route";
        assertEquals("299 GET " + base + "/mirror?a=b HTTP/1.1 text", handle("GET", "/mirror", "?a=b", "text"));
        assertEquals("299 PURGE " + base + " HTTP/1.1 ", handle("PURGE", "", "", ""));
        assertEquals("299 HEAD " + base + "/ HTTP/1.1 ", handle("HEAD", "/", "", ""));
        HandlerAnswer answer = Database.join(begin("POST", "/mirror", "", ""));
        assertEquals(List.of("x-many=1", "x-many=2", "x-in=a\u00e9"), answer.headers().stream()
                .map(h -> h.name() + "=" + new String(h.value(), StandardCharsets.ISO_8859_1)).toList());
        assertEquals("200 1", handle("POST", "/store", "", "5"));
        assertEquals("400 not a number", handle("POST", "/store", "", "x"));
        assertEquals(1, items());
    }

    @Test
    @Proves("execution.md 8.2")
    @Proves("http-api.md 6.14")
    void onlyExactRoutesAnswer() {
        start();
        for (String[] none : new String[][] {
            {"HEAD", "/mirror"}, {"DELETE", "/mirror"}, {"get", "/mirror"}, {"GET", "/mirror/"}, {"GET", "/Mirror"},
            {"GET", "/mirror/deep"}, {"GET", "/store"}, {"GET", "//"}, {"GET", "mirror"}}) {
            assertFails(ErrorCode.NO_SUCH_ROUTE, "Database has not registered a handler for this route",
                    begin(none[0], none[1], "", ""));
        }
        assertFails(ErrorCode.PROCEDURE_FAILED, FATAL, begin("GET", "/broken", "?panic", ""));
        assertFails(ErrorCode.PROCEDURE_FAILED, FATAL, begin("GET", "/broken", "?recurse", ""));
        assertEquals("200 still here", handle("GET", "/broken", "?nothing", ""));
    }

    // ---- nothing may keep the writer, or a closing database ----

    private void assertClosesSoon() {
        long start = System.nanoTime();
        test.close();
        test = null;
        assertTrue(System.nanoTime() - start < TimeUnit.SECONDS.toNanos(10), "closing took too long");
    }

    @Test
    void closingEndsWhateverRuns() throws Exception {
        start(4, 10, 600_000, 600_000, HeapStores::new);
        CountDownLatch asked = new CountDownLatch(1);
        web = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.2"), 0), 0);
        web.createContext("/", exchange -> asked.countDown()); // and never an answer
        web.start();
        List<CompletableFuture<CallAnswer>> calls = new ArrayList<>();
        calls.add(begin("fetch", "[\"http://127.0.0.2:" + web.getAddress().getPort() + "/\", 100000]"));
        assertTrue(asked.await(20, TimeUnit.SECONDS));
        calls.add(begin("sleep", "[600000]"));
        calls.add(begin("fall_now", "[\"spin\"]"));
        // Holds the writer, so what comes behind it waits: for the writer, and for an instance.
        CompletableFuture<CallAnswer> holder = begin("add_then_fall", "[1, \"spin\"]");
        pause(300);
        assertFalse(holder.isDone());
        assertClosesSoon();
        for (CompletableFuture<CallAnswer> call : calls) {
            assertTrue(List.of(ErrorCode.DATABASE_STOPPED, ErrorCode.GUEST_TIMEOUT, ErrorCode.PROCEDURE_FAILED)
                    .contains(failure(call).code()));
        }
        failure(holder);
    }

    @Test
    void whoWaitsForTheWriterIsLetGo() throws Exception {
        start(2, 10, 600_000, 600_000, HeapStores::new);
        CompletableFuture<CallAnswer> waiting = begin("look_twice", "[400]");
        pause(100);
        CompletableFuture<CallAnswer> holder = begin("add_then_fall", "[1, \"spin\"]");
        pause(600);
        assertFalse(waiting.isDone());
        assertClosesSoon();
        failure(waiting);
        failure(holder);
    }

    @Test
    @Proves("execution.md 8.3")
    void aReplacedProgramFinishesItsProcedures() throws Exception {
        start();
        // The same program with a custom section behind it is another program; compiled before time is short.
        byte[] next = Arrays.copyOf(PROGRAM, PROGRAM.length + 4);
        System.arraycopy(new byte[] {0, 2, 1, 'x'}, 0, next, PROGRAM.length, 4);
        test.create("other", next);
        CompletableFuture<CallAnswer> running = begin("look_twice", "[2000]");
        CompletableFuture<CallAnswer> second = begin("look_twice", "[2000]");
        CompletableFuture<CallAnswer> queued = begin("add_item", "[1]");
        pause(200);
        assertFalse(running.isDone());
        test.publish("procedures", next, false);
        assertEquals(LoadedModule.hash(next), database.programHash());
        assertEquals("3", call("sum", "[1, 2]"));
        assertFalse(running.isDone());
        test.commit(database, "add", "[2]");
        assertEquals("[0,", value(running).substring(0, 3));
        value(second);
        assertEquals(1, value(queued).length());
        assertEquals(2, items());
        assertEquals("3", call("add_item", "[3]"));
    }
}
