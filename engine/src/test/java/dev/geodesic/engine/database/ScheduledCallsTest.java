package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.Timers.HOUR;
import static dev.geodesic.engine.database.Timers.SECOND;
import static dev.geodesic.engine.database.Timers.interval;
import static dev.geodesic.engine.database.Timers.time;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scheduled reducers of a real module, on a clock of the test. */
class ScheduledCallsTest {

    @TempDir
    private Path data;

    private final ManualTimer timer = Timers.now();

    private Timers open() {
        return new Timers(data, LogFactory.MEMORY, timer);
    }

    @Test
    @Proves("execution.md 3.1")
    @Proves("execution.md 5.1")
    void rowsOfInitAreArmed() {
        try (Timers t = open()) {
            long start = timer.nowMicros();
            assertEquals(List.of("once, from init"), t.runs().stream().map(Timers.Run::text).toList());
            assertEquals(List.of("hourly, from init"), t.jobs().stream().map(Timers.Job::text).toList());
            t.pass(HOUR - 1);
            assertEquals(1, t.runs().size());
            t.pass(2 * HOUR + 1);
            assertEquals(List.of(start, start + HOUR, start + 2 * HOUR, start + 3 * HOUR),
                    t.runs().stream().map(Timers.Run::at).toList());
        }
    }

    @Test
    @Proves("execution.md 2.3")
    @Proves("execution.md 5.2")
    void theDatabaseCallsWithTheRow() {
        try (Timers t = open()) {
            long due = timer.nowMicros() + 5 * SECOND;
            t.arm(time(due), "", "later");
            t.pass(5 * SECOND - 1);
            assertEquals(List.of(), t.ran());
            assertEquals(List.of("later"), t.jobTexts());
            t.pass(1);
            Timers.Run run = t.runs().getLast();
            assertEquals("later", run.text());
            assertEquals(due, run.at());
            assertEquals(t.database.identity(), run.sender());
            assertEquals(Optional.empty(), run.connection());
            assertTrue(run.rowIsThere(), "the row is still there while its call runs");
            assertEquals(List.of(), t.jobTexts());
        }
    }

    @Test
    @Proves("execution.md 2.3")
    void aLateCallHasTheTimeOfNow() {
        try (Timers t = open()) {
            t.arm(time(timer.nowMicros() - HOUR), "", "late");
            assertEquals(timer.nowMicros(), t.runs().getLast().at());
            assertEquals("late", t.runs().getLast().text());
        }
    }

    @Test
    @Proves("execution.md 5.2")
    void aOneShotRowGoesWhateverBecomesOfItsCall() throws Exception {
        try (Timers t = new Timers(data, Timers.callMillisMax(300), LogFactory.MEMORY, timer)) {
            for (String action : List.of("", "fail", "panic", "spin", "delete", "once", "again")) {
                t.arm(time(timer.nowMicros() + SECOND), action, action + " job");
                t.pass(SECOND);
            }
            assertEquals(List.of("armed by a job"), t.jobTexts(), "all are gone, also the one that moved itself");
            assertEquals(List.of(" job", "delete job", "once job", "again job"), t.ran());
            t.pass(2 * HOUR);
            assertEquals(List.of(" job", "delete job", "once job", "again job", "armed by a job"), t.ran());
            String log = String.join("\n", t.database.log().tail(1000));
            assertTrue(log.contains("the job fails"), log);
            assertTrue(log.contains("the job panics"), log);
        }
    }

    @Test
    @Proves("execution.md 5.4")
    void anIntervalGoesOnWhateverBecomesOfItsCalls() {
        try (Timers t = open()) {
            long start = timer.nowMicros();
            t.arm(interval(10 * SECOND), "fail", "fails");
            t.arm(interval(-10 * SECOND), "", "runs");
            t.arm(interval(7 * SECOND), "every second", "quickens");
            t.pass(20 * SECOND);
            assertEquals(3, t.jobTexts().size());
            assertEquals(List.of(start + 10 * SECOND, start + 20 * SECOND),
                    t.runs().stream().filter(r -> r.text().equals("runs")).map(Timers.Run::at).toList());
            List<Long> quick = new ArrayList<>();
            for (int s = 7; s <= 20; s++) {
                quick.add(start + s * SECOND);
            }
            assertEquals(quick, t.runs().stream().filter(r -> r.text().equals("quickens")).map(Timers.Run::at).toList(),
                    "what a call changes holds for the next tick");
        }
    }

