package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.RowSet;
import dev.geodesic.engine.table.TableIndex;
import dev.geodesic.engine.table.TableStore;
import it.unimi.dsi.fastutil.longs.Long2IntOpenHashMap;
import it.unimi.dsi.fastutil.longs.LongLinkedOpenHashSet;
import java.lang.foreign.MemorySegment;

/**
 * What the open transaction did to one table: pending rows that it added, committed rows that it deleted. Indexes over
 * the added rows are built when somebody asks, and caught up then, so a transaction that only inserts one row never
 * touches one.
 */
final class TxTable {

    private static final int KEEP_DELETED_MAX = 1_000;

    private final Table table;
    /** Added rows in order; NO_ROW where an added row was deleted again. */
    private final RowPointers added = new RowPointers();
    private int addedVisible;
    private final LongLinkedOpenHashSet deleted = new LongLinkedOpenHashSet();
    private final TableIndex[] indexes;
    private final int[] indexed;
    private RowSet rows;
    private int rowsIndexed;
    /** Added row to its position; built at the first deletion of an added row. */
    private Long2IntOpenHashMap positions;
    /** Added rows that were deleted again; open iterators may still read them. */
    private final RowPointers graveyard = new RowPointers();
    private boolean touched;

    TxTable(Table table) {
        this.table = table;
        this.indexes = new TableIndex[table.indexCount()];
        this.indexed = new int[indexes.length];
    }

    Table table() {
        return table;
    }

    boolean isTouched() {
        return touched;
    }

    void markTouched() {
        touched = true;
    }

    boolean isUnchanged() {
        return addedVisible == 0 && deleted.isEmpty();
    }

    long rowCount() {
        return table.store().liveCount() - deleted.size() + addedVisible;
    }

    void add(long row) {
        if (positions != null) {
            positions.put(row, added.size());
        }
        added.add(row);
        addedVisible++;
    }

    /** Bytes of what is known about the added rows, indexes included. */
    long indexBytes() {
        long bytes = 8L * added.size() + (rows == null ? 0 : rows.memoryBytes());
        for (TableIndex index : indexes) {
            bytes += index == null ? 0 : index.memoryBytes();
        }
        return bytes;
    }

    boolean isDeleted(long committedRow) {
        return !deleted.isEmpty() && deleted.contains(committedRow);
    }

    boolean hasAdded() {
        return addedVisible > 0;
    }

    LongLinkedOpenHashSet deleted() {
        return deleted;
    }

    /** Deletes a visible row, committed or added. */
    void delete(long row) {
        if (table.store().isLive(row)) {
            deleted.add(row);
            return;
        }
        int at = position(row);
        for (int i = 0; i < indexes.length; i++) {
            if (at < indexed[i]) {
                indexes[i].remove(row);
            }
        }
        if (at < rowsIndexed) {
            rows.remove(row);
        }
        added.set(at, TableStore.NO_ROW);
        addedVisible--;
        positions.remove(row);
        graveyard.add(row);
    }

    /** Takes back the deletion of a committed row. */
    void restore(long committedRow) {
        deleted.remove(committedRow);
    }

    private int position(long row) {
        if (positions == null) {
            positions = new Long2IntOpenHashMap();
            positions.defaultReturnValue(-1);
            for (int i = 0; i < added.size(); i++) {
                if (added.get(i) != TableStore.NO_ROW) {
                    positions.put(added.get(i), i);
                }
            }
        }
        int at = positions.get(row);
        Invariants.check(at >= 0, "a deleted row must be live or added by this transaction", "row", row);
        return at;
    }

    /** Index over the added rows. */
    TableIndex index(int position) {
        TableIndex index = indexes[position];
        if (index == null) {
            index = indexes[position] = table.newIndex(position);
        }
        for (int i = indexed[position]; i < added.size(); i++) {
            if (added.get(i) != TableStore.NO_ROW) {
                index.insert(added.get(i));
            }
        }
        indexed[position] = added.size();
        return index;
    }

    private RowSet rows() {
        if (rows == null) {
            rows = table.newRowSet();
        }
        for (int i = rowsIndexed; i < added.size(); i++) {
            if (added.get(i) != TableStore.NO_ROW) {
                rows.insert(added.get(i));
            }
        }
        rowsIndexed = added.size();
        return rows;
    }

    /** The added row with these bytes, or NO_ROW. */
    long findAddedEqual(MemorySegment segment, long offset, int length) {
        if (addedVisible == 0) {
            return TableStore.NO_ROW;
        }
        if (table.firstUnique() < 0) {
            return rows().find(segment, offset, length);
        }
        long row = index(table.firstUnique()).findByRow(segment, offset);
        return row != TableStore.NO_ROW && table.rowEquals(row, segment, offset, length) ? row : TableStore.NO_ROW;
    }

    /** Appends the visible added rows, in order of insertion. */
    void copyAdded(RowPointers out) {
        for (int i = 0; i < added.size(); i++) {
            if (added.get(i) != TableStore.NO_ROW) {
                out.add(added.get(i));
            }
        }
    }

    /** The net change; the added rows pass into it. */
    TxData.TableChange change() {
        RowPointers inserts = new RowPointers();
        copyAdded(inserts);
        RowPointers deletes = new RowPointers();
        deleted.forEach(deletes::add);
        return new TxData.TableChange(table, inserts, deletes);
    }

    /** Frees the rows that nobody needs any more and starts afresh. */
    void reset(boolean committed) {
        TableStore store = table.store();
        for (int i = 0; i < graveyard.size(); i++) {
            store.free(graveyard.get(i));
        }
        if (!committed) {
            for (int i = 0; i < added.size(); i++) {
                if (added.get(i) != TableStore.NO_ROW) {
                    store.free(added.get(i));
                }
            }
        }
        touched = false;
        graveyard.clear();
        added.clear();
        addedVisible = 0;
        boolean large = deleted.size() > KEEP_DELETED_MAX;
        deleted.clear();
        if (large) {
            // Clearing it costs as much as the largest transaction ever needed.
            deleted.trim();
        }
        positions = null;
        for (int i = 0; i < indexes.length; i++) {
            if (indexed[i] > 0) {
                indexes[i].clear();
                indexed[i] = 0;
            }
        }
        if (rowsIndexed > 0) {
            rows.clear();
            rowsIndexed = 0;
        }
    }
}
