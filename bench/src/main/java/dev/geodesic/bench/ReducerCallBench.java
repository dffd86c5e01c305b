package dev.geodesic.bench;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.database.ClientConnection;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.ConnectionOptions;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.PublishRequest;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.ServerOptions;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Comparator;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Reducer calls of the load kit's module through a connection, 256 in flight: everything but the network and the log. Needs
 * {@code bench/load/module/loadmod.wasm}; start in the project's root.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ReducerCallBench {

    private static final int IN_FLIGHT = 256;

    @Param({"noop", "insert_item", "bump"})
    private String reducer;

    private Path data;
    private Server server;
    private ClientConnection connection;
    private final Semaphore window = new Semaphore(IN_FLIGHT);
    private final SplittableRandom random = new SplittableRandom(42);
    private volatile String failure;

    @Setup(Level.Trial)
    public void open() throws IOException {
        data = Files.createTempDirectory("geodesic-bench");
        server = Server.start(new ServerOptions(
                data, Limits.DEFAULTS, ChronicleStores::new, LogFactory.MEMORY,
                Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), Clock.systemUTC()));
        TokenAuthority.Issued owner = server.tokens().issueAnonymous();
        server.publish(new PublishRequest(
                Optional.of("bench"), owner.claims().identity(),
                Files.readAllBytes(Path.of("bench/load/module/loadmod.wasm")), false));
        Database database = server.database(server.resolve("bench"));
        connection = database.connect(
                new ClientInfo(owner.claims().identity(), new ConnectionId(1, 1), owner.claims().payload()),
                new ConnectionOptions(false, false, false), new Window(), owner.token());
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        window.acquireUninterruptibly(IN_FLIGHT);
        server.close();
        try (Stream<Path> files = Files.walk(data)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
        if (failure != null) {
            throw new IllegalStateException(failure);
        }
    }

    /** Lets the next call go when an answer came. */
    private final class Window implements ClientSink {

        @Override
        public void send(ServerMessage message) {
            if (message instanceof ServerMessage.ReducerResult result) {
                if (!(result.outcome() instanceof ReducerOutcome.Committed)) {
                    failure = result.outcome().toString();
                }
                window.release();
            }
        }

        @Override
        public void close(CloseReason reason) {
            failure = failure == null && !reason.equals(CloseReason.MODULE_EXITED) ? reason.toString() : failure;
        }
    }

    @Benchmark
    public void call() {
        BsatnWriter arguments = new BsatnWriter(32);
        switch (reducer) {
            case "insert_item" -> {
                arguments.writeU32(random.nextInt(1000));
                arguments.writeString("an item");
            }
            case "bump" -> arguments.writeU32(random.nextInt(10_000));
            default -> { }
        }
        window.acquireUninterruptibly();
        connection.submit(
                new ClientMessage.CallReducer(reducer, new Arguments.Bsatn(arguments.toByteArray()), 1, true),
                arguments.length());
    }
}
