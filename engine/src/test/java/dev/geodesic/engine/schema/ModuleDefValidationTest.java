package dev.geodesic.engine.schema;

import static dev.geodesic.engine.schema.RawModuleDefBuilder.column;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
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
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Every rule of spec/module-def.md section 6, each with a definition that breaks it and nothing else. */
class ModuleDefValidationTest {

    private static final ProductElement ID = column("id", PrimitiveType.U32);
    private static final ProductElement TEXT = column("text", PrimitiveType.STRING);
    private static final ProductType INLINE = ProductType.of(ID);

    private static void assertErrors(RawModuleDefBuilder b, String... expected) {
        EngineException e = assertThrows(EngineException.class, b::define);
        assertEquals(ErrorCode.INVALID_MODULE_DEF, e.code());
        StringBuilder text = new StringBuilder("Errors occurred:\n");
        for (String error : expected) {
            text.append(error).append("\n\n");
        }
        assertEquals(text.toString(), e.getMessage());
    }

    private static void assertV10(Consumer<RawModuleDefBuilder> change, String... expected) {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        change.accept(b);
        assertErrors(b, expected);
    }

    private static void assertV9(Consumer<RawModuleDefBuilder> change, String... expected) {
        RawModuleDefBuilder b = RawModuleDefBuilder.v9();
        change.accept(b);
        assertErrors(b, expected);
    }

    @Test
    @Proves("module-def.md 6")
    void collectsSortedErrorsWithoutRepeats() {
        assertV10(
                b -> {
                    b.table("st_z", ID);
                    b.table("st_a", ID);
                    b.reducer("r").reducer("r").reducer("r");
                },
                "Name r is used for multiple reducers, procedures and/or views",
                "Table name is reserved for system use: st_a",
                "Table name is reserved for system use: st_z");
    }

    @Test
    void stopsAtAHundredErrors() {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        for (int i = 0; i < 5_000; i++) {
            b.table("st_" + "x".repeat(i % 1000) + i, ID);
        }
        EngineException e = assertThrows(EngineException.class, b::define);
        assertEquals(1 + 2 * 100, e.getMessage().lines().count());
    }

    // 6.1 Tables

    @Test
    @Proves("module-def.md 6.1")
    void rowTypeMustBeAProduct() {
        assertV10(b -> b.table("t", ID).ref = 9, "Table t has invalid product_type_ref 9");
        assertV10(b -> b.table("t", ID).ref = -1, "Table t has invalid product_type_ref 4294967295");
        assertV10(
                b -> b.table("t", ID).ref = b.type("Kind", SumType.of(SumVariant.of("a", ProductType.UNIT))).index(),
                "Table t has invalid product_type_ref 1");
    }

    @Test
    @Proves("module-def.md 6.1")
    void columnsMustHaveDistinctNames() {
        ProductElement unnamed = new ProductElement(Optional.empty(), PrimitiveType.U8);
        assertV10(
                b -> b.table("t", ID, unnamed),
                "error at typespace ref `&0`: internal codegen error: all elements of a type require names",
                "table `t` has unnamed column `col_1`, which is forbidden.");
        assertV10(
                b -> b.table("t", column("fooBar", PrimitiveType.U8), column("foo_bar", PrimitiveType.U8)),
                "table `t` has more than one column named `foo_bar`");
    }

    @Test
    @Proves("module-def.md 6.1")
    void columnPositionsMustExist() {
        assertV10(b -> b.table("t", ID).btree("i", 7), "column `7` referenced by def t_col_7_idx_btree not found in table `t`");
        assertV10(b -> b.table("t", ID).unique(1), "column `1` referenced by def t_col_1_key not found in table `t`");
        assertV10(b -> b.table("t", ID).sequence(2), "column `2` referenced by def t_col_2_seq not found in table `t`");
        assertV10(
                b -> b.table("t", ID).primaryKey = List.of(3),
                "column `3` referenced by def primary key not found in table `t`");
        assertV10(
                b -> {
                    b.table("t", ID);
                    b.defaults.add(new RawModuleDef.Default("t", 4, new byte[0]));
                },
                "column `4` referenced by def default value not found in table `t`");
        assertV10(
                b -> b.table("t", ID).index("i", new IndexAlgorithm.Direct(5)),
                "column `5` referenced by def t_col_5_idx_direct not found in table `t`");
    }

