package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.procedure.ProcedureReturn;
import dev.geodesic.engine.query.Caller;
import dev.geodesic.engine.query.SelectPlan;
import dev.geodesic.engine.query.SubscriptionQuery;
import dev.geodesic.engine.schema.ProcedureDef;
import dev.geodesic.engine.schema.ReducerDef;
import dev.geodesic.engine.subscription.Subscriber;
import dev.geodesic.engine.view.ViewKey;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ErrorTexts;
import dev.geodesic.protocol.message.ProcedureOutcome;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * A connected client. Its messages run on the database's writer in the order in which they were submitted, reads included
 * (spec/websocket.md section 9), and its answers go to its sink in the same order.
 */
public final class ClientConnection {

    private final Database database;
    private final ClientInfo client;
    private final Optional<String> sessionId;
    private final Caller caller;
    private final Subscriber subscriber;
    private final HeldViews held;
    private final AtomicInteger waitingMessages = new AtomicInteger();
    private final AtomicLong waitingBytes = new AtomicLong();
    private final AtomicBoolean ended = new AtomicBoolean();

    ClientConnection(Database database, ClientInfo client, Optional<String> sessionId, Subscriber subscriber) {
        this.database = database;
        this.client = client;
        this.sessionId = sessionId;
        this.caller = new Caller(client.identity(), client.identity().equals(database.owner()));
        this.subscriber = subscriber;
        this.held = new HeldViews(database.views());
    }

    public ClientInfo client() {
        return client;
    }

    Optional<String> sessionId() {
        return sessionId;
    }

    Subscriber subscriber() {
        return subscriber;
    }

    /** Its subscriptions have ended. Writer thread. */
    void releaseViews() {
        held.releaseAll();
    }

    /** The client may not connect. */
    void refuse(EngineException reason) {
        ended.set(true);
        subscriber.sink().close(reason.code() == ErrorCode.SESSION_IN_USE
                ? CloseReason.SESSION_IN_USE
                : CloseReason.error(reason.getMessage()));
    }

    void greet(String token) {
        subscriber.sink().send(new ServerMessage.InitialConnection(client.identity(), client.connection(), token));
    }

    /**
     * Queues a message. If too many wait, or too many bytes, the connection is closed with 1013 instead. Any thread, but
     * one at a time.
     *
     * @param bytes size of the message on the wire
     */
    public void submit(ClientMessage message, int bytes) {
        if (ended.get()) {
            return;
        }
        if (waitingMessages.incrementAndGet() > database.limits().queueMessagesMax()
                || waitingBytes.addAndGet(bytes) > database.limits().queueBytesMax()) {
            subscriber.sink().close(CloseReason.TOO_MANY_REQUESTS);
            disconnect();
            return;
        }
        long timestamp = Database.now();
        database.submit(new Writer.Task() {
            @Override
            public void run() {
                waitingMessages.decrementAndGet();
                waitingBytes.addAndGet(-bytes);
                if (!ended.get()) {
                    handle(message, timestamp);
                }
            }

            @Override
            public void refuse(EngineException reason) {
                subscriber.sink().close(CloseReason.MODULE_EXITED);
            }
        });
    }

    /** The client is gone: ends its subscriptions and runs {@code client_disconnected}. Any thread; idempotent. */
    public void disconnect() {
        if (ended.compareAndSet(false, true)) {
            database.disconnected(this);
        }
    }

    /** Nothing that waits is done any more; whoever calls sees to the rest. */
    void end() {
        ended.set(true);
    }

    private void handle(ClientMessage message, long timestamp) {
        switch (message) {
            case ClientMessage.CallReducer call -> callReducer(call, timestamp);
            case ClientMessage.CallProcedure call -> callProcedure(call, timestamp);
            case ClientMessage.Subscribe subscribe -> subscribe(subscribe);
            case ClientMessage.SubscribeBatch batch -> subscribe(batch);
            case ClientMessage.Unsubscribe unsubscribe -> unsubscribe(unsubscribe);
            case ClientMessage.OneOffQuery query -> oneOff(query);
        }
    }

    private void send(ServerMessage message) {
        subscriber.sink().send(message);
    }

    /** What is sent next depends on everything committed so far. */
    private void dependOnPresent() {
        subscriber.dependsOn(database.transactor().lastTxOffset());
    }

    // ---- calls ----

