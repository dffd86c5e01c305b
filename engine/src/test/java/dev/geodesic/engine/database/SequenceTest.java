package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ProcedureOutcome;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.sats.RowList;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A module with everything in it, and a random sequence of calls, failures, timers, subscriptions, swaps, restarts and
 * crashes from one seed. After every step each client's cache equals its queries, and the tables equal a plain model.
 */
@Proves("execution.md 1")
@Proves("execution.md 4")
@Proves("execution.md 8.3")
class SequenceTest {

    private static final int RUNS = Integer.getInteger("geodesic.sequence.runs", 1);
    private static final int STEPS = Integer.getInteger("geodesic.sequence.steps", 120);
    private static final byte[] MODULE = TestServer.read("../samples/modules/features-2.8/features_2_8.wasm");
    private static final String NAME = "everything";

    /** Tables, rules, joins, views of every form; what each client may watch. */
    private static final List<String> QUERIES = List.of(
            "SELECT * FROM tick",
            "SELECT * FROM tick WHERE label = 'a'",
            "SELECT * FROM timer",
            "SELECT * FROM timer WHERE label = 'a' OR label = 'b'",
            "SELECT timer_tag.* FROM timer JOIN timer_tag ON timer.scheduled_id = timer_tag.timer",
            "SELECT timer.* FROM timer JOIN timer_tag ON timer.scheduled_id = timer_tag.timer WHERE timer_tag.tag = 'a'",
            "SELECT * FROM diary",
            "SELECT * FROM seat",
            "SELECT * FROM post",
            "SELECT * FROM items_of_kind_one",
            "SELECT * FROM heavy_items",
            "SELECT * FROM item_count",
            "SELECT * FROM my_items",
            "SELECT * FROM my_items WHERE kind = 1",
            "SELECT * FROM my_first_item",
            "SELECT * FROM light_items",
            "SELECT * FROM keyed_items",
            "SELECT * FROM tags_of_timers",
            "SELECT * FROM timers_watched");

    /** What no timer changes. */
    private static final List<String> STEADY = List.of("item", "diary", "seat", "post", "born", "gate", "pile");

    private static final List<Logger> LOUD = Stream.of("durability.LogReader", "database.Database")
            .map(n -> Logger.getLogger("dev.geodesic.engine." + n)).toList();

    @TempDir
    private Path directory;

    @BeforeEach
    void expectWarnings() {
        LOUD.forEach(l -> l.setLevel(Level.OFF));
    }

    @AfterEach
    void expectNoMore() {
        LOUD.forEach(l -> l.setLevel(null));
    }

    @Test
    void invariantsHoldAfterEveryStep() {
        // Loops end soon.
        check(TestServer.limitsOfCalls(200));
    }

    @Test
    void invariantsHoldIfEveryQueryIsReadBesideTheWriter() {
        check(TestServer.besideTheWriter(TestServer.limitsOfCalls(200)));
    }

    private void check(Limits limits) {
        Seeds.repeat(RUNS, random -> {
            Path data = Files.createTempDirectory(directory, "run");
            try (Run run = new Run(random, data, limits)) {
                run.start();
                for (int step = 0; step < STEPS; step++) {
                    String what = run.step();
                    try {
                        run.check();
                    } catch (AssertionError | EngineException e) {
                        throw new AssertionError("after step " + step + " (" + what + "): " + e.getMessage(), e);
                    }
                }
            }
        });
    }

    /** A client with its cache: for each query set the rows with their multiplicity. */
    private static final class Watcher {

        private final TokenAuthority.Issued who;
        private final TestServer.Inbox inbox = new TestServer.Inbox();
        private final ClientConnection connection;
        private final Map<Integer, String> queries = new TreeMap<>();
        private final Map<Integer, Map<String, Integer>> caches = new HashMap<>();
        private int lastRequest;
        private int events;