    @Test
    @Proves("module-def.md 6.1")
    void columnListsMustNotRepeatOrBeEmpty() {
        assertV10(b -> b.table("t", ID).btree("i", 0, 0), "def `t_id_id_idx_btree` has duplicate columns: [0, 0]");
        assertV10(b -> b.table("t", ID).btree("i"), "def `t__idx_btree` in table `t` has no columns");
        assertV10(b -> b.table("t", ID).unique(), "def `t__key` in table `t` has no columns");
    }

    @Test
    @Proves("module-def.md 6.1")
    void primaryKeyIsOneUniqueColumn() {
        assertV10(b -> b.table("t", ID, TEXT).primaryKey = List.of(0, 1), "table `t` has multiple primary key annotations");
        assertV10(
                b -> b.table("t", ID, TEXT).unique(0, 1).btree("i", 0, 1).primaryKey = List.of(0),
                "table `t` column `id` is primary key but has no unique constraint");
    }

    @Test
    @Proves("module-def.md 6.1")
    void uniqueConstraintNeedsAnIndexOverItsColumns() {
        assertV10(
                b -> b.table("t", ID, TEXT).unique(0).btree("i", 0, 1),
                "No index found to support unique constraint `t_id_key` for columns `[0]`");
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        b.table("t", ID, TEXT).unique(0, 1).btree("i", 1, 0);
        assertEquals(1, b.define().tables().size());
    }

    @Test
    @Proves("module-def.md 6.1")
    void directIndexNeedsASmallUniqueColumn() {
        IndexAlgorithm direct = new IndexAlgorithm.Direct(0);
        assertV10(
                b -> b.table("t", TEXT).unique(0).index("i", direct),
                "Direct index does not support type `String` in column `text` in index `t_text_idx_direct`");
        assertV10(
                b -> b.table("t", ID).index("i", direct),
                "Direct index `t_id_idx_direct` requires a unique constraint on column `id`");
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        AlgebraicType plain = b.type(
                "Plain", SumType.of(SumVariant.of("a", ProductType.UNIT), SumVariant.of("b", ProductType.UNIT)));
        b.table("t", column("kind", plain)).unique(0).index("i", direct);
        assertEquals(1, b.define().tables().size());
    }

    @Test
    @Proves("module-def.md 6.1")
    void version10IndexesNeedSourceNames() {
        assertV10(
                b -> b.table("t", ID).indexes.add(
                        new RawModuleDef.Index(Optional.empty(), Optional.empty(), new IndexAlgorithm.BTree(List.of(0)))),
                "index `t_id_idx_btree` of table `t` has no source name");
    }

    @Test
    @Proves("module-def.md 6.1")
    void sequencesCountIntegers() {
        assertV10(
                b -> b.table("t", TEXT).sequence(0),
                "invalid sequence column type: text with type `String` in sequence `t_text_seq`");
        assertV10(
                b -> b.table("t", ID).sequence(0).sequence(0),
                "Attempt to define id with more than 1 auto_inc sequence",
                "name `t_id_seq` is used for multiple entities");
        assertV10(
                b -> b.table("t", ID).sequence(0, 5, 6, 9, 1),
                "invalid sequence range information: expected 6 <= 5 <= 9 in sequence `t_id_seq`");
        assertV10(
                b -> b.table("t", ID).sequence(0, 5, null, 4, 1),
                "invalid sequence range information: expected 1 <= 5 <= 4 in sequence `t_id_seq`");
        assertV10(
                b -> b.table("t", ID).sequence(0, 0, null, null, 1),
                "invalid sequence range information: expected 1 <= 0 <= 170141183460469231731687303715884105727"
                        + " in sequence `t_id_seq`");
        assertV10(b -> b.table("t", ID).sequence(0, null, null, null, 0), "sequence `t_id_seq` has increment 0");
    }

