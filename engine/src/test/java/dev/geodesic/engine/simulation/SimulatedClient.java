package dev.geodesic.engine.simulation;

import dev.geodesic.engine.database.ClientConnection;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.ConnectionOptions;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.simulation.Model.Commit;
import dev.geodesic.engine.simulation.Model.Query;
import dev.geodesic.engine.simulation.Model.State;
import dev.geodesic.protocol.ClientDecoder;
import dev.geodesic.protocol.ClientEncoder;
import dev.geodesic.protocol.Frame;
import dev.geodesic.protocol.ServerDecoder;
import dev.geodesic.protocol.ServerEncoder;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ProcedureOutcome;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.RowList;
import dev.geodesic.sats.SatsJson;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * A client that speaks one of the protocols in bytes, and every message that it must get, in order. A message is compared as
 * text: {@code what it answers, and each row by set and table in hex}. What a client's cache must hold follows from that.
 */
final class SimulatedClient implements ClientSink {

    /** @param dependsOn offset of the transaction that must be durable before a confirmed client sees it */
    private record Expected(String text, long dependsOn) {
    }

    final Subprotocol protocol;
    final boolean confirmed;
    private final boolean light;
    final ClientInfo info;
    private final Map<String, ProductType> rowTypes;
    private final ServerEncoder encoder;
    private final ServerDecoder decoder;
    private final ClientEncoder requests;
    private final ClientDecoder requestDecoder;
    private final Queue<ServerMessage> arrived = new ConcurrentLinkedQueue<>();
    private final Deque<Expected> expected = new ArrayDeque<>();
    private final Map<Integer, List<Query>> sets = new TreeMap<>();
    private final Semaphore procedureResults = new Semaphore(0);
    private volatile CloseReason closed;
    private ClientConnection connection;
    private int requestCount;
    private long dependsOn = -1;

    SimulatedClient(
            Subprotocol protocol, boolean light, boolean confirmed, Compression compression, ClientInfo info,
            Map<String, ProductType> rowTypes) {
        this.protocol = protocol;
        this.light = light;
        this.confirmed = confirmed;
        this.info = info;
        this.rowTypes = rowTypes;
        this.encoder = new ServerEncoder(protocol, compression);
        this.decoder = new ServerDecoder(protocol);
        this.requests = new ClientEncoder(protocol);
        this.requestDecoder = new ClientDecoder(protocol);
    }

    @Override
    public String toString() {
        return "client " + info.connection().low() + " (" + protocol + (confirmed ? ", confirmed" : "") + ")";
    }

    // ---- the engine's side ----

    @Override
    public void send(ServerMessage message) {
        arrived.add(message);
        if (message instanceof ServerMessage.ProcedureResult) {
            procedureResults.release();
        }
    }

    @Override
    public void close(CloseReason reason) {
        closed = reason;
        procedureResults.release();
    }

    CloseReason closed() {
        return closed;
    }

    // ---- what it does ----

    void connect(Database database) {
        connection = database.connect(info, new ConnectionOptions(protocol.isV1(), light, confirmed), this, "token");
        expect("hello");
    }

    void disconnect() {
        connection.disconnect();
    }

    int nextRequest() {
        return ++requestCount;
    }

    /** Through the bytes of the protocol. */
    void send(ClientMessage message) {
        Frame frame = requests.encode(message);
        connection.submit(requestDecoder.decode(frame), frame.length());
    }

    /** All in one payload, if there are several. */
    void sendTogether(List<ClientMessage> messages) {
        if (messages.size() == 1) {
            send(messages.getFirst());
            return;
        }
        Frame frame = requests.encodeAll(messages);
        connection.submit(requestDecoder.decode(frame), frame.length());
    }

    Arguments arguments(Values values) {
        return protocol.isText() ? new Arguments.Json(values.json()) : new Arguments.Bsatn(values.bsatn());
    }

    /** Waits for the end of the procedure, whose answer follows its transactions. */
    void procedure(ClientMessage.CallProcedure message) throws InterruptedException {
        send(message);
        if (!procedureResults.tryAcquire(20, TimeUnit.SECONDS) || closed != null) {
            throw new AssertionError("a procedure was not answered");
        }
    }

    Set<Integer> sets() {
        return sets.keySet();
    }

    SubscriptionKind kind() {
        return protocol.isV1() ? SubscriptionKind.MULTI : SubscriptionKind.SET;
    }

    void subscribe(int set, List<Query> queries) {
        send(new ClientMessage.Subscribe(kind(), nextRequest(), set, queries.stream().map(Query::sql).toList()));
    }

