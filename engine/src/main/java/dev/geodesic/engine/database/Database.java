package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.ClientRow;
import dev.geodesic.engine.catalog.ModuleRow;
import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.TxRecord;
import dev.geodesic.engine.host.ReducerOutcome;
import dev.geodesic.engine.modulelog.ModuleLog;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.query.Caller;
import dev.geodesic.engine.query.DmlPlan;
import dev.geodesic.engine.query.SelectPlan;
import dev.geodesic.engine.query.SqlEngine;
import dev.geodesic.engine.query.SqlResult;
import dev.geodesic.engine.query.SqlStatement;
import dev.geodesic.engine.schema.Lifecycle;
import dev.geodesic.engine.schema.MigrationPlan;
import dev.geodesic.engine.schema.MigrationPlanner;
import dev.geodesic.engine.schema.ModuleDef;
import dev.geodesic.engine.schema.ReducerDef;
import dev.geodesic.engine.schema.TableDef;
import dev.geodesic.engine.schema.Visibility;
import dev.geodesic.engine.subscription.ConfirmedGate;
import dev.geodesic.engine.subscription.Subscriber;
import dev.geodesic.engine.subscription.Subscriptions;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * One database: its state, log, module and subscriptions behind one writer thread. Public methods may be called from any
 * thread; what they promise is done on the writer, in the order of the calls.
 *
 * <p>An error of a caller (bad arguments, a failing reducer) is answered and forgotten. A broken invariant or a failing
 * log stops this database and no other: its connections are closed, every later call gets DATABASE_STOPPED, and
 * {@link #failure} says why.
 */
public final class Database implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Database.class.getName());
    private static final EngineException STOPPED =
            new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped");
    /** A record buffer that grew beyond this is not kept. */
    private static final int KEEP_RECORD_BYTES = 1 << 20;

    private final Identity identity;
    private final Limits limits;
    private final SqlEngine sql;
    private final CommittedState committed;
    private final Catalog catalog;
    private final MutTx tx;
    private final Durability durability;
    private final ModuleLog log;
    private final Subscriptions subscriptions;
    private final ConfirmedGate gate;
    private final Writer writer;
    private final Set<ClientConnection> connections = new LinkedHashSet<>();
    private BsatnWriter record = new BsatnWriter(4096);
    private volatile LoadedModule module;
    private volatile Identity owner = Identity.ZERO;
    private volatile Throwable failure;

    /**
     * Opens a database over a recovered, or empty, state. Call {@link #initialize} or {@link #resume} next.
     *
     * @param largeStackThreads makes the writer, on which guests run
     */
    Database(
            Identity identity,
            Limits limits,
            CommittedState committed,
            Catalog catalog,
            Durability durability,
            ModuleLog log,
            ThreadFactory largeStackThreads) {
        this.identity = identity;
        this.limits = limits;
        this.sql = new SqlEngine(limits);
        this.committed = committed;
        this.catalog = catalog;
        this.tx = new MutTx(committed, limits, catalog);
        this.durability = durability;
        this.log = log;
        this.subscriptions = new Subscriptions(limits);
        this.gate = new ConfirmedGate(durability.durableOffset());
        durability.listen(gate::durable, this::fail);
        this.writer = new Writer(identity.toHex().substring(0, 12), largeStackThreads, this::fail);
    }

    // ---- what it is ----

    public Identity identity() {
        return identity;
    }

    /** Who published it. */
    public Identity owner() {
        return owner;
    }

    /** Hash of the program that runs. */
    public Identity programHash() {
        return module.hash();
    }

    /** What the program declares. */
    public ModuleDef definition() {
        return module.definition();
    }

    byte[] program() {
        return module.program();
    }

    public ModuleLog log() {
        return log;
    }

    /** Offset of the last transaction on stable storage; {@code Long.MAX_VALUE} in memory. */
    public long durableOffset() {
        return durability.durableOffset();
    }

    /** Why the database stopped by itself, if it did. */
    public Optional<Throwable> failure() {
        return Optional.ofNullable(failure);
    }

    /** Tasks that wait for the writer. */
    public int queueDepth() {
        return writer.depth();
    }

    /** Bytes of rows and indexes. */
    public long memoryBytes() {
        try (CommittedState.Snapshot snapshot = committed.read()) {
            return snapshot.memoryBytes();
        }
    }

    public Limits limits() {
        return limits;
    }

    SqlEngine sqlEngine() {
        return sql;
    }

    Subscriptions subscriptions() {
        return subscriptions;
    }

    /** Committed state for the writer. */
    ReadView view() {
        return committed.writerView();
    }

    /** Offset of the last transaction, -1 before the first. Writer thread. */
    long lastTxOffset() {
        return committed.nextTxOffset() - 1;
    }

    // ---- the writer ----

    private abstract static class Answered<T> implements Writer.Task {

        private final CompletableFuture<T> answer = new CompletableFuture<>();

        abstract T call();

        @Override
        public void run() {
            try {
                answer.complete(call());
            } catch (EngineException e) {
                answer.completeExceptionally(e);
                if (isFatal(e)) {
                    throw e;
                }
            } catch (Throwable e) {
                answer.completeExceptionally(new EngineException(ErrorCode.INTERNAL, "internal error", e));
                throw e;
            }
        }

        @Override
        public void refuse(EngineException reason) {
            answer.completeExceptionally(reason);
        }
    }

    static boolean isFatal(EngineException e) {
        return e.code() == ErrorCode.INTERNAL || e.code() == ErrorCode.STORAGE_FAILED;
    }

    private <T> CompletableFuture<T> onWriter(Supplier<T> work) {
        Answered<T> task = new Answered<>() {
            @Override
            T call() {
                return work.get();
            }
        };
        writer.submit(task);
        return task.answer;
    }

    void submit(Writer.Task task) {
        writer.submit(task);
    }

    /** Any thread; only the first failure counts. */
    private void fail(Throwable cause) {
        synchronized (gate) {
            if (failure != null) {
                return;
            }
            failure = cause;
        }
        String text = cause instanceof EngineException e ? e.describe() : cause.toString();
        LOG.log(System.Logger.Level.ERROR, "database " + identity + " has stopped: " + text, cause);
        writer.stop(new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped: " + text));
        gate.fail(CloseReason.MODULE_EXITED);
        synchronized (connections) {
            connections.forEach(c -> c.subscriber().sink().close(CloseReason.MODULE_EXITED));
        }
    }

    // ---- transactions, on the writer ----

    /** A call's cause for messages of protocol version 1, where nothing called. */
    private ReducerCall noReducer(ClientInfo client) {
        return new ReducerCall(
                now(), client.identity(), ConnectionId.NONE, "", ReducerCall.UNKNOWN_REDUCER, EncodedValue.EMPTY, 0, 0, 0, true);
    }

    /** Applies, logs and broadcasts the open transaction; returns what {@code caller} sees of it. */
    private List<QuerySetUpdate> commit(ReducerCall cause, Subscriber caller) {
        TxData data = tx.finish();
        if (data.isEmpty()) {
            tx.end();
            return List.of();
        }
        try {
            long txOffset = committed.apply(data);
            tx.end();
            record.clear();
            TxRecord.write(data, record);
            durability.append(txOffset, record.buffer(), 0, record.length());
            if (record.buffer().length > KEEP_RECORD_BYTES) {
                record = new BsatnWriter(4096);
            }
            boolean nameCaller = module != null && module.definition().version() < 10;
            return subscriptions.broadcast(data, txOffset, cause, nameCaller, caller);
        } catch (EngineException e) {
            // Whatever it was: tables, log and clients may say different things now.
            throw isFatal(e) ? e : new EngineException(ErrorCode.INTERNAL, "a commit failed: " + e.getMessage(), e);
        }
    }

    /** Runs work in a transaction and commits it; rolls back if it throws. */
    private <T> T transact(ReducerCall cause, Supplier<T> work) {
        tx.begin();
        T result;
        try {
            result = work.get();
        } catch (Throwable e) {
            tx.rollback();
            throw e;
        }
        commit(cause, null);
        return result;
    }

    /**
     * Runs a reducer in a transaction of its own. {@code before} and {@code after} work in the same transaction.
     *
     * @param updates receives what {@code caller} sees of the transaction
     */
    CallResult runReducer(
            ReducerDef reducer,
            ClientInfo client,
            byte[] arguments,
            ReducerCall cause,
            Subscriber caller,
            Runnable before,
            Runnable after,
            Consumer<List<QuerySetUpdate>> updates) {
        long start = System.nanoTime();
        tx.begin();
        ReducerOutcome outcome;
        try {
            before.run();
            outcome = module.call(tx, reducer, client, cause.timestampMicros(), arguments, c -> catalog.jwtPayload(tx, c));
            if (outcome instanceof ReducerOutcome.Committed) {
                after.run();
            }
        } catch (Throwable e) {
            tx.rollback();
            throw e;
        }
        if (outcome instanceof ReducerOutcome.Committed) {
            updates.accept(commit(cause.withDuration(micros(start)), caller));
            return new CallResult.Committed(lastTxOffset(), micros(start));
        }
        tx.rollback();
        return switch (outcome) {
            case ReducerOutcome.Failed failed -> {
                log.hostError(reducer.name(), cause.timestampMicros(), failed.message());
                yield new CallResult.Failed(failed.message(), micros(start));
            }
            case ReducerOutcome.TimedOut timedOut -> {
                log.hostError(reducer.name(), now(), "the call took longer than " + limits.callMillisMax() + " ms");
                yield new CallResult.TimedOut(micros(start));
            }
            case ReducerOutcome.Trapped trapped -> {
                log.hostError(reducer.name(), now(), trapped.message());
                yield new CallResult.Trapped(CallResult.FATAL_ERROR, micros(start));
            }
            case ReducerOutcome.Committed done -> throw new IllegalStateException();
        };
    }

    private static long micros(long startNanos) {
        return (System.nanoTime() - startNanos) / 1000;
    }

    static long now() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
    }

    // ---- calls ----

    /**
     * A reducer that {@code client} may call, by canonical name.
     *
     * @throws EngineException NO_SUCH_REDUCER, also for private ones; LIFECYCLE_REDUCER
     */
    ReducerDef callable(String name, ClientInfo client) {
        ReducerDef reducer = module.definition().reducer(name).orElse(null);
        if (reducer == null) {
            log.hostError(name, now(), "External attempt to call nonexistent reducer \"" + name
                    + "\" failed. Have you run `spacetime generate` recently?");
            throw new EngineException(ErrorCode.NO_SUCH_REDUCER, "no such reducer");
        }
        if (reducer.lifecycle().isPresent()) {
            throw new EngineException(
                    ErrorCode.LIFECYCLE_REDUCER,
                    "can't directly call special " + reducer.lifecycle().get().text() + " lifecycle reducer");
        }
        if (reducer.visibility() == Visibility.PRIVATE && !client.identity().equals(owner)) {
            throw new EngineException(ErrorCode.NO_SUCH_REDUCER, "no such reducer");
        }
        return reducer;
    }

    /** Checks arguments. Errors: INVALID_ARGUMENTS. */
    CallArguments arguments(ReducerDef reducer, Arguments arguments) {
        try {
            return CallArguments.check(reducer, arguments);
        } catch (EngineException e) {
            log.hostError(reducer.name(), now(), "External attempt to call reducer \"" + reducer.name()
                    + "\" failed, invalid arguments.\nThis is likely due to a mismatched client schema, have you run "
                    + "`spacetime generate` recently?");
            throw e;
        }
    }

    /**
     * Calls a reducer for one request: connect, call, disconnect (spec/http-api.md 6.11).
     *
     * @return completes with the result, or exceptionally with an {@link EngineException}: NO_SUCH_REDUCER,
     *     LIFECYCLE_REDUCER, INVALID_ARGUMENTS, REDUCER_FAILED if {@code client_connected} refused, DATABASE_STOPPED
     */
    public CompletableFuture<CallResult> call(ClientInfo client, String name, Arguments arguments) {
        long timestamp = now();
        return onWriter(() -> {
            connect(client);
            try {
                ReducerDef reducer = callable(name, client);
                CallArguments checked = arguments(reducer, arguments);
                ReducerCall cause = cause(client, reducer, timestamp, checked, 0);
                return runReducer(reducer, client, checked.bsatn(), cause, null, () -> { }, () -> { }, updates -> { });
            } finally {
                disconnect(client);
            }
        });
    }

    ReducerCall cause(ClientInfo client, ReducerDef reducer, long timestamp, EncodedValue arguments, int requestId) {
        return new ReducerCall(
                timestamp, client.identity(), client.connection(), reducer.name(), reducer.id(), arguments, requestId, 0, 0,
                true);
    }

    // ---- SQL ----

    /**
     * Runs one statement for one request: connect, run, disconnect (spec/http-api.md 6.12). Blocks; reads run on the
     * calling thread beside other readers, writes on the writer. Errors: SQL and those of {@link #call}.
     */
    public SqlAnswer sql(ClientInfo client, String text) {
        Caller caller = new Caller(client.identity(), client.identity().equals(owner));
        join(onWriter(() -> {
            connect(client);
            return null;
        }));
        try {
            long start = System.nanoTime();
            try (CommittedState.Snapshot snapshot = committed.read()) {
                SqlStatement statement = sql.prepare(text, snapshot.view(), caller);
                if (statement instanceof SelectPlan select) {
                    SqlResult result = select.execute(snapshot.view());
                    return new SqlAnswer(result, snapshot.nextTxOffset() - 1, micros(start));
                }
            }
            return join(onWriter(() -> {
                SqlResult result = transact(noReducer(client), () ->
                        ((DmlPlan) sql.prepare(text, tx, caller)).execute(tx));
                return new SqlAnswer(result, lastTxOffset(), micros(start));
            }));
        } finally {
            onWriter(() -> {
                disconnect(client);
                return null;
            });
        }
    }

    /** Completes when a transaction is on stable storage, or exceptionally with DATABASE_STOPPED. */
    public CompletableFuture<Void> whenDurable(long txOffset) {
        return gate.whenDurable(txOffset);
    }

    /** Waits until a transaction is on stable storage. Errors: STORAGE_FAILED, DATABASE_STOPPED. */
    public void awaitDurable(long txOffset) {
        if (durability.durableOffset() < txOffset) {
            join(gate.whenDurable(txOffset));
        }
    }

    static <T> T join(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof EngineException engine) {
                throw engine;
            }
            throw e;
        }
    }

    // ---- clients ----

    /**
     * Connects a WebSocket client: runs {@code client_connected}, then sends the first message. The connection may be used
     * at once; what it is given waits its turn, and is dropped if the module refuses the client. A refused client's sink is
     * closed with the reason.
     *
     * @param token what the first message shows
     */
    public ClientConnection connect(ClientInfo client, ConnectionOptions options, ClientSink sink, String token) {
        ConfirmedGate.Lane lane = options.confirmed() ? gate.lane(sink) : null;
        ClientConnection connection =
                new ClientConnection(this, client, new Subscriber(sink, lane, options.v1(), options.light()));
        writer.submit(new Writer.Task() {
            @Override
            public void run() {
                try {
                    admit(connection, token);
                } catch (EngineException e) {
                    connection.refuse(isFatal(e) ? STOPPED : e);
                    if (isFatal(e)) {
                        throw e;
                    }
                } catch (Throwable e) {
                    connection.refuse(STOPPED);
                    throw e;
                }
            }

            @Override
            public void refuse(EngineException reason) {
                connection.refuse(reason);
            }
        });
        return connection;
    }

    private void admit(ClientConnection connection, String token) {
        ClientInfo client = connection.client();
        for (ClientConnection other : connections) {
            if (other.client().connection().equals(client.connection()) && !other.client().equals(client)) {
                throw new EngineException(ErrorCode.NOT_AUTHORIZED, "the connection id is in use by another client");
            }
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
        if (failure != null) {
            // It may have come before the connection could be told.
            throw STOPPED;
        }
        connection.greet(token);
    }

    /** Enters a client and runs {@code client_connected}. Writer thread. Errors: REDUCER_FAILED. */
    private void connect(ClientInfo client) {
        ClientRow row = new ClientRow(client.identity(), client.connection());
        Optional<ReducerDef> reducer = module.definition().lifecycleReducer(Lifecycle.ON_CONNECT);
        if (reducer.isEmpty()) {
            transact(noReducer(client), () -> {
                catalog.addClient(tx, row, client.jwtPayload());
                return null;
            });
            return;
        }
        ReducerCall cause = cause(client, reducer.get(), now(), EncodedValue.EMPTY, 0);
        CallResult result = runReducer(reducer.get(), client, new byte[0], cause, null,
                () -> catalog.addClient(tx, row, client.jwtPayload()), () -> { }, updates -> { });
        String refusal = switch (result) {
            case CallResult.Committed c -> null;
            case CallResult.Failed f -> f.message();
            case CallResult.Trapped t -> t.message();
            case CallResult.TimedOut t -> "the call took too long";
        };
        if (refusal != null) {
            throw new EngineException(ErrorCode.REDUCER_FAILED, refusal);
        }
    }

    /** Runs {@code client_disconnected} and forgets the client, whatever happens. Writer thread. */
    private void disconnect(ClientInfo client) {
        ClientRow row = new ClientRow(client.identity(), client.connection());
        if (!catalog.hasClient(view(), row)) {
            return;
        }
        Optional<ReducerDef> reducer = module.definition().lifecycleReducer(Lifecycle.ON_DISCONNECT);
        if (reducer.isPresent()) {
            ReducerCall cause = cause(client, reducer.get(), now(), EncodedValue.EMPTY, 0);
            try {
                CallResult result = runReducer(reducer.get(), client, new byte[0], cause, null,
                        () -> { }, () -> catalog.removeClient(tx, row), updates -> { });
                if (result instanceof CallResult.Committed) {
                    return;
                }
            } catch (EngineException e) {
                if (isFatal(e)) {
                    throw e;
                }
                log.hostError(reducer.get().name(), now(), e.getMessage());
            }
        }
        transact(noReducer(client), () -> {
            catalog.removeClient(tx, row);
            return null;
        });
    }

    /** A connection ended. Any thread; the first call counts. */
    void disconnected(ClientConnection connection) {
        onWriter(() -> {
            boolean admitted;
            synchronized (connections) {
                admitted = connections.remove(connection);
            }
            if (!admitted) {
                return null;
            }
            subscriptions.remove(connection.subscriber());
            boolean shared = connections.stream().anyMatch(c -> c.client().equals(connection.client()));
            if (!shared) {
                disconnect(connection.client());
            }
            return null;
        });
    }

    /** Number of WebSocket clients. */
    public int connectionCount() {
        synchronized (connections) {
            return connections.size();
        }
    }

    // ---- programs ----

    /**
     * Creates the tables of a first program and runs {@code init}, in one transaction. Errors: REDUCER_FAILED with the text
     * of {@code init}; nothing was committed then.
     */
    CompletableFuture<Void> initialize(LoadedModule first, Identity newOwner) {
        long timestamp = now();
        return onWriter(() -> {
            module = first;
            owner = newOwner;
            ClientInfo client = new ClientInfo(newOwner, ConnectionId.NONE, "");
            Runnable tables = () -> {
                for (TableDef table : first.definition().tables()) {
                    catalog.createTable(tx, table.toSchema(catalog));
                }
                catalog.setModule(tx, new ModuleRow(identity, newOwner, first.hash(), first.program()));
            };
            Optional<ReducerDef> init = first.definition().lifecycleReducer(Lifecycle.INIT);
            if (init.isEmpty()) {
                transact(noReducer(client), () -> {
                    tables.run();
                    return null;
                });
                return null;
            }
            ReducerCall cause = cause(client, init.get(), timestamp, EncodedValue.EMPTY, 0);
            CallResult result =
                    runReducer(init.get(), client, new byte[0], cause, null, tables, () -> { }, updates -> { });
            switch (result) {
                case CallResult.Committed c -> { }
                case CallResult.Failed f -> throw new EngineException(ErrorCode.REDUCER_FAILED, f.message());
                case CallResult.Trapped t -> throw new EngineException(ErrorCode.REDUCER_FAILED, t.message());
                case CallResult.TimedOut t ->
                    throw new EngineException(ErrorCode.REDUCER_FAILED, "the init reducer ran into its deadline");
            }
            return null;
        });
    }

    /** Takes a recovered database into service: disconnects the clients that a crash left (spec/execution.md 10). */
    CompletableFuture<Void> resume(LoadedModule stored, Identity storedOwner) {
        return onWriter(() -> {
            module = stored;
            owner = storedOwner;
            for (ClientRow client : catalog.clients(view())) {
                String jwt = catalog.jwtPayload(view(), client.connection()).orElse("");
                disconnect(new ClientInfo(client.identity(), client.connection(), jwt));
            }
            return null;
        });
    }

    /** Offset of the last transaction once everything queued so far has run. */
    CompletableFuture<Long> committedOffset() {
        return onWriter(this::lastTxOffset);
    }

    /** A call that the module asked for, with the database as caller (spec/module-abi.md 5.8). Any thread. */
    void callImmediately(String name, byte[] arguments) {
        onWriter(() -> {
            ClientInfo client = new ClientInfo(identity, ConnectionId.NONE, "");
            Optional<ReducerDef> reducer = module.definition().reducer(name);
            if (reducer.isEmpty()) {
                log.hostError(name, now(), "immediate call of unknown reducer \"" + name + "\"");
                return null;
            }
            CallArguments checked = arguments(reducer.get(), new Arguments.Bsatn(arguments));
            ReducerCall cause = cause(client, reducer.get(), now(), checked, 0);
            runReducer(reducer.get(), client, checked.bsatn(), cause, null, () -> { }, () -> { }, updates -> { });
            return null;
        });
    }

    /** The program as stored. Before the writer has work, or on it. */
    Optional<ModuleRow> storedModule() {
        return catalog.module(view());
    }

    /**
     * Replaces the program. Connections and subscriptions live on.
     *
     * @return completes with the offset of the transaction, or exceptionally with MIGRATION_REFUSED: the old program runs on
     */
    CompletableFuture<Long> update(LoadedModule next) {
        return onWriter(() -> {
            LoadedModule old = module;
            MigrationPlan plan = MigrationPlanner.plan(old.definition(), next.definition());
            ClientInfo client = new ClientInfo(owner, ConnectionId.NONE, "");
            transact(noReducer(client), () -> {
                for (TableDef table : plan.addedTables()) {
                    catalog.createTable(tx, table.toSchema(catalog));
                }
                catalog.setModule(tx, new ModuleRow(identity, owner, next.hash(), next.program()));
                return null;
            });
            module = next;
            old.close();
            return lastTxOffset();
        });
    }

    /** Ends every connection, finishes what runs, and releases the memory. What waits is refused. */
    @Override
    public void close() {
        List<ClientConnection> open;
        synchronized (connections) {
            open = new ArrayList<>(connections);
        }
        open.forEach(c -> c.subscriber().sink().close(CloseReason.MODULE_EXITED));
        writer.close();
        durability.close();
        gate.fail(CloseReason.MODULE_EXITED);
        if (module != null) {
            module.close();
        }
        log.close();
        committed.close();
    }
}
