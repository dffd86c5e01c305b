package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowCursor;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.SpecialTypes;
import it.unimi.dsi.fastutil.ints.Int2ObjectMap;
import it.unimi.dsi.fastutil.ints.Int2ObjectOpenHashMap;
import it.unimi.dsi.fastutil.longs.LongLinkedOpenHashSet;
import it.unimi.dsi.fastutil.longs.LongSet;
import it.unimi.dsi.fastutil.longs.LongSets;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/**
 * The read-write transaction of a database: an overlay over {@link CommittedState}. One object serves one transaction
 * after the other: {@link #begin}, work, then {@link #finish} followed by {@code CommittedState.apply} and {@link #end},
 * or {@link #rollback}. Writer thread only.
 */
public final class MutTx implements Transaction {

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** An overlay that grew beyond this is thrown away instead of being used again. */
    private static final int KEEP_ROWS_MAX = 1 << 16;
    private static final int ROWS_PER_LOOK_AT_THE_TIME = 1 << 12;
    private static final int ROWS_PER_LOOK_AT_MEMORY = 1 << 12;
    private static final BooleanSupplier NEVER = () -> false;

    /** No module code writes. */
    private static final long NOT_CALLED = Long.MIN_VALUE;
    /** Calls so far ahead cannot be scheduled (spec/execution.md 5.1). */
    private static final long SCHEDULE_HORIZON_MICROS = ((1L << 36) - 1) * 1000;

    private final CommittedState committed;
    private final Limits limits;
    private final SequenceLog sequenceLog;
    private final Int2ObjectMap<TxTable> overlays = new Int2ObjectOpenHashMap<>();
    private final List<TxTable> touched = new ArrayList<>();
    private final List<SequenceState> reserved = new ArrayList<>();
    private final List<Table> dropped = new ArrayList<>();
    /** Created and dropped by this transaction. */
    private final List<Table> abandoned = new ArrayList<>();
    private Tables created = new Tables();
    private long[] generatedAt = {};
    private int[] generatedWidth = {};
    private boolean open;
    private BooleanSupplier overdue = NEVER;
    private long calledAt = NOT_CALLED;
    private long rowsWritten;
    private long bytesWritten;

    public MutTx(CommittedState committed, Limits limits, SequenceLog sequenceLog) {
        this.committed = committed;
        this.limits = limits;
        this.sequenceLog = sequenceLog;
    }

    // ---- life ----

    public MutTx begin() {
        Invariants.check(!open, "one transaction at a time");
        open = true;
        calledAt = NOT_CALLED;
        rowsWritten = 0;
        bytesWritten = 0;
        return this;
    }

    /**
     * From now on the transaction is written by module code that was called at this time, in microseconds since the
     * epoch: rows that schedule a call too far ahead are errors (spec/execution.md 5.1).
     */
    public void calledAt(long micros) {
        calledAt = micros;
    }

    public boolean isOpen() {
        return open;
    }

    /** The net change, in order of table ids. Apply it, then call {@link #end}. */
    public TxData finish() {
        Invariants.check(open, "the transaction is open");
        if (touched.isEmpty() && created.isEmpty() && dropped.isEmpty()) {
            return TxData.EMPTY;
        }
        List<TxData.TableChange> changes = new ArrayList<>(touched.size());
        for (TxTable overlay : touched) {
            if (!overlay.isUnchanged()) {
                changes.add(overlay.change());
            }
        }
        if (changes.size() > 1) {
            changes.sort(Comparator.comparingInt(c -> c.table().id()));
        }
        return new TxData(changes, created.isEmpty() ? List.of() : List.copyOf(created.all()), List.copyOf(dropped));
    }

    /** Shows the net changes so far of the tables that {@code which} wants, in no given order. */
    public void forEachChange(IntPredicate which, Consumer<TxData.TableChange> action) {
        // By position: the action may touch more tables.
        for (int i = 0, count = touched.size(); i < count; i++) {
            TxTable overlay = touched.get(i);
            if (which.test(overlay.table().id()) && !overlay.isUnchanged()) {
                action.accept(overlay.change());
            }
        }
    }

    /** Ends the transaction after its changes were applied. */
    public void end() {
        reset(true);
    }

    /** Undoes everything but sequence values. */
    public void rollback() {
        reserved.forEach(SequenceState::blockLost);
        reset(false);
    }