    @Test
    @Proves("execution.md 5.4")
    void missedTicksAreSkipped() {
        try (Timers t = open()) {
            long start = timer.nowMicros();
            t.arm(interval(10 * SECOND), "", "ticks");
            timer.set(start + 35 * SECOND);
            t.pass(15 * SECOND);
            // The first one is late: whoever slept till then does so for ten more seconds.
            assertEquals(List.of(start + 45 * SECOND, start + 50 * SECOND), t.runs().stream()
                    .filter(r -> r.text().equals("ticks")).map(Timers.Run::at).toList());
        }
    }

    @Test
    @Proves("execution.md 5.1")
    void rowsCanBeMovedAndTakenAway() {
        try (Timers t = open()) {
            long now = timer.nowMicros();
            t.arm(time(now + 10 * SECOND), "", "moved");
            t.arm(time(now + 10 * SECOND), "", "taken away");
            t.arm(interval(10 * SECOND), "", "made once");
            t.test.commit(t.database, "rearm", "[" + t.job("moved").id() + "," + time(now + 20 * SECOND) + "]");
            t.test.commit(t.database, "rearm", "[" + t.job("made once").id() + "," + time(now + 15 * SECOND) + "]");
            t.test.commit(t.database, "disarm", "[" + t.job("taken away").id() + "]");
            assertInstanceOf(CallResult.Failed.class, t.test.call(t.database, "arm_and_fail", "[" + time(now + SECOND) + "]"));
            t.pass(14 * SECOND);
            assertEquals(List.of(), t.ran());
            t.pass(60 * SECOND);
            assertEquals(List.of("made once", "moved"), t.ran());
            assertEquals(List.of(), t.jobTexts());
        }
    }

    /** Friendlier than the rule of the specification, by which SQL takes effect at the next start. */
    @Test
    @Proves("execution.md 5.1")
    void sqlArmsToo() {
        try (Timers t = open()) {
            t.arm(interval(10 * SECOND), "", "sql");
            t.arm(time(timer.nowMicros() + 10 * SECOND), "", "gone");
            t.pass(5 * SECOND);
            t.database.sql(TestServer.client(t.test.owner), "UPDATE job SET text = 'from sql' WHERE text = 'sql'");
            t.database.sql(TestServer.client(t.test.owner), "DELETE FROM job WHERE text = 'gone'");
            t.pass(9 * SECOND);
            assertEquals(List.of(), t.ran());
            t.pass(SECOND);
            assertEquals(List.of("from sql"), t.ran());
        }
    }

    @Test
    @Proves("execution.md 5.1")
    @Proves("module-abi.md 5.6")
    void aCallThatSchedulesBeyondTheHorizonFails() {
        try (Timers t = open()) {
            long horizon = ((1L << 36) - 1) * 1000;
            for (String at : List.of(interval(horizon), interval(-horizon), time(timer.nowMicros() + horizon + SECOND))) {
                assertInstanceOf(
                        CallResult.Trapped.class, t.test.call(t.database, "arm", "[" + at + ",\"\",\"too far\"]"));
            }
            assertEquals(List.of(), t.jobTexts());
            t.arm(interval(horizon - 1), "", "just");
            t.arm(time(timer.nowMicros() + horizon - 2 * HOUR), "", "just");
            assertInstanceOf(CallResult.Trapped.class,
                    t.test.call(t.database, "rearm", "[" + t.job("just").id() + "," + interval(horizon) + "]"));
            t.pass(HOUR);
            assertEquals(List.of(), t.ran());
        }
    }

