package dev.geodesic.engine.schema;

import static dev.geodesic.engine.schema.RawModuleDefBuilder.column;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.sats.SumType;
import dev.geodesic.testkit.Proves;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ModuleDefTest {

    private final ModuleDef v10 = GoldenModules.def(GoldenModules.V10);
    private final ModuleDef v9 = GoldenModules.def(GoldenModules.V9);

    @Test
    @Proves("module-def.md 4.1")
    @Proves("module-def.md 4.2")
    void version10NamesAreConverted() {
        assertEquals(10, v10.version());
        TableDef table = v10.table("player_score_2_d").orElseThrow();
        assertEquals(Optional.of(table), v10.table("PlayerScore2D"));
        assertEquals(List.of("player_id", "nick_name", "team_id", "level", "slot_1", "bonus"),
                table.columns().stream().map(ColumnSchema::name).toList());
        assertEquals("RenamedTable", v10.table("renamed_src").orElseThrow().name());
        assertEquals("add_player_1", v10.reducerByAccessor("addPlayer1").orElseThrow().name());
        assertEquals(Optional.empty(), v10.reducer("addPlayer1"));
        assertEquals(List.of("playerId", "nickName", "teamId", "level", "slot"),
                v10.reducer("add_player_1").orElseThrow().params().elements().stream().map(e -> e.name().orElseThrow()).toList());
        SumType color = (SumType) v10.typespace().types().get(3);
        assertEquals(List.of("red", "green", "darkBlue"), color.variants().stream().map(v -> v.name().orElseThrow()).toList());
    }

    @Test
    @Proves("module-def.md 4.1")
    void version9NamesStay() {
        assertEquals(9, v9.version());
        assertTrue(v9.table("PlayerScore2D").isPresent());
        assertEquals(Optional.empty(), v9.table("player_score_2_d"));
        assertEquals("addPlayer1", v9.reducer("addPlayer1").orElseThrow().name());
        SumType color = (SumType) v9.typespace().types().get(2);
        assertEquals(List.of("Red", "Green", "DarkBlue"), color.variants().stream().map(v -> v.name().orElseThrow()).toList());
    }

    @Test
    @Proves("module-abi.md 2.2")
    void reducersKeepTheirPositionAsId() {
        for (ModuleDef def : List.of(v9, v10)) {
            assertEquals(24, def.reducers().size());
            for (int i = 0; i < 24; i++) {
                assertEquals(i, def.reducers().get(i).id());
                assertEquals(def.raw().reducers().get(i).name(), def.reducers().get(i).accessor());
            }
        }
    }

    @Test
    void parametersAreResolved() {
        ProductType row = (ProductType) v10.reducer("add_compounds").orElseThrow().params().elements().getFirst().type();
        assertEquals("id", row.elements().getFirst().name().orElseThrow());
        assertEquals(new AlgebraicType.Ref(2),
                v10.reducer("add_compounds").orElseThrow().declaredParams().elements().getFirst().type());
        assertTrue(v10.tables().stream()
                .flatMap(t -> t.columns().stream())
                .noneMatch(c -> c.type() instanceof AlgebraicType.Ref));
    }

    @Test
    @Proves("module-def.md 5")
    void lifecycleReducersAreFoundAndPrivateInVersion10() {
        for (ModuleDef def : List.of(v9, v10)) {
            assertEquals("init", def.lifecycleReducer(Lifecycle.INIT).orElseThrow().name());
            assertEquals("connected", def.lifecycleReducer(Lifecycle.ON_CONNECT).orElseThrow().name());
            assertEquals("disconnected", def.lifecycleReducer(Lifecycle.ON_DISCONNECT).orElseThrow().name());
            assertEquals(Optional.of(Lifecycle.INIT), def.reducer("init").orElseThrow().lifecycle());
            assertEquals(Optional.empty(), def.reducer("nothing").orElseThrow().lifecycle());
        }
        assertEquals(Visibility.PRIVATE, v10.reducer("init").orElseThrow().visibility());
        assertEquals(Visibility.PRIVATE, v10.reducer("run_job").orElseThrow().visibility());
        assertEquals(Visibility.CLIENT_CALLABLE, v10.reducer("nothing").orElseThrow().visibility());
        assertEquals(Visibility.CLIENT_CALLABLE, v9.reducer("init").orElseThrow().visibility());
        assertEquals(Optional.empty(), RawModuleDefBuilder.v10().define().lifecycleReducer(Lifecycle.INIT));
    }

    @Test
    @Proves("module-def.md 10")
    void anEmptyDefinitionIsValid() {
        ModuleDef def = RawModuleDefBuilder.v10().define();
        assertEquals(List.of(), def.tables());
        assertEquals(List.of(), def.reducers());
    }

    @Test
    @Proves("module-def.md 2")
    @Proves("module-def.md 10")
    void version9GeneratesNamesThatAreMissing() {
        RawModuleDefBuilder b = RawModuleDefBuilder.v9();
        RawModuleDefBuilder.TableBuilder t =
                b.table("T", column("aB", PrimitiveType.U32), column("c", PrimitiveType.I64));
        t.indexes.add(new RawModuleDef.Index(Optional.empty(), Optional.of("x"), new IndexAlgorithm.BTree(List.of(0, 1))));
        t.indexes.add(new RawModuleDef.Index(Optional.empty(), Optional.empty(), new IndexAlgorithm.Hash(List.of(1))));
        t.unique(1).sequence(0);
        TableDef table = b.define().table("T").orElseThrow();
        assertEquals(List.of("T_aB_c_idx_btree", "T_c_idx_hash"), table.indexes().stream().map(TableDef.Index::name).toList());
        assertEquals("T_c_key", table.constraints().getFirst().name());
        assertEquals("T_aB_seq", table.sequences().getFirst().name());
    }

    @Test
    @Proves("module-def.md 4.1")
    void explicitNamesAreVerbatimAndGeneratedNamesUseThem() {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        b.table("srcTable", column("theId", PrimitiveType.U32)).key(0).btree("named", 0);
        b.reducer("doIt");
        b.explicitNames.add(new RawModuleDef.ExplicitName(RawModuleDef.ExplicitName.Kind.TABLE, "srcTable", "KeepMe2D"));
        b.explicitNames.add(new RawModuleDef.ExplicitName(RawModuleDef.ExplicitName.Kind.INDEX, "named", "My_Index"));
        b.explicitNames.add(new RawModuleDef.ExplicitName(RawModuleDef.ExplicitName.Kind.FUNCTION, "doIt", "Do2It"));
        ModuleDef def = b.define();
        TableDef table = def.table("KeepMe2D").orElseThrow();
        assertEquals(
                List.of("KeepMe2D_the_id_idx_btree", "My_Index"),
                table.indexes().stream().map(TableDef.Index::name).toList());
        assertEquals("KeepMe2D_the_id_key", table.constraints().getFirst().name());
        assertEquals("doIt", def.reducer("Do2It").orElseThrow().accessor());
    }

    @Test
    void namesInsideSpecialTypesStay() {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        AlgebraicType oddResult = SpecialTypes.result(SpecialTypes.IDENTITY, PrimitiveType.STRING);
        b.table("t", column("a", SpecialTypes.SCHEDULE_AT), column("b", oddResult));
        assertEquals(List.of(SpecialTypes.SCHEDULE_AT, oddResult),
                b.define().table("t").orElseThrow().columns().stream().map(ColumnSchema::type).toList());
    }

    @Test
    @Proves("module-def.md 4.1")
    void theNonePolicyConvertsNothing() {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        b.naming = CaseConversion.NONE;
        b.table("MyTable", column("myId", PrimitiveType.U32)).key(0);
        TableDef table = b.define().table("MyTable").orElseThrow();
        assertEquals("MyTable_myId_idx_btree", table.indexes().getFirst().name());
        assertEquals("myId", table.columns().getFirst().name());
    }
}
