package dev.geodesic.engine.simulation;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Inside;
import dev.geodesic.engine.database.PublishRequest;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.engine.simulation.Model.Commit;
import dev.geodesic.engine.simulation.Model.Query;
import dev.geodesic.engine.simulation.Model.State;
import dev.geodesic.engine.simulation.Model.Table;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.ProductType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * One server with one database, driven through a list of events on a clock and a disk that the events control, and a
 * {@link Model} that foretells every message, every row and every transaction offset.
 *
 * <p>How deterministic it is: one event happens at a time, and the next one only when the writer, the scheduler, the
 * procedures and the log have nothing to do; what the log may write is handed to it in portions that an event chooses. Thus
 * the engine's threads run one after the other, and the events alone decide what is committed, in which order, in which group
 * it is written and which operation of the disk fails. Not decided by the events, and not observed either, are identities of
 * databases, durations, and how long anything takes.
 *
 * <p>Each event draws its choices from a seed of its own, so that a list without some of its events still means something.
 */
final class Simulation implements AutoCloseable {

    static final Identity[] PEOPLE = {Template.OWNER, new Identity(2, 2, 2, 2), new Identity(3, 3, 3, 3)};
    private static final Compression[] COMPRESSIONS = {Compression.NONE, Compression.GZIP};
    private static final int CLIENTS_MAX = 4;

    private final Template template;
    private final Supplier<TableStores> stores;
    private final long segmentBytes;
    private final int keptSnapshots;
    /** After so many, one is due. */
    private final long snapshotTransactions;
    private final UnaryOperator<LogFactory> sabotage;
    private final Random salts;
    final ManualTimer timer = new ManualTimer(Template.START);
    final Model model;
    final Workload workload;
    final CallEvents calls = new CallEvents(this);
    final QueryEvents queries = new QueryEvents(this);
    final DiskEvents disks = new DiskEvents(this);
    private final Archive archive = new Archive(this);
    final List<SimulatedClient> clients = new ArrayList<>();
    SimulatedDisk disk;
    SteppedLogs logs;
    SteppedSnapshots snapshots;
    Server server;
    Database database;
    SimulatedClient watcher;
    private Map<String, ProductType> rowTypes = Map.of();
    private long connections;
    /** What the events did, a line each. */
    private final List<String> stories = new ArrayList<>();
    String story = "";

    /** @param sabotage put around the log to show that the simulation notices */
    Simulation(Template template, long seed, UnaryOperator<LogFactory> sabotage) throws Exception {
        this.template = template;
        this.sabotage = sabotage;
        Random random = new Random(seed);
        this.stores = random.nextInt(32) == 0 ? ChronicleStores::new : HeapStores::new;
        this.segmentBytes = 300 + random.nextInt(20_000);
        this.keptSnapshots = 1 + random.nextInt(2);
        this.snapshotTransactions = random.nextBoolean() ? 1L << 40 : 3 + random.nextInt(20);
        this.salts = new Random(random.nextLong());
        this.disk = new SimulatedDisk(template.disk(new Random(random.nextLong())));
        this.model = new Model(template.offset(), Template.START);
        this.workload = new Workload(model);
        model.onScheduled(commit -> {
            story += " scheduled:" + commit.offset();
            tell(commit, null);
        });
        boolean running = false;
        try {
            start(template.offset(), template.offset());
            running = true;
        } finally {
            if (!running) {
                close();
            }
        }
    }

    // ---- starting and stopping ----

    /** @param from the state that is found may be this one, or a later one up to {@code to} */
    private void start(long from, long to) throws InterruptedException {
        logs = new SteppedLogs(sabotage.apply(new CommitLogs(new CommitLogOptions(
                segmentBytes, 16_384, 32 << 20, 0, CommitLogOptions.DEFAULTS.threads(), salts::nextLong), disk)));
        snapshots = new SteppedSnapshots();
        server = Inside.start(
                template.options(logs, disk, timer, stores).withSnapshots(new SnapshotOptions(
                        disk, snapshotTransactions, 1L << 40, new Retention(keptSnapshots, Duration.ZERO))),
                SharedRuntime.INSTANCE, SharedRuntime.KEYS, snapshots);
        begin(from, to);
    }

