package dev.geodesic.engine.schema;

import static dev.geodesic.engine.schema.RawModuleDefBuilder.column;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.RawModuleDefBuilder.TableBuilder;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.SumVariant;
import dev.geodesic.testkit.Proves;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Proves("module-def.md 8")
class MigrationPlannerTest {

    private static final ProductElement ID = column("id", PrimitiveType.U64);
    private static final ProductElement NAME = column("name", PrimitiveType.STRING);
    private static final ProductElement N = column("n", PrimitiveType.U32);
    private static final String MANUAL = " requires a manual migration";

    private static RawModuleDefBuilder base(ProductElement... columns) {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        b.table("thing", columns.length == 0 ? new ProductElement[] {ID, NAME, N} : columns).key(0);
        return b;
    }

    private static RawModuleDefBuilder base(Consumer<TableBuilder> change) {
        RawModuleDefBuilder b = base();
        change.accept(b.tables.getFirst());
        return b;
    }

    private static void assertRefused(RawModuleDefBuilder before, RawModuleDefBuilder after, String... reasons) {
        EngineException e = assertThrows(EngineException.class, () -> MigrationPlanner.plan(before.define(), after.define()));
        assertEquals(ErrorCode.MIGRATION_REFUSED, e.code());
        assertEquals("Errors occurred:\n" + String.join("\n\n", reasons) + "\n\n", e.getMessage());
    }

    /** The lines of the plan, without its head, and what it says about clients. */
    private static void assertPlan(RawModuleDefBuilder before, RawModuleDefBuilder after, String... lines) {
        MigrationPlan plan = MigrationPlanner.plan(before.define(), after.define());
        assertEquals(List.of(lines), MigrationText.of(plan, false).lines().skip(4).toList());
        assertEquals(List.of(lines).toString().contains("!!!"), plan.breaksClients());
    }

    private static final String WARNING = "!!! Warning: All clients will be disconnected due to breaking schema changes";

    @ParameterizedTest
    @ValueSource(strings = {GoldenModules.V9, GoldenModules.V10})
    void anEqualDefinitionChangesNothing(String module) {
        MigrationPlan plan = MigrationPlanner.plan(GoldenModules.def(module), GoldenModules.def(module));
        assertFalse(plan.breaksClients());
        assertTrue(plan.steps().stream().allMatch(s -> switch (s) {
            case MigrationStep.UpdateView v -> true;
            case MigrationStep.AddRowLevelSecurity r -> r.recreated();
            case MigrationStep.RemoveRowLevelSecurity r -> r.recreated();
            default -> false;
        }), plan.toString());
    }

    @Test
    void tablesMayBeAddedAndFunctionsMayChange() {
        RawModuleDefBuilder before = base().reducer("old");
        RawModuleDefBuilder after = base().reducer("new", ID);
        after.table("zebra", ID);
        after.table("ant", ID);
        assertPlan(before, after,
                "▸ Created user table: ant (public)", "    Columns:", "        • id: U64", "",
                "▸ Created user table: zebra (public)", "    Columns:", "        • id: U64", "");
    }

    @Test
    void orderOfDeclarationAndDefaultsMeanNothing() {
        RawModuleDefBuilder before = base(t -> t.btree("by_name", 1).btree("by_n", 2));
        RawModuleDefBuilder after = RawModuleDefBuilder.v10();
        after.table("thing", ID, NAME, N).btree("by_n", 2).btree("by_name", 1).key(0);
        after.defaults.add(new RawModuleDef.Default("thing", 2, new byte[4]));
        assertPlan(before, after);
    }

    @Test
    void aRenamedTableIsRemovedAndAdded() {
        RawModuleDefBuilder after = RawModuleDefBuilder.v10();
        after.table("other", ID);
        assertPlan(base(), after,
                "▸ Removed table: thing", "", "▸ Created user table: other (public)", "    Columns:", "        • id: U64", "",
                WARNING);
    }

