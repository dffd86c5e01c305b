package dev.geodesic.engine.view;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.engine.view.ViewWorld.Item;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.testkit.Proves;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The rules of spec/execution.md section 6, one by one. */
class ViewsTest {

    private static final Identity ANN = new Identity(1, 0, 0, 0);
    private static final Identity BOB = new Identity(2, 0, 0, 0);
    private static final Item ONE = new Item(1, 1, "one");
    private static final Item TWO = new Item(2, 1, "two");
    private static final Item THREE = new Item(3, 2, "three");

    private final ViewWorld world = new ViewWorld();
    private final TableSchema items = world.table("items");

    @AfterEach
    void close() {
        world.close();
    }

    private void insert(Item... rows) {
        world.transact(() -> List.of(rows).forEach(r -> world.insert(items, r)));
    }

    private ViewKey anonymous(ViewWorld.Body body) {
        return ViewKey.of(world.anonymousView("v", body), ANN);
    }

    private EngineException failure(Runnable work) {
        return assertThrows(EngineException.class, () -> world.transact(work));
    }

    // ---- storage ----

    @Test
    @Proves("execution.md 6.1")
    void eachCallerHasRowsOfItsOwnAndAnonymousViewsOneSet() {
        insert(ONE, TWO, THREE);
        TableSchema mine = world.senderView(
                "mine", (caller, reads) -> ViewWorld.rows(reads.byGroup(items, (int) caller.orElseThrow().w0())));
        TableSchema all = world.anonymousView("all", (caller, reads) -> ViewWorld.rows(reads.all(items)));
        world.materialize(ViewKey.of(mine, ANN));
        world.materialize(ViewKey.of(mine, BOB));
        world.materialize(ViewKey.of(all, ANN));
        assertEquals(Set.of(ONE, TWO), world.rows(ViewKey.of(mine, ANN)));
        assertEquals(Set.of(THREE), world.rows(ViewKey.of(mine, BOB)));
        assertEquals(ViewKey.of(all, ANN), ViewKey.of(all, BOB));
        assertEquals(3, world.storedRows(all));
        assertThrows(IllegalArgumentException.class, () -> ViewKey.of(items, ANN));
    }

    @Test
    @Proves("execution.md 6.1")
    @Proves("durability.md 2.1")
    void runningAViewIsNoTransactionOfTheLog() {
        insert(ONE);
        ViewKey all = anonymous((caller, reads) -> ViewWorld.rows(reads.all(items)));
        assertTrue(world.materialize(all).isVolatile());
        TxData data = world.transact(() -> world.insert(items, TWO));
        assertFalse(data.isVolatile());
        assertEquals(2, data.changes().size());
    }

    @Test
    @Proves("module-def.md 6.4")
    void aKeyIsUniqueForEachCaller() {
        TableSchema keyed = world.view(
                "keyed", false, ViewWorld.COLUMNS, OptionalInt.of(1), (caller, reads) -> ViewWorld.rows(reads.all(items)));
        insert(ONE, THREE);
        world.materialize(ViewKey.of(keyed, ANN));
        world.materialize(ViewKey.of(keyed, BOB));
        assertEquals(4, world.storedRows(keyed));
        EngineException e = failure(() -> world.insert(items, TWO));
        assertEquals(ErrorCode.VIEW_FAILED, e.code());
        assertTrue(e.getMessage().startsWith("Error materializing view `keyed`: Unique constraint violation"
                + " 'keyed_arg_hash_group_idx_btree' in table 'keyed'"), e.getMessage());
        // The key moves to another row in one transaction.
        world.transact(() -> {
            world.delete(items, ONE);
            world.insert(items, TWO);
        });
        assertEquals(Set.of(TWO, THREE), world.rows(ViewKey.of(keyed, BOB)));
    }

    // ---- when ----

    @Test
    @Proves("execution.md 6.2")
    void aViewRunsWhenSomebodyAsksFirst() {
        ViewKey all = anonymous((caller, reads) -> ViewWorld.rows(reads.all(items)));
        insert(ONE);
        assertEquals(List.of(), world.runs);
        assertFalse(world.views.isMaterialized(all));
        world.materialize(all);
        assertEquals(List.of("v"), world.runs);
        world.materialize(all);
        assertEquals(List.of("v"), world.runs);
        insert(TWO);
        assertEquals(Set.of(ONE, TWO), world.rows(all));
    }

