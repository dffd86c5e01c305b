package dev.geodesic.engine.subscription;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.Hashes;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.query.Caller;
import dev.geodesic.engine.query.QueryBudget;
import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.engine.query.SqlEngine;
import dev.geodesic.engine.query.SubscriptionQuery;
import dev.geodesic.engine.query.Tables;
import dev.geodesic.engine.query.TestDatabase;
import dev.geodesic.engine.query.VisibleColumns;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.protocol.ServerDecoder;
import dev.geodesic.protocol.ServerEncoder;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.RowJson;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.RowList;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Random tables, views, rules, queries and transactions on both stores, with columns of every type that compares: what is sent
 * for a transaction, decoded from its bytes in any protocol, is the difference of the query's rows before and after, nothing
 * more and nothing less.
 */
@Proves("sql.md 12")
@Proves("websocket.md 8")
class DeltaDifferentialTest {

    private static final List<Caller> CALLERS = List.of(
            new Caller(new Identity(1, 0, 0, 0), true),
            new Caller(new Identity(1, 0, 0, 0), false),
            new Caller(new Identity(2, 0, 0, 0), false));
    private static final List<Kind> KINDS = kinds();
    private static final int COLUMNS = 6;
    private static final int RULES = 10;

    /** A few values of a type, and what SQL calls them. */
    private record Kind(AlgebraicType type, List<Value> values) {
    }

    /** @param literal absent where there is none */
    private record Value(byte[] bytes, Optional<String> literal) {
    }

    private static Value value(String literal, Consumer<BsatnWriter> write) {
        BsatnWriter out = new BsatnWriter();
        write.accept(out);
        return new Value(out.toByteArray(), Optional.ofNullable(literal));
    }

    private static List<Kind> kinds() {
        List<Kind> kinds = new ArrayList<>();
        for (PrimitiveType type : PrimitiveType.values()) {
            if (type.isInteger()) {
                List<Value> values = new ArrayList<>();
                for (int i = type.isSignedInteger() ? -1 : 0; i < 4; i++) {
                    int number = i;
                    values.add(value(String.valueOf(number), w -> {
                        for (int b = 0; b < type.byteSize(); b++) {
                            w.writeU8(b < 4 ? number >> 8 * b & 0xff : number >> 31 & 0xff);
                        }
                    }));
                }
                kinds.add(new Kind(type, values));
            }
        }
        kinds.add(new Kind(PrimitiveType.F32, List.of(
                value("0", w -> w.writeF32(0.0f)), value("-0.0", w -> w.writeF32(-0.0f)),
                value(null, w -> w.writeF32(Float.NaN)), value("2.5", w -> w.writeF32(2.5f)))));
        kinds.add(new Kind(PrimitiveType.F64, List.of(
                value("0", w -> w.writeF64(0.0)), value("-0.0", w -> w.writeF64(-0.0)),
                value(null, w -> w.writeF64(Double.NaN)), value("-1e300", w -> w.writeF64(-1e300)))));
        kinds.add(new Kind(PrimitiveType.BOOL, List.of(
                value("true", w -> w.writeBool(true)), value("false", w -> w.writeBool(false)))));
        kinds.add(new Kind(PrimitiveType.STRING, List.of(
                value("''", w -> w.writeString("")), value("'a'", w -> w.writeString("a")),
                value("'ab'", w -> w.writeString("ab")),
                value("'o''k \u00fc'", w -> w.writeString("o'k \u00fc")))));
        kinds.add(new Kind(ArrayType.BYTES, List.of(
                value("0x", w -> w.writeBytes(new byte[0])), value("0x00", w -> w.writeBytes(new byte[1])),
                value("X'ff00'", w -> w.writeBytes(new byte[] {-1, 0})))));
        kinds.add(new Kind(SpecialTypes.IDENTITY, CALLERS.stream().skip(1).map(c -> value(
                "0x" + c.identity().toHex(), w -> w.writeIdentity(c.identity()))).toList()));
        kinds.add(new Kind(SpecialTypes.CONNECTION_ID, List.of(new ConnectionId(1, 0), new ConnectionId(1, 2)).stream()
                .map(c -> value("0x" + c.toHex(), w -> w.writeConnectionId(c))).toList()));
        kinds.add(new Kind(SpecialTypes.TIMESTAMP, List.of(
                value("'1970-01-01T00:00:00Z'", w -> w.writeU64(0)),
                value("'1969-12-31T23:59:59Z'", w -> w.writeU64(-1_000_000)))));
        kinds.add(new Kind(SpecialTypes.UUID, List.of(
                value("'00000000-0000-0000-0000-000000000003'", w -> w.writeConnectionId(new ConnectionId(3, 0))),
                value("'00000000-0000-0000-0000-000000000004'", w -> w.writeConnectionId(new ConnectionId(4, 0))))));
        return kinds;
    }