    @Test
    void columns() {
        assertRefused(base(), base(ID, NAME), "Removing a column n from table thing" + MANUAL);
        assertRefused(base(ID, NAME), base(),
                "Adding a column n to table thing requires a default value annotation");
        assertRefused(base(), base(ID, N, NAME), "Reordering table thing" + MANUAL, "Reordering table thing" + MANUAL);
        RawModuleDefBuilder withDefault = base();
        withDefault.defaults.add(new RawModuleDef.Default("thing", 2, new byte[] {5, 0, 0, 0}));
        assertPlan(base(ID, NAME), withDefault,
                "▸ Created column in table thing", "    + n: U32 (default: U32(", "    5,", "))", WARNING);
        assertPlan(base(ID, column("aB", PrimitiveType.U8)), base(ID, column("a_b", PrimitiveType.U8)),
                "▸ Changed column accessor name for thing.a_b");
    }

    /** Whatever is wrong is said at once, in the order of the tables and columns. */
    @Test
    void collectsEveryReason() {
        RawModuleDefBuilder before = base();
        before.table("ant", ID, NAME);
        RawModuleDefBuilder after = base(ID, NAME, column("n", PrimitiveType.U64));
        after.table("ant", ID, N);
        after.tables.getLast().event = true;
        assertRefused(before, after, "Changing the event flag of table ant" + MANUAL,
                "Changing the type of column n in table thing from U32 to U64" + MANUAL);
    }

    @Test
    void endlessReasonsEnd() {
        ProductElement[] before = new ProductElement[300];
        ProductElement[] after = new ProductElement[300];
        for (int i = 0; i < before.length; i++) {
            before[i] = column("c" + i, PrimitiveType.U32);
            after[i] = column("c" + i, PrimitiveType.U64);
        }
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        b.table("t", before);
        RawModuleDefBuilder a = RawModuleDefBuilder.v10();
        a.table("t", after);
        EngineException e = assertThrows(EngineException.class, () -> MigrationPlanner.plan(b.define(), a.define()));
        assertEquals(1 + 2 * ValidationErrors.ERRORS_MAX, e.getMessage().lines().count());
    }

    @Test
    void columnsOfEventTablesChangeFreely() {
        RawModuleDefBuilder before = base(t -> t.event = true);
        RawModuleDefBuilder after = base(N, ID);
        after.tables.getFirst().event = true;
        after.tables.getFirst().primaryKey = List.of(1);
        after.tables.getFirst().indexes.clear();
        after.tables.getFirst().constraints.clear();
        after.tables.getFirst().unique(1).btree("key_thing", 1);
        assertPlan(before, after, "▸ Changed schema of event table thing", WARNING);
    }

    @Test
    void propertiesOfTables() {
        assertPlan(base(), base(t -> t.access = TableAccess.PRIVATE),
                "▸ Changed access for table thing (public → private)");
        assertPlan(base(t -> t.access = TableAccess.PRIVATE), base(),
                "▸ Changed access for table thing (private → public)");
        assertRefused(base(), base(t -> t.event = true), "Changing the event flag of table thing" + MANUAL);
        assertPlan(base(), base(t -> t.primaryKey = List.of()), "▸ Changed primary key on table thing (removed)");
        assertPlan(base(t -> t.primaryKey = List.of()), base(),
                "▸ Changed primary key on table thing (added on column 0)");
        assertPlan(base(t -> t.unique(2).btree("by_n", 2)), base(t -> t.unique(2).btree("by_n", 2).primaryKey = List.of(2)),
                "▸ Changed primary key on table thing (changed to column 2)");
    }

