package dev.geodesic.engine.query;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Integers;
import dev.geodesic.sats.PrimitiveType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Tables as lists of byte arrays, every look-up a scan: simple enough to be right. Counts index look-ups. */
final class FakeTransaction implements Transaction {

    private final Map<Integer, TableSchema> schemas = new LinkedHashMap<>();
    private final Map<Integer, List<byte[]>> rows = new HashMap<>();
    private final Map<Integer, BigInteger> sequences = new HashMap<>();
    int pointLookups;
    int scans;

    FakeTransaction(TableSchema... tables) {
        for (TableSchema table : tables) {
            schemas.put(table.tableId(), table);
            rows.put(table.tableId(), new ArrayList<>());
        }
    }

    /** Rows and sequences of one moment. */
    record State(Map<Integer, List<byte[]>> rows, Map<Integer, BigInteger> sequences) {
    }

    State save() {
        Map<Integer, List<byte[]>> copy = new HashMap<>();
        rows.forEach((id, list) -> copy.put(id, new ArrayList<>(list)));
        return new State(copy, new HashMap<>(sequences));
    }

    void restore(State state) {
        rows.putAll(state.rows());
        sequences.clear();
        sequences.putAll(state.sequences());
    }

    /** Rows of event tables live as long as their transaction. */
    void commit() {
        schemas.values().stream().filter(TableSchema::event).forEach(t -> rows.get(t.tableId()).clear());
    }

    /** The next generated number is {@code used + 1}. */
    void skipSequence(TableSchema table, long used) {
        sequences.put(table.sequences().getFirst().sequenceId(), BigInteger.valueOf(used));
    }

    List<byte[]> rows(int tableId) {
        return rows.get(tableId);
    }

    @Override
    public Collection<TableSchema> tables() {
        return schemas.values();
    }

    @Override
    public Optional<TableSchema> table(int tableId) {
        return Optional.ofNullable(schemas.get(tableId));
    }

    @Override
    public Optional<TableSchema> tableByName(String name) {
        return schemas.values().stream()
                .filter(t -> t.name().equals(name))
                .findFirst()
                .or(() -> schemas.values().stream().filter(t -> t.accessor().filter(name::equals).isPresent()).findFirst());
    }

    @Override
    public long rowCount(int tableId) {
        return rows.get(tableId).size();
    }

    @Override
    public RowIterator scan(int tableId) {
        scans++;
        return new Rows(rows.get(tableId));
    }

    @Override
    public RowIterator point(int indexId, MemorySegment key, long offset, int length) {
        pointLookups++;
        TableSchema table = schemas.values().stream()
                .filter(t -> t.indexes().stream().anyMatch(i -> i.indexId() == indexId))
                .findFirst()
                .orElseThrow(() -> new EngineException(ErrorCode.NO_SUCH_INDEX, "no index " + indexId));
        IndexSchema index = table.indexes().stream().filter(i -> i.indexId() == indexId).findFirst().orElseThrow();
        BsatnReader in = new BsatnReader(bytes(key, offset, length));
        List<Object> wanted = index.algorithm().columns().stream()
                .map(c -> NaiveValues.decode(table.columns().get(c).type(), in))
                .toList();
        if (in.remaining() != 0) {
            throw new EngineException(ErrorCode.BSATN_DECODE_ERROR, "bytes behind the key");
        }
        return new Rows(rows.get(table.tableId()).stream()
                .filter(r -> NaiveValues.compare(key(table, index, r), wanted) == 0)
                .toList());
    }

    private static List<Object> key(TableSchema table, IndexSchema index, byte[] row) {
        List<Object> values = NaiveValues.decodeRow(table.rowType(), row);
        return index.algorithm().columns().stream().map(values::get).toList();
    }

    @Override
    public RowIterator range(int indexId, KeyRange range) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int tableId(String name) {
        return tableByName(name).orElseThrow().tableId();
    }

    @Override
    public int indexId(String name) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int insert(int tableId, MemorySegment segment, long offset, int length) {
        TableSchema table = schemas.get(tableId);
        byte[] row = generate(table, bytes(segment, offset, length));
        if (find(tableId, row) >= 0) {
            return 0;
        }
        for (IndexSchema index : table.indexes()) {
            List<Object> key = key(table, index, row);
            if (index.unique() && rows.get(tableId).stream().anyMatch(r -> NaiveValues.compare(key(table, index, r), key) == 0)) {
                throw new EngineException(
                        ErrorCode.UNIQUE_ALREADY_EXISTS, "Unique constraint violation '" + index.name() + "'");
            }
        }
        rows.get(tableId).add(row);
        return 0;
    }

    /** Zero in an auto-increment column becomes the next number. */
    private byte[] generate(TableSchema table, byte[] row) {
        byte[] result = row;
        for (SequenceSchema sequence : table.sequences()) {
            BsatnReader in = new BsatnReader(result);
            for (int c = 0; c < sequence.column(); c++) {
                NaiveValues.decode(table.columns().get(c).type(), in);
            }
            int at = in.position();
            PrimitiveType type = (PrimitiveType) table.columns().get(sequence.column()).type();
            if (NaiveValues.decode(type, in).equals(BigInteger.ZERO)) {
                BigInteger next = sequences.merge(sequence.sequenceId(), BigInteger.ONE, BigInteger::add);
                BsatnWriter number = new BsatnWriter();
                Integers.write(next, type.byteSize(), number);
                result = result.clone();
                System.arraycopy(number.buffer(), 0, result, at, type.byteSize());
            }
        }
        return result;
    }

    private int find(int tableId, byte[] row) {
        List<byte[]> all = rows.get(tableId);
        for (int i = 0; i < all.size(); i++) {
            if (java.util.Arrays.equals(all.get(i), row)) {
                return i;
            }
        }
        return -1;
    }

    @Override
    public int update(int tableId, int indexId, MemorySegment row, long offset, int length) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean delete(int tableId, MemorySegment row, long offset, int length) {
        int found = find(tableId, bytes(row, offset, length));
        if (found >= 0) {
            rows.put(tableId, new ArrayList<>(rows.get(tableId)));
            rows.get(tableId).remove(found);
        }
        return found >= 0;
    }

    @Override
    public int deleteAllByEq(int tableId, MemorySegment segment, long offset, int length) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int deletePoint(int indexId, MemorySegment key, long offset, int length) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int deleteRange(int indexId, KeyRange range) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long clear(int tableId) {
        return rows.put(tableId, new ArrayList<>()).size();
    }

    private static byte[] bytes(MemorySegment segment, long offset, int length) {
        return segment.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
    }

    /** Places each row in the middle of a larger segment, so that a reader that forgets offsets is found out. */
    private static final class Rows implements RowIterator {

        private static final int MARGIN = 5;
        private final List<byte[]> rows;
        private int at = -1;
        private MemorySegment segment;

        Rows(List<byte[]> rows) {
            this.rows = List.copyOf(rows);
        }

        @Override
        public boolean next() {
            if (++at >= rows.size()) {
                return false;
            }
            byte[] padded = new byte[rows.get(at).length + 2 * MARGIN];
            java.util.Arrays.fill(padded, (byte) 0xa5);
            System.arraycopy(rows.get(at), 0, padded, MARGIN, rows.get(at).length);
            segment = MemorySegment.ofArray(padded).asReadOnly();
            return true;
        }

        @Override
        public MemorySegment segment() {
            return segment;
        }

        @Override
        public long offset() {
            return MARGIN;
        }

        @Override
        public int length() {
            return rows.get(at).length;
        }
    }
}
