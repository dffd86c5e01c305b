package dev.geodesic.engine.simulation;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.CallAnswer;
import dev.geodesic.engine.database.CallResult;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Inside;
import dev.geodesic.engine.database.PublishRequest;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.SqlAnswer;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.Faults;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.engine.query.RowBuffer;
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
import java.util.concurrent.CompletableFuture;
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

    private static final Identity[] PEOPLE = {Template.OWNER, new Identity(2, 2, 2, 2), new Identity(3, 3, 3, 3)};
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
    private final ManualTimer timer = new ManualTimer(Template.START);
    final Model model;
    private final Workload workload;
    private final Archive archive = new Archive(this);
    private final List<SimulatedClient> clients = new ArrayList<>();
    private SimulatedDisk disk;
    SteppedLogs logs;
    SteppedSnapshots snapshots;
    Server server;
    Database database;
    private SimulatedClient watcher;
    private Map<String, ProductType> rowTypes = Map.of();
    private long connections;
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
            ConnectionId gone = left.stream().filter(id -> names(record, id)).findFirst()
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

    private void requireClosed() {
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
            case BATCH -> batch(random);
            case READ -> readBesideWriter(random);
            case REQUEST -> request(random);
            case PROCEDURE -> procedure(random);
            case SUBSCRIBE -> subscribe(random, pick(random));
            case UNSUBSCRIBE -> unsubscribe(random, pick(random));
            case CONNECT -> {
                if (clients.size() <= CLIENTS_MAX) {
                    connect(client(
                            Subprotocol.values()[random.nextInt(4)], random.nextBoolean(), random.nextBoolean(),
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
            case CRASH, POWER_LOSS -> crash(random, event.kind() == Event.Kind.POWER_LOSS);
            case RESTART -> stopAndRestart(random.nextBoolean());
            case PUBLISH -> publish(random);
            case BAD_INPUT -> badInput(random, pick(random));
            case COMPRESS -> compress(random);
            case SNAPSHOT -> snapshot(random);
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
            flush(random);
            checkClients();
        }
        if (snapshots.isDue() && random.nextInt(3) > 0) {
            story += " due";
            takeSnapshots(random);
            check();
        }
    }

    SimulatedClient pick(Random random) {
        return clients.get(random.nextInt(clients.size()));
    }

    // ---- calls ----

    void call(Random random, SimulatedClient client) {
        send(client, List.of(workload.someCall(random)));
        model.runDue();
    }

    /** Several calls in one payload, of a client that may do that. */
    private void batch(Random random) {
        Optional<SimulatedClient> client =
                clients.stream().filter(c -> c.protocol == Subprotocol.V3).findFirst();
        // A scheduled call would come in between, and nobody can say where.
        if (client.isPresent() && !model.isLate()) {
            List<Workload.Call> calls = new ArrayList<>();
            for (int i = 2 + random.nextInt(4); i > 0; i--) {
                calls.add(workload.someCallWithoutSchedules(random));
            }
            send(client.get(), calls);
        }
    }

    private void send(SimulatedClient client, List<Workload.Call> calls) {
        List<ClientMessage> messages = new ArrayList<>();
        List<Integer> requests = new ArrayList<>();
        story += " " + client;
        for (Workload.Call call : calls) {
            story += " " + call.reducer() + call.arguments().json();
            requests.add(client.nextRequest());
            messages.add(new ClientMessage.CallReducer(
                    call.reducer(), client.arguments(call.arguments()), requests.getLast(), true));
        }
        client.sendTogether(messages);
        for (int i = 0; i < calls.size(); i++) {
            expectResult(client, calls.get(i), requests.get(i));
        }
    }

    private void expectResult(SimulatedClient client, Workload.Call call, int request) {
        try {
            Optional<Commit> commit = model.transact(call.effect());
            commit.ifPresent(c -> tell(c, client));
            client.expect("result " + request + " ok" + commit.map(client::delta).orElse(""), model.offset());
        } catch (Refusal e) {
            client.expect("result " + request + " failed " + (e.isPanic() ? CallResult.FATAL_ERROR : e.getMessage()));
        }
    }

    /**
     * A SELECT on a thread of its own while the writer makes changes. What it finds must be the state of some moment between
     * its beginning and its end, and the one that it names; when its connection goes is read from the log.
     */
    private void readBesideWriter(Random random) throws InterruptedException {
        Query query = Model.QUERIES.get(random.nextInt(Model.QUERIES.size()));
        if (model.isLate() || query.event() || query.since() > model.last().program()
                || query.table().equals("rich") || query.table().equals(Table.VISIT.sql())) {
            return;
        }
        story += " " + query.sql();
        ClientInfo who = new ClientInfo(PEOPLE[0], nextConnection(), "{}");
        CompletableFuture<SqlAnswer> reading = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("reader of the simulation").start(() -> {
            try {
                reading.complete(database.sql(who, query.sql()));
            } catch (Throwable e) {
                reading.completeExceptionally(e);
            }
        });
        logs.database().awaitRecords(recordsOf(model.offset() + 1));
        comes(who);
        long from = model.offset();
        SimulatedClient client = pick(random);
        List<Workload.Call> calls = new ArrayList<>();
        List<Integer> requests = new ArrayList<>();
        for (int i = 1 + random.nextInt(6); i > 0; i--) {
            Workload.Call call = workload.someChange(random);
            story += " " + client + " " + call.reducer() + call.arguments().json();
            calls.add(call);
            requests.add(client.nextRequest());
            client.send(new ClientMessage.CallReducer(
                    call.reducer(), client.arguments(call.arguments()), requests.getLast(), true));
        }
        SqlAnswer answer = reading.join();
        Inside.settle(database);
        long gone = goneAt(who.connection(), from + 1);
        boolean left = false;
        for (int i = 0; i < calls.size(); i++) {
            if (!left && model.offset() + 1 == gone) {
                goes(who);
                left = true;
            }
            expectResult(client, calls.get(i), requests.get(i));
        }
        if (!left) {
            goes(who);
        }
        story += " read:" + answer.txOffset();
        compare(answer.result().rows(), moment(answer.txOffset(), from).answer(query));
    }

    /** Who is connected is no data: a read may name a transaction before those of its own connection. */
    private State moment(long offset, long from) {
        if (offset > model.offset()) {
            throw new AssertionError("a read of the future: " + offset + " behind " + model.offset());
        }
        return model.at(Math.max(offset, from - 1));
    }

    private int recordsOf(long lastOffset) {
        return (int) (lastOffset + 1 - logs.database().recovered());
    }

    /** Offset of the transaction, from one on, that speaks of a connection. */
    private long goneAt(ConnectionId connection, long from) {
        List<byte[]> records = logs.database().records();
        for (int i = recordsOf(from) - 1; i < records.size(); i++) {
            if (names(records.get(i), connection)) {
                return logs.database().recovered() + i;
            }
        }
        throw new AssertionError("not disconnected: " + connection);
    }

    private static boolean names(byte[] record, ConnectionId connection) {
        byte[] bytes = new byte[ConnectionId.BYTE_COUNT];
        connection.toLittleEndian(bytes, 0);
        return HexFormat.of().formatHex(record).contains(HexFormat.of().formatHex(bytes));
    }

    /** A call over HTTP comes, calls and goes. */
    private void request(Random random) {
        Workload.Call call = workload.someCall(random);
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

    static <T> T join(Supplier<T> work) {
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
        Map<String, Integer> expected = model.last().answer(query);
        goes(who);
        compare(rows, expected);
    }

    /** As somebody who comes to another database and goes again. */
    void select(Database other, Model its, Query query) {
        ClientInfo who = new ClientInfo(PEOPLE[0], nextConnection(), "{}");
        RowBuffer rows = other.sql(who, query.sql()).result().rows();
        its.transact(s -> its.connect(s, who.connection(), who.identity()));
        Map<String, Integer> expected = its.last().answer(query);
        its.transact(s -> its.disconnect(s, who.connection()));
        compare(rows, expected);
    }

    private static void compare(RowBuffer rows, Map<String, Integer> expected) {
        Map<String, Integer> seen = new TreeMap<>();
        for (int i = 0; i < rows.count(); i++) {
            seen.merge(HexFormat.of().formatHex(rows.row(i)), 1, Integer::sum);
        }
        if (!seen.equals(expected)) {
            throw new AssertionError(seen + " instead of " + expected);
        }
    }

    private void badInput(Random random, SimulatedClient client) {
        switch (random.nextInt(3)) {
            case 0 -> {
                byte[] program = {0, 'a', 's', 'm', 1, 0, 0, 0};
                refused(() -> server.publish(new PublishRequest(Optional.of(Template.NAME), PEOPLE[0], program, false)));
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

    // ---- the disk ----

    void flush(Random random) throws InterruptedException {
        int waiting = logs.database().waiting();
        flush(random, random.nextInt(4) == 0 ? random.nextInt(waiting + 1) : waiting);
    }

    void flush(Random random, int count) throws InterruptedException {
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
     * Takes the snapshots that are due, and deletes what is not needed any more. Sometimes the disk does not go along, which
     * the next one makes up for, or the process ends in the middle of it.
     */
    private void takeSnapshots(Random random) throws InterruptedException {
        flush(random, logs.database().waiting());
        Faults.Fault fault = switch (random.nextInt(4)) {
            case 0 -> Faults.Fault.FAIL;
            case 1 -> Faults.Fault.DIE;
            default -> Faults.Fault.NONE;
        };
        long number = disk.operations() + random.nextInt(16);
        disk.faults().plan(operation -> operation.number() == number ? fault : Faults.Fault.NONE);
        snapshots.takeAll();
        disk.faults().plan(operation -> Faults.Fault.NONE);
        if (disk.isDead()) {
            story += " died";
            restart(random.nextBoolean());
            return;
        }
        Snapshotter snapshotter = database.snapshots().orElseThrow();
        if (fault != Faults.Fault.NONE && snapshotter.failure().isPresent()) {
            story += " again";
            snapshotter.take();
            snapshots.takeAll();
        }
        if (snapshotter.failure().isPresent()) {
            throw new AssertionError("no snapshot: " + snapshotter.failure());
        }
        snapshotter.status().last().ifPresent(last -> story += " snapshot of " + last.offset());
    }

    private void snapshot(Random random) throws InterruptedException {
        CompletableFuture<?> asked = database.snapshots().orElseThrow().take();
        takeSnapshots(random);
        if (!asked.isDone()) {
            throw new AssertionError("nobody took the snapshot");
        }
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
        requireClosed();
        long durable = log.announced();
        long passed = log.passed();
        log.abandon();
        disk.die();
        server.close();
        restartOn(disk.after(random.nextBoolean()), durable, passed);
    }
}
