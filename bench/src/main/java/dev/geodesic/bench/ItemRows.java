package dev.geodesic.bench;

import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.ConstraintSchema;
import dev.geodesic.engine.schema.IdAllocator;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import java.math.BigInteger;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** The table that most benchmarks use: {@code id u64 (key, auto), grp u32 (B-tree), name string}. */
final class ItemRows {

    static final BigInteger SEQUENCE_MAX = BigInteger.TWO.pow(127).subtract(BigInteger.ONE);

    private ItemRows() {
    }

    static TableSchema schema(IdAllocator ids) {
        return schema(ids, "item");
    }

    /** The same with another name. */
    static TableSchema schema(IdAllocator ids, String name) {
        return new TableSchema(
                ids.nextTableId(), name, Optional.empty(),
                List.of(
                        new ColumnSchema(0, "id", PrimitiveType.U64, Optional.empty()),
                        new ColumnSchema(1, "grp", PrimitiveType.U32, Optional.empty()),
                        new ColumnSchema(2, "name", PrimitiveType.STRING, Optional.empty())),
                OptionalInt.of(0),
                List.of(
                        new IndexSchema(
                                ids.nextIndexId(), name + "_id_idx_btree", Optional.empty(),
                                new IndexAlgorithm.BTree(List.of(0)), true),
                        new IndexSchema(
                                ids.nextIndexId(), name + "_grp_idx_btree", Optional.empty(),
                                new IndexAlgorithm.BTree(List.of(1)), false)),
                List.of(new ConstraintSchema(ids.nextConstraintId(), name + "_id_key", List.of(0))),
                List.of(new SequenceSchema(
                        ids.nextSequenceId(), name + "_id_seq", 0, BigInteger.ONE, BigInteger.ONE, BigInteger.ONE, SEQUENCE_MAX)),
                TableAccess.PUBLIC, TableKind.USER, TableRole.STORED);
    }

    static byte[] row(long id, int group, String name) {
        BsatnWriter out = new BsatnWriter();
        out.writeU64(id);
        out.writeU32(group);
        out.writeString(name);
        return out.toByteArray();
    }
}
