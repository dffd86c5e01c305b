package dev.geodesic.engine.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.SumVariant;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random changes and look-ups on indexes of many key types, against a sorted list of decoded rows. */
class TableIndexModelTest {

    private static final AlgebraicType IDENTITY = ProductType.of(ProductElement.of("__identity__", PrimitiveType.U256));
    private static final AlgebraicType PAIR =
            ProductType.of(ProductElement.of("x", PrimitiveType.I16), ProductElement.of("y", PrimitiveType.STRING));
    private static final AlgebraicType OPTION = new SumType(
            List.of(SumVariant.of("some", PrimitiveType.I32), SumVariant.of("none", ProductType.UNIT)));
    private static final AlgebraicType OPTION_TEXT = new SumType(
            List.of(SumVariant.of("some", PrimitiveType.STRING), SumVariant.of("none", ProductType.UNIT)));
    private static final AlgebraicType BYTES = ArrayType.BYTES;

    private static ProductType row(AlgebraicType... columns) {
        return new ProductType(Stream.of(columns).map(c -> ProductElement.of("c", c)).toList());
    }

    record Shape(ProductType type, List<Integer> columns) {
    }

    static Stream<Shape> shapes() {
        return Stream.of(
                new Shape(row(PrimitiveType.U64), List.of(0)),
                new Shape(row(PrimitiveType.STRING, PrimitiveType.I64), List.of(1)),
                new Shape(row(PrimitiveType.I8, PrimitiveType.STRING), List.of(1)),
                new Shape(row(IDENTITY, PrimitiveType.U8), List.of(0)),
                new Shape(row(PrimitiveType.F64, PrimitiveType.U8), List.of(0)),
                new Shape(row(PrimitiveType.F32, PrimitiveType.I32, PrimitiveType.U8), List.of(0, 1)),
                new Shape(row(PrimitiveType.U8, PrimitiveType.STRING, PrimitiveType.U16), List.of(1, 2)),
                new Shape(row(PrimitiveType.STRING, PrimitiveType.STRING, PrimitiveType.I32), List.of(2, 1, 0)),
                new Shape(row(PrimitiveType.U32, PrimitiveType.U64, PrimitiveType.BOOL), List.of(2, 1, 0)),
                new Shape(row(PAIR, PrimitiveType.U8), List.of(0)),
                new Shape(row(PAIR, PrimitiveType.U8), List.of(0, 1)),
                new Shape(row(OPTION, PrimitiveType.U8), List.of(0)),
                new Shape(row(BYTES, OPTION, PrimitiveType.I128), List.of(0, 2)),
                new Shape(row(new ArrayType(PrimitiveType.STRING), PrimitiveType.BOOL), List.of(0, 1)),
                new Shape(row(PrimitiveType.U64, PrimitiveType.I64, PrimitiveType.STRING), List.of(0, 1)),
                new Shape(row(PrimitiveType.U32, PrimitiveType.STRING, PrimitiveType.BOOL), List.of(0, 1, 2)),
                new Shape(row(PrimitiveType.I128, PrimitiveType.U8), List.of(0)),
                new Shape(row(OPTION_TEXT, PrimitiveType.U8), List.of(0, 1)),
                new Shape(row(ProductType.UNIT, PrimitiveType.U8), List.of(0)));
    }

    private record Row(long pointer, List<?> values) {
    }

    private static final class Harness implements AutoCloseable {
        final Shape shape;
        final Random random;
        final HeapStores stores = new HeapStores();
        final TableStore store;
        final TableIndex index;
        final List<AlgebraicType> keyTypes;
        final Map<Long, Row> model = new HashMap<>();
        final List<Long> pointers = new ArrayList<>();

        Harness(Shape shape, IndexAlgorithm algorithm, Random random) {
            this.shape = shape;
            this.random = random;
            RowLayout layout = RowLayout.of(shape.type);
            store = stores.create(layout);
            index = TableIndexes.create(new IndexSchema(1, "i", Optional.empty(), algorithm, false), layout, store);
            keyTypes = shape.columns.stream().map(c -> shape.type.elements().get(c).type()).toList();
        }

