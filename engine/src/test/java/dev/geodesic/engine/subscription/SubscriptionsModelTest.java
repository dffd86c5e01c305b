package dev.geodesic.engine.subscription;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.query.Caller;
import dev.geodesic.engine.query.RowTuple;
import dev.geodesic.engine.query.SqlEngine;
import dev.geodesic.engine.query.SubscriptionQuery;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.RowList;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/**
 * A simulation: random subscribers of both protocols, random transactions. Each subscriber builds its cache from its
 * messages alone, counting rows as spec/websocket.md 5.4 and 6.3 say, and must hold its queries' rows at every offset.
 */
class SubscriptionsModelTest {

    private static final Identity OWNER = new Identity(1, 2, 3, 4);
    private static final String[] TEXTS = {"", "a", "b", "ab", "it''s"};
    private static final double[] FLOATS = {0.0, -0.0, 1.5, Double.NaN};
    private static final List<Join> JOINS = List.of(
            new Join(0, 1, "x.id = y.id", false, (x, y) -> x.id() == y.id()),
            new Join(1, 0, "x.a = y.a", false, (x, y) -> x.a() == y.a()),
            new Join(2, 1, "x.a = y.a", false, (x, y) -> x.a() == y.a()),
            new Join(0, 2, "y.id = x.id", true, (x, y) -> x.id() == y.id()),
            new Join(1, 1, "x.id = y.id", false, (x, y) -> x.id() == y.id()),
            new Join(1, 1, "x.a = y.a", false, (x, y) -> x.a() == y.a()),
            new Join(0, 1, "x.f = y.f", false, (x, y) -> Double.compare(x.f() + 0.0, y.f() + 0.0) == 0),
            new Join(0, 1, "x.name = y.name", false, (x, y) -> x.name().equals(y.name())));

    /**
     * A join that has its indexes.
     *
     * @param fixedName whether the right side's index needs a constant for the name
     */
    private record Join(int left, int right, String on, boolean fixedName, BiPredicate<Row, Row> test) {
    }

    /** Columns of every table: {@code id u32, a u8, name string, f f64}; the first table has a unique id. */
    private record Row(int table, int id, int a, String name, double f) {

        byte[] bytes() {
            BsatnWriter out = new BsatnWriter();
            out.writeU32(id);
            out.writeU8(a);
            out.writeString(name);
            out.writeF64(f);
            return out.toByteArray();
        }

        /** Equal for equal rows, by bytes. */
        String key() {
            return table + ":" + HexFormat.of().formatHex(bytes());
        }
    }

    /**
     * @param table whose rows are returned
     * @param partners of how many rows of another table a row has to be counted for; null for a query of one table
     */
    private record Query(int table, String text, Predicate<Row> test, BiPredicate<Row, Row> partners) {

        Query(int table, String text, Predicate<Row> test) {
            this(table, text, test, null);
        }

        long count(Row row, Collection<Row> all) {
            if (row.table() != table || !test.test(row)) {
                return 0;
            }
            return partners == null ? 1 : all.stream().filter(other -> partners.test(row, other)).count();
        }
    }

    @Test
    @Proves("execution.md 4")
    @Proves("websocket.md 8")
    void cachesEqualTheirQueriesAtEveryOffset() {
        Seeds.repeat(12, random -> {
            try (Simulation simulation = new Simulation(random)) {
                simulation.run(100);
            }
        });
    }

    // ---- a client that follows the rules ----

    private static final class Client implements ClientSink {

        private final boolean v1;
        private final List<ServerMessage> inbox = new ArrayList<>();
        /** By set, 0 in v1: how many times each row is held. */
        private final Map<Integer, Map<String, Integer>> cache = new HashMap<>();
        private final Map<Integer, Set<Query>> sets = new LinkedHashMap<>();
        private final Map<Integer, SubscriptionKind> kinds = new HashMap<>();
        private Set<Query> legacy = Set.of();

        Client(boolean v1) {
            this.v1 = v1;
        }

        @Override
        public void send(ServerMessage message) {
            inbox.add(message);
        }

        @Override
        public void close(CloseReason reason) {
            throw new AssertionError(reason);
        }

