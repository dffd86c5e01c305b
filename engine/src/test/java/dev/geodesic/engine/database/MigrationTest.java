package dev.geodesic.engine.database;

import static dev.geodesic.engine.schema.RawModuleDefBuilder.column;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.RawModuleDef;
import dev.geodesic.engine.schema.RawModuleDefBuilder;
import dev.geodesic.engine.schema.RawModuleDefBuilder.TableBuilder;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.SequenceState;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.SumVariant;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** What becomes of rows, indexes, sequences and the catalogue when a module is replaced. */
@Proves("module-def.md 8")
@Proves("module-def.md 8.2")
class MigrationTest {

    private static final ProductElement ID = column("id", PrimitiveType.U64);
    private static final ProductElement NAME = column("name", PrimitiveType.STRING);
    private static final ProductElement N = column("n", PrimitiveType.U32);

    private static RawModuleDefBuilder def(Consumer<TableBuilder> change, ProductElement... columns) {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        change.accept(b.table("thing", columns.length == 0 ? new ProductElement[] {ID, NAME, N} : columns));
        return b;
    }

    private static RawModuleDefBuilder plain() {
        return def(t -> { });
    }

    private static void with(RawModuleDefBuilder first, Consumer<MigrationWorld> test) {
        for (Supplier<TableStores> stores : List.<Supplier<TableStores>>of(HeapStores::new, ChronicleStores::new)) {
            try (MigrationWorld world = new MigrationWorld(stores, first)) {
                test.accept(world);
            }
        }
    }

    private static byte[] row(long id, String name, int n, Object... more) {
        BsatnWriter out = new BsatnWriter();
        out.writeU64(id);
        out.writeString(name);
        out.writeU32(n);
        for (Object o : more) {
            switch (o) {
                case Integer i -> out.writeU32(i);
                case Boolean b -> out.writeBool(b);
                case Long l -> out.writeU64(l);
                default -> out.writeString((String) o);
            }
        }
        return out.toByteArray();
    }

    private static Set<String> hex(byte[]... rows) {
        Set<String> set = new TreeSet<>();
        for (byte[] row : rows) {
            set.add(HexFormat.of().formatHex(row));
        }
        return set;
    }

    private static void assertFails(MigrationWorld world, RawModuleDefBuilder next, String text) {
        EngineException e = assertThrows(EngineException.class, () -> world.migrate(next));
        assertEquals(ErrorCode.MIGRATION_FAILED, e.code());
        assertEquals(text, e.getMessage());
    }

    // ---- tables ----

    @Test
    void tablesComeAndGo() {
        RawModuleDefBuilder both = plain();
        both.table("other", ID).key(0);
        with(plain(), world -> {
            world.insert("thing", row(1, "a", 1));
            world.migrate(both);
            world.insert("other", new byte[] {1, 0, 0, 0, 0, 0, 0, 0});
            assertFails(world, plain(), "Cannot remove table `other`: table contains data. Clear the table's rows (e.g. via a "
                    + "reducer) before removing it from your schema.");
            world.clear("other");
            world.migrate(plain());
            assertTrue(world.view().tableByName("other").isEmpty());
            assertEquals(hex(row(1, "a", 1)), world.rows("thing"));
            // Under new ids.
            world.migrate(both);
            assertEquals(Set.of(), world.rows("other"));
        });
    }

    @Test
    void accessAndPrimaryKeyChangeInPlace() {
        with(def(t -> t.key(0).unique(2).btree("by_n", 2)), world -> {
            world.insert("thing", row(1, "a", 1));
            TableSchema before = world.table("thing");
            world.migrate(def(t -> t.key(0).unique(2).btree("by_n", 2).access = TableAccess.PRIVATE));
            assertEquals(TableAccess.PRIVATE, world.table("thing").access());
            world.migrate(def(t -> t.key(0).unique(2).btree("by_n", 2).primaryKey = List.of(2)));
            assertEquals(OptionalInt.of(2), world.table("thing").primaryKey());
            world.migrate(def(t -> t.key(0).unique(2).btree("by_n", 2).primaryKey = List.of()));
            assertEquals(OptionalInt.empty(), world.table("thing").primaryKey());
            world.migrate(def(t -> t.key(0).unique(2).btree("by_n", 2)));
            assertEquals(before, world.table("thing"));
            assertEquals(hex(row(1, "a", 1)), world.rows("thing"));
        });
    }

