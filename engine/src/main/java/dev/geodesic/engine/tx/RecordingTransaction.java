package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import it.unimi.dsi.fastutil.ints.Int2ObjectOpenHashMap;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * The transaction as a view sees it: what it reads is reported, and writing traps (spec/module-abi.md 5.5 and 5.6,
 * spec/execution.md 6.3). Reads that fail are not reported. A key that other bytes are equal to (one with a float) counts as
 * the whole table. May serve one view after the other with a recorder that knows which.
 */
public final class RecordingTransaction implements Transaction {

    private static final byte INCLUSIVE = 0;

    private final Transaction transaction;
    private final ReadRecorder recorder;
    private final Int2ObjectOpenHashMap<Key> keys = new Int2ObjectOpenHashMap<>();

    /** The key columns of an index; {@code first} are all but the last, null if there are none. */
    private record Key(int tableId, TableRole role, int columns, RowLayout all, RowLayout first, RowLayout last) {
    }

    public RecordingTransaction(Transaction transaction, ReadRecorder recorder) {
        this.transaction = transaction;
        this.recorder = recorder;
    }

    private Key key(int indexId) {
        Key key = keys.get(indexId);
        if (key == null) {
            TableSchema table = transaction.tableOfIndex(indexId);
            IndexSchema index = table.indexes().stream().filter(i -> i.indexId() == indexId).findFirst().orElseThrow();
            List<ProductElement> columns =
                    index.algorithm().columns().stream().map(table.rowType().elements()::get).toList();
            int last = columns.size() - 1;
            key = new Key(table.tableId(), table.role(), columns.size(), layout(columns),
                    last == 0 ? null : layout(columns.subList(0, last)), layout(columns.subList(last, last + 1)));
            keys.put(indexId, key);
        }
        return key;
    }

    private static RowLayout layout(List<ProductElement> columns) {
        return RowLayout.of(new ProductType(columns));
    }

    // ---- reading ----

    /**
     * Whether a table has no rows for views. Those of event tables are gone after the transaction, and nothing would run
     * the view then. Errors: NO_SUCH_TABLE for the tables of views, which are no business of a module.
     */
    private static boolean isEmpty(TableRole role) {
        if (role.isView()) {
            throw new EngineException(ErrorCode.NO_SUCH_TABLE, "a view cannot read views");
        }
        return role == TableRole.EVENT;
    }

    private boolean isEmpty(int tableId) {
        return isEmpty(transaction.table(tableId).map(TableSchema::role).orElse(TableRole.STORED));
    }

    private RowIterator noRows(int tableId) {
        return new RowPointerIterator(transaction.store(tableId), new RowPointers());
    }

    @Override
    public long rowCount(int tableId) {
        long count = transaction.rowCount(tableId);
        if (isEmpty(tableId)) {
            return 0;
        }
        recorder.wholeTable(tableId);
        return count;
    }

    @Override
    public RowIterator scan(int tableId) {
        RowIterator rows = transaction.scan(tableId);
        if (isEmpty(tableId)) {
            return noRows(tableId);
        }
        recorder.wholeTable(tableId);
        return rows;
    }

    @Override
    public RowIterator point(int indexId, MemorySegment key, long offset, int length) {
        RowIterator rows = transaction.point(indexId, key, offset, length);
        Key shape = key(indexId);
        if (isEmpty(shape.role)) {
            return noRows(shape.tableId);
        }
        if (shape.all.isBytewise()) {
            byte[] bytes = new byte[shape.all.validate(key, offset, length)];
            MemorySegment.copy(key, ValueLayout.JAVA_BYTE, offset, bytes, 0, bytes.length);
            recorder.point(indexId, bytes);
        } else {
            recorder.wholeTable(shape.tableId);
        }
        return rows;
    }

    @Override
    public RowIterator range(int indexId, KeyRange range) {
        RowIterator rows = transaction.range(indexId, range);
        Key shape = key(indexId);
        if (isEmpty(shape.role)) {
            return noRows(shape.tableId);
        }
        byte[] point = shape.all.isBytewise() && range.prefixElements() == shape.columns - 1 ? pointOf(shape, range) : null;
        if (point != null) {
            recorder.point(indexId, point);
        } else {
            recorder.wholeTable(shape.tableId);
        }
        return rows;
    }

    /** The only key in the range, which has been validated; null if the bounds leave room for several. */
    private static byte[] pointOf(Key shape, KeyRange range) {
        MemorySegment s = range.segment();
        if (s.get(ValueLayout.JAVA_BYTE, range.startOffset()) != INCLUSIVE
                || s.get(ValueLayout.JAVA_BYTE, range.endOffset()) != INCLUSIVE) {
            return null;
        }
        long start = range.startOffset() + 1;
        long end = range.endOffset() + 1;
        int length = shape.last.validate(s, start, range.startLength() - 1L);
        if (length != shape.last.validate(s, end, range.endLength() - 1L)
                || !RowLayout.sameBytes(s, start, s, end, length)) {
            return null;
        }
        int prefix = shape.first == null ? 0 : shape.first.validate(s, range.prefixOffset(), range.prefixLength());
        byte[] bytes = new byte[prefix + length];
        MemorySegment.copy(s, ValueLayout.JAVA_BYTE, range.prefixOffset(), bytes, 0, prefix);
        MemorySegment.copy(s, ValueLayout.JAVA_BYTE, start, bytes, prefix, length);
        return bytes;
    }

    /** Reads no more than the iterators did. */
    @Override
    public TableStore store(int tableId) {
        return transaction.store(tableId);
    }

    // ---- names ----

    @Override
    public Collection<TableSchema> tables() {
        return transaction.tables();
    }

    @Override
    public Optional<TableSchema> table(int tableId) {
        return transaction.table(tableId);
    }

    @Override
    public Optional<TableSchema> tableByName(String name) {
        return transaction.tableByName(name);
    }

    @Override
    public int tableId(String name) {
        return transaction.tableId(name);
    }

    @Override
    public int indexId(String name) {
        return transaction.indexId(name);
    }

    @Override
    public TableSchema tableOfIndex(int indexId) {
        return transaction.tableOfIndex(indexId);
    }

    // ---- writing ----

    private static EngineException readOnly() {
        return new EngineException(ErrorCode.GUEST_TRAP, "a view cannot write");
    }

    @Override
    public int insert(int tableId, MemorySegment row, long offset, int length) {
        throw readOnly();
    }

    @Override
    public int update(int tableId, int indexId, MemorySegment row, long offset, int length) {
        throw readOnly();
    }

    @Override
    public boolean delete(int tableId, MemorySegment row, long offset, int length) {
        throw readOnly();
    }

    @Override
    public int deleteAllByEq(int tableId, MemorySegment rows, long offset, int length) {
        throw readOnly();
    }

    @Override
    public int deletePoint(int indexId, MemorySegment key, long offset, int length) {
        throw readOnly();
    }

    @Override
    public int deleteRange(int indexId, KeyRange range) {
        throw readOnly();
    }

    @Override
    public long clear(int tableId) {
        throw readOnly();
    }

    @Override
    public void watch(BooleanSupplier overdue) {
        transaction.watch(overdue);
    }
}
