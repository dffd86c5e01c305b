package dev.geodesic.engine.subscription;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.query.Caller;
import dev.geodesic.engine.query.SqlEngine;
import dev.geodesic.engine.query.SubscriptionQuery;
import dev.geodesic.engine.query.Tables;
import dev.geodesic.engine.query.TestDatabase;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.RowList;
import dev.geodesic.testkit.Proves;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Players and their scores: {@code (id, key)} each, joined where the keys are equal. */
class SemijoinTest {

    private static final int PLAYER = 4096;
    private static final int SCORE = 4097;
    private static final int HIT = 4098;
    private static final String SCORED = "SELECT p.* FROM player p JOIN score s ON p.key = s.key";
    private static final Caller OWNER = new Caller(new Identity(1, 2, 3, 4), true);

    private final TestDatabase database = new TestDatabase(List.of(
            pairs(PLAYER, "player").build(), pairs(SCORE, "score").build(), pairs(HIT, "hit").event().build()));
    private final List<ServerMessage> inbox = new ArrayList<>();
    private Subscriptions subscriptions = new Subscriptions(Limits.DEFAULTS, database.view());

    private static Tables pairs(int id, String name) {
        return Tables.table(id, name).column("id", PrimitiveType.U32).column("key", PrimitiveType.U32).unique("id").btree("key");
    }

    @AfterEach
    void close() {
        database.close();
    }

    private static void insert(MutTx tx, int table, int id, int key) {
        byte[] row = row(id, key);
        tx.insert(table, MemorySegment.ofArray(row), 0, row.length);
    }

    private static void delete(MutTx tx, int table, int id, int key) {
        byte[] row = row(id, key);
        assertTrue(tx.delete(table, MemorySegment.ofArray(row), 0, row.length));
    }

    private static byte[] row(int id, int key) {
        BsatnWriter out = new BsatnWriter();
        out.writeU32(id);
        out.writeU32(key);
        return out.toByteArray();
    }

    private Subscriber subscriber(boolean v1) {
        return new Subscriber(new ClientSink() {
            @Override
            public void send(ServerMessage message) {
                inbox.add(message);
            }

            @Override
            public void close(CloseReason reason) {
                throw new AssertionError(reason);
            }
        }, null, v1, true);
    }

    private List<String> subscribe(Subscriber subscriber, int set, String... texts) {
        List<SubscriptionQuery> queries = new ArrayList<>();
        for (String text : texts) {
            queries.addAll(new SqlEngine(Limits.DEFAULTS).compileSubscription(text, database.view(), OWNER));
        }
        SubscriptionKind kind = subscriber.isV1() ? SubscriptionKind.MULTI : SubscriptionKind.SET;
        List<String> rows = new ArrayList<>();
        for (TableUpdate table : subscriptions.subscribe(subscriber, kind, set, queries, database.view())) {
            table.fragments().forEach(f -> rows.addAll(ids(f.inserts())));
        }
        return rows.stream().sorted().toList();
    }