    private int joins;
    private int updates;
    private int watched;
    private int refused;

    @Test
    void whatIsSentIsTheDifference() {
        Seeds.repeat(25, random -> new World(random).run());
        assertTrue(joins > 25, "joins: " + joins);
        assertTrue(updates > 250, "updates: " + updates);
        assertTrue(refused < watched, "refused: " + refused + ", watched: " + watched);
    }

    private final class World {

        private final Random random;
        /** Of the columns of every table; the first two are alike. */
        private final List<Kind> columns = new ArrayList<>();
        private final List<TableSchema> tables = new ArrayList<>();
        private final List<Watcher> watchers = new ArrayList<>();
        private TestDatabase database;
        private Subscriptions subscriptions;

        World(Random random) {
            this.random = random;
        }

        void run() {
            for (int i = 0; i < COLUMNS; i++) {
                columns.add(i == 1 ? columns.getFirst() : KINDS.get(random.nextInt(KINDS.size())));
            }
            for (int i = 0; i < 3; i++) {
                tables.add(table(i));
            }
            try (TestDatabase opened = new TestDatabase(
                    random.nextBoolean() ? new HeapStores() : new ChronicleStores(), tables)) {
                database = opened;
                subscriptions = new Subscriptions(Limits.DEFAULTS, database.view());
                for (int i = random.nextInt(3); i > 0; i--) {
                    rule();
                }
                transact();
                for (int i = 0; i < 12; i++) {
                    watch();
                }
                for (int i = 0; i < 30; i++) {
                    transact();
                }
            }
        }

        private TableSchema table(int number) {
            String name = "t" + number;
            TableRole role = random.nextInt(4) > 0 ? TableRole.STORED
                    : random.nextBoolean() ? TableRole.VIEW : TableRole.ANONYMOUS_VIEW;
            Tables table = role == TableRole.STORED ? Tables.table(4096 + number, name) : Tables.view(4096 + number, name, role);
            for (int c = 0; c < COLUMNS; c++) {
                table.column("c" + c, columns.get(c).type());
            }
            for (int c = 0; c < COLUMNS; c++) {
                if (random.nextInt(4) == 0) {
                    continue;
                }
                List<String> indexed = new ArrayList<>();
                if (role != TableRole.STORED && random.nextBoolean()) {
                    indexed.add("arg_hash");
                }
                if (random.nextInt(4) == 0) {
                    indexed.add("c" + (c + 1) % COLUMNS);
                    if (random.nextBoolean()) {
                        table.btree("c" + c);
                    }
                }
                indexed.add("c" + c);
                if (random.nextBoolean()) {
                    table.btree(indexed.toArray(String[]::new));
                } else {
                    table.hash(indexed.toArray(String[]::new));
                }
            }
            return table.build();
        }

        private void rule() {
            int number = random.nextInt(3);
            String sql = "SELECT x.* FROM t" + number + " x"
                    + (random.nextInt(3) == 0 ? " JOIN t" + random.nextInt(3) + " y ON x.c1 = y.c1" : "")
                    + " WHERE " + condition(List.of("x"));
            BsatnWriter row = new BsatnWriter();
            row.writeU32(4096 + number);
            row.writeString(sql);
            database.insert(RULES, row.toByteArray());
        }

