package dev.geodesic.engine.query;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.TxData;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;

/** Tables in memory with their catalogue, one transaction per statement. */
public final class TestDatabase implements AutoCloseable {

    private final CommittedState committed;
    private final Catalog catalog;
    private final MutTx tx;
    private final SqlEngine engine = new SqlEngine(Limits.DEFAULTS);

    public TestDatabase(List<TableSchema> tables) {
        this(new HeapStores(), tables);
    }

    public TestDatabase(TableStores stores, List<TableSchema> tables) {
        committed = new CommittedState(stores);
        catalog = Catalog.bootstrap(committed);
        tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        transact(t -> tables.forEach(table -> catalog.createTable(t, table)));
    }

    public ReadView view() {
        return committed.writerView();
    }

    /** Commits and returns the changes, or rolls back if the work throws. */
    public TxData transact(Consumer<MutTx> work) {
        tx.begin();
        try {
            work.accept(tx);
            TxData data = tx.finish();
            committed.apply(data);
            tx.end();
            return data;
        } finally {
            if (tx.isOpen()) {
                tx.rollback();
            }
        }
    }

    public SqlResult execute(String sql, Caller caller) {
        return switch (engine.prepare(sql, view(), caller)) {
            case SelectPlan select -> select.execute(view());
            case DmlPlan dml -> execute(dml);
        };
    }

    public SqlResult execute(DmlPlan dml) {
        SqlResult[] result = new SqlResult[1];
        transact(t -> result[0] = dml.execute(t));
        return result[0];
    }

    public void insert(int tableId, byte[] row) {
        transact(t -> t.insert(tableId, MemorySegment.ofArray(row.clone()), 0, row.length));
    }

    @Override
    public void close() {
        committed.close();
    }
}