    @Test
    void systemTablesBelongToTheServer() {
        assertV10(b -> b.table("stMine", ID), "Table name is reserved for system use: st_mine");
        assertV9(b -> b.table("st_mine", ID), "Table name is reserved for system use: st_mine");
        assertV10(b -> b.table("t", ID).kind = TableKind.SYSTEM, "Table name is reserved for system use: t");
    }

    @Test
    @Proves("module-def.md 6.1")
    void defaultsMustBeOneValueOfTheirColumn() {
        assertV10(
                b -> {
                    b.table("t", ID, column("n", PrimitiveType.I64));
                    b.defaults.add(new RawModuleDef.Default("t", 1, new byte[] {7, 0, 0, 0}));
                },
                "Failed to deserialize default value for table t column 1: data too short for i64: Expected 8, given 4");
        assertV10(
                b -> {
                    b.table("t", ID);
                    b.defaults.add(new RawModuleDef.Default("t", 0, new byte[5]));
                },
                "Failed to deserialize default value for table t column 0: 1 bytes after the value");
        assertV9(
                b -> {
                    b.table("t", ID);
                    b.defaults.add(new RawModuleDef.Default("t", 0, new byte[4]));
                    b.defaults.add(new RawModuleDef.Default("t", 0, new byte[4]));
                },
                "Multiple default values for table t column 0");
        assertV9(b -> b.defaults.add(new RawModuleDef.Default("gone", 0, new byte[4])), "Table gone not found");
    }

    @Test
    @Proves("module-def.md 6.1")
    void tablesIndexesAndTheRestShareOneNamespace() {
        assertV10(
                b -> {
                    b.table("Dup1", ID);
                    b.table("dup_1", ID);
                },
                "name `dup_1` is used for multiple entities");
        assertV10(
                b -> {
                    b.table("t", ID).btree("i", 0);
                    b.table("t_id_idx_btree", ID);
                },
                "name `t_id_idx_btree` is used for multiple entities");
        assertV10(
                b -> {
                    b.table("a", ID).btree("same", 0);
                    b.table("b", ID).btree("same", 0);
                },
                "name `same` is used for multiple entities");
        assertV10(b -> b.table("t", ID).unique(0).unique(0).btree("i", 0), "name `t_id_key` is used for multiple entities");
        assertV10(
                b -> b.view("t", new ArrayType(new AlgebraicType.Ref(b.table("t", ID).ref))),
                "name `t` is used for multiple entities");
        RawModuleDefBuilder sched = RawModuleDefBuilder.v10();
        scheduled(sched);
        sched.table("job_sched", ID);
        assertErrors(sched, "name `job_sched` is used for multiple entities");
    }

    @Test
    @Proves("module-def.md 4.1")
    void explicitNamesMustAgree() {
        assertV10(
                b -> {
                    for (String name : List.of("x", "y")) {
                        b.explicitNames.add(new RawModuleDef.ExplicitName(RawModuleDef.ExplicitName.Kind.TABLE, "t", name));
                    }
                },
                "`t` has two explicit names, `x` and `y`");
    }

    @Test
    @Proves("module-def.md 6.2")
    void recursiveAndHugeRowsAreRefused() {
        assertV10(
                b -> {
                    AlgebraicType.Ref list = new AlgebraicType.Ref(0);
                    b.type(
                            "List",
                            SumType.of(SumVariant.of("more", new ArrayType(list)), SumVariant.of("end", ProductType.UNIT)));
                    b.table("t", column("list", list));
                },
                "error at table `t`: reference &0 is recursive");
        assertV10(
                b -> {
                    AlgebraicType last = PrimitiveType.U8;
                    for (int i = 0; i < 40; i++) {
                        last = b.type("T" + i, ProductType.of(column("a", last), column("b", last)));
                    }
                    b.table("t", column("huge", last));
                },
                "error at table `t`: type has more than 65536 parts");
    }

