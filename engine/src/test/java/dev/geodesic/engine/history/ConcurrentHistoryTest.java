package dev.geodesic.engine.history;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.database.CallAnswer;
import dev.geodesic.engine.database.CallResult;
import dev.geodesic.engine.database.ClientConnection;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.ConnectionOptions;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Inside;
import dev.geodesic.engine.database.PublishRequest;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.ServerOptions;
import dev.geodesic.engine.database.SqlAnswer;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.FaultyDisk;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.engine.simulation.SharedRuntime;
import dev.geodesic.engine.snapshot.SnapshotWorker;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.sats.RowList;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import dev.geodesic.testkit.history.OffsetOrder;
import dev.geodesic.testkit.history.Operation;
import dev.geodesic.testkit.history.Registers;
import dev.geodesic.testkit.history.Registers.Call;
import dev.geodesic.testkit.history.Registers.Invocation;
import dev.geodesic.testkit.history.Registers.Output;
import dev.geodesic.testkit.history.Registers.State;
import dev.geodesic.testkit.history.SerialOrder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients on threads of their own call reducers and procedures and read through SQL, one-off queries and subscriptions, all at
 * once. What they learned, and when, must fit one serial order ({@link SerialOrder}), and that of the transaction offsets
 * ({@link OffsetOrder}). With confirmed answers only this also holds if the power fails in between.
 * {@code -Dgeodesic.history.runs=} for more of it.
 */
@Proves("execution.md 4")
@Proves("websocket.md 9")
class ConcurrentHistoryTest {

    private static final int RUNS = Integer.getInteger("geodesic.history.runs", 4);
    private static final int CALLS = Integer.getInteger("geodesic.history.calls", 60);
    private static final String NAME = "history";
    private static final Identity OWNER = new Identity(1, 1, 1, 1);
    /** Not collected, so that its level stays. */
    private static final Logger ENGINE = Logger.getLogger("dev.geodesic.engine");

    @TempDir
    private Path root;

    @BeforeEach
    void expectWarnings() {
        ENGINE.setLevel(Level.OFF);
    }

    @AfterEach
    void expectNoMore() {
        ENGINE.setLevel(null);
    }

    @Test
    void whatClientsLearnFitsASerialOrder() {
        Seeds.repeat(RUNS, random -> {
            try (World world = new World(Files.createTempDirectory(root, "run"), random, false)) {
                world.run(random);
                world.drain();
                List<Operation<Call, Output>> history = List.copyOf(world.history);
                check(history);
                if (history.stream().noneMatch(ConcurrentHistoryTest::changesWithoutName)) {
                    assertTrue(history.stream().filter(o -> o.offset().isPresent()).count() > 20, "answers name transactions");
                    assertEquals(Optional.empty(), OffsetOrder.problem(new Registers(), history));
                }
                List<List<State>> seen = world.seen();
                for (int i = 1; i < seen.size(); i++) {
                    assertTrue(agree(seen.getFirst(), seen.get(i)), () -> "subscribers saw different orders: " + seen);
                }
                // The same with one answer that is not true.
                Operation<Call, Output> read = history.stream()
                        .filter(o -> o.input() instanceof Call.ReadAll).findAny().orElseThrow();
                List<Operation<Call, Output>> wrong = new ArrayList<>(history);
                wrong.set(history.indexOf(read), new Operation<>(
                        "liar", read.input(), Output.of(-7L, 0L, 0L), read.invoked(), read.responded()));
                assertTrue(!SerialOrder.find(new Registers(), wrong).isSerialisable(), "the lie is believed");
            }
        });
    }

    @Test
    @Proves("durability.md 1")
    @Proves("durability.md 4")
    void whatWasConfirmedFitsASerialOrderAcrossPowerLosses() {
        Seeds.repeat(RUNS, random -> {
            Path directory = Files.createTempDirectory(root, "run");
            FaultyDisk disk = new FaultyDisk(new Random(random.nextLong()), directory);
            List<Operation<Call, Output>> history = new ArrayList<>();
            for (int life = 0; life < 3; life++) {
                World world = new World(directory, disk, true);
                try {
                    world.dieSoon(random);
                    world.run(random);
                } finally {
                    disk.dieAt(0);
                    world.close();
                }
                history.addAll(world.history);
                disk = disk.powerLoss();
            }
            try (World world = new World(directory, disk, true)) {
                world.run(random);
                history.addAll(world.history);
            }
            check(history);
        });
    }