    @Test
    @Proves("execution.md 6.2")
    void whatNobodyUsesExpiresAfterTenMinutes() {
        insert(ONE);
        TableSchema mine = world.senderView("mine", (caller, reads) -> ViewWorld.rows(reads.all(items)));
        ViewKey ann = ViewKey.of(mine, ANN);
        ViewKey bob = ViewKey.of(mine, BOB);
        world.materialize(ann);
        world.views.subscribed(ann);
        world.views.subscribed(ann);
        world.timer.advance(TimeUnit.MINUTES.toMicros(1));
        world.materialize(bob);
        world.timer.advance(TimeUnit.MINUTES.toMicros(10) - 1);
        expire();
        assertTrue(world.views.isMaterialized(bob));
        world.views.used(bob);
        world.timer.advance(TimeUnit.MINUTES.toMicros(10) - 1);
        expire();
        assertTrue(world.views.isMaterialized(bob));
        world.timer.advance(1);
        assertTrue(expire().isVolatile());
        assertFalse(world.views.isMaterialized(bob));
        assertEquals(Set.of(), world.rows(bob));
        assertEquals(Set.of(ONE), world.rows(ann));

        world.views.unsubscribed(ann);
        world.timer.advance(TimeUnit.MINUTES.toMicros(20));
        expire();
        assertTrue(world.views.isMaterialized(ann), "one subscriber is left");
        world.views.unsubscribed(ann);
        world.runs.clear();
        insert(TWO);
        assertEquals(List.of("mine"), world.runs, "rows that nobody subscribes to stay up to date until they expire");
        world.timer.advance(TimeUnit.MINUTES.toMicros(10));
        expire();
        assertEquals(0, world.storedRows(mine));
        world.runs.clear();
        insert(THREE);
        assertEquals(List.of(), world.runs);
    }

    @Test
    void aClockThatIsSetBackKeepsWhatNobodyUsesForTenMinutesOnly() {
        insert(ONE);
        TableSchema mine = world.senderView("mine", (caller, reads) -> ViewWorld.rows(reads.all(items)));
        world.timer.set(TimeUnit.HOURS.toMicros(10));
        ViewKey ann = ViewKey.of(mine, ANN);
        ViewKey bob = ViewKey.of(mine, BOB);
        world.materialize(ann);
        world.materialize(bob);
        world.timer.set(TimeUnit.HOURS.toMicros(9));
        expire();
        world.timer.advance(TimeUnit.MINUTES.toMicros(10) - 1);
        expire();
        assertTrue(world.views.isMaterialized(ann) && world.views.isMaterialized(bob));
        world.timer.advance(1);
        expire();
        assertFalse(world.views.isMaterialized(ann) || world.views.isMaterialized(bob));
    }

    private TxData expire() {
        return world.transact(() -> world.views.expire(world.tx));
    }

    @Test
    @Proves("execution.md 6.2")
    void expiryWorksInBatches() {
        insert(ONE);
        TableSchema mine = world.senderView("mine", (caller, reads) -> ViewWorld.rows(reads.all(items)));
        for (int i = 0; i < 3000; i++) {
            world.materialize(ViewKey.of(mine, new Identity(i, 7, 0, 0)));
        }
        world.timer.advance(TimeUnit.MINUTES.toMicros(10));
        int runs = 0;
        boolean[] left = {true};
        while (left[0]) {
            long before = world.storedRows(mine);
            world.transact(() -> left[0] = world.views.expire(world.tx));
            long deleted = before - world.storedRows(mine);
            assertTrue(deleted > 0 && deleted <= 1024, "deleted " + deleted);
            runs++;
        }
        assertTrue(runs >= 3);
        assertEquals(0, world.storedRows(mine));
    }