    private void reset(boolean commit) {
        open = false;
        overdue = NEVER;
        for (TxTable overlay : touched) {
            overlay.reset(commit);
        }
        for (Table table : dropped) {
            overlays.remove(table.id());
        }
        if (!created.isEmpty()) {
            if (!commit) {
                abandoned.addAll(created.all());
            }
            created = new Tables();
        }
        for (Table table : abandoned) {
            overlays.remove(table.id());
            table.close();
        }
        if (rowsWritten > KEEP_ROWS_MAX) {
            overlays.clear();
        }
        touched.clear();
        dropped.clear();
        abandoned.clear();
        reserved.clear();
    }

    // ---- schema ----

    /** Adds an empty table; it exists for others after the commit. Rows of the catalogue are the caller's matter. */
    public Table createTable(Table table) {
        Invariants.check(lookUp(table.id()) == null, "a new table has a new id", "table", table.id());
        created.add(table);
        return table;
    }

    /** Removes a table with all its rows. */
    public void dropTable(int tableId) {
        Table table = table(tableId, true);
        clear(tableId);
        if (created.get(tableId) != null) {
            created.remove(table);
            abandoned.add(table);
        } else {
            dropped.add(table);
        }
    }

    /**
     * Gives a table another shape under the same id. Its rows stay as they are, byte for byte: they are neither logged nor
     * told to anybody. The transaction must not have written to it before. Errors: UNIQUE_ALREADY_EXISTS; nothing has
     * changed then. Rows of the catalogue are the caller's matter.
     */
    public void reshapeTable(TableSchema next) {
        Table before = require(next.tableId());
        Table after = before.reshaped(next, committed.stores());
        retire(before);
        created.add(after);
    }

    /**
     * Replaces a table by one with a new id, whose rows are those of the first with some bytes more. Sequences with the same
     * ids go on counting. The number of rows is not limited here, their bytes are: they are one record of the log. The rest
     * as {@link #reshapeTable}.
     *
     * @param suffix what each row gets at its end: BSATN of further columns
     */
    public void extendTable(int tableId, TableSchema next, byte[] suffix) {
        Table before = require(tableId);
        Table after = createTable(new Table(next, committed.stores(), SequenceSchema::start));
        TxTable overlay = touch(after);
        byte[] row = new byte[0];
        RowCursor rows = before.store().scan();
        while (rows.next()) {
            int length = before.store().length(rows.row());
            if (row.length < length + suffix.length) {
                row = new byte[Math.max(2 * row.length, length + suffix.length)];
            }
            MemorySegment.copy(
                    before.store().segment(rows.row()), ValueLayout.JAVA_BYTE, before.store().offset(rows.row()), row, 0, length);
            System.arraycopy(suffix, 0, row, length, suffix.length);
            MemorySegment bytes = MemorySegment.ofArray(row);
            for (int i = 0; i < after.indexCount(); i++) {
                if (after.isUnique(i) && overlay.index(i).findByRow(bytes, 0) != TableStore.NO_ROW) {
                    throw UniqueViolation.of(after, i, bytes, 0);
                }
            }
            countBytes(length + suffix.length);
            overlay.add(after.store().allocate(bytes, 0, length + suffix.length));
        }
        after.adoptSequences(before);
        retire(before);
    }

    /** Makes a table invisible that has a successor. */
    private void retire(Table table) {
        TxTable overlay = overlays.remove(table.id());
        Invariants.check(overlay == null || overlay.isUnchanged(), "a table is rebuilt before it is written to",
                "table", table.id());
        if (created.get(table.id()) == table) {
            created.remove(table);
            abandoned.add(table);
        } else {
            dropped.add(table);
        }
    }

    private Table lookUp(int tableId) {
        Table table = visible(committed.tables().get(tableId));
        return table != null ? table : created.get(tableId);
    }

    private Table table(int tableId, boolean required) {
        Table table = lookUp(tableId);
        if (table == null && required) {
            throw new EngineException(ErrorCode.NO_SUCH_TABLE, "no such table: " + Integer.toUnsignedString(tableId));
        }
        return table;
    }

    private Table require(int tableId) {
        return table(tableId, true);
    }

    private Tables.IndexRef requireIndex(int indexId) {
        Tables.IndexRef ref = visible(committed.tables().index(indexId));
        if (ref == null) {
            ref = created.index(indexId);
        }
        if (ref == null) {
            throw new EngineException(ErrorCode.NO_SUCH_INDEX, "no such index: " + Integer.toUnsignedString(indexId));
        }
        return ref;
    }