        Map<String, Integer> set(int id) {
            return cache.computeIfAbsent(v1 ? 0 : id, s -> new HashMap<>());
        }

        void apply(int set, List<TableUpdate> tables, boolean sorted) {
            List<String> names = tables.stream().map(TableUpdate::tableName).toList();
            assertEquals(names.size(), Set.copyOf(names).size(), "one update per table: " + names);
            if (sorted) {
                assertEquals(names.stream().sorted().toList(), names, "tables in order of their names");
            }
            Map<String, Integer> net = new HashMap<>();
            for (TableUpdate table : tables) {
                int number = Integer.parseInt(table.tableName().substring(1));
                for (Fragment fragment : table.fragments()) {
                    rows(number, fragment.inserts()).forEach(r -> net.merge(r, 1, Integer::sum));
                    rows(number, fragment.deletes()).forEach(r -> net.merge(r, -1, Integer::sum));
                }
            }
            net.forEach((row, n) -> {
                int now = set(set).getOrDefault(row, 0) + n;
                assertTrue(now >= 0, "a row left that was not there");
                if (now == 0) {
                    set(set).remove(row);
                } else {
                    set(set).put(row, now);
                }
            });
        }

        private static List<String> rows(int table, RowList rows) {
            List<String> all = new ArrayList<>();
            for (int i = 0; i < rows.count(); i++) {
                int from = rows.rowOffset(i);
                all.add(table + ":" + HexFormat.of().formatHex(
                        Arrays.copyOfRange(rows.data(), from, from + rows.rowLength(i))));
            }
            return all;
        }

        void applyUpdates(List<QuerySetUpdate> updates) {
            int last = -1;
            for (QuerySetUpdate update : updates) {
                assertTrue(Integer.toUnsignedLong(update.querySetId()) > last, "sets in order of their ids");
                last = update.querySetId();
                assertFalse(update.tables().isEmpty());
                for (TableUpdate table : update.tables()) {
                    assertTrue(table.fragments().stream().allMatch(f -> f.rowCount() > 0), "an empty update");
                }
                assertTrue(!v1 || update.querySetId() == 0);
                apply(update.querySetId(), update.tables(), true);
            }
            assertTrue(!v1 || updates.size() <= 1);
        }

        /** What the cache must be: counts per row of each set's queries; in v1 of all named sets, plus the legacy one. */
        Map<Integer, Map<String, Integer>> expected(Collection<Row> rows) {
            Map<Integer, Map<String, Integer>> all = new HashMap<>();
            Map<Integer, List<Query>> queries = new HashMap<>();
            if (v1) {
                Set<Query> named = new LinkedHashSet<>();
                sets.values().forEach(named::addAll);
                List<Query> both = new ArrayList<>(named);
                both.addAll(legacy);
                queries.put(0, both);
            } else {
                sets.forEach((id, set) -> queries.put(id, List.copyOf(set)));
            }
            queries.forEach((id, list) -> {
                for (Row row : rows) {
                    int count = (int) list.stream().mapToLong(q -> q.count(row, rows)).sum();
                    if (count > 0) {
                        all.computeIfAbsent(id, i -> new HashMap<>()).put(row.key(), count);
                    }
                }
            });
            return all;
        }

        String describe() {
            return (v1 ? "v1 " : "v2 ") + sets.values().stream().map(s -> s.stream().map(Query::text).toList()).toList()
                    + " legacy " + legacy.stream().map(Query::text).toList();
        }

        boolean holds(Query query) {
            return sets.values().stream().anyMatch(s -> s.contains(query));
        }
    }

    // ---- one random history ----

    private static final class Simulation implements AutoCloseable {

        private final Random random;
        private final CommittedState committed;
        private final Catalog catalog;
        private final MutTx tx;
        private final SqlEngine sql = new SqlEngine(Limits.DEFAULTS);
        private final Subscriptions subscriptions;
        private final List<Integer> tables = new ArrayList<>();
        private final Map<String, Row> rows = new LinkedHashMap<>();
        private final Map<Client, Subscriber> clients = new LinkedHashMap<>();

