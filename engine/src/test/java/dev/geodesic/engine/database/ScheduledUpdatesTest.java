package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.Timers.SECOND;
import static dev.geodesic.engine.database.Timers.interval;
import static dev.geodesic.engine.database.Timers.time;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Scheduled procedures, and what clients see of scheduled rows in the table, in a view over it and in a join with it. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ScheduledUpdatesTest {

    private static final byte[] MODULE = TestServer.read("../samples/modules/timers/timers_all.wasm");

    @TempDir
    private Path data;

    private final ManualTimer timer = Timers.now();

    private Timers open() {
        return open(LogFactory.MEMORY);
    }

    private Timers open(LogFactory logs) {
        return new Timers(data, logs, timer, MODULE);
    }

    private void send(Timers t, String at, String action, String text) {
        t.test.commit(t.database, "send", "[" + at + ",\"" + action + "\",\"" + text + "\"]");
        t.settle();
    }

    private static int errands(Timers t) {
        return t.count("SELECT * FROM errand");
    }

    // ---- what subscribers see ----

    /** One update when the row comes and one when it goes, each with all three. */
    @ParameterizedTest
    @CsvSource({"job, arm, ''", "job, arm, fail", "job, arm, panic", "errand, send, ''", "errand, send, panic"})
    @Proves("execution.md 5.2")
    @Proves("execution.md 5.3")
    @Proves("execution.md 6.3")
    void tableViewAndJoinChangeInOneUpdate(String table, String arm, String action) throws Exception {
        try (Timers t = open()) {
            t.test.commit(t.database, "open_slots", "[200]");
            TestServer.Inbox inbox = new TestServer.Inbox();
            ClientConnection connection = t.database.connect(TestServer.client(t.test.other), TestServer.V2, inbox, "token");
            inbox.next(ServerMessage.InitialConnection.class);
            List<String> queries = List.of("SELECT * FROM " + table + " WHERE text = 'seen'", "SELECT * FROM seen_" + table + "s",
                    "SELECT slot.* FROM slot JOIN " + table + " ON slot.id = " + table + ".scheduled_id WHERE " + table
                            + ".text = 'seen'");
            for (int i = 0; i < queries.size(); i++) {
                connection.submit(new ClientMessage.Subscribe(SubscriptionKind.SET, i, i, List.of(queries.get(i))), 10);
                inbox.next(ServerMessage.SubscribeApplied.class);
            }
            Set<String> names = Set.of(table, "seen_" + table + "s", "slot");
            for (int round = 0; round < 2; round++) {
                t.test.commit(t.database, arm, "[" + time(timer.nowMicros() + SECOND) + ",\"" + action + "\",\"seen\"]");
                assertEquals(changes(names, "+1 -0"), next(inbox));
                t.pass(SECOND);
                assertEquals(changes(names, "+0 -1"), next(inbox));
                t.settle();
                assertTrue(inbox.messages.isEmpty(), () -> "more: " + inbox.messages);
            }
        }
    }

    private static Set<String> changes(Set<String> tables, String change) {
        Set<String> changes = new TreeSet<>();
        tables.forEach(t -> changes.add(t + " " + change));
        return changes;
    }

    private static Set<String> next(TestServer.Inbox inbox) throws InterruptedException {
        Set<String> changes = new TreeSet<>();
        inbox.next(ServerMessage.TransactionUpdate.class).querySets().forEach(set -> {
            for (TableUpdate table : set.tables()) {
                int inserts = table.fragments().stream().mapToInt(f -> f.inserts().count()).sum();
                int deletes = table.fragments().stream().mapToInt(f -> f.deletes().count()).sum();
                assertTrue(changes.add(table.tableName() + " +" + inserts + " -" + deletes), "twice: " + table.tableName());
            }
        });
        return changes;
    }

    // ---- procedures ----

    private static void awaitRuns(Timers t, int count) throws InterruptedException {
        Await.until(count + " runs", () -> t.runs().stream().filter(r -> !r.text().contains("init")).count() >= count);
        t.settle();
    }

    @Test
    @Proves("execution.md 2.3")
    @Proves("execution.md 5.3")
    void aProcedureIsCalledWithTheRowThatIsGone() throws Exception {
        try (Timers t = open()) {
            long due = timer.nowMicros() + 5 * SECOND;
            send(t, time(due), "", "errand");
            t.pass(5 * SECOND - 1);
            assertEquals(1, errands(t));
            t.pass(1);
            assertEquals(0, errands(t));
            awaitRuns(t, 1);
            Timers.Run run = t.runs().getLast();
            assertEquals("errand", run.text());
            assertEquals(due, run.at());
            assertEquals(t.database.identity(), run.sender());
            assertTrue(run.connection().isEmpty());
            assertFalse(run.rowIsThere(), "the row went before the call");
        }
    }

    @Test
    @Proves("execution.md 5.3")
    @Proves("execution.md 5.4")
    void anIntervalOfAProcedureGoesOn() throws Exception {
        try (Timers t = open()) {
            long start = timer.nowMicros();
            send(t, interval(10 * SECOND), "", "ticks");
            for (int i = 1; i <= 3; i++) {
                t.pass(10 * SECOND);
                awaitRuns(t, i);
            }
            assertEquals(1, errands(t));
            assertEquals(List.of(start + 10 * SECOND, start + 20 * SECOND, start + 30 * SECOND),
                    t.runs().stream().filter(r -> r.text().equals("ticks")).map(Timers.Run::at).toList());
        }
    }

    @Test
    @Proves("execution.md 5.3")
    void aFailingProcedureIsNotCalledAgain() throws Exception {
        try (Timers t = open()) {
            send(t, time(timer.nowMicros() + SECOND), "panic", "panics");
            send(t, time(timer.nowMicros() + 2 * SECOND), "", "behind it");
            t.pass(2 * SECOND);
            awaitRuns(t, 1);
            t.pass(SECOND);
            assertEquals(0, errands(t));
            assertEquals(List.of("behind it"), t.ran());
            assertTrue(String.join("\n", t.database.log().tail(1000)).contains("the errand panics"));
        }
    }

    /** It sleeps in real time; nothing else is called meanwhile, but the database answers. */
    @Test
    @Proves("execution.md 5.5")
    void aLongProcedureDelaysOtherSchedulesOnly() throws Exception {
        ManualTimer near = new ManualTimer(Database.now());
        try (Timers t = new Timers(data, LogFactory.MEMORY, near, MODULE)) {
            // It wakes 300 ms after its timestamp.
            long due = Database.now() + SECOND;
            send(t, time(due), "sleep", "sleeps");
            t.arm(time(due + 1), "", "waits");
            t.pass(due + SECOND - near.nowMicros());
            assertEquals(List.of(), t.ran());
            t.test.commit(t.database, "feel", "[\"fine\"]");
            assertEquals(List.of(), t.ran());
            awaitRuns(t, 2);
            assertEquals(List.of("sleeps", "waits"), t.ran());
        }
    }

    /** Its row is gone already, so the call must not be given up. */
    @Test
    @Proves("execution.md 5.3")
    void aProcedureWaitsForRoomAmongOthers() throws Exception {
        ManualTimer near = new ManualTimer(Database.now());
        ProcedureOptions narrow = new ProcedureOptions(1, 1, ProcedureOptions.DEFAULTS.egress());
        try (Timers t = new Timers(data, Limits.DEFAULTS, LogFactory.MEMORY, HeapStores::new, near, MODULE, narrow)) {
            // One that runs and one that waits; who comes before the first has begun is refused.
            int accepted = 0;
            while (accepted < 2) {
                CompletableFuture<CallAnswer> other = t.database.callFunction(t.owner(), "run_errand",
                        new Arguments.Json("[[0," + time(0) + ",\"sleep\",\"other\"]]"));
                t.settle();
                accepted += other.isCompletedExceptionally() ? 0 : 1;
            }
            send(t, time(near.nowMicros()), "", "waits for room");
            assertEquals(0, errands(t));
            assertFalse(t.ran().contains("waits for room"));
            Await.until("it is called", () -> {
                near.advance(100_000);
                return t.ran().contains("waits for room");
            });
            assertEquals(List.of("other", "other", "waits for room"), t.ran());
        }
    }

    /** A crash after any transaction: a procedure is called once at most, and its row goes in the end. */
    @Test
    @Proves("execution.md 5.3")
    @Proves("durability.md 9.3")
    void aCrashAnywhereLosesACallAtMost() throws Exception {
        TapeLogs logs = new TapeLogs();
        int before;
        int armed;
        try (Timers t = open(logs)) {
            before = logs.length();
            send(t, time(timer.nowMicros() + SECOND), "", "the call");
            armed = transaction(logs, before) + 1;
            t.pass(SECOND);
            awaitRuns(t, 1);
        }
        int deleted = transaction(logs, armed) + 1;
        int called = transaction(logs, deleted) + 1;
        for (int crash = before; crash <= logs.length(); crash++) {
            try (Timers t = open(logs.crashedAt(crash))) {
                boolean lost = crash >= deleted && crash < called;
                if (crash >= armed && crash < deleted) {
                    awaitRuns(t, 1);
                }
                assertEquals(crash < armed || lost ? 0 : 1, t.ran().size(), "calls after a crash at " + crash);
                assertEquals(0, errands(t), "rows after a crash at " + crash);
            }
        }
    }

    private static int transaction(TapeLogs logs, int from) {
        for (int i = from; i < logs.length(); i++) {
            if (logs.mentions(i, "the call")) {
                return i;
            }
        }
        throw new AssertionError("no transaction with the call");
    }
}
