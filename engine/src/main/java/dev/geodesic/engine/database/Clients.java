package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.ClientRow;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.modulelog.ModuleLog;
import dev.geodesic.engine.schema.Lifecycle;
import dev.geodesic.engine.schema.ReducerDef;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.subscription.Subscriber;
import dev.geodesic.engine.subscription.Subscriptions;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Who is connected, in the catalogue's rows and over WebSocket, and the lifecycle reducers that come with it
 * (spec/execution.md section 3). Writer thread, except where a method says otherwise.
 */
final class Clients {

    private final Transactor transactor;
    private final Catalog catalog;
    private final Program program;
    private final ReducerCalls reducers;
    private final ModuleLog log;
    private final Subscriptions subscriptions;
    /** Guarded by itself; changed by the writer only. */
    private final Set<ClientConnection> connections = new LinkedHashSet<>();
    /** The same; several with one id belong to the same client. */
    private final Map<ConnectionId, List<ClientConnection>> byId = new HashMap<>();
    private final Set<Session> sessions = new HashSet<>();

    /** A session id that is taken. */
    private record Session(Identity identity, String id) {

        static Optional<Session> of(ClientConnection connection) {
            return connection.sessionId().map(id -> new Session(connection.client().identity(), id));
        }
    }

    Clients(
            Transactor transactor,
            Catalog catalog,
            Program program,
            ReducerCalls reducers,
            ModuleLog log,
            Subscriptions subscriptions) {
        this.transactor = transactor;
        this.catalog = catalog;
        this.program = program;
        this.reducers = reducers;
        this.log = log;
        this.subscriptions = subscriptions;
    }

    // ---- connections ----

    /** Lets a WebSocket client in. Errors: REDUCER_FAILED, NOT_AUTHORIZED, SESSION_IN_USE: it must be refused. */
    void admit(ClientConnection connection) {
        ClientInfo client = connection.client();
        if (byId.containsKey(client.connection()) && !byId.get(client.connection()).getFirst().client().equals(client)) {
            throw new EngineException(ErrorCode.NOT_AUTHORIZED, "the connection id is in use by another client");
        }
        Optional<Session> session = Session.of(connection);
        if (session.isPresent() && sessions.contains(session.get())) {
            throw new EngineException(ErrorCode.SESSION_IN_USE, CloseReason.SESSION_IN_USE.reason());
        }
        try {
            connect(client);
        } catch (EngineException e) {
            throw e.code() == ErrorCode.REDUCER_FAILED
                    ? new EngineException(e.code(), "Connection rejected by `client_connected` reducer: " + e.getMessage())
                    : e;
        }
        synchronized (connections) {
            connections.add(connection);
        }
        byId.computeIfAbsent(client.connection(), id -> new ArrayList<>(1)).add(connection);
        session.ifPresent(sessions::add);
    }

    /** A WebSocket client is gone. Does nothing if it had not been admitted. */
    void leave(ClientConnection connection) {
        boolean admitted;
        synchronized (connections) {
            admitted = connections.remove(connection);
        }
        if (!admitted) {
            return;
        }
        subscriptions.remove(connection.subscriber());
        connection.releaseViews();
        Session.of(connection).ifPresent(sessions::remove);
        List<ClientConnection> same = byId.get(connection.client().connection());
        same.remove(connection);
        if (same.isEmpty()) {
            byId.remove(connection.client().connection());
            disconnect(connection.client());
        }
    }

    /** Number of WebSocket clients. Any thread. */
    int connectionCount() {
        synchronized (connections) {
            return connections.size();
        }
    }

    /** Tells every WebSocket client to go; completes when all have got what they will get. Any thread. */
    CompletableFuture<Void> closeAll(CloseReason reason) {
        List<ClientConnection> open;
        synchronized (connections) {
            open = new ArrayList<>(connections);
        }
        open.forEach(c -> c.subscriber().sink().close(reason));
        return CompletableFuture.allOf(
                open.stream().map(ClientConnection::whenEnded).toArray(CompletableFuture[]::new));
    }

    /**
     * Disconnects everybody, after a change that clients cannot follow: their subscriptions end, {@code client_disconnected}
     * of the program that runs now is called, and at last their connections are closed (spec/execution.md 8.3).
     */
    void expelAll(CloseReason reason) {
        List<ClientConnection> all = List.copyOf(connections);
        all.forEach(ClientConnection::end);
        all.forEach(this::leave);
        disconnectLeftovers();
        all.forEach(c -> c.subscriber().sink().close(reason));
    }