        Simulation(Random random) {
            this.random = random;
            committed = new CommittedState(random.nextBoolean() ? new HeapStores() : new ChronicleStores());
            catalog = Catalog.bootstrap(committed);
            tx = new MutTx(committed, Limits.DEFAULTS, catalog);
            subscriptions = new Subscriptions(Limits.DEFAULTS, committed.writerView());
            tx.begin();
            for (int i = 0; i < 3; i++) {
                TableSchema table = table(i, catalog);
                catalog.createTable(tx, table);
                tables.add(table.tableId());
            }
            committed.apply(tx.finish());
            tx.end();
        }

        @Override
        public void close() {
            committed.close();
        }

        void run(int steps) {
            for (int i = 0; i < steps; i++) {
                switch (random.nextInt(12)) {
                    case 0 -> connect();
                    case 1, 2 -> subscribe();
                    case 3 -> unsubscribe();
                    case 4 -> {
                        if (random.nextInt(4) == 0 && !clients.isEmpty()) {
                            Client gone = pick();
                            subscriptions.remove(clients.remove(gone));
                        }
                    }
                    default -> transaction();
                }
                clients.keySet().forEach(this::check);
            }
            Set<Query> watched = new HashSet<>();
            clients.keySet().forEach(c -> {
                c.sets.values().forEach(watched::addAll);
                watched.addAll(c.legacy);
            });
            assertTrue(subscriptions.planCount() <= watched.size(), "plans are shared");
            clients.values().forEach(subscriptions::remove);
            assertEquals(0, subscriptions.planCount());
            List<Client> gone = List.copyOf(clients.keySet());
            clients.clear();
            transaction();
            gone.forEach(c -> assertEquals(List.of(), c.inbox, "nobody is watching"));
        }

        private Client pick() {
            return List.copyOf(clients.keySet()).get(random.nextInt(clients.size()));
        }

        private void connect() {
            if (clients.size() < 6) {
                boolean v1 = random.nextBoolean();
                Client client = new Client(v1);
                clients.put(client, new Subscriber(client, null, v1, random.nextBoolean()));
            }
        }

        private void check(Client client) {
            assertEquals(List.of(), client.inbox);
            client.cache.values().removeIf(Map::isEmpty);
            assertEquals(client.expected(rows.values()), client.cache);
        }

        // ---- queries ----

        private Query randomJoin() {
            Join join = JOINS.get(random.nextInt(JOINS.size()));
            boolean mirrored = random.nextBoolean();
            String text = TEXTS[random.nextInt(TEXTS.length)];
            String plain = text.replace("''", "'");
            int a = random.nextInt(4);
            int id = random.nextInt(12);
            StringBuilder where = new StringBuilder(join.fixedName() ? " AND y.name = '" + text + "'" : "");
            Predicate<Row> left = r -> true;
            Predicate<Row> right = r -> !join.fixedName() || r.name().equals(plain);
            BiPredicate<Row, Row> both = (l, r) -> true;
            switch (random.nextInt(6)) {
                case 0 -> {
                    where.append(" AND x.a = ").append(a);
                    left = r -> r.a() == a;
                }
                case 1 -> {
                    where.append(" AND y.a = ").append(a);
                    right = right.and(r -> r.a() == a);
                }
                case 2 -> {
                    where.append(" AND y.id = ").append(id).append(" AND x.a <> ").append(a);
                    right = right.and(r -> r.id() == id);
                    left = r -> r.a() != a;
                }
                case 3 -> {
                    where.append(" AND (x.a = ").append(a).append(" OR y.id < x.id)");
                    both = (l, r) -> l.a() == a || r.id() < l.id();
                }
                default -> { }
            }
            String sides = mirrored
                    ? "t" + join.right() + " y JOIN t" + join.left() + " x"
                    : "t" + join.left() + " x JOIN t" + join.right() + " y";
            boolean returnsLeft = random.nextBoolean();
            String sql = "SELECT " + (returnsLeft ? "x" : "y") + ".* FROM " + sides + " ON " + join.on()
                    + (where.isEmpty() ? "" : " WHERE " + where.substring(5));
            Predicate<Row> isLeft = left.and(r -> r.table() == join.left());
            Predicate<Row> isRight = right.and(r -> r.table() == join.right());
            BiPredicate<Row, Row> pair = both.and(join.test());
            return returnsLeft
                    ? new Query(join.left(), sql, isLeft, (l, r) -> isRight.test(r) && pair.test(l, r))
                    : new Query(join.right(), sql, isRight, (r, l) -> isLeft.test(l) && pair.test(l, r));
        }