    private static void check(List<Operation<Call, Output>> history) {
        SerialOrder.Result<Call, Output> result = SerialOrder.find(new Registers(), history);
        assertTrue(result.isSerialisable(), () -> "no serial order:\n" + result);
        assertTrue(history.stream().filter(o -> o.output().isPresent()).count() > 20, "clients have learned something");
    }

    /** Answers over WebSocket do not name transactions. */
    private static boolean changesWithoutName(Operation<Call, Output> operation) {
        return operation.offset().isEmpty() && operation.output().orElseThrow().ok()
                && !(operation.input() instanceof Call.ReadTwo) && !(operation.input() instanceof Call.ReadAll);
    }

    /** Whether the one that began later saw how the other one went on; both have seen the end. */
    private static boolean agree(List<State> a, List<State> b) {
        List<State> early = a.size() >= b.size() ? a : b;
        List<State> late = early == a ? b : a;
        return early.subList(early.size() - late.size(), early.size()).equals(late);
    }

    // ---- the server ----

    private static final class World implements AutoCloseable {

        private final Server server;
        private final Database database;
        private final FaultyDisk disk;
        private final boolean confirmed;
        private final AtomicLong connections = new AtomicLong();
        private final Queue<Operation<Call, Output>> history = new ConcurrentLinkedQueue<>();
        private final List<Subscriber> subscribers = new ArrayList<>();

        World(Path directory, Random random, boolean confirmed) throws IOException {
            this(directory, new FaultyDisk(new Random(random.nextLong()), directory), confirmed);
        }

        /** @param confirmed whether answers count only when they are durable */
        World(Path directory, FaultyDisk disk, boolean confirmed) throws IOException {
            this.disk = disk;
            this.confirmed = confirmed;
            this.server = Inside.start(new ServerOptions(
                    directory, Limits.DEFAULTS, HeapStores::new,
                    new CommitLogs(CommitLogOptions.DEFAULTS.withSegmentBytesMax(20_000), disk), SharedRuntime.THREADS,
                    Clock.systemUTC()).withDisk(disk), SharedRuntime.INSTANCE, SharedRuntime.KEYS,
                    SnapshotWorker.thread());
            if (server.databases().isEmpty()) {
                server.publish(new PublishRequest(
                        Optional.of(NAME), OWNER,
                        Files.readAllBytes(Path.of("../samples/modules/simulation/simulation.wasm")), false));
            }
            this.database = server.database(server.resolve(NAME));
        }

        void dieSoon(Random random) {
            disk.dieAt(disk.operations() + 20 + random.nextInt(300));
        }

        /** Every client does what it does, until it has called often enough or the server is gone. */
        void run(Random random) throws InterruptedException {
            List<Client> clients = new ArrayList<>();
            clients.add(new Requests(this));
            clients.add(new Requests(this));
            clients.add(new Sql(this));
            if (confirmed || random.nextBoolean()) {
                clients.add(new Subscriber(this, true));
                clients.add(new Subscriber(this, confirmed));
            }
            List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
            List<Thread> threads = new ArrayList<>();
            for (Client client : clients) {
                Random own = new Random(random.nextLong());
                threads.add(Thread.ofPlatform().daemon().start(() -> {
                    try {
                        for (int i = 0; i < CALLS; i++) {
                            client.step(own);
                        }
                    } catch (EngineException e) {
                        if (!disk.isDead()) {
                            failures.add(e);
                        }
                    } catch (Gone e) {
                        if (!disk.isDead()) {
                            failures.add(e);
                        }
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                }));
            }
            for (Thread thread : threads) {
                thread.join(TimeUnit.SECONDS.toMillis(60));
                assertTrue(!thread.isAlive(), "a client hangs");
            }
            if (!failures.isEmpty()) {
                throw new AssertionError("a client failed: " + failures, failures.getFirst());
            }
        }

        ClientInfo somebody() {
            return new ClientInfo(OWNER, new ConnectionId(connections.incrementAndGet(), 5), "{}");
        }

        /** Everybody sees everything. */
        void drain() {
            database.awaitDurable(Inside.settle(database));
            subscribers.forEach(Subscriber::drain);
        }

        /** What passive eyes saw, one state after the other. */
        List<List<State>> seen() {
            return subscribers.stream().map(s -> s.states).toList();
        }

        @Override
        public void close() {
            server.close();
        }
    }

