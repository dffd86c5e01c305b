package dev.geodesic.engine.schema;

import static dev.geodesic.engine.schema.RawModuleDefBuilder.column;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MigrationPlannerTest {

    private static final ProductElement ID = column("id", PrimitiveType.U64);
    private static final ProductElement NAME = column("name", PrimitiveType.STRING);
    private static final ProductElement N = column("n", PrimitiveType.U32);
    private static final String HINT =
            " is not supported by this version; publish with --delete-data to start from an empty database,"
                    + " or keep the table as it is";

    private static RawModuleDefBuilder base(ProductElement... columns) {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        b.table("thing", columns.length == 0 ? new ProductElement[] {ID, NAME, N} : columns).key(0);
        return b;
    }

    private static void assertRefused(RawModuleDefBuilder before, RawModuleDefBuilder after, String... reasons) {
        EngineException e = assertThrows(EngineException.class, () -> MigrationPlanner.plan(before.define(), after.define()));
        assertEquals(ErrorCode.MIGRATION_REFUSED, e.code());
        assertEquals("Errors occurred:\n" + String.join("\n\n", reasons) + "\n\n", e.getMessage());
    }

    private static void assertRefused(Consumer<RawModuleDefBuilder> change, String... reasons) {
        RawModuleDefBuilder after = base();
        change.accept(after);
        assertRefused(base(), after, reasons);
    }

    @ParameterizedTest
    @ValueSource(strings = {GoldenModules.V9, GoldenModules.V10})
    void anEqualDefinitionChangesNothing(String module) {
        assertEquals(List.of(), MigrationPlanner.plan(GoldenModules.def(module), GoldenModules.def(module)).addedTables());
    }

    @Test
    void tablesMayBeAddedAndFunctionsMayChange() {
        RawModuleDefBuilder before = base().reducer("old");
        RawModuleDefBuilder after = base().reducer("new", ID);
        after.table("zebra", ID);
        after.table("ant", ID);
        assertEquals(
                List.of("ant", "zebra"),
                MigrationPlanner.plan(before.define(), after.define()).addedTables().stream().map(TableDef::name).toList());
    }

    @Test
    void orderOfDeclarationAndDefaultsMeanNothing() {
        RawModuleDefBuilder before = base();
        before.tables.getFirst().btree("by_name", 1).btree("by_n", 2);
        RawModuleDefBuilder after = RawModuleDefBuilder.v10();
        after.table("other", ID);
        after.table("thing", ID, NAME, N).btree("by_n", 2).btree("by_name", 1).key(0);
        after.defaults.add(new RawModuleDef.Default("thing", 2, new byte[4]));
        assertEquals(1, MigrationPlanner.plan(before.define(), after.define()).addedTables().size());
    }

    @Test
    void refusesToRemoveATable() {
        assertRefused(base(), RawModuleDefBuilder.v10(), "Removing table thing" + HINT);
    }

    @Test
    void refusesOtherColumns() {
        assertRefused(base(), base(ID, NAME), "Removing a column n from table thing requires a manual migration");
        assertRefused(base(ID, NAME), base(), "Adding a column n to table thing" + HINT);
        assertRefused(base(), base(ID, N, NAME), "Reordering table thing requires a manual migration");
        assertRefused(
                base(), base(ID, NAME, column("n", PrimitiveType.U64)),
                "Changing the type of column n in table thing from U32 to U64" + HINT);
        assertRefused(
                base(ID, column("aB", PrimitiveType.U8)), base(ID, column("a_b", PrimitiveType.U8)),
                "Changing the source name of column a_b in table thing" + HINT);
    }

    @Test
    void refusesOtherPropertiesOfATable() {
        assertRefused(
                b -> b.tables.getFirst().access = TableAccess.PRIVATE,
                "Changing the access of table thing from public to private" + HINT);
        assertRefused(
                b -> b.tables.getFirst().event = true, "Changing the event flag of table thing requires a manual migration");
        assertRefused(b -> b.tables.getFirst().primaryKey = List.of(), "Changing the primary key of table thing" + HINT);
    }

    @Test
    void refusesOtherIndexesConstraintsAndSequences() {
        assertRefused(b -> b.tables.getFirst().btree("by_name", 1), "Adding index thing_name_idx_btree to table thing" + HINT);
        assertRefused(
                b -> b.tables.getFirst().unique(1).btree("by_name", 1),
                "Adding index thing_name_idx_btree to table thing" + HINT,
                "Adding unique constraint thing_name_key to table thing" + HINT);
        assertRefused(b -> b.tables.getFirst().sequence(0), "Adding sequence thing_id_seq to table thing" + HINT);
        RawModuleDefBuilder indexed = base();
        indexed.tables.getFirst().btree("by_name", 1).sequence(0);
        assertRefused(
                indexed, base(), "Removing index thing_name_idx_btree of table thing" + HINT,
                "Removing sequence thing_id_seq of table thing" + HINT);
        RawModuleDefBuilder renamed = base();
        renamed.tables.getFirst().indexes.add(new RawModuleDef.Index(
                Optional.of("by_name"), Optional.of("client"), new IndexAlgorithm.BTree(List.of(1))));
        renamed.tables.getFirst().sequence(0);
        assertRefused(indexed, renamed, "Changing index thing_name_idx_btree of table thing" + HINT);
    }

    @Test
    void aNewAccessorIsAChange() {
        RawModuleDefBuilder after = RawModuleDefBuilder.v10();
        after.table("Thing", ID, NAME, N).key(0);
        RawModuleDefBuilder before = base();
        before.tables.getFirst().indexes.clear();
        before.tables.getFirst().btree("key_Thing", 0);
        assertRefused(before, after, "Changing the source name of table thing from thing to Thing" + HINT);
    }
}