        private Query randomQuery() {
            if (random.nextInt(3) == 0) {
                return randomJoin();
            }
            int table = random.nextInt(3);
            int a = random.nextInt(4);
            int id = random.nextInt(12);
            String text = TEXTS[random.nextInt(TEXTS.length)];
            String plain = text.replace("''", "'");
            String from = "SELECT * FROM t" + table;
            return switch (random.nextInt(9)) {
                case 0 -> new Query(table, from, r -> true);
                case 1, 2 -> new Query(table, from + " WHERE a = " + a, r -> r.a() == a);
                case 3 -> new Query(table, from + " WHERE id = " + id, r -> r.id() == id);
                case 4 -> new Query(table, from + " WHERE a = " + a + " AND id > " + id, r -> r.a() == a && r.id() > id);
                case 5 -> new Query(table, from + " WHERE a = " + a + " OR name = '" + text + "'",
                        r -> r.a() == a || r.name().equals(plain));
                case 6 -> new Query(table, from + " WHERE name = '" + text + "'", r -> r.name().equals(plain));
                case 7 -> new Query(table, from + " WHERE f = 0.0", r -> r.f() == 0.0);
                default -> new Query(table, from + " WHERE id <= " + id, r -> r.id() <= id);
            };
        }

        private List<SubscriptionQuery> compile(Query query) {
            return sql.compileSubscription(query.text(), committed.writerView(), new Caller(OWNER, true));
        }

        /** The same text is the same query. */
        private Query known(Query query) {
            for (Client client : clients.keySet()) {
                for (Set<Query> set : client.sets.values()) {
                    for (Query other : set) {
                        if (other.text().equals(query.text())) {
                            return other;
                        }
                    }
                }
                for (Query other : client.legacy) {
                    if (other.text().equals(query.text())) {
                        return other;
                    }
                }
            }
            return query;
        }

        // ---- steps ----

        private void subscribe() {
            if (clients.isEmpty()) {
                return;
            }
            Client client = pick();
            SubscriptionKind kind = !client.v1 ? SubscriptionKind.SET : switch (random.nextInt(4)) {
                case 0 -> SubscriptionKind.LEGACY;
                case 1 -> SubscriptionKind.SINGLE;
                default -> SubscriptionKind.MULTI;
            };
            int id = kind == SubscriptionKind.LEGACY ? 0 : random.nextInt(5);
            Map<String, Query> set = new LinkedHashMap<>();
            List<SubscriptionQuery> compiled = new ArrayList<>();
            for (int i = kind == SubscriptionKind.SINGLE ? 1 : random.nextInt(4); i > 0; i--) {
                Query query = known(randomQuery());
                query = set.getOrDefault(query.text(), query);
                set.put(query.text(), query);
                compiled.addAll(compile(query));
            }
            if (kind == SubscriptionKind.SINGLE && client.holds(set.values().iterator().next())) {
                return;
            }
            if (kind != SubscriptionKind.LEGACY && client.sets.containsKey(id)) {
                EngineException e = assertThrows(EngineException.class, () -> subscriptions.subscribe(
                        clients.get(client), kind, id, compiled, committed.writerView()));
                assertEquals(ErrorCode.SUBSCRIPTION_EXISTS, e.code());
                return;
            }
            Set<Query> answered = new HashSet<>(set.values());
            if (kind == SubscriptionKind.MULTI) {
                answered.removeIf(client::holds);
            }
            List<TableUpdate> initial =
                    subscriptions.subscribe(clients.get(client), kind, id, compiled, committed.writerView());
            Client alone = new Client(true);
            alone.legacy = answered;
            alone.apply(0, initial, false);
            alone.cache.values().removeIf(Map::isEmpty);
            assertEquals(alone.expected(rows.values()), alone.cache, "initial rows");
            if (kind == SubscriptionKind.LEGACY) {
                // The client forgets what it had by the set that this one replaces.
                client.legacy = Set.of();
                client.cache.put(0, new HashMap<>(client.expected(rows.values()).getOrDefault(0, Map.of())));
                client.legacy = new LinkedHashSet<>(set.values());
            } else {
                client.sets.put(id, new LinkedHashSet<>(set.values()));
                client.kinds.put(id, kind);
            }
            client.apply(id, initial, false);
        }