    @Test
    void indexes() {
        assertPlan(base(), base(t -> t.btree("by_name", 1)),
                "▸ Created index thing_name_idx_btree on [name] of table thing");
        assertPlan(base(t -> t.btree("by_name", 1)), base(),
                "▸ Removed index thing_name_idx_btree on [name] of table thing");
        assertPlan(base(t -> t.btree("by_name", 1)), base(t -> t.btree("find", 1)),
                "▸ Changed index thing_name_idx_btree on [name] of table thing");
        RawModuleDefBuilder before = base(t -> t.btree("by_it", 1));
        before.explicitNames.add(new RawModuleDef.ExplicitName(RawModuleDef.ExplicitName.Kind.INDEX, "by_it", "it"));
        RawModuleDefBuilder after = base(t -> t.index("by_it", new IndexAlgorithm.Hash(List.of(2))));
        after.explicitNames.addAll(before.explicitNames);
        assertPlan(before, after,
                "▸ Removed index it on [name] of table thing", "▸ Created index it on [n] of table thing");
        RawModuleDefBuilder renamed = base(t -> t.indexes.add(new RawModuleDef.Index(
                Optional.of("by_name"), Optional.of("client"), new IndexAlgorithm.BTree(List.of(1)))));
        RawModuleDefBuilder other = base(t -> t.indexes.add(new RawModuleDef.Index(
                Optional.of("by_name"), Optional.of("web"), new IndexAlgorithm.BTree(List.of(1)))));
        assertRefused(renamed, other,
                "Changing the accessor name on index thing_name_idx_btree from client to web" + MANUAL);
    }

    @Test
    void constraints() {
        assertPlan(base(), base(t -> t.unique(1).btree("by_name", 1)),
                "▸ Created index thing_name_idx_btree on [name] of table thing",
                "▸ Created unique constraint thing_name_key on [name] of table thing");
        assertPlan(base(t -> t.unique(1).btree("by_name", 1)), base(t -> t.btree("by_name", 1)),
                "▸ Removed unique constraint thing_name_key on [name] of table thing");
        RawModuleDefBuilder before = RawModuleDefBuilder.v9();
        before.table("t", ID, N).btree("i", 0).btree("j", 1)
                .constraints.add(new RawModuleDef.Constraint(Optional.of("c"), List.of(0)));
        RawModuleDefBuilder after = RawModuleDefBuilder.v9();
        after.table("t", ID, N).btree("i", 0).btree("j", 1)
                .constraints.add(new RawModuleDef.Constraint(Optional.of("c"), List.of(1)));
        assertRefused(before, after, "Changing a unique constraint c" + MANUAL);
    }

    @Test
    void sequences() {
        String what = " auto-increment constraint thing_id_seq on column id of table thing";
        assertPlan(base(), base(t -> t.sequence(0)), "▸ Created" + what);
        assertPlan(base(t -> t.sequence(0)), base(), "▸ Removed" + what);
        assertPlan(base(t -> t.sequence(0)), base(t -> t.sequence(0, 5, null, null, 1)), "▸ Removed" + what, "▸ Created" + what);
    }

    @Test
    void accessors() {
        RawModuleDefBuilder after = RawModuleDefBuilder.v10();
        after.table("Thing", ID, NAME, N).key(0);
        RawModuleDefBuilder before = base();
        before.tables.getFirst().indexes.clear();
        before.tables.getFirst().btree("key_Thing", 0);
        assertPlan(before, after, "▸ Changed table accessor name for thing");
    }

    private static RawModuleDefBuilder scheduled(String function) {
        RawModuleDefBuilder b = base(ID, column("at", SpecialTypes.SCHEDULE_AT));
        b.reducer("run", column("arg", new AlgebraicType.Ref(0))).reducer("walk", column("arg", new AlgebraicType.Ref(0)));
        b.schedules.add(new RawModuleDef.Schedule(Optional.empty(), "thing", 1, function));
        return b;
    }

    @Test
    void schedules() {
        RawModuleDefBuilder none = scheduled("run");
        none.schedules.clear();
        assertPlan(none, scheduled("run"), "▸ Created schedule for table thing calling reducer run");
        assertPlan(scheduled("run"), none, "▸ Removed schedule for table thing calling reducer run");
        assertPlan(scheduled("run"), scheduled("walk"), "▸ Removed schedule for table thing calling reducer run",
                "▸ Created schedule for table thing calling reducer walk");
    }