        Watcher(Database database, TokenAuthority.Issued who) throws InterruptedException {
            this.who = who;
            connection = database.connect(TestServer.client(who), TestServer.V2, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
        }

        /** Takes updates in until the answer to a request comes. */
        private <T extends ServerMessage> T answer(Class<T> type) throws InterruptedException {
            while (true) {
                ServerMessage message = inbox.messages.poll(20, TimeUnit.SECONDS);
                if (message instanceof ServerMessage.Shared shared) {
                    message = shared.message();
                }
                if (message instanceof ServerMessage.TransactionUpdate update) {
                    update.querySets().forEach(this::apply);
                } else {
                    return assertInstanceOf(type, message);
                }
            }
        }

        private void apply(QuerySetUpdate update) {
            Map<String, Integer> cache = caches.get(update.querySetId());
            assertTrue(cache != null, "an update of query set " + update.querySetId() + ", which is not subscribed");
            for (TableUpdate table : update.tables()) {
                for (Fragment fragment : table.fragments()) {
                    if (table.tableName().equals("spark")) {
                        events += fragment.inserts().count();
                        assertEquals(0, fragment.deletes().count());
                        continue;
                    }
                    rows(fragment.deletes()).forEach(row -> cache.merge(row, -1, Integer::sum));
                    rows(fragment.inserts()).forEach(row -> cache.merge(row, 1, Integer::sum));
                }
            }
            cache.values().removeIf(count -> count == 0);
            assertTrue(cache.values().stream().allMatch(count -> count > 0),
                    "rows were deleted that had not been inserted: " + queries.get(update.querySetId()));
        }

        private static List<String> rows(RowList list) {
            List<String> rows = new ArrayList<>();
            for (int i = 0; i < list.count(); i++) {
                rows.add(HexFormat.of().formatHex(
                        list.data(), list.rowOffset(i), list.rowOffset(i) + list.rowLength(i)));
            }
            return rows;
        }

        private static Map<String, Integer> bag(List<String> rows) {
            Map<String, Integer> bag = new HashMap<>();
            rows.forEach(row -> bag.merge(row, 1, Integer::sum));
            return bag;
        }

        void subscribe(int set, String query) throws InterruptedException {
            connection.submit(new ClientMessage.Subscribe(SubscriptionKind.SET, ++lastRequest, set, List.of(query)), 100);
            List<String> rows = new ArrayList<>();
            for (TableUpdate table : answer(ServerMessage.SubscribeApplied.class).tables()) {
                table.fragments().forEach(f -> rows.addAll(rows(f.inserts())));
            }
            queries.put(set, query);
            caches.put(set, bag(rows));
        }

        void unsubscribe(int set) throws InterruptedException {
            connection.submit(new ClientMessage.Unsubscribe(SubscriptionKind.SET, ++lastRequest, set, false), 100);
            answer(ServerMessage.UnsubscribeApplied.class);
            queries.remove(set);
            caches.remove(set);
        }

        ReducerOutcome call(String reducer, String arguments) throws InterruptedException {
            connection.submit(TestServer.callMessage(++lastRequest, reducer, arguments), 100);
            ServerMessage.ReducerResult result = answer(ServerMessage.ReducerResult.class);
            assertEquals(lastRequest, result.call().requestId());
            if (result.outcome() instanceof ReducerOutcome.Committed committed) {
                committed.querySets().forEach(this::apply);
            }
            return result.outcome();
        }

        ProcedureOutcome procedure(String procedure, String arguments) throws InterruptedException {
            connection.submit(
                    new ClientMessage.CallProcedure(procedure, new Arguments.Json(arguments), ++lastRequest), 100);
            ServerMessage.ProcedureResult result = answer(ServerMessage.ProcedureResult.class);
            assertEquals(lastRequest, result.requestId());
            return result.outcome();
        }

        /** Every cache equals its query at this moment. */
        void check() throws InterruptedException {
            // Everything before it has come then.
            connection.submit(TestServer.query(++lastRequest, "SELECT * FROM born"), 100);
            answer(ServerMessage.OneOffResult.class);
            for (Map.Entry<Integer, String> query : queries.entrySet()) {
                if (query.getValue().contains("spark")) {
                    continue;
                }
                connection.submit(TestServer.query(++lastRequest, query.getValue()), 100);
                ServerMessage.OneOffResult result = answer(ServerMessage.OneOffResult.class);
                QueryOutcome.Rows rows = assertInstanceOf(QueryOutcome.Rows.class, result.outcome(), query::getValue);
                assertEquals(bag(rows(rows.rows().inserts())), caches.get(query.getKey()),
                        () -> "the cache of " + query.getValue());
            }
        }
    }

    /** One sequence. */
    private static final class Run implements AutoCloseable {

        private final Random random;
        private final Limits limits;
        private Path data;
        private TestServer test;
        private Database database;
        private TokenAuthority.Issued[] people;
        private final List<Watcher> watchers = new ArrayList<>();
        /** Model of the private table of items: what was confirmed. */
        private final Set<Integer> items = new TreeSet<>();
        private int emitted;
        private int program;
        private int life;

        Run(Random random, Path data, Limits limits) {
            this.random = random;
            this.limits = limits;
            this.data = data.resolve("0");
        }

        void start() throws Exception {
            open();
            database = test.create(NAME, MODULE);
            people = new TokenAuthority.Issued[] {test.owner, test.other, test.server.tokens().issueAnonymous()};
            for (TokenAuthority.Issued person : people) {
                arrive(person);
            }
        }

