package dev.geodesic.engine.database;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.engine.schedule.Scheduler;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/** A database that runs {@code samples/modules/timers} on a clock of the test, and what its tables say. */
final class Timers implements AutoCloseable {

    static final long SECOND = 1_000_000;
    static final long HOUR = 3600 * SECOND;
    static final byte[] MODULE = TestServer.read("../samples/modules/timers/timers.wasm");

    private static final Logger LATE = Logger.getLogger(Scheduler.class.getName());

    final TestServer test;
    final Database database;
    final ManualTimer timer;

    /** Creates the database, or opens it again. */
    Timers(Path data, LogFactory logs, ManualTimer timer) {
        this(data, Limits.DEFAULTS, logs, timer);
    }

    Timers(Path data, Limits limits, LogFactory logs, ManualTimer timer) {
        this(data, limits, logs, timer, MODULE);
    }

    Timers(Path data, LogFactory logs, ManualTimer timer, byte[] module) {
        this(data, Limits.DEFAULTS, logs, timer, module);
    }

    private Timers(Path data, Limits limits, LogFactory logs, ManualTimer timer, byte[] module) {
        this(data, limits, logs, HeapStores::new, timer, module, ProcedureOptions.DEFAULTS);
    }

    Timers(
            Path data, Limits limits, LogFactory logs, Supplier<TableStores> stores, ManualTimer timer, byte[] module,
            ProcedureOptions procedures) {
        this.timer = timer;
        this.test = new TestServer(data, limits, logs, stores, timer, procedures);
        Database found;
        if (test.server.databases().isEmpty()) {
            found = test.create("timers", module);
        } else {
            found = test.server.databases().getFirst();
        }
        database = found;
        settle();
    }

    /** A clock that is always ahead of that of the calls of clients, which is real. */
    static ManualTimer now() {
        LATE.setLevel(Level.OFF);
        return new ManualTimer((Instant.now().getEpochSecond() + 3600) * SECOND);
    }

    /** Limits with another length of calls. */
    static Limits callMillisMax(long millis) {
        Limits d = Limits.DEFAULTS;
        return new Limits(
                d.memoryBytesMax(), millis, d.rowBytesMax(), d.transactionRowsMax(), d.transactionBytesMax(),
                d.handlesMax(), d.logLineBytesMax(), d.logLinesPerSecondMax(), d.queueMessagesMax(), d.queueBytesMax(),
                d.messageBytesMax(), d.moduleBytesMax(), d.subscriptionQueriesMax(), d.queryTablesMax(), d.queryNodesMax(),
                d.queryTextBytesMax(), d.databasesMax(), d.connectionsMax(), d.calls(), d.reads());
    }

    /** Waits until everything that is due has been called. */
    void settle() {
        // A call that ends may start the next one behind what waits.
        for (int i = 0; i < 30; i++) {
            Database.join(database.committedOffset());
        }
    }

    /** Time goes on, and what is due is called at its time. */
    void pass(long micros) {
        long end = timer.nowMicros() + micros;
        while (timer.next() <= end) {
            timer.advanceTo(timer.next());
            settle();
        }
        timer.advanceTo(end);
        settle();
    }

    static String time(long micros) {
        return "{\"Time\":{\"__timestamp_micros_since_unix_epoch__\":" + micros + "}}";
    }

    static String interval(long micros) {
        return "{\"Interval\":{\"__time_duration_micros__\":" + micros + "}}";
    }

    void arm(String at, String action, String text) {
        test.commit(database, "arm", "[" + at + ",\"" + action + "\",\"" + text + "\"]");
        settle();
    }

    /** One row of table {@code run}. */
    record Run(long id, long job, String text, long at, Identity sender, Optional<ConnectionId> connection, boolean rowIsThere) {
    }

    /** One row of table {@code job}. */
    record Job(long id, boolean interval, long micros, String action, String text) {
    }

    /** One row of table {@code visit}. */
    record Visit(long id, String what, Identity who, Optional<ConnectionId> connection, Optional<String> jwt) {
    }

    List<Run> runs() {
        return rows("SELECT * FROM run", in -> new Run(in.readU64(), in.readU64(), in.readString(), in.readU64(),
                in.readIdentity(), option(in), in.readBool()), Comparator.comparingLong(Run::id));
    }

    /** Texts of the jobs that were called, in order, without those of {@code init}. */
    List<String> ran() {
        return runs().stream().map(Run::text).filter(t -> !t.contains("from init")).toList();
    }

    List<Job> jobs() {
        return rows("SELECT * FROM job", Timers::job, Comparator.comparingLong(Job::id));
    }

    static Job job(BsatnReader in) {
        return new Job(in.readU64(), in.readU8() == 0, in.readU64(), in.readString(), in.readString());
    }

    /** Without those of {@code init}. */
    List<String> jobTexts() {
        return jobs().stream().map(Job::text).filter(t -> !t.contains("from init")).toList();
    }

    Job job(String text) {
        return jobs().stream().filter(j -> j.text().equals(text)).findFirst().orElseThrow();
    }

    /** Without those that this reading makes. */
    List<Visit> visits() {
        List<Visit> visits = rows("SELECT * FROM visit", in -> new Visit(in.readU64(), in.readString(), in.readIdentity(),
                option(in), in.readU8() == 0 ? Optional.of(in.readString()) : Optional.empty()),
                Comparator.comparingLong(Visit::id));
        return visits.stream()
                .filter(v -> !v.who().equals(test.ownerIdentity()) && !v.who().equals(database.owner()))
                .toList();
    }

    private static Optional<ConnectionId> option(BsatnReader in) {
        return in.readU8() == 0 ? Optional.of(in.readConnectionId()) : Optional.empty();
    }

    /** A new request of whoever published the database, perhaps in an earlier life. */
    ClientInfo owner() {
        ClientInfo somebody = TestServer.client(test.owner);
        return new ClientInfo(database.owner(), somebody.connection(), somebody.jwtPayload());
    }

    int count(String sql) {
        return database.sql(owner(), sql).result().rows().count();
    }

    private <T> List<T> rows(String sql, Function<BsatnReader, T> read, Comparator<T> order) {
        RowBuffer rows = database.sql(owner(), sql).result().rows();
        List<T> list = new ArrayList<>();
        for (int i = 0; i < rows.count(); i++) {
            list.add(read.apply(new BsatnReader(rows.row(i))));
        }
        list.sort(order);
        return list;
    }

    @Override
    public void close() {
        test.close();
    }
}
