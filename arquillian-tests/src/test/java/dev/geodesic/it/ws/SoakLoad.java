package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.ws.Http.User;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Mixed load on two databases that outlive their servers, and the books about what the clients were told. Whatever the
 * load adds it takes away again, so that a server that has run for long holds no more than one that has just begun.
 */
final class SoakLoad {

    private static final Path LOAD_MODULE = Path.of("../bench/load/module/loadmod.wasm");
    private static final int COUNTERS = 4;
    private static final int WINDOW = 32;
    private static final int GROUP_ROWS = 100;
    private static final int GROUPS = 8;
    private static final long PAUSE_MILLIS = 50;
    /** A disk that others use heavily may take long to force. */
    private static final long PATIENCE_MILLIS = 60_000;
    /** Between two windows of counted calls, to leave the machine to others. */
    private static final long REST_MILLIS = Long.getLong("geodesic.soak.rest.millis", 0);

    /** A counter that one client raises: confirmed at least, sent at most. */
    private static final class Counter {
        private final AtomicLong sent = new AtomicLong();
        private final AtomicLong confirmed = new AtomicLong();
    }

    private interface Work {
        void step() throws Exception;
    }

    private final Random random;
    private final TestDatabase data = TestDatabase.publish(LOAD_MODULE);
    private final TestDatabase features = Features.publish("2.11");
    private final Counter[] counters = new Counter[COUNTERS];
    private final Map<String, AtomicLong> done = new ConcurrentHashMap<>();
    private final List<Throwable> failures = new ArrayList<>();

    SoakLoad(Random random) {
        this.random = random;
        for (int i = 0; i < COUNTERS; i++) {
            counters[i] = new Counter();
        }
    }

    /** The load of one life of a server, from threads of its own. */
    final class Running implements AutoCloseable {

        private final AtomicBoolean ended = new AtomicBoolean();
        /** Before the server is told to go: what fails then is no failure. */
        private volatile boolean expectEnd;
        private final List<Thread> threads = new ArrayList<>();
        private final Runnable witness;

        private Running(Runnable witness) {
            this.witness = witness;
            for (int i = 0; i < COUNTERS; i++) {
                int counter = i;
                start("counted calls", () -> count(counter));
            }
            start("groups of rows", new Groups()::step);
            start("subscribers", this::subscribe);
            start("queries over HTTP", SoakLoad.this::query);
            start("features", SoakLoad.this::useFeatures);
            start("databases made and deleted", this::makeAndDelete);
            start("snapshots", this::administer);
        }

        private void start(String name, Work work) {
            threads.add(Thread.ofPlatform().name("soak-" + name).start(() -> {
                while (!ended.get()) {
                    try {
                        work.step();
                        done.computeIfAbsent(name, n -> new AtomicLong()).incrementAndGet();
                    } catch (Exception | AssertionError e) {
                        if (!expectEnd) {
                            synchronized (failures) {
                                if (failures.isEmpty()) {
                                    witness.run();
                                }
                                failures.add(new AssertionError(name + ": " + e, e));
                            }
                            ended.set(true);
                        }
                        return;
                    }
                }
            }));
        }

        /** Connects, and calls with a window of calls on their way until the load ends. */
        private void count(int number) {
            Counter counter = counters[number];
            Subprotocol subprotocol = number % 2 == 0 ? Subprotocol.V3 : Subprotocol.V2;
            try (WsClient client = data.upgrade(subprotocol).token(data.owner.token()).query("confirmed=true").open()) {
                client.hello();
                int waiting = 0;
                for (int call = 1; !ended.get() || waiting > 0; call++) {
                    while (waiting == WINDOW || ended.get() && waiting > 0) {
                        confirm(client, counter);
                        waiting--;
                    }
                    if (REST_MILLIS > 0 && call % WINDOW == 0) {
                        Features.pause(REST_MILLIS);
                    }
                    if (!ended.get()) {
                        counter.sent.incrementAndGet();
                        client.call(call, "bump", number);
                        waiting++;
                    }
                }
            }
        }

        private void confirm(WsClient client, Counter counter) {
            ServerMessage.ReducerResult result = (ServerMessage.ReducerResult) client.nextMessageWithin(PATIENCE_MILLIS);
            assertTrue(result.outcome() instanceof ReducerOutcome.Committed, () -> result.outcome().toString());
            counter.confirmed.incrementAndGet();
        }

        /** A client that comes, watches, and goes, with or without a word. */
        private void subscribe() {
            Subprotocol[] all = Subprotocol.values();
            Subprotocol subprotocol;
            int group;
            synchronized (random) {
                subprotocol = all[random.nextInt(all.length)];
                group = random.nextInt(GROUPS);
            }
            User somebody = Http.newUser();
            try (WsClient client = data.upgrade(subprotocol).token(somebody.token()).open()) {
                client.hello();
                client.subscribe(1, 1, "SELECT * FROM item WHERE grp = " + group, "SELECT * FROM counter WHERE id = 1");
                client.nextMessage();
                Features.pause(PAUSE_MILLIS);
                client.query(2, "SELECT COUNT(*) AS n FROM item");
                if (group % 2 == 0) {
                    client.unsubscribe(3, 1);
                    client.nextMessage();
                }
            }
        }

