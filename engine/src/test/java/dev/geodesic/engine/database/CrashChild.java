package dev.geodesic.engine.database;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.sats.ConnectionId;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Semaphore;

/**
 * The process that {@link CrashTest} kills: a server with one database that calls reducers as fast as it can. It says
 * {@code sent} before each call, and {@code confirmed} when the result came under confirmed reads.
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
                data, Limits.DEFAULTS, HeapStores::new, new CommitLogs(CommitLogOptions.DEFAULTS.withSegmentBytesMax(200_000)),
                Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), Clock.systemUTC());
    }

    /** One write: a line is there or not when the process dies. */
    private static void say(String line) {
        try {
            OUT.write((line + '\n').getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            Runtime.getRuntime().halt(3);
        }
    }

    /** Arguments: data directory, program, seed, first free id for "fill", number of this life. */
    public static void main(String[] args) throws Exception {
        Thread.ofPlatform().daemon().start(CrashChild::endWithTheParent);
        Server server = Server.start(options(Path.of(args[0])));
        TokenAuthority.Issued owner = server.tokens().issueAnonymous();
        if (server.failedDatabases().isEmpty() && server.databases().isEmpty()) {
            server.publish(new PublishRequest(
                    Optional.of(DATABASE), owner.claims().identity(), Files.readAllBytes(Path.of(args[1])), false));
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
        Thread.currentThread().join();
    }

    private static void endWithTheParent() {
        try {
            while (System.in.read() >= 0) {
                Thread.onSpinWait();
            }
        } catch (IOException e) {
            // The same as the end.
        }
        Runtime.getRuntime().halt(2);
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
