package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.Timers.SECOND;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.RowList;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random calls, failures, SQL, schedules, procedures, clients, swaps of programs and crashes on one real database with one
 * real module, all from one seed. Holds after every step: what a client keeps of a query is the query's answer; offsets
 * have no gaps; after a crash there are all calls that were confirmed, and of all others a prefix; whoever came has gone.
 */
@Proves("execution.md 1")
@Proves("execution.md 4")
@Proves("execution.md 10")
class RandomHistoryTest {

    private static final byte[] MODULE = TestServer.read("../samples/modules/timers/timers_all.wasm");
    private static final int STEPS = Integer.getInteger("geodesic.history.steps", 80);
    private static final List<String> QUERIES = List.of(
            "SELECT * FROM job",
            "SELECT * FROM run WHERE text = 'seen'",
            "SELECT * FROM seen_jobs",
            "SELECT * FROM seen_errands",
            "SELECT slot.* FROM slot JOIN job ON slot.id = job.scheduled_id",
            "SELECT errand.* FROM slot JOIN errand ON slot.id = errand.scheduled_id WHERE errand.text = 'seen'");

    /** Where the rows of a view come from. */
    private static final Map<String, String> SOURCES = Map.of(
            "SELECT * FROM seen_jobs", "SELECT * FROM job WHERE text = 'seen' AND scheduled_id < 200",
            "SELECT * FROM seen_errands", "SELECT * FROM errand WHERE text = 'seen' AND scheduled_id < 200");

    @TempDir
    private Path data;

    @Test
    void whatMustHoldHoldsAfterEveryStep() {
        int[] run = {0};
        Seeds.repeat(2, random -> {
            // Every other one with the other kind of stores, and with every client's query read beside the writer.
            boolean even = run[0] % 2 == 0;
            Supplier<TableStores> stores = even ? HeapStores::new : ChronicleStores::new;
            Limits limits = even ? Limits.DEFAULTS : TestServer.besideTheWriter(Limits.DEFAULTS);
            try (History history = new History(directory(run[0]++), stores, limits, random)) {
                for (int i = 0; i < STEPS; i++) {
                    history.step();
                }
            }
        });
    }

