package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.ModuleRow;
import dev.geodesic.engine.durability.DiskWatch;
import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.LogFiles;
import dev.geodesic.engine.egress.HttpEgress;
import dev.geodesic.engine.host.http.HttpHeader;
import dev.geodesic.engine.host.http.HttpMethod;
import dev.geodesic.engine.host.http.HttpRequest;
import dev.geodesic.engine.host.http.HttpVersion;
import dev.geodesic.engine.modulelog.ModuleLog;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.port.Timer;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.engine.procedure.ProcedureReturn;
import dev.geodesic.engine.query.Caller;
import dev.geodesic.engine.query.DmlPlan;
import dev.geodesic.engine.query.SelectPlan;
import dev.geodesic.engine.query.SqlDescription;
import dev.geodesic.engine.query.SqlEngine;
import dev.geodesic.engine.query.SqlResult;
import dev.geodesic.engine.query.SqlStatement;
import dev.geodesic.engine.schema.ModuleDef;
import dev.geodesic.engine.schema.ProcedureDef;
import dev.geodesic.engine.schema.ReducerDef;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.snapshot.Snapshotter;
import dev.geodesic.engine.subscription.ConfirmedGate;
import dev.geodesic.engine.subscription.Subscriber;
import dev.geodesic.engine.subscription.Subscriptions;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.SnapshotView;
import dev.geodesic.engine.view.ViewKey;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.SatsJson;
import java.time.Clock;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
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
    static final EngineException STOPPED =
            new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped");
    private static final EngineException STOPPING =
            new EngineException(ErrorCode.DATABASE_STOPPED, "the server is stopping");
    private static final int LOOK_UP_CHARS_MAX = 4 << 10;
    private static final long WRITER_END_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Identity identity;
    private final Limits limits;
    private final SqlEngine sql;
    private final CommittedState committed;
    private final Catalog catalog;
    private final Durability durability;
    private final Optional<Snapshotter> snapshots;
    private final LargeReads largeReads;
    private final ModuleLog log;
    private final Subscriptions subscriptions;
    private final ConfirmedGate gate;
    private final Writer writer;
    private final Program program = new Program();
    private final Transactor transactor;
    private final ReducerCalls reducers;
    private final Clients clients;
    private final MaterializedViews views;
    private final Procedures procedures;
    private final ScheduledCalls schedules;
    private final Installer installer;
    private final AtomicBoolean freeing = new AtomicBoolean();
    private volatile Throwable failure;
    private volatile boolean draining;
    private volatile boolean released;

    /**
     * Opens a database over a recovered, or empty, state. Call {@link #initialize} or {@link #resume} next.
     *
     * @param largeStackThreads makes the writer, on which guests run
     * @param durability its end is that of the snapshots, too
     * @param timer when scheduled calls are due
     * @param readers runs large reads
     * @param disk where the log is written
     * @param resources what the database may use
     */
    Database(
            Identity identity,
            Limits limits,
            CommittedState committed,
            Catalog catalog,
            Durability durability,
            Optional<Snapshotter> snapshots,
            ModuleLog log,
            ThreadFactory largeStackThreads,
            Clock clock,
            Timer timer,
            ProcedureOptions procedureOptions,
            HttpEgress egress,
            Executor readers,
            DiskWatch disk,
            ResourceOptions resources) {
        this.identity = identity;
        this.limits = limits;
        this.sql = new SqlEngine(limits);
        this.committed = committed;
        this.catalog = catalog;
        this.durability = durability;
        this.snapshots = snapshots;
        this.largeReads = new LargeReads(committed, limits, readers);
        this.log = log;
        this.subscriptions = new Subscriptions(limits, committed.writerView());
        this.gate = new ConfirmedGate(durability.durableOffset());
        this.transactor = new Transactor(limits, committed, catalog, durability, subscriptions, clock, disk);
        this.reducers = new ReducerCalls(limits, transactor, catalog, log, program);
        this.clients = new Clients(transactor, catalog, program, reducers, log, subscriptions);
        this.procedures = new Procedures(
                limits, procedureOptions, egress, largeStackThreads, program, log,
                new Procedures.Writing(identity, transactor, catalog, log, this::submit, this::fail));
        this.schedules = new ScheduledCalls(
                identity, timer, committed, transactor, program, reducers, procedures, log, this::submit);
        transactor.join(schedules);
        this.views = new MaterializedViews(identity, limits, sql, timer, transactor, catalog, log, this::submit);
        transactor.join(views);
        transactor.join(largeReads);
        this.installer = new Installer(
                identity, limits, transactor, catalog, program, reducers, clients, log, procedures, schedules, views);
        durability.listen(gate::durable, this::fail);
        this.writer = new Writer(
                identity.toHex().substring(0, 12), largeStackThreads, resources.writerTasksMax(), gate::awaitRoom,
                durability::flush, this::fail);
        committed.limitMemory(resources.databaseBytesMax());
        committed.onUnneeded(this::freeSoon);
    }

    // ---- what it is ----

    public Identity identity() {
        return identity;
    }

    /** Who published it. */
    public Identity owner() {
        return program.owner();
    }

    /** Hash of the program that runs. */
    public Identity programHash() {
        return program.module().hash();
    }

    /** What the program declares. */
    public ModuleDef definition() {
        return program.definition();
    }

    byte[] program() {
        return program.module().program();
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

    /** Messages to clients with confirmed reads that wait for the disk. */
    public int unconfirmedMessages() {
        return gate.waitingMessages();
    }

    /** Bytes of rows and indexes. */
    public long memoryBytes() {
        return committed.stores().memory().bytes();
    }

    /** Takes its snapshots; empty if the server takes none. */
    public Optional<Snapshotter> snapshots() {
        return snapshots;
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

    MaterializedViews views() {
        return views;
    }

    LargeReads largeReads() {
        return largeReads;
    }

    Transactor transactor() {
        return transactor;
    }

    ReducerCalls reducers() {
        return reducers;
    }

    Procedures procedures() {
        return procedures;
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

    /** As {@link #onWriter}, for what comes from outside. Completes also with BUSY. */
    private <T> CompletableFuture<T> fromOutside(Supplier<T> work) {
        if (draining) {
            return CompletableFuture.failedFuture(STOPPING);
        }
        if (!writer.hasRoom()) {
            return CompletableFuture.failedFuture(new EngineException(
                    ErrorCode.BUSY, "too many requests wait for the database (setting geodesic.limits.database.queue)"));
        }
        return onWriter(work);
    }

    /** Whether the writer's queue has room for something from outside. */
    boolean hasRoom() {
        return writer.hasRoom();
    }

    void submit(Writer.Task task) {
        writer.submit(task);
    }

    /** The end of a long read lets rows go. Every transaction frees some; this is for when there is none. */
    private void freeSoon() {
        if (freeing.compareAndSet(false, true)) {
            onWriter(() -> {
                freeing.set(false);
                if (committed.freeUnneeded()) {
                    freeSoon();
                }
                return null;
            });
        }
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
        // Of a state that may be wrong there must be none.
        snapshots.ifPresent(Snapshotter::stop);
        schedules.close();
        views.close();
        writer.stop(new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped: " + text));
        gate.fail(CloseReason.MODULE_EXITED);
        clients.closeAll(CloseReason.MODULE_EXITED);
        // One of them may hold the writer.
        procedures.stop();
    }

    /** Of lines in logs. */
    static long now() {
        return micros(Instant.now());
    }

    /** Microseconds since 1970. */
    static long micros(Instant instant) {
        return instant.getEpochSecond() * 1_000_000 + instant.getNano() / 1000;
    }

    // ---- calls ----

    /**
     * Calls a reducer for one request: connect, call, disconnect (spec/http-api.md 6.11).
     *
     * @return completes with the result, or exceptionally with an {@link EngineException}: NO_SUCH_REDUCER,
     *     LIFECYCLE_REDUCER, INVALID_ARGUMENTS, REDUCER_FAILED if {@code client_connected} refused, DATABASE_STOPPED
     */
    public CompletableFuture<CallResult> call(ClientInfo client, String name, Arguments arguments) {
        long timestamp = transactor.nowMicros();
        return fromOutside(() -> clients.call(client, visit -> {
            ReducerDef reducer = reducers.callable(name, client);
            CallArguments checked = reducers.arguments(reducer, arguments, true);
            return reducers.run(
                    reducer, client, checked.bsatn(), ReducerCalls.cause(client, reducer, timestamp, checked, 0), null,
                    visit.comes(), visit.goes(), updates -> { });
        }));
    }

    /**
     * Calls a reducer or a procedure for one request: connect, call, disconnect (spec/http-api.md 6.11).
     *
     * @return completes with the result, or exceptionally as {@link #call}; for procedures also with NO_SUCH_PROCEDURE,
     *     PROCEDURE_FAILED and GUEST_TIMEOUT with a text for the caller, or LIMIT_EXCEEDED if too many calls wait
     */
    public CompletableFuture<CallAnswer> callFunction(ClientInfo client, String name, Arguments arguments) {
        if (definition().procedure(name).isEmpty()) {
            return call(client, name, arguments).thenApply(CallAnswer.OfReducer::new);
        }
        long timestamp = transactor.nowMicros();
        return fromOutside(() -> {
            clients.connect(client);
            try {
                ProcedureDef procedure = procedures.callable(name, client);
                return procedures.call(procedure, client, timestamp, procedures.arguments(procedure, arguments))
                        .thenApply(value -> answer(procedure, value));
            } catch (EngineException e) {
                return CompletableFuture.<CallAnswer>failedFuture(e);
            }
        }).thenCompose(answer -> answer.handle((value, failure) -> onWriter(() -> {
            clients.disconnect(client);
            return null;
        })).thenCompose(disconnected -> disconnected).thenCompose(nothing -> answer));
    }

    private static CallAnswer answer(ProcedureDef procedure, ProcedureReturn<byte[]> value) {
        return new CallAnswer.OfProcedure(
                SatsJson.toString(procedure.returnType(), value.value(), SatsJson.Flavor.UNTYPED),
                value.lastTxOffset(), value.durationMicros());
    }

    /**
     * Has a module's HTTP handler answer a request.
     *
     * @return completes with what the module answers, or exceptionally: NO_SUCH_ROUTE; PROCEDURE_FAILED and GUEST_TIMEOUT
     *     with a text for the caller; LIMIT_EXCEEDED if too many calls wait; DATABASE_STOPPED
     */
    public CompletableFuture<HandlerAnswer> handle(HandlerRequest request) {
        HttpRequest handed = new HttpRequest(
                new HttpMethod(request.method()),
                request.headers().stream().map(h -> new HttpHeader(h.name(), h.value())).toList(),
                OptionalLong.empty(), request.uri(), request.http10() ? HttpVersion.HTTP_1_0 : HttpVersion.HTTP_1_1);
        return fromOutside(() -> procedures.handle(request.path(), handed, request.body()))
                .thenCompose(answer -> answer)
                .thenApply(returned -> new HandlerAnswer(
                        returned.value().response().code(),
                        returned.value().response().headers().stream()
                                .map(h -> new HandlerAnswer.Header(h.name(), h.value())).toList(),
                        returned.value().body()));
    }

    // ---- SQL ----

    /**
     * Runs one statement for one request: connect, run, disconnect (spec/http-api.md 6.12). Blocks; reads run on the
     * calling thread beside the writer, writes on it. Errors: SQL and those of {@link #call}.
     */
    public SqlAnswer sql(ClientInfo client, String text) {
        return sql(client, sql::prepare, text);
    }

    /** As {@link #sql(ClientInfo, String)}, with values for {@code $1}, {@code $2}... (see {@link SqlEngine}). */
    public SqlAnswer sql(ClientInfo client, String text, List<String> parameters) {
        return sql(client, (sqlText, view, as) -> sql.prepare(sqlText, view, as, parameters), text);
    }

    @FunctionalInterface
    private interface Compiler {
        SqlStatement compile(String text, ReadView view, Caller caller);
    }

    private SqlAnswer sql(ClientInfo client, Compiler compiler, String text) {
        Caller caller = caller(client.identity());
        join(fromOutside(() -> {
            clients.connect(client);
            return null;
        }));
        try {
            long start = System.nanoTime();
            Optional<SqlAnswer> answer = select(compiler, text, caller, start);
            if (answer.isPresent()) {
                return answer.get();
            }
            return join(onWriter(() -> {
                MutTx tx = transactor.tx();
                SqlResult result = transactor.transact(ReducerCalls.noReducer(client, transactor.nowMicros()), () ->
                        ((DmlPlan) compiler.compile(text, tx, caller)).execute(tx));
                return new SqlAnswer(result, transactor.lastTxOffset(), ReducerCalls.micros(start));
            }));
        } finally {
            onWriter(() -> {
                clients.disconnect(client);
                return null;
            });
        }
    }

    /**
     * Runs a SELECT that only looks rows up by unique keys, without a thread of its own; empty for any other statement and for
     * one that fails, which {@link #sql(ClientInfo, String)} is for. If the program does not want to know who connects, nobody
     * could tell that the client was there: it is not entered, and the answer is there at once. Never blocks.
     *
     * @return completes exceptionally as {@link #sql(ClientInfo, String)} throws, or with BUSY if the program changes meanwhile
     */
    public Optional<CompletableFuture<SqlAnswer>> lookUp(ClientInfo client, String text) {
        if (text.length() > LOOK_UP_CHARS_MAX || draining || failure != null || !program.isLoaded()) {
            return Optional.empty();
        }
        long start = System.nanoTime();
        LoadedModule prepared = program.module();
        SelectPlan select;
        try (SnapshotView snapshot = committed.openSnapshot(limits.reads())) {
            if (!(sql.prepare(text, snapshot, caller(client.identity())) instanceof SelectPlan plan && plan.isLookUp())) {
                return Optional.empty();
            }
            select = plan;
            if (!clients.isAwaited()) {
                return Optional.of(CompletableFuture.completedFuture(answer(select, snapshot, snapshot.nextTxOffset(), start)));
            }
        } catch (EngineException | IllegalStateException e) {
            return Optional.empty();
        }
        return Optional.of(fromOutside(() -> {
            clients.connect(client);
            try {
                if (program.module() != prepared) {
                    throw new EngineException(ErrorCode.BUSY, "the module has just been updated; try again");
                }
                return answer(select, transactor.view(), transactor.lastTxOffset() + 1, start);
            } finally {
                clients.disconnect(client);
            }
        }));
    }

    private SqlAnswer answer(SelectPlan select, ReadView view, long nextTxOffset, long start) {
        SqlResult result = select.execute(view);
        // Not of its own connection's rows.
        long readOffset = Math.min(nextTxOffset - 1, transactor.lastDataOffset());
        return new SqlAnswer(result, readOffset, ReducerCalls.micros(start));
    }

    /** Runs a SELECT, after having its views run; empty if the text is no SELECT. */
    private Optional<SqlAnswer> select(Compiler compiler, String text, Caller caller, long start) {
        Set<ViewKey> ready = new HashSet<>();
        while (true) {
            Set<ViewKey> needed;
            try (SnapshotView snapshot = committed.openSnapshot(limits.reads())) {
                if (!(compiler.compile(text, snapshot, caller) instanceof SelectPlan select)) {
                    return Optional.empty();
                }
                needed = MaterializedViews.of(select.tables(), caller.identity());
                if (ready.containsAll(needed)) {
                    return Optional.of(answer(select, snapshot, snapshot.nextTxOffset(), start));
                }
            } catch (IllegalStateException e) {
                throw committed.isClosed() ? STOPPED : e;
            }
            join(onWriter(() -> {
                views.use(needed);
                return null;
            }));
            ready.addAll(needed);
        }
    }

    private Caller caller(Identity who) {
        return new Caller(who, who.equals(program.owner()));
    }

    /** What a statement takes and gives, without running it. Errors: SQL. */
    public SqlDescription describe(Identity caller, String text) {
        try (CommittedState.Snapshot snapshot = committed.read()) {
            return sql.describe(text, snapshot.view(), caller(caller));
        }
    }

    /** Tables that somebody may read, views and those of the system included, in the order of their ids. */
    public List<TableSchema> tables(Identity caller) {
        boolean owner = caller(caller).isOwner();
        try (CommittedState.Snapshot snapshot = committed.read()) {
            return snapshot.view().tables().stream()
                    .filter(table -> owner || table.access() == TableAccess.PUBLIC)
                    .sorted(Comparator.comparingInt(TableSchema::tableId))
                    .toList();
        }
    }

    /** The log's files; empty if the server keeps none. */
    Optional<LogFiles> logFiles() {
        return durability.files();
    }

    /** Rises when the database is set back to an earlier state. */
    public long epoch() {
        return durability.epoch();
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
        ClientConnection connection = new ClientConnection(
                this, client, options.sessionId(), new Subscriber(sink, lane, options.v1(), options.light()), sink);
        if (draining) {
            connection.refuse(STOPPING);
            return connection;
        }
        if (!writer.hasRoom()) {
            connection.refuseAsBusy();
            return connection;
        }
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
        clients.admit(connection);
        if (failure != null) {
            // It may have come before the connection could be told.
            throw STOPPED;
        }
        connection.greet(token);
    }

    /** A connection ended. Any thread; the first call counts. */
    void disconnected(ClientConnection connection) {
        if (draining) {
            // Its row stays: the module hears of the end at the next start (spec/durability.md 9.2).
            return;
        }
        onWriter(() -> {
            clients.leave(connection);
            return null;
        });
    }

    /** Number of distinct queries that clients watch. */
    public int watchedQueryCount() {
        return subscriptions.planCount();
    }

    /** Number of WebSocket clients. */
    public int connectionCount() {
        return clients.connectionCount();
    }

    // ---- programs ----

    /**
     * Creates the tables of a first program and runs {@code init}, in one transaction. Errors: REDUCER_FAILED with the text
     * of {@code init}; nothing was committed then.
     */
    CompletableFuture<Void> initialize(LoadedModule first, Identity newOwner) {
        long timestamp = transactor.nowMicros();
        return onWriter(() -> {
            installer.initialize(first, newOwner, timestamp);
            return null;
        });
    }

    /** Takes a recovered database into service: disconnects the clients that a crash left (spec/execution.md 10). */
    CompletableFuture<Void> resume(LoadedModule stored, Identity storedOwner) {
        return onWriter(() -> {
            installer.resume(stored, storedOwner);
            return null;
        });
    }

    /** Offset of the last transaction once everything queued so far has run. */
    CompletableFuture<Long> committedOffset() {
        return onWriter(transactor::lastTxOffset);
    }

    /** No scheduled call is being made. */
    boolean schedulesRest() {
        return schedules.rest();
    }

    /** A call that the module asked for, with the database as caller (spec/module-abi.md 5.8). Any thread. */
    void callImmediately(String name, byte[] arguments) {
        onWriter(() -> {
            long timestamp = transactor.nowMicros();
            ClientInfo client = new ClientInfo(identity, ConnectionId.NONE, "");
            Optional<ReducerDef> reducer = program.definition().reducer(name);
            Optional<ProcedureDef> procedure = program.definition().procedure(name);
            if (procedure.isPresent()) {
                procedures.call(
                        procedure.get(), client, timestamp,
                        procedures.arguments(procedure.get(), new Arguments.Bsatn(arguments)));
                return null;
            }
            if (reducer.isEmpty()) {
                log.hostError(name, now(), "immediate call of unknown reducer or procedure \"" + name + "\"");
                return null;
            }
            CallArguments checked = reducers.arguments(reducer.get(), new Arguments.Bsatn(arguments), false);
            reducers.run(
                    reducer.get(), client, checked.bsatn(), ReducerCalls.cause(client, reducer.get(), timestamp, checked, 0));
            return null;
        });
    }

    /** The program as stored. Before the writer has work, or on it. */
    Optional<ModuleRow> storedModule() {
        return catalog.module(transactor.view());
    }

    /**
     * Replaces the program.
     *
     * @param mayBreakClients whether the publisher agrees to the end of all connections
     * @return completes with the offset of the transaction, or exceptionally with MIGRATION_REFUSED or MIGRATION_FAILED: the
     *     old program runs on
     */
    CompletableFuture<Long> update(LoadedModule next, boolean mayBreakClients) {
        return onWriter(() -> {
            installer.update(next, mayBreakClients);
            return transactor.lastTxOffset();
        });
    }

    boolean isDraining() {
        return draining;
    }

    /**
     * The first half of a stop: takes nothing new, and until the deadline finishes what it has taken, makes it durable, and
     * sends every answer. Blocks. {@link #close} comes next.
     */
    void drain(long deadlineNanos) {
        draining = true;
        if (failure != null || !program.isLoaded()) {
            return;
        }
        schedules.close();
        procedures.drain(deadlineNanos);
        within(deadlineNanos, onWriter(() -> null));
        largeReads.drain(deadlineNanos);
        within(deadlineNanos, onWriter(transactor::lastTxOffset).thenCompose(
                last -> gate.isWaited() ? gate.whenDurable(last) : CompletableFuture.completedFuture(null)));
        within(deadlineNanos, clients.closeAll(CloseReason.MODULE_EXITED));
    }

    private static void within(long deadlineNanos, CompletableFuture<?> done) {
        try {
            done.get(Math.max(0, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException | ExecutionException e) {
            // What is left is refused, or dropped with its connection.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether the disk has not answered for so long that it may never do. */
    public boolean hangs() {
        return durability.hangs();
    }

    /** After {@link #close}: whether nothing of this touches a file, or its memory, any more. */
    boolean isReleased() {
        return released;
    }

    /**
     * Ends every connection, finishes what runs, and releases the memory. What waits is refused. A disk that does not answer is
     * not waited for: then some or all of it stays as it is, and closing once more goes on with it.
     */
    @Override
    public synchronized void close() {
        if (released) {
            return;
        }
        clients.closeAll(CloseReason.MODULE_EXITED);
        schedules.close();
        views.close();
        procedures.close();
        boolean ended = writer.close(durability::hangs);
        durability.close();
        gate.fail(CloseReason.MODULE_EXITED);
        // It may have waited for the log; or it writes a line of the module's log.
        long deadline = System.nanoTime() + WRITER_END_NANOS;
        if (!ended && !writer.close(() -> System.nanoTime() > deadline) || !durability.isReleased()) {
            LOG.log(System.Logger.Level.ERROR, "database " + identity + ": its memory is kept, because the disk does not answer");
            return;
        }
        released = true;
        if (program.isLoaded()) {
            program.module().close();
        }
        log.close();
        largeReads.close();
        committed.close();
    }
}
