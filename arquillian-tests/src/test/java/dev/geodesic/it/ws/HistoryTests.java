package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.sats.RowList;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import dev.geodesic.testkit.history.Operation;
import dev.geodesic.testkit.history.Registers;
import dev.geodesic.testkit.history.Registers.Call;
import dev.geodesic.testkit.history.Registers.Invocation;
import dev.geodesic.testkit.history.Registers.Output;
import dev.geodesic.testkit.history.Registers.State;
import dev.geodesic.testkit.history.SerialOrder;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Clients of both transports call and read at once. What all of them learned, and when, must fit one serial order: strict
 * serialisability, seen from the other end of the network.
 */
interface HistoryTests {

    @Test
    @Proves("execution.md 4")
    @Proves("websocket.md 9")
    @Proves("http-api.md 6.11")
    default void whatClientsLearnFitsASerialOrder() throws Exception {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        Queue<Operation<Call, Output>> queue = new ConcurrentLinkedQueue<>();
        List<Watcher> watchers;
        try (TestDatabase db = TestDatabase.publish(Path.of("../samples/modules/simulation/simulation.wasm"))) {
            watchers = List.of(
                    new Watcher("v1", queue, db.open(Subprotocol.V1_BSATN, "confirmed=true")),
                    new Watcher("v2", queue, db.open(Subprotocol.V2, "confirmed=true")),
                    new Watcher("v2, not confirmed", queue, db.open(Subprotocol.V2, "confirmed=false")),
                    new Watcher("v3", queue, db.open(Subprotocol.V3)));
            List<Client> clients = new ArrayList<>(watchers);
            clients.add(new HttpCaller(queue, db));
            clients.add(new HttpCaller(queue, db));
            clients.add(new SqlReader(queue, db));
            run(clients, random);
            // Everybody has seen everything when the answer to this has come.
            watchers.forEach(w -> w.call(new Call.Put(0, 0)));
            watchers.forEach(w -> w.read(true));
            watchers.forEach(w -> assertEquals(watchers.getFirst().cache, w.cache, "seed " + seed));
        }
        List<Operation<Call, Output>> history = List.copyOf(queue);
        SerialOrder.Result<Call, Output> order = SerialOrder.find(new Registers(), history);
        assertTrue(order.isSerialisable(), () -> "no serial order, seed " + seed + ":\n" + order);
        assertTrue(history.stream().filter(o -> o.output().orElseThrow().values() != null).count() > 30, "there were reads");
        believesNoLie(history);
    }

    /** The same with one answer that is not true. */
    private static void believesNoLie(List<Operation<Call, Output>> history) {
        Operation<Call, Output> read = history.stream()
                .filter(o -> o.input() instanceof Call.ReadAll && o.output().orElseThrow().after() == null)
                .findFirst().orElseThrow();
        List<Operation<Call, Output>> wrong = new ArrayList<>(history);
        wrong.set(history.indexOf(read), new Operation<>(
                "liar", read.input(), Output.of(-7L, 0L, 0L), read.invoked(), read.responded()));
        assertFalse(SerialOrder.find(new Registers(), wrong).isSerialisable(), "the lie is believed");
    }