        private String condition(List<String> names) {
            int number = random.nextInt(COLUMNS);
            Kind kind = columns.get(number);
            String column = names.get(random.nextInt(names.size())) + ".c" + number;
            return switch (random.nextInt(9)) {
                case 0 -> "(" + condition(names) + " OR " + condition(names) + ")";
                case 1 -> "(" + condition(names) + " AND " + condition(names) + ")";
                case 2 -> "(" + column + " = " + literal(kind) + " OR " + literal(kind) + " = " + column + ")";
                case 3 -> kind.type() == PrimitiveType.BOOL ? column : column + " = " + literal(kind);
                case 4 -> kind.type() == SpecialTypes.IDENTITY ? column + " = :sender" : column + " = " + literal(kind);
                case 5 -> names.getFirst() + ".c0 " + operator() + " " + names.getLast() + ".c1";
                default -> column + " " + operator() + " " + literal(kind);
            };
        }

        private String operator() {
            return List.of("=", "=", "<>", "!=", "<", "<=", ">", ">=").get(random.nextInt(8));
        }

        private String literal(Kind kind) {
            while (true) {
                Optional<String> literal = kind.values().get(random.nextInt(kind.values().size())).literal();
                if (literal.isPresent()) {
                    return literal.get();
                }
            }
        }

        private void watch() {
            boolean joins = random.nextInt(3) > 0;
            String sql;
            if (joins) {
                int column = random.nextInt(COLUMNS);
                int other = column < 2 && random.nextBoolean() ? 1 - column : column;
                sql = "SELECT " + (random.nextBoolean() ? "x" : "y") + ".* FROM t" + random.nextInt(3) + " x JOIN t"
                        + random.nextInt(3) + " y ON x.c" + column + " = y.c" + other;
                if (random.nextInt(3) == 0) {
                    // May be in an index with the join column.
                    int fixed = (column + 1) % COLUMNS;
                    sql += " WHERE " + (random.nextBoolean() ? "x" : "y") + ".c" + fixed + " = " + literal(columns.get(fixed));
                } else if (random.nextBoolean()) {
                    sql += " WHERE " + condition(List.of("x", "y"));
                } else if (random.nextBoolean()) {
                    sql += " WHERE x.c0 <> y.c1 AND " + condition(List.of("x", "y"));
                }
            } else {
                sql = "SELECT * FROM t" + random.nextInt(3) + " x WHERE " + condition(List.of("x"));
            }
            Caller caller = CALLERS.get(random.nextInt(CALLERS.size()));
            try {
                for (SubscriptionQuery query : new SqlEngine(Limits.DEFAULTS).compileSubscription(sql, database.view(), caller)) {
                    watchers.add(new Watcher(sql, query));
                    watched++;
                    DeltaDifferentialTest.this.joins += query.semijoin().isPresent() ? 1 : 0;
                }
            } catch (EngineException e) {
                // An index is missing, or the rules join too much.
                assertEquals(ErrorCode.SQL, e.code(), e.getMessage());
                refused++;
            }
        }

        private void transact() {
            List<TreeMap<String, Integer>> before = watchers.stream().map(Watcher::rows).toList();
            var data = database.transact(tx -> {
                for (int i = random.nextInt(10); i > 0; i--) {
                    change(tx, tables.get(random.nextInt(3)));
                }
            });
            subscriptions.broadcast(data, 1, cause(), false, null);
            for (int i = 0; i < watchers.size(); i++) {
                Watcher watcher = watchers.get(i);
                TreeMap<String, Integer> expected = watcher.rows();
                before.get(i).forEach((row, n) -> expected.merge(row, -n, Integer::sum));
                expected.values().removeIf(n -> n == 0);
                assertEquals(expected, watcher.takeDelta(), watcher.sql);
                updates += expected.isEmpty() ? 0 : 1;
            }
        }

        private void change(MutTx tx, TableSchema table) {
            byte[] row = row(table);
            MemorySegment segment = MemorySegment.ofArray(row);
            if (random.nextInt(3) > 0) {
                tx.insert(table.tableId(), segment, 0, row.length);
                return;
            }
            int skip = (int) (random.nextDouble() * tx.rowCount(table.tableId()));
            var rows = tx.scan(table.tableId());
            while (rows.next()) {
                if (skip-- == 0) {
                    tx.delete(table.tableId(), rows.segment(), rows.offset(), rows.length());
                    return;
                }
            }
        }

