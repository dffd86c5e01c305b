package dev.geodesic.engine.durability;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.ConstraintSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.schema.ViewDef;
import dev.geodesic.engine.table.ModelValues;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** A database with random tables and rows, and the records of its transactions. */
final class SampleDatabase implements AutoCloseable {

    final Random random;
    final CommittedState committed;
    final Catalog catalog;
    final MutTx tx;
    /** From the first transaction of this object on. */
    final List<byte[]> records = new ArrayList<>();
    private int names;
    private long micros = 1_700_000_000_000_000L;

    SampleDatabase(Random random, TableStores stores) {
        this(random, new CommittedState(stores), null);
    }

    /** Goes on with a state; {@code catalog} is null for an empty one. */
    SampleDatabase(Random random, CommittedState committed, Catalog catalog) {
        this.random = random;
        this.committed = committed;
        this.catalog = catalog == null ? Catalog.bootstrap(committed) : catalog;
        this.tx = new MutTx(committed, Limits.DEFAULTS, this.catalog);
        this.names = (int) committed.nextTxOffset() * 100;
    }

    // ---- comparing ----

    /** Rows of every table that has rows that last, and what every index finds for every row. Equal dumps are equal states. */
    static Map<String, Set<String>> dump(CommittedState committed) {
        Map<String, Set<String>> all = new TreeMap<>();
        ReadView view = committed.writerView();
        for (Table table : committed.allTables()) {
            TableSchema schema = table.schema();
            Set<String> rows = new TreeSet<>();
            all.put(schema.toString(), rows);
            if (schema.role().isView()) {
                continue;
            }
            for (RowIterator scan = view.scan(table.id()); scan.next();) {
                byte[] row = bytes(scan);
                assertTrue(rows.add(HexFormat.of().formatHex(row)), "equal rows");
            }
            assertEquals(rows.size(), view.rowCount(table.id()));
            for (String row : rows) {
                byte[] bytes = HexFormat.of().parseHex(row);
                assertTrue(table.findEqual(MemorySegment.ofArray(bytes), 0, bytes.length) >= 0, "a row is found");
                for (IndexSchema index : schema.indexes()) {
                    byte[] key = key(table.layout(), bytes, index);
                    Set<String> found = new TreeSet<>();
                    for (RowIterator i = view.point(index.indexId(), MemorySegment.ofArray(key), 0, key.length); i.next();) {
                        assertTrue(found.add(HexFormat.of().formatHex(bytes(i))), "an index has a row twice");
                    }
                    assertTrue(found.contains(row), "a row is in its index");
                    all.put(index.name() + " " + HexFormat.of().formatHex(key), found);
                }
            }
        }
        return all;
    }

    private static byte[] key(RowLayout layout, byte[] row, IndexSchema index) {
        BsatnWriter key = new BsatnWriter();
        MemorySegment s = MemorySegment.ofArray(row);
        for (int column : index.algorithm().columns()) {
            int at = (int) layout.columnOffset(s, 0, column);
            for (int i = 0; i < layout.columnLength(s, 0, column); i++) {
                key.writeU8(row[at + i]);
            }
        }
        return key.toByteArray();
    }

    static byte[] bytes(RowIterator rows) {
        byte[] bytes = new byte[rows.length()];
        MemorySegment.copy(rows.segment(), ValueLayout.JAVA_BYTE, rows.offset(), bytes, 0, bytes.length);
        return bytes;
    }

    /** Everything that is not a row: ids that come next, and numbers that sequences give next. Uses them up. */
    List<String> counters() {
        List<String> next = new ArrayList<>();
        next.add("table " + catalog.nextTableId());
        next.add("index " + catalog.nextIndexId());
        next.add("constraint " + catalog.nextConstraintId());
        next.add("sequence " + catalog.nextSequenceId());
        next.add("schedule " + catalog.nextScheduleId());
        tx.begin();
        for (TableSchema table : tables()) {
            if (!table.sequences().isEmpty()) {
                byte[] row = row(table, new Random(1));
                MemorySegment segment = MemorySegment.ofArray(row);
                try {
                    tx.insert(table.tableId(), segment, 0, row.length);
                } catch (EngineException e) {
                    next.add(e.code().toString());
                }
                next.add(table.name() + " " + HexFormat.of().formatHex(row));
            }
        }
        tx.rollback();
        next.add("offset " + committed.nextTxOffset() + " at " + committed.commitMicros());
        return next;
    }

    // ---- changing ----

    List<TableSchema> tables() {
        return tx.tables().stream().filter(t -> t.kind() == TableKind.USER && !t.role().isView())
                .sorted((a, b) -> Integer.compare(a.tableId(), b.tableId())).toList();
    }

    /** One transaction with some changes. */
    void transact(int steps) {
        tx.begin();
        for (int i = 0; i < steps; i++) {
            step();
        }
        commit();
    }

    void commit() {
        TxData data = tx.finish();
        if (data.isEmpty() || data.isVolatile()) {
            committed.applyPart(data);
            tx.end();
            return;
        }
        micros += random.nextInt(1000);
        committed.apply(data, micros);
        tx.end();
        BsatnWriter record = new BsatnWriter();
        TxRecord.write(data, committed.commitMicros(), record);
        records.add(record.toByteArray());
    }

    /** Begins a transaction with a table without indexes. */
    TableSchema addTable(AlgebraicType... types) {
        String name = "t" + names++;
        List<ColumnSchema> columns = new ArrayList<>();
        for (AlgebraicType type : types) {
            columns.add(new ColumnSchema(columns.size(), "c" + columns.size(), type, Optional.empty()));
        }
        TableSchema table = new TableSchema(
                catalog.nextTableId(), name, Optional.empty(), columns, OptionalInt.empty(), List.of(), List.of(), List.of(),
                TableAccess.PUBLIC, TableKind.USER, TableRole.STORED);
        tx.begin();
        catalog.createTable(tx, table);
        return table;
    }

