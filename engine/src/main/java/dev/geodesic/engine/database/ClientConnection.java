package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.procedure.ProcedureReturn;
import dev.geodesic.engine.query.Caller;
import dev.geodesic.engine.query.QueryBudget;
import dev.geodesic.engine.query.SelectPlan;
import dev.geodesic.engine.query.SubscriptionQuery;
import dev.geodesic.engine.schema.ProcedureDef;
import dev.geodesic.engine.schema.ReducerDef;
import dev.geodesic.engine.subscription.CheckedSet;
import dev.geodesic.engine.subscription.ClientStream;
import dev.geodesic.engine.subscription.SetRows;
import dev.geodesic.engine.subscription.Subscriber;
import dev.geodesic.engine.subscription.Subscriptions;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.SnapshotView;
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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.Function;
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
    private final ClientSink wire;
    private final HeldViews held;
    private final AtomicInteger waitingMessages = new AtomicInteger();
    private final AtomicLong waitingBytes = new AtomicLong();
    private final AtomicBoolean ended = new AtomicBoolean();
    /** Of answers that are made beside the writer. */
    private final Set<SnapshotView> reading = ConcurrentHashMap.newKeySet();

    /** @param wire where the subscriber's messages end up */
    ClientConnection(
            Database database, ClientInfo client, Optional<String> sessionId, Subscriber subscriber, ClientSink wire) {
        this.database = database;
        this.client = client;
        this.sessionId = sessionId;
        this.caller = new Caller(client.identity(), client.identity().equals(database.owner()));
        this.subscriber = subscriber;
        this.wire = wire;
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

    /** Completes once it has got everything that it will get. */
    CompletableFuture<Void> whenEnded() {
        return wire.ended();
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

    /** Too many others wait. */
    void refuseAsBusy() {
        ended.set(true);
        subscriber.sink().close(CloseReason.TOO_MANY_REQUESTS);
    }

    void greet(String token) {
        subscriber.sink().send(new ServerMessage.InitialConnection(client.identity(), client.connection(), token));
    }

    /** As {@link #submit(List, int)} with one message. */
    public void submit(ClientMessage message, int bytes) {
        submit(List.of(message), bytes);
    }

    /**
     * Queues the messages of one frame. If too many wait, of this client or of all of the database, or too many bytes, the
     * connection is closed with 1013 instead. Any thread, but one at a time.
     *
     * @param messages one or more
     * @param bytes size of all of them on the wire
     */
    public void submit(List<ClientMessage> messages, int bytes) {
        if (ended.get() || database.isDraining()) {
            return;
        }
        if (waitingMessages.addAndGet(messages.size()) > database.limits().queueMessagesMax()
                || waitingBytes.addAndGet(bytes) > database.limits().queueBytesMax() || !database.hasRoom()) {
            subscriber.sink().close(CloseReason.TOO_MANY_REQUESTS);
            disconnect();
            return;
        }
        database.submit(new Inbound(messages, bytes, database.transactor().nowMicros()));
    }

    /** Messages that came together; the writer may do other things that are due between two of them. */
    private final class Inbound implements Writer.Task {

        private final List<ClientMessage> messages;
        private final int bytes;
        private final long timestamp;
        private int next;

        Inbound(List<ClientMessage> messages, int bytes, long timestamp) {
            this.messages = messages;
            this.bytes = bytes;
            this.timestamp = timestamp;
        }

        @Override
        public int parts() {
            return messages.size();
        }

        @Override
        public void run() {
            if (next == 0) {
                waitingMessages.addAndGet(-messages.size());
                waitingBytes.addAndGet(-bytes);
            }
            ClientMessage message = messages.get(next++);
            if (!ended.get()) {
                handle(message, timestamp);
            }
        }

        @Override
        public void refuse(EngineException reason) {
            subscriber.sink().close(CloseReason.MODULE_EXITED);
        }
    }

    /** The client is gone: ends its subscriptions and runs {@code client_disconnected}. Any thread; idempotent. */
    public void disconnect() {
        if (ended.compareAndSet(false, true)) {
            cancelReads();
            database.disconnected(this);
        }
    }

    /** Nothing that waits is done any more; whoever calls sees to the rest. */
    void end() {
        ended.set(true);
        cancelReads();
    }

    private void cancelReads() {
        reading.forEach(SnapshotView::cancel);
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
            case CallResult.Refused refused -> new ReducerOutcome.InternalError(refused.message());
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
            Prepared prepared = prepare(request.kind(), request.queries());
            CheckedSet set = database.subscriptions()
                    .check(subscriber, request.kind(), setId.orElse(0), prepared.queries());
            if (isLarge(set.rows())) {
                subscribeBeside(request, setId, set, prepared.views(), start);
                return;
            }
            List<TableUpdate> rows = set.rows().read(database.transactor().view(), database.limits());
            watch(set, setId, prepared.views());
            dependOnPresent();
            send(new ServerMessage.SubscribeApplied(
                    request.kind(), request.requestId(), request.querySetId(), rows, micros(start)));
        } catch (EngineException e) {
            send(new ServerMessage.SubscriptionError(
                    OptionalInt.of(request.requestId()), setId, subscriptionError(e, request.querySetId()), micros(start)));
        }
    }

    private void watch(CheckedSet set, OptionalInt setId, Set<ViewKey> views) {
        database.subscriptions().watch(set);
        held.hold(setId, views);
    }

    /** The set is watched from now on; its rows at this moment are read beside the writer. */
    private void subscribeBeside(
            ClientMessage.Subscribe request, OptionalInt setId, CheckedSet set, Set<ViewKey> views, long start) {
        SnapshotView snapshot = database.largeReads().snapshot();
        watch(set, setId, views);
        readBeside(snapshot, applied(request, List.of(), start),
                view -> applied(request, set.rows().read(view, database.limits()), start),
                (place, e) -> onWriter(() -> {
                    abandon(set, setId);
                    OptionalInt failedSet = subscriber.isV1() ? OptionalInt.empty() : setId;
                    OptionalInt failedRequest = subscriber.isV1() ? OptionalInt.empty() : OptionalInt.of(request.requestId());
                    place.fail(
                            new ServerMessage.SubscriptionError(failedRequest, failedSet, e.getMessage(), micros(start)),
                            ClientStream.withoutSet(subscriber.isV1(), setId.orElse(0), e.getMessage()));
                }));
    }

    private static ServerMessage applied(ClientMessage.Subscribe request, List<TableUpdate> rows, long start) {
        return new ServerMessage.SubscribeApplied(
                request.kind(), request.requestId(), request.querySetId(), rows, micros(start));
    }

    private void abandon(CheckedSet set, OptionalInt setId) {
        if (database.subscriptions().abandon(set)) {
            if (subscriber.isV1()) {
                held.releaseAll();
            } else {
                held.release(setId);
            }
        }
    }

    // ---- reads beside the writer ----

    private boolean isLarge(SetRows rows) {
        return rows.isLarger(database.limits().reads().writerRowsMax(), database.transactor().view());
    }

    /**
     * Makes the next message of this connection on another thread; what is sent later waits for it.
     *
     * @param standIn the message without rows
     * @param failed called on the other thread, or on the writer; must see to it that the place is filled
     */
    private void readBeside(
            SnapshotView snapshot, ServerMessage standIn, Function<SnapshotView, ServerMessage> read,
            BiConsumer<ClientStream.Place, EngineException> failed) {
        dependOnPresent();
        ClientStream.Place place = subscriber.sink().reserve(standIn, database.limits());
        reading.add(snapshot);
        if (ended.get()) {
            snapshot.cancel();
        }
        database.largeReads().start(snapshot, view -> {
            ServerMessage message = read.apply(view);
            reading.remove(view);
            place.fill(message);
        }, e -> {
            reading.remove(snapshot);
            failed.accept(place, e);
        });
    }

    /** On the writer, unless the client has gone. */
    private void onWriter(Runnable work) {
        database.submit(new Writer.Task() {
            @Override
            public void run() {
                if (!ended.get()) {
                    work.run();
                }
            }

            @Override
            public void refuse(EngineException reason) {
                subscriber.sink().close(CloseReason.MODULE_EXITED);
            }
        });
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
        List<BatchedSet> sets = new ArrayList<>();
        boolean large = false;
        for (int i = 0; i < prepared.size(); i++) {
            int setId = request.sets().get(i).querySetId();
            try {
                Prepared queries = prepared.get(i).get();
                CheckedSet set = database.subscriptions().check(subscriber, SubscriptionKind.SET, setId, queries.queries());
                watch(set, OptionalInt.of(setId), queries.views());
                sets.add(new BatchedSet(setId, set, null));
                large |= isLarge(set.rows());
            } catch (EngineException e) {
                sets.add(new BatchedSet(setId, null, subscriptionError(e, setId)));
            }
        }
        if (!large) {
            BatchRows rows = read(sets, database.transactor().view());
            rows.failed().forEach(set -> abandon(set.set(), OptionalInt.of(set.setId())));
            dependOnPresent();
            send(new ServerMessage.SubscribeBatchApplied(request.requestId(), rows.outcomes()));
            return;
        }
        SnapshotView snapshot;
        try {
            snapshot = database.largeReads().snapshot();
        } catch (EngineException e) {
            sets.stream().filter(s -> s.set() != null).forEach(s -> abandon(s.set(), OptionalInt.of(s.setId())));
            dependOnPresent();
            send(new ServerMessage.SubscribeBatchApplied(request.requestId(), failed(sets, e)));
            return;
        }
        AtomicReference<BatchRows> read = new AtomicReference<>();
        readBeside(snapshot, new ServerMessage.SubscribeBatchApplied(request.requestId(), List.of()),
                view -> {
                    BatchRows rows = read(sets, view);
                    read.set(rows);
                    if (!rows.failed().isEmpty()) {
                        throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "some sets of the batch cannot be read");
                    }
                    return new ServerMessage.SubscribeBatchApplied(request.requestId(), rows.outcomes());
                },
                (place, e) -> onWriter(() -> {
                    BatchRows rows = read.get();
                    List<BatchedSet> lost = rows != null
                            ? rows.failed()
                            : sets.stream().filter(set -> set.set() != null).toList();
                    lost.forEach(set -> abandon(set.set(), OptionalInt.of(set.setId())));
                    List<Function<ServerMessage, Optional<ServerMessage>>> without = lost.stream()
                            .map(set -> ClientStream.withoutSet(false, set.setId(), e.getMessage()))
                            .toList();
                    place.fail(
                            new ServerMessage.SubscribeBatchApplied(
                                    request.requestId(), rows != null ? rows.outcomes() : failed(sets, e)),
                            message -> without.stream().reduce(
                                    Optional.of(message), (left, next) -> left.flatMap(next), (l, r) -> r));
                }));
    }

    /** One set of a batch: watched, or refused with an error. */
    private record BatchedSet(int setId, CheckedSet set, String error) {
    }

    private record BatchRows(List<ServerMessage.SetOutcome> outcomes, List<BatchedSet> failed) {
    }

    /** Any thread. */
    private BatchRows read(List<BatchedSet> sets, ReadView view) {
        List<ServerMessage.SetOutcome> outcomes = new ArrayList<>();
        List<BatchedSet> failed = new ArrayList<>();
        for (BatchedSet set : sets) {
            if (set.set() == null) {
                outcomes.add(new ServerMessage.SetOutcome.Failed(set.setId(), set.error()));
                continue;
            }
            try {
                outcomes.add(new ServerMessage.SetOutcome.Applied(
                        set.setId(), set.set().rows().read(view, database.limits())));
            } catch (EngineException e) {
                outcomes.add(new ServerMessage.SetOutcome.Failed(set.setId(), subscriptionError(e, set.setId())));
                failed.add(set);
            }
        }
        return new BatchRows(outcomes, failed);
    }

    private static List<ServerMessage.SetOutcome> failed(List<BatchedSet> sets, EngineException e) {
        return sets.stream()
                .<ServerMessage.SetOutcome>map(set -> new ServerMessage.SetOutcome.Failed(
                        set.setId(), set.error() != null ? set.error() : e.getMessage()))
                .toList();
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
            SetRows left = database.subscriptions().unsubscribe(subscriber, request.querySetId());
            held.release(OptionalInt.of(request.querySetId()));
            if (request.sendDroppedRows() && isLarge(left)) {
                ServerMessage standIn = new ServerMessage.UnsubscribeApplied(
                        request.kind(), request.requestId(), request.querySetId(), Optional.of(List.of()), 0);
                readBeside(database.largeReads().snapshot(), standIn,
                        view -> unsubscribed(request, Optional.of(left.read(view, database.limits())), start),
                        (place, e) -> place.fail(unsubscribeError(request, e, start), Optional::of));
                return;
            }
            dependOnPresent();
            send(unsubscribed(
                    request, request.sendDroppedRows()
                            ? Optional.of(left.read(database.transactor().view(), database.limits()))
                            : Optional.empty(),
                    start));
        } catch (EngineException e) {
            if (Database.isFatal(e)) {
                throw e;
            }
            send(unsubscribeError(request, e, start));
        }
    }

    private static ServerMessage unsubscribed(
            ClientMessage.Unsubscribe request, Optional<List<TableUpdate>> rows, long start) {
        if (request.kind() == SubscriptionKind.SINGLE && rows.map(List::size).orElse(0) != 1) {
            // Another set still holds the query, or the id was not one of a single query.
            return new ServerMessage.SubscriptionError(
                    OptionalInt.of(request.requestId()), OptionalInt.of(request.querySetId()), ErrorTexts.INTERNAL_ERROR,
                    micros(start));
        }
        return new ServerMessage.UnsubscribeApplied(
                request.kind(), request.requestId(), request.querySetId(), rows, micros(start));
    }

    private ServerMessage unsubscribeError(ClientMessage.Unsubscribe request, EngineException e, long start) {
        String text = e.code() == ErrorCode.NO_SUCH_SUBSCRIPTION
                ? ErrorTexts.subscriptionNotFound(request.querySetId(), client.identity(), client.connection())
                : e.getMessage();
        return new ServerMessage.SubscriptionError(
                OptionalInt.of(request.requestId()), OptionalInt.of(request.querySetId()), text, micros(start));
    }

    private void oneOff(ClientMessage.OneOffQuery request) {
        long start = System.nanoTime();
        QueryOutcome outcome;
        try {
            ReadView present = database.transactor().view();
            SelectPlan query = database.sqlEngine().compileOneOff(request.query(), present, caller);
            if (query.reads(present) > database.limits().reads().writerRowsMax()) {
                readBeside(database.largeReads().snapshot(), answer(request, new QueryOutcome.Failed(""), start),
                        view -> answer(
                                request, Subscriptions.oneOff(query, view, new QueryBudget(database.limits())), start),
                        (place, e) -> place.fail(answer(request, new QueryOutcome.Failed(e.getMessage()), start), Optional::of));
                return;
            }
            outcome = Subscriptions.oneOff(query, present, QueryBudget.onWriter(database.limits()));
            dependOnPresent();
        } catch (EngineException e) {
            if (Database.isFatal(e)) {
                throw e;
            }
            outcome = new QueryOutcome.Failed(e.getMessage());
        }
        send(answer(request, outcome, start));
    }

    private static ServerMessage answer(ClientMessage.OneOffQuery request, QueryOutcome outcome, long start) {
        return new ServerMessage.OneOffResult(request.requestId(), request.messageId(), outcome, micros(start));
    }

    private static long micros(long startNanos) {
        return (System.nanoTime() - startNanos) / 1000;
    }
}