    @Test
    void resolvedTypesOfAllTablesAreLimited() {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        b.naming = CaseConversion.NONE;
        AlgebraicType last = PrimitiveType.U8;
        for (int i = 0; i < 7; i++) {
            last = b.type("T" + i, ProductType.of(column("a".repeat(4_000), last), column("b".repeat(4_000), last)));
        }
        for (int i = 0; i < 33; i++) {
            b.table("t" + i, column("wide", last));
        }
        String reason = ": the types of the module have more than 32000000 parts and letters when references are resolved";
        assertErrors(b, "error at table `t31`" + reason, "error at table `t32`" + reason);
    }

    @Test
    void messagesDoNotShowHugeTypes() {
        assertV10(
                b -> {
                    AlgebraicType last = PrimitiveType.U8;
                    for (int i = 0; i < 12; i++) {
                        last = b.type("T" + i, ProductType.of(column("a", last), column("b", last)));
                    }
                    b.table("t", column("wide", last)).sequence(0);
                },
                "invalid sequence column type: wide with type `(a type that is too long to show)` in sequence `t_wide_seq`");
    }

    // 4.3 Identifiers

    @Test
    @Proves("module-def.md 4.3")
    void namesMustBeIdentifiers() {
        String empty = "module contains invalid identifier: Empty identifiers are forbidden.";
        assertV10(b -> b.table("_", ID), empty);
        assertV10(b -> b.table("t", column("_", PrimitiveType.U8)), empty);
        assertV10(b -> b.reducer("_"), empty);
        assertV10(b -> b.type("", INLINE), empty);
        assertV10(b -> b.procedure("", PrimitiveType.U8), empty);
        assertV10(b -> b.httpHandlers.add(""), empty);
        assertV10(b -> b.reducer("r", column("", PrimitiveType.U8)), empty);
        assertV9(
                b -> b.table("t", ID).indexes.add(
                        new RawModuleDef.Index(Optional.of(""), Optional.of(""), new IndexAlgorithm.BTree(List.of(0)))),
                empty);
        assertV10(
                b -> b.table("a.b", ID),
                "module contains invalid identifier: Identifier `a.b` contains a character '.' that is not an XID_continue"
                        + " character,"
                        + " which is required.");
    }

    // 6.2 Types

    @Test
    @Proves("module-def.md 6.2")
    void namedTypesMustExistOnce() {
        assertV10(
                b -> b.types.add(new RawModuleDef.NamedType(List.of("scope"), "Gone", 5, true)),
                "Type Scope::Gone has invalid ref: 5");
        assertV10(
                b -> {
                    b.type("TwoD", INLINE);
                    b.type("two_d", INLINE);
                },
                "name `TwoD` is used for multiple types");
    }

    @Test
    @Proves("module-def.md 6.2")
    void elementsAreSortedUnlessTheOrderIsCustom() {
        assertV9(
                b -> {
                    b.typespace.add(ProductType.of(column("b", PrimitiveType.U8), column("a", PrimitiveType.U8)));
                    b.types.add(new RawModuleDef.NamedType(List.of(), "T", 0, false));
                },
                "type `T` is not annotated with a custom ordering, but uses one: (b: U8, a: U8)");
        RawModuleDefBuilder b = RawModuleDefBuilder.v9();
        b.typespace.add(SumType.of(SumVariant.of("A", ProductType.UNIT), SumVariant.of("B", ProductType.UNIT)));
        b.types.add(new RawModuleDef.NamedType(List.of(), "T", 0, false));
        assertEquals(1, b.define().types().size());
    }

