package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.MemoryUse;
import dev.geodesic.engine.schema.ScheduleSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowCursor;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.RowSet;
import dev.geodesic.engine.table.TableIndex;
import dev.geodesic.engine.table.TableIndexes;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.Comparator;
import java.util.function.Function;

/**
 * One table that exists: its shape, the bytes of its rows, and its committed indexes. Rows of open transactions have
 * their bytes here too, but are in no index of this class. Thread rules: {@link TableStore} and {@link TableIndex}.
 */
public final class Table implements AutoCloseable {

    private final TableSchema schema;
    private final RowLayout layout;
    private final TableStore store;
    private final MemoryUse use;
    private final TableIndex[] indexes;
    /** Those that follow each change: all of them, but for a while in {@link TableReplay}. */
    private TableIndex[] linked;
    private final boolean[] unique;
    private final int firstUnique;
    /** Finds equal rows where no unique index can. */
    private final RowSet rows;
    private final SequenceState[] sequences;
    /** Or null. */
    private final ScheduleSchema schedule;
    /** What snapshots need to know of former states, or null. Written under the exclusive lock, read under the shared one. */
    private TableHistory history;
    /** Bytes beside the store that {@link #use} knows of. */
    private long counted;

    /** @param allocated recorded end of each sequence's last block (spec/sql.md 14) */
    public Table(TableSchema schema, TableStores stores, Function<SequenceSchema, BigInteger> allocated) {
        this.schema = schema;
        this.layout = RowLayout.of(schema.rowType());
        this.store = schema.kind() == TableKind.SYSTEM ? stores.createUnlimited(layout) : stores.create(layout);
        this.use = stores.memory();
        int count = schema.indexes().size();
        this.indexes = new TableIndex[count];
        this.unique = new boolean[count];
        int first = -1;
        for (int i = 0; i < count; i++) {
            indexes[i] = newIndex(i);
            unique[i] = schema.indexes().get(i).unique();
            if (first < 0 && unique[i]) {
                first = i;
            }
        }
        this.firstUnique = first;
        this.linked = indexes;
        this.rows = first < 0 ? newRowSet() : null;
        this.sequences = schema.sequences().stream()
                .sorted(Comparator.comparingInt(SequenceSchema::column))
                .map(s -> new SequenceState(s, allocated.apply(s)))
                .toArray(SequenceState[]::new);
        this.schedule = schema.schedule().orElse(null);
    }

    public TableSchema schema() {
        return schema;
    }

    /** What calls the rows are; null if they are none. */
    public ScheduleSchema schedule() {
        return schedule;
    }

    public int id() {
        return schema.tableId();
    }

    public RowLayout layout() {
        return layout;
    }

    public TableStore store() {
        return store;
    }

    TableIndex index(int position) {
        assert !isDeferred() : "indexes are complete";
        return indexes[position];
    }

    int indexCount() {
        return indexes.length;
    }

    boolean isUnique(int position) {
        return unique[position];
    }

    /** Position of a unique index, or -1. */
    int firstUnique() {
        return firstUnique;
    }

    TableHistory history() {
        return history;
    }

    void keepHistory(TableHistory kept) {
        history = kept;
    }

    /** In order of their columns. */
    SequenceState[] sequences() {
        return sequences;
    }

    /**
     * A table of another shape with the same rows, byte for byte, all of them live, and with the sequences that both have.
     * This table stays as it is. Errors: UNIQUE_ALREADY_EXISTS; nothing is left over then.
     */
    public Table reshaped(TableSchema next, TableStores stores) {
        Table table = new Table(next, stores, SequenceSchema::start);
        boolean complete = false;
        try {
            RowCursor rows = store.scan();
            while (rows.next()) {
                table.adopt(store.segment(rows.row()), store.offset(rows.row()), store.length(rows.row()));
            }
            table.adoptSequences(this);
            complete = true;
            return table;
        } finally {
            if (!complete) {
                table.close();
            }
        }
    }

    private void adopt(MemorySegment row, long offset, int length) {
        for (int i = 0; i < indexes.length; i++) {
            if (unique[i] && indexes[i].findByRow(row, offset) != TableStore.NO_ROW) {
                throw UniqueViolation.of(this, i, row, offset);
            }
        }
        link(store.allocate(row, offset, length));
    }

    /** Takes over the counters of another table's sequences, by id: no value is handed out twice. */
    void adoptSequences(Table other) {
        for (SequenceState state : other.sequences) {
            for (int i = 0; i < sequences.length; i++) {
                if (sequences[i].schema().sequenceId() == state.schema().sequenceId()) {
                    sequences[i] = state;
                }
            }
        }
    }

