package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.tx.Transaction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;

/**
 * One table of uninterpreted rows, id {@value #TABLE}, name "t", index {@value #INDEX} "t_idx" over the first byte. The first
 * byte of an inserted row chooses an error, see {@link #insert}.
 */
public final class FakeTransaction implements Transaction {

    public static final int TABLE = 4097;
    public static final int INDEX = 7;

    public final List<byte[]> rows = new ArrayList<>();
    public KeyRange lastRange;

    public FakeTransaction(byte[]... rows) {
        this.rows.addAll(List.of(rows));
    }

    private static EngineException error(ErrorCode code) {
        return new EngineException(code, "as the test wanted");
    }

    private static void checkTable(int id) {
        if (id != TABLE) {
            throw error(ErrorCode.NO_SUCH_TABLE);
        }
    }

    private static void checkIndex(int id) {
        if (id != INDEX) {
            throw error(ErrorCode.NO_SUCH_INDEX);
        }
    }

    private static byte[] bytes(MemorySegment segment, long offset, int length) {
        return segment.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
    }

    @Override
    public int tableId(String name) {
        if (!name.equals("t")) {
            throw error(ErrorCode.NO_SUCH_TABLE);
        }
        return TABLE;
    }

    @Override
    public int indexId(String name) {
        if (!name.equals("t_idx")) {
            throw error(ErrorCode.NO_SUCH_INDEX);
        }
        return INDEX;
    }

    @Override
    public TableSchema tableOfIndex(int indexId) {
        checkIndex(indexId);
        return new TableSchema(TABLE, "t", Optional.empty(), List.of(), OptionalInt.empty(), List.of(), List.of(), List.of(),
                TableAccess.PUBLIC, TableKind.USER, TableRole.STORED);
    }

    /** Writes 0x2a over the first byte as the generated column, if that was 0. */
    @Override
    public int insert(int tableId, MemorySegment row, long offset, int length) {
        checkTable(tableId);
        byte[] bytes = bytes(row, offset, length);
        switch (bytes[0]) {
            case -1 -> throw error(ErrorCode.UNIQUE_ALREADY_EXISTS);
            case -2 -> throw error(ErrorCode.INTERNAL);
            case -3 -> throw error(ErrorCode.LIMIT_EXCEEDED);
            case -4 -> throw new IllegalStateException("a bug");
            case -5 -> recurse(0);
            default -> { }
        }
        int generated = 0;
        if (bytes[0] == 0) {
            bytes[0] = 0x2a;
            row.set(ValueLayout.JAVA_BYTE, offset, bytes[0]);
            generated = 1;
        }
        rows.add(bytes);
        return generated;
    }

    private static int recurse(int depth) {
        return depth < 0 ? 0 : recurse(depth + 1) + 1;
    }

    @Override
    public int update(int tableId, int indexId, MemorySegment row, long offset, int length) {
        checkTable(tableId);
        checkIndex(indexId);
        byte[] bytes = bytes(row, offset, length);
        for (int i = 0; i < rows.size(); i++) {
            if (rows.get(i)[0] == bytes[0]) {
                rows.set(i, bytes);
                return 0;
            }
        }
        throw error(ErrorCode.NO_SUCH_ROW);
    }

    @Override
    public boolean delete(int tableId, MemorySegment row, long offset, int length) {
        checkTable(tableId);
        byte[] bytes = bytes(row, offset, length);
        return rows.removeIf(r -> Arrays.equals(r, bytes));
    }

    @Override
    public int deleteAllByEq(int tableId, MemorySegment relation, long offset, int length) {
        checkTable(tableId);
        if (length < 4) {
            throw error(ErrorCode.BSATN_DECODE_ERROR);
        }
        int count = 0;
        for (int i = 4; i < length; i++) {
            byte key = relation.get(ValueLayout.JAVA_BYTE, offset + i);
            count += rows.removeIf(r -> r.length == 1 && r[0] == key) ? 1 : 0;
        }
        return count;
    }

    @Override
    public int deletePoint(int indexId, MemorySegment key, long offset, int length) {
        checkIndex(indexId);
        int before = rows.size();
        byte first = key.get(ValueLayout.JAVA_BYTE, offset);
        rows.removeIf(r -> r[0] == first);
        return before - rows.size();
    }

    @Override
    public int deleteRange(int indexId, KeyRange range) {
        checkIndex(indexId);
        lastRange = range;
        int count = rows.size();
        rows.clear();
        return count;
    }

    @Override
    public long clear(int tableId) {
        checkTable(tableId);
        long count = rows.size();
        rows.clear();
        return count;
    }

    @Override
    public void watch(BooleanSupplier overdue) {
        // nothing here takes long
    }

    @Override
    public Collection<TableSchema> tables() {
        return List.of();
    }

    @Override
    public Optional<TableSchema> table(int tableId) {
        return Optional.empty();
    }

    @Override
    public Optional<TableSchema> tableByName(String name) {
        return Optional.empty();
    }

    @Override
    public long rowCount(int tableId) {
        checkTable(tableId);
        return rows.size();
    }

    @Override
    public TableStore store(int tableId) {
        throw new UnsupportedOperationException("rows of this transaction have no store");
    }

    @Override
    public RowIterator scan(int tableId) {
        checkTable(tableId);
        return iterator(rows);
    }

    @Override
    public RowIterator point(int indexId, MemorySegment key, long offset, int length) {
        checkIndex(indexId);
        if (length != 1) {
            throw error(ErrorCode.BSATN_DECODE_ERROR);
        }
        byte first = key.get(ValueLayout.JAVA_BYTE, offset);
        return iterator(rows.stream().filter(r -> r[0] == first).toList());
    }

    @Override
    public RowIterator range(int indexId, KeyRange range) {
        checkIndex(indexId);
        lastRange = range;
        return iterator(rows);
    }

    private static RowIterator iterator(List<byte[]> rows) {
        var walk = List.copyOf(rows).iterator();
        return new RowIterator() {
            private byte[] row;

            @Override
            public boolean next() {
                row = walk.hasNext() ? walk.next() : null;
                return row != null;
            }

            @Override
            public long row() {
                throw new UnsupportedOperationException("rows of this transaction have no store");
            }

            @Override
            public MemorySegment segment() {
                return MemorySegment.ofArray(row);
            }

            @Override
            public long offset() {
                return 0;
            }

            @Override
            public int length() {
                return row.length;
            }
        };
    }
}