    @Test
    @Proves("module-def.md 6.2")
    void compoundTypesGoThroughNamedReferences() {
        String reason = ": internal codegen error: non-special product or sum type (id: U32) cannot be used to"
                + " generate a client type use";
        assertV10(b -> b.table("t", column("c", INLINE)), "error at typespace ref `&0`" + reason);
        assertV10(b -> b.reducer("r", column("x", INLINE)), "error at reducer `r` argument 0 (`x`)" + reason);
        assertV10(
                b -> b.reducer("r", column("x", new ArrayType(SpecialTypes.option(INLINE)))),
                "error at reducer `r` argument 0 (`x`)" + reason);
        assertV10(b -> b.procedure("p", INLINE), "error at procedure `p` return value" + reason);
        assertV10(
                b -> b.procedure("p", PrimitiveType.U8, column("x", INLINE)),
                "error at procedure `p` argument 0 (`x`)" + reason);
        assertV10(
                b -> {
                    b.typespace.add(INLINE);
                    b.procedure("p", new AlgebraicType.Ref(0));
                },
                "error at procedure `p` return value: internal codegen error: type reference &0 refers to a product or sum type"
                        + " without a name");
    }

    @Test
    @Proves("module-def.md 6.2")
    void specialTypesMayStandInline() {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        AlgebraicType named = b.type("Named", INLINE);
        b.reducer(
                "r",
                column("a", SpecialTypes.IDENTITY),
                column("b", SpecialTypes.option(SpecialTypes.SCHEDULE_AT)),
                column("c", SpecialTypes.result(named, PrimitiveType.STRING)),
                column("d", ProductType.UNIT),
                column("e", new ArrayType(named)));
        assertEquals(1, b.define().reducers().size());
    }

    @Test
    @Proves("module-def.md 6.2")
    void referencesMustLeadSomewhere() {
        String location = "error at procedure `p` return value: internal codegen error: type reference ";
        assertV10(b -> b.procedure("p", new AlgebraicType.Ref(3)), location + "&3 is out of range");
        assertV10(b -> b.procedure("p", new AlgebraicType.Ref(-1)), location + "&4294967295 is out of range");
        assertV10(
                b -> {
                    b.typespace.add(new AlgebraicType.Ref(1));
                    b.typespace.add(new AlgebraicType.Ref(0));
                    b.procedure("p", new AlgebraicType.Ref(0));
                },
                location + "&0 refers to nothing but itself");
    }

    @Test
    @Proves("module-def.md 6.2")
    void partsOfTypesAndParametersHaveNames() {
        ProductElement unnamed = new ProductElement(Optional.empty(), PrimitiveType.U8);
        assertV10(
                b -> b.type("T", ProductType.of(unnamed)),
                "error at typespace ref `&0`: internal codegen error: all elements of a type require names");
        assertV10(
                b -> b.type("T", SumType.of(new SumVariant(Optional.empty(), PrimitiveType.U8))),
                "error at typespace ref `&0`: internal codegen error: all elements of a type require names");
        assertV10(
                b -> b.reducer("r", ID, unnamed),
                "error at reducer `r` argument 1: internal codegen error: all reducer parameters require names");
    }

    // 6.3 Functions, schedules, lifecycle, HTTP

    @Test
    @Proves("module-def.md 6.3")
    void functionsHaveDistinctNames() {
        String error = "Name f_1 is used for multiple reducers, procedures and/or views";
        assertV10(b -> b.reducer("f1").reducer("f_1"), error);
        assertV10(b -> b.reducer("f1").procedure("f1", PrimitiveType.U8), error);
        assertV10(b -> b.procedure("f1", PrimitiveType.U8).view("f1", new ArrayType(b.type("R", INLINE))), error);
    }

