package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.ConstraintSchema;
import dev.geodesic.engine.schema.IdAllocator;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * A table as plain decoded values, with the rules of spec/module-abi.md 5.4 to 5.6 written down plainly. Integers are
 * BigInteger, floats Double, strings String, byte arrays byte[].
 */
final class ModelTable {

    /** An index of a shape. */
    record Index(boolean unique, IndexAlgorithm algorithm) {
    }

    /** What a table looks like, without names and ids. */
    record Shape(List<AlgebraicType> columns, List<Index> indexes, List<Integer> numbered) {
    }

    private static final AlgebraicType BYTES = ArrayType.BYTES;

    static final List<Shape> SHAPES = List.of(
            // no index at all
            new Shape(List.of(PrimitiveType.U8, PrimitiveType.STRING), List.of(), List.of()),
            // primary key with numbers, rows of fixed size
            new Shape(
                    List.of(PrimitiveType.U64, PrimitiveType.I32),
                    List.of(unique(0), btree(1)), List.of(0)),
            // narrow numbers that run over
            new Shape(List.of(PrimitiveType.U8, PrimitiveType.U8), List.of(btree(1)), List.of(0)),
            // two generated columns around a string
            new Shape(
                    List.of(PrimitiveType.I128, PrimitiveType.STRING, PrimitiveType.I16),
                    List.of(unique(0), hash(1)), List.of(0, 2)),
            // two unique constraints, rows of any size
            new Shape(
                    List.of(BYTES, PrimitiveType.U32, PrimitiveType.STRING),
                    List.of(unique(1), unique(2), btree(2, 1)), List.of()),
            // an index over several columns, one of them unique as a pair
            new Shape(
                    List.of(PrimitiveType.I32, PrimitiveType.STRING, PrimitiveType.U16),
                    List.of(btree(0, 1, 2), new Index(true, new IndexAlgorithm.BTree(List.of(2, 0)))), List.of()),
            // hash indexes, one unique
            new Shape(
                    List.of(PrimitiveType.STRING, PrimitiveType.U16, PrimitiveType.BOOL),
                    List.of(new Index(true, new IndexAlgorithm.Hash(List.of(0))), hash(1), hash(1, 2)), List.of()),
            // floats as keys
            new Shape(
                    List.of(PrimitiveType.F64, PrimitiveType.F32, PrimitiveType.U8),
                    List.of(unique(0), btree(1), btree(1, 2)), List.of()),
            new Shape(List.of(PrimitiveType.F32, PrimitiveType.U8), List.of(btree(0)), List.of()),
            // direct
            new Shape(
                    List.of(PrimitiveType.STRING, PrimitiveType.U8),
                    List.of(new Index(true, new IndexAlgorithm.Direct(1))), List.of()),
            // no column
            new Shape(List.of(), List.of(), List.of()));

    private static final String[] TEXTS = {"", "a", "ab", "ab\0", "b", "user-1", "user-10", "\u00e9", "\ud83d\ude00"};
    private static final double[] FLOATS =
            {0.0, -0.0, 1, -1, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Float.MIN_VALUE, -2.5};

    private static Index unique(int column) {
        return new Index(true, new IndexAlgorithm.BTree(List.of(column)));
    }

    private static Index btree(Integer... columns) {
        return new Index(false, new IndexAlgorithm.BTree(List.of(columns)));
    }

    private static Index hash(Integer... columns) {
        return new Index(false, new IndexAlgorithm.Hash(List.of(columns)));
    }

    /** One row. */
    record Row(List<Object> values, byte[] bytes) {
    }

    private final Shape shape;
    private final TableSchema schema;
    private final Map<Integer, BigInteger> numbers = new TreeMap<>();
    private Map<ByteBuffer, Row> rows = new LinkedHashMap<>();
    private Map<ByteBuffer, Row> committed = Map.of();