        private void unsubscribe() {
            if (clients.isEmpty()) {
                return;
            }
            Client client = pick();
            int id = random.nextInt(5);
            boolean withRows = client.v1 || random.nextBoolean();
            Subscriber subscriber = clients.get(client);
            if (!client.sets.containsKey(id)) {
                EngineException e = assertThrows(EngineException.class, () ->
                        subscriptions.unsubscribe(subscriber, id, withRows, committed.writerView()));
                assertEquals(ErrorCode.NO_SUCH_SUBSCRIPTION, e.code());
                return;
            }
            client.sets.remove(id);
            Optional<List<TableUpdate>> left = subscriptions.unsubscribe(subscriber, id, withRows, committed.writerView());
            assertEquals(withRows, left.isPresent());
            if (withRows) {
                client.apply(id, left.get(), false);
            } else {
                client.cache.remove(id);
            }
        }

        private Row randomRow() {
            return new Row(
                    random.nextInt(3), random.nextInt(12), random.nextInt(4),
                    TEXTS[random.nextInt(TEXTS.length)].replace("''", "'"), FLOATS[random.nextInt(FLOATS.length)]);
        }

        private void transaction() {
            tx.begin();
            Map<String, Row> after = new LinkedHashMap<>(rows);
            for (int i = random.nextInt(8); i > 0; i--) {
                Row row = randomRow();
                boolean delete = random.nextInt(3) == 0;
                if (random.nextInt(3) == 0 && !after.isEmpty()) {
                    row = List.copyOf(after.values()).get(random.nextInt(after.size()));
                    delete = random.nextInt(4) > 0;
                }
                byte[] bytes = row.bytes();
                MemorySegment segment = MemorySegment.ofArray(bytes);
                if (delete) {
                    assertEquals(after.remove(row.key()) != null, tx.delete(tables.get(row.table()), segment, 0, bytes.length));
                } else {
                    if (row.table() == 0) {
                        Row same = row;
                        after.values().stream().filter(r -> r.table() == 0 && r.id() == same.id()).toList().forEach(r -> {
                            byte[] old = r.bytes();
                            tx.delete(tables.get(0), MemorySegment.ofArray(old), 0, old.length);
                            after.remove(r.key());
                        });
                    }
                    tx.insert(tables.get(row.table()), segment, 0, bytes.length);
                    after.put(row.key(), row);
                }
            }
            if (random.nextInt(5) == 0) {
                tx.rollback();
                return;
            }
            TxData data = tx.finish();
            if (data.isEmpty()) {
                tx.end();
                return;
            }
            long txOffset = committed.apply(data);
            tx.end();
            Client caller = clients.isEmpty() || random.nextBoolean() ? null : pick();
            Map<Client, Map<Integer, Map<String, Integer>>> before = new HashMap<>();
            clients.keySet().forEach(c -> before.put(c, c.expected(rows.values())));
            rows.clear();
            rows.putAll(after);
            boolean nameCaller = random.nextBoolean();
            List<QuerySetUpdate> own = subscriptions.broadcast(
                    data, txOffset, cause((int) txOffset), nameCaller, caller == null ? null : clients.get(caller));
            for (Client client : clients.keySet()) {
                if (client == caller) {
                    assertEquals(List.of(), client.inbox, "the caller's part comes with its result");
                    client.applyUpdates(own);
                } else {
                    boolean touched = !before.get(client).equals(client.expected(rows.values()));
                    assertTrue(client.inbox.size() <= 1, "one message per transaction");
                    assertTrue(!touched || client.inbox.size() == 1, "an update is missing: " + client.describe());
                    for (ServerMessage message : client.inbox) {
                        receive(client, message, txOffset, nameCaller);
                    }
                    client.inbox.clear();
                }
            }
        }