    @Test
    @Proves("module-def.md 6.3")
    void reducersReturnUnitOrAString() {
        assertV10(
                b -> b.reducers.add(new RawModuleDef.Reducer(
                        "r", ProductType.UNIT, Visibility.PRIVATE, PrimitiveType.U8, PrimitiveType.BOOL)),
                "reducer r has invalid return type: found Result<U8, Bool>");
    }

    @Test
    @Proves("module-def.md 6.3")
    void lifecycleEventsHaveOneReducerEach() {
        assertV10(
                b -> {
                    b.reducer("a").reducer("b");
                    b.lifecycleReducers.add(new RawModuleDef.LifecycleReducer(Lifecycle.ON_CONNECT, "a"));
                    b.lifecycleReducers.add(new RawModuleDef.LifecycleReducer(Lifecycle.ON_CONNECT, "b"));
                },
                "Multiple reducers defined for lifecycle event OnConnect");
        assertV10(
                b -> b.lifecycleReducers.add(new RawModuleDef.LifecycleReducer(Lifecycle.INIT, "gone")),
                "lifecycle event Init without reducer");
    }

    private static RawModuleDefBuilder.TableBuilder scheduled(RawModuleDefBuilder b) {
        RawModuleDefBuilder.TableBuilder table =
                b.table("job", column("scheduledId", PrimitiveType.U64), column("at", SpecialTypes.SCHEDULE_AT)).key(0);
        b.reducer("run", column("job", new AlgebraicType.Ref(table.ref)));
        b.schedules.add(new RawModuleDef.Schedule(Optional.empty(), "job", 1, "run"));
        return table;
    }

    @Test
    @Proves("module-def.md 6.3")
    void scheduledTablesHaveAKeyAndATime() {
        RawModuleDefBuilder good = RawModuleDefBuilder.v10();
        scheduled(good);
        ModuleDef def = good.define();
        assertEquals(Optional.of(new TableDef.Schedule("job_sched", 1, "run")), def.table("job").orElseThrow().schedule());
        assertEquals(Visibility.PRIVATE, def.reducer("run").orElseThrow().visibility());

        String error = "A scheduled table must have columns `scheduled_id: u64` and `scheduled_at:"
                + " ScheduledAt`, but table `job` has"
                + " columns (scheduled_id: U64, at: (Interval: (__time_duration_micros__: I64)"
                + " | Time: (__timestamp_micros_since_unix_epoch__: I64)))";
        assertV10(
                b -> {
                    scheduled(b);
                    b.schedules.set(0, new RawModuleDef.Schedule(Optional.empty(), "job", 0, "run"));
                },
                error);
        assertV10(
                b -> {
                    scheduled(b);
                    b.schedules.set(0, new RawModuleDef.Schedule(Optional.empty(), "job", 9, "run"));
                },
                error);
        assertV10(b -> scheduled(b).primaryKey = List.of(), error);
    }

    @Test
    @Proves("module-def.md 6.3")
    void schedulesCallAFunctionThatTakesTheRow() {
        assertV10(
                b -> {
                    scheduled(b);
                    b.schedules.set(0, new RawModuleDef.Schedule(Optional.empty(), "job", 1, "gone"));
                },
                "Schedule job_sched refers to a scheduled reducer or procedure gone that does not exist");
        assertV10(
                b -> {
                    scheduled(b);
                    b.reducers.clear();
                    b.reducer("run", ID);
                },
                "Scheduled reducer run expected to have type (&0), but has type (id: U32)");
        assertV10(
                b -> {
                    scheduled(b);
                    b.reducers.clear();
                    b.procedure("run", ProductType.UNIT);
                },
                "Scheduled procedure run expected to have type (&0), but has type ()");
        assertV10(
                b -> {
                    scheduled(b);
                    b.schedules.add(new RawModuleDef.Schedule(Optional.empty(), "job", 1, "run"));
                },
                "name `job_sched` is used for multiple entities",
                "table job is assigned in multiple schedules");
        assertV10(
                b -> b.schedules.add(new RawModuleDef.Schedule(Optional.empty(), "gone", 1, "run")), "Table gone not found");
    }