    /** The database is open, nobody is connected. */
    private void begin(long from, long to) throws InterruptedException {
        database = server.database(template.database());
        Inside.settle(database);
        long found = logs.database().recovered() - 1;
        story += " found:" + found;
        if (found < from || found > to) {
            throw new AssertionError("the state at " + found + " was found, but it must be one from " + from + " to " + to);
        }
        model.recover(found);
        disconnectLeftovers(model, logs.database());
        model.rearm();
        rowTypes = new HashMap<>();
        learnRowTypes();
        watcher = client(Subprotocol.V2, false, false, Compression.NONE, PEOPLE[0]);
        connect(watcher);
        Inside.settle(database);
        watchTables();
        compareTables(List.of(Table.values()), true);
    }

    /** In the order in which the server did it, which is nobody's promise. */
    static void disconnectLeftovers(Model model, SteppedLogs.Stepped log) {
        List<ConnectionId> left = new ArrayList<>(model.last().clients().keySet());
        List<byte[]> records = log.records();
        for (int i = 0; !left.isEmpty(); i++) {
            if (i >= records.size()) {
                throw new AssertionError("not disconnected: " + left);
            }
            byte[] record = records.get(i);
            ConnectionId gone = left.stream().filter(id -> CallEvents.names(record, id)).findFirst()
                    .orElseThrow(() -> new AssertionError("not disconnected: " + left));
            left.remove(gone);
            model.transact(s -> model.disconnect(s, gone));
        }
    }

    /** The database was set back to a state of some past, the server goes on. */
    void setBack(List<State> past, long offset) throws InterruptedException {
        requireClosed();
        clients.clear();
        model.restore(past, offset);
        begin(offset, offset);
    }

    void requireClosed() {
        clients.forEach(c -> {
            if (c.closed() == null) {
                throw new AssertionError(c + " was not closed");
            }
        });
    }

    /** Adds to what is told of the event. */
    void tell(String more) {
        story += more;
    }

    private SimulatedClient client(
            Subprotocol protocol, boolean light, boolean confirmed, Compression compression, Identity who) {
        return new SimulatedClient(
                protocol, light, confirmed, compression, new ClientInfo(who, nextConnection(), "{}"), rowTypes);
    }

    /** Whose bytes nothing else contains. */
    ConnectionId nextConnection() {
        connections++;
        return new ConnectionId(connections, 0x7e57_7e57_0000_0000L + connections);
    }

    void connect(SimulatedClient client) {
        client.connect(database);
        Optional<Commit> commit = model.transact(s -> model.connect(s, client.info.connection(), client.info.identity()));
        tell(commit.orElseThrow(), null);
        clients.add(client);
        model.runDue();
    }

    private void watchTables() {
        for (Table table : Table.values()) {
            Query query = Model.QUERIES.get(table.ordinal());
            if (query.since() <= model.last().program() && !watcher.sets().contains(table.ordinal())) {
                watcher.subscribe(table.ordinal(), List.of(query));
                watcher.expectSubscribed(table.ordinal(), List.of(query), model.last(), model.offset());
            }
        }
    }

    /** Asks for all rows of some tables, and sees what everybody got. */
    private void compareTables(List<Table> tables, boolean clientsToo) throws InterruptedException {
        for (Table table : tables) {
            Query query = Model.QUERIES.get(table.ordinal());
            if (query.since() <= model.last().program()) {
                int request = watcher.nextRequest();
                watcher.send(watcher.oneOff(request, query.sql()));
                watcher.expect(SimulatedClient.answer(request, query, model.last()), model.offset());
            }
        }
        if (clientsToo) {
            compareConnections();
        }
        check();
    }