    /** In the open transaction. */
    void add(TableSchema table, Object... values) {
        byte[] row = ModelValues.encode(table.rowType(), List.of(values));
        tx.insert(table.tableId(), MemorySegment.ofArray(row), 0, row.length);
    }

    private void step() {
        List<TableSchema> tables = tables();
        if (tables.isEmpty() || tables.size() < 8 && random.nextInt(15) == 0) {
            catalog.createTable(tx, newTable());
            return;
        }
        if (random.nextInt(60) == 0) {
            TableSchema view = catalog.createView(tx, view());
            BsatnWriter row = new BsatnWriter();
            row.writeU128(1, 2);
            row.writeU128(3, 4);
            row.writeU32(7);
            tx.insert(view.tableId(), MemorySegment.ofArray(row.buffer()), 0, row.length());
            return;
        }
        TableSchema table = tables.get(random.nextInt(tables.size()));
        switch (random.nextInt(40)) {
            case 0 -> catalog.dropTable(tx, table);
            case 1 -> tx.clear(table.tableId());
            case 2, 3, 4, 5, 6, 7, 8, 9 -> deleteOne(table);
            default -> insert(table);
        }
    }

    private ViewDef view() {
        String name = "view" + names++;
        return new ViewDef(
                name, name, 0, true, random.nextBoolean(), new ProductType(List.of()), PrimitiveType.U32, 0, Optional.empty(),
                List.of(new ColumnSchema(0, "number", PrimitiveType.U32, Optional.empty())), OptionalInt.empty());
    }

    private TableSchema newTable() {
        String name = "t" + names++;
        List<ColumnSchema> columns = new ArrayList<>();
        boolean numbered = random.nextInt(3) == 0;
        for (int i = 0, count = random.nextInt(6); i < count || numbered && i == 0; i++) {
            AlgebraicType type = numbered && i == 0 ? PrimitiveType.U64
                    : random.nextInt(4) == 0 ? PrimitiveType.U32 : ModelValues.randomType(random, 2);
            columns.add(new ColumnSchema(
                    i, "c" + i, type, random.nextBoolean() ? Optional.empty() : Optional.of("C" + i)));
        }
        List<IndexSchema> indexes = new ArrayList<>();
        List<ConstraintSchema> constraints = new ArrayList<>();
        Set<Set<Integer>> keys = new HashSet<>();
        for (int i = random.nextInt(4); i > 0 && !columns.isEmpty(); i--) {
            List<Integer> key = random.ints(0, columns.size()).distinct().limit(1 + random.nextInt(columns.size()))
                    .boxed().toList();
            boolean unique = random.nextBoolean();
            IndexAlgorithm algorithm = switch (random.nextInt(3)) {
                case 0 -> new IndexAlgorithm.Hash(key);
                case 1 -> unique && key.size() == 1 && columns.get(key.getFirst()).type() == PrimitiveType.U32
                        ? new IndexAlgorithm.Direct(key.getFirst()) : new IndexAlgorithm.BTree(key);
                default -> new IndexAlgorithm.BTree(key);
            };
            if (keys.add(Set.copyOf(key))) {
                indexes.add(new IndexSchema(
                        catalog.nextIndexId(), name + "_idx" + i,
                        random.nextBoolean() ? Optional.empty() : Optional.of(name + "_source" + i), algorithm, unique));
                if (unique) {
                    constraints.add(new ConstraintSchema(catalog.nextConstraintId(), name + "_key" + i, key));
                }
            }
        }
        List<SequenceSchema> sequences = !numbered ? List.of() : List.of(new SequenceSchema(
                catalog.nextSequenceId(), name + "_seq", 0, BigInteger.valueOf(1 + random.nextInt(3)), BigInteger.ONE,
                BigInteger.ONE, BigInteger.TWO.pow(60)));
        return new TableSchema(
                catalog.nextTableId(), name, random.nextBoolean() ? Optional.empty() : Optional.of(name + "_accessor"), columns,
                OptionalInt.empty(), indexes, constraints, sequences,
                random.nextBoolean() ? TableAccess.PUBLIC : TableAccess.PRIVATE, TableKind.USER,
                random.nextInt(8) == 0 ? TableRole.EVENT : TableRole.STORED);
    }

    private static byte[] row(TableSchema table, Random random) {
        List<Object> values = new ArrayList<>(
                (List<?>) ModelValues.randomValue(table.rowType(), random));
        if (!table.sequences().isEmpty()) {
            values.set(0, BigInteger.ZERO);
        }
        return ModelValues.encode(table.rowType(), values);
    }

    private void insert(TableSchema table) {
        byte[] row = row(table, random);
        try {
            tx.insert(table.tableId(), MemorySegment.ofArray(row), 0, row.length);
        } catch (EngineException e) {
            assertEquals(ErrorCode.UNIQUE_ALREADY_EXISTS, e.code());
        }
    }

    private void deleteOne(TableSchema table) {
        List<byte[]> rows = new ArrayList<>();
        for (RowIterator scan = tx.scan(table.tableId()); scan.next();) {
            rows.add(bytes(scan));
        }
        if (!rows.isEmpty()) {
            byte[] row = rows.get(random.nextInt(rows.size()));
            assertTrue(tx.delete(table.tableId(), MemorySegment.ofArray(row), 0, row.length));
        }
    }

    @Override
    public void close() {
        committed.close();
    }
}