    @Test
    void accessorsChangeInPlace() {
        RawModuleDefBuilder before = RawModuleDefBuilder.v10();
        before.table("Things", ID, column("theName", PrimitiveType.STRING), N).btree("find", 1);
        RawModuleDefBuilder after = RawModuleDefBuilder.v10();
        after.table("things", ID, column("the_name", PrimitiveType.STRING), N).btree("search", 1);
        with(before, world -> {
            world.insert("things", row(1, "a", 1));
            int index = world.indexId("find");
            int table = world.table("Things").tableId();
            world.migrate(after);
            assertEquals(table, world.table("things").tableId());
            assertTrue(world.view().tableByName("Things").isEmpty());
            assertEquals(Optional.empty(), world.table("things").columns().get(1).accessor());
            assertEquals(index, world.indexId("search"));
            assertThrows(EngineException.class, () -> world.indexId("find"));
            assertEquals(hex(row(1, "a", 1)), world.rows("things"));
        });
    }

    /** The aliases of two tables change places: in no order would one step after the other do. */
    @Test
    void aliasesMayPassFromTableToTable() {
        RawModuleDefBuilder before = RawModuleDefBuilder.v10();
        before.table("X", ID);
        before.table("Y", N);
        before.explicitNames.add(new RawModuleDef.ExplicitName(RawModuleDef.ExplicitName.Kind.TABLE, "X", "a"));
        before.explicitNames.add(new RawModuleDef.ExplicitName(RawModuleDef.ExplicitName.Kind.TABLE, "Y", "b"));
        RawModuleDefBuilder after = RawModuleDefBuilder.v10();
        after.table("Y", ID);
        after.table("X", N);
        after.explicitNames.add(new RawModuleDef.ExplicitName(RawModuleDef.ExplicitName.Kind.TABLE, "Y", "a"));
        after.explicitNames.add(new RawModuleDef.ExplicitName(RawModuleDef.ExplicitName.Kind.TABLE, "X", "b"));
        with(before, world -> {
            int a = world.table("X").tableId();
            world.migrate(after);
            assertEquals(a, world.table("Y").tableId());
            assertEquals("b", world.table("X").name());
        });
    }

    // ---- columns ----

    @Test
    void newColumnsGetTheirDefaults() {
        RawModuleDefBuilder wide = def(t -> t.key(0).sequence(0).btree("by_extra", 3).index("by_both", new IndexAlgorithm.Hash(
                List.of(3, 1))), ID, NAME, N, column("extra", PrimitiveType.U32), column("flag", PrimitiveType.BOOL));
        wide.defaults.add(new RawModuleDef.Default("thing", 3, new byte[] {5, 0, 0, 0}));
        wide.defaults.add(new RawModuleDef.Default("thing", 4, new byte[] {1}));
        with(def(t -> t.key(0).sequence(0)), world -> {
            world.insert("thing", row(0, "a", 1));
            world.insert("thing", row(0, "b", 2));
            TableSchema before = world.table("thing");
            assertTrue(world.migrate(wide).breaksClients());
            TableSchema after = world.table("thing");
            assertNotEquals(before.tableId(), after.tableId());
            assertTrue(world.view().table(before.tableId()).isEmpty());
            assertEquals(hex(row(1, "a", 1, 5, true), row(2, "b", 2, 5, true)), world.rows("thing"));
            // Sequences go on.
            assertArrayEquals(new byte[] {3, 0, 0, 0, 0, 0, 0, 0}, world.insert("thing", row(0, "c", 3, 6, false)));
        });
    }

    @Test
    void aUniqueNewColumnNeedsRowsThatDiffer() {
        RawModuleDefBuilder wide = def(t -> t.unique(3).btree("by_extra", 3), ID, NAME, N, column("extra", PrimitiveType.U32));
        wide.defaults.add(new RawModuleDef.Default("thing", 3, new byte[] {5, 0, 0, 0}));
        with(plain(), world -> {
            world.insert("thing", row(1, "a", 1));
            world.insert("thing", row(2, "a", 1));
            assertFails(world, wide, "DatastoreError: IndexError: Unique constraint violation 'thing_extra_idx_btree' in table "
                    + "'thing': column(s): '[\"extra\"]' value: 5");
            world.clear("thing");
            world.insert("thing", row(2, "a", 1));
            world.migrate(wide);
            assertEquals(hex(row(2, "a", 1, 5)), world.rows("thing"));
        });
    }