    private void callReducer(ClientMessage.CallReducer call, long timestamp) {
        ReducerDef reducer;
        CallArguments arguments;
        int reducerId = ReducerCall.UNKNOWN_REDUCER;
        try {
            reducerId = database.definition().reducer(call.reducer()).map(ReducerDef::id).orElse(reducerId);
            reducer = database.reducers().callable(call.reducer(), client);
            arguments = database.reducers().arguments(reducer, call.arguments(), subscriber.v1());
        } catch (EngineException e) {
            if (Database.isFatal(e)) {
                throw e;
            }
            if (call.notifySuccess()) {
                send(new ServerMessage.ReducerResult(
                        ReducerCall.refused(
                                timestamp, client.identity(), client.connection(), call.reducer(), reducerId, call.requestId()),
                        new ReducerOutcome.InternalError(e.getMessage())));
            }
            return;
        }
        ReducerCall cause = ReducerCalls.cause(client, reducer, timestamp, arguments, call.requestId());
        List<QuerySetUpdate> own = new ArrayList<>();
        CallResult result = database.reducers().run(
                reducer, client, arguments.bsatn(), cause, call.notifySuccess() ? subscriber : null, () -> { }, () -> { },
                own::addAll);
        if (!call.notifySuccess()) {
            return;
        }
        ReducerOutcome outcome = switch (result) {
            case CallResult.Committed committed -> {
                dependOnPresent();
                yield new ReducerOutcome.Committed(own);
            }
            case CallResult.Failed failed -> new ReducerOutcome.Failed(failed.message());
            case CallResult.Trapped trapped -> new ReducerOutcome.InternalError(trapped.message());
            case CallResult.TimedOut timedOut -> new ReducerOutcome.OutOfEnergy();
        };
        send(new ServerMessage.ReducerResult(cause.withDuration(result.durationMicros()), outcome));
    }

    private void callProcedure(ClientMessage.CallProcedure call, long timestamp) {
        ProcedureDef procedure;
        byte[] arguments;
        try {
            procedure = database.procedures().callable(call.procedure(), client);
            arguments = database.procedures().arguments(procedure, call.arguments());
        } catch (EngineException e) {
            if (Database.isFatal(e)) {
                throw e;
            }
            send(new ServerMessage.ProcedureResult(
                    call.requestId(), new ProcedureOutcome.InternalError(e.getMessage()), 0, 0));
            return;
        }
        // The answer goes through the writer's queue: behind the updates of the procedure's transactions.
        database.procedures().call(procedure, client, timestamp, arguments).whenComplete((returned, failure) ->
                database.submit(new Writer.Task() {
                    @Override
                    public void run() {
                        if (!ended.get()) {
                            answer(call, procedure, timestamp, returned, failure);
                        }
                    }

                    @Override
                    public void refuse(EngineException reason) {
                        subscriber.sink().close(CloseReason.MODULE_EXITED);
                    }
                }));
    }

    private void answer(
            ClientMessage.CallProcedure call, ProcedureDef procedure, long timestamp, ProcedureReturn<byte[]> returned,
            Throwable failure) {
        if (failure != null) {
            send(new ServerMessage.ProcedureResult(
                    call.requestId(), new ProcedureOutcome.InternalError(failure.getMessage()), 0, 0));
            return;
        }
        subscriber.dependsOn(returned.lastTxOffset());
        send(new ServerMessage.ProcedureResult(
                call.requestId(), new ProcedureOutcome.Returned(new ReturnValue(procedure.returnType(), returned.value())),
                timestamp, returned.durationMicros()));
    }

    // ---- queries ----

    /** Queries that may be watched, whose views have been run. */
    private record Prepared(List<SubscriptionQuery> queries, Set<ViewKey> views) {
    }

    private void subscribe(ClientMessage.Subscribe request) {
        long start = System.nanoTime();
        OptionalInt setId = request.kind() == SubscriptionKind.LEGACY ? OptionalInt.empty()
                : OptionalInt.of(request.querySetId());
        try {
            List<TableUpdate> rows = watch(request.kind(), setId, prepare(request.kind(), request.queries()));
            dependOnPresent();
            send(new ServerMessage.SubscribeApplied(
                    request.kind(), request.requestId(), request.querySetId(), rows, micros(start)));
        } catch (EngineException e) {
            send(new ServerMessage.SubscriptionError(
                    OptionalInt.of(request.requestId()), setId, subscriptionError(e, request.querySetId()), micros(start)));
        }
    }