        List<Object> key(List<?> row) {
            return shape.columns.stream().<Object>map(row::get).toList();
        }

        int compareKeys(List<?> a, List<?> b, int columns) {
            for (int i = 0; i < columns; i++) {
                int c = ModelValues.compare(keyTypes.get(i), a.get(i), b.get(i));
                if (c != 0) {
                    return c;
                }
            }
            return 0;
        }

        void insert() {
            List<?> values = (List<?>) ModelValues.randomValue(shape.type, random);
            MemorySegment bytes = MemorySegment.ofArray(ModelValues.encode(shape.type, values));
            long pointer = store.allocate(bytes, 0, (int) bytes.byteSize());
            index.insert(pointer);
            model.put(pointer, new Row(pointer, values));
            pointers.add(pointer);
        }

        /** The same many times, at once. */
        void insertAll(int count) {
            RowPointers rows = new RowPointers();
            for (int i = 0; i < count; i++) {
                List<?> values = (List<?>) ModelValues.randomValue(shape.type, random);
                MemorySegment bytes = MemorySegment.ofArray(ModelValues.encode(shape.type, values));
                long pointer = store.allocate(bytes, 0, (int) bytes.byteSize());
                rows.add(pointer);
                model.put(pointer, new Row(pointer, values));
                pointers.add(pointer);
            }
            index.insertAll(rows);
        }

        void checkEqualKeys(boolean ordered, String at) {
            List<List<Object>> keys = model.values().stream().map(r -> key(r.values)).toList();
            boolean equal = false;
            for (int i = 0; i < keys.size() && !equal; i++) {
                for (int k = 0; k < i && !equal; k++) {
                    equal = equalKeys(keys.get(i), keys.get(k), ordered);
                }
            }
            assertEquals(equal, index.hasEqualKeys(), at);
        }

        /** Finds it as the writer does, which may remember where; or does not. */
        void find(long pointer) {
            switch (random.nextInt(4)) {
                case 0 -> index.findByRow(store.segment(pointer), store.offset(pointer));
                case 1 -> {
                    byte[] key = encodedKey(key(model.get(pointer).values));
                    RowPointers found = new RowPointers();
                    index.pointToChange(MemorySegment.ofArray(key), 0, key.length, found);
                    assertTrue(list(found, true).contains(pointer));
                }
                default -> { }
            }
        }

        byte[] encodedKey(List<Object> key) {
            BsatnWriter out = new BsatnWriter();
            encodeKey(key, 0, key.size(), out);
            return out.toByteArray();
        }

        /** Half the time, and if {@code sameKey}, by a row with the same key. */
        void replace(boolean sameKey) {
            int i = random.nextInt(pointers.size());
            long pointer = pointers.get(i);
            List<Object> values = new ArrayList<>((List<?>) ModelValues.randomValue(shape.type, random));
            if (sameKey || random.nextBoolean()) {
                shape.columns.forEach(c -> values.set(c, model.get(pointer).values.get(c)));
            }
            find(pointer);
            MemorySegment bytes = MemorySegment.ofArray(ModelValues.encode(shape.type, values));
            long by = store.allocate(bytes, 0, (int) bytes.byteSize());
            index.replace(pointer, by);
            store.free(pointer);
            model.remove(pointer);
            model.put(by, new Row(by, values));
            pointers.set(i, by);
        }

        void remove() {
            int i = random.nextInt(pointers.size());
            long pointer = pointers.set(i, pointers.getLast());
            pointers.removeLast();
            find(pointer);
            index.remove(pointer);
            store.free(pointer);
            model.remove(pointer);
        }

        List<Object> someKey() {
            return pointers.isEmpty() || random.nextInt(4) == 0
                    ? key((List<?>) ModelValues.randomValue(shape.type, random))
                    : key(model.get(pointers.get(random.nextInt(pointers.size()))).values);
        }

        List<Long> expected(Predicate<List<Object>> matches) {
            return model.values().stream()
                    .filter(r -> matches.test(key(r.values)))
                    .sorted(Comparator.<Row, List<Object>>comparing(
                                    r -> key(r.values), (a, b) -> compareKeys(a, b, a.size()))
                            .thenComparing(Row::pointer))
                    .map(Row::pointer)
                    .toList();
        }