    void expectSubscribed(int set, List<Query> queries, State state, long offset) {
        List<String> rows = new ArrayList<>();
        for (Query query : new LinkedHashSet<>(queries)) {
            if (!protocol.isV1() || !holds(query)) {
                state.answer(query).forEach((row, count) -> add(rows, count, query.table() + "+" + row));
            }
        }
        sets.put(set, queries);
        expect("subscribed " + set + text(rows), offset);
    }

    private boolean holds(Query query) {
        return sets.values().stream().anyMatch(s -> s.contains(query));
    }

    void unsubscribe(int set, boolean withRows) {
        send(new ClientMessage.Unsubscribe(kind(), nextRequest(), set, withRows));
    }

    void expectUnsubscribed(int set, boolean withRows, State state, long offset) {
        List<Query> queries = sets.remove(set);
        List<String> rows = new ArrayList<>();
        for (Query query : new LinkedHashSet<>(queries)) {
            if (protocol.isV1() && !holds(query) || !protocol.isV1() && withRows) {
                state.answer(query).forEach((row, count) -> add(rows, count, query.table() + "-" + row));
            }
        }
        expect("unsubscribed " + set + text(rows), offset);
    }

    // ---- what it must see ----

    /** Depends on what came before only. */
    void expect(String text) {
        expected.add(new Expected(text, dependsOn));
    }

    void expect(String text, long offset) {
        dependsOn = Math.max(dependsOn, offset);
        expect(text);
    }

    /** Somebody else's transaction, or one of a procedure. */
    void expectUpdate(Commit commit) {
        String rows = delta(commit);
        if (!rows.isEmpty()) {
            expect("update" + rows, commit.offset());
        }
    }

    /** What its sets gain and lose. */
    String delta(Commit commit) {
        List<String> rows = new ArrayList<>();
        if (protocol.isV1()) {
            Set<Query> all = new LinkedHashSet<>();
            sets.values().forEach(all::addAll);
            all.forEach(query -> delta("", query, commit, rows));
        } else {
            sets.forEach((set, queries) -> new LinkedHashSet<>(queries).forEach(q -> delta(set + ":", q, commit, rows)));
        }
        return text(rows);
    }

    private static void delta(String prefix, Query query, Commit commit, List<String> rows) {
        if (query.event()) {
            commit.after().sparks().forEach(row -> rows.add(prefix + query.table() + "!" + row.hex()));
            return;
        }
        Map<String, Integer> before = commit.before().answer(query);
        Map<String, Integer> after = commit.after().answer(query);
        if (before.equals(after)) {
            return;
        }
        before.forEach((row, count) -> add(rows, count - after.getOrDefault(row, 0), prefix + query.table() + "-" + row));
        after.forEach((row, count) -> add(rows, count - before.getOrDefault(row, 0), prefix + query.table() + "+" + row));
    }

    private static void add(List<String> rows, int times, String row) {
        for (int i = 0; i < times; i++) {
            rows.add(row);
        }
    }

    private static String text(List<String> rows) {
        rows.sort(null);
        return rows.isEmpty() ? "" : " " + String.join(" ", rows);
    }

    /**
     * Compares what has come with what must have.
     *
     * @param durable offset of the last transaction that may have been reported durable
     * @param all whether nothing may be missing, even from a client with confirmed reads
     */
    void check(long durable, boolean all) {
        List<ServerMessage> messages = new ArrayList<>();
        ServerMessage message;
        while ((message = arrived.poll()) != null) {
            messages.add(message);
        }
        encoder.encodeAll(messages, frame -> decoder.decode(frame).forEach(decoded -> check(render(decoded), durable)));
        if ((all || !confirmed) && !expected.isEmpty()) {
            throw new AssertionError(this + " did not get " + expected.peek());
        }
    }

    private void check(String seen, long durable) {
        Expected next = expected.poll();
        if (next == null) {
            throw new AssertionError(this + " got what nobody sent: " + seen);
        }
        if (!next.text().equals(seen)) {
            throw new AssertionError(this + " got\n  " + seen + "\ninstead of\n  " + next.text());
        }
        if (confirmed && next.dependsOn() > durable) {
            throw new AssertionError(this + " saw transaction " + next.dependsOn() + " while only " + durable
                    + " are durable: " + seen);
        }
    }

    // ---- messages as text ----