    /** Continues a sequence behind the recorded end of its last block. Recovery only. */
    public void restoreSequence(int sequenceId, BigInteger allocated) {
        for (int i = 0; i < sequences.length; i++) {
            if (sequences[i].schema().sequenceId() == sequenceId) {
                sequences[i] = new SequenceState(sequences[i].schema(), allocated);
            }
        }
    }

    /** An empty index of the same shape over the same store, for a transaction's own rows. */
    TableIndex newIndex(int position) {
        return TableIndexes.create(schema.indexes().get(position), layout, store);
    }

    RowSet newRowSet() {
        return new RowSet(layout, store);
    }

    boolean rowEquals(long row, MemorySegment segment, long offset, int length) {
        return store.length(row) == length
                && RowLayout.sameBytes(store.segment(row), store.offset(row), segment, offset, length);
    }

    /** The committed row with these bytes, or NO_ROW. */
    public long findEqual(MemorySegment segment, long offset, int length) {
        if (firstUnique < 0) {
            return rows.find(segment, offset, length);
        }
        long row = indexes[firstUnique].findByRow(segment, offset);
        return row != TableStore.NO_ROW && rowEquals(row, segment, offset, length) ? row : TableStore.NO_ROW;
    }

    /** Makes a pending row live and enters it into every index. */
    void link(long row) {
        store.publish(row);
        for (TableIndex index : linked) {
            index.insert(row);
        }
        if (rows != null) {
            rows.insert(row);
        }
    }

    /** {@link #link} for many rows; false if one is equal to another, in a table whose unique indexes cannot tell. */
    boolean linkAll(RowPointers pending) {
        for (int i = 0; i < pending.size(); i++) {
            store.publish(pending.get(i));
        }
        for (TableIndex index : indexes) {
            index.insertAll(pending);
        }
        return rows == null || rows.insertAll(pending);
    }

    /** Whether there are indexes that wait for {@link #catchUp}. */
    boolean isDeferred() {
        return linked != indexes;
    }

    /** From now on only what {@link #findEqual} needs is kept up to date. */
    void defer() {
        if (indexes.length > (firstUnique < 0 ? 0 : 1)) {
            linked = firstUnique < 0 ? new TableIndex[0] : new TableIndex[] {indexes[firstUnique]};
            for (int i = 0; i < indexes.length; i++) {
                if (i != firstUnique) {
                    indexes[i].clear();
                }
            }
        }
    }

    /** Completes the indexes. */
    void catchUp() {
        if (isDeferred()) {
            linked = indexes;
            RowPointers batch = new RowPointers();
            RowCursor all = store.scan();
            for (boolean more = true; more;) {
                more = all.next();
                if (more) {
                    batch.add(all.row());
                }
                if (!more || batch.size() == TableLoader.BATCH_ROWS) {
                    for (int i = 0; i < indexes.length; i++) {
                        if (i != firstUnique) {
                            indexes[i].insertAll(batch);
                        }
                    }
                    batch.clear();
                }
            }
        }
        countIndexes();
    }

    /** Whether no unique index has two rows with the same key. Looks at all of them. */
    boolean hasUniqueKeys() {
        for (int i = 0; i < indexes.length; i++) {
            if (unique[i] && indexes[i].hasEqualKeys()) {
                return false;
            }
        }
        return true;
    }

    /** Takes a live row out of every index and retires it; its bytes stay until it is freed. */
    void unlink(long row) {
        store.retire(row);
        unlinkRetired(row);
    }

    /** Takes a retired row out of every index. */
    void unlinkRetired(long row) {
        for (TableIndex index : linked) {
            index.remove(row);
        }
        if (rows != null) {
            rows.remove(row);
        }
    }

    /** {@link #unlink} of a row and {@link #link} of another: the cheaper the fewer of its keys are others. */
    void replace(long row, long by) {
        store.retire(row);
        replaceRetired(row, by);
    }

    /** Enters a pending row into every index, where a retired one was. */
    void replaceRetired(long row, long by) {
        store.publish(by);
        for (TableIndex index : linked) {
            index.replace(row, by);
        }
        if (rows != null) {
            rows.remove(row);
            rows.insert(by);
        }
    }

    /** Bytes of rows and indexes, those included that snapshots hold back. */
    public long memoryBytes() {
        return store.memoryBytes() + indexBytes();
    }

    private long indexBytes() {
        long bytes = (rows == null ? 0 : rows.memoryBytes()) + (history == null ? 0 : history.memoryBytes());
        for (TableIndex index : indexes) {
            bytes += index.memoryBytes();
        }
        return bytes;
    }

    /** Tells what the indexes hold now. */
    void countIndexes() {
        long now = indexBytes();
        use.addHeap(now - counted);
        counted = now;
    }

    @Override
    public void close() {
        store.close();
        use.addHeap(-counted);
        counted = 0;
    }
}
