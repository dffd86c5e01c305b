package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableIndex;
import dev.geodesic.engine.table.TableStore;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/**
 * The committed state of one moment, for as long as this is open, while the writer goes on. Each call takes the shared lock for
 * a moment only; the bytes of rows that it gave may be read without until {@link #close}. Walks over whole tables take the lock
 * once for each batch of rows. Look-ups by key take it once to collect pointers, some nanoseconds each, and then for each batch
 * of rows that may have changed.
 *
 * <p>One thread at a time, not always the same. Calls, and {@code next} of iterators over whole tables, throw LIMIT_EXCEEDED
 * if this has been open for too long or holds too many deleted rows back, and DATABASE_STOPPED when the database ends; close
 * it then. Do not wait for anybody outside while this is open.
 */
public final class SnapshotView implements ReadView, AutoCloseable {

    /** About a tenth of a millisecond. */
    static final int PLACES_PER_BATCH = 2_048;

    private final CommittedState state;
    private final History history;
    private final Tables tables;
    private final long nextTxOffset;
    private final long commitMicros;
    private final Limits.Reads limits;
    private final long start = System.nanoTime();
    private final History.Point point;
    private final History.Lease lease;
    private final int placesPerBatch;
    /** Rows that a walk has passed need not be kept any more. */
    private final boolean once;
    private volatile boolean cancelled;

    /** Shared lock. */
    SnapshotView(
            CommittedState state, History history, Tables tables, long nextTxOffset, long commitMicros, Limits.Reads limits,
            int placesPerBatch, boolean once) {
        this.state = state;
        this.history = history;
        this.tables = tables;
        this.nextTxOffset = nextTxOffset;
        this.commitMicros = commitMicros;
        this.limits = limits;
        this.placesPerBatch = placesPerBatch;
        this.once = once;
        this.point = history.enter(once);
        this.lease = history.lease(this, point);
    }

    /** All transactions below this offset are visible, and no other one. */
    public long nextTxOffset() {
        return nextTxOffset;
    }

    /** When the last of these transactions was committed, in microseconds since 1970. */
    public long commitMicros() {
        return commitMicros;
    }

    /** Gives back what is held for this. Idempotent, any thread. */
    @Override
    public void close() {
        lease.release();
    }

    /** Nobody waits for the read any more: it ends with LIMIT_EXCEEDED at its next call. Any thread. */
    public void cancel() {
        cancelled = true;
    }

    /** Why the next call will fail, if it is for a limit. Any thread. */
    public Optional<EngineException> limitError() {
        String error;
        if (cancelled) {
            error = "the read was cancelled";
        } else if (System.nanoTime() - start > TimeUnit.MILLISECONDS.toNanos(limits.millisMax())) {
            error = "the read takes longer than the limit geodesic.limits.read.millis of " + limits.millisMax();
        } else if (history.retainedSince(point) > limits.retainedBytesMax()) {
            error = "so much has changed since the read began that it would hold back more bytes than the limit"
                    + " geodesic.limits.read.retained.bytes of " + limits.retainedBytesMax();
        } else {
            return Optional.empty();
        }
        return Optional.of(new EngineException(ErrorCode.LIMIT_EXCEEDED, error));
    }

    /** Errors: LIMIT_EXCEEDED, DATABASE_STOPPED. */
    private void enter() {
        Optional<EngineException> error = limitError();
        if (error.isPresent()) {
            throw error.get();
        }
        lease.requireHeld();
        state.enter();
    }

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
        Table table = tables.require(tableId);
        enter();
        try {
            return point.rowCount(table);
        } finally {
            state.leave();
        }
    }

    @Override
    public TableStore store(int tableId) {
        return tables.require(tableId).store();
    }

    @Override
    public RowIterator scan(int tableId) {
        return new SnapshotScan(this, tables.require(tableId));
    }

    /** The next rows of a walk over a table; returns where to go on, or NO_ROW. */
    long walk(Table table, long from, RowPointers out) {
        enter();
        try {
            if (once) {
                // The rows of the batch before have been read.
                point.pass(table, from);
            }
            TableHistory changes = table.history();
            long next = table.store().walk(from, placesPerBatch, changes != null && changes.hasRetired(), out);
            if (changes != null) {
                changes.keepVisible(out, point.step);
            }
            return next;
        } finally {
            state.leave();
        }
    }

    /** All rows of a walk over a table have been read. */
    void walked(Table table) {
        if (once) {
            enter();
            try {
                point.passAll(table);
            } finally {
                state.leave();
            }
        }
    }

    @Override
    public RowIterator point(int indexId, MemorySegment key, long offset, int length) {
        return find(indexId, (index, rows) -> index.point(key, offset, length, rows));
    }

    @Override
    public RowIterator range(int indexId, KeyRange range) {
        return find(indexId, (index, rows) -> index.range(range, rows));
    }

    private RowIterator find(int indexId, BiConsumer<TableIndex, RowPointers> search) {
        Invariants.check(!once, "a snapshot that walks over each table once has no look-ups");
        Tables.IndexRef ref = tables.requireIndex(indexId);
        Table table = ref.table();
        RowPointers rows = new RowPointers();
        int live;
        boolean changed;
        enter();
        try {
            search.accept(table.index(ref.position()), rows);
            live = rows.size();
            TableHistory changes = table.history();
            changed = changes != null;
            if (changed && changes.hasRetired()) {
                RowPointers former = new RowPointers();
                search.accept(changes.index(ref.position()), former);
                for (int i = 0; i < former.size(); i++) {
                    rows.add(~former.get(i));
                }
            }
        } finally {
            state.leave();
        }
        if (changed) {
            int kept = keepVisible(table, rows, 0, live, 0);
            int all = keepVisible(table, rows, live, rows.size(), kept);
            rows.truncate(all);
            if (kept > 0 && all > kept) {
                return new RowPointerIterator(table.store(), sorted(ref, rows, search));
            }
        }
        return new RowPointerIterator(table.store(), rows);
    }

    /**
     * A batch at a time: a row that goes meanwhile is one that was born too late, or is held back. What has no history any more
     * was there.
     */
    private int keepVisible(Table table, RowPointers rows, int from, int to, int kept) {
        int end = kept;
        for (int at = from; at < to; at += placesPerBatch) {
            enter();
            try {
                TableHistory changes = table.history();
                int until = (int) Math.min(to, (long) at + placesPerBatch);
                if (changes != null) {
                    end = changes.keepVisible(rows, at, until, end, point.step);
                } else {
                    for (int i = at; i < until; i++) {
                        if (rows.get(i) >= 0) {
                            rows.set(end++, rows.get(i));
                        }
                    }
                }
            } finally {
                state.leave();
            }
        }
        return end;
    }

    /** Live and retired rows in the order of the index. */
    private static RowPointers sorted(Tables.IndexRef ref, RowPointers rows, BiConsumer<TableIndex, RowPointers> search) {
        TableIndex index = ref.table().newIndex(ref.position());
        for (int i = 0; i < rows.size(); i++) {
            index.insert(rows.get(i));
        }
        RowPointers sorted = new RowPointers();
        search.accept(index, sorted);
        return sorted;
    }
}