        private void open() throws IOException {
            Files.createDirectories(data);
            test = new TestServer(data, limits, new CommitLogs(CommitLogOptions.DEFAULTS));
        }

        private void arrive(TokenAuthority.Issued person) throws InterruptedException {
            Watcher watcher = new Watcher(database, person);
            watchers.add(watcher);
            watcher.subscribe(1_000, "SELECT * FROM spark");
            watcher.events = emitted;
            for (int i = random.nextInt(6); i > 0; i--) {
                subscribe(watcher);
            }
        }

        private void subscribe(Watcher watcher) throws InterruptedException {
            int set = random.nextInt(12);
            if (watcher.queries.containsKey(set)) {
                watcher.unsubscribe(set);
            } else {
                watcher.subscribe(set, QUERIES.get(random.nextInt(QUERIES.size())));
            }
        }

        private String label() {
            return List.of("a", "b", "watched").get(random.nextInt(3));
        }

        String step() throws Exception {
            Watcher watcher = watchers.get(random.nextInt(watchers.size()));
            int id = random.nextInt(8);
            switch (random.nextInt(26)) {
                case 0, 1, 2, 3 -> {
                    committed(watcher.call("put_item", "[" + id + "," + (1 + id % 3) + "," + (random.nextInt(300) - 20) + ",\"n"
                            + random.nextInt(3) + "\"]"));
                    items.add(id);
                    return "put_item";
                }
                case 4 -> {
                    committed(watcher.call("drop_item", "[" + id + "]"));
                    items.remove(id);
                    return "drop_item";
                }
                case 5 -> {
                    String how = List.of("", "error", "panic", "insert", "repeat", "2").get(random.nextInt(6));
                    committed(watcher.call("start_timer",
                            "[\"" + label() + "\",\"" + how + "\"," + random.nextInt(60_000) + "," + random.nextBoolean() + "]"));
                    return "start_timer " + how;
                }
                case 6 -> {
                    committed(watcher.call("stop_timers", "[\"" + label() + "\"]"));
                    return "stop_timers";
                }
                case 7 -> {
                    committed(watcher.call("move_timers", "[\"" + label() + "\"," + random.nextInt(60_000) + ",false]"));
                    return "move_timers";
                }
                case 8 -> {
                    assertInstanceOf(ReducerOutcome.Failed.class, watcher.call("start_timer_and_fail", "[\"a\",0]"));
                    return "start_timer_and_fail";
                }
                case 9 -> committed(watcher.call("write_diary", "[\"d" + id + "\"]"));
                case 10 -> committed(watcher.call("tear_diary", "[]"));
                case 11 -> committed(watcher.call("take_seat", "[" + id % 3 + "]"));
                case 12 -> committed(watcher.call("leave_room", "[" + id % 3 + "]"));
                case 13, 14 -> committed(
                        watcher.call("write_post", "[" + id + "," + id % 3 + ",\"p" + random.nextInt(3) + "\"]"));
                case 15 -> {
                    committed(watcher.call("emit", "[" + id + ",\"e\"]"));
                    emitted++;
                    return "emit";
                }
                case 16 -> {
                    String how = List.of("panic", "trap", "loop").get(random.nextInt(3));
                    ReducerOutcome outcome = watcher.call("misbehave", "[\"" + how + "\"]");
                    assertTrue(outcome instanceof ReducerOutcome.InternalError || outcome instanceof ReducerOutcome.OutOfEnergy,
                            () -> how + ": " + outcome);
                    return "misbehave " + how;
                }
                case 17 -> {
                    // 100 and above: no reducer puts them.
                    int made = 100 + random.nextInt(1_000_000);
                    assertInstanceOf(ProcedureOutcome.Returned.class, watcher.procedure("make_item", "[" + made + "]"));
                    items.add(made);
                    return "make_item";
                }
                case 18 -> {
                    int made = 100 + random.nextInt(1_000_000);
                    boolean fail = random.nextBoolean();
                    assertInstanceOf(
                            ProcedureOutcome.Returned.class, watcher.procedure("try_item", "[" + made + "," + fail + "]"));
                    if (!fail) {
                        items.add(made);
                    }
                    return "try_item";
                }
                case 19 -> {
                    int made = 100 + random.nextInt(1_000_000);
                    assertInstanceOf(ProcedureOutcome.InternalError.class,
                            watcher.procedure("misbehave_in_transaction", "[" + made + ",\"panic\"]"));
                    return "misbehave_in_transaction";
                }
                case 20 -> moodyView(watcher);
                case 21 -> subscribe(watcher);
                case 22 -> {
                    watcher.connection.disconnect();
                    watchers.remove(watcher);
                    arrive(watcher.who);
                    return "reconnect";
                }
                case 23 -> swap();
                case 24 -> refusedSwap();
                default -> {
                    if (random.nextInt(4) == 0) {
                        restart(random.nextBoolean());
                        return "restart";
                    }
                    subscribe(watcher);
                    return "subscribe";
                }
            }
            return "something";
        }