    private Path directory(int run) {
        try {
            return Files.createDirectories(data.resolve("run" + run));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A client and what it keeps: rows by query set, as often as they were sent. */
    private static final class Client {

        private final ClientInfo info;
        private final TestServer.Inbox inbox = new TestServer.Inbox();
        private final ClientConnection connection;
        private final Map<Integer, Map<String, Integer>> cache = new LinkedHashMap<>();
        private final Map<Integer, String> queries = new LinkedHashMap<>();

        Client(Timers real, ConnectionOptions options, Random random) throws InterruptedException {
            info = TestServer.client(real.test.server.tokens().issueAnonymous());
            connection = real.database.connect(info, options, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            for (int i = 0; i < QUERIES.size(); i++) {
                if (random.nextInt(3) > 0) {
                    queries.put(i, QUERIES.get(i));
                    cache.put(i, new LinkedHashMap<>());
                    connection.submit(
                            new ClientMessage.Subscribe(SubscriptionKind.SET, i, i, List.of(QUERIES.get(i))), 10);
                }
            }
        }

        /** Takes in what has come; returns answers to calls. */
        List<ServerMessage.ReducerResult> read() {
            List<ServerMessage.ReducerResult> results = new ArrayList<>();
            ServerMessage message;
            while ((message = inbox.messages.poll()) != null) {
                switch (message instanceof ServerMessage.Shared s ? s.message() : message) {
                    case ServerMessage.SubscribeApplied applied ->
                        apply(new QuerySetUpdate(applied.querySetId(), applied.tables()));
                    case ServerMessage.TransactionUpdate update -> update.querySets().forEach(this::apply);
                    case ServerMessage.ReducerResult result -> {
                        results.add(result);
                        if (result.outcome() instanceof ReducerOutcome.Committed committed) {
                            committed.querySets().forEach(this::apply);
                        }
                    }
                    case ServerMessage other -> throw new AssertionError("unexpected: " + other);
                }
            }
            return results;
        }

        private void apply(QuerySetUpdate update) {
            Map<String, Integer> rows = cache.get(update.querySetId());
            for (TableUpdate table : update.tables()) {
                for (Fragment fragment : table.fragments()) {
                    add(rows, fragment.inserts(), 1);
                    add(rows, fragment.deletes(), -1);
                }
            }
            rows.forEach((row, count) -> assertTrue(count > 0, () -> count + " times in the cache: " + row));
        }

        private static void add(Map<String, Integer> rows, RowList list, int sign) {
            for (int i = 0; i < list.count(); i++) {
                String row = hex(Arrays.copyOfRange(
                        list.data(), list.rowOffset(i), list.rowOffset(i) + list.rowLength(i)));
                rows.merge(row, sign, (a, b) -> a + b == 0 ? null : a + b);
            }
        }
    }

    private static String hex(byte[] row) {
        return HexFormat.of().formatHex(row);
    }

    private static final class History implements AutoCloseable {

        private final Path data;
        private final Supplier<TableStores> stores;
        private final Limits limits;
        private final Random random;
        private final ManualTimer timer = Timers.now();
        private TapeLogs logs = new TapeLogs();
        private Timers real;
        private final List<Client> clients = new ArrayList<>();
        private Client caller;
        private boolean commented;
        private boolean holding;
        private int nextResult;
        /** Names of marks by number of the call. */
        private final List<String> sent = new ArrayList<>();
        private final Set<String> confirmed = new TreeSet<>();
        private final StringBuilder story = new StringBuilder();

        History(Path data, Supplier<TableStores> stores, Limits limits, Random random) throws InterruptedException {
            this.data = data;
            this.stores = stores;
            this.limits = limits;
            this.random = random;
            start();
            call("open_slots", "[100]");
        }

        private void start() throws InterruptedException {
            real = new Timers(data, limits, logs, stores, timer, MODULE, ProcedureOptions.DEFAULTS);
            caller = new Client(real, TestServer.V2_CONFIRMED, random);
            nextResult = sent.size();
            clients.clear();
            clients.add(new Client(real, TestServer.V2, random));
        }

        void step() throws InterruptedException {
            int what = random.nextInt(20);
            story.append(what).append(' ');
            try {
                act(what);
                check();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("after steps " + story + ": " + e, e);
            }
        }

        private void act(int what) throws InterruptedException {
            switch (what) {
                case 0, 1, 2, 3 -> arm();
                case 4, 5 -> call(
                        "send", "[" + at() + ",\"" + (random.nextInt(3) == 0 ? "panic" : "") + "\",\"" + text() + "\"]");
                case 6 -> call("rearm", "[" + random.nextInt(40) + "," + at() + "]");
                case 7 -> call("disarm", "[" + random.nextInt(40) + "]");
                case 8 -> call("arm_and_fail", "[" + at() + "]");
                case 9, 10, 11 -> mark();
                case 12 -> sql();
                case 13 -> clients.add(new Client(real, TestServer.V2, random));
                case 14 -> leave();
                case 15 -> swap();
                case 16 -> hold(!holding);
                case 17 -> crash();
                default -> real.pass(random.nextLong(5 * SECOND));
            }
            real.settle();
        }

        private CallResult call(String reducer, String json) {
            long before = real.database.durableOffset();
            CallResult result = Database.join(real.database.call(real.owner(), reducer, new Arguments.Json(json)));
            assertTrue(real.database.durableOffset() >= before, "the durable offset never falls");
            return result;
        }

        private String at() {
            return random.nextInt(4) == 0
                    ? Timers.interval(SECOND + random.nextLong(10 * SECOND))
                    : Timers.time(timer.nowMicros() + random.nextLong(10 * SECOND) - SECOND);
        }

        private String text() {
            return random.nextBoolean() ? "seen" : "unseen";
        }

        private void arm() {
            if (real.count("SELECT * FROM job") > 12) {
                call("disarm_all", "[]");
            }
            List<String> actions = List.of("", "", "fail", "panic", "delete", "once", "again", "every second");
            call("arm", "[" + at() + ",\"" + actions.get(random.nextInt(actions.size())) + "\",\"" + text() + "\"]");
        }

        /** A call over a connection that waits for the disk; now and then one that fails. */
        private void mark() {
            int number = sent.size();
            String name = random.nextInt(5) == 0 && number > 0 ? sent.get(number - 1) : "<mark " + number + ">";
            sent.add(name);
            caller.connection.submit(TestServer.callMessage(number, "feel", "[\"" + name + "\"]"), 10);
        }

        private void sql() {
            String statement = switch (random.nextInt(5)) {
                case 0 -> "UPDATE job SET text = '" + text() + "' WHERE scheduled_id = " + random.nextInt(40);
                case 1 -> "DELETE FROM run WHERE id < " + random.nextInt(100);
                case 2 -> "DELETE FROM slot WHERE id = " + random.nextInt(100);
                case 3 -> "INSERT INTO slot (id) VALUES (" + random.nextInt(100) + ")";
                default -> "UPDATE errand SET text = '" + text() + "'";
            };
            try {
                real.database.sql(real.owner(), statement);
            } catch (EngineException e) {
                assertEquals(ErrorCode.UNIQUE_ALREADY_EXISTS, e.code(), e::describe);
            }
        }

        private void leave() {
            if (!clients.isEmpty()) {
                clients.remove(random.nextInt(clients.size())).connection.disconnect();
            }
        }

        private void swap() {
            hold(false);
            commented = !commented;
            byte[] program = commented ? ScheduledCallsTest.withComment(MODULE) : MODULE;
            real.test.server.publish(
                    new PublishRequest(Optional.of("timers"), real.database.owner(), program, false));
        }

        private void hold(boolean hold) {
            holding = hold;
            if (hold) {
                logs.hold();
            } else {
                logs.release();
            }
        }

        private void crash() throws InterruptedException {
            readResults();
            real.close();
            int durable = logs.durable();
            int kept = durable + random.nextInt(logs.length() - durable + 1);
            TapeLogs crashed = logs.crashedAt(kept);
            Set<String> expected = new TreeSet<>();
            for (String mark : sent) {
                for (int tx = 0; tx < kept && !expected.contains(mark); tx++) {
                    if (logs.mentions(tx, mark)) {
                        expected.add(mark);
                    }
                }
            }
            assertTrue(expected.containsAll(confirmed), () -> "confirmed, but not durable: " + confirmed);
            logs = crashed;
            holding = false;
            timer.advance(random.nextLong(5 * SECOND));
            start();
            Set<String> found = new TreeSet<>();
            for (String mark : Set.copyOf(sent)) {
                if (real.count("SELECT * FROM mood WHERE name = '" + mark + "'") == 1) {
                    found.add(mark);
                }
            }
            assertEquals(expected, found, "what was on the disk is there, and nothing else");
        }

        private void readResults() {
            for (ServerMessage.ReducerResult result : caller.read()) {
                assertEquals(nextResult++, result.call().requestId(), "answers come in the order of the calls");
                if (result.outcome() instanceof ReducerOutcome.Committed) {
                    confirmed.add(sent.get(result.call().requestId()));
                }
            }
        }

        // ---- what holds ----

        private void check() throws InterruptedException {
            readResults();
            List<Client> all = new ArrayList<>(clients);
            // The caller's messages wait for the disk.
            if (!holding) {
                all.add(caller);
            }
            for (Client client : all) {
                for (int set : client.queries.keySet()) {
                    String query = client.queries.get(set);
                    // Procedures run beside this thread: what is there may change between two looks.
                    Await.until("the cache of " + query, () -> {
                        Map<String, Integer> rows = answer(SOURCES.getOrDefault(query, query));
                        if (client == caller) {
                            readResults();
                        } else {
                            client.read();
                        }
                        return rows.equals(client.cache.get(set));
                    });
                }
            }
            Map<ConnectionId, String> visits = new LinkedHashMap<>();
            for (Timers.Visit visit : real.visits()) {
                visits.merge(visit.connection().orElseThrow(), visit.what(), (a, b) -> a + ", " + b);
            }
            Set<ConnectionId> here = new TreeSet<>(Comparator.comparing(ConnectionId::toString));
            clients.forEach(c -> here.add(c.info.connection()));
            here.add(caller.info.connection());
            visits.forEach((id, what) -> assertEquals(here.contains(id) ? "came" : "came, went", what));
            assertTrue(real.database.failure().isEmpty(), () -> "stopped: " + real.database.failure());
        }

        private Map<String, Integer> answer(String query) {
            RowBuffer rows = real.database.sql(real.owner(), query).result().rows();
            Map<String, Integer> counts = new LinkedHashMap<>();
            for (int i = 0; i < rows.count(); i++) {
                counts.merge(hex(rows.row(i)), 1, Integer::sum);
            }
            return counts;
        }

        @Override
        public void close() {
            real.close();
        }
    }
}
