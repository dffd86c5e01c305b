package dev.geodesic.engine.simulation;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.database.CallAnswer;
import dev.geodesic.engine.database.CallResult;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Inside;
import dev.geodesic.engine.database.PublishRequest;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.ServerOptions;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.Faults;
import dev.geodesic.engine.durability.FaultyDisk;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.port.Disk;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.engine.simulation.Model.At;
import dev.geodesic.engine.simulation.Model.Commit;
import dev.geodesic.engine.simulation.Model.Query;
import dev.geodesic.engine.simulation.Model.Refusal;
import dev.geodesic.engine.simulation.Model.State;
import dev.geodesic.engine.simulation.Model.Table;
import dev.geodesic.engine.simulation.SimulatedClient.Values;
import dev.geodesic.engine.snapshot.Snapshotter;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.ProductType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
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
import java.util.function.Consumer;
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

    enum Kind {
        CALL(34), REQUEST(5), PROCEDURE(5), SUBSCRIBE(7), UNSUBSCRIBE(3), CONNECT(4), DISCONNECT(3), QUERY(3), SQL(6), PASS(9),
        SET_CLOCK(2), FLUSH(8), FAULT(2), CRASH(2), POWER_LOSS(2), RESTART(2), PUBLISH(2), BAD_INPUT(3),
        COMPRESS(2), SNAPSHOT(4);

        private final int weight;

        Kind(int weight) {
            this.weight = weight;
        }

        static Kind random(Random random) {
            int at = random.nextInt(Arrays.stream(values()).mapToInt(k -> k.weight).sum());
            for (Kind kind : values()) {
                at -= kind.weight;
                if (at < 0) {
                    return kind;
                }
            }
            throw new AssertionError();
        }
    }

    /** @param seed of everything that is left open */
    record Event(Kind kind, long seed) {
    }

    static List<Event> events(long seed, int count) {
        Random random = new Random(seed);
        List<Event> events = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            events.add(new Event(Kind.random(random), random.nextLong()));
        }
        return events;
    }

    private static final long START = 1_800_000_000 * Model.SECOND;
    private static final String NAME = "simulation";
    private static final byte[] FIRST = read("simulation/simulation.wasm");
    private static final byte[] GROWN = read("simulation/simulation_grown.wasm");
    private static final List<byte[]> PROGRAMS = List.of(FIRST, GROWN, withComment(GROWN));
    private static final Identity[] PEOPLE = {new Identity(1, 1, 1, 1), new Identity(2, 2, 2, 2), new Identity(3, 3, 3, 3)};
    private static final Compression[] COMPRESSIONS = {Compression.NONE, Compression.GZIP};
    private static final int CLIENTS_MAX = 4;
    private static final int JOBS_MAX = 5;

    private static byte[] read(String module) {
        try {
            return Files.readAllBytes(Path.of("../samples/modules").resolve(module));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same program with another hash. */
    private static byte[] withComment(byte[] wasm) {
        byte[] longer = Arrays.copyOf(wasm, wasm.length + 4);
        System.arraycopy(new byte[] {0, 2, 1, 'c'}, 0, longer, wasm.length, 4);
        return longer;
    }

    /** A server's directory with an empty database in it, from which every simulation starts. */
    static final class Template {

        private final Path root;
        private final Map<Path, byte[]> files = new TreeMap<>();
        private final Identity database;
        private final long offset;

        Template(Path root) throws IOException {
            this.root = root;
            FaultyDisk disk = new FaultyDisk(new Random(1), root);
            ServerOptions options = options(
                    root, new CommitLogs(CommitLogOptions.DEFAULTS, disk), disk, new ManualTimer(START), HeapStores::new);
            try (Server server = Inside.start(options, SharedRuntime.INSTANCE, SharedRuntime.KEYS)) {
                database = server.publish(new PublishRequest(Optional.of(NAME), PEOPLE[0], FIRST, false)).identity();
                offset = Inside.settle(server.database(database));
            }
            disk.files().forEach(file -> files.put(file, disk.content(file)));
        }

        private FaultyDisk disk(Random random) throws IOException {
            FaultyDisk disk = new FaultyDisk(random, root);
            for (Map.Entry<Path, byte[]> file : files.entrySet()) {
                Storage storage = disk.open(file.getKey().getParent());
                StorageFile copy = storage.create(file.getKey().getFileName().toString());
                copy.write(ByteBuffer.wrap(file.getValue()), 0);
                copy.force();
                storage.force();
            }
            return disk;
        }
    }

    private static ServerOptions options(
            Path root, LogFactory logs, Disk disk, ManualTimer timer, Supplier<TableStores> stores) {
        return new ServerOptions(
                root, Limits.DEFAULTS, stores, logs, SharedRuntime.THREADS, clock(timer), timer, ProcedureOptions.DEFAULTS)
                .withDisk(disk);
    }

    private static Clock clock(ManualTimer timer) {
        return new Clock() {
            @Override
            public ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(ZoneId zone) {
                return this;
            }

            @Override
            public Instant instant() {
                return Instant.EPOCH.plus(timer.nowMicros(), ChronoUnit.MICROS);
            }
        };
    }

    private final Template template;
    private final Supplier<TableStores> stores;
    private final long segmentBytes;
    private final int keptSnapshots;
    private final UnaryOperator<LogFactory> sabotage;
    private final Random salts;
    private final ManualTimer timer = new ManualTimer(START);
    private final Model model;
    private final List<SimulatedClient> clients = new ArrayList<>();
    private SimulatedDisk disk;
    private SteppedLogs logs;
    private Server server;
    private Database database;
    private SimulatedClient watcher;
    private Map<String, ProductType> rowTypes = Map.of();
    private long connections;
    private long labels;
    /** What the events did, a line each. */
    private final List<String> stories = new ArrayList<>();
    private String story = "";

    /** @param sabotage put around the log to show that the simulation notices */
    Simulation(Template template, long seed, UnaryOperator<LogFactory> sabotage) throws Exception {
        this.template = template;
        this.sabotage = sabotage;
        Random random = new Random(seed);
        this.stores = random.nextInt(32) == 0 ? ChronicleStores::new : HeapStores::new;
        this.segmentBytes = 300 + random.nextInt(20_000);
        this.keptSnapshots = 1 + random.nextInt(2);
        this.salts = new Random(random.nextLong());
        this.disk = new SimulatedDisk(template.disk(new Random(random.nextLong())));
        this.model = new Model(template.offset, START);
        model.onScheduled(commit -> {
            story += " scheduled:" + commit.offset();
            tell(commit, null);
        });
        boolean running = false;
        try {
            start(template.offset, template.offset);
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
        // Taken when an event says so.
        SnapshotOptions snapshots =
                new SnapshotOptions(disk, 1L << 40, 1L << 40, new Retention(keptSnapshots, Duration.ZERO));
        server = Inside.start(
                options(template.root, logs, disk, timer, stores).withSnapshots(snapshots),
                SharedRuntime.INSTANCE, SharedRuntime.KEYS);
        database = server.database(template.database);
        Inside.settle(database);
        long found = logs.database().recovered() - 1;
        story += " found:" + found;
        if (found < from || found > to) {
            throw new AssertionError("the state at " + found + " was found, but it must be one from " + from + " to " + to);
        }
        model.recover(found);
        disconnectLeftovers();
        model.rearm();
        rowTypes = new HashMap<>();
        learnRowTypes();
        watcher = client(Subprotocol.V2, false, Compression.NONE, PEOPLE[0]);
        connect(watcher);
        Inside.settle(database);
        watchTables();
        compareTables(List.of(Table.values()), true);
    }

    /** In the order in which the server did it, which is nobody's promise. */
    private void disconnectLeftovers() {
        List<ConnectionId> left = new ArrayList<>(model.last().clients().keySet());
        List<byte[]> records = logs.database().records();
        for (int i = 0; !left.isEmpty(); i++) {
            if (i >= records.size()) {
                throw new AssertionError("not disconnected: " + left);
            }
            String record = HexFormat.of().formatHex(records.get(i));
            ConnectionId gone = left.stream().filter(id -> {
                byte[] bytes = new byte[ConnectionId.BYTE_COUNT];
                id.toLittleEndian(bytes, 0);
                return record.contains(HexFormat.of().formatHex(bytes));
            }).findFirst().orElseThrow(() -> new AssertionError("not disconnected: " + left));
            left.remove(gone);
            model.transact(s -> model.disconnect(s, gone));
        }
    }

    private SimulatedClient client(Subprotocol protocol, boolean confirmed, Compression compression, Identity who) {
        return new SimulatedClient(
                protocol, confirmed, compression, new ClientInfo(who, nextConnection(), "{}"), rowTypes);
    }

    /** Whose bytes nothing else contains. */
    private ConnectionId nextConnection() {
        connections++;
        return new ConnectionId(connections, 0x7e57_7e57_0000_0000L + connections);
    }

    private void connect(SimulatedClient client) {
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

    private void restart(boolean powerLoss) throws InterruptedException {
        check();
        long durable = logs.database().announced();
        long passed = logs.database().passed();
        logs.database().abandon();
        disk.die();
        server.close();
        restartOn(disk.after(powerLoss), durable, passed);
    }

    private void restartOn(SimulatedDisk found, long from, long to) throws InterruptedException {
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
    private void tell(Commit commit, SimulatedClient caller) {
        clients.stream().filter(c -> c != caller).forEach(c -> c.expectUpdate(commit));
    }

    private void check() {
        settle();
        checkClients();
    }

    /** Waits until nothing moves any more, and sees that it went as far as the model. */
    private void settle() {
        long offset = Inside.settle(database);
        if (database.failure().isPresent()) {
            throw new AssertionError("the database has stopped: " + database.failure().get(), database.failure().get());
        }
        if (offset != model.offset()) {
            throw new AssertionError("the last transaction is " + offset + " instead of " + model.offset());
        }
    }

    private void checkClients() {
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
            case CALL -> call(random, pick(random));
            case REQUEST -> request(random);
            case PROCEDURE -> procedure(random);
            case SUBSCRIBE -> subscribe(random, pick(random));
            case UNSUBSCRIBE -> unsubscribe(random, pick(random));
            case CONNECT -> {
                if (clients.size() <= CLIENTS_MAX) {
                    connect(client(
                            Subprotocol.values()[random.nextInt(4)], random.nextBoolean(),
                            COMPRESSIONS[random.nextInt(COMPRESSIONS.length)], PEOPLE[random.nextInt(PEOPLE.length)]));
                    subscribe(random, clients.getLast());
                }
            }
            case DISCONNECT -> disconnect(random);
            case QUERY -> query(random, pick(random));
            case SQL -> sql(random);
            case PASS -> pass(random.nextLong(4 * Model.SECOND));
            case SET_CLOCK -> {
                long micros = timer.nowMicros() + random.nextLong(20 * Model.SECOND) - 8 * Model.SECOND;
                story += " clock:" + (micros - timer.nowMicros());
                timer.set(micros);
                model.set(micros);
            }
            case FLUSH -> { }
            case FAULT -> fault(random);
            case CRASH, POWER_LOSS -> crash(random, event.kind() == Kind.POWER_LOSS);
            case RESTART -> stopAndRestart(random.nextBoolean());
            case PUBLISH -> publish(random);
            case BAD_INPUT -> badInput(random, pick(random));
            case COMPRESS -> compress(random);
            case SNAPSHOT -> snapshot(random);
        }
        settle();
        List<Table> changed = new ArrayList<>();
        for (Table table : Table.values()) {
            if (!before.table(table).equals(model.last().table(table)) || random.nextInt(16) == 0) {
                changed.add(table);
            }
        }
        compareTables(changed, !before.clients().equals(model.last().clients()) || random.nextInt(16) == 0);
        if (event.kind() == Kind.FLUSH || random.nextBoolean()) {
            flush(random);
            checkClients();
        }
    }

    private SimulatedClient pick(Random random) {
        return clients.get(random.nextInt(clients.size()));
    }

    // ---- calls ----

    /** A call of a reducer, and what it does. */
    private record Call(String reducer, Values arguments, Consumer<State> effect) {
    }

    private Call someCall(Random random) {
        int key = random.nextInt(4);
        long value = random.nextInt(4);
        int account = random.nextInt(3);
        long now = model.now();
        return switch (random.nextInt(16)) {
            case 0 -> new Call("put", Values.of(key, value), s -> model.put(s, key, value));
            case 1 -> new Call("add", Values.of(key, value), s -> model.put(s, key, model.get(s, key) + value));
            case 2 -> new Call("remove", Values.of(key), s -> s.table(Table.REGISTER).remove((long) key));
            case 3 -> {
                long expected = random.nextInt(4);
                yield new Call("compare_and_set", Values.of(key, expected, value), s -> {
                    if (model.get(s, key) != expected) {
                        throw Refusal.error("another value");
                    }
                    model.put(s, key, value);
                });
            }
            case 4, 5 -> {
                long amount = random.nextInt(60);
                yield new Call("deposit", Values.of(account, amount), s -> model.deposit(s, account, amount));
            }
            case 6 -> {
                int to = random.nextInt(3);
                long amount = random.nextInt(60);
                yield new Call("transfer", Values.of(account, to, amount), s -> {
                    model.deposit(s, to, amount);
                    model.deposit(s, account, -amount);
                    if (s.find(Table.ACCOUNT, account, Model.Account.class).orElseThrow().balance() < 0) {
                        throw Refusal.error("not enough");
                    }
                });
            }
            case 7, 8 -> {
                int count = 1 + random.nextInt(3);
                yield new Call("record", Values.of(account, value, count), s -> model.record(s, account, value, count, now));
            }
            case 9 -> {
                boolean panic = random.nextBoolean();
                int count = random.nextInt(8) == 0 ? 5000 : 1 + random.nextInt(3);
                yield new Call("record_and_fail", Values.of(account, count, panic), s -> {
                    model.record(s, account, 0, count, now);
                    throw panic ? Refusal.panic() : Refusal.error("as asked");
                });
            }
            case 10 -> new Call("forget", Values.of(account), s ->
                    s.table(Table.ENTRY).values().removeIf(row -> ((Model.Entry) row).account() == account));
            case 11 -> new Call("emit", Values.of(value), s -> s.sparks().add(new Model.Spark(value)));
            case 12, 13 -> arm(random);
            case 14 -> {
                int other = random.nextInt(4);
                yield new Call("put_unless", Values.of(key, value, other), s -> {
                    if (model.get(s, other) != 0) {
                        throw Refusal.error("the other one is taken");
                    }
                    model.put(s, key, value);
                });
            }
            default -> model.last().program() == 0 ? someCall(random)
                    : new Call("put_extra", Values.of(key, value), s ->
                            s.table(Table.EXTRA).put((long) key, new Model.Register(key, value)));
        };
    }

    private Call arm(Random random) {
        Table table = random.nextInt(3) > 0 ? Table.JOB : Table.ERRAND;
        List<Long> known = model.last().all(Table.JOB, Model.Job.class).stream().map(Model.Job::label).toList();
        if (known.size() + model.last().table(Table.ERRAND).size() >= JOBS_MAX && !known.isEmpty()) {
            long label = known.get(random.nextInt(known.size()));
            return new Call("disarm", Values.of(label), s ->
                    s.table(Table.JOB).values().removeIf(row -> ((Model.Job) row).label() == label));
        }
        // No two are due at the same time.
        long label = ++labels;
        At at = random.nextInt(3) == 0
                ? new At(true, Model.SECOND + random.nextInt(9) * Model.SECOND + label)
                : new At(false, (model.now() + random.nextLong(8 * Model.SECOND) - 2 * Model.SECOND) / 1000 * 1000 + label);
        int how = random.nextInt(table == Table.JOB ? 5 : 3);
        return new Call(table == Table.JOB ? "arm" : "send", Values.of(at, label, (byte) how), s ->
                model.arm(s, table, at, label, how));
    }

    private void call(Random random, SimulatedClient client) {
        Call call = someCall(random);
        story += " " + client + " " + call.reducer() + call.arguments().json();
        int request = client.nextRequest();
        client.send(new ClientMessage.CallReducer(call.reducer(), client.arguments(call.arguments()), request, true));
        try {
            Optional<Commit> commit = model.transact(call.effect());
            commit.ifPresent(c -> tell(c, client));
            client.expect("result " + request + " ok" + commit.map(client::delta).orElse(""), model.offset());
        } catch (Refusal e) {
            client.expect("result " + request + " failed " + (e.isPanic() ? CallResult.FATAL_ERROR : e.getMessage()));
        }
        model.runDue();
    }

    /** A call over HTTP comes, calls and goes. */
    private void request(Random random) {
        Call call = someCall(random);
        ClientInfo who = new ClientInfo(PEOPLE[random.nextInt(PEOPLE.length)], nextConnection(), "{}");
        story += " " + call.reducer() + call.arguments().json();
        CallResult result = join(() -> database.call(who, call.reducer(), new Arguments.Json(call.arguments().json())).join());
        comes(who);
        String expected = "ok";
        try {
            model.transact(call.effect()).ifPresent(c -> tell(c, null));
        } catch (Refusal e) {
            expected = e.isPanic() ? CallResult.FATAL_ERROR : e.getMessage();
        }
        goes(who);
        model.runDue();
        String seen = switch (result) {
            case CallResult.Committed committed -> "ok";
            case CallResult.Failed failed -> failed.message();
            case CallResult.Trapped trapped -> trapped.message();
            case CallResult other -> other.toString();
        };
        if (!seen.equals(expected)) {
            throw new AssertionError(seen + " instead of " + expected);
        }
    }

    private static <T> T join(Supplier<T> work) {
        try {
            return work.get();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    private void comes(ClientInfo who) {
        tell(model.transact(s -> model.connect(s, who.connection(), who.identity())).orElseThrow(), null);
    }

    private void goes(ClientInfo who) {
        tell(model.transact(s -> model.disconnect(s, who.connection())).orElseThrow(), null);
    }

    private void procedure(Random random) throws InterruptedException {
        int key = random.nextInt(4);
        long value = random.nextInt(4);
        int how = random.nextInt(3);
        boolean swap = random.nextBoolean();
        String name = swap ? "swap" : "two_steps";
        Values arguments = swap ? Values.of(key, value) : Values.of(key, value, (byte) how);
        SimulatedClient client = pick(random);
        story += " " + client + " " + name + arguments.json();
        if (client.confirmed) {
            ClientInfo who = new ClientInfo(client.info.identity(), nextConnection(), "{}");
            String seen;
            try {
                seen = join(() -> database.callFunction(who, name, new Arguments.Json(arguments.json())).join())
                        instanceof CallAnswer.OfProcedure returned ? returned.json() : "a reducer";
            } catch (EngineException e) {
                seen = e.code().toString();
            }
            comes(who);
            Optional<Long> result = transactions(swap, key, value, how);
            goes(who);
            String expected = result.map(Object::toString).orElse(ErrorCode.PROCEDURE_FAILED.toString());
            if (!seen.equals(expected)) {
                throw new AssertionError(seen + " instead of " + expected);
            }
            return;
        }
        int request = client.nextRequest();
        client.procedure(new ClientMessage.CallProcedure(name, client.arguments(arguments), request));
        long depends = model.offset();
        Optional<Long> result = transactions(swap, key, value, how);
        String text = result.map(r -> client.protocol.isText() ? r.toString()
                : HexFormat.of().formatHex((swap ? Values.of(r) : Values.of((int) (long) r)).bsatn())).orElse("failed");
        client.expect("returned " + request + " " + text, Math.max(depends, model.offset()));
    }

    /** Runs the procedure's transactions; empty if it fails. */
    private Optional<Long> transactions(boolean swap, int key, long value, int how) {
        long old = model.get(model.last(), key);
        model.transact(s -> model.put(s, key, value)).ifPresent(c -> tell(c, null));
        if (swap) {
            return Optional.of(old);
        }
        if (how == 0) {
            model.transact(s -> model.put(s, key + 1, value)).ifPresent(c -> tell(c, null));
        }
        return how == 2 ? Optional.empty() : Optional.of(how == 0 ? 2L : 1L);
    }

    // ---- clients ----

    private void subscribe(Random random, SimulatedClient client) {
        int set = 100 + random.nextInt(4);
        if (client.sets().contains(set)) {
            unsubscribe(client, set, random.nextBoolean());
            return;
        }
        List<Query> queries = new ArrayList<>();
        for (int i = 1 + random.nextInt(2); i > 0; i--) {
            queries.add(Model.QUERIES.get(random.nextInt(Model.QUERIES.size())));
        }
        story += " " + client + " " + queries.stream().map(Query::sql).toList();
        client.subscribe(set, queries);
        boolean refused = queries.stream().anyMatch(q ->
                q.since() > model.last().program() || q.event() && client.protocol.isV1());
        if (refused) {
            client.expect("subscription error");
        } else {
            client.expectSubscribed(set, queries, model.last(), model.offset());
        }
    }

    private void unsubscribe(Random random, SimulatedClient client) {
        List<Integer> sets = client.sets().stream().filter(s -> s >= 100).toList();
        if (!sets.isEmpty()) {
            unsubscribe(client, sets.get(random.nextInt(sets.size())), random.nextBoolean());
        }
    }

    private void unsubscribe(SimulatedClient client, int set, boolean withRows) {
        boolean rows = withRows || client.protocol.isV1();
        story += " " + client + " " + set;
        client.unsubscribe(set, rows);
        client.expectUnsubscribed(set, rows, model.last(), model.offset());
    }

    private void disconnect(Random random) {
        SimulatedClient client = pick(random);
        if (client == watcher) {
            return;
        }
        client.disconnect();
        Inside.settle(database);
        clients.remove(client);
        tell(model.transact(s -> model.disconnect(s, client.info.connection())).orElseThrow(), null);
        model.runDue();
    }

    private void query(Random random, SimulatedClient client) {
        Query query = Model.QUERIES.get(random.nextInt(Model.QUERIES.size()));
        // What a view shows depends on who has asked for it before.
        if (query.table().equals("rich")) {
            return;
        }
        story += " " + client + " " + query.sql();
        int request = client.nextRequest();
        client.send(client.oneOff(request, query.sql()));
        if (query.since() > model.last().program()) {
            client.expect("answer " + (request & 0xff) + " failed");
        } else {
            client.expect(SimulatedClient.answer(request, query, model.last()), model.offset());
        }
    }

    private void sql(Random random) {
        ClientInfo who = new ClientInfo(PEOPLE[0], nextConnection(), "{}");
        int key = random.nextInt(4);
        long value = random.nextInt(4);
        switch (random.nextInt(6)) {
            case 0 -> change(who, "UPDATE register SET value = " + value + " WHERE key = " + key, s -> {
                if (s.table(Table.REGISTER).containsKey((long) key)) {
                    model.put(s, key, value);
                }
            });
            case 1 -> change(who, "INSERT INTO register (key, value) VALUES (" + key + ", " + value + ")", s -> {
                // An equal row is there already: nothing to do.
                if (s.table(Table.REGISTER).containsKey((long) key) && model.get(s, key) != value) {
                    throw Refusal.error(ErrorCode.UNIQUE_ALREADY_EXISTS.toString());
                }
                model.put(s, key, value);
            });
            case 2 -> change(who, "DELETE FROM entry WHERE account = " + key, s ->
                    s.table(Table.ENTRY).values().removeIf(row -> ((Model.Entry) row).account() == key));
            case 3 -> {
                if (!model.isLate()) {
                    change(who, "DELETE FROM job WHERE how = " + key, s ->
                            s.table(Table.JOB).values().removeIf(row -> ((Model.Job) row).how() == key));
                }
            }
            default -> {
                Query query = Model.QUERIES.get(random.nextInt(Model.QUERIES.size()));
                if (query.since() <= model.last().program() && !query.event()) {
                    select(who, query);
                }
            }
        }
    }

    private void change(ClientInfo who, String sql, Consumer<State> effect) {
        story += " " + sql;
        String seen = "ok";
        try {
            database.sql(who, sql);
        } catch (EngineException e) {
            seen = e.code().toString();
        }
        comes(who);
        String expected = "ok";
        try {
            model.transact(effect).ifPresent(c -> tell(c, null));
        } catch (Refusal e) {
            expected = e.getMessage();
        }
        goes(who);
        Inside.settle(database);
        model.runDue();
        if (!seen.equals(expected)) {
            throw new AssertionError(seen + " instead of " + expected);
        }
    }

    private void select(ClientInfo who, Query query) {
        story += " " + query.sql();
        RowBuffer rows = database.sql(who, query.sql()).result().rows();
        comes(who);
        Map<String, Integer> seen = new TreeMap<>();
        for (int i = 0; i < rows.count(); i++) {
            seen.merge(HexFormat.of().formatHex(rows.row(i)), 1, Integer::sum);
        }
        Map<String, Integer> expected = model.last().answer(query);
        goes(who);
        if (!seen.equals(expected)) {
            throw new AssertionError(seen + " instead of " + expected);
        }
    }

    private void badInput(Random random, SimulatedClient client) {
        switch (random.nextInt(3)) {
            case 0 -> {
                byte[] program = {0, 'a', 's', 'm', 1, 0, 0, 0};
                refused(() -> server.publish(new PublishRequest(Optional.of(NAME), PEOPLE[0], program, false)));
            }
            case 1 -> {
                int request = client.nextRequest();
                client.send(client.oneOff(request, "SELECT * FROM nothing"));
                client.expect("answer " + (request & 0xff) + " failed");
            }
            default -> {
                int set = 200;
                client.send(new ClientMessage.Subscribe(
                        client.kind(), client.nextRequest(), set, List.of("SELECT key FROM register WHERE value = 'x'")));
                client.expect("subscription error");
            }
        }
    }

    private static void refused(Runnable work) {
        try {
            work.run();
        } catch (EngineException e) {
            return;
        }
        throw new AssertionError("nobody objected");
    }

    private void publish(Random random) {
        int program = model.last().program() == 0 ? 1 + random.nextInt(2) : 3 - model.last().program();
        story += " program " + program;
        server.publish(new PublishRequest(Optional.of(NAME), PEOPLE[0], PROGRAMS.get(program), false));
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

    // ---- the disk ----

    private void flush(Random random) throws InterruptedException {
        int waiting = logs.database().waiting();
        flush(random, random.nextInt(4) == 0 ? random.nextInt(waiting + 1) : waiting);
    }

    private void flush(Random random, int count) throws InterruptedException {
        SteppedLogs.Stepped log = logs.database();
        if (count == 0) {
            return;
        }
        story += " flush:" + count;
        if (random.nextBoolean()) {
            handOver(count);
            disk.release();
        } else {
            for (int i = 0; i < count; i++) {
                log.pass(1);
                log.await();
            }
        }
        log.await();
    }

    /** The log holds so many records; the first of them, or the beginning of a segment, is about to be forced. */
    private void handOver(int count) throws InterruptedException {
        disk.hold();
        logs.database().pass(1);
        disk.awaitHeld();
        logs.database().pass(count - 1);
    }

    private void crash(Random random, boolean powerLoss) throws InterruptedException {
        int waiting = logs.database().waiting();
        int count = random.nextBoolean() ? 0 : random.nextInt(waiting + 1);
        story += " of " + waiting + " waiting: " + count;
        if (count > 0) {
            handOver(count);
        }
        restart(powerLoss);
    }

    /**
     * Takes a snapshot, and deletes what is not needed any more. Sometimes the disk does not go along, which the next one makes
     * up for, or the process ends in the middle of it.
     */
    private void snapshot(Random random) throws InterruptedException {
        Snapshotter snapshotter = database.snapshots().orElseThrow();
        flush(random, logs.database().waiting());
        Faults.Fault fault = switch (random.nextInt(4)) {
            case 0 -> Faults.Fault.FAIL;
            case 1 -> Faults.Fault.DIE;
            default -> Faults.Fault.NONE;
        };
        long number = disk.operations() + random.nextInt(16);
        disk.faults().plan(operation -> operation.number() == number ? fault : Faults.Fault.NONE);
        boolean taken = take(snapshotter);
        disk.faults().plan(operation -> Faults.Fault.NONE);
        if (disk.isDead()) {
            story += " died";
            restart(random.nextBoolean());
            return;
        }
        if (!taken && fault == Faults.Fault.NONE || snapshotter.failure().isPresent() && !take(snapshotter)) {
            throw new AssertionError("no snapshot: " + snapshotter.failure());
        }
        story += " snapshot of " + snapshotter.list().snapshots().getLast().offset();
    }

    private static boolean take(Snapshotter snapshotter) throws InterruptedException {
        boolean taken = true;
        try {
            snapshotter.take().join();
        } catch (CompletionException e) {
            taken = false;
        }
        while (snapshotter.status().running()) {
            Thread.sleep(0, 50_000);
        }
        return taken;
    }

    /** Makes old segments small; sometimes the disk does not go along, which changes nothing. */
    private void compress(Random random) {
        boolean fails = random.nextInt(3) == 0;
        long number = fails ? disk.operations() + random.nextInt(8) : -1;
        disk.faults().plan(operation -> operation.number() == number ? Faults.Fault.FAIL : Faults.Fault.NONE);
        try {
            story += " " + logs.database().files().orElseThrow().compress(model.offset() + 1);
        } catch (EngineException e) {
            if (!fails || e.code() != ErrorCode.STORAGE_FAILED) {
                throw e;
            }
            story += " failed";
        }
        disk.faults().plan(operation -> Faults.Fault.NONE);
    }

    /** An operation of the disk fails while the log writes. */
    private void fault(Random random) throws InterruptedException {
        call(random, pick(random));
        check();
        long number = disk.operations() + random.nextInt(6);
        disk.faults().plan(operation -> operation.number() == number ? Faults.Fault.FAIL : Faults.Fault.NONE);
        SteppedLogs.Stepped log = logs.database();
        while (log.waiting() > 0 && !log.failed()) {
            log.pass(1);
            log.await();
        }
        disk.faults().plan(operation -> Faults.Fault.NONE);
        if (!log.failed()) {
            return;
        }
        story += " failed:" + (log.announced() + 1);
        if (database.failure().isEmpty()) {
            throw new AssertionError("the log has failed, the database has not");
        }
        refused(() -> join(() -> database.call(watcher.info, "remove", new Arguments.Json("[0]")).join()));
        checkClients();
        clients.forEach(c -> {
            if (c.closed() == null) {
                throw new AssertionError(c + " was not closed");
            }
        });
        long durable = log.announced();
        long passed = log.passed();
        log.abandon();
        disk.die();
        server.close();
        restartOn(disk.after(random.nextBoolean()), durable, passed);
    }
}