        private static void committed(ReducerOutcome outcome) {
            assertInstanceOf(ReducerOutcome.Committed.class, outcome, outcome::toString);
        }

        /** A view that fails undoes the transaction that would have changed it, and nothing else. */
        private void moodyView(Watcher watcher) throws InterruptedException {
            watcher.subscribe(500, "SELECT * FROM moody");
            ReducerOutcome outcome = watcher.call("set_gate", "[\"view: panic\",true]");
            assertInstanceOf(ReducerOutcome.InternalError.class, outcome, outcome::toString);
            watcher.unsubscribe(500);
            assertEquals(0, test.count(database, "SELECT * FROM gate"));
        }

        /** The same program under another hash. */
        private byte[] nextProgram() {
            byte[] mark = ("life " + ++program).getBytes(StandardCharsets.US_ASCII);
            byte[] wasm = Arrays.copyOf(MODULE, MODULE.length + 3 + mark.length);
            int at = MODULE.length;
            wasm[at++] = 0;
            wasm[at++] = (byte) (1 + mark.length);
            wasm[at++] = (byte) mark.length;
            System.arraycopy(mark, 0, wasm, at, mark.length);
            return wasm;
        }

        private void swap() {
            assertTrue(!test.publish(NAME, nextProgram(), false).created());
        }

        private void refusedSwap() {
            byte[] before = database.program();
            byte[] bad = random.nextBoolean() ? TestServer.KITCHEN : new byte[] {0, 'a', 's', 'm', 1, 0, 0, 0};
            assertThrows(EngineException.class, () -> test.publish(NAME, bad, false));
            assertTrue(before == database.program(), "the old program runs on");
        }

        private Map<String, Map<String, Integer>> steady() {
            Map<String, Map<String, Integer>> tables = new TreeMap<>();
            for (String table : STEADY) {
                tables.put(table, Watcher.bag(select("SELECT * FROM " + table)));
            }
            return tables;
        }

        private List<String> select(String sql) {
            RowBuffer rows = database.sql(TestServer.client(test.owner), sql).result().rows();
            List<String> texts = new ArrayList<>();
            for (int i = 0; i < rows.count(); i++) {
                texts.add(HexFormat.of().formatHex(rows.row(i)));
            }
            return texts;
        }

        /** Stops or crashes; the next life begins with what the disk has. */
        private void restart(boolean crash) throws Exception {
            Map<String, Map<String, Integer>> before = steady();
            database.awaitDurable(Database.join(database.committedOffset()));
            if (crash) {
                // What a kill at this moment would leave.
                Path copy = data.resolveSibling(Integer.toString(++life));
                copyTree(data, copy);
                test.close();
                data = copy;
            } else {
                watchers.forEach(w -> w.connection.disconnect());
                test.close();
            }
            watchers.clear();
            TokenAuthority.Issued owner = test.owner;
            open();
            test.actAs(owner);
            database = test.server.database(test.server.resolve(NAME));
            assertEquals(before, steady(), "what was durable is there after a " + (crash ? "crash" : "stop"));
            for (TokenAuthority.Issued person : people) {
                arrive(person);
            }
        }

        private static void copyTree(Path from, Path to) throws IOException {
            try (Stream<Path> paths = Files.walk(from)) {
                for (Path path : paths.filter(p -> !p.endsWith("compiled") && !p.endsWith("server.lock")).toList()) {
                    Path target = to.resolve(from.relativize(path).toString());
                    if (Files.isDirectory(path)) {
                        Files.createDirectories(target);
                    } else {
                        Files.copy(path, target);
                    }
                }
            }
        }

        void check() throws InterruptedException {
            for (Watcher watcher : watchers) {
                watcher.check();
                assertEquals(emitted, watcher.events, "events that have come");
            }
            Set<Integer> stored = new TreeSet<>();
            for (String row : select("SELECT id FROM item")) {
                stored.add(LittleEndian.getInt(HexFormat.of().parseHex(row), 0));
            }
            assertEquals(items, stored, "items");
            assertTrue(database.failure().isEmpty());
        }

        @Override
        public void close() {
            test.close();
        }
    }
}
