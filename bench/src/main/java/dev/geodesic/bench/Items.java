package dev.geodesic.bench;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.LittleEndian;
import java.lang.foreign.MemorySegment;

/** A database without a module: catalogue, the table {@code item} of {@link ItemRows}, and one transaction at a time. */
final class Items implements AutoCloseable {

    static final String NAME = "an item with a name of some length";

    final CommittedState committed;
    final Catalog catalog;
    final MutTx tx;
    final TableSchema schema;
    /** The row that {@link #insert} adds. */
    final byte[] row = ItemRows.row(0, 7, NAME);
    final MemorySegment segment = MemorySegment.ofArray(row);
    private int salt;

    /**
     * @param kind chronicle or heap
     * @param rows how many the table has at the start, each in a group of its own
     */
    Items(String kind, int rows) {
        committed = new CommittedState(stores(kind));
        catalog = Catalog.bootstrap(committed);
        tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        schema = create("item");
        while (salt < rows) {
            tx.begin();
            do {
                insert();
            } while (salt < rows && salt % 10_000 != 0);
            commit();
        }
    }

    static TableStores stores(String kind) {
        return switch (kind) {
            case "chronicle" -> new ChronicleStores();
            case "heap" -> new HeapStores();
            default -> throw new IllegalArgumentException(kind);
        };
    }

    /** Another table like it. */
    TableSchema create(String name) {
        tx.begin();
        TableSchema created = ItemRows.schema(catalog, name);
        catalog.createTable(tx, created);
        commit();
        return created;
    }

    int table() {
        return schema.tableId();
    }

    /** The unique index on the key. */
    int key() {
        return schema.indexes().getFirst().indexId();
    }

    /** The index on the group. */
    int group() {
        return schema.indexes().getLast().indexId();
    }

    /** In the open transaction: a row with the next key and a group that no other has. */
    void insert() {
        LittleEndian.putLong(row, 0, 0);
        LittleEndian.putInt(row, Long.BYTES, salt++);
        tx.insert(table(), segment, 0, row.length);
    }

    /** In the open transaction: a row of one's own. */
    void insert(TableSchema into, byte[] encoded) {
        tx.insert(into.tableId(), MemorySegment.ofArray(encoded), 0, encoded.length);
    }

    /** In the open transaction: gives the row of a key another group. */
    void update(long id) {
        LittleEndian.putLong(row, 0, id);
        LittleEndian.putInt(row, Long.BYTES, salt++);
        tx.update(table(), key(), segment, 0, row.length);
    }

    /** Finishes the open transaction and applies it. */
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