    /** Calls of clients go on beside a row that is always due. */
    @Test
    @Proves("execution.md 5.4")
    void anIntervalOfZeroStarvesNobody() throws Exception {
        try (Timers t = open()) {
            Database other = t.test.create("other", Timers.MODULE);
            t.test.commit(t.database, "arm", "[" + interval(0) + ",\"\",\"always\"]");
            for (int i = 0; i < 20; i++) {
                t.test.commit(t.database, "feel", "[\"mood " + i + "\"]");
                t.test.commit(other, "feel", "[\"mood " + i + "\"]");
            }
            Await.until("it runs", () -> t.test.count(t.database, "SELECT * FROM run") > 50);
            t.test.commit(t.database, "disarm_all", "[]");
            t.settle();
            int runs = t.runs().size();
            t.settle();
            assertEquals(runs, t.runs().size());
        }
    }

    // ---- what subscribers see ----

    /** Insert of the row, effect of the call, delete of the row: one update each. */
    @Test
    @Proves("execution.md 5.2")
    @Proves("execution.md 4")
    void subscribersSeeTheCallAndThenTheDelete() throws Exception {
        try (Timers t = open()) {
            for (ConnectionOptions options : List.of(TestServer.V1, TestServer.V2)) {
                TestServer.Inbox inbox = new TestServer.Inbox();
                ClientConnection connection =
                        t.database.connect(TestServer.client(t.test.other), options, inbox, "token");
                inbox.next(ServerMessage.InitialConnection.class);
                SubscriptionKind kind = options.v1() ? SubscriptionKind.MULTI : SubscriptionKind.SET;
                connection.submit(new ClientMessage.Subscribe(
                        kind, 1, 7, List.of("SELECT * FROM job", "SELECT * FROM run")), 10);
                inbox.next(ServerMessage.SubscribeApplied.class);
                for (String action : List.of("", "fail", "panic")) {
                    t.arm(time(timer.nowMicros() + SECOND), action, "watched");
                    assertEquals("job +1 -0", next(inbox));
                    t.pass(SECOND);
                    if (action.isEmpty()) {
                        assertEquals("run +1 -0", next(inbox));
                    }
                    assertEquals("job +0 -1", next(inbox));
                    assertTrue(inbox.messages.isEmpty());
                }
                connection.disconnect();
            }
        }
    }

    private static String next(TestServer.Inbox inbox) throws InterruptedException {
        ServerMessage.TransactionUpdate update = inbox.next(ServerMessage.TransactionUpdate.class);
        assertEquals(1, update.querySets().size());
        List<TableUpdate> tables = update.querySets().getFirst().tables();
        assertEquals(1, tables.size());
        Fragment fragment = tables.getFirst().fragments().getFirst();
        return tables.getFirst().tableName() + " +" + fragment.inserts().count() + " -" + fragment.deletes().count();
    }

    // ---- restarts ----

    @Test
    @Proves("execution.md 10")
    @Proves("execution.md 5.1")
    @Proves("durability.md 9.3")
    void aStartArmsWhatIsStored() {
        TapeLogs logs = new TapeLogs();
        long start = timer.nowMicros();
        try (Timers t = new Timers(data, logs, timer)) {
            t.arm(time(start + 10 * SECOND), "", "missed");
            t.arm(time(start + 100 * SECOND), "", "to come");
            t.arm(interval(7 * SECOND), "", "ticks");
            t.pass(5 * SECOND);
            assertEquals(List.of(), t.ran());
        }
        int pending = timer.pending();
        timer.advance(45 * SECOND);
        assertEquals(0, pending, "nobody waits for a database that is closed");
        try (Timers t = new Timers(data, logs, timer)) {
            assertEquals(List.of("missed"), t.ran());
            assertEquals(start + 50 * SECOND, t.runs().getLast().at());
            t.pass(50 * SECOND);
            assertEquals(List.of(start + 57 * SECOND, start + 64 * SECOND, start + 71 * SECOND, start + 78 * SECOND,
                    start + 85 * SECOND, start + 92 * SECOND, start + 99 * SECOND), t.runs().stream()
                            .filter(r -> r.text().equals("ticks")).map(Timers.Run::at).toList(), "the old phase is lost");
            assertEquals(start + 100 * SECOND, t.runs().getLast().at());
            assertEquals("to come", t.runs().getLast().text());
            assertEquals(List.of("ticks"), t.jobTexts());
        }
    }