        void encodeKey(List<Object> key, int from, int to, BsatnWriter out) {
            for (int i = from; i < to; i++) {
                ModelValues.encode(keyTypes.get(i), key.get(i), out);
            }
        }

        void checkPoint(boolean ordered, String at) {
            List<Object> key = someKey();
            BsatnWriter out = new BsatnWriter();
            out.writeU8(7);
            encodeKey(key, 0, key.size(), out);
            RowPointers found = new RowPointers();
            index.point(MemorySegment.ofArray(out.toByteArray()), 1, out.length() - 1, found);
            List<Long> expected = expected(k -> equalKeys(k, key, ordered));
            assertEquals(expected, list(found, ordered), at + " key " + key);

            List<Object> row = new ArrayList<>((List<?>) ModelValues.randomValue(shape.type, random));
            for (int i = 0; i < key.size(); i++) {
                row.set(shape.columns.get(i), key.get(i));
            }
            MemorySegment bytes = MemorySegment.ofArray(ModelValues.encode(shape.type, row));
            long first = index.findByRow(bytes, 0);
            if (ordered || expected.isEmpty()) {
                assertEquals(expected.isEmpty() ? TableStore.NO_ROW : expected.getFirst(), first, at);
            } else {
                assertTrue(expected.contains(first), at);
            }
        }

        /** A hash index over several columns of fixed size compares bytes. */
        boolean equalKeys(List<Object> a, List<Object> b, boolean ordered) {
            boolean bytes = !ordered && keyTypes.size() > 1
                    && keyTypes.stream().allMatch(t -> t instanceof PrimitiveType p && p.byteSize() > 0);
            return bytes ? a.equals(b) : compareKeys(a, b, a.size()) == 0;
        }

        List<Long> list(RowPointers found, boolean ordered) {
            List<Long> list = new ArrayList<>();
            for (int i = 0; i < found.size(); i++) {
                list.add(found.get(i));
            }
            if (!ordered) {
                list.sort(Comparator.<Long, List<Object>>comparing(
                                p -> key(model.get(p).values), (a, b) -> compareKeys(a, b, a.size()))
                        .thenComparing(p -> p));
            }
            return list;
        }

        void checkRange(String at) {
            int prefix = random.nextInt(keyTypes.size());
            List<Object> key = someKey();
            List<Object> start = someKey();
            List<Object> end = someKey();
            int startKind = random.nextInt(3);
            int endKind = random.nextInt(3);
            BsatnWriter out = new BsatnWriter();
            encodeKey(key, 0, prefix, out);
            int startAt = out.length();
            out.writeU8(startKind);
            if (startKind < 2) {
                encodeKey(start, prefix, prefix + 1, out);
            }
            int endAt = out.length();
            out.writeU8(endKind);
            if (endKind < 2) {
                encodeKey(end, prefix, prefix + 1, out);
            }
            RowPointers found = new RowPointers();
            index.range(
                    new KeyRange(
                            MemorySegment.ofArray(out.toByteArray()), 0, startAt, prefix, startAt, endAt - startAt, endAt,
                            out.length() - endAt),
                    found);
            AlgebraicType type = keyTypes.get(prefix);
            List<Long> expected = expected(k -> compareKeys(k, key, prefix) == 0
                    && (startKind == 2 || ModelValues.compare(type, k.get(prefix), start.get(prefix)) >= startKind)
                    && (endKind == 2 || ModelValues.compare(type, k.get(prefix), end.get(prefix)) <= -endKind));
            assertEquals(expected, list(found, true),
                    () -> at + " " + key + " " + start + startKind + " " + end + endKind + " " + prefix);
        }