        private void receive(Client client, ServerMessage message, long txOffset, boolean nameCaller) {
            ServerMessage.TransactionUpdate update =
                    (ServerMessage.TransactionUpdate) message.plain();
            assertEquals((int) txOffset, update.requestId());
            assertEquals(client.v1 && nameCaller && !clients.get(client).isLight(), update.call().isPresent());
            assertFalse(update.querySets().isEmpty(), "nobody matched");
            client.applyUpdates(update.querySets());
        }
    }

    private static ReducerCall cause(int requestId) {
        return new ReducerCall(1, OWNER, ConnectionId.NONE, "work", 0, EncodedValue.EMPTY, requestId, 0, 0, true);
    }

    private static final List<List<IndexAlgorithm>> INDEXES = List.of(
            List.of(
                    new IndexAlgorithm.BTree(List.of(0)), new IndexAlgorithm.BTree(List.of(1)),
                    new IndexAlgorithm.Hash(List.of(2)), new IndexAlgorithm.BTree(List.of(3))),
            List.of(
                    new IndexAlgorithm.BTree(List.of(1)), new IndexAlgorithm.Hash(List.of(0)),
                    new IndexAlgorithm.BTree(List.of(2)), new IndexAlgorithm.Hash(List.of(3))),
            List.of(new IndexAlgorithm.BTree(List.of(2, 0)), new IndexAlgorithm.Hash(List.of(1))));

    private static TableSchema table(int number, Catalog ids) {
        String name = "t" + number;
        List<ColumnSchema> columns = new ArrayList<>();
        Map<String, AlgebraicType> types = new LinkedHashMap<>();
        types.put("id", PrimitiveType.U32);
        types.put("a", PrimitiveType.U8);
        types.put("name", PrimitiveType.STRING);
        types.put("f", PrimitiveType.F64);
        types.forEach((column, type) -> columns.add(new ColumnSchema(columns.size(), column, type, Optional.empty())));
        List<IndexSchema> indexes = new ArrayList<>();
        INDEXES.get(number).forEach(algorithm -> indexes.add(new IndexSchema(
                ids.nextIndexId(), name + "_idx" + indexes.size(), Optional.empty(), algorithm,
                number == 0 && algorithm.columns().equals(List.of(0)))));
        return new TableSchema(
                ids.nextTableId(), name, Optional.empty(), columns, OptionalInt.empty(), indexes, List.of(), List.of(),
                TableAccess.PUBLIC, TableKind.USER, TableRole.STORED);
    }

    // ---- single rules ----

    /** One table with rows {@code id = 0..9}, where {@code a = id % 2}. */
    private static final class Fixture implements AutoCloseable {

        private final CommittedState committed = new CommittedState(new HeapStores());
        private final Catalog catalog = Catalog.bootstrap(committed);
        private final MutTx tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        private final SqlEngine sql = new SqlEngine(Limits.DEFAULTS);
        private final TableSchema table = table(1, catalog);

        Fixture() {
            tx.begin();
            catalog.createTable(tx, table);
            for (int id = 0; id < 10; id++) {
                insert(id);
            }
            commit();
        }

        void insert(int id) {
            byte[] row = new Row(1, id, id % 2, "", 0).bytes();
            tx.insert(table.tableId(), MemorySegment.ofArray(row), 0, row.length);
        }

        TxData commit() {
            TxData data = tx.finish();
            committed.apply(data);
            tx.end();
            return data;
        }

        List<SubscriptionQuery> compile(String... texts) {
            List<SubscriptionQuery> all = new ArrayList<>();
            for (String text : texts) {
                all.addAll(sql.compileSubscription(text, committed.writerView(), new Caller(OWNER, true)));
            }
            return all;
        }

        List<TableUpdate> subscribe(Subscriptions to, Subscriber subscriber, SubscriptionKind kind, int id, String... texts) {
            return to.subscribe(subscriber, kind, id, compile(texts), committed.writerView());
        }

        @Override
        public void close() {
            committed.close();
        }
    }

