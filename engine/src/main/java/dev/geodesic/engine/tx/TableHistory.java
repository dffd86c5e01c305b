package dev.geodesic.engine.tx;

import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableIndex;
import it.unimi.dsi.fastutil.longs.Long2LongOpenHashMap;

/**
 * The changes of one table since the oldest open snapshot: at which step rows were born, and at which they were retired, for
 * those whose bytes are held back. Retired rows have indexes of their own, so that a snapshot finds them by key. Changes: writer,
 * under the exclusive lock. Readers: shared lock.
 */
final class TableHistory {

    private static final long MAP_ENTRY_BYTES = 24;

    private final Table table;
    private final Long2LongOpenHashMap born = new Long2LongOpenHashMap();
    private final Long2LongOpenHashMap retired = new Long2LongOpenHashMap();
    private final TableIndex[] indexes;

    TableHistory(Table table) {
        this.table = table;
        indexes = new TableIndex[table.indexCount()];
        for (int i = 0; i < indexes.length; i++) {
            indexes[i] = table.newIndex(i);
        }
    }

    /** Bytes that one remembered row costs beside its own. */
    long entryBytes() {
        return (1 + indexes.length) * MAP_ENTRY_BYTES;
    }

    // ---- writer ----

    void born(long row, long step) {
        born.put(row, step);
    }

    /** Holds a retired row back if a snapshot as late as {@code newest} sees it. */
    boolean retire(long row, long step, long newest) {
        if (born.get(row) > newest) {
            return false;
        }
        retired.put(row, step);
        for (TableIndex index : indexes) {
            index.insert(row);
        }
        return true;
    }

    boolean holds(long row) {
        return retired.containsKey(row);
    }

    /** The row is as old as all snapshots now. */
    void forgetBirth(long row, long step) {
        born.remove(row, step);
    }

    /** Frees the row if it was held back at this step. Its pointer may be that of another row by now. */
    void free(long row, long step) {
        if (retired.remove(row, step)) {
            for (TableIndex index : indexes) {
                index.remove(row);
            }
            table.store().free(row);
        }
    }

    boolean isEmpty() {
        return born.isEmpty() && retired.isEmpty();
    }

    long memoryBytes() {
        long bytes = (born.size() + retired.size()) * MAP_ENTRY_BYTES;
        for (TableIndex index : indexes) {
            bytes += index.memoryBytes();
        }
        return bytes;
    }

    // ---- readers ----

    boolean hasRetired() {
        return !retired.isEmpty();
    }

    /** Rows that are held back, by key. */
    TableIndex index(int position) {
        return indexes[position];
    }

    /** Keeps the rows that were there at a step; pointers as {@link dev.geodesic.engine.table.TableStore#walk} gives them. */
    void keepVisible(RowPointers rows, long step) {
        rows.truncate(keepVisible(rows, 0, rows.size(), 0, step));
    }

    /** The same for a part of a list; they move to {@code kept}. Returns where the next one would be. */
    int keepVisible(RowPointers rows, int from, int to, int kept, long step) {
        int end = kept;
        for (int i = from; i < to; i++) {
            long row = rows.get(i);
            if (row >= 0 ? born.get(row) <= step : wasThere(~row, step)) {
                rows.set(end++, row >= 0 ? row : ~row);
            }
        }
        return end;
    }

    private boolean wasThere(long row, long step) {
        // Steps are positive: of a row that is not held back this is false.
        return retired.get(row) > step && born.get(row) <= step;
    }
}