    /** The server has closed the connection. */
    private static final class Gone extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    // ---- clients ----

    private abstract static class Client {

        final World world;
        final String name;

        Client(World world) {
            this.world = world;
            this.name = getClass().getSimpleName() + world.connections.incrementAndGet();
        }

        abstract void step(Random random) throws InterruptedException;

        /** An answer and the transaction that it names, if it does. */
        record Answer(Output output, long offset) {
        }

        @FunctionalInterface
        interface Work {
            Answer run() throws InterruptedException;
        }

        /** Does something and writes down what came of it. An error leaves the outcome unknown. */
        void observe(Call call, Work work) throws InterruptedException {
            long invoked = System.nanoTime();
            boolean known = false;
            try {
                Answer answer = work.run();
                if (world.confirmed && answer.offset() >= 0) {
                    world.database.awaitDurable(answer.offset());
                }
                known = true;
                if (!world.confirmed || answer.output().ok()) {
                    world.history.add(new Operation<>(
                            name, call, Optional.of(answer.output()), invoked, System.nanoTime(),
                            answer.offset() >= 0 ? OptionalLong.of(answer.offset()) : OptionalLong.empty()));
                }
                // Else it may have failed because of something that nobody was promised.
            } finally {
                if (!known) {
                    world.history.add(Operation.unknown(name, call, invoked));
                }
            }
        }

        static <T> T join(Supplier<T> work) {
            try {
                return work.get();
            } catch (CompletionException e) {
                throw e.getCause() instanceof EngineException cause ? cause : e;
            }
        }

        static List<Long> values(RowBuffer rows) {
            List<Long> values = new ArrayList<>(State.EMPTY.registers());
            for (int i = 0; i < rows.count(); i++) {
                values.set(LittleEndian.getInt(rows.row(i), 0), LittleEndian.getLong(rows.row(i), 4));
            }
            return List.copyOf(values);
        }
    }

    /** Calls as HTTP requests: reducers and procedures, which name their transactions. */
    private static final class Requests extends Client {

        Requests(World world) {
            super(world);
        }

        @Override
        void step(Random random) throws InterruptedException {
            Call call = random.nextBoolean() ? Registers.someProcedure(random) : Registers.someReducer(random);
            Invocation asked = Registers.invocation(call);
            observe(call, () -> answer(call, join(() -> world.database.callFunction(
                    world.somebody(), asked.function(), new Arguments.Json(asked.json())).join())));
        }

        private static Answer answer(Call call, CallAnswer answer) {
            return switch (answer) {
                case CallAnswer.OfReducer(CallResult.Committed committed) -> new Answer(Output.OK, committed.txOffset());
                case CallAnswer.OfReducer(CallResult.Failed failed) -> new Answer(Output.FAILED, -1);
                case CallAnswer.OfReducer(CallResult other) -> throw new AssertionError(other.toString());
                case CallAnswer.OfProcedure procedure -> new Answer(
                        Output.of(Arrays.stream(procedure.json().replaceAll("[\\[\\] ]", "").split(","))
                                .map(Long::valueOf).toArray(Long[]::new)),
                        procedure.lastTxOffset());
            };
        }
    }

    /** Reads, and now and then a write, in SQL. */
    private static final class Sql extends Client {

        Sql(World world) {
            super(world);
        }

        @Override
        void step(Random random) throws InterruptedException {
            int key = random.nextInt(Registers.COUNT);
            boolean balances = random.nextBoolean();
            if (random.nextInt(4) == 0) {
                // A register that is not there holds nothing, so that it must not be written in this way.
                Call put = new Call.Put(key, 0);
                observe(put, () -> new Answer(
                        Output.OK,
                        world.database.sql(world.somebody(), "DELETE FROM register WHERE key = " + key).txOffset()));
                return;
            }
            observe(new Call.ReadAll(balances), () -> {
                SqlAnswer answer = world.database.sql(
                        world.somebody(), "SELECT * FROM " + (balances ? "account" : "register"));
                return new Answer(new Output(true, values(answer.result().rows()), null), answer.txOffset());
            });
        }
    }

    /** A WebSocket client that keeps a cache, and knows everything right after each of its calls. */
    private static final class Subscriber extends Client implements ClientSink {

