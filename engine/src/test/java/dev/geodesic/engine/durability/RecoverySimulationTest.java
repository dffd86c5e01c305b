package dev.geodesic.engine.durability;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.ConstraintSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.SnapshotView;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Random transactions over tables that come and go, on a log whose storage dies: what recovery makes of the log equals, row by
 * row, the state after one of the transactions, none earlier than the last that was reported durable. Now and then a snapshot
 * is taken and the log before it trimmed, and the newest snapshot damaged after a crash.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RecoverySimulationTest {

    private static final int RUNS = Integer.getInteger("geodesic.simulation.runs", 8);
    private static final Path ROOT = Path.of("/data");
    private static final Path LOG = ROOT.resolve("log");
    private static final Path SNAPSHOTS = ROOT.resolve("snapshots");
    private static final List<Logger> LOGGERS = Stream
            .of(LogReader.class, DatabaseRecovery.class, SnapshotStore.class, LogFiles.class)
            .map(c -> Logger.getLogger(c.getName())).toList();

    @BeforeAll
    static void silence() {
        LOGGERS.forEach(logger -> logger.setLevel(Level.OFF));
    }

    @AfterAll
    static void speak() {
        LOGGERS.forEach(logger -> logger.setLevel(null));
    }

    /** The four kinds of table: with a generated key, with a text key, a bare set of rows, generated numbers without a key. */
    private enum Shape { GENERATED, KEYED, SET, NUMBERED }

    /** Rows of every table, as text: equal dumps are equal states. */
    private static Map<String, Set<String>> dump(CommittedState committed) {
        Map<String, Set<String>> tables = new TreeMap<>();
        for (Table table : committed.allTables()) {
            Set<String> rows = new TreeSet<>();
            RowIterator scan = committed.writerView().scan(table.id());
            while (scan.next()) {
                byte[] row = bytes(scan);
                assertTrue(rows.add(HexFormat.of().formatHex(row)), "equal rows");
                checkIndexes(committed.writerView(), table.schema(), row);
            }
            assertEquals(rows.size(), committed.writerView().rowCount(table.id()));
            tables.put(table.schema().toString(), rows);
        }
        return tables;
    }

    /** Every index of a user table begins with the first column, whose bytes are a prefix of the row. */
    private static void checkIndexes(ReadView view, TableSchema schema, byte[] row) {
        if (schema.kind() != TableKind.USER) {
            return;
        }
        int key = schema.columns().getFirst().type() == PrimitiveType.STRING ? 4 + LittleEndian.getInt(row, 0) : Long.BYTES;
        for (IndexSchema index : schema.indexes()) {
            RowIterator found = view.point(index.indexId(), MemorySegment.ofArray(row), 0, key);
            assertTrue(found.next(), "a row is in its index");
            assertEquals(HexFormat.of().formatHex(row), HexFormat.of().formatHex(bytes(found)));
            assertFalse(found.next());
        }
    }

    private static byte[] bytes(RowIterator rows) {
        byte[] bytes = new byte[rows.length()];
        MemorySegment.copy(rows.segment(), ValueLayout.JAVA_BYTE, rows.offset(), bytes, 0, bytes.length);
        return bytes;
    }

    /** What is known about all transactions so far; lost ones are forgotten. */
    private static final class History {
        /** State before each transaction, and after the last. */
        private final List<Map<String, Set<String>>> states = new ArrayList<>();
        /** Values that the sequences gave to each transaction. */
        private final List<List<String>> values = new ArrayList<>();
        private long reported = -1;
        private int tableNames;
        private int trimmed;
        private int damaged;

        void forgetFrom(int offset) {
            states.subList(offset + 1, states.size()).clear();
            values.subList(offset, values.size()).clear();
        }
    }

    /** One life of a database, from recovery to the crash. */
    private static final class Life implements AutoCloseable {

        private final Random random;
        private final History history;
        private final CommittedState committed;
        private final Catalog catalog;
        private final MutTx tx;
        private final Durability log;
        private final SnapshotStore snapshots;
        private final Set<String> taken = new HashSet<>();
        private final BsatnWriter record = new BsatnWriter();
        private volatile boolean failed;

        Life(Random random, History history, FaultyDisk disk, Supplier<TableStores> stores) throws IOException {
            this.random = random;
            this.history = history;
            CommitLogOptions options = CommitLogOptions.DEFAULTS
                    .withSegmentBytesMax(1 + random.nextInt(20_000))
                    .withQueue(1 + random.nextInt(8), 1 + random.nextInt(20_000));
            Storage logFiles = disk.open(LOG);
            this.snapshots = SnapshotStore.open(disk.open(SNAPSHOTS));
            DatabaseRecovery.Recovered recovered = new DatabaseRecovery(
                    stores, Optional.of(snapshots), (directory, start, replay) ->
                            CommitLog.open(logFiles, options, start, replay), LOG, progress -> { }).run();
            this.committed = recovered.committed();
            this.catalog = recovered.catalog();
            this.log = recovered.durability();
            if (history.states.isEmpty()) {
                history.states.add(dump(committed));
            }
            log.listen(offset -> { }, e -> failed = true);
            this.tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        }

        void compare() {
            int next = Math.toIntExact(committed.nextTxOffset());
            assertEquals(next - 1, log.durableOffset());
            assertTrue(next > history.reported, "transaction " + history.reported + " was durable, " + next + " comes next");
            assertTrue(next < history.states.size(), "a transaction that nobody made");
            assertEquals(history.states.get(next), dump(committed));
            history.forgetFrom(next);
            history.values.forEach(taken::addAll);
            history.reported = next - 1;
        }

        /** Takes a snapshot; then, sometimes, forgets what only older ones need. */
        void snapshot() {
            long last = committed.nextTxOffset() - 1;
            while (log.durableOffset() < last) {
                if (failed) {
                    throw new EngineException(ErrorCode.STORAGE_FAILED, "the log has failed");
                }
                Thread.onSpinWait();
            }
            try (SnapshotView view = committed.openSnapshot(Limits.Reads.DEFAULTS);
                    SnapshotStore.Draft draft =
                            snapshots.write(view, SnapshotInfo.of(view, log.epoch()), SnapshotProgress.NONE)) {
                draft.publish();
            }
            List<Long> offsets = snapshots.offsets();
            if (offsets.size() > 1 && random.nextBoolean()) {
                offsets.subList(2, offsets.size()).forEach(snapshots::delete);
                log.files().orElseThrow().trim(offsets.get(1));
                history.trimmed++;
            }
        }

        void transact() {
            if (random.nextInt(12) == 0) {
                snapshot();
            }
            tx.begin();
            List<String> values = new ArrayList<>();
            for (int i = random.nextInt(6); i >= 0; i--) {
                step(values);
            }
            if (random.nextInt(8) == 0) {
                tx.rollback();
                return;
            }
            TxData data = tx.finish();
            if (data.isEmpty()) {
                tx.end();
                return;
            }
            long txOffset = committed.apply(data);
            tx.end();
            history.states.add(dump(committed));
            history.values.add(values);
            record.clear();
            TxRecord.write(data, committed.commitMicros(), record);
            log.append(txOffset, record.buffer(), 0, record.length());
            if (random.nextInt(10) == 0) {
                long upTo = txOffset - random.nextInt(5);
                while (log.durableOffset() < upTo && !failed) {
                    Thread.onSpinWait();
                }
            }
        }

        private void step(List<String> values) {
            List<TableSchema> tables = tx.tables().stream().filter(t -> t.kind() == TableKind.USER).toList();
            if (tables.isEmpty() || tables.size() < 6 && random.nextInt(12) == 0) {
                catalog.createTable(tx, newTable());
                return;
            }
            TableSchema table = tables.get(random.nextInt(tables.size()));
            switch (random.nextInt(20)) {
                case 0 -> catalog.dropTable(tx, table);
                case 1 -> tx.clear(table.tableId());
                case 2 -> burn(table, values);
                case 3, 4, 5, 6 -> deleteOne(table);
                case 7, 8 -> updateOne(table, values);
                default -> insert(table, values);
            }
        }

        private TableSchema newTable() {
            Shape shape = Shape.values()[random.nextInt(Shape.values().length)];
            String name = shape.name().toLowerCase(Locale.ROOT) + history.tableNames++;
            boolean unique = shape == Shape.GENERATED || shape == Shape.KEYED;
            boolean generated = shape == Shape.GENERATED || shape == Shape.NUMBERED;
            List<IndexSchema> indexes = !unique ? List.of() : List.of(new IndexSchema(
                    catalog.nextIndexId(), name + "_id_idx_btree", Optional.of("by_id_" + name),
                    random.nextBoolean() ? new IndexAlgorithm.BTree(List.of(0)) : new IndexAlgorithm.Hash(List.of(0)), true));
            return new TableSchema(
                    catalog.nextTableId(), name, random.nextBoolean() ? Optional.of(name + "_accessor") : Optional.empty(),
                    List.of(column(0, "id", generated ? PrimitiveType.U64 : PrimitiveType.STRING),
                            column(1, "text", PrimitiveType.STRING),
                            column(2, "number", PrimitiveType.I32)),
                    unique ? OptionalInt.of(0) : OptionalInt.empty(),
                    indexes,
                    !unique ? List.of() : List.of(
                            new ConstraintSchema(catalog.nextConstraintId(), name + "_id_key", List.of(0))),
                    !generated ? List.of() : List.of(new SequenceSchema(
                            catalog.nextSequenceId(), name + "_id_seq", 0, BigInteger.valueOf(1 + random.nextInt(3)),
                            BigInteger.ONE, BigInteger.ONE, BigInteger.TWO.pow(60))),
                    TableAccess.PUBLIC, TableKind.USER, TableRole.STORED);
        }

        private static ColumnSchema column(int position, String name, AlgebraicType type) {
            return new ColumnSchema(position, name, type, Optional.empty());
        }

        private BsatnWriter row(TableSchema table) {
            BsatnWriter row = new BsatnWriter();
            if (table.columns().getFirst().type() == PrimitiveType.STRING) {
                row.writeString("key" + random.nextInt(30));
            } else {
                row.writeU64(0);
            }
            row.writeString("x".repeat(random.nextInt(50) == 0 ? random.nextInt(3000) : random.nextInt(20)));
            row.writeU32(random.nextInt(100));
            return row;
        }

        private void insert(TableSchema table, List<String> values) {
            BsatnWriter row = row(table);
            int generated;
            try {
                generated = tx.insert(table.tableId(), MemorySegment.ofArray(row.buffer()), 0, row.length());
            } catch (EngineException e) {
                assertEquals(ErrorCode.UNIQUE_ALREADY_EXISTS, e.code());
                return;
            }
            if (generated > 0) {
                String value = table.name() + " " + LittleEndian.getLong(row.buffer(), 0);
                assertTrue(taken.add(value), "handed out twice: " + value);
                values.add(value);
            }
        }

        /** Uses up sequence values without leaving rows. */
        private void burn(TableSchema table, List<String> values) {
            if (!table.sequences().isEmpty()) {
                for (int i = 0; i < 1500; i++) {
                    insert(table, values);
                }
                tx.clear(table.tableId());
            }
        }

        private byte[] someRow(TableSchema table) {
            List<byte[]> rows = new ArrayList<>();
            RowIterator scan = tx.scan(table.tableId());
            while (scan.next()) {
                rows.add(bytes(scan));
            }
            return rows.isEmpty() ? null : rows.get(random.nextInt(rows.size()));
        }

        private void deleteOne(TableSchema table) {
            byte[] row = someRow(table);
            if (row != null) {
                assertTrue(tx.delete(table.tableId(), MemorySegment.ofArray(row), 0, row.length));
                if (random.nextInt(4) == 0) {
                    tx.insert(table.tableId(), MemorySegment.ofArray(row), 0, row.length);
                }
            }
        }

        private void updateOne(TableSchema table, List<String> values) {
            byte[] row = someRow(table);
            if (row == null || table.indexes().isEmpty()) {
                insert(table, values);
                return;
            }
            row[row.length - 1] ^= (byte) random.nextInt(3);
            tx.update(table.tableId(), table.indexes().getFirst().indexId(), MemorySegment.ofArray(row), 0, row.length);
        }

        @Override
        public void close() {
            log.close();
            history.reported = Math.max(history.reported, log.durableOffset());
            committed.close();
        }
    }

    /** So many runs, and more until the log has been trimmed and snapshots damaged in some, which rarely takes long. */
    private static void simulate(int runs, Supplier<TableStores> stores) {
        History all = new History();
        simulate(runs, stores, all);
        for (int more = 0; more < 100 && (all.trimmed == 0 || all.damaged == 0); more++) {
            simulate(1, stores, all);
        }
        assertTrue(all.trimmed > 0 && all.damaged > 0, "the log was trimmed and snapshots damaged");
    }

    private static void simulate(int runs, Supplier<TableStores> stores, History all) {
        Seeds.repeat(runs, random -> {
            FaultyDisk disk = new FaultyDisk(random, ROOT);
            disk.open(LOG);
            disk.open(SNAPSHOTS);
            History history = new History();
            for (int crash = 0; crash < 6; crash++) {
                long at = disk.operations() + 5 + random.nextInt(100);
                disk.dieAt(at);
                try (Life life = new Life(random, history, disk, stores)) {
                    life.compare();
                    while (true) {
                        life.transact();
                    }
                } catch (EngineException e) {
                    assertEquals(ErrorCode.STORAGE_FAILED, e.code(), e.describe());
                } catch (IOException e) {
                    assertTrue(disk.isDead(), () -> "" + e);
                }
                disk = random.nextInt(3) == 0 ? disk.restarted() : disk.powerLoss();
                damageNewestSnapshot(disk, random, history);
            }
            try (Life life = new Life(random, history, disk, stores)) {
                life.compare();
                life.transact();
            }
            try (Life life = new Life(random, history, disk, stores)) {
                life.compare();
            }
            all.trimmed += history.trimmed;
            all.damaged += history.damaged;
        });
    }

    /** If there is another one, from which the log still goes on. */
    private static void damageNewestSnapshot(FaultyDisk disk, Random random, History history) throws IOException {
        Storage files = disk.open(SNAPSHOTS);
        List<Long> offsets = SnapshotStore.open(files).offsets();
        if (offsets.size() < 2 || random.nextInt(3) > 0) {
            return;
        }
        history.damaged++;
        try (StorageFile file = files.open(SnapshotStore.fileName(offsets.getFirst()))) {
            if (random.nextBoolean()) {
                file.truncate(random.nextLong(file.size()));
            } else {
                long at = random.nextLong(file.size());
                ByteBuffer one = ByteBuffer.allocate(1);
                file.read(one, at);
                one.put(0, (byte) (one.get(0) ^ 1 << random.nextInt(8)));
                file.write(one.flip(), at);
            }
            file.force();
        }
    }

    @Test
    @Proves("durability.md 1")
    @Proves("durability.md 2.1")
    @Proves("durability.md 2.3")
    @Proves("durability.md 8")
    void recoversTheStateOfOneOffsetOnTheHeap() {
        simulate(RUNS, HeapStores::new);
    }

    @Test
    @Proves("durability.md 8")
    void recoversTheStateOfOneOffsetInChronicleMap() {
        simulate(RUNS / 4, ChronicleStores::new);
    }
}