    private static RawModuleDefBuilder withKind(SumVariant... variants) {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        AlgebraicType kind = b.type("Kind", SumType.of(variants));
        b.table("thing", ID, column("kind", kind), N).key(0).btree("by_n", 2);
        return b;
    }

    @Test
    @Proves("module-def.md 8.1")
    void variantsAreAppended() {
        SumVariant one = SumVariant.of("one", ProductType.UNIT);
        SumVariant two = SumVariant.of("two", PrimitiveType.U32);
        SumVariant three = SumVariant.of("three", PrimitiveType.U16);
        byte[] old = {1, 0, 0, 0, 0, 0, 0, 0, 1, 9, 0, 0, 0, 7, 0, 0, 0};
        byte[] added = {2, 0, 0, 0, 0, 0, 0, 0, 2, 9, 0, 7, 0, 0, 0};
        with(withKind(one, two), world -> {
            world.insert("thing", old);
            int id = world.table("thing").tableId();
            assertThrows(EngineException.class, () -> world.insert("thing", added));
            assertFalse(world.migrate(withKind(one, two, three)).breaksClients());
            assertEquals(id, world.table("thing").tableId());
            world.insert("thing", added);
            assertEquals(hex(old, added), world.rows("thing"));
            assertEquals(ErrorCode.MIGRATION_REFUSED,
                    assertThrows(EngineException.class, () -> world.migrate(withKind(one, two))).code());
        });
    }

    @Test
    void columnsOfEventTablesChangeAnyhow() {
        RawModuleDefBuilder after = def(t -> t.unique(1).btree("by_id", 1).event = true, N, ID);
        with(def(t -> t.unique(0).btree("by_id", 0).event = true), world -> {
            world.insert("thing", row(1, "a", 1));
            assertEquals(Set.of(), world.rows("thing"));
            assertTrue(world.migrate(after).breaksClients());
            world.insert("thing", new byte[12]);
            assertEquals(Set.of(), world.rows("thing"));
            assertTrue(world.table("thing").event());
        });
    }

    // ---- indexes and constraints ----

    @Test
    void indexesComeGoAndChange() {
        with(plain(), world -> {
            world.insert("thing", row(1, "a", 1));
            world.insert("thing", row(2, "a", 2));
            int id = world.table("thing").tableId();
            for (RawModuleDefBuilder next : List.of(
                    def(t -> t.btree("by_name", 1)),
                    def(t -> t.btree("by_name", 1).btree("by_both", 2, 1)),
                    def(t -> t.index("by_name", new IndexAlgorithm.Hash(List.of(1)))),
                    def(t -> t.unique(2).index("by_n", new IndexAlgorithm.Direct(2))),
                    plain())) {
                assertFalse(world.migrate(next).breaksClients());
                assertEquals(id, world.table("thing").tableId());
                assertEquals(next.tables.getFirst().indexes.size(), world.table("thing").indexes().size());
                assertEquals(hex(row(1, "a", 1), row(2, "a", 2)), world.rows("thing"));
            }
        });
    }

    @Test
    void anIndexKeepsItsIdUnlessItIsMadeAnew() {
        RawModuleDef.ExplicitName it = new RawModuleDef.ExplicitName(RawModuleDef.ExplicitName.Kind.INDEX, "by_it", "it");
        RawModuleDefBuilder before = def(t -> t.btree("by_it", 1).btree("by_n", 2));
        RawModuleDefBuilder after = def(t -> t.btree("by_it", 2).btree("by_n", 2));
        before.explicitNames.add(it);
        after.explicitNames.add(it);
        with(before, world -> {
            int replaced = world.indexId("by_it");
            int kept = world.indexId("by_n");
            world.migrate(after);
            assertNotEquals(replaced, world.indexId("by_it"));
            assertEquals(kept, world.indexId("by_n"));
        });
    }

