package dev.geodesic.engine.tx;

import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableIndex;

/**
 * The changes of one table since the oldest open snapshot: at which step rows were born, and at which they were retired, for
 * those whose bytes are held back. Retired rows have indexes of their own, so that a snapshot finds them by key. Changes: writer,
 * under the exclusive lock. Readers: shared lock.
 */
final class TableHistory {

    static final long BORN_BYTES = StepMap.ENTRY_BYTES + Changes.ENTRY_BYTES;

    private final Table table;
    /** Steps by row; 0 stands for before. */
    private final StepMap born = new StepMap();
    /** Steps by row, twice, plus 1 if the row is in the indexes. */
    private final StepMap retired = new StepMap();
    private final Changes changes = new Changes();
    private final TableIndex[] indexes;

    TableHistory(Table table) {
        this.table = table;
        indexes = new TableIndex[table.indexCount()];
        for (int i = 0; i < indexes.length; i++) {
            indexes[i] = table.newIndex(i);
        }
    }

    /** What a row that is held back costs beside its own bytes. */
    long retiredBytes() {
        return BORN_BYTES + indexes.length * StepMap.ENTRY_BYTES;
    }

    // ---- writer ----

    void born(long row, long step) {
        born.put(row, step);
        changes.add(row << 1, step);
    }

    /**
     * Holds a retired row back if a snapshot as late as {@code newest} sees it, and lets it be found by key if one as late as
     * {@code newestAnyOrder} does.
     */
    boolean retire(long row, long step, long newest, long newestAnyOrder) {
        long since = born.get(row);
        if (since > newest) {
            return false;
        }
        boolean indexed = since <= newestAnyOrder;
        retired.put(row, step << 1 | (indexed ? 1 : 0));
        changes.add(row << 1 | 1, step);
        if (indexed) {
            for (TableIndex index : indexes) {
                index.insert(row);
            }
        }
        return true;
    }

    boolean holds(long row) {
        return retired.get(row) != 0;
    }

    /** Forgets what has happened up to a step, at most so many changes; returns how many it could have forgotten more. */
    int free(long step, int changesMax) {
        int left = changesMax;
        while (left > 0 && !changes.isEmpty() && changes.firstStep() <= step) {
            forget(changes.firstRow() >>> 1, (changes.firstRow() & 1) != 0, changes.firstStep());
            changes.removeFirst();
            left--;
        }
        return left;
    }

    /** The pointer may be that of another row by now. */
    private void forget(long row, boolean wasRetired, long step) {
        if (!wasRetired) {
            if (born.get(row) == step) {
                born.remove(row);
            }
            return;
        }
        long entry = retired.get(row);
        if (entry >>> 1 == step) {
            retired.remove(row);
            if ((entry & 1) != 0) {
                for (TableIndex index : indexes) {
                    index.remove(row);
                }
            }
            table.store().free(row);
        }
    }

    boolean isEmpty() {
        return changes.isEmpty();
    }

    /** The table needs no history any more. */
    void end() {
        table.keepHistory(null);
    }

    long memoryBytes() {
        long bytes = born.memoryBytes() + retired.memoryBytes() + changes.memoryBytes();
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
        return retired.get(row) >>> 1 > step && born.get(row) <= step;
    }
}