    private void compareConnections() {
        int request = watcher.nextRequest();
        watcher.send(watcher.oneOff(request, "SELECT * FROM st_client"));
        List<String> rows = new ArrayList<>();
        model.last().clients().forEach((id, who) -> {
            byte[] row = Arrays.copyOf(who.toLittleEndian(), Identity.BYTE_COUNT + ConnectionId.BYTE_COUNT);
            id.toLittleEndian(row, Identity.BYTE_COUNT);
            rows.add(" st_client+" + HexFormat.of().formatHex(row));
        });
        rows.sort(null);
        watcher.expect("answer " + (request & 0xff) + String.join("", rows), model.offset());
    }

    void restart(boolean powerLoss) throws InterruptedException {
        check();
        long durable = logs.database().announced();
        long passed = logs.database().passed();
        logs.database().abandon();
        disk.die();
        server.close();
        restartOn(disk.after(powerLoss), durable, passed);
    }

    void restartOn(SimulatedDisk found, long from, long to) throws InterruptedException {
        clients.clear();
        disk = found;
        long later = (long) (new Random(from + to).nextDouble() * 3 * Model.SECOND);
        timer.advance(later);
        model.recover(model.offset());
        model.pass(later);
        start(from, to);
    }

    private void stopAndRestart(boolean powerLoss) throws InterruptedException {
        logs.database().flow(true);
        server.close();
        long last = model.offset();
        restartOn(disk.after(powerLoss), last, last);
    }

    @Override
    public void close() {
        if (logs != null && logs.database() != null) {
            logs.database().abandon();
        }
        disk.die();
        if (server != null) {
            server.close();
        }
    }

    // ---- what holds ----

    /** What everybody must see of a transaction, the caller's own part aside. */
    void tell(Commit commit, SimulatedClient caller) {
        clients.stream().filter(c -> c != caller).forEach(c -> c.expectUpdate(commit));
    }

    void check() {
        settle();
        checkClients();
    }

    /** Waits until nothing moves any more, and sees that it went as far as the model. */
    void settle() {
        long offset = Inside.settle(database);
        if (database.failure().isPresent()) {
            throw new AssertionError("the database has stopped: " + database.failure().get(), database.failure().get());
        }
        if (offset != model.offset()) {
            throw new AssertionError("the last transaction is " + offset + " instead of " + model.offset());
        }
    }

    void checkClients() {
        long durable = logs.database().announced();
        if (durable != database.durableOffset()) {
            throw new AssertionError("durable " + database.durableOffset() + ", but announced " + durable);
        }
        clients.forEach(c -> c.check(durable, durable == model.offset()));
    }

    // ---- events ----

    /** Runs all events; an error names the one that was to blame. */
    void run(List<Event> events) throws InterruptedException {
        for (int i = 0; i < events.size(); i++) {
            story = "";
            try {
                step(events.get(i));
                stories.add(i + " " + events.get(i).kind() + story + " -> " + model.offset());
            } catch (AssertionError | RuntimeException e) {
                stories.add(i + " " + events.get(i).kind() + story);
                throw new Failure(i, String.join("\n", stories), e);
            }
        }
    }

    /** Why a simulation has failed. */
    static final class Failure extends AssertionError {

        private static final long serialVersionUID = 1;
        private final int event;

        Failure(int event, String what, Throwable cause) {
            super("event " + event + ": " + cause.getMessage() + "\n" + what, cause);
            this.event = event;
        }

        int event() {
            return event;
        }
    }