    private static Map<Integer, Integer> rowCounts(List<TableUpdate> tables) {
        Map<Integer, Integer> counts = new TreeMap<>();
        tables.forEach(t -> t.fragments().forEach(f -> counts.merge(t.tableId(), f.rowCount(), Integer::sum)));
        return counts;
    }

    @Test
    @Proves("websocket.md 8")
    void v1CountsQueriesAndV2QuerySets() {
        try (Fixture fixture = new Fixture()) {
            int id = fixture.table.tableId();
            Subscriptions subscriptions = new Subscriptions(Limits.DEFAULTS, fixture.committed.writerView());
            Subscriber v1 = new Subscriber(new Client(true), null, true, false);
            String all = "SELECT * FROM t1";
            String even = "SELECT * FROM t1 WHERE a = 0";
            assertEquals(Map.of(id, 10), rowCounts(fixture.subscribe(subscriptions, v1, SubscriptionKind.MULTI, 1, all, all)));
            assertEquals(Map.of(id, 5), rowCounts(fixture.subscribe(subscriptions, v1, SubscriptionKind.MULTI, 2, all, even)));
            assertEquals(Map.of(id, 10), rowCounts(fixture.subscribe(subscriptions, v1, SubscriptionKind.SINGLE, 3, all)));
            assertEquals(Map.of(id, 10), rowCounts(fixture.subscribe(subscriptions, v1, SubscriptionKind.LEGACY, 0, all)));
            assertEquals(2, subscriptions.planCount());
            assertEquals(Map.of(), rowCounts(subscriptions.unsubscribe(v1, 3, true, fixture.committed.writerView()).get()));
            assertEquals(Map.of(), rowCounts(subscriptions.unsubscribe(v1, 1, true, fixture.committed.writerView()).get()));
            assertEquals(Map.of(id, 15), rowCounts(subscriptions.unsubscribe(v1, 2, true, fixture.committed.writerView()).get()));
            assertEquals(1, subscriptions.planCount(), "the legacy set lives on");

            Subscriber v2 = new Subscriber(new Client(false), null, false, false);
            assertEquals(Map.of(id, 10), rowCounts(fixture.subscribe(subscriptions, v2, SubscriptionKind.SET, 1, all)));
            List<TableUpdate> second = fixture.subscribe(subscriptions, v2, SubscriptionKind.SET, 2, all, even);
            assertEquals(Map.of(id, 15), rowCounts(second));
            assertEquals(1, second.size(), "one table");
            assertEquals(2, second.getFirst().fragments().size(), "one fragment per query");
            assertEquals(
                    Map.of(id, 15), rowCounts(subscriptions.unsubscribe(v2, 2, true, fixture.committed.writerView()).get()));
        }
    }

    @Test
    void theLimitCountsWhatWillBeWatched() {
        try (Fixture fixture = new Fixture()) {
            Limits d = Limits.DEFAULTS;
            Limits two = new Limits(
                    d.memoryBytesMax(), d.callMillisMax(), d.rowBytesMax(), d.transactionRowsMax(), d.transactionBytesMax(),
                    d.handlesMax(), d.logLineBytesMax(), d.logLinesPerSecondMax(), d.queueMessagesMax(), d.queueBytesMax(),
                    d.messageBytesMax(), d.moduleBytesMax(), 2, d.queryTablesMax(), d.queryNodesMax(), d.queryTextBytesMax(),
                    d.databasesMax(), d.connectionsMax(), d.calls(), d.reads());
            Subscriptions subscriptions = new Subscriptions(two, fixture.committed.writerView());
            Subscriber v1 = new Subscriber(new Client(true), null, true, false);
            String[] texts = {"SELECT * FROM t1 WHERE id = 1", "SELECT * FROM t1 WHERE id = 2", "SELECT * FROM t1 WHERE id = 3"};
            EngineException e = assertThrows(EngineException.class, () ->
                    fixture.subscribe(subscriptions, v1, SubscriptionKind.MULTI, 1, texts));
            assertEquals(ErrorCode.LIMIT_EXCEEDED, e.code());
            assertTrue(e.getMessage().contains("subscription-queries-max"));
            assertEquals(0, subscriptions.planCount());
            fixture.subscribe(subscriptions, v1, SubscriptionKind.LEGACY, 0, texts[0], texts[1]);
            // The set that goes makes room for the one that comes.
            fixture.subscribe(subscriptions, v1, SubscriptionKind.LEGACY, 0, texts[1], texts[2]);
            assertEquals(2, subscriptions.planCount());
            assertThrows(EngineException.class, () ->
                    fixture.subscribe(subscriptions, v1, SubscriptionKind.SINGLE, 1, texts[0]));
        }
    }

