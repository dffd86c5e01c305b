package dev.geodesic.engine.schedule;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.ScheduleSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.SpecialTypes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Schedule tables with rows (text, id, at), of which neither key nor time lies at a fixed place. */
final class TimerRows implements AutoCloseable {

    static final int ID = 1;
    static final int AT = 2;

    final CommittedState committed = new CommittedState(new HeapStores());
    final Catalog catalog = Catalog.bootstrap(committed);
    final MutTx tx = new MutTx(committed, Limits.DEFAULTS, catalog);
    /** Index ids, by table. */
    final List<TableSchema> schemas = new ArrayList<>();

    TableSchema create(String name, boolean scheduled, TableRole role) {
        List<ColumnSchema> columns = List.of(column(0, "text", PrimitiveType.STRING), column(ID, "id", PrimitiveType.U64),
                column(AT, "at", SpecialTypes.SCHEDULE_AT));
        TableSchema schema = new TableSchema(
                catalog.nextTableId(), name, Optional.empty(), columns, OptionalInt.of(ID),
                List.of(
                        new IndexSchema(catalog.nextIndexId(), name + "_at", Optional.empty(),
                                new IndexAlgorithm.BTree(List.of(AT)), false),
                        new IndexSchema(catalog.nextIndexId(), name + "_id", Optional.empty(),
                                new IndexAlgorithm.BTree(List.of(ID)), true)),
                List.of(), List.of(), TableAccess.PUBLIC, TableKind.USER, role,
                scheduled
                        ? Optional.of(new ScheduleSchema(catalog.nextScheduleId(), name + "_sched", AT, "tick"))
                        : Optional.empty());
        tx.begin();
        catalog.createTable(tx, schema);
        commit();
        schemas.add(schema);
        return schema;
    }

    private static ColumnSchema column(int position, String name, AlgebraicType type) {
        return new ColumnSchema(position, name, type, Optional.empty());
    }

    static byte[] row(long id, ScheduleAt at) {
        BsatnWriter out = new BsatnWriter();
        out.writeString("x".repeat((int) (Math.abs(id) % 7)));
        out.writeU64(id);
        switch (at) {
            case ScheduleAt.Interval i -> {
                out.writeU8(0);
                out.writeU64(i.micros());
            }
            case ScheduleAt.Time t -> {
                out.writeU8(1);
                out.writeU64(t.micros());
            }
        }
        return out.toByteArray();
    }

    Table table(TableSchema schema) {
        return committed.requireTable(schema.tableId());
    }

    void insert(TableSchema schema, long id, ScheduleAt at) {
        byte[] row = row(id, at);
        tx.insert(schema.tableId(), MemorySegment.ofArray(row), 0, row.length);
    }

    void update(TableSchema schema, long id, ScheduleAt at) {
        byte[] row = row(id, at);
        tx.update(schema.tableId(), schema.indexes().get(1).indexId(), MemorySegment.ofArray(row), 0, row.length);
    }

    int delete(TableSchema schema, long id) {
        byte[] key = new byte[Long.BYTES];
        LittleEndian.putLong(key, 0, id);
        return tx.deletePoint(schema.indexes().get(1).indexId(), MemorySegment.ofArray(key), 0, key.length);
    }

    TxData commit() {
        TxData data = tx.finish();
        committed.apply(data);
        tx.end();
        return data;
    }

    @Override
    public void close() {
        committed.close();
    }
}
