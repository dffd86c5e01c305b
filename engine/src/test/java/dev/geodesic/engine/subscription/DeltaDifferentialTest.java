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
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
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
import org.junit.jupiter.api.Test;

/**
 * Random tables, views, rules, queries and transactions on both stores: what is sent for a transaction is the difference of
 * the query's rows before and after, nothing more and nothing less.
 */
@Proves("sql.md 12")
class DeltaDifferentialTest {

    private static final List<Caller> CALLERS = List.of(
            new Caller(new Identity(1, 0, 0, 0), true),
            new Caller(new Identity(1, 0, 0, 0), false),
            new Caller(new Identity(2, 0, 0, 0), false));
    private static final List<AlgebraicType> TYPES = List.of(
            PrimitiveType.U32, PrimitiveType.U32, PrimitiveType.F32, PrimitiveType.STRING, SpecialTypes.IDENTITY,
            PrimitiveType.BOOL);
    private static final float[] FLOATS = {0.0f, -0.0f, Float.NaN, 2.5f};
    private static final int RULES = 10;

    private int joins;
    private int updates;

    @Test
    void whatIsSentIsTheDifference() {
        Seeds.repeat(25, random -> new World(random).run());
        assertTrue(joins > 25, "joins: " + joins);
        assertTrue(updates > 100, "updates: " + updates);
    }

    private final class World {

        private final Random random;
        private final List<TableSchema> tables = new ArrayList<>();
        private final List<Watcher> watchers = new ArrayList<>();
        private TestDatabase database;
        private Subscriptions subscriptions;

        World(Random random) {
            this.random = random;
        }

        void run() {
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
            for (int c = 0; c < TYPES.size(); c++) {
                table.column("c" + c, TYPES.get(c));
            }
            for (int c = 0; c < TYPES.size(); c++) {
                if (random.nextInt(4) == 0) {
                    continue;
                }
                List<String> columns = new ArrayList<>();
                if (role != TableRole.STORED && random.nextBoolean()) {
                    columns.add("arg_hash");
                }
                if (random.nextInt(4) == 0) {
                    columns.add("c" + (c + 1) % TYPES.size());
                }
                columns.add("c" + c);
                if (random.nextBoolean()) {
                    table.btree(columns.toArray(String[]::new));
                } else {
                    table.hash(columns.toArray(String[]::new));
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
            String column = names.get(random.nextInt(names.size())) + ".";
            return switch (random.nextInt(8)) {
                case 0 -> column + "c0 = " + random.nextInt(4);
                case 1 -> column + "c1 <> " + random.nextInt(4);
                case 2 -> column + "c2 = " + (random.nextBoolean() ? "0" : "2.5");
                case 3 -> column + "c3 = '" + (char) ('a' + random.nextInt(3)) + "'";
                case 4 -> column + "c4 = :sender";
                case 5 -> column + "c5";
                case 6 -> "(" + condition(names) + " OR " + condition(names) + ")";
                default -> "(" + condition(names) + " AND " + condition(names) + ")";
            };
        }

        private void watch() {
            boolean joins = random.nextInt(3) > 0;
            String sql;
            if (joins) {
                int column = random.nextInt(TYPES.size());
                int other = column < 2 && random.nextBoolean() ? 1 - column : column;
                sql = "SELECT " + (random.nextBoolean() ? "x" : "y") + ".* FROM t" + random.nextInt(3) + " x JOIN t"
                        + random.nextInt(3) + " y ON x.c" + column + " = y.c" + other;
                if (random.nextBoolean()) {
                    sql += " WHERE " + condition(List.of("x", "y"));
                } else if (random.nextBoolean()) {
                    sql += " WHERE x.c0 < y.c1 AND " + condition(List.of("x", "y"));
                }
            } else {
                sql = "SELECT * FROM t" + random.nextInt(3) + " x WHERE " + condition(List.of("x"));
            }
            Caller caller = CALLERS.get(random.nextInt(CALLERS.size()));
            try {
                for (SubscriptionQuery query : new SqlEngine(Limits.DEFAULTS).compileSubscription(sql, database.view(), caller)) {
                    watchers.add(new Watcher(sql, query));
                    DeltaDifferentialTest.this.joins += query.semijoin().isPresent() ? 1 : 0;
                }
            } catch (EngineException e) {
                // An index is missing, or the rules join too much.
                assertEquals(ErrorCode.SQL, e.code(), e.getMessage());
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
            row.writeU32(random.nextInt(4));
            row.writeU32(random.nextInt(4));
            row.writeF32(FLOATS[random.nextInt(FLOATS.length)]);
            row.writeString(String.valueOf((char) ('a' + random.nextInt(3))));
            row.writeRaw(CALLERS.get(1 + random.nextInt(2)).identity().toLittleEndian());
            row.writeBool(random.nextBoolean());
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
            private final TreeMap<String, Integer> delta = new TreeMap<>();

            Watcher(String sql, SubscriptionQuery query) {
                this.sql = sql;
                this.query = query;
                subscriptions.subscribe(
                        new Subscriber(this, null, false, false), SubscriptionKind.SET, 1, List.of(query), database.view());
            }

            TreeMap<String, Integer> rows() {
                RowBuffer found = new RowBuffer();
                query.rows(database.view(), new QueryBudget(Limits.DEFAULTS), found);
                TreeMap<String, Integer> rows = new TreeMap<>();
                for (int i = 0; i < found.count(); i++) {
                    rows.merge(HexFormat.of().formatHex(found.row(i)), 1, Integer::sum);
                }
                return rows;
            }

            /** Rows that came count as one, rows that went as minus one. */
            TreeMap<String, Integer> takeDelta() {
                TreeMap<String, Integer> taken = new TreeMap<>(delta);
                delta.clear();
                return taken;
            }

            @Override
            public void send(ServerMessage message) {
                var update = (ServerMessage.TransactionUpdate) message.plain();
                for (QuerySetUpdate set : update.querySets()) {
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
                    assertEquals(n, Integer.signum(now), "a row came and went");
                }
            }

            @Override
            public void close(CloseReason reason) {
                throw new AssertionError(reason);
            }
        }
    }
}
