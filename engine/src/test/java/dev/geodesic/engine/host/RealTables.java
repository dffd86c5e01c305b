package dev.geodesic.engine.host;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.PrimitiveType;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Tables for guests of a few lines. Table 5000 "t": a u32 (unique index 5101), b u8 (hash index 5102), ordered index 5103 over b
 * and a. Table 5001 "s": id u8 from a sequence (unique index 5201), x u8 (unique index 5202). Table 5002 "bytes": a string.
 * Table 5003 "v": rows of a view.
 */
final class RealTables implements AutoCloseable {

    final CommittedState committed = new CommittedState(new HeapStores());
    private final Catalog catalog = Catalog.bootstrap(committed);
    final MutTx tx;

    RealTables(Limits limits) {
        tx = new MutTx(committed, limits, catalog);
        tx.begin();
        catalog.createTable(tx, table(5_000, "t", List.of(PrimitiveType.U32, PrimitiveType.U8), List.of(
                index(5_101, true, new IndexAlgorithm.BTree(List.of(0))),
                index(5_102, false, new IndexAlgorithm.Hash(List.of(1))),
                index(5_103, false, new IndexAlgorithm.BTree(List.of(1, 0)))), List.of()));
        catalog.createTable(tx, table(5_001, "s", List.of(PrimitiveType.U8, PrimitiveType.U8), List.of(
                index(5_201, true, new IndexAlgorithm.BTree(List.of(0))),
                index(5_202, true, new IndexAlgorithm.BTree(List.of(1)))),
                List.of(new SequenceSchema(5_301, "s_id_seq", 0, BigInteger.ONE, BigInteger.ONE, BigInteger.ONE,
                        BigInteger.valueOf(255)))));
        catalog.createTable(tx, table(5_002, "bytes", List.of(PrimitiveType.STRING), List.of(), List.of()));
        catalog.createTable(tx, new TableSchema(5_003, "v", Optional.empty(),
                List.of(new ColumnSchema(0, "arg_hash", PrimitiveType.U256, Optional.empty())), OptionalInt.empty(), List.of(),
                List.of(), List.of(), TableAccess.PUBLIC, TableKind.USER, TableRole.ANONYMOUS_VIEW));
        commit();
    }

    static TableSchema table(
            int id, String name, List<AlgebraicType> types, List<IndexSchema> indexes, List<SequenceSchema> sequences) {
        List<ColumnSchema> columns = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            columns.add(new ColumnSchema(i, "c" + i, types.get(i), Optional.empty()));
        }
        return new TableSchema(id, name, Optional.empty(), columns, OptionalInt.empty(), indexes, List.of(), sequences,
                TableAccess.PRIVATE, TableKind.USER, TableRole.STORED);
    }

    static IndexSchema index(int id, boolean unique, IndexAlgorithm algorithm) {
        return new IndexSchema(id, "i" + id, Optional.empty(), algorithm, unique);
    }

    void commit() {
        committed.apply(tx.finish());
        tx.end();
    }

    /** Runs a call in a transaction, which ends as the outcome says. */
    ReducerOutcome call(ModuleHost host, int id, byte... arguments) {
        tx.begin();
        ReducerOutcome outcome = Guests.call(host, id, tx, arguments);
        if (outcome instanceof ReducerOutcome.Committed) {
            commit();
        } else {
            tx.rollback();
        }
        return outcome;
    }

    @Override
    public void close() {
        if (tx.isOpen()) {
            tx.rollback();
        }
        committed.close();
    }
}
