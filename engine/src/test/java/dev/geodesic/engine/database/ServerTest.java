package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.sats.ConnectionId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server with an unmodified module: publish, call, query, follow. */
class ServerTest {

    @TempDir
    private Path data;

    private Server server;
    private TokenAuthority.Issued owner;

    @BeforeEach
    void start() {
        ThreadFactory threads = Thread.ofPlatform().daemon().stackSize(16 << 20).factory();
        server = Server.start(new ServerOptions(
                data, Limits.DEFAULTS, HeapStores::new, LogFactory.MEMORY, threads, Clock.systemUTC()));
        owner = server.tokens().issueAnonymous();
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private static byte[] wasm(String path) throws Exception {
        return Files.readAllBytes(Path.of("../samples").resolve(path));
    }

    private Database publishChat() throws Exception {
        PublishResult result = server.publish(new PublishRequest(
                Optional.of("chat"), owner.claims().identity(), wasm("chat/module/chat.wasm"), false));
        assertTrue(result.created());
        return server.database(server.resolve("chat"));
    }

    private static ClientInfo client(TokenAuthority.Issued who, long connection) {
        return new ClientInfo(who.claims().identity(), new ConnectionId(connection, 1), who.claims().payload());
    }

    /** Keeps what it is sent. */
    private static final class Inbox implements ClientSink {

        private final LinkedBlockingQueue<ServerMessage> messages = new LinkedBlockingQueue<>();
        private final LinkedBlockingQueue<CloseReason> closed = new LinkedBlockingQueue<>();

        @Override
        public void send(ServerMessage message) {
            messages.add(message);
        }

        @Override
        public void close(CloseReason reason) {
            closed.add(reason);
        }

        <T extends ServerMessage> T next(Class<T> type) throws InterruptedException {
            ServerMessage message = messages.poll(10, TimeUnit.SECONDS);
            return assertInstanceOf(type, message instanceof ServerMessage.Shared s ? s.message() : message);
        }
    }

    @Test
    void aReducerCalledOverHttpIsSeenBySqlAndBySubscribers() throws Exception {
        Database chat = publishChat();
        Inbox inbox = new Inbox();
        ClientConnection connection =
                chat.connect(client(owner, 7), new ConnectionOptions(true, false, false), inbox, "token");
        inbox.next(ServerMessage.InitialConnection.class);
        connection.submit(new ClientMessage.Subscribe(
                SubscriptionKind.MULTI, 1, 2, List.of("SELECT * FROM message")), 10);
        ServerMessage.SubscribeApplied applied = inbox.next(ServerMessage.SubscribeApplied.class);
        assertEquals(0, applied.tables().stream().mapToInt(t -> t.fragments().getFirst().rowCount()).sum());

        CallResult result = chat.call(client(owner, 8), "send_message", new Arguments.Json("[\"hello\"]")).join();
        assertInstanceOf(CallResult.Committed.class, result);
        SqlAnswer answer = chat.sql(client(owner, 9), "SELECT text FROM message");
        assertEquals(1, answer.result().rows().count());
        ServerMessage.TransactionUpdate update = inbox.next(ServerMessage.TransactionUpdate.class);
        assertEquals(1, update.querySets().getFirst().tables().getFirst().fragments().getFirst().inserts().count());

        connection.submit(new ClientMessage.CallReducer("send_message", new Arguments.Json("[\"again\"]"), 5, true), 10);
        ServerMessage.ReducerResult own = inbox.next(ServerMessage.ReducerResult.class);
        assertInstanceOf(ReducerOutcome.Committed.class, own.outcome());
        connection.disconnect();
    }

    @Test
    void badInputIsAnsweredAndChangesNothing() throws Exception {
        Database chat = publishChat();
        EngineException unknown = assertThrows(EngineException.class, () ->
                Database.join(chat.call(client(owner, 1), "nothing", new Arguments.Json("[]"))));
        assertEquals(ErrorCode.NO_SUCH_REDUCER, unknown.code());
        EngineException arguments = assertThrows(EngineException.class, () ->
                Database.join(chat.call(client(owner, 1), "send_message", new Arguments.Json("[1,2]"))));
        assertEquals(ErrorCode.INVALID_ARGUMENTS, arguments.code());
        assertInstanceOf(
                CallResult.Failed.class, chat.call(client(owner, 1), "send_message", new Arguments.Json("[\"\"]")).join());
        EngineException rubbish = assertThrows(EngineException.class, () -> server.publish(
                new PublishRequest(Optional.of("rubbish"), owner.claims().identity(), new byte[] {1, 2, 3}, false)));
        assertEquals(ErrorCode.INVALID_MODULE, rubbish.code());
        assertThrows(EngineException.class, () -> server.database(server.resolve("rubbish")));
        assertEquals(0, chat.sql(client(owner, 1), "SELECT text FROM message").result().rows().count());
    }
}