    private TxTable overlay(Table table) {
        TxTable overlay = overlays.get(table.id());
        if (overlay == null) {
            overlay = new TxTable(table);
            overlays.put(table.id(), overlay);
        }
        return overlay;
    }

    private TxTable touch(Table table) {
        TxTable overlay = overlay(table);
        if (!overlay.isTouched()) {
            overlay.markTouched();
            touched.add(overlay);
        }
        return overlay;
    }

    // ---- reading ----

    @Override
    public Collection<TableSchema> tables() {
        List<TableSchema> schemas = new ArrayList<>();
        committed.tables().all().stream().filter(t -> !dropped.contains(t)).forEach(t -> schemas.add(t.schema()));
        created.all().forEach(t -> schemas.add(t.schema()));
        return schemas;
    }

    @Override
    public Optional<TableSchema> table(int tableId) {
        return Optional.ofNullable(lookUp(tableId)).map(Table::schema);
    }

    @Override
    public Optional<TableSchema> tableByName(String name) {
        return Optional.ofNullable(lookUp(name)).map(Table::schema);
    }

    private Table lookUp(String name) {
        Table table = visible(committed.tables().byName(name));
        if (table == null) {
            table = created.byName(name);
        }
        if (table == null) {
            table = visible(committed.tables().byAccessor(name));
        }
        return table != null ? table : created.byAccessor(name);
    }

    private Table visible(Table table) {
        return table == null || !dropped.isEmpty() && dropped.contains(table) ? null : table;
    }

    @Override
    public int tableId(String name) {
        Table table = lookUp(name);
        if (table == null || table.schema().role().isView()) {
            throw new EngineException(ErrorCode.NO_SUCH_TABLE, "no such table: `" + name + "`");
        }
        return table.id();
    }

    @Override
    public int indexId(String name) {
        Tables.IndexRef ref = visible(committed.tables().indexByName(name));
        if (ref == null) {
            ref = created.indexByName(name);
        }
        if (ref == null) {
            ref = visible(committed.tables().indexBySourceName(name));
        }
        if (ref == null) {
            ref = created.indexBySourceName(name);
        }
        if (ref == null || ref.table().schema().role().isView()) {
            throw new EngineException(ErrorCode.NO_SUCH_INDEX, "no such index: `" + name + "`");
        }
        return ref.id();
    }

    @Override
    public TableSchema tableOfIndex(int indexId) {
        return requireIndex(indexId).table().schema();
    }

    private Tables.IndexRef visible(Tables.IndexRef ref) {
        return ref == null || !dropped.isEmpty() && dropped.contains(ref.table()) ? null : ref;
    }

    @Override
    public long rowCount(int tableId) {
        return overlay(require(tableId)).rowCount();
    }

    @Override
    public TableStore store(int tableId) {
        return require(tableId).store();
    }

    @Override
    public RowIterator scan(int tableId) {
        TxTable overlay = overlay(require(tableId));
        LongSet deleted =
                overlay.deleted().isEmpty() ? LongSets.emptySet() : new LongLinkedOpenHashSet(overlay.deleted());
        RowPointers added = new RowPointers();
        overlay.copyAdded(added);
        return new TableScan(overlay.table().store(), deleted, added);
    }

    @Override
    public RowIterator point(int indexId, MemorySegment key, long offset, int length) {
        Tables.IndexRef ref = requireIndex(indexId);
        return new RowPointerIterator(ref.table().store(), pointRows(ref, key, offset, length));
    }

    @Override
    public RowIterator range(int indexId, KeyRange range) {
        Tables.IndexRef ref = requireIndex(indexId);
        return new RowPointerIterator(ref.table().store(), rangeRows(ref, range));
    }

    private RowPointers pointRows(Tables.IndexRef ref, MemorySegment key, long offset, int length) {
        RowPointers rows = new RowPointers();
        ref.table().index(ref.position()).pointToChange(key, offset, length, rows);
        TxTable overlay = overlays.get(ref.table().id());
        if (overlay != null) {
            dropDeleted(overlay, rows);
            if (overlay.hasAdded()) {
                overlay.index(ref.position()).point(key, offset, length, rows);
            }
        }
        return rows;
    }

    private RowPointers rangeRows(Tables.IndexRef ref, KeyRange range) {
        RowPointers rows = new RowPointers();
        ref.table().index(ref.position()).range(range, rows);
        TxTable overlay = overlays.get(ref.table().id());
        if (overlay != null) {
            dropDeleted(overlay, rows);
            if (overlay.hasAdded()) {
                overlay.index(ref.position()).range(range, rows);
            }
        }
        return rows;
    }

