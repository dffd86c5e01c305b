package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.table.TableStores;
import it.unimi.dsi.fastutil.longs.LongSets;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The tables after the last commit. {@link #apply} is the only way to change them: transactions and replicas use it alike.
 * Recovery may fill tables in bulk, with {@link TableLoader} and {@link TableReplay}, before anybody reads them. Short reads hold
 * the shared lock through {@link #read}, long ones use {@link #openSnapshot}; the writer may read without a lock, because nobody
 * else applies.
 */
public final class CommittedState implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(CommittedState.class.getName());
    private static final int FREED_AT_ONCE = 1_000;
    private static final long READERS_END_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final TableStores stores;
    private final History history = new History();
    private final ReadView view = new View();
    /** Its deleted rows, and those that it put into event tables, are readable until the next transaction. */
    private TxData last = TxData.EMPTY;
    /** The history closes the tables that the last transaction dropped. */
    private boolean lastRecorded;
    private Tables tables = new Tables();
    private long nextTxOffset;
    private long commitMicros;
    /** Written under the lock. */
    private volatile boolean closed;

    public CommittedState(TableStores stores) {
        this.stores = stores;
    }

    /** Where rows lie; its memory may be looked at by any thread. */
    public TableStores stores() {
        return stores;
    }

    Tables tables() {
        return tables;
    }

    /** Offset that the next logged transaction gets; all smaller ones are visible. */
    public long nextTxOffset() {
        return nextTxOffset;
    }

    /** The view of the writer thread between transactions, without a lock. */
    public ReadView writerView() {
        return view;
    }

    /** Opens the committed state for reading; keep it short, commits wait for it. Errors: DATABASE_STOPPED once closed. */
    public Snapshot read() {
        enter();
        return new Snapshot();
    }

    /** The committed state at one offset while it is open. Close it on the thread that opened it. */
    public final class Snapshot implements AutoCloseable {

        private Snapshot() {
        }

        public ReadView view() {
            return view;
        }

        public long nextTxOffset() {
            return nextTxOffset;
        }

        /** Bytes of all rows and indexes. */
        public long memoryBytes() {
            return tables.all().stream().mapToLong(Table::memoryBytes).sum();
        }

        @Override
        public void close() {
            lock.readLock().unlock();
        }
    }

    /**
     * Opens the present state for a read of any length, beside the writer. Writer between transactions, or any other thread.
     * Errors: DATABASE_STOPPED once closed.
     */
    public SnapshotView openSnapshot(Limits.Reads limits) {
        return openSnapshot(limits, SnapshotView.PLACES_PER_BATCH);
    }

    SnapshotView openSnapshot(Limits.Reads limits, int placesPerBatch) {
        return openSnapshot(limits, placesPerBatch, false);
    }

    /**
     * As {@link #openSnapshot(Limits.Reads)}, for somebody who walks over each table at most once, reads a row before going to
     * the next one, and looks nothing up by key. It costs the writer less, and holds back only what is still to be read.
     */
    public SnapshotView openWalk(Limits.Reads limits) {
        return openSnapshot(limits, SnapshotView.PLACES_PER_BATCH, true);
    }

    SnapshotView openSnapshot(Limits.Reads limits, int placesPerBatch, boolean once) {
        enter();
        try {
            return new SnapshotView(this, history, tables, nextTxOffset, commitMicros, limits, placesPerBatch, once);
        } finally {
            leave();
        }
    }

    /** Takes the shared lock. Errors: DATABASE_STOPPED. */
    void enter() {
        lock.readLock().lock();
        if (closed) {
            lock.readLock().unlock();
            throw new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped");
        }
    }

    void leave() {
        lock.readLock().unlock();
    }

    /** When the last transaction was committed, in microseconds since 1970; never falls. Writer, or under the shared lock. */
    public long commitMicros() {
        return commitMicros;
    }

    /** As {@link #apply(TxData, long)}, by a clock that stands still. */
    public long apply(TxData data) {
        return apply(data, commitMicros);
    }

    /**
     * Makes the changes of a transaction visible and returns its offset. Writer only.
     *
     * @param nowMicros microseconds since 1970; a clock that goes back is not believed
     */
    public long apply(TxData data, long nowMicros) {
        lock.writeLock().lock();
        try {
            applyPart(data);
            commitMicros = Math.max(commitMicros, nowMicros);
            // Under the lock: no reader may see the rows with the offset before them.
            return nextTxOffset++;
        } finally {
            lock.writeLock().unlock();
        }
    }

    /**
     * Applies changes without counting a transaction: those that are not logged, and the first part of a transaction
     * whose second part needs the tables that the first one makes.
     */
    public void applyPart(TxData data) {
        lock.writeLock().lock();
        try {
            freeRetired();
            // Before these changes: what they delete can be read until the next ones.
            history.freeBefore(data);
            History.Recorder recorder = history.begin(data);
            if (recorder != null && !(data.dropped().isEmpty() && data.created().isEmpty())) {
                // Snapshots go on with the tables of their moment.
                tables = tables.copy();
            }
            // First: a table that comes may have the id of one that goes.
            for (Table table : data.dropped()) {
                tables.remove(table);
            }
            for (Table table : data.created()) {
                tables.add(table);
                table.countIndexes();
            }
            for (TxData.TableChange change : data.changes()) {
                // The rows of a table that goes stay in it: snapshots may read them, and nobody else does.
                if (!data.dropped().contains(change.table())) {
                    apply(change, recorder);
                    change.table().countIndexes();
                }
            }
            if (recorder != null) {
                recorder.end();
            }
            lastRecorded = recorder != null;
            last = data;
        } finally {
            lock.writeLock().unlock();
        }
    }

    private static void apply(TxData.TableChange change, History.Recorder of) {
        Table table = change.table();
        boolean event = table.schema().event();
        History.Recorder recorder = event ? null : of;
        if (recorder != null) {
            recorder.table(table);
        }
        RowPointers deletes = change.deletes();
        RowPointers inserts = change.inserts();
        // Mostly the first deleted and the first inserted row are one that was updated, and so on; if not, it costs little.
        int pairs = event ? 0 : Math.min(deletes.size(), inserts.size());
        for (int i = 0; i < pairs; i++) {
            table.replace(deletes.get(i), inserts.get(i));
            if (recorder != null) {
                recorder.retired(deletes.get(i));
                recorder.born(inserts.get(i));
            }
        }
        for (int i = pairs; i < deletes.size(); i++) {
            table.unlink(deletes.get(i));
            if (recorder != null) {
                recorder.retired(deletes.get(i));
            }
        }
        for (int i = pairs; i < inserts.size() && !event; i++) {
            table.link(inserts.get(i));
            if (recorder != null) {
                recorder.born(inserts.get(i));
            }
        }
    }

    /**
     * Frees rows that snapshots held back and that none needs any more, a part of them; true if there are more. The rows that
     * the last transaction deleted cannot be read any more. Writer, between transactions.
     */
    public boolean freeUnneeded() {
        lock.writeLock().lock();
        try {
            if (closed) {
                return false;
            }
            freeRetired();
            return history.free(FREED_AT_ONCE);
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** What to do, on any thread, when there is work for {@link #freeUnneeded}. */
    public void onUnneeded(Runnable action) {
        history.onReleased(action);
    }

    private void freeRetired() {
        for (TxData.TableChange change : last.changes()) {
            if (!last.dropped().contains(change.table())) {
                free(change.table(), change.deletes());
                if (change.table().schema().event()) {
                    free(change.table(), change.inserts());
                }
            }
        }
        if (!lastRecorded) {
            last.dropped().forEach(history::close);
        }
        last = TxData.EMPTY;
    }

    private static void free(Table table, RowPointers rows) {
        TableHistory kept = table.history();
        for (int i = 0; i < rows.size(); i++) {
            if (kept == null || !kept.holds(rows.get(i))) {
                table.store().free(rows.get(i));
            }
        }
    }

    /** A transaction of this time has been applied by {@link TableReplay}. Recovery only. */
    public void replayed(long micros) {
        commitMicros = Math.max(commitMicros, micros);
        nextTxOffset++;
    }

    /** The stored transactions below {@code offset} have been applied in another way. Recovery only. */
    public void startAt(long offset, long lastCommitMicros) {
        Invariants.check(offset >= nextTxOffset, "offsets never go back", "next", nextTxOffset, "start", offset);
        nextTxOffset = offset;
        commitMicros = Math.max(commitMicros, lastCommitMicros);
    }

    /** A table by id. Errors: NO_SUCH_TABLE. Writer, or under the shared lock. */
    public Table requireTable(int tableId) {
        return tables.require(tableId);
    }

    /** From now on transactions may not make the state larger than this; now it may be. Writer, before the first one. */
    public void limitMemory(long bytesMax) {
        tables.all().forEach(Table::countIndexes);
        stores.memory().limit(bytesMax);
    }

    /** All tables; writer, or under the shared lock. */
    public Collection<Table> allTables() {
        return tables.all();
    }

    /** Whether this has been closed, or soon will be. Any thread. */
    public boolean isClosed() {
        return closed;
    }

    /** Ends all snapshots: their readers get DATABASE_STOPPED. */
    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
        } finally {
            lock.writeLock().unlock();
        }
        // Readers between two looks at the state find out at the next one. Who does not in time gets an exception from the
        // store, which knows that its memory has gone.
        boolean interrupted = false;
        try {
            if (!history.awaitNone(READERS_END_NANOS)) {
                LOG.log(System.Logger.Level.WARNING, "a snapshot is still open at the end of its database");
            }
        } catch (InterruptedException e) {
            interrupted = true;
        }
        lock.writeLock().lock();
        try {
            stores.close();
        } finally {
            lock.writeLock().unlock();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private final class View implements ReadView {

        @Override
        public Collection<TableSchema> tables() {
            return tables.schemas();
        }

        @Override
        public Optional<TableSchema> table(int tableId) {
            return Optional.ofNullable(tables.get(tableId)).map(Table::schema);
        }

        @Override
        public Optional<TableSchema> tableByName(String name) {
            return tables.schema(name);
        }

        @Override
        public long rowCount(int tableId) {
            return requireTable(tableId).store().liveCount();
        }

        @Override
        public TableStore store(int tableId) {
            return requireTable(tableId).store();
        }

        @Override
        public RowIterator scan(int tableId) {
            return new TableScan(requireTable(tableId).store(), LongSets.emptySet(), new RowPointers());
        }

        @Override
        public RowIterator point(int indexId, MemorySegment key, long offset, int length) {
            Tables.IndexRef ref = tables.requireIndex(indexId);
            RowPointers rows = new RowPointers();
            ref.table().index(ref.position()).point(key, offset, length, rows);
            return new RowPointerIterator(ref.table().store(), rows);
        }

        @Override
        public RowIterator range(int indexId, KeyRange range) {
            Tables.IndexRef ref = tables.requireIndex(indexId);
            RowPointers rows = new RowPointers();
            ref.table().index(ref.position()).range(range, rows);
            return new RowPointerIterator(ref.table().store(), rows);
        }
    }
}