    @Test
    void equalUpdatesAreOneMessage() {
        try (Fixture fixture = new Fixture()) {
            Subscriptions subscriptions = new Subscriptions(Limits.DEFAULTS, fixture.committed.writerView());
            List<Client> clients = List.of(
                    new Client(true), new Client(true), new Client(true),
                    new Client(false), new Client(false), new Client(false));
            for (int i = 0; i < clients.size(); i++) {
                Subscriber subscriber = new Subscriber(clients.get(i), null, i < 3, i == 2);
                fixture.subscribe(
                        subscriptions, subscriber, i < 3 ? SubscriptionKind.MULTI : SubscriptionKind.SET, i == 5 ? 2 : 1,
                        "SELECT * FROM t1");
            }
            fixture.tx.begin();
            fixture.insert(99);
            subscriptions.broadcast(fixture.commit(), 5, cause(7), true, null);
            List<ServerMessage> got = clients.stream().map(c -> c.inbox.getFirst()).toList();
            assertSame(got.get(0), got.get(1));
            assertNotSame(got.get(0), got.get(2), "light");
            assertSame(got.get(3), got.get(4));
            assertNotSame(got.get(3), got.get(5), "another id");
        }
    }

    // ---- cost ----

    private static List<Plan> find(PlanIndex plans, TxData.TableChange change, int number, boolean wanted) {
        List<Plan> found = new ArrayList<>();
        RowTuple row = new RowTuple(1);
        row.set(0, change.table().store(), change.inserts().get(number));
        plans.find(row, found);
        assertEquals(wanted, plans.wants(0, row));
        return found;
    }

    /** The first term alone would find them all. */
    @Test
    @Proves("sql.md 12")
    void everyConstantCounts() {
        try (Fixture fixture = new Fixture()) {
            TableRows rows = new TableRows(fixture.table);
            PlanIndex plans = new PlanIndex(RowLayout.of(fixture.table.rowType()));
            Map<Integer, Plan> byId = new HashMap<>();
            for (int id = 0; id < 10_000; id++) {
                String name = id % 3 == 0 ? "name = ''" : id % 3 == 1 ? "(name = 'b' OR name = '')" : "f < 1.0";
                String sql = "SELECT * FROM t1 WHERE a = 0 AND " + name + " AND "
                        + (id % 2 == 0 ? "id = " + id : "(id = " + id + " OR " + (id + 20_000) + " = id)");
                Plan plan = new Plan(fixture.compile(sql).getFirst(), rows);
                plans.add(plan);
                byId.put(id, plan);
            }
            fixture.tx.begin();
            fixture.insert(1234);
            fixture.insert(21_238);
            fixture.insert(21_241);
            fixture.insert(11_234);
            TxData.TableChange change = fixture.commit().changes().getFirst();
            List<List<Plan>> found = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                found.add(find(plans, change, i, i < 1));
            }
            assertEquals(List.of(byId.get(1234)), found.get(0));
            assertEquals(List.of(List.of(), List.of(), List.of()), found.subList(1, 4));
            fixture.tx.begin();
            byte[] other = new Row(1, 21_241, 0, "", 0).bytes();
            fixture.tx.delete(fixture.table.tableId(), MemorySegment.ofArray(
                    new Row(1, 21_241, 1, "", 0).bytes()), 0, other.length);
            fixture.tx.insert(fixture.table.tableId(), MemorySegment.ofArray(other), 0, other.length);
            assertEquals(List.of(byId.get(1241)), find(plans, fixture.commit().changes().getFirst(), 0, true));
            byId.values().forEach(plans::remove);
            assertTrue(plans.isEmpty());
        }
    }
}