    private static void dropDeleted(TxTable overlay, RowPointers rows) {
        if (overlay.deleted().isEmpty()) {
            return;
        }
        int kept = 0;
        for (int i = 0; i < rows.size(); i++) {
            if (!overlay.isDeleted(rows.get(i))) {
                rows.set(kept++, rows.get(i));
            }
        }
        rows.truncate(kept);
    }

    // ---- writing ----

    @Override
    public int insert(int tableId, MemorySegment row, long offset, int length) {
        Table table = require(tableId);
        int rowLength = table.layout().validate(row, offset, length);
        int generated = table.sequences().length == 0 ? 0 : generate(table, row, offset);
        TxTable overlay = touch(table);
        insertRow(table, overlay, row, offset, rowLength);
        if (table.schedule() != null) {
            checkHorizon(table, row, offset);
        }
        return generated == 0 ? 0 : writeBack(row, offset, generated);
    }

    private void insertRow(Table table, TxTable overlay, MemorySegment row, long offset, int length) {
        long equal = TableStore.NO_ROW;
        if (table.firstUnique() < 0) {
            equal = table.findEqual(row, offset, length);
            if (equal != TableStore.NO_ROW && !overlay.isDeleted(equal)
                    || overlay.findAddedEqual(row, offset, length) != TableStore.NO_ROW) {
                return;
            }
        } else {
            for (int i = table.firstUnique(); i < table.indexCount(); i++) {
                if (!table.isUnique(i)) {
                    continue;
                }
                long same = table.index(i).findByRow(row, offset);
                if (same != TableStore.NO_ROW) {
                    boolean equals = i == table.firstUnique() && table.rowEquals(same, row, offset, length);
                    if (!overlay.isDeleted(same)) {
                        if (equals) {
                            return;
                        }
                        throw UniqueViolation.of(table, i, row, offset);
                    }
                    if (equals) {
                        equal = same;
                    }
                }
                if (overlay.hasAdded()) {
                    same = overlay.index(i).findByRow(row, offset);
                    if (same != TableStore.NO_ROW) {
                        if (i == table.firstUnique() && table.rowEquals(same, row, offset, length)) {
                            return;
                        }
                        throw UniqueViolation.of(table, i, row, offset);
                    }
                }
            }
        }
        if (equal != TableStore.NO_ROW) {
            overlay.restore(equal);
        } else {
            add(table, overlay, row, offset, length);
        }
    }

    private void add(Table table, TxTable overlay, MemorySegment row, long offset, int length) {
        count(table, length);
        overlay.add(table.store().allocate(row, offset, length));
    }