    private void step(Event event) throws InterruptedException {
        Random random = new Random(event.seed());
        State before = model.last();
        switch (event.kind()) {
            case CALL -> calls.call(random, pick(random));
            case BATCH -> calls.batch(random);
            case READ -> calls.readBesideWriter(random);
            case REQUEST -> calls.request(random);
            case PROCEDURE -> calls.procedure(random);
            case SUBSCRIBE -> queries.subscribe(random, pick(random));
            case UNSUBSCRIBE -> queries.unsubscribe(random, pick(random));
            case CONNECT -> {
                if (clients.size() <= CLIENTS_MAX) {
                    connect(client(
                            Subprotocol.values()[random.nextInt(4)], random.nextBoolean(), random.nextBoolean(),
                            COMPRESSIONS[random.nextInt(COMPRESSIONS.length)], PEOPLE[random.nextInt(PEOPLE.length)]));
                    queries.subscribe(random, clients.getLast());
                }
            }
            case DISCONNECT -> queries.disconnect(random);
            case QUERY -> queries.query(random, pick(random));
            case SQL -> queries.sql(random);
            case PASS -> pass(random.nextLong(4 * Model.SECOND));
            case SET_CLOCK -> {
                long micros = timer.nowMicros() + random.nextLong(20 * Model.SECOND) - 8 * Model.SECOND;
                story += " clock:" + (micros - timer.nowMicros());
                timer.set(micros);
                model.set(micros);
            }
            case FLUSH -> { }
            case FAULT -> disks.fault(random);
            case CRASH, POWER_LOSS -> disks.crash(random, event.kind() == Event.Kind.POWER_LOSS);
            case RESTART -> stopAndRestart(random.nextBoolean());
            case PUBLISH -> publish(random);
            case BAD_INPUT -> queries.badInput(random, pick(random));
            case COMPRESS -> disks.compress(random);
            case SNAPSHOT -> disks.snapshot(random);
            case BACKUP -> archive.takeBackup(random);
            case RESTORE -> archive.restore(random);
        }
        settle();
        List<Table> changed = new ArrayList<>();
        for (Table table : Table.values()) {
            if (!before.table(table).equals(model.last().table(table)) || random.nextInt(16) == 0) {
                changed.add(table);
            }
        }
        compareTables(changed, !before.clients().equals(model.last().clients()) || random.nextInt(16) == 0);
        if (event.kind() == Event.Kind.FLUSH || random.nextBoolean()) {
            disks.flush(random);
            checkClients();
        }
        if (snapshots.isDue() && random.nextInt(3) > 0) {
            story += " due";
            disks.takeSnapshots(random);
            check();
        }
    }

    SimulatedClient pick(Random random) {
        return clients.get(random.nextInt(clients.size()));
    }

    // ---- the program ----

    private void publish(Random random) {
        int program = model.last().program() == 0 ? 1 + random.nextInt(2) : 3 - model.last().program();
        story += " program " + program;
        server.publish(new PublishRequest(Optional.of(Template.NAME), PEOPLE[0], Template.PROGRAMS.get(program), false));
        tell(model.transact(s -> model.program(s, program)).orElseThrow(), null);
        Inside.settle(database);
        model.rearm();
        learnRowTypes();
        watchTables();
    }

    private void learnRowTypes() {
        database.tables(PEOPLE[0]).forEach(table -> rowTypes.put(table.name(), table.rowType()));
        // What is stored of a view has columns that nobody sees.
        rowTypes.put("rich", rowTypes.get("account"));
    }

    // ---- time ----

    private void pass(long micros) {
        story += " time:" + micros;
        long end = micros;
        while (true) {
            long next = timer.next() == Long.MAX_VALUE ? Long.MAX_VALUE : timer.next() - timer.nowMicros();
            long step = Math.min(end, next);
            timer.advance(step);
            Inside.settle(database);
            model.pass(step);
            end -= step;
            if (next > end) {
                if (end > 0) {
                    continue;
                }
                return;
            }
        }
    }

    // ---- what several kinds of events need ----

    static <T> T join(Supplier<T> work) {
        try {
            return work.get();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    void comes(ClientInfo who) {
        tell(model.transact(s -> model.connect(s, who.connection(), who.identity())).orElseThrow(), null);
    }

    void goes(ClientInfo who) {
        tell(model.transact(s -> model.disconnect(s, who.connection())).orElseThrow(), null);
    }

    static void compare(RowBuffer rows, Map<String, Integer> expected) {
        Map<String, Integer> seen = new TreeMap<>();
        for (int i = 0; i < rows.count(); i++) {
            seen.merge(HexFormat.of().formatHex(rows.row(i)), 1, Integer::sum);
        }
        if (!seen.equals(expected)) {
            throw new AssertionError(seen + " instead of " + expected);
        }
    }

    static void refused(Runnable work) {
        try {
            work.run();
        } catch (EngineException e) {
            return;
        }
        throw new AssertionError("nobody objected");
    }
}