    /** All views run before the first set is watched, so that no update can come in between. */
    private void subscribe(ClientMessage.SubscribeBatch request) {
        List<Supplier<Prepared>> prepared = new ArrayList<>();
        for (ClientMessage.QuerySet set : request.sets()) {
            try {
                Prepared queries = prepare(SubscriptionKind.SET, set.queries());
                prepared.add(() -> queries);
            } catch (EngineException e) {
                subscriptionError(e, set.querySetId());
                prepared.add(() -> {
                    throw e;
                });
            }
        }
        List<ServerMessage.SetOutcome> results = new ArrayList<>();
        for (int i = 0; i < prepared.size(); i++) {
            int setId = request.sets().get(i).querySetId();
            try {
                List<TableUpdate> rows = watch(SubscriptionKind.SET, OptionalInt.of(setId), prepared.get(i).get());
                results.add(new ServerMessage.SetOutcome.Applied(setId, rows));
            } catch (EngineException e) {
                results.add(new ServerMessage.SetOutcome.Failed(setId, subscriptionError(e, setId)));
            }
        }
        dependOnPresent();
        send(new ServerMessage.SubscribeBatchApplied(request.requestId(), results));
    }

    private Prepared prepare(SubscriptionKind kind, List<String> texts) {
        List<SubscriptionQuery> queries = new ArrayList<>();
        for (String text : texts) {
            queries.addAll(kind == SubscriptionKind.SINGLE
                    ? database.sqlEngine().compileSingle(text, database.transactor().view(), caller)
                    : database.sqlEngine().compileSubscription(text.strip(), database.transactor().view(), caller));
        }
        if (subscriber.isV1() && queries.stream().anyMatch(q -> q.table().event())) {
            throw new EngineException(ErrorCode.SQL, ErrorTexts.EVENT_TABLE_NEEDS_V2);
        }
        database.sqlEngine().checkRowLimit(
                database.transactor().view(), caller, database.subscriptions().unwatched(queries));
        Set<ViewKey> views = MaterializedViews.of(
                queries.stream().flatMap(q -> q.tables().stream()).toList(), client.identity());
        database.views().use(views);
        return new Prepared(queries, views);
    }

    private List<TableUpdate> watch(SubscriptionKind kind, OptionalInt setId, Prepared prepared) {
        List<TableUpdate> rows = database.subscriptions()
                .subscribe(subscriber, kind, setId.orElse(0), prepared.queries(), database.transactor().view());
        held.hold(setId, prepared.views());
        return rows;
    }

    /** What the client is told. Throws what is more than its own failure. */
    private String subscriptionError(EngineException e, int setId) {
        if (Database.isFatal(e)) {
            throw e;
        }
        return e.code() == ErrorCode.SUBSCRIPTION_EXISTS
                ? ErrorTexts.subscriptionExists(setId, client.identity(), client.connection())
                : e.getMessage();
    }

    private void unsubscribe(ClientMessage.Unsubscribe request) {
        long start = System.nanoTime();
        try {
            Optional<List<TableUpdate>> rows = database.subscriptions()
                    .unsubscribe(subscriber, request.querySetId(), request.sendDroppedRows(), database.transactor().view());
            held.release(OptionalInt.of(request.querySetId()));
            dependOnPresent();
            if (request.kind() == SubscriptionKind.SINGLE && rows.map(List::size).orElse(0) != 1) {
                // Another set still holds the query, or the id was not one of a single query.
                send(new ServerMessage.SubscriptionError(
                        OptionalInt.of(request.requestId()), OptionalInt.of(request.querySetId()), ErrorTexts.INTERNAL_ERROR,
                        micros(start)));
                return;
            }
            send(new ServerMessage.UnsubscribeApplied(
                    request.kind(), request.requestId(), request.querySetId(), rows, micros(start)));
        } catch (EngineException e) {
            if (Database.isFatal(e)) {
                throw e;
            }
            String text = e.code() == ErrorCode.NO_SUCH_SUBSCRIPTION
                    ? ErrorTexts.subscriptionNotFound(request.querySetId(), client.identity(), client.connection())
                    : e.getMessage();
            send(new ServerMessage.SubscriptionError(
                    OptionalInt.of(request.requestId()), OptionalInt.of(request.querySetId()), text, micros(start)));
        }
    }

    private void oneOff(ClientMessage.OneOffQuery request) {
        long start = System.nanoTime();
        QueryOutcome outcome;
        try {
            SelectPlan query = database.sqlEngine().compileOneOff(request.query(), database.transactor().view(), caller);
            outcome = database.subscriptions().oneOff(query, database.transactor().view());
            dependOnPresent();
        } catch (EngineException e) {
            if (Database.isFatal(e)) {
                throw e;
            }
            outcome = new QueryOutcome.Failed(e.getMessage());
        }
        send(new ServerMessage.OneOffResult(request.requestId(), request.messageId(), outcome, micros(start)));
    }

    private static long micros(long startNanos) {
        return (System.nanoTime() - startNanos) / 1000;
    }
}