    private static List<String> ids(RowList rows) {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < rows.count(); i++) {
            ids.add(Long.toString(new BsatnReader(rows.data(), rows.rowOffset(i), rows.rowLength(i)).readU32()));
        }
        return ids.stream().sorted().toList();
    }

    private void transact(Consumer<MutTx> work) {
        ReducerCall cause =
                new ReducerCall(1, OWNER.identity(), ConnectionId.NONE, "work", 0, EncodedValue.EMPTY, 1, 0, 0, true);
        subscriptions.broadcast(database.transact(work), 1, cause, false, null);
    }

    /** The only message: {@code "+inserted -deleted"}, or {@code "!events"}. */
    private String update() {
        assertEquals(1, inbox.size());
        ServerMessage.TransactionUpdate update =
                (ServerMessage.TransactionUpdate) inbox.removeFirst().plain();
        assertEquals(1, update.querySets().size());
        assertEquals(1, update.querySets().getFirst().tables().size());
        StringBuilder text = new StringBuilder();
        for (Fragment fragment : update.querySets().getFirst().tables().getFirst().fragments()) {
            text.append(fragment.isEvent() ? "!" : "+").append(ids(fragment.inserts()));
            text.append(fragment.isEvent() ? "" : "-" + ids(fragment.deletes()));
        }
        return text.toString();
    }

    @Test
    @Proves("websocket.md 8")
    @Proves("sql.md 12")
    void updatesCarryExactMultiplicities() {
        transact(tx -> {
            insert(tx, PLAYER, 1, 7);
            insert(tx, PLAYER, 2, 8);
            insert(tx, SCORE, 1, 7);
            insert(tx, SCORE, 2, 7);
        });
        Subscriber v2 = subscriber(false);
        assertEquals(List.of("1", "1"), subscribe(v2, 1, SCORED));
        transact(tx -> insert(tx, SCORE, 3, 8));
        assertEquals("+[2]-[]", update());
        transact(tx -> delete(tx, SCORE, 1, 7));
        assertEquals("+[]-[1]", update());
        transact(tx -> {
            insert(tx, PLAYER, 3, 9);
            insert(tx, SCORE, 4, 9);
            insert(tx, SCORE, 5, 9);
        });
        assertEquals("+[3, 3]-[]", update());
        transact(tx -> {
            delete(tx, PLAYER, 3, 9);
            delete(tx, SCORE, 4, 9);
            insert(tx, SCORE, 6, 9);
        });
        assertEquals("+[]-[3, 3]", update());
        // A partner goes, another one comes: nothing changes for the row, and nobody is told.
        transact(tx -> {
            delete(tx, SCORE, 2, 7);
            insert(tx, SCORE, 7, 7);
        });
        assertEquals(List.of(), inbox);
        transact(tx -> {
            delete(tx, SCORE, 7, 7);
            insert(tx, SCORE, 8, 7);
            insert(tx, SCORE, 9, 7);
        });
        assertEquals("+[1]-[]", update());
        transact(tx -> insert(tx, SCORE, 20, 55));
        assertEquals(List.of(), inbox);
        subscriptions.remove(v2);
        assertEquals(0, subscriptions.planCount());
        transact(tx -> insert(tx, SCORE, 21, 7));
        assertEquals(List.of(), inbox);
    }

    /** A hundred deleted rows on both sides meet by hash. */
    @Test
    void bothSidesMayGoAtOnce() {
        transact(tx -> {
            for (int i = 0; i < 100; i++) {
                insert(tx, PLAYER, i, i % 50);
                insert(tx, SCORE, i, i % 50);
            }
        });
        assertEquals(200, subscribe(subscriber(false), 1, SCORED).size());
        transact(tx -> {
            tx.clear(PLAYER);
            tx.clear(SCORE);
        });
        String update = update();
        assertTrue(update.startsWith("+[]-["), update);
        assertEquals(200, update.split(",").length);
    }

    @Test
    @Proves("execution.md 7")
    void eventsAreSentWithTheirPartners() {
        transact(tx -> insert(tx, PLAYER, 1, 7));
        assertEquals(List.of(), subscribe(subscriber(false), 1, "SELECT h.* FROM hit h JOIN player p ON h.key = p.key"));
        transact(tx -> {
            insert(tx, HIT, 5, 7);
            insert(tx, HIT, 6, 8);
        });
        assertEquals("![5]", update());
        transact(tx -> {
            insert(tx, HIT, 5, 8);
            insert(tx, PLAYER, 2, 8);
        });
        assertEquals("![5]", update());
        transact(tx -> delete(tx, PLAYER, 2, 8));
        assertEquals(List.of(), inbox);
        assertEquals(List.of(), subscribe(subscriber(false), 2, "SELECT * FROM hit WHERE key > 3"));
        transact(tx -> insert(tx, HIT, 9, 99));
        assertEquals("![9]", update());
    }

    /** A row with more partners than a message may have bytes: its subscribers lose the set, or in v1 everything. */
    @Test
    @Proves("websocket.md 6.3")
    void aQueryThatCannotFollowEnds() {
        Limits d = Limits.DEFAULTS;
        Limits small = new Limits(
                d.memoryBytesMax(), d.callMillisMax(), d.rowBytesMax(), d.transactionRowsMax(), d.transactionBytesMax(),
                d.handlesMax(), d.logLineBytesMax(), d.logLinesPerSecondMax(), d.queueMessagesMax(), 1_000, d.messageBytesMax(),
                d.moduleBytesMax(), d.subscriptionQueriesMax(), d.queryTablesMax(), d.queryNodesMax(), d.queryTextBytesMax(),
                d.databasesMax(), d.connectionsMax(), d.calls(), d.reads());
        subscriptions = new Subscriptions(small, database.view());
        transact(tx -> {
            for (int i = 0; i < 200; i++) {
                insert(tx, PLAYER, i, 7);
            }
        });
        Subscriber v1 = subscriber(true);
        Subscriber v2 = subscriber(false);
        subscribe(v1, 1, SCORED, SCORED + " WHERE p.id = 3");
        subscribe(v1, 2, "SELECT * FROM score");
        subscribe(v2, 1, SCORED);
        subscribe(v2, 2, "SELECT * FROM score");
        transact(tx -> insert(tx, SCORE, 1, 7));
        assertEquals(3, inbox.size());
        List<OptionalInt> sets = new ArrayList<>();
        for (ServerMessage message : inbox.subList(0, 2)) {
            ServerMessage.SubscriptionError error = assertInstanceOf(ServerMessage.SubscriptionError.class, message);
            assertTrue(error.requestId().isEmpty());
            assertTrue(error.error().contains("queue-bytes-max"), error.error());
            sets.add(error.querySetId());
        }
        assertEquals(List.of(OptionalInt.empty(), OptionalInt.of(1)), sets);
        inbox.subList(0, 2).clear();
        assertEquals("+[1]-[]", update());
        assertEquals(1, subscriptions.planCount());
        assertThrows(EngineException.class, () -> subscriptions.unsubscribe(v1, 2, true, database.view()));
        EngineException e = assertThrows(EngineException.class, () -> subscribe(v2, 3, SCORED));
        assertEquals(ErrorCode.LIMIT_EXCEEDED, e.code());
        assertEquals(1, subscriptions.planCount());
        assertFalse(subscriptions.unsubscribe(v2, 2, false, database.view()).isPresent());
        assertEquals(0, subscriptions.planCount());
    }

    /** Ten thousand callers with a query each: a row costs what its plans cost. */
    @Test
    @Proves("sql.md 12")
    void constantsPruneJoins() {
        Subscriber subscriber = subscriber(false);
        String[] texts = new String[5_000];
        for (int i = 0; i < texts.length; i++) {
            texts[i] = SCORED + " WHERE " + (i % 2 == 0 ? "p" : "s") + ".id = " + i;
        }
        subscribe(subscriber, 1, texts);
        transact(tx -> insert(tx, PLAYER, 10, 7));
        assertEquals(List.of(), inbox);
        long start = System.nanoTime();
        for (int i = 0; i < 1_000; i++) {
            int id = 10_000 + i;
            transact(tx -> insert(tx, SCORE, id, 7));
        }
        assertTrue(System.nanoTime() - start < 20_000_000_000L, "a thousand transactions in twenty seconds");
        assertEquals(1_000, inbox.size());
        inbox.clear();
        transact(tx -> insert(tx, SCORE, 11, 7));
        assertEquals("+[10]-[]+[10]-[]", update());
    }
}
