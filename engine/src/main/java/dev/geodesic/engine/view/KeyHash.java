package dev.geodesic.engine.view;

import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Hashes the keys of one index, out of a row or as they are by themselves. Compared by identity. */
final class KeyHash {

    private final int tableId;
    private final int[] columns;
    private final RowLayout keys;

    KeyHash(TableSchema table, int indexId) {
        tableId = table.tableId();
        columns = table.indexes().stream()
                .filter(i -> i.indexId() == indexId)
                .findFirst()
                .orElseThrow()
                .algorithm()
                .columns()
                .stream()
                .mapToInt(Integer::intValue)
                .toArray();
        ProductType rows = table.rowType();
        keys = RowLayout.of(
                new ProductType(Arrays.stream(columns).mapToObj(rows.elements()::get).toList()));
    }

    int tableId() {
        return tableId;
    }

    /** @param key BSATN of the index columns */
    long ofKey(byte[] key) {
        MemorySegment segment = MemorySegment.ofArray(key);
        long hash = 0;
        for (int i = 0; i < columns.length; i++) {
            hash = mix(hash, keys.hash(segment, keys.columnOffset(segment, 0, i), keys.columnLength(segment, 0, i)));
        }
        return hash;
    }

    long ofRow(RowLayout rows, MemorySegment row, long offset) {
        long hash = 0;
        for (int column : columns) {
            long at = rows.columnOffset(row, offset, column);
            hash = mix(hash, rows.hash(row, at, rows.columnLength(row, offset, column)));
        }
        return hash;
    }

    private static long mix(long hash, long more) {
        return (hash ^ more) * 0x9e3779b97f4a7c15L;
    }
}