    @Test
    @Proves("execution.md 6.2")
    @Proves("execution.md 8.3")
    void anUpdateRunsEveryViewInTheNewModuleOrNone() {
        insert(ONE, THREE);
        TableSchema kept = world.anonymousView("kept", (caller, reads) -> ViewWorld.rows(reads.byGroup(items, 1)));
        TableSchema dropped = world.anonymousView("dropped", (caller, reads) -> ViewWorld.rows(reads.all(items)));
        ViewKey key = ViewKey.of(kept, ANN);
        world.materialize(key);
        world.materialize(ViewKey.of(dropped, ANN));
        ViewRunner next = (view, caller, reads) -> ViewWorld.rows(new ViewWorld.Reads(reads).byGroup(items, 2));
        ViewRunner failing = (view, caller, reads) -> new ViewResult.Failed();

        assertEquals(ErrorCode.GUEST_TRAP, failure(() -> world.views.update(world.defs, failing, world.tx)).code());
        assertEquals(Set.of(ONE), world.rows(key));
        insert(TWO);
        assertEquals(Set.of(ONE, TWO), world.rows(key), "the old module goes on");

        world.transact(() -> {
            world.catalog.dropTable(world.tx, dropped);
            world.views.update(world.defs, next, world.tx);
        });
        assertEquals(Set.of(THREE), world.rows(key));
        assertFalse(world.views.isMaterialized(ViewKey.of(dropped, ANN)));
        world.transact(() -> world.delete(items, THREE));
        assertEquals(Set.of(), world.rows(key));
    }

    // ---- read sets ----

    @Test
    @Proves("execution.md 6.3")
    void onlyWhatWasReadMatters() {
        insert(ONE, THREE);
        ViewKey key = anonymous((caller, reads) -> ViewWorld.rows(reads.byGroup(items, 1)));
        world.materialize(key);
        world.runs.clear();
        insert(new Item(4, 2, "other key"));
        world.transact(() -> world.delete(items, THREE));
        assertEquals(List.of(), world.runs);
        insert(TWO);
        world.transact(() -> world.delete(items, ONE));
        assertEquals(List.of("v", "v"), world.runs);
        world.runs.clear();
        // Of an update both the old and the new key count.
        update(new Item(2, 3, "left"));
        update(new Item(2, 1, "came"));
        assertEquals(List.of("v", "v"), world.runs);
        world.runs.clear();
        world.transact(() -> {
            world.insert(items, ONE);
            world.delete(items, ONE);
        });
        assertEquals(List.of(), world.runs, "no net change");
    }

    private void update(Item item) {
        byte[] row = item.bytes();
        world.transact(() -> world.tx.update(
                items.tableId(), world.tx.indexId("items_id"), MemorySegment.ofArray(row), 0, row.length));
    }

    @Test
    @Proves("execution.md 6.3")
    void absentRowsAreReadToo() {
        ViewKey key = anonymous((caller, reads) -> ViewWorld.rows(reads.byId(items, 3)));
        world.materialize(key);
        insert(THREE);
        assertEquals(Set.of(THREE), world.rows(key));
    }

    @Test
    @Proves("execution.md 6.3")
    void aRunReplacesWhatEarlierRunsHaveRead() {
        ViewKey key = anonymous((caller, reads) ->
                ViewWorld.rows(reads.byId(items, 1).isEmpty() ? reads.byGroup(items, 2) : List.of()));
        world.materialize(key);
        insert(ONE);
        world.runs.clear();
        insert(THREE);
        assertEquals(List.of(), world.runs, "the group is not read any more");
        world.transact(() -> world.delete(items, ONE));
        assertEquals(Set.of(THREE), world.rows(key));
        assertThrows(EngineException.class, () -> world.transact(() -> {
            world.insert(items, ONE);
            world.views.refresh(world.tx);
            throw new EngineException(ErrorCode.REDUCER_FAILED, "on purpose");
        }));
        world.transact(() -> world.delete(items, THREE));
        assertEquals(Set.of(), world.rows(key), "what a transaction that was rolled back has read does not count");
    }

    @Test
    @Proves("execution.md 6.3")
    void floatsThatAreEqualKeysAreOneKey() {
        List<ColumnSchema> columns = List.of(ViewWorld.COLUMNS.get(0), ViewWorld.column(1, "group", PrimitiveType.F32),
                ViewWorld.COLUMNS.get(2));
        TableSchema floats = world.table("floats", columns, false);
        ViewKey key = anonymous((caller, reads) -> {
            BsatnWriter zero = new BsatnWriter();
            zero.writeF32(0f);
            return ViewWorld.rows(reads.point(floats, "_group", zero.toByteArray()));
        });
        world.materialize(key);
        Item minusZero = new Item(1, Float.floatToIntBits(-0f), "minus zero");
        world.transact(() -> world.insert(floats, minusZero));
        assertEquals(Set.of(minusZero), world.rows(key));
    }