        private byte[] row(TableSchema table) {
            BsatnWriter row = new BsatnWriter();
            Identity identity = CALLERS.get(1 + random.nextInt(2)).identity();
            if (table.role().isView()) {
                row.writeRaw(Hashes.viewArguments(
                        table.role() == TableRole.VIEW ? Optional.of(identity) : Optional.empty()));
            }
            for (Kind kind : columns) {
                row.writeRaw(kind.values().get(random.nextInt(kind.values().size())).bytes());
            }
            return row.toByteArray();
        }

        private static ReducerCall cause() {
            return new ReducerCall(
                    1, new Identity(9, 9, 9, 9), ConnectionId.NONE, "work", 0, EncodedValue.EMPTY, 1, 0, 0, true);
        }

        /** A subscriber to one query. */
        private final class Watcher implements ClientSink {

            private final String sql;
            private final SubscriptionQuery query;
            private final Subprotocol subprotocol = Subprotocol.values()[random.nextInt(Subprotocol.values().length)];
            private final TreeMap<String, Integer> delta = new TreeMap<>();

            Watcher(String sql, SubscriptionQuery query) {
                this.sql = sql;
                this.query = query;
                subscriptions.subscribe(
                        new Subscriber(this, null, subprotocol.isV1(), random.nextBoolean()),
                        subprotocol.isV1() ? SubscriptionKind.MULTI : SubscriptionKind.SET, 1, List.of(query), database.view());
            }

            TreeMap<String, Integer> rows() {
                RowBuffer found = new RowBuffer();
                query.rows(database.view(), new QueryBudget(Limits.DEFAULTS), found);
                TreeMap<String, Integer> rows = new TreeMap<>();
                for (int i = 0; i < found.count(); i++) {
                    rows.merge(text(found.row(i)), 1, Integer::sum);
                }
                return rows;
            }

            /** Rows that came count as one, rows that went as minus one. */
            TreeMap<String, Integer> takeDelta() {
                delta.values().removeIf(n -> n == 0);
                TreeMap<String, Integer> taken = new TreeMap<>(delta);
                delta.clear();
                return taken;
            }

            /** A row as {@link #count} will see it. */
            private String text(byte[] row) {
                if (!subprotocol.isText()) {
                    return HexFormat.of().formatHex(row);
                }
                JsonWriter json = new JsonWriter();
                RowJson.positional(VisibleColumns.rowType(query.table())).append(row, 0, row.length, json);
                return HexFormat.of().formatHex(json.toByteArray());
            }

            @Override
            public void send(ServerMessage message) {
                Compression compression = Compression.values()[random.nextInt(Compression.values().length)];
                List<ServerMessage> decoded = new ArrayList<>();
                new ServerEncoder(subprotocol, compression).encodeAll(
                        List.of(message), frame -> decoded.addAll(new ServerDecoder(subprotocol).decode(frame)));
                var update = (ServerMessage.TransactionUpdate) decoded.getFirst();
                for (QuerySetUpdate set : update.querySets()) {
                    assertEquals(List.of(query.tableName()), set.tables().stream().map(t -> t.tableName()).toList());
                    for (Fragment fragment : set.tables().getFirst().fragments()) {
                        count(fragment.inserts(), 1);
                        count(fragment.deletes(), -1);
                    }
                }
            }

            private void count(RowList rows, int n) {
                for (int i = 0; i < rows.count(); i++) {
                    int from = rows.rowOffset(i);
                    byte[] row = Arrays.copyOfRange(rows.data(), from, from + rows.rowLength(i));
                    int now = delta.merge(HexFormat.of().formatHex(row), n, Integer::sum);
                    // Different floats look alike in JSON.
                    assertTrue(subprotocol.isText() || n == Integer.signum(now), "a row came and went");
                }
            }

            @Override
            public void close(CloseReason reason) {
                throw new AssertionError(reason);
            }
        }
    }
}