    @Test
    void aUniqueConstraintNeedsValuesThatDiffer() {
        String text = "DatastoreError: IndexError: Unique constraint violation 'thing_name_idx_btree' in table 'thing': "
                + "column(s): '[\"name\"]' value: \"same\"";
        RawModuleDefBuilder unique = def(t -> t.unique(1).btree("by_name", 1));
        with(plain(), world -> {
            world.insert("thing", row(1, "same", 1));
            world.insert("thing", row(2, "same", 1));
            assertFails(world, unique, text);
            // With the index already there, it is the constraint that fails.
            world.migrate(def(t -> t.btree("by_name", 1)));
            world.insert("thing", row(3, "same", 1));
            world.insert("thing", row(4, "", 1));
            world.insert("thing", row(5, "", 1));
            world.insert("thing", row(6, "single", 1));
            assertFails(world, unique, "DatastoreError: Cannot add unique constraint on table " + world.table("thing").tableId()
                    + " column(s) [ColId(1)] (committed state):\n2 duplicate group(s) found.\n"
                    + "  - String(\"same\") appears 3 times\n  - String(\"\") appears 2 times");
            world.clear("thing");
            world.insert("thing", row(1, "a", 1));
            world.migrate(unique);
            assertThrows(EngineException.class, () -> world.insert("thing", row(2, "a", 1)));
            world.migrate(plain());
            world.insert("thing", row(2, "a", 1));
            assertEquals(hex(row(1, "a", 1), row(2, "a", 1)), world.rows("thing"));
        });
    }

    // ---- sequences ----

    private static long generated(MigrationWorld world, String name) {
        return LittleEndian.getLong(world.insert("thing", row(0, name, 0)), 0);
    }

    @Test
    void aSequenceNeedsAnEmptyRange() {
        RawModuleDefBuilder numbered = def(t -> t.sequence(0));
        with(plain(), world -> {
            world.insert("thing", row(7, "a", 1));
            assertFails(world, numbered, "Precheck failed: added sequence thing_id_seq already has values in range");
            world.clear("thing");
            world.insert("thing", row(0, "zero", 1));
            world.migrate(numbered);
            assertEquals(1, generated(world, "b"));
            assertEquals(2, generated(world, "c"));
            // Another range is another sequence.
            assertFails(world, def(t -> t.sequence(0, 1, 1, null, 2)),
                    "Precheck failed: added sequence thing_id_seq already has values in range");
            world.migrate(def(t -> t.sequence(0, 100, 100, 200, 1)));
            assertEquals(100, generated(world, "d"));
            world.migrate(def(t -> t.btree("by_name", 1).sequence(0, 100, 100, 200, 1)));
            assertEquals(101, generated(world, "e"));
            world.migrate(plain());
            assertEquals(0, world.insert("thing", row(0, "f", 1)).length);
        });
    }

    @Test
    void signedColumnsAreCompared() {
        ProductElement signed = column("id", PrimitiveType.I16);
        byte[] minusOne = {(byte) 0xff, (byte) 0xff};
        with(def(t -> { }, signed), world -> {
            world.insert("thing", minusOne);
            world.migrate(def(t -> t.sequence(0), signed));
            world.migrate(def(t -> { }, signed));
            assertFails(world, def(t -> t.sequence(0, 0, -5, 5, 1), signed),
                    "Precheck failed: added sequence thing_id_seq already has values in range");
        });
    }

    @Test
    void positionsSurviveRebuildingAndRestart() {
        with(def(t -> t.sequence(0)), world -> {
            assertEquals(1, generated(world, "a"));
            world.migrate(def(t -> t.sequence(0).btree("by_name", 1)));
            assertEquals(2, generated(world, "b"));
            MigrationWorld restarted = world.restarted();
            assertEquals(1 + SequenceState.BLOCK, generated(restarted, "c"));
            restarted.migrate(def(t -> t.sequence(0)));
            assertEquals(2 + SequenceState.BLOCK, generated(restarted, "d"));
            restarted.close();
        });
    }

    // ---- schedules and rules ----

    private static RawModuleDefBuilder scheduled(Consumer<TableBuilder> change) {
        RawModuleDefBuilder b = def(t -> change.accept(t.key(0)), ID, column("at", SpecialTypes.SCHEDULE_AT));
        b.reducer("run", column("arg", new AlgebraicType.Ref(0)));
        b.schedules.add(new RawModuleDef.Schedule(Optional.empty(), "thing", 1, "run"));
        return b;
    }

    @Test
    void schedulesOfTablesThatExistStay() {
        RawModuleDefBuilder scheduled = scheduled(t -> { });
        RawModuleDefBuilder none = scheduled(t -> { });
        none.schedules.clear();
        with(none, world -> assertFails(world, scheduled, "Adding schedules is not yet implemented"));
        with(scheduled, world -> {
            assertFails(world, none, "Removing schedules is not yet implemented");
            int id = world.table("thing").schedule().orElseThrow().scheduleId();
            world.migrate(scheduled(t -> t.btree("by_at", 1)));
            assertEquals(id, world.table("thing").schedule().orElseThrow().scheduleId());
        });
    }