    @Test
    @Proves("execution.md 6.3")
    void aViewThatLooksAtVeryManyKeysDependsOnTheTable() {
        ViewKey key = anonymous((caller, reads) -> {
            for (int i = 0; i <= ReadSet.KEYS_MAX; i++) {
                reads.byId(items, 10 + i);
            }
            return ViewWorld.rows(List.of());
        });
        world.materialize(key);
        world.runs.clear();
        insert(ONE);
        assertEquals(List.of("v"), world.runs);
    }

    @Test
    void viewsCannotWrite() {
        ViewKey key = anonymous((caller, reads) -> {
            byte[] row = ONE.bytes();
            reads.tx().insert(items.tableId(), MemorySegment.ofArray(row), 0, row.length);
            return ViewWorld.rows(List.of());
        });
        assertThrows(EngineException.class, () -> world.materialize(key));
        assertFalse(world.views.isMaterialized(key));
    }

    // ---- failure ----

    @Test
    @Proves("execution.md 6.4")
    void aFailingViewFailsTheTransaction() {
        ViewResult[] result = {ViewWorld.rows(List.of())};
        ViewKey key = anonymous((caller, reads) -> {
            reads.all(items);
            return result[0];
        });
        world.materialize(key);
        result[0] = new ViewResult.Failed();
        EngineException e = failure(() -> world.insert(items, ONE));
        assertEquals(ErrorCode.GUEST_TRAP, e.code());
        assertEquals("The instance encountered a fatal error.", e.getMessage());
        result[0] = new ViewResult.TimedOut();
        assertEquals(ErrorCode.GUEST_TIMEOUT, failure(() -> world.insert(items, ONE)).code());
        byte[] good = ((ViewResult.Rows) ViewWorld.rows(List.of(ONE))).array();
        for (byte[] bad : List.of(new byte[0], new byte[] {1, 0, 0, 0}, Arrays.copyOf(good, good.length + 1),
                Arrays.copyOf(good, good.length - 1), new byte[] {-1, -1, -1, -1})) {
            result[0] = new ViewResult.Rows(bad);
            e = failure(() -> world.insert(items, ONE));
            assertEquals(ErrorCode.VIEW_FAILED, e.code());
            assertTrue(e.getMessage().startsWith("Error materializing view `v`: "), e.getMessage());
        }
        assertEquals(0, world.view().rowCount(items.tableId()));
        assertTrue(world.views.isMaterialized(key));
        result[0] = ViewWorld.rows(List.of(ONE));
        insert(ONE);
        assertEquals(Set.of(ONE), world.rows(key));
    }

    @Test
    @Proves("execution.md 6.4")
    void nothingIsStoredOfAViewThatFailsAtFirst() {
        ViewKey key = anonymous((caller, reads) -> new ViewResult.Failed());
        assertThrows(EngineException.class, () -> world.materialize(key));
        assertFalse(world.views.isMaterialized(key));
        insert(ONE);
    }

    @Test
    void rowsWithoutBytesAreOneRow() {
        TableSchema units = world.view("units", true, List.of(), OptionalInt.empty(), (caller, reads) ->
                new ViewResult.Rows(new byte[] {-1, -1, -1, -1}));
        world.materialize(ViewKey.of(units, ANN));
        assertEquals(1, world.storedRows(units));
    }

    // ---- SQL ----

    private ViewKey query(String sql) {
        return anonymous((caller, reads) -> new ViewResult.Sql(sql));
    }

    @Test
    @Proves("execution.md 6.5")
    void aViewMayBeAQuery() {
        insert(ONE, THREE);
        ViewKey key = query("SELECT * FROM items WHERE \"group\" = 1");
        world.materialize(key);
        assertEquals(Set.of(ONE), world.rows(key));
        insert(TWO);
        assertEquals(Set.of(ONE, TWO), world.rows(key));
        world.runs.clear();
        insert(new Item(9, 9, "the whole table counts as read"));
        assertEquals(List.of("v"), world.runs);
    }

    @Test
    @Proves("execution.md 6.5")
    void aBlankQueryHasNoRows() {
        ViewKey key = query("  \n");
        world.materialize(key);
        assertTrue(world.views.isMaterialized(key));
        assertEquals(Set.of(), world.rows(key));
    }