        private void makeAndDelete() throws Exception {
            String crate = Features.OF_2.get((int) (System.nanoTime() & 1));
            TestDatabase made = Features.publish(crate);
            Features.ok(made, "put_item", 1, 1, 1, "one");
            made.sql("SELECT * FROM item_count");
            Features.call(made, made.owner, "misbehave", "panic");
            made.delete();
            pause(2_000);
        }

        private void administer() {
            HttpResponse<String> taken = Http.send(
                    "POST", "database/" + data.name + "/snapshots", data.owner.token(), new byte[0]);
            assertEquals(200, taken.statusCode(), taken::body);
            Http.ok("GET", "database/" + data.name + "/snapshots", data.owner.token(), new byte[0]);
            String verified = Http.ok("POST", "database/" + data.name + "/verify", data.owner.token(), new byte[0]);
            assertTrue(verified.contains("\"findings\":[]"), verified);
            lookBack();
            pause(5_000);
        }

        /** Makes a database of what the other one was a moment ago, looks at it, and deletes it. */
        private void lookBack() {
            long offset = data.durableOffset() + 1;
            String made = Http.ok("POST", "restore", data.owner.token(),
                    ("{\"database\":\"" + data.name + "\",\"offset\":" + offset + "}").getBytes(StandardCharsets.UTF_8));
            String path = "database/" + Http.string(made, "database_identity");
            String counters = Http.ok("POST", path + "/sql", data.owner.token(),
                    "SELECT COUNT(*) AS n FROM counter".getBytes(StandardCharsets.UTF_8));
            assertTrue(counters.contains("10000"), counters);
            Http.ok("DELETE", path, data.owner.token(), new byte[0]);
        }

        private void pause(long millis) {
            long end = System.currentTimeMillis() + millis;
            while (!ended.get() && System.currentTimeMillis() < end) {
                Features.pause(PAUSE_MILLIS);
            }
        }

        /** From now on the server may go at any moment. */
        void expectEnd() {
            expectEnd = true;
        }

        /** Ends the load; the server may be there or not. Fails if something failed that should not have. */
        @Override
        public void close() {
            ended.set(true);
            for (Thread thread : threads) {
                try {
                    thread.join(120_000);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                assertTrue(!thread.isAlive(), () -> thread.getName() + " hangs");
            }
            synchronized (failures) {
                if (!failures.isEmpty()) {
                    throw new AssertionError(failures.getFirst());
                }
            }
        }
    }

    /** @param witness writes down what the server does at the moment of the first failure */
    Running run(Runnable witness) {
        return new Running(witness);
    }

    /** Groups of rows come whole and go whole. */
    private final class Groups {

        private int next;

        void step() {
            int group = next++ % GROUPS;
            data.call("delete_grp", "[" + group + "]");
            data.call("insert_many", "[" + group + "," + GROUP_ROWS + "]");
        }
    }

    private void query() {
        assertEquals(1, data.sql("SELECT COUNT(*) AS n FROM counter").size());
        data.sql("SELECT * FROM item WHERE grp = 3");
        assertEquals(400, Http.send("POST", "database/" + data.name + "/sql", data.owner.token(),
                "SELECT * FROM nowhere".getBytes(StandardCharsets.UTF_8)).statusCode());
        assertEquals(530, Http.send("POST", "database/" + data.name + "/call/update_item", data.owner.token(),
                "[0,\"nothing\"]".getBytes(StandardCharsets.UTF_8)).statusCode());
        Features.pause(PAUSE_MILLIS);
    }

    /** Views, procedures, timers that are taken back, and calls that end badly. */
    private void useFeatures() {
        Features.ok(features, "put_item", 7, 1, 9, "seven");
        features.sql("SELECT * FROM my_items");
        features.sql("SELECT * FROM heavy_items");
        assertEquals("3", Features.ok(features, "sum", 1, 2));
        Features.ok(features, "drop_item", 7);
        Features.ok(features, "start_timer", "soak", "", 600_000_000L, false);
        Features.call(features, features.owner, "misbehave", "panic");
        Features.ok(features, "stop_timers", "soak");
        Features.pause(PAUSE_MILLIS);
    }

    /** What a new server has must fit what the clients of the one before were told. */
    void check() {
        for (int i = 0; i < COUNTERS; i++) {
            int number = i;
            long value = Long.parseLong(
                    data.sql("SELECT value FROM counter WHERE id = " + i).getFirst().replaceAll("[\\[\\]]", ""));
            long confirmed = counters[i].confirmed.get();
            long sent = counters[i].sent.get();
            assertTrue(confirmed <= value && value <= sent, () -> "counter " + number + ": " + confirmed + " calls confirmed, "
                    + value + " there, " + sent + " sent");
            // What was lost is lost; what is there without having been confirmed stays.
            counters[i].confirmed.set(value);
            counters[i].sent.set(value);
        }
        for (int group = 0; group < GROUPS; group++) {
            int rows = data.sql("SELECT id FROM item WHERE grp = " + group).size();
            int number = group;
            assertTrue(rows == 0 || rows == GROUP_ROWS, () -> rows + " rows of group " + number);
        }
        assertEquals(1, data.sql("SELECT * FROM st_client").size(), "clients of servers that are gone");
    }

    /** How often each kind of work was done. */
    Map<String, AtomicLong> done() {
        return done;
    }

    long confirmedCalls() {
        long all = 0;
        for (Counter counter : counters) {
            all += counter.confirmed.get();
        }
        return all;
    }
}