    private static RawModuleDef.HttpRoute route(String method, String path) {
        return new RawModuleDef.HttpRoute(
                "h", Optional.ofNullable(method).map(m -> new RawModuleDef.HttpMethod(m, false)), path);
    }

    @Test
    @Proves("module-def.md 6.3")
    void httpHandlersAndRoutesFitTogether() {
        assertV10(
                b -> b.httpHandlers.addAll(List.of("doIt", "do_it")),
                "HTTP handler name do_it is used for multiple HTTP handlers");
        assertV10(b -> b.httpRoutes.add(route("Get", "/")), "HTTP route refers to unknown HTTP handler `h`");
        for (String path : List.of("a", "/A", "/a b", "/a?x", "/%41", "/é")) {
            assertV10(
                    b -> {
                        b.httpHandlers.add("h");
                        b.httpRoutes.add(route("Get", path));
                    },
                    "HTTP route path `" + path + "` is invalid; allowed characters are ASCII lowercase letters,"
                            + " digits and `-_~/`");
        }
        assertV10(
                b -> {
                    b.httpHandlers.add("h");
                    b.httpRoutes.addAll(List.of(route("Get", "/a"), route("Post", "/a"), route("Get", "/a")));
                },
                "HTTP route duplicates method Get for path /a");
        assertV10(
                b -> {
                    b.httpHandlers.add("h");
                    b.httpRoutes.addAll(List.of(route("Get", "/a"), route(null, "/a")));
                },
                "HTTP route duplicates method Any for path /a");
        assertV10(
                b -> {
                    b.httpHandlers.add("h");
                    b.httpRoutes.addAll(List.of(route(null, "/a"), route("Get", "/a")));
                },
                "HTTP route duplicates method Get for path /a");
        RawModuleDefBuilder good = RawModuleDefBuilder.v10();
        good.httpHandlers.add("h");
        good.httpRoutes.addAll(List.of(route(null, ""), route("Get", "/"), route("Post", "/"), route("Get", "/a-b_c~/9")));
        assertEquals(4, good.define().raw().httpRoutes().size());
    }

    @Test
    @Proves("module-def.md 4.4")
    void submodulesHaveShortNamesAndNoLifecycle() {
        RawModuleDefBuilder lib = RawModuleDefBuilder.v10();
        lib.lifecycleReducers.add(new RawModuleDef.LifecycleReducer(Lifecycle.INIT, "init"));
        assertV10(
                b -> b.submodules.add(new RawModuleDef.Submodule("lib", lib.build())),
                "lifecycle event Init is not permitted in submodule under namespace `lib`; lifecycle reducers"
                        + " may only be declared in"
                        + " the root module");
        String longName = "n".repeat(64);
        assertV10(
                b -> b.submodules.add(new RawModuleDef.Submodule(longName, RawModuleDefBuilder.v10().build())),
                "submodule namespace `" + longName + "` is 64 bytes, which exceeds the 63-byte limit");
        assertV10(
                b -> {
                    b.submodules.add(new RawModuleDef.Submodule("lib", RawModuleDefBuilder.v10().build()));
                    b.submodules.add(new RawModuleDef.Submodule("lib", RawModuleDefBuilder.v10().build()));
                },
                "name `lib` is used for multiple submodules");
    }

    // 6.4 Views

