package dev.geodesic.engine.database;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Semaphore;

/**
 * The process that {@link CrashTest} kills: a server that calls the reducers of one database as fast as it can, while it
 * publishes, updates, clears and deletes others. It says {@code sent} before each call, and {@code confirmed} when the result
 * came under confirmed reads; {@code begun} and {@code done} for what it does to the others.
 */
final class CrashChild {

    static final String DATABASE = "crash";
    /** Rows of one "fill", and the first id that is none. */
    static final int FILL_ROWS = 5;
    static final int FILL_IDS_MAX = 60_000;
    static final int CLIENTS = 3;

    private static final int WINDOW = 24;
    private static final FileOutputStream OUT = new FileOutputStream(FileDescriptor.out);

    private CrashChild() {
    }

    static ServerOptions options(Path data) {
        return new ServerOptions(
                data, Limits.DEFAULTS, HeapStores::new, new CommitLogs(CommitLogOptions.DEFAULTS.withSegmentBytesMax(60_000)),
                Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), Clock.systemUTC())
                .withSnapshots(new SnapshotOptions(FileStorage::open, 100, 50_000, new Retention(2, Duration.ZERO)));
    }

    /** One write: a line is there or not when the process dies. */
    private static void say(String line) {
        try {
            OUT.write((line + '\n').getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            Runtime.getRuntime().halt(3);
        }
    }

    /** Arguments: data directory, directory of the programs, seed, first free id for "fill", number of this life. */
    public static void main(String[] args) throws Exception {
        Thread.ofPlatform().daemon().start(CrashChild::endWithTheParent);
        Server server = Server.start(options(Path.of(args[0])));
        TokenAuthority.Issued owner = server.tokens().issueAnonymous();
        if (isNew(server)) {
            server.publish(new PublishRequest(
                    Optional.of(DATABASE), owner.claims().identity(),
                    Files.readAllBytes(Path.of(args[1]).resolve("main.wasm")), false));
        }
        Database database = server.database(server.resolve(DATABASE));
        say("ready");
        Random random = new Random(Long.parseLong(args[2]));
        int fillFrom = Integer.parseInt(args[3]);
        int life = Integer.parseInt(args[4]);
        for (int c = 0; c < CLIENTS; c++) {
            Client client = new Client(life, c, database, server.tokens().issueAnonymous(), random.nextLong(), fillFrom);
            Thread.ofPlatform().daemon().start(c == 0 ? client::callOverHttp : client::callOverWebSocket);
        }
        Sides sides = new Sides(server, Path.of(args[1]), random.nextLong());
        Thread.ofPlatform().daemon().start(sides::run);
        Thread.currentThread().join();
    }

    /** Side databases come after this one. */
    private static boolean isNew(Server server) {
        return server.failedDatabases().isEmpty() && server.databases().isEmpty();
    }

    private static void endWithTheParent() {
        try {
            while (System.in.read() >= 0) {
                Thread.onSpinWait();
            }
        } catch (IOException e) {
            // The same as the end.
        }
        System.exit(0);
    }

    /** What is done to a side database, and what with. */
    enum SideStep { CLEAR, UPDATE, INSERT, DELETE }

    static final int SIDES = 3;
    static final Identity SIDE_OWNER = Identity.fromHex("c2" + "00".repeat(30) + "07");
    static final ClientInfo SIDE_CLIENT = new ClientInfo(SIDE_OWNER, new ConnectionId(8, 8), "{}");

    static String side(int number) {
        return "side" + number;
    }

    /** Publishes and deletes databases with a table {@code a} of ids; the second program has another one. */
    private static final class Sides {

        private final Server server;
        private final byte[] first;
        private final byte[] second;
        private final Random random;

        Sides(Server server, Path programs, long seed) throws IOException {
            this.server = server;
            this.first = Files.readAllBytes(programs.resolve("first.wasm"));
            this.second = Files.readAllBytes(programs.resolve("second.wasm"));
            this.random = new Random(seed);
        }

        void run() {
            SideStep[] steps = SideStep.values();
            while (true) {
                SideStep step = steps[random.nextInt(4) == 0 ? SideStep.INSERT.ordinal() : random.nextInt(steps.length)];
                int number = random.nextInt(SIDES);
                int id = random.nextInt(1_000_000);
                say("begun " + step + ' ' + number + ' ' + id);
                try {
                    perform(step, side(number), id);
                } catch (EngineException e) {
                    if (e.code() != ErrorCode.NO_SUCH_DATABASE) {
                        throw e;
                    }
                }
                say("done");
            }
        }

        private void perform(SideStep step, String name, int id) {
            switch (step) {
                case CLEAR -> publish(name, first, true);
                case UPDATE -> publish(name, second, false);
                case DELETE -> server.delete(server.resolve(name), SIDE_OWNER);
                case INSERT -> {
                    Database database = server.database(server.resolve(name));
                    database.awaitDurable(database.sql(SIDE_CLIENT, "INSERT INTO a (id) VALUES (" + id + ")").txOffset());
                }
            }
        }

        private void publish(String name, byte[] program, boolean clear) {
            PublishResult result = server.publish(new PublishRequest(Optional.of(name), SIDE_OWNER, program, clear));
            server.database(result.identity()).awaitDurable(result.txOffset());
        }
    }

    /** Calls reducers, each with effects of its own. */
    private static final class Client implements ClientSink {

        private final int life;
        private final int number;
        private final Database database;
        private final ClientInfo info;
        private final Random random;
        private final Semaphore window = new Semaphore(WINDOW);
        private int fill;

        Client(int life, int number, Database database, TokenAuthority.Issued who, long seed, int fillFrom) {
            this.life = life;
            this.number = number;
            this.database = database;
            this.info = new ClientInfo(who.claims().identity(), new ConnectionId(number + 1, 7), who.claims().payload());
            this.random = new Random(seed);
            this.fill = fillFrom + number * FILL_ROWS;
        }

        /** A reducer and its arguments, announced. */
        private String[] next(int call) {
            String mark = mark(life, number, call);
            return switch (random.nextInt(8)) {
                case 0, 1 -> {
                    int from = fill;
                    fill += CLIENTS * FILL_ROWS;
                    yield from + FILL_ROWS > FILL_IDS_MAX
                            ? announce(call, "nothing", "", "[]")
                            : announce(call, "test_fill", " " + from, "[" + from + "," + (from + FILL_ROWS) + "]");
                }
                case 2, 3, 4 -> announce(call, "add_note", "", "[\"" + mark + "\"]");
                case 5 -> announce(call, "test_whoami", "", "[\"" + mark + "\"]");
                case 6 -> {
                    int gone = random.nextInt(Math.max(1, fill));
                    yield announce(call, "test_delete_by", " " + gone, "[\"" + mark + "\",\"id\"," + gone + "]");
                }
                default -> announce(
                        call, "test_write_and_fail", "", random.nextInt(20) == 0 ? "[\"panic\"]" : "[\"error\"]");
            };
        }

        private String[] announce(int call, String reducer, String argument, String json) {
            say("sent " + number + " " + call + " " + reducer + argument);
            return new String[] {reducer, json};
        }

        void callOverHttp() {
            for (int call = 0; ; call++) {
                String[] what = next(call);
                CallResult result = database.call(info, what[0], new Arguments.Json(what[1])).join();
                if (result instanceof CallResult.Committed committed) {
                    database.awaitDurable(committed.txOffset());
                    say("confirmed " + number + " " + call);
                }
            }
        }

        void callOverWebSocket() {
            ClientConnection connection =
                    database.connect(info, new ConnectionOptions(false, false, true), this, "token");
            for (int call = 0; ; call++) {
                window.acquireUninterruptibly();
                String[] what = next(call);
                connection.submit(new ClientMessage.CallReducer(what[0], new Arguments.Json(what[1]), call, true), 100);
            }
        }

        @Override
        public void send(ServerMessage message) {
            ServerMessage plain = message instanceof ServerMessage.Shared s ? s.message() : message;
            if (plain instanceof ServerMessage.ReducerResult result) {
                if (result.outcome() instanceof ReducerOutcome.Committed) {
                    say("confirmed " + number + " " + result.call().requestId());
                }
                window.release();
            }
        }

        @Override
        public void close(CloseReason reason) {
            say("closed " + number + " " + reason);
        }
    }

    static String mark(int life, int client, int call) {
        return life + "c" + client + "n" + call;
    }

    static int life(String mark) {
        return Integer.parseInt(mark.substring(0, mark.indexOf('c')));
    }
}