        private final LinkedBlockingQueue<ServerMessage> messages = new LinkedBlockingQueue<>();
        private volatile boolean closed;
        private final ClientConnection connection;
        private final List<State> states = new ArrayList<>();
        private State cache = State.EMPTY;
        private int requests;
        private boolean subscribed;

        Subscriber(World world, boolean confirmed) {
            super(world);
            world.subscribers.add(this);
            connection = world.database.connect(
                    world.somebody(), new ConnectionOptions(false, false, confirmed), this, "token");
        }

        @Override
        public void send(ServerMessage message) {
            messages.add(message.plain());
        }

        @Override
        public void close(CloseReason reason) {
            closed = true;
        }

        private ServerMessage next() throws InterruptedException {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (true) {
                ServerMessage message = messages.poll(10, TimeUnit.MILLISECONDS);
                if (message != null) {
                    return message;
                }
                if (closed) {
                    throw new Gone();
                }
                assertTrue(System.nanoTime() < end, "no answer");
            }
        }

        @Override
        void step(Random random) throws InterruptedException {
            if (!subscribed) {
                subscribed = true;
                connection.submit(new ClientMessage.Subscribe(
                        SubscriptionKind.SET, 0, 1, List.of("SELECT * FROM register", "SELECT * FROM account")), 10);
                ServerMessage message = next();
                while (!(message instanceof ServerMessage.SubscribeApplied applied)) {
                    message = next();
                }
                apply(List.of(new QuerySetUpdate(1, applied.tables())));
            }
            int request = ++requests;
            if (random.nextInt(4) == 0) {
                boolean balances = random.nextBoolean();
                observe(new Call.ReadAll(balances), () -> {
                    connection.submit(new ClientMessage.OneOffQuery(
                            request, new byte[0], "SELECT * FROM " + (balances ? "account" : "register")), 10);
                    ServerMessage message = next();
                    while (!(message instanceof ServerMessage.OneOffResult result)) {
                        update(message);
                        message = next();
                    }
                    List<Long> values = new ArrayList<>(State.EMPTY.registers());
                    rows(((QueryOutcome.Rows) result.outcome()).rows().inserts(), values, 1);
                    // Also the cache is up to date now.
                    return new Answer(new Output(true, List.copyOf(values), cache), -1);
                });
                return;
            }
            Call call = Registers.someReducer(random);
            Invocation asked = Registers.invocation(call);
            observe(call, () -> {
                connection.submit(new ClientMessage.CallReducer(
                        asked.function(), new Arguments.Json(asked.json()), request, true), 10);
                ServerMessage message = next();
                while (!(message instanceof ServerMessage.ReducerResult result)) {
                    update(message);
                    message = next();
                }
                assertEquals(request, result.call().requestId());
                return switch (result.outcome()) {
                    case ReducerOutcome.Committed committed -> {
                        apply(committed.querySets());
                        yield new Answer(Output.with(cache), -1);
                    }
                    case ReducerOutcome.Failed failed -> new Answer(new Output(false, null, cache), -1);
                    case ReducerOutcome other -> throw new AssertionError(other.toString());
                };
            });
        }

        void drain() {
            ServerMessage message;
            while ((message = messages.poll()) != null) {
                update(message);
            }
        }

        private void update(ServerMessage message) {
            if (message instanceof ServerMessage.TransactionUpdate update) {
                apply(update.querySets());
            } else {
                assertTrue(message instanceof ServerMessage.InitialConnection, message::toString);
            }
        }

        private void apply(List<QuerySetUpdate> sets) {
            List<Long> registers = new ArrayList<>(cache.registers());
            List<Long> balances = new ArrayList<>(cache.balances());
            for (QuerySetUpdate set : sets) {
                for (TableUpdate table : set.tables()) {
                    List<Long> values = table.tableName().equals("register") ? registers : balances;
                    for (Fragment fragment : table.fragments()) {
                        rows(fragment.deletes(), values, 0);
                        rows(fragment.inserts(), values, 1);
                    }
                }
            }
            State next = new State(List.copyOf(registers), List.copyOf(balances));
            if (states.isEmpty() || !next.equals(cache)) {
                states.add(next);
            }
            cache = next;
        }

        private static void rows(RowList rows, List<Long> values, int factor) {
            for (int i = 0; i < rows.count(); i++) {
                int key = LittleEndian.getInt(rows.data(), rows.rowOffset(i));
                values.set(key, LittleEndian.getLong(rows.data(), rows.rowOffset(i) + 4) * factor);
            }
        }
    }
}