    private static RawModuleDefBuilder view(boolean anonymous, String key, ProductElement[] params, ProductElement... columns) {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        AlgebraicType row = b.type("Row", ProductType.of(columns));
        b.views.add(new RawModuleDef.View("mine", 0, true, anonymous, ProductType.of(params), new ArrayType(row)));
        if (key != null) {
            b.viewPrimaryKeys.add(new RawModuleDef.ViewPrimaryKey("mine", List.of(key)));
        }
        return b;
    }

    private static void assertViewReplaced(RawModuleDefBuilder after) {
        MigrationPlan plan = MigrationPlanner.plan(view(false, null, new ProductElement[0], ID, N).define(), after.define());
        assertEquals(
                List.of(MigrationStep.RemoveView.class, MigrationStep.AddView.class, MigrationStep.DisconnectAll.class),
                plan.steps().stream().map(MigrationStep::getClass).toList());
    }

    @Test
    void views() {
        ProductElement[] none = {};
        RawModuleDefBuilder before = view(false, null, none, ID, N);
        assertPlan(RawModuleDefBuilder.v10(), view(false, null, new ProductElement[] {NAME}, ID),
                "▸ ▸ Created view: mine", "    Parameters:", "        • name: String", "    Columns:", "        • id: U64", "");
        assertPlan(before, RawModuleDefBuilder.v10(),
                "▸ ▸ Removed view: mine", "    Columns:", "        • id: U64", "        • n: U32", "", WARNING);
        assertViewReplaced(view(true, null, none, ID, N));
        assertViewReplaced(view(false, "id", none, ID, N));
        assertViewReplaced(view(false, null, new ProductElement[] {NAME}, ID, N));
        assertViewReplaced(view(false, null, none, N, ID));
        assertViewReplaced(view(false, null, none, ID, column("n", PrimitiveType.U64)));
        assertViewReplaced(view(false, null, none, ID, N, NAME));
        MigrationPlan same = MigrationPlanner.plan(before.define(), view(false, null, none, ID, N).define());
        assertTrue(same.steps().getFirst() instanceof MigrationStep.UpdateView v && v.view().name().equals("mine"));
        assertEquals(1, same.steps().size());
    }

    @Test
    void versionsAreComparedByCanonicalNames() {
        RawModuleDefBuilder before = RawModuleDefBuilder.v9();
        before.table("Thing", ID);
        RawModuleDefBuilder after = RawModuleDefBuilder.v10();
        after.table("Thing", ID);
        assertPlan(before, after, "▸ Removed table: Thing", "", "▸ Created user table: thing (public)", "    Columns:",
                "        • id: U64", "", WARNING);
        after.naming = CaseConversion.NONE;
        assertPlan(before, after);
    }

    // ---- types of columns ----

    private static List<String> reasons(AlgebraicType before, AlgebraicType after) {
        List<String> reasons = new ArrayList<>();
        ColumnTypeChange.check("thing", "c", before, after, reasons::add);
        return reasons;
    }

    private static SumType sum(Object... namesAndTypes) {
        SumVariant[] variants = new SumVariant[namesAndTypes.length / 2];
        for (int i = 0; i < variants.length; i++) {
            variants[i] = SumVariant.of((String) namesAndTypes[2 * i], (AlgebraicType) namesAndTypes[2 * i + 1]);
        }
        return SumType.of(variants);
    }

    private static ProductType product(Object... namesAndTypes) {
        ProductElement[] elements = new ProductElement[namesAndTypes.length / 2];
        for (int i = 0; i < elements.length; i++) {
            elements[i] = column((String) namesAndTypes[2 * i], (AlgebraicType) namesAndTypes[2 * i + 1]);
        }
        return ProductType.of(elements);
    }

    private static void assertTypeAllowed(AlgebraicType before, AlgebraicType after) {
        assertEquals(List.of(), reasons(before, after));
    }