    ModelTable(Shape shape, String name, IdAllocator ids) {
        this.shape = shape;
        int tableId = ids.nextTableId();
        List<ColumnSchema> columns = new ArrayList<>();
        for (AlgebraicType type : shape.columns()) {
            columns.add(new ColumnSchema(columns.size(), "c" + columns.size(), type, Optional.empty()));
        }
        List<IndexSchema> indexes = new ArrayList<>();
        List<ConstraintSchema> constraints = new ArrayList<>();
        for (Index index : shape.indexes()) {
            indexes.add(new IndexSchema(
                    ids.nextIndexId(), name + "_idx_" + indexes.size(), Optional.of(name + "_source_" + indexes.size()),
                    index.algorithm(), index.unique()));
            if (index.unique()) {
                constraints.add(new ConstraintSchema(
                        ids.nextConstraintId(), name + "_key_" + indexes.size(),
                        index.algorithm().columns().stream().sorted().toList()));
            }
        }
        List<SequenceSchema> sequences = new ArrayList<>();
        for (int column : shape.numbered()) {
            BigInteger start = BigInteger.valueOf(column == 0 ? 1 : -3);
            sequences.add(new SequenceSchema(
                    ids.nextSequenceId(), name + "_seq_" + column, column, BigInteger.valueOf(column == 0 ? 1 : -2), start,
                    BigInteger.valueOf(column == 0 ? 1 : -9), BigInteger.valueOf(column == 0 ? 1_000_000 : 5)));
            numbers.put(column, start);
        }
        this.schema = new TableSchema(
                tableId, name, Optional.of(name + "_accessor"), columns, OptionalInt.empty(), indexes, constraints, sequences,
                TableAccess.PUBLIC, TableKind.USER, TableRole.STORED);
    }

    TableSchema schema() {
        return schema;
    }

    int id() {
        return schema.tableId();
    }

    List<IndexSchema> indexes() {
        return schema.indexes();
    }

    Map<ByteBuffer, Row> rows() {
        return rows;
    }

    /** Rows after the last commit. */
    Map<ByteBuffer, Row> committedRows() {
        return committed;
    }

    void begin() {
        committed = rows;
        rows = new LinkedHashMap<>(rows);
    }

    void rollback() {
        rows = committed;
    }

    // ---- values ----

    private static Object randomValue(AlgebraicType type, Random random) {
        if (type == PrimitiveType.STRING) {
            return TEXTS[random.nextInt(TEXTS.length)];
        }
        if (type == PrimitiveType.F32 || type == PrimitiveType.F64) {
            return FLOATS[random.nextInt(FLOATS.length)];
        }
        if (type == PrimitiveType.BOOL) {
            return random.nextBoolean();
        }
        if (type instanceof PrimitiveType p) {
            int small = random.nextInt(8);
            return BigInteger.valueOf(p.isSignedInteger() ? small - 3 : small);
        }
        byte[] bytes = new byte[switch (random.nextInt(20)) {
            case 0 -> 60_000 + random.nextInt(10_000);
            case 1 -> 70_000 + random.nextInt(200_000);
            case 2, 3 -> random.nextInt(5_000);
            default -> random.nextInt(3);
        }];
        Arrays.fill(bytes, (byte) random.nextInt(3));
        return bytes;
    }

    static void encode(AlgebraicType type, Object value, BsatnWriter out) {
        switch (value) {
            case String s -> out.writeString(s);
            case Double d when type == PrimitiveType.F32 -> out.writeF32((float) (double) d);
            case Double d -> out.writeF64(d);
            case Boolean b -> out.writeBool(b);
            case byte[] b -> out.writeBytes(b);
            case BigInteger i -> {
                for (int k = 0; k < ((PrimitiveType) type).byteSize(); k++) {
                    out.writeU8(i.shiftRight(8 * k).intValue());
                }
            }
            default -> throw new AssertionError(value);
        }
    }

    static int compare(Object a, Object b) {
        return switch (a) {
            case String s -> Arrays.compareUnsigned(
                    s.getBytes(StandardCharsets.UTF_8), ((String) b).getBytes(StandardCharsets.UTF_8));
            case Boolean x -> x.compareTo((Boolean) b);
            case BigInteger x -> x.compareTo((BigInteger) b);
            case Double x -> {
                double y = (Double) b;
                yield x.isNaN() || Double.isNaN(y) ? Boolean.compare(x.isNaN(), Double.isNaN(y)) : x < y ? -1 : x > y ? 1 : 0;
            }
            default -> throw new AssertionError(a);
        };
    }

    Row row(List<Object> values) {
        BsatnWriter out = new BsatnWriter();
        for (int c = 0; c < values.size(); c++) {
            encode(shape.columns().get(c), values.get(c), out);
        }
        return new Row(values, out.toByteArray());
    }

    Row randomRow(Random random) {
        return row(shape.columns().stream().map(t -> randomValue(t, random)).toList());
    }