    /** Ends queries of tables that only the owner may see from now on. */
    void hide(List<TableSchema> hidden) {
        Set<Subscriber> ofOwner = connections.stream()
                .filter(c -> c.client().identity().equals(program.owner()))
                .map(ClientConnection::subscriber)
                .collect(Collectors.toSet());
        hidden.forEach(table -> subscriptions.tableHidden(table, s -> !ofOwner.contains(s)));
    }

    // ---- lifecycle ----

    /** Whether the program has something to do when a client comes or goes. Any thread. */
    boolean isAwaited() {
        return program.definition().lifecycleReducer(Lifecycle.ON_CONNECT).isPresent()
                || program.definition().lifecycleReducer(Lifecycle.ON_DISCONNECT).isPresent();
    }

    /**
     * Runs a call for a client that comes and goes with it (spec/http-api.md 6.11): in one transaction, which leaves nothing of
     * the client, if neither the program nor a subscriber could tell.
     */
    CallResult call(ClientInfo client, Function<Visit, CallResult> call) {
        if (!isAwaited() && !SystemTables.connectionTables().anyMatch(subscriptions::isWatched)) {
            ClientRow row = new ClientRow(client.identity(), client.connection());
            return call.apply(new Visit(
                    () -> catalog.addClient(transactor.tx(), row, client.jwtPayload()),
                    () -> catalog.removeClient(transactor.tx(), row)));
        }
        connect(client);
        try {
            return call.apply(new Visit(ReducerCalls.NOTHING, ReducerCalls.NOTHING));
        } finally {
            disconnect(client);
        }
    }

    /** What is left to do about a client in the transaction of its call. */
    record Visit(Runnable comes, Runnable goes) {
    }

    /** Enters a client and runs {@code client_connected}. Errors: REDUCER_FAILED. */
    void connect(ClientInfo client) {
        ClientRow row = new ClientRow(client.identity(), client.connection());
        Optional<ReducerDef> reducer = program.definition().lifecycleReducer(Lifecycle.ON_CONNECT);
        if (reducer.isEmpty()) {
            transactor.transact(ReducerCalls.noReducer(client, transactor.nowMicros()), () ->
                    catalog.addClient(transactor.tx(), row, client.jwtPayload()));
            return;
        }
        ReducerCall cause = ReducerCalls.cause(client, reducer.get(), transactor.nowMicros(), EncodedValue.EMPTY, 0);
        CallResult result = transactor.aboutConnections(() -> reducers.run(reducer.get(), client, new byte[0], cause, null,
                () -> catalog.addClient(transactor.tx(), row, client.jwtPayload()), () -> { }, updates -> { }));
        String refusal = switch (result) {
            case CallResult.Committed c -> null;
            case CallResult.Failed f -> f.message();
            case CallResult.Trapped t -> t.message();
            case CallResult.Refused r -> throw new EngineException(r.code(), r.message());
            case CallResult.TimedOut t -> "the call took too long";
        };
        if (refusal != null) {
            throw new EngineException(ErrorCode.REDUCER_FAILED, refusal);
        }
    }

    /** Runs {@code client_disconnected} and forgets the client, whatever happens. */
    void disconnect(ClientInfo client) {
        ClientRow row = new ClientRow(client.identity(), client.connection());
        if (!catalog.hasClient(transactor.view(), row)) {
            return;
        }
        Optional<ReducerDef> reducer = program.definition().lifecycleReducer(Lifecycle.ON_DISCONNECT);
        if (reducer.isPresent()) {
            ReducerCall cause = ReducerCalls.cause(client, reducer.get(), transactor.nowMicros(), EncodedValue.EMPTY, 0);
            try {
                CallResult result = transactor.aboutConnections(() -> reducers.run(
                        reducer.get(), client, new byte[0], cause, null,
                        () -> { }, () -> catalog.removeClient(transactor.tx(), row), updates -> { }));
                if (result instanceof CallResult.Committed) {
                    return;
                }
            } catch (EngineException e) {
                if (Database.isFatal(e)) {
                    throw e;
                }
                log.hostError(reducer.get().name(), Database.now(), e.getMessage());
            }
        }
        transactor.transact(
                ReducerCalls.noReducer(client, transactor.nowMicros()), () -> catalog.removeClient(transactor.tx(), row));
    }

    /** Disconnects the clients that a crash left. */
    void disconnectLeftovers() {
        for (ClientRow client : catalog.clients(transactor.view())) {
            String jwt = catalog.jwtPayload(transactor.view(), client.connection()).orElse("");
            disconnect(new ClientInfo(client.identity(), client.connection(), jwt));
        }
    }
}
