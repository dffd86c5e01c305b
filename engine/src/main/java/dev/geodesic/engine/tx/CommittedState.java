package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
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
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The tables after the last commit. {@link #apply} is the only way to change them: transactions, recovery and replicas
 * use it alike. Readers hold the shared lock through {@link #read}; the writer may read without it, because nobody
 * else applies.
 */
public final class CommittedState implements AutoCloseable {

    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final Tables tables = new Tables();
    private final TableStores stores;
    private final ReadView view = new View();
    /** Its deleted rows, and those that it put into event tables, are readable until the next transaction. */
    private TxData last = TxData.EMPTY;
    private long nextTxOffset;
    /** Guarded by the lock. */
    private boolean closed;

    public CommittedState(TableStores stores) {
        this.stores = stores;
    }

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
        lock.readLock().lock();
        if (closed) {
            lock.readLock().unlock();
            throw new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped");
        }
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

    /** Makes the changes of a transaction visible and returns its offset. Writer only. */
    public long apply(TxData data) {
        lock.writeLock().lock();
        try {
            applyPart(data);
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
            // First: a table that comes may have the id of one that goes.
            for (Table table : data.dropped()) {
                tables.remove(table);
            }
            for (Table table : data.created()) {
                tables.add(table);
            }
            for (TxData.TableChange change : data.changes()) {
                Table table = change.table();
                RowPointers deletes = change.deletes();
                for (int i = 0; i < deletes.size(); i++) {
                    table.unlink(deletes.get(i));
                }
                if (!table.schema().event()) {
                    RowPointers inserts = change.inserts();
                    for (int i = 0; i < inserts.size(); i++) {
                        table.link(inserts.get(i));
                    }
                }
            }
            last = data;
        } finally {
            lock.writeLock().unlock();
        }
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
        last.dropped().forEach(Table::close);
        last = TxData.EMPTY;
    }

    private static void free(Table table, RowPointers rows) {
        for (int i = 0; i < rows.size(); i++) {
            table.store().free(rows.get(i));
        }
    }

    /** The stored transactions below {@code offset} have been applied in another way. Recovery only. */
    public void startAt(long offset) {
        Invariants.check(offset >= nextTxOffset, "offsets never go back", "next", nextTxOffset, "start", offset);
        nextTxOffset = offset;
    }

    /** A table by id. Errors: NO_SUCH_TABLE. Writer, or under the shared lock. */
    public Table requireTable(int tableId) {
        Table table = tables.get(tableId);
        if (table == null) {
            throw new EngineException(ErrorCode.NO_SUCH_TABLE, "no such table: " + Integer.toUnsignedString(tableId));
        }
        return table;
    }

    /** All tables; writer, or under the shared lock. */
    public Collection<Table> allTables() {
        return tables.all();
    }

    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (!closed) {
                closed = true;
                tables.all().forEach(Table::close);
                stores.close();
            }
        } finally {
            lock.writeLock().unlock();
        }
    }

    private final class View implements ReadView {

        @Override
        public Collection<TableSchema> tables() {
            return tables.all().stream().map(Table::schema).toList();
        }

        @Override
        public Optional<TableSchema> table(int tableId) {
            return Optional.ofNullable(tables.get(tableId)).map(Table::schema);
        }

        @Override
        public Optional<TableSchema> tableByName(String name) {
            Table table = tables.byName(name);
            return Optional.ofNullable(table != null ? table : tables.byAccessor(name)).map(Table::schema);
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
            Tables.IndexRef ref = requireIndex(indexId);
            RowPointers rows = new RowPointers();
            ref.table().index(ref.position()).point(key, offset, length, rows);
            return new RowPointerIterator(ref.table().store(), rows);
        }

        @Override
        public RowIterator range(int indexId, KeyRange range) {
            Tables.IndexRef ref = requireIndex(indexId);
            RowPointers rows = new RowPointers();
            ref.table().index(ref.position()).range(range, rows);
            return new RowPointerIterator(ref.table().store(), rows);
        }

        private Tables.IndexRef requireIndex(int indexId) {
            Tables.IndexRef ref = tables.index(indexId);
            if (ref == null) {
                throw new EngineException(ErrorCode.NO_SUCH_INDEX, "no such index: " + Integer.toUnsignedString(indexId));
            }
            return ref;
        }
    }
}