    /** A row of the table, one with some columns changed, or a fresh one. */
    Row likelyRow(Random random) {
        List<Row> all = List.copyOf(rows.values());
        List<Row> old = List.copyOf(committed.values());
        int kind = random.nextInt(5);
        if (kind == 0 || all.isEmpty() && old.isEmpty()) {
            return randomRow(random);
        }
        List<Row> from = old.isEmpty() || !all.isEmpty() && random.nextBoolean() ? all : old;
        Row row = from.get(random.nextInt(from.size()));
        if (kind < 3 || shape.columns().isEmpty()) {
            return row;
        }
        List<Object> values = new ArrayList<>(row.values());
        int column = random.nextInt(values.size());
        values.set(column, randomValue(shape.columns().get(column), random));
        return row(values);
    }

    // ---- keys ----

    static int compareKeys(Row a, Row b, List<Integer> columns) {
        for (int column : columns) {
            int c = compare(a.values().get(column), b.values().get(column));
            if (c != 0) {
                return c;
            }
        }
        return 0;
    }

    byte[] key(Row row, List<Integer> columns) {
        BsatnWriter out = new BsatnWriter();
        columns.forEach(c -> encode(shape.columns().get(c), row.values().get(c), out));
        return out.toByteArray();
    }

    List<Row> where(Predicate<Row> test) {
        return rows.values().stream().filter(test).toList();
    }

    // ---- changes ----

    /** The row with numbers in place of zeros. */
    private Row numbered(Row row, BsatnWriter generated) {
        List<Object> values = new ArrayList<>(row.values());
        for (SequenceSchema sequence : schema.sequences()) {
            int column = sequence.column();
            if (values.get(column).equals(BigInteger.ZERO)) {
                BigInteger value = numbers.get(column);
                BigInteger next = value.add(sequence.increment());
                numbers.put(column, next.compareTo(sequence.maxValue()) > 0
                        ? sequence.minValue()
                        : next.compareTo(sequence.minValue()) < 0 ? sequence.maxValue() : next);
                PrimitiveType type = (PrimitiveType) shape.columns().get(column);
                int bits = type.byteSize() * 8;
                BigInteger low = value.mod(BigInteger.ONE.shiftLeft(bits));
                values.set(column, type.isSignedInteger() && low.testBit(bits - 1)
                        ? low.subtract(BigInteger.ONE.shiftLeft(bits))
                        : low);
                encode(type, values.get(column), generated);
            }
        }
        return row(values);
    }

    /** Returns the bytes of the generated columns. Errors: UNIQUE_ALREADY_EXISTS. */
    byte[] insert(Row given) {
        BsatnWriter generated = new BsatnWriter();
        Row row = numbered(given, generated);
        if (!rows.containsKey(ByteBuffer.wrap(row.bytes()))) {
            for (IndexSchema index : schema.indexes()) {
                if (index.unique() && !where(r -> compareKeys(r, row, index.algorithm().columns()) == 0).isEmpty()) {
                    throw new EngineException(ErrorCode.UNIQUE_ALREADY_EXISTS, index.name());
                }
            }
            rows.put(ByteBuffer.wrap(row.bytes()), row);
        }
        return generated.toByteArray();
    }

    /** Errors: NO_SUCH_ROW, UNIQUE_ALREADY_EXISTS. */
    byte[] update(IndexSchema by, Row given) {
        BsatnWriter generated = new BsatnWriter();
        Row row = numbered(given, generated);
        List<Row> old = where(r -> compareKeys(r, row, by.algorithm().columns()) == 0);
        if (old.isEmpty()) {
            throw new EngineException(ErrorCode.NO_SUCH_ROW, by.name());
        }
        if (!Arrays.equals(old.getFirst().bytes(), row.bytes())) {
            for (IndexSchema index : schema.indexes()) {
                if (index.unique() && !where(r -> r != old.getFirst()
                        && compareKeys(r, row, index.algorithm().columns()) == 0).isEmpty()) {
                    throw new EngineException(ErrorCode.UNIQUE_ALREADY_EXISTS, index.name());
                }
            }
            rows.remove(ByteBuffer.wrap(old.getFirst().bytes()));
            rows.put(ByteBuffer.wrap(row.bytes()), row);
        }
        return generated.toByteArray();
    }

    boolean delete(byte[] row) {
        return rows.remove(ByteBuffer.wrap(row)) != null;
    }

    int deleteAll(List<Row> gone) {
        gone.forEach(r -> rows.remove(ByteBuffer.wrap(r.bytes())));
        return gone.size();
    }
}