    private String render(ServerMessage message) {
        return switch (message.plain()) {
            case ServerMessage.InitialConnection m -> "hello";
            case ServerMessage.SubscribeApplied m -> "subscribed " + m.querySetId() + rows("", m.tables());
            case ServerMessage.UnsubscribeApplied m ->
                "unsubscribed " + m.querySetId() + m.tables().map(t -> rows("", t)).orElse("");
            case ServerMessage.SubscriptionError m -> "subscription error";
            // In version 1 the caller's own result looks like this, too.
            case ServerMessage.TransactionUpdate m ->
                (m.call().isPresent() ? "result " + m.call().get().requestId() + " ok" : "update") + update(m.querySets());
            case ServerMessage.ReducerResult m -> "result " + (protocol.isV1() ? m.call().requestId() : m.call().requestId())
                    + switch (m.outcome()) {
                        case ReducerOutcome.Committed committed -> " ok" + update(committed.querySets());
                        case ReducerOutcome.Failed failed -> " failed " + failed.error();
                        case ReducerOutcome.InternalError error -> " failed " + error.error();
                        case ReducerOutcome.OutOfEnergy o -> " out of energy";
                    };
            case ServerMessage.ProcedureResult m -> "returned " + m.requestId() + " " + switch (m.outcome()) {
                case ProcedureOutcome.Returned returned -> protocol.isText()
                        ? returned.value().json()
                        : HexFormat.of().formatHex(returned.value().bsatn());
                case ProcedureOutcome.InternalError error -> "failed";
                case ProcedureOutcome.OutOfEnergy o -> "out of energy";
            };
            case ServerMessage.OneOffResult m -> "answer " + (protocol.isV1() ? m.messageId()[0] & 0xff : m.requestId() & 0xff)
                    + switch (m.outcome()) {
                        case QueryOutcome.Rows rows -> rows("", List.of(TableUpdate.of(0, rows.tableName(), rows.rows())));
                        case QueryOutcome.Failed failed -> " failed";
                    };
            case ServerMessage other -> "what is this? " + other;
        };
    }

    private String update(List<QuerySetUpdate> updates) {
        List<String> rows = new ArrayList<>();
        for (QuerySetUpdate set : updates) {
            rows(protocol.isV1() ? "" : set.querySetId() + ":", set.tables(), rows);
        }
        return text(rows);
    }

    private String rows(String prefix, List<TableUpdate> tables) {
        List<String> rows = new ArrayList<>();
        rows(prefix, tables, rows);
        return text(rows);
    }

    private void rows(String prefix, List<TableUpdate> tables, List<String> rows) {
        for (TableUpdate table : tables) {
            for (Fragment fragment : table.fragments()) {
                String name = prefix + table.tableName();
                rows(fragment.inserts(), table.tableName()).forEach(r -> rows.add(name + (fragment.isEvent() ? "!" : "+") + r));
                rows(fragment.deletes(), table.tableName()).forEach(r -> rows.add(name + "-" + r));
            }
        }
    }

    private Collection<String> rows(RowList list, String table) {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < list.count(); i++) {
            byte[] row = Arrays.copyOfRange(list.data(), list.rowOffset(i), list.rowOffset(i) + list.rowLength(i));
            if (protocol.isText()) {
                BsatnWriter out = new BsatnWriter();
                SatsJson.read(rowTypes.get(table), row, out);
                row = out.toByteArray();
            }
            rows.add(HexFormat.of().formatHex(row));
        }
        return rows;
    }

    /** Arguments of a call, in the order of its parameters. */
    record Values(List<Object> values) {

        static Values of(Object... values) {
            return new Values(List.of(values));
        }

        byte[] bsatn() {
            BsatnWriter out = new BsatnWriter();
            for (Object value : values) {
                switch (value) {
                    case Integer i -> out.writeU32(i);
                    case Long l -> out.writeU64(l);
                    case Byte b -> out.writeU8(b);
                    case Boolean b -> out.writeBool(b);
                    case Model.At at -> at.write(out);
                    default -> throw new IllegalArgumentException(value.toString());
                }
            }
            return out.toByteArray();
        }

        String json() {
            return values.stream().map(value -> value instanceof Model.At at
                    ? at.interval()
                            ? "{\"Interval\":{\"__time_duration_micros__\":" + at.micros() + "}}"
                            : "{\"Time\":{\"__timestamp_micros_since_unix_epoch__\":" + at.micros() + "}}"
                    : value.toString()).toList().toString();
        }
    }

    /** Everything of a one-off query. */
    static String answer(int request, Query query, State state) {
        List<String> rows = new ArrayList<>();
        state.answer(query).forEach((row, count) -> add(rows, count, query.table() + "+" + row));
        return "answer " + (request & 0xff) + text(rows);
    }

    ClientMessage.OneOffQuery oneOff(int request, String sql) {
        return new ClientMessage.OneOffQuery(
                protocol.isV1() ? 0 : request, protocol.isV1() ? new byte[] {(byte) request} : new byte[0], sql);
    }

    Optional<String> nextExpected() {
        return Optional.ofNullable(expected.peek()).map(Expected::text);
    }
}
