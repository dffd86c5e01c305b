package dev.geodesic.engine.schedule;

import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.sats.SpecialTypes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * What the scheduler needs to know of a row of a schedule table.
 *
 * @param id value of the primary key, unsigned
 */
public record ScheduleRow(long id, ScheduleAt at) {

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Reads a row of this table straight from its bytes. */
    static ScheduleRow read(Table table, MemorySegment segment, long offset) {
        long key = table.layout().columnOffset(segment, offset, table.schema().primaryKey().orElseThrow());
        long at = table.layout().columnOffset(segment, offset, table.schedule().atColumn());
        long micros = segment.get(LONG, at + 1);
        return new ScheduleRow(
                segment.get(LONG, key),
                segment.get(ValueLayout.JAVA_BYTE, at) == SpecialTypes.INTERVAL_TAG
                        ? new ScheduleAt.Interval(micros)
                        : new ScheduleAt.Time(micros));
    }

    static ScheduleRow read(Table table, long row) {
        TableStore store = table.store();
        return read(table, store.segment(row), store.offset(row));
    }

    /** A row with the bytes that it has now. */
    public record Found(byte[] bytes, ScheduleAt at) {
    }

    /** The row with this id, if the view has one. */
    public static Optional<Found> find(ReadView view, Table table, long id) {
        byte[] key = key(id);
        RowIterator rows = view.point(keyIndex(table.schema()), MemorySegment.ofArray(key), 0, key.length);
        if (!rows.next()) {
            return Optional.empty();
        }
        byte[] bytes = new byte[rows.length()];
        MemorySegment.copy(rows.segment(), ValueLayout.JAVA_BYTE, rows.offset(), bytes, 0, bytes.length);
        return Optional.of(new Found(bytes, read(table, MemorySegment.ofArray(bytes), 0).at()));
    }

    /** Deletes the row with this id. */
    public static void delete(MutTx tx, Table table, long id) {
        tx.deletePoint(keyIndex(table.schema()), MemorySegment.ofArray(key(id)), 0, Long.BYTES);
    }

    private static byte[] key(long id) {
        byte[] key = new byte[Long.BYTES];
        LittleEndian.putLong(key, 0, id);
        return key;
    }

    private static int keyIndex(TableSchema schema) {
        List<Integer> key = List.of(schema.primaryKey().orElseThrow());
        Optional<IndexSchema> index =
                schema.indexes().stream().filter(i -> i.unique() && i.algorithm().columns().equals(key)).findFirst();
        Invariants.check(index.isPresent(), "a primary key has an index", "table", schema.tableId());
        return index.get().indexId();
    }
}