    private void count(Table table, int bytes) {
        // Programs are rows of the catalogue and have a limit of their own.
        if (bytes > limits.rowBytesMax() && table.schema().kind() == TableKind.USER) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED, "a row of " + bytes + " bytes exceeds the limit row-bytes-max of "
                            + limits.rowBytesMax());
        }
        rowsWritten++;
        if (rowsWritten > limits.transactionRowsMax()) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "the transaction writes more rows than the limit transaction-rows-max of " + limits.transactionRowsMax());
        }
        if (rowsWritten % ROWS_PER_LOOK_AT_MEMORY == 0 && bytes > 0) {
            checkMemory();
        }
        countBytes(bytes);
    }

    /** The stores look after themselves; this is about the indexes over what was added. */
    private void checkMemory() {
        long bytes = 0;
        for (TxTable overlay : touched) {
            bytes += overlay.indexBytes();
        }
        committed.stores().memory().check(0, bytes);
    }

    private void countBytes(int bytes) {
        bytesWritten += bytes;
        if (bytesWritten > limits.transactionBytesMax()) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "the transaction writes more bytes than the limit transaction-bytes-max of " + limits.transactionBytesMax());
        }
    }

    @Override
    public void watch(BooleanSupplier isOverdue) {
        overdue = isOverdue;
    }

    private void checkTime(long row) {
        if (row % ROWS_PER_LOOK_AT_THE_TIME == ROWS_PER_LOOK_AT_THE_TIME - 1 && overdue.getAsBoolean()) {
            throw new EngineException(ErrorCode.GUEST_TIMEOUT, "the call ran too long or was interrupted");
        }
    }

    private void deleteRow(TxTable overlay, long row) {
        count(overlay.table(), 0);
        overlay.delete(row);
    }

    @Override
    public int update(int tableId, int indexId, MemorySegment row, long offset, int length) {
        Table table = require(tableId);
        Tables.IndexRef ref = requireIndex(indexId);
        if (ref.table() != table) {
            throw new EngineException(ErrorCode.NO_SUCH_INDEX, "the index belongs to another table");
        }
        if (!table.isUnique(ref.position())) {
            throw new EngineException(ErrorCode.INDEX_NOT_UNIQUE, "the index is not unique");
        }
        int rowLength = table.layout().validate(row, offset, length);
        int generated = table.sequences().length == 0 ? 0 : generate(table, row, offset);
        TxTable overlay = touch(table);
        long old = visibleByKey(table, overlay, ref.position(), row, offset);
        if (old == TableStore.NO_ROW) {
            throw new EngineException(ErrorCode.NO_SUCH_ROW, "no row with this key to update");
        }
        if (!table.rowEquals(old, row, offset, rowLength)) {
            for (int i = table.firstUnique(); i < table.indexCount(); i++) {
                if (table.isUnique(i) && i != ref.position()) {
                    long other = visibleByKey(table, overlay, i, row, offset);
                    if (other != TableStore.NO_ROW && other != old) {
                        throw UniqueViolation.of(table, i, row, offset);
                    }
                }
            }
            count(table, 0);
            // The committed row that has the key of a committed one is that one itself.
            boolean mayRestore = !overlay.deleted().isEmpty()
                    && (ref.position() != table.firstUnique() || !table.store().isLive(old));
            long restored = mayRestore ? table.findEqual(row, offset, rowLength) : TableStore.NO_ROW;
            if (restored != TableStore.NO_ROW && overlay.isDeleted(restored)) {
                overlay.delete(old);
                overlay.restore(restored);
            } else {
                // The new row first: if there is no room for it, the old one stays.
                count(table, rowLength);
                long added = table.store().allocate(row, offset, rowLength);
                overlay.delete(old);
                overlay.add(added);
            }
        }
        if (table.schedule() != null) {
            checkHorizon(table, row, offset);
        }
        return generated == 0 ? 0 : writeBack(row, offset, generated);
    }

    private void checkHorizon(Table table, MemorySegment row, long offset) {
        if (calledAt == NOT_CALLED) {
            return;
        }
        long at = table.layout().columnOffset(row, offset, table.schedule().atColumn());
        long micros = row.get(LONG, at + 1);
        boolean interval = row.get(ValueLayout.JAVA_BYTE, at) == SpecialTypes.INTERVAL_TAG;
        boolean tooFar = interval
                ? micros >= SCHEDULE_HORIZON_MICROS || micros <= -SCHEDULE_HORIZON_MICROS
                : micros > calledAt && (micros - calledAt < 0 || micros - calledAt >= SCHEDULE_HORIZON_MICROS);
        if (tooFar) {
            throw new EngineException(
                    ErrorCode.SCHEDULE_AT_DELAY_TOO_LONG, "Specified delay in scheduling row was too long");
        }
    }

    private long visibleByKey(Table table, TxTable overlay, int index, MemorySegment row, long offset) {
        long found = table.index(index).findByRow(row, offset);
        if (found != TableStore.NO_ROW && !overlay.isDeleted(found)) {
            return found;
        }
        return overlay.hasAdded() ? overlay.index(index).findByRow(row, offset) : TableStore.NO_ROW;
    }

    private long visibleEqual(Table table, TxTable overlay, MemorySegment row, long offset, int length) {
        long found = table.findEqual(row, offset, length);
        if (found != TableStore.NO_ROW && !overlay.isDeleted(found)) {
            return found;
        }
        return overlay.findAddedEqual(row, offset, length);
    }

    @Override
    public boolean delete(int tableId, MemorySegment row, long offset, int length) {
        Table table = require(tableId);
        int rowLength = table.layout().validate(row, offset, length);
        TxTable overlay = touch(table);
        long found = visibleEqual(table, overlay, row, offset, rowLength);
        if (found == TableStore.NO_ROW) {
            return false;
        }
        deleteRow(overlay, found);
        return true;
    }

    @Override
    public int deleteAllByEq(int tableId, MemorySegment rows, long offset, int length) {
        Table table = require(tableId);
        RowLayout layout = table.layout();
        if (length < Integer.BYTES) {
            throw new EngineException(ErrorCode.BSATN_DECODE_ERROR, "the rows are too short for their count");
        }
        long count = Integer.toUnsignedLong(rows.get(INT, offset));
        long end = offset + length;
        long at = offset + Integer.BYTES;
        if (layout.fixedLength().orElse(1) == 0) {
            // A table of rows without bytes holds one at most: more of them would only cost time.
            count = Math.min(count, 1);
        } else if (count > length) {
            throw new EngineException(ErrorCode.BSATN_DECODE_ERROR, "more rows than bytes");
        }
        // Everything is checked before anything is deleted.
        for (long i = 0; i < count; i++) {
            checkTime(i);
            at += layout.validate(rows, at, end - at);
        }
        TxTable overlay = touch(table);
        int deleted = 0;
        at = offset + Integer.BYTES;
        for (long i = 0; i < count; i++) {
            checkTime(i);
            int rowLength = layout.validate(rows, at, end - at);
            long found = visibleEqual(table, overlay, rows, at, rowLength);
            if (found != TableStore.NO_ROW) {
                deleteRow(overlay, found);
                deleted++;
            }
            at += rowLength;
        }
        return deleted;
    }

    @Override
    public int deletePoint(int indexId, MemorySegment key, long offset, int length) {
        Tables.IndexRef ref = requireIndex(indexId);
        return deleteRows(ref.table(), pointRows(ref, key, offset, length));
    }

    @Override
    public int deleteRange(int indexId, KeyRange range) {
        Tables.IndexRef ref = requireIndex(indexId);
        return deleteRows(ref.table(), rangeRows(ref, range));
    }

    private int deleteRows(Table table, RowPointers rows) {
        TxTable overlay = touch(table);
        for (int i = 0; i < rows.size(); i++) {
            checkTime(i);
            deleteRow(overlay, rows.get(i));
        }
        return rows.size();
    }

    @Override
    public long clear(int tableId) {
        Table table = require(tableId);
        TxTable overlay = touch(table);
        RowPointers rows = new RowPointers();
        overlay.copyAdded(rows);
        var cursor = table.store().scan();
        while (cursor.next()) {
            if (!overlay.isDeleted(cursor.row())) {
                rows.add(cursor.row());
            }
        }
        return deleteRows(table, rows);
    }

    // ---- generated columns ----

    /** Replaces zeros in auto-increment columns and notes where; returns how many. */
    private int generate(Table table, MemorySegment row, long offset) {
        SequenceState[] sequences = table.sequences();
        if (generatedAt.length < sequences.length) {
            generatedAt = new long[sequences.length];
            generatedWidth = new int[sequences.length];
        }
        int generated = 0;
        for (SequenceState sequence : sequences) {
            int column = sequence.schema().column();
            long at = table.layout().columnOffset(row, offset, column);
            int width = ((PrimitiveType) table.schema().columns().get(column).type()).byteSize();
            if (isZero(row, at, width)) {
                write(row, at, width, take(sequence));
                generatedAt[generated] = at;
                generatedWidth[generated++] = width;
            }
        }
        return generated;
    }

    private long take(SequenceState sequence) {
        if (sequence.needsBlock()) {
            // Outside of rollback: an error on the way leaves a gap, never a value twice.
            reserved.add(sequence);
            sequenceLog.reserved(this, sequence.schema(), sequence.reserveBlock());
        }
        return sequence.take();
    }

    private static boolean isZero(MemorySegment row, long at, int width) {
        for (int i = 0; i < width; i++) {
            if (row.get(ValueLayout.JAVA_BYTE, at + i) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Truncates to the width of the column, as the reference does (spec/module-abi.md section 4). */
    private static void write(MemorySegment row, long at, int width, long value) {
        switch (width) {
            case 1 -> row.set(ValueLayout.JAVA_BYTE, at, (byte) value);
            case 2 -> row.set(SHORT, at, (short) value);
            case 4 -> row.set(INT, at, (int) value);
            default -> {
                row.set(LONG, at, value);
                for (int i = Long.BYTES; i < width; i += Long.BYTES) {
                    row.set(LONG, at + i, value >> 63);
                }
            }
        }
    }

    /** Moves the noted values to the start of the row; each lies at or behind the place that it goes to. */
    private int writeBack(MemorySegment row, long offset, int generated) {
        int length = 0;
        for (int i = 0; i < generated; i++) {
            MemorySegment.copy(row, generatedAt[i], row, offset + length, generatedWidth[i]);
            length += generatedWidth[i];
        }
        return length;
    }
}