    private static void assertTypeRefused(AlgebraicType before, AlgebraicType after, String... reasons) {
        String[] full = new String[reasons.length];
        for (int i = 0; i < reasons.length; i++) {
            full[i] = (reasons[i].startsWith(" within")
                            ? "Changing a type within column c in table thing from " + reasons[i].substring(8)
                            : "Changing the type of column c in table thing from " + reasons[i])
                    .replace("~", ", requires a manual migration");
        }
        assertEquals(List.of(full), reasons(before, after));
    }

    @Test
    @Proves("module-def.md 8.1")
    @Proves("bsatn.md 10")
    void sums() {
        AlgebraicType unit = ProductType.UNIT;
        SumType before = sum("one", unit, "two", PrimitiveType.U32);
        assertTypeAllowed(before, sum("one", unit, "two", PrimitiveType.U32, "three", PrimitiveType.U16));
        assertTypeAllowed(sum("one", unit), sum("one", unit, "two", unit));
        // A text and an array are a pointer of four bytes with an alignment of two.
        assertTypeAllowed(sum("a", PrimitiveType.STRING), sum("a", PrimitiveType.STRING, "b", ArrayType.BYTES));
        // A payload that grows into its padding: (u32, u8) and (u32, u8, u8) take eight bytes both.
        assertTypeAllowed(
                sum("a", product("x", PrimitiveType.U32, "y", PrimitiveType.U8)),
                sum("a", product("x", PrimitiveType.U32, "y", PrimitiveType.U8),
                        "b", product("x", PrimitiveType.U32, "y", PrimitiveType.U8, "z", PrimitiveType.U8)));
        assertTypeRefused(before, sum("one", unit), "(one: () | two: U32) to (one: ()), with fewer variants~");
        assertTypeRefused(before, sum("uno", unit, "two", PrimitiveType.U32),
                "(one: () | two: U32) to (uno: () | two: U32), with a renamed variant~");
        assertTypeRefused(before, sum("one", unit, "two", PrimitiveType.U32, "x", PrimitiveType.I128),
                "(one: () | two: U32) to (one: () | two: U32 | x: I128)~, due to size mismatch",
                "(one: () | two: U32) to (one: () | two: U32 | x: I128)~, due to alignment mismatch");
        assertTypeRefused(sum("a", PrimitiveType.STRING), sum("a", PrimitiveType.STRING, "b", PrimitiveType.U32),
                "(a: String) to (a: String | b: U32)~, due to size mismatch",
                "(a: String) to (a: String | b: U32)~, due to alignment mismatch");
        assertTypeRefused(before, sum("one", unit, "two", PrimitiveType.I32), " within U32 to I32 requires a manual migration");
    }

    @Test
    @Proves("module-def.md 8.1")
    void compounds() {
        SumType small = sum("one", ProductType.UNIT);
        SumType more = sum("one", ProductType.UNIT, "two", ProductType.UNIT);
        assertTypeAllowed(new ArrayType(small), new ArrayType(more));
        assertTypeAllowed(product("x", small), product("x", more));
        assertTypeAllowed(sum("some", small, "none", ProductType.UNIT), sum("some", more, "none", ProductType.UNIT));
        assertTypeRefused(new ArrayType(more), new ArrayType(small),
                " within (one: () | two: ()) to (one: ()), with fewer variants~");
        assertTypeRefused(product("x", PrimitiveType.U8), product("x", PrimitiveType.U8, "y", PrimitiveType.U8),
                "(x: U8) to (x: U8, y: U8), with fewer fields~");
        assertTypeRefused(product("x", PrimitiveType.U8), product("z", PrimitiveType.U8),
                "(x: U8) to (z: U8), with a renamed field~");
        assertTypeRefused(product("x", PrimitiveType.U8), product("x", PrimitiveType.I8),
                " within U8 to I8 requires a manual migration");
        assertTypeRefused(PrimitiveType.U8, product("x", PrimitiveType.U8), "U8 to (x: U8) requires a manual migration");
        assertTypeRefused(PrimitiveType.STRING, ArrayType.BYTES, "String to Array<U8> requires a manual migration");
    }
}
