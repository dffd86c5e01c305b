package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.port.Timer;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.engine.schedule.ClockTimer;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** A server in a directory, with an owner and somebody else, and short ways to use it. */
final class TestServer implements AutoCloseable {

    static final ConnectionOptions V1 = new ConnectionOptions(true, false, false);
    static final ConnectionOptions V2 = new ConnectionOptions(false, false, false);
    static final ConnectionOptions V2_CONFIRMED = new ConnectionOptions(false, false, true);
    static final byte[] KITCHEN = read("../samples/modules/v2/kitchen_v2.wasm");

    private static final AtomicLong CONNECTIONS = new AtomicLong();

    final Server server;
    TokenAuthority.Issued owner;
    final TokenAuthority.Issued other;
    private final Path compiled;

    TestServer(Path data) {
        this(data, Limits.DEFAULTS, LogFactory.MEMORY);
    }

    TestServer(Path data, Limits limits, LogFactory logs) {
        this(data, limits, logs, new ClockTimer(Clock.systemUTC(), Thread.ofPlatform().daemon().factory()));
    }

    TestServer(Path data, Limits limits, LogFactory logs, Timer timer) {
        this(data, limits, logs, HeapStores::new, timer, ProcedureOptions.DEFAULTS);
    }

    TestServer(
            Path data, Limits limits, LogFactory logs, Supplier<TableStores> stores, Timer timer,
            ProcedureOptions procedures) {
        this(data, new ServerOptions(
                data, limits, stores, logs,
                Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), Clock.systemUTC(), timer, procedures)
                .withResources(ResourceOptions.DEFAULTS.withTimes(Duration.ofSeconds(10), Duration.ZERO)));
    }

    /** With its log on disk, and snapshots. */
    TestServer(Path data, SnapshotOptions snapshots) {
        this(data, new ServerOptions(
                data, Limits.DEFAULTS, HeapStores::new, new CommitLogs(CommitLogOptions.DEFAULTS),
                Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), Clock.systemUTC()).withSnapshots(snapshots));
    }

    private TestServer(Path data, ServerOptions options) {
        compiled = data.resolve("compiled");
        try {
            // Programs need to be compiled once, not once per test.
            Path shared = Path.of("target", "compiled-modules").toAbsolutePath();
            Files.createDirectories(shared);
            if (!Files.exists(compiled)) {
                Files.createSymbolicLink(compiled, shared);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server = Server.start(options);
        owner = server.tokens().issueAnonymous();
        other = server.tokens().issueAnonymous();
    }

    static byte[] read(String path) {
        try {
            return Files.readAllBytes(Path.of(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Limits with other sizes of a connection's queue and of a row. */
    static Limits limits(int queueMessagesMax, long queueBytesMax, int rowBytesMax) {
        Limits d = Limits.DEFAULTS;
        return new Limits(
                d.memoryBytesMax(), d.callMillisMax(), rowBytesMax, d.transactionRowsMax(), d.transactionBytesMax(),
                d.handlesMax(), d.logLineBytesMax(), d.logLinesPerSecondMax(), queueMessagesMax, queueBytesMax,
                d.messageBytesMax(), d.moduleBytesMax(), d.subscriptionQueriesMax(), d.queryTablesMax(), d.queryNodesMax(),
                d.queryTextBytesMax(), d.databasesMax(), d.connectionsMax(), d.calls(), d.reads());
    }

    /** Limits with another time for calls. */
    static Limits limitsOfCalls(long callMillisMax) {
        Limits d = Limits.DEFAULTS;
        return new Limits(
                d.memoryBytesMax(), callMillisMax, d.rowBytesMax(), d.transactionRowsMax(), d.transactionBytesMax(),
                d.handlesMax(), d.logLineBytesMax(), d.logLinesPerSecondMax(), d.queueMessagesMax(), d.queueBytesMax(),
                d.messageBytesMax(), d.moduleBytesMax(), d.subscriptionQueriesMax(), d.queryTablesMax(), d.queryNodesMax(),
                d.queryTextBytesMax(), d.databasesMax(), d.connectionsMax(), d.calls(), d.reads());
    }

    /** Every query of a client is read beside the writer. */
    static Limits besideTheWriter(Limits d) {
        return readLimits(d, d.reads().millisMax(), d.reads().retainedBytesMax(), -1);
    }

    static Limits readLimits(Limits d, long millisMax, long retainedBytesMax, long writerRowsMax) {
        Limits.Reads reads =
                new Limits.Reads(millisMax, retainedBytesMax, writerRowsMax, d.reads().sortBytesMax());
        return new Limits(
                d.memoryBytesMax(), d.callMillisMax(), d.rowBytesMax(), d.transactionRowsMax(), d.transactionBytesMax(),
                d.handlesMax(), d.logLineBytesMax(), d.logLinesPerSecondMax(), d.queueMessagesMax(), d.queueBytesMax(),
                d.messageBytesMax(), d.moduleBytesMax(), d.subscriptionQueriesMax(), d.queryTablesMax(), d.queryNodesMax(),
                d.queryTextBytesMax(), d.databasesMax(), d.connectionsMax(), d.calls(), reads);
    }

    /** The owner of databases from an earlier life of the directory. */
    void actAs(TokenAuthority.Issued formerOwner) {
        owner = formerOwner;
    }

    PublishResult publish(String name, byte[] program, boolean clear) {
        return server.publish(new PublishRequest(Optional.of(name), owner.claims().identity(), program, clear));
    }

    Database create(String name, byte[] program) {
        assertTrue(publish(name, program, false).created());
        return server.database(server.resolve(name));
    }

    static ClientInfo client(TokenAuthority.Issued who) {
        return client(who, new ConnectionId(CONNECTIONS.incrementAndGet(), 1));
    }

    static ClientInfo client(TokenAuthority.Issued who, ConnectionId connection) {
        return new ClientInfo(who.claims().identity(), connection, who.claims().payload());
    }

    Identity ownerIdentity() {
        return owner.claims().identity();
    }

    CallResult call(Database database, String reducer, String arguments) {
        return Database.join(database.call(client(owner), reducer, new Arguments.Json(arguments)));
    }

    void commit(Database database, String reducer, String arguments) {
        assertInstanceOf(CallResult.Committed.class, call(database, reducer, arguments));
    }

    /** Rows that a query finds. */
    int count(Database database, String sql) {
        return database.sql(client(owner), sql).result().rows().count();
    }

    static ClientMessage.CallReducer callMessage(int requestId, String reducer, String arguments) {
        return new ClientMessage.CallReducer(reducer, new Arguments.Json(arguments), requestId, true);
    }

    static ClientMessage.OneOffQuery query(int requestId, String sql) {
        return new ClientMessage.OneOffQuery(requestId, new byte[0], sql);
    }

    static void assertCode(ErrorCode code, Runnable work) {
        EngineException e = assertThrows(EngineException.class, work::run);
        assertEquals(code, e.code(), e.describe());
    }

    @Override
    public void close() {
        server.close();
        try {
            Files.deleteIfExists(compiled);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Keeps what it is sent. */
    static final class Inbox implements ClientSink {

        final LinkedBlockingQueue<ServerMessage> messages = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<CloseReason> closed = new LinkedBlockingQueue<>();

        @Override
        public void send(ServerMessage message) {
            messages.add(message);
        }

        @Override
        public void close(CloseReason reason) {
            closed.add(reason);
        }

        <T extends ServerMessage> T next(Class<T> type) throws InterruptedException {
            ServerMessage message = messages.poll(20, TimeUnit.SECONDS);
            return assertInstanceOf(type, message instanceof ServerMessage.Shared s ? s.message() : message);
        }

        CloseReason end() throws InterruptedException {
            CloseReason reason = closed.poll(20, TimeUnit.SECONDS);
            assertTrue(reason != null, "the connection was not closed");
            return reason;
        }
    }
}