        @Override
        public void close() {
            stores.close();
        }
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void orderedIndexFindsWhatTheModelFinds(Shape shape) {
        run(shape, new IndexAlgorithm.BTree(shape.columns), true);
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void hashIndexFindsWhatTheModelFinds(Shape shape) {
        run(shape, new IndexAlgorithm.Hash(shape.columns), false);
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void rowsThatComeAtOnceAreFoundInOrder(Shape shape) {
        for (boolean ordered : new boolean[] {true, false}) {
            IndexAlgorithm algorithm =
                    ordered ? new IndexAlgorithm.BTree(shape.columns) : new IndexAlgorithm.Hash(shape.columns);
            long seed = ModelValues.seed();
            try (Harness h = new Harness(shape, algorithm, new Random(seed))) {
                String at = "seed " + seed + " " + shape;
                for (int round = 0; round < 5; round++) {
                    h.insertAll(h.random.nextInt(round == 0 ? 3 : 400));
                    assertEquals(h.model.size(), h.index.size(), at);
                    h.checkEqualKeys(ordered, at);
                    for (int k = 0; k < 20; k++) {
                        h.checkPoint(ordered, at);
                        if (ordered) {
                            h.checkRange(at);
                        }
                    }
                    for (int k = h.random.nextInt(100); k > 0 && !h.pointers.isEmpty(); k--) {
                        h.remove();
                    }
                }
            }
        }
    }

    private static void run(Shape shape, IndexAlgorithm algorithm, boolean ordered) {
        long seed = ModelValues.seed();
        try (Harness h = new Harness(shape, algorithm, new Random(seed))) {
            String at = "seed " + seed + " " + shape;
            for (int phase = 0; phase < 6; phase++) {
                boolean growing = phase % 2 == 0;
                for (int k = 0; k < 900; k++) {
                    if (h.pointers.isEmpty() || h.random.nextInt(10) < (growing ? 8 : 1)) {
                        h.insert();
                    } else {
                        h.remove();
                    }
                    if (!h.pointers.isEmpty() && h.random.nextInt(3) == 0) {
                        h.replace(false);
                    }
                    if (k % 30 == 0) {
                        h.checkPoint(ordered, at);
                        if (ordered) {
                            h.checkRange(at);
                        }
                    }
                }
                assertEquals(h.model.size(), h.index.size(), at);
            }
            while (!h.pointers.isEmpty()) {
                h.remove();
            }
            assertEquals(0, h.index.size());
            h.checkPoint(ordered, at);
            h.insert();
            h.index.clear();
            assertEquals(0, h.index.size());
            assertTrue(h.index.memoryBytes() > 0);
        }
    }

    @Test
    void growsAndShrinksByHundredThousands() {
        for (boolean ordered : new boolean[] {true, false}) {
            Shape shape = new Shape(row(PrimitiveType.U32), List.of(0));
            long seed = ModelValues.seed();
            Random random = new Random(seed);
            try (Harness h = new Harness(
                    shape, ordered ? new IndexAlgorithm.BTree(shape.columns) : new IndexAlgorithm.Hash(shape.columns), random)) {
                int n = 300_000;
                long[] rows = new long[n];
                for (int i = 0; i < n; i++) {
                    byte[] key = {(byte) i, (byte) (i >> 8), (byte) (i >> 16), 0};
                    rows[i] = h.store.allocate(MemorySegment.ofArray(key), 0, 4);
                    h.index.insert(rows[i]);
                }
                assertEquals(n, h.index.size());
                long full = h.index.memoryBytes();
                assertTrue(full < n * 40L, "bytes " + full);
                RowPointers out = new RowPointers();
                for (int i = n - 1; i >= 0; i--) {
                    int j = random.nextInt(i + 1);
                    long row = rows[j];
                    rows[j] = rows[i];
                    out.clear();
                    h.index.point(h.store.segment(row), 0, 4, out);
                    assertEquals(1, out.size(), "seed " + seed);
                    assertEquals(row, out.get(0));
                    h.index.remove(row);
                    assertEquals(TableStore.NO_ROW, h.index.findByRow(h.store.segment(row), 0));
                }
                assertEquals(0, h.index.size());
                if (ordered) {
                    assertTrue(h.index.memoryBytes() < 10_000, "bytes " + h.index.memoryBytes());
                }
            }
        }
    }

    /** Rows of equal keys lie in leaves side by side, and their places follow from their pointers. */
    @Test
    void rowsAreReplacedInLargeIndexes() {
        for (boolean ordered : new boolean[] {true, false}) {
            Shape shape = new Shape(row(PrimitiveType.U32, PrimitiveType.U8), List.of(0));
            long seed = ModelValues.seed();
            Random random = new Random(seed);
            try (Harness h = new Harness(
                    shape, ordered ? new IndexAlgorithm.BTree(shape.columns) : new IndexAlgorithm.Hash(shape.columns), random)) {
                int n = 60_000;
                int[] counts = new int[n];
                for (int i = 0; i < n; i++) {
                    int key = random.nextInt(100) == 0 ? 77 : i / 3;
                    byte[] row = {(byte) key, (byte) (key >> 8), (byte) (key >> 16), 0, 0};
                    long pointer = h.store.allocate(MemorySegment.ofArray(row), 0, row.length);
                    h.index.insert(pointer);
                    h.model.put(pointer, new Row(pointer, List.of(BigInteger.valueOf(key), BigInteger.ZERO)));
                    h.pointers.add(pointer);
                    counts[key]++;
                }
                for (int i = 0; i < 2 * n; i++) {
                    int at = random.nextInt(n);
                    long pointer = h.pointers.get(at);
                    if (random.nextBoolean()) {
                        h.index.findByRow(h.store.segment(pointer), 0);
                    }
                    long by = h.store.allocate(h.store.segment(pointer), 0, 5);
                    h.index.replace(pointer, by);
                    h.store.free(pointer);
                    h.model.put(by, h.model.remove(pointer));
                    h.pointers.set(at, by);
                }
                assertEquals(n, h.index.size());
                RowPointers out = new RowPointers();
                for (long pointer : h.pointers) {
                    int key = ((BigInteger) h.model.get(pointer).values.getFirst()).intValue();
                    if (key == 77 && random.nextInt(100) > 0) {
                        continue;
                    }
                    out.clear();
                    h.index.point(h.store.segment(pointer), 0, 4, out);
                    List<Long> found = h.list(out, false);
                    assertEquals(counts[key], found.size(), "seed " + seed);
                    assertTrue(found.contains(pointer), "seed " + seed);
                    if (ordered) {
                        assertEquals(found.stream().sorted().toList(), h.list(out, true), "seed " + seed);
                    }
                }
                h.pointers.forEach(h.index::remove);
                assertEquals(0, h.index.size());
            }
        }
    }

    @Test
    void manyRowsWithOneKey() {
        for (boolean ordered : new boolean[] {true, false}) {
            Shape shape = new Shape(row(PrimitiveType.STRING, PrimitiveType.U32), List.of(0));
            try (Harness h = new Harness(
                    shape,
                    ordered ? new IndexAlgorithm.BTree(shape.columns) : new IndexAlgorithm.Hash(shape.columns),
                    new Random(1))) {
                BsatnWriter out = new BsatnWriter();
                out.writeString("everybody has the same key");
                out.writeU32(1);
                MemorySegment bytes = MemorySegment.ofArray(out.toByteArray());
                List<Long> rows = new ArrayList<>();
                for (int i = 0; i < 50_000; i++) {
                    long row = h.store.allocate(bytes, 0, out.length());
                    h.index.insert(row);
                    rows.add(row);
                }
                RowPointers found = new RowPointers();
                h.index.point(bytes, 0, out.length() - 4, found);
                assertEquals(50_000, found.size());
                rows.forEach(h.index::remove);
                assertEquals(TableStore.NO_ROW, h.index.findByRow(bytes, 0));
            }
        }
    }

    private static void refused(ErrorCode code, TableIndex index, int prefixElements, int prefixLength, String hexStart,
            String hexEnd) {
        byte[] start = HexFormat.of().parseHex(hexStart);
        byte[] end = HexFormat.of().parseHex(hexEnd);
        byte[] all = new byte[prefixLength + start.length + end.length];
        System.arraycopy(start, 0, all, prefixLength, start.length);
        System.arraycopy(end, 0, all, prefixLength + start.length, end.length);
        KeyRange range = new KeyRange(
                MemorySegment.ofArray(all), 0, prefixLength, prefixElements, prefixLength, start.length,
                prefixLength + start.length, end.length);
        assertEquals(code, assertThrows(EngineException.class, () -> index.range(range, new RowPointers())).code());
    }

    @Test
    void hostileKeysAreRefused() {
        Shape shape = new Shape(row(PrimitiveType.U32, PrimitiveType.STRING), List.of(0, 1));
        try (Harness h = new Harness(shape, new IndexAlgorithm.BTree(shape.columns), new Random(1))) {
            h.insert();
            refused(ErrorCode.BSATN_DECODE_ERROR, h.index, 2, 8, "02", "02");
            refused(ErrorCode.BSATN_DECODE_ERROR, h.index, -1, 8, "02", "02");
            refused(ErrorCode.BSATN_DECODE_ERROR, h.index, 1, 3, "02", "02");
            refused(ErrorCode.BSATN_DECODE_ERROR, h.index, 0, 0, "03", "02");
            refused(ErrorCode.BSATN_DECODE_ERROR, h.index, 0, 0, "", "02");
            refused(ErrorCode.BSATN_DECODE_ERROR, h.index, 0, 0, "02", "");
            refused(ErrorCode.BSATN_DECODE_ERROR, h.index, 0, 0, "00000000", "02");
            refused(ErrorCode.BSATN_DECODE_ERROR, h.index, 1, 4, "0002000000ff", "02");
            refused(ErrorCode.BSATN_DECODE_ERROR, h.index, 1, 4, "00ffffffff61", "02");
            for (int length = 0; length < 8; length++) {
                int l = length;
                EngineException e = assertThrows(
                        EngineException.class,
                        () -> h.index.point(MemorySegment.ofArray(new byte[8]), 0, l, new RowPointers()));
                assertEquals(ErrorCode.BSATN_DECODE_ERROR, e.code());
            }
            // Bytes behind a key of variable size are ignored.
            h.index.point(MemorySegment.ofArray(new byte[12]), 0, 12, new RowPointers());
        }
        Shape fixed = new Shape(row(PrimitiveType.U32, PrimitiveType.U8), List.of(0, 1));
        for (IndexAlgorithm algorithm : List.of(new IndexAlgorithm.BTree(fixed.columns),
                new IndexAlgorithm.Hash(fixed.columns))) {
            try (Harness h = new Harness(fixed, algorithm, new Random(1))) {
                EngineException e = assertThrows(
                        EngineException.class,
                        () -> h.index.point(MemorySegment.ofArray(new byte[6]), 0, 6, new RowPointers()));
                assertEquals(ErrorCode.BSATN_DECODE_ERROR, e.code());
            }
        }
        Shape one = new Shape(row(PrimitiveType.U32), List.of(0));
        try (Harness h = new Harness(one, new IndexAlgorithm.BTree(one.columns), new Random(1))) {
            refused(ErrorCode.BSATN_DECODE_ERROR, h.index, 1, 4, "02", "02");
        }
        try (Harness h = new Harness(one, new IndexAlgorithm.Hash(one.columns), new Random(1))) {
            refused(ErrorCode.WRONG_INDEX_ALGO, h.index, 0, 0, "02", "02");
        }
    }

    @Test
    void prefixOfOneProductColumnAddressesItsElements() {
        Shape shape = new Shape(row(PAIR, PrimitiveType.U8), List.of(0));
        try (Harness h = new Harness(shape, new IndexAlgorithm.BTree(shape.columns), new Random(1))) {
            BsatnWriter out = new BsatnWriter();
            for (int x = 0; x < 3; x++) {
                for (String y : List.of("a", "b", "c")) {
                    out.clear();
                    out.writeU16(x);
                    out.writeString(y);
                    out.writeU8(0);
                    h.index.insert(h.store.allocate(MemorySegment.ofArray(out.toByteArray()), 0, out.length()));
                }
            }
            out.clear();
            out.writeU16(1);
            out.writeU8(1);
            out.writeString("a");
            out.writeU8(2);
            RowPointers found = new RowPointers();
            h.index.range(new KeyRange(MemorySegment.ofArray(out.toByteArray()), 0, 2, 1, 2, 6, 8, 1), found);
            assertEquals(2, found.size());
            assertEquals(4, found.get(0));
            assertEquals(5, found.get(1));
        }
    }
}