    @Test
    @Proves("execution.md 6.5")
    @Proves("execution.md 6.4")
    void queriesOfViewsAreRestricted() {
        assertSqlFails("SELECT * FROM items WHERE id = :sender", "");
        world.table("owned", List.of(ViewWorld.COLUMNS.get(0),
                ViewWorld.column(1, "group", SpecialTypes.IDENTITY), ViewWorld.COLUMNS.get(2)), false);
        assertSqlFails("SELECT * FROM owned WHERE \"group\" = :sender",
                "parameterized SQL is not supported for view materialization yet");
        world.anonymousView("other", (caller, reads) -> ViewWorld.rows(List.of()));
        assertSqlFails("SELECT * FROM other", "view definition cannot read from other views");
        world.table("renamed", List.of(ViewWorld.COLUMNS.get(0), ViewWorld.column(1, "team", PrimitiveType.U32),
                ViewWorld.COLUMNS.get(2)), false);
        assertSqlFails("SELECT * FROM renamed", "query returns `(id: U32, team: U32, text: String)` but view expects"
                + " `(id: U32, group: U32, text: String)`");
        assertSqlFails("SELECT id FROM items", "");
        assertSqlFails("SELECT * FROM nothing", "");
        assertSqlFails("DELETE FROM items", "");
        assertSqlFails("SELECT * FROM *", "");
        assertSqlFails("SELEKT", "");
    }

    private void assertSqlFails(String sql, String message) {
        ViewKey key = ViewKey.of(
                world.anonymousView("q" + world.defs.size(), (caller, reads) -> new ViewResult.Sql(sql)), ANN);
        EngineException e = assertThrows(EngineException.class, () -> world.materialize(key));
        assertEquals(ErrorCode.VIEW_FAILED, e.code());
        String name = "q" + (world.defs.size() - 1);
        assertTrue(e.getMessage().startsWith("Error materializing view `" + name + "`: " + message), e.getMessage());
    }

    @Test
    @Proves("execution.md 6.5")
    void viewsCannotReadViews() {
        TableSchema other = world.anonymousView("other", (caller, reads) -> ViewWorld.rows(List.of()));
        int index = other.indexes().getFirst().indexId();
        List<ViewWorld.Body> bodies = List.of(
                (caller, reads) -> ViewWorld.rows(reads.all(other)),
                (caller, reads) -> ViewWorld.rows(List.of(new Item(reads.count(other), 0, ""))),
                (caller, reads) -> {
                    reads.tx().point(index, MemorySegment.ofArray(new byte[32]), 0, 32);
                    return ViewWorld.rows(List.of());
                });
        for (ViewWorld.Body body : bodies) {
            ViewKey key = ViewKey.of(world.anonymousView("v" + world.defs.size(), body), ANN);
            EngineException e = assertThrows(EngineException.class, () -> world.materialize(key));
            assertEquals(ErrorCode.NO_SUCH_TABLE, e.code());
        }
        world.transact(() -> {
            EngineException e = assertThrows(EngineException.class, () -> world.tx.tableId("other"));
            assertEquals(ErrorCode.NO_SUCH_TABLE, e.code());
            e = assertThrows(EngineException.class, () -> world.tx.indexId("other_arg_hash_idx_btree"));
            assertEquals(ErrorCode.NO_SUCH_INDEX, e.code());
        });
    }

    @Test
    void eventTablesAreEmptyForViews() {
        TableSchema events = world.table("events", ViewWorld.COLUMNS, true);
        ViewKey key = anonymous((caller, reads) -> {
            assertEquals(0, reads.count(events));
            assertEquals(List.of(), reads.byId(events, 1));
            return ViewWorld.rows(reads.all(events));
        });
        world.materialize(key);
        world.transact(() -> world.insert(events, ONE));
        assertEquals(Set.of(), world.rows(key));
    }

    @Test
    void eventTablesAreEmptyForQueries() {
        TableSchema events = world.table("events", ViewWorld.COLUMNS, true);
        ViewKey key = query("SELECT * FROM events");
        world.transact(() -> {
            world.insert(events, ONE);
            world.views.materialize(key, world.tx);
        });
        assertEquals(Set.of(), world.rows(key));
    }
}