    @Test
    void rulesAreMadeAnew() {
        RawModuleDefBuilder one = plain();
        one.rowLevelSecurity.add("SELECT * FROM thing WHERE id = 1");
        RawModuleDefBuilder other = plain();
        other.rowLevelSecurity.add("SELECT * FROM thing WHERE id = 2");
        with(plain(), world -> {
            world.migrate(one);
            assertEquals(1, world.rows("st_row_level_security").size());
            Set<String> rules = world.rows("st_row_level_security");
            world.migrate(other);
            assertNotEquals(rules, world.rows("st_row_level_security"));
            RawModuleDefBuilder bad = plain();
            bad.rowLevelSecurity.add("SELECT * FROM nope");
            assertFails(world, bad, "no such table: `nope`. If the table exists, it may be marked private.");
            RawModuleDefBuilder hidden = def(t -> t.access = TableAccess.PRIVATE);
            hidden.rowLevelSecurity.add("SELECT * FROM thing WHERE id = 2");
            assertFails(world, hidden, "Cannot define RLS rule on private table: thing. Please make table public if you wish to "
                    + "restrict access using RLS.");
            world.migrate(plain());
            assertEquals(Set.of(), world.rows("st_row_level_security"));
        });
    }

    // ---- chance ----

    /** One of many definitions of a few tables; columns are only ever appended. */
    private static RawModuleDefBuilder randomDef(Random random, int extraColumns) {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        for (String name : List.of("ant", "Bee", "cat_1")) {
            if (name.equals("cat_1") && random.nextBoolean()) {
                continue;
            }
            List<ProductElement> columns = new ArrayList<>(List.of(ID, NAME, N));
            for (int i = 0; i < extraColumns; i++) {
                columns.add(column("extra" + i, PrimitiveType.U32));
                b.defaults.add(new RawModuleDef.Default(name, 3 + i, new byte[] {(byte) i, 0, 0, 0}));
            }
            TableBuilder table = b.table(name, columns.toArray(ProductElement[]::new));
            if (random.nextBoolean()) {
                table.key(0);
            }
            if (random.nextInt(3) == 0) {
                table.sequence(0, 1 + 1000 * random.nextInt(3), 1, null, 1);
            }
            for (int i = 1; i < columns.size(); i++) {
                switch (random.nextInt(6)) {
                    case 0 -> table.btree("b" + random.nextInt(3) + name + i, i);
                    case 1 -> table.index("h" + name + i, new IndexAlgorithm.Hash(List.of(i, 0)));
                    case 2 -> table.unique(i).btree("u" + name + i, i);
                    default -> { }
                }
            }
            table.access = random.nextBoolean() ? TableAccess.PUBLIC : TableAccess.PRIVATE;
        }
        return b;
    }

    /** Whatever follows whatever: rows stay, or nothing happens; {@link MigrationWorld} looks at everything else. */
    @Test
    void randomDefinitionsFollowEachOther() {
        Seeds.repeat(6, random -> {
            int extra = 0;
            int failed = 0;
            int migrated = 0;
            MigrationWorld world = new MigrationWorld(
                    random.nextBoolean() ? HeapStores::new : ChronicleStores::new, randomDef(random, extra));
            try {
                for (int step = 0; step < 30; step++) {
                    if (random.nextInt(10) == 0) {
                        world = world.restarted();
                    }
                    if (random.nextInt(3) > 0) {
                        try {
                            byte[] row = row(random.nextInt(5), "n" + random.nextInt(6), random.nextInt(6),
                                    random.ints(extra, 0, 9).boxed().toArray());
                            world.insert(random.nextBoolean() ? "ant" : "bee", row);
                        } catch (EngineException e) {
                            assertEquals(ErrorCode.UNIQUE_ALREADY_EXISTS, e.code());
                        }
                        continue;
                    }
                    int wider = extra + (random.nextInt(6) == 0 ? 1 : 0);
                    int before = world.rows("ant").size() + world.rows("bee").size();
                    try {
                        world.migrate(randomDef(random, wider));
                        extra = wider;
                        migrated++;
                    } catch (EngineException e) {
                        assertEquals(ErrorCode.MIGRATION_FAILED, e.code(), e.describe());
                        failed++;
                    }
                    assertEquals(before, world.rows("ant").size() + world.rows("bee").size());
                }
            } finally {
                world.close();
            }
            assertTrue(migrated + failed > 0);
        });
    }
}