    @Test
    @Proves("module-def.md 6.4")
    @Proves("module-def.md 6.4")
    void viewsReturnRows() {
        for (AlgebraicType type : List.of(
                PrimitiveType.U8, new ArrayType(PrimitiveType.U8), new AlgebraicType.Ref(0),
                new ArrayType(new AlgebraicType.Ref(7)),
                ProductType.of(column("__query__", PrimitiveType.U8)), SpecialTypes.option(PrimitiveType.U8))) {
            assertV10(
                    b -> {
                        b.type("Row", INLINE);
                        b.view("v", type);
                    },
                    "View v has invalid return type " + TypeSize.text(type));
        }
        RawModuleDefBuilder good = RawModuleDefBuilder.v10();
        AlgebraicType row = good.type("Row", INLINE);
        good.view("a", new ArrayType(row)).view("b", SpecialTypes.option(row))
                .view("c", ProductType.of(column("__query__", row)));
        assertEquals(List.of(0, 0, 0), good.define().views().stream().map(ViewDef::rowRef).toList());
    }

    @Test
    @Proves("module-def.md 6.4")
    void queriesHaveTheKeyOfTheTablesWithTheirRows() {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        AlgebraicType.Ref row = new AlgebraicType.Ref(b.table("first", ID, TEXT).key(0).ref);
        AlgebraicType query = ProductType.of(column("__query__", row));
        b.view("q", query).view("rows", new ArrayType(row));
        assertEquals(OptionalInt.of(0), b.define().view("q").orElseThrow().keyColumn());
        assertEquals(OptionalInt.empty(), b.define().view("rows").orElseThrow().keyColumn());
        RawModuleDefBuilder.TableBuilder second = b.table("second", ID, TEXT);
        second.ref = row.index();
        assertEquals(OptionalInt.of(0), b.define().view("q").orElseThrow().keyColumn(), "a table without a key says nothing");
        second.key(1);
        assertEquals(OptionalInt.empty(), b.define().view("q").orElseThrow().keyColumn(), "the tables disagree");
        b.viewPrimaryKeys.add(new RawModuleDef.ViewPrimaryKey("q", List.of("text")));
        assertEquals(OptionalInt.of(1), b.define().view("q").orElseThrow().keyColumn());
        RawModuleDefBuilder old = RawModuleDefBuilder.v9();
        old.view("q", ProductType.of(column(
                "__query__", new AlgebraicType.Ref(old.table("first", ID, TEXT).key(0).ref))));
        assertEquals(OptionalInt.empty(), old.define().view("q").orElseThrow().keyColumn());
    }

    @Test
    @Proves("module-def.md 6.4")
    @Proves("module-def.md 6.4")
    void viewKeysNameOneColumnOfOneView() {
        assertV10(
                b -> b.viewPrimaryKeys.add(new RawModuleDef.ViewPrimaryKey("v", List.of("id"))),
                "View v referenced by primary key definition not found");
        List<String> errors = new ArrayList<>();
        for (List<RawModuleDef.ViewPrimaryKey> keys : List.of(
                List.of(new RawModuleDef.ViewPrimaryKey("v", List.of("id")), new RawModuleDef.ViewPrimaryKey("v", List.of("id"))),
                List.of(new RawModuleDef.ViewPrimaryKey("v", List.of("id", "text"))),
                List.of(new RawModuleDef.ViewPrimaryKey("v", List.of("gone"))))) {
            RawModuleDefBuilder b = RawModuleDefBuilder.v10();
            b.view("v", new ArrayType(b.type("Row", ProductType.of(ID, TEXT))));
            b.viewPrimaryKeys.addAll(keys);
            errors.add(assertThrows(EngineException.class, b::define).getMessage().lines().toList().get(1));
        }
        assertEquals(
                List.of(
                        "View v has multiple primary key definitions",
                        "View v has multiple primary key columns: [id, text]",
                        "Primary key column gone for view v not found"),
                errors);
        RawModuleDefBuilder good = RawModuleDefBuilder.v10();
        good.view("v", new ArrayType(good.type("Row", ProductType.of(ID, TEXT))));
        good.viewPrimaryKeys.add(new RawModuleDef.ViewPrimaryKey("v", List.of("id")));
        assertTrue(good.define().views().getFirst().primaryKey().isPresent());
    }
}
