package dev.geodesic.web;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.MigrationPlan;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableDef;
import dev.geodesic.sats.PrimitiveType;
import java.math.BigInteger;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class MigrationTextTest {

    private static final MigrationPlan PLAN = new MigrationPlan(List.of(new TableDef(
            "added",
            "added",
            0,
            List.of(new ColumnSchema(0, "id", PrimitiveType.U64, Optional.empty()),
                    new ColumnSchema(1, "a", PrimitiveType.STRING, Optional.empty())),
            OptionalInt.of(0),
            List.of(new TableDef.Index(
                    "added_a_id_idx_btree", "added_a_id_idx_btree", Optional.empty(), new IndexAlgorithm.BTree(List.of(1, 0)))),
            List.of(new TableDef.Constraint("added_id_key", List.of(0))),
            List.of(new TableDef.Sequence(
                    "added_id_seq", 0, Optional.empty(), Optional.empty(), Optional.empty(), BigInteger.ONE)),
            Optional.empty(),
            TableAccess.PUBLIC,
            false,
            List.of())));

    /** The form of the recorded plans. */
    @Test
    void listsAnAddedTable() {
        assertEquals("""
                ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
                Database Migration Plan
                ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

                ▸ Created user table: added (public)
                    Columns:
                        • id: U64
                        • a: String
                    Unique constraints:
                        • added_id_key on [id]
                    Indexes:
                        • added_a_id_idx_btree on [a, id]
                    Auto-increment constraints:
                        • added_id_seq on id

                """, MigrationText.of(PLAN, false));
    }

    /** Colours come on top: without them the text is the same. */
    @Test
    void colorsTheSameText() {
        String colored = MigrationText.of(PLAN, true);
        assertEquals(MigrationText.of(PLAN, false), colored.replaceAll("\u001b\\[[0-9]+m", ""));
        assertEquals("\u001b[0m\u001b[1m\u001b[34mDatabase Migration Plan\u001b[0m", colored.lines().toList().get(1));
    }
}
