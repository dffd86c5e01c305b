package dev.geodesic.engine.query;

import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.tx.TxData;
import it.unimi.dsi.fastutil.longs.LongOpenHashSet;
import it.unimi.dsi.fastutil.longs.LongSet;

/** What the last transaction changed in one table; its rows can be read until the next one. Writer thread only. */
public final class TableDelta {

    private static final int SMALL = 8;

    /** Of a table that did not change. */
    static final TableDelta NONE = new TableDelta(null, new RowPointers(), new RowPointers());

    private final TableStore store;
    private final RowPointers inserts;
    private final RowPointers deletes;
    private LongSet inserted;

    private TableDelta(TableStore store, RowPointers inserts, RowPointers deletes) {
        this.store = store;
        this.inserts = inserts;
        this.deletes = deletes;
    }

    public static TableDelta of(TxData.TableChange change) {
        return new TableDelta(change.table().store(), change.inserts(), change.deletes());
    }

    TableStore store() {
        return store;
    }

    RowPointers inserts() {
        return inserts;
    }

    RowPointers deletes() {
        return deletes;
    }

    /** Whether a row that is there now was not there before. */
    boolean isInserted(long row) {
        if (inserted == null && inserts.size() > SMALL) {
            inserted = new LongOpenHashSet(inserts.size());
            for (int i = 0; i < inserts.size(); i++) {
                inserted.add(inserts.get(i));
            }
        }
        if (inserted != null) {
            return inserted.contains(row);
        }
        for (int i = 0; i < inserts.size(); i++) {
            if (inserts.get(i) == row) {
                return true;
            }
        }
        return false;
    }
}