    /** A crash after any transaction: what was armed is called at least once, and its row goes in the end. */
    @Test
    @Proves("execution.md 5.2")
    @Proves("durability.md 9.3")
    void aCrashAnywhereRepeatsACallAtMost() {
        TapeLogs logs = new TapeLogs();
        int before;
        int armed;
        try (Timers t = new Timers(data, logs, timer)) {
            before = logs.length();
            t.arm(time(timer.nowMicros() + SECOND), "", "the call");
            armed = transaction(logs, before, "the call") + 1;
            t.pass(SECOND);
            assertEquals(List.of("the call"), t.ran());
        }
        int called = transaction(logs, armed, "the call") + 1;
        int deleted = transaction(logs, called, "the call") + 1;
        assertEquals(called + 1, deleted, "call and delete are two transactions, one behind the other");
        for (int crash = before; crash <= logs.length(); crash++) {
            try (Timers t = new Timers(data, logs.crashedAt(crash), timer)) {
                int calls = crash < armed ? 0 : crash == called ? 2 : 1;
                assertEquals(calls, t.ran().size(), "calls after a crash at " + crash);
                assertEquals(List.of(), t.jobTexts(), "rows after a crash at " + crash);
            }
        }
    }

    private static int transaction(TapeLogs logs, int from, String text) {
        for (int i = from; i < logs.length(); i++) {
            if (logs.mentions(i, text)) {
                return i;
            }
        }
        throw new AssertionError("no transaction with " + text);
    }

    // ---- other programs ----

    @Test
    @Proves("execution.md 8.3")
    @Proves("execution.md 5.1")
    void anotherProgramTakesOver() {
        try (Timers t = open()) {
            long start = timer.nowMicros();
            t.arm(interval(10 * SECOND), "", "ticks");
            t.arm(time(start + 15 * SECOND), "", "once");
            t.pass(5 * SECOND);
            assertFalse(t.test.publish("timers", withComment(Timers.MODULE), false).created());
            t.settle();
            t.pass(30 * SECOND);
            assertEquals(List.of(start + 15 * SECOND, start + 25 * SECOND, start + 35 * SECOND), t.runs().stream()
                    .filter(r -> r.text().equals("ticks")).map(Timers.Run::at).toList(), "intervals begin anew");
            assertEquals(List.of(start + 15 * SECOND),
                    t.runs().stream().filter(r -> r.text().equals("once")).map(Timers.Run::at).toList());
        }
    }

    /** The same program with another hash: a custom section more. */
    static byte[] withComment(byte[] wasm) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(wasm);
        out.writeBytes(new byte[] {0, 3, 1, 'x', wasm[wasm.length - 1]});
        return out.toByteArray();
    }

    @Test
    @Proves("execution.md 5.5")
    void aDatabaseThatIsClearedForgetsItsRows() {
        try (Timers t = open()) {
            t.arm(time(timer.nowMicros() + SECOND), "", "of the old database");
            t.test.publish("timers", Timers.MODULE, true);
            Database fresh = t.test.server.databases().getFirst();
            timer.advance(2 * SECOND);
            for (int i = 0; i < 20; i++) {
                Database.join(fresh.committedOffset());
            }
            assertEquals(1, t.test.count(fresh, "SELECT * FROM run"));
            t.test.server.delete(fresh.identity(), t.test.ownerIdentity());
            assertEquals(0, timer.pending());
        }
    }

    @Test
    void realTimePasses() throws Exception {
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, LogFactory.MEMORY)) {
            Database database = test.create("timers", Timers.MODULE);
            test.commit(database, "arm", "[" + interval(20_000) + ",\"\",\"ticks\"]");
            Await.until("ticks", () -> test.count(database, "SELECT * FROM run WHERE text = 'ticks'") >= 5);
        }
    }
}