    private static void run(List<Client> clients, Random random) throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (Client client : clients) {
                Random own = new Random(random.nextLong());
                all.add(threads.submit(() -> {
                    for (int i = 0; i < Client.STEPS; i++) {
                        client.step(own);
                    }
                }));
            }
            for (Future<?> client : all) {
                client.get(50, TimeUnit.SECONDS);
            }
        } catch (ExecutionException e) {
            throw new AssertionError("a client failed: " + e.getCause(), e);
        }
    }

    /** Does one thing after the other, and writes down what came of it. One thread. */
    abstract class Client {

        static final int STEPS = 40;

        private final String name;
        private final Queue<Operation<Call, Output>> history;

        Client(String name, Queue<Operation<Call, Output>> history) {
            this.name = name;
            this.history = history;
        }

        abstract void step(Random random);

        /** What a client learns from one request. */
        interface Work {
            Output run();
        }

        void observe(Call call, Work work) {
            long begin = System.nanoTime();
            Output output = work.run();
            history.add(new Operation<>(name, call, output, begin, System.nanoTime()));
        }

        /** Rows of a key and a value, put into a list by key. */
        static void put(RowList rows, List<Long> values, int factor) {
            for (int i = 0; i < rows.count(); i++) {
                int key = LittleEndian.getInt(rows.data(), rows.rowOffset(i));
                values.set(key, LittleEndian.getLong(rows.data(), rows.rowOffset(i) + Integer.BYTES) * factor);
            }
        }

        static String query(boolean balances) {
            return "SELECT * FROM " + (balances ? "account" : "register");
        }
    }

    /** Calls reducers and procedures. */
    final class HttpCaller extends Client {

        private static final int REDUCER_FAILED = 530;
        private final TestDatabase db;

        HttpCaller(Queue<Operation<Call, Output>> history, TestDatabase db) {
            super("http", history);
            this.db = db;
        }

        @Override
        void step(Random random) {
            Call call = random.nextBoolean() ? Registers.someProcedure(random) : Registers.someReducer(random);
            Invocation asked = Registers.invocation(call);
            observe(call, () -> {
                HttpResponse<String> answer =
                        Features.call(db, db.owner, asked.function(), asked.arguments().toArray());
                if (answer.statusCode() == REDUCER_FAILED) {
                    return Output.FAILED;
                }
                assertEquals(200, answer.statusCode(), answer::body);
                boolean procedure = call instanceof Call.Swap || call instanceof Call.ReadTwo;
                return procedure ? Output.of(numbers(answer.body())) : Output.OK;
            });
        }

        static Long[] numbers(String json) {
            return Arrays.stream(json.replaceAll("[\\[\\] ]", "").split(",")).map(Long::valueOf).toArray(Long[]::new);
        }
    }

    /** Reads, and now and then a change, in SQL. */
    final class SqlReader extends Client {

        private final TestDatabase db;

        SqlReader(Queue<Operation<Call, Output>> history, TestDatabase db) {
            super("sql", history);
            this.db = db;
        }

        @Override
        void step(Random random) {
            int key = random.nextInt(Registers.COUNT);
            if (random.nextInt(4) == 0) {
                observe(new Call.Put(key, 0), () -> {
                    db.sql("DELETE FROM register WHERE key = " + key);
                    return Output.OK;
                });
                return;
            }
            boolean balances = random.nextBoolean();
            observe(new Call.ReadAll(balances), () -> {
                Long[] values = State.EMPTY.registers().toArray(Long[]::new);
                for (String row : db.sql(query(balances))) {
                    Long[] columns = HttpCaller.numbers(row);
                    values[columns[0].intValue()] = columns[1];
                }
                return Output.of(values);
            });
        }
    }

    /** Keeps a cache of both tables, and knows everything right after each of its calls. */
    final class Watcher extends Client {

        private final WsClient client;
        private int requests;
        private State cache = State.EMPTY;

        Watcher(String name, Queue<Operation<Call, Output>> history, WsClient client) {
            super(name, history);
            this.client = client;
        }

        @Override
        void step(Random random) {
            if (requests == 0) {
                client.subscribe(++requests, 1, query(false), query(true));
                ServerMessage message = client.nextMessage();
                apply(List.of(new QuerySetUpdate(1, ((ServerMessage.SubscribeApplied) message.plain()).tables())));
            }
            if (random.nextInt(4) == 0) {
                read(random.nextBoolean());
            } else {
                call(Registers.someReducer(random));
            }
        }

        /** A one-off query, behind which also the cache is up to date. */
        private void read(boolean balances) {
            observe(new Call.ReadAll(balances), () -> {
                client.query(++requests, query(balances));
                while (true) {
                    switch (client.nextMessage().plain()) {
                        case ServerMessage.TransactionUpdate update -> apply(update.querySets());
                        case ServerMessage.OneOffResult result -> {
                            List<Long> values = new ArrayList<>(State.EMPTY.registers());
                            put(((QueryOutcome.Rows) result.outcome()).rows().inserts(), values, 1);
                            return new Output(true, List.copyOf(values), cache);
                        }
                        case ServerMessage other -> throw new AssertionError(other.toString());
                    }
                }
            });
        }

        private void call(Call call) {
            Invocation asked = Registers.invocation(call);
            observe(call, () -> {
                client.call(++requests, asked.function(), asked.arguments().toArray());
                while (true) {
                    Optional<Output> answer = switch (client.nextMessage().plain()) {
                        case ServerMessage.TransactionUpdate update -> {
                            apply(update.querySets());
                            // In version 1 everybody's calls are named, and one's own has no other answer.
                            yield update.call().filter(this::isMine).map(c -> Output.with(cache));
                        }
                        case ServerMessage.ReducerResult result -> {
                            assertEquals(requests, result.call().requestId());
                            yield Optional.of(switch (result.outcome()) {
                                case ReducerOutcome.Committed committed -> {
                                    apply(committed.querySets());
                                    yield Output.with(cache);
                                }
                                case ReducerOutcome.Failed failed -> new Output(false, null, cache);
                                case ReducerOutcome other -> throw new AssertionError(other.toString());
                            });
                        }
                        case ServerMessage other -> throw new AssertionError(other.toString());
                    };
                    if (answer.isPresent()) {
                        return answer.get();
                    }
                }
            });
        }

        private boolean isMine(ReducerCall call) {
            return call.connectionId().equals(client.hello().connectionId()) && call.requestId() == requests;
        }

        private void apply(List<QuerySetUpdate> sets) {
            List<Long> registers = new ArrayList<>(cache.registers());
            List<Long> balances = new ArrayList<>(cache.balances());
            for (QuerySetUpdate set : sets) {
                for (TableUpdate table : set.tables()) {
                    List<Long> values = table.tableName().equals("register") ? registers : balances;
                    for (Fragment fragment : table.fragments()) {
                        put(fragment.deletes(), values, 0);
                        put(fragment.inserts(), values, 1);
                    }
                }
            }
            cache = new State(List.copyOf(registers), List.copyOf(balances));
        }
    }
}
