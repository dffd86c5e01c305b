package dev.geodesic.engine.durability;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.SnapshotView;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SnapshotStoreTest {

    private static final int RUNS = Integer.getInteger("geodesic.simulation.runs", 8);
    private static final List<Supplier<TableStores>> STORES = List.of(HeapStores::new, ChronicleStores::new);

    private static final Logger STORE = Logger.getLogger(SnapshotStore.class.getName());

    @BeforeAll
    static void silence() {
        STORE.setLevel(Level.OFF);
    }

    @AfterAll
    static void speak() {
        STORE.setLevel(null);
    }

    private static SnapshotStore store(FaultyStorage files) {
        return SnapshotStore.open(files, () -> 0x0807060504030201L);
    }

    private static SnapshotInfo publish(SnapshotStore snapshots, CommittedState committed) {
        try (SnapshotView view = committed.openSnapshot(Limits.Reads.DEFAULTS);
                SnapshotStore.Draft draft = snapshots.write(view, SnapshotInfo.of(view, 3), SnapshotProgress.NONE)) {
            draft.publish();
            return draft.info();
        }
    }

    private static SampleDatabase load(SnapshotStore snapshots, SnapshotInfo info, TableStores stores) {
        CommittedState committed = new CommittedState(stores);
        Catalog catalog = Catalog.bootstrap(committed);
        SnapshotStore.Loaded loaded = snapshots.load(info.nextOffset(), committed, catalog, SnapshotProgress.NONE);
        assertEquals(info, loaded.info());
        return new SampleDatabase(new Random(1), committed, catalog);
    }

    /** The same transactions, from the log alone. */
    private static SampleDatabase replay(List<byte[]> records, TableStores stores) {
        CommittedState committed = new CommittedState(stores);
        Catalog catalog = Catalog.bootstrap(committed);
        apply(records, 0, committed, catalog);
        return new SampleDatabase(new Random(1), committed, catalog);
    }

    private static void apply(List<byte[]> records, int from, CommittedState committed, Catalog catalog) {
        Recovery recovery = new Recovery(committed, catalog);
        for (int i = from; i < records.size(); i++) {
            recovery.apply(i, records.get(i), 0, records.get(i).length);
        }
        recovery.finish();
    }

    @Test
    @Proves("durability.md 7")
    @Proves("durability.md 8")
    void givesBackRandomDatabases() {
        Seeds.repeat(RUNS, random -> {
            Supplier<TableStores> stores = STORES.get(random.nextInt(2));
            FaultyStorage files = new FaultyStorage(random);
            SnapshotStore snapshots = store(files);
            try (SampleDatabase database = new SampleDatabase(random, stores.get())) {
                for (int i = random.nextInt(20); i >= 0; i--) {
                    database.transact(1 + random.nextInt(random.nextInt(5) == 0 ? 300 : 20));
                }
                SnapshotInfo info = publish(snapshots, database.committed);
                assertEquals(new SnapshotInfo(database.committed.nextTxOffset(), 3, database.committed.commitMicros()), info);
                assertEquals(List.of(info.nextOffset()), snapshots.offsets());
                assertEquals(info, snapshots.info(info.nextOffset()));
                assertEquals(info, snapshots.verify(info.nextOffset(), SnapshotProgress.NONE));
                try (SampleDatabase loaded = load(snapshots, info, stores.get());
                        SampleDatabase replayed = replay(database.records, stores.get())) {
                    assertEquals(SampleDatabase.dump(replayed.committed), SampleDatabase.dump(loaded.committed));
                    assertEquals(replayed.counters(), loaded.counters());
                }
                // What comes after it is applied to what it gave.
                for (int i = random.nextInt(5); i >= 0; i--) {
                    database.transact(1 + random.nextInt(20));
                }
                Map<String, Set<String>> expected = SampleDatabase.dump(database.committed);
                try (SampleDatabase loaded = load(snapshots, info, stores.get());
                        SampleDatabase replayed = replay(database.records, stores.get())) {
                    apply(database.records, (int) info.nextOffset(), loaded.committed, loaded.catalog);
                    assertEquals(expected, SampleDatabase.dump(loaded.committed));
                    assertEquals(replayed.counters(), loaded.counters());
                }
            }
        });
    }

    // ---- the bytes ----

    /** A snapshot that another writer might have made. */
    private interface Content {
        void write(SnapshotWriter writer) throws IOException;
    }

    private static FaultyStorage file(SnapshotInfo info, Content content) {
        FaultyStorage files = new FaultyStorage(new Random(1));
        try (StorageFile file = files.create(SnapshotStore.fileName(info.nextOffset()))) {
            SnapshotWriter writer = new SnapshotWriter(file, info, 0x0807060504030201L);
            content.write(writer);
            writer.finish();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return files;
    }

    private static void rows(SnapshotWriter writer, int table, String... rows) throws IOException {
        writer.begin(table);
        for (String row : rows) {
            byte[] bytes = HexFormat.of().parseHex(row.replace(" ", ""));
            writer.row(MemorySegment.ofArray(bytes), 0, bytes.length);
        }
        writer.end();
    }

    /** A variable of the environment, {@code a = true}. */
    private static final String VARIABLE = "01000000 61 00 01";
    private static final SnapshotInfo INFO = new SnapshotInfo(2, 0, 1_700_000_000_000_000L);

    @Test
    void bytesAreThoseOfTheFormatPage() throws IOException {
        FaultyStorage files = file(INFO, w -> rows(w, SystemTables.VAR, VARIABLE));
        String page = Files.readString(Path.of("../docs/formats/snapshot.md"));
        StringBuilder bytes = new StringBuilder();
        page.substring(page.indexOf("## Example")).lines().filter(line -> line.startsWith("    ")).forEach(bytes::append);
        assertEquals(bytes.toString().replace(" ", ""), HexFormat.of().formatHex(files.content(SnapshotStore.fileName(2))));
        try (SampleDatabase loaded = load(store(files), INFO, new HeapStores())) {
            assertEquals(1, loaded.committed.writerView().rowCount(SystemTables.VAR));
        }
    }

    private static EngineException refused(FaultyStorage files, long offset) {
        try (CommittedState committed = new CommittedState(new HeapStores())) {
            Catalog catalog = Catalog.bootstrap(committed);
            return assertThrows(EngineException.class, () ->
                    store(files).load(offset, committed, catalog, SnapshotProgress.NONE));
        }
    }

    private static void corrupt(FaultyStorage files, long offset, String what) {
        for (EngineException e : List.of(
                refused(files, offset),
                assertThrows(EngineException.class, () -> store(files).verify(offset, SnapshotProgress.NONE), what))) {
            assertEquals(ErrorCode.STORAGE_CORRUPT, e.code(), what + ": " + e.describe());
            String file = "memory/" + SnapshotStore.fileName(offset);
            assertTrue(e.getMessage().contains(file + " is damaged at byte "), e.getMessage());
            assertTrue(e.getMessage().contains("Delete it"), e.getMessage());
        }
    }

    @Test
    @Proves("durability.md 7")
    void everyDamagedByteAndEveryCutIsNoticed() {
        Random random = new Random(Seeds.seed());
        FaultyStorage files = new FaultyStorage(random);
        try (SampleDatabase database = new SampleDatabase(random, new HeapStores())) {
            database.transact(8);
            long offset = publish(store(files), database.committed).nextOffset();
            String name = SnapshotStore.fileName(offset);
            byte[] good = files.content(name);
            for (int i = 0; i < good.length; i++) {
                byte[] bad = good.clone();
                bad[i] ^= (byte) (1 << random.nextInt(8));
                corrupt(new FaultyStorage(random).put(name, bad), offset, "byte " + i);
                FaultyStorage cut = new FaultyStorage(random).put(name, Arrays.copyOf(good, i));
                if (i % 16 == 0) {
                    corrupt(cut, offset, "cut to " + i);
                } else {
                    // Both begin with a look at the ends.
                    assertEquals(ErrorCode.STORAGE_CORRUPT,
                            assertThrows(EngineException.class, () -> store(cut).info(offset)).code());
                }
            }
            corrupt(new FaultyStorage(random).put(name, Arrays.copyOf(good, good.length + 1)), offset, "one byte more");
            corrupt(new FaultyStorage(random).put(SnapshotStore.fileName(offset + 1), good), offset + 1, "another name");
            assertEquals(offset, store(files).verify(offset, SnapshotProgress.NONE).nextOffset());
        }
    }

    @Test
    void rowsOfARightFileAreNotBelievedEither() {
        Map<String, Content> bad = new LinkedHashMap<>();
        bad.put("a row that is too short", w -> rows(w, SystemTables.VAR, "01000000 61 00"));
        bad.put("a row of another type", w -> rows(w, SystemTables.VAR, "01000000 61 63 01"));
        bad.put("bytes behind a row", w -> rows(w, SystemTables.VAR, VARIABLE + "00"));
        bad.put("a key twice", w -> rows(w, SystemTables.VAR, VARIABLE, "01000000 61 00 00"));
        bad.put("a row twice", w -> rows(w, SystemTables.VAR, VARIABLE, VARIABLE));
        bad.put("a client twice", w -> rows(w, SystemTables.CLIENT, "00".repeat(48), "00".repeat(48)));
        bad.put("a row about a system table", w -> rows(w, SystemTables.TABLE,
                "01000000 08000000" + hex("st_table") + "06000000" + hex("system") + "06000000" + hex("public") + "01"));
        bad.put("no such table", w -> rows(w, 5000, "00"));
        bad.put("no such table, no rows", w -> rows(w, 5000));
        bad.put("a table without columns and types", w -> rows(w, SystemTables.TABLE,
                "00100000 01000000 61 04000000" + hex("user") + "06000000" + hex("public") + "01"));
        bad.put("a column of no type", w -> {
            rows(w, SystemTables.TABLE, "00100000 01000000 61 04000000" + hex("user") + "06000000" + hex("public") + "01");
            rows(w, SystemTables.COLUMN, "00100000 0000 01000000 62 01000000 ff");
            rows(w, 4096);
        });
        bad.put("an index over a column that is not there", w -> {
            rows(w, SystemTables.TABLE, "00100000 01000000 61 04000000" + hex("user") + "06000000" + hex("public") + "01");
            rows(w, SystemTables.INDEX, "00100000 00100000 01000000 63 01 01000000 0500");
            rows(w, 4096);
        });
        bad.forEach((what, content) -> {
            EngineException e = refused(file(INFO, content), 2);
            assertEquals(ErrorCode.STORAGE_CORRUPT, e.code(), what + ": " + e.describe());
            assertTrue(e.getMessage().contains("2.snapshot is damaged at byte "), what + ": " + e.getMessage());
        });
    }

    private static String hex(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void aNewerFormatIsNotTakenForDamage() throws IOException {
        byte[] bytes = file(INFO, w -> { }).content(SnapshotStore.fileName(2));
        bytes[SnapshotFormat.VERSION_OFFSET] = 9;
        CRC32C crc = new CRC32C();
        crc.update(bytes, SnapshotFormat.SALT_OFFSET, 8);
        crc.update(new byte[8]);
        crc.update(bytes, 0, SnapshotFormat.CHECKSUM_OFFSET);
        LittleEndian.putInt(bytes, SnapshotFormat.CHECKSUM_OFFSET, (int) crc.getValue());
        EngineException e = refused(new FaultyStorage(new Random(1)).put(SnapshotStore.fileName(2), bytes), 2);
        assertEquals(ErrorCode.STORAGE_FAILED, e.code());
        assertTrue(e.getMessage().contains("format version 9"), e.getMessage());
    }

    // ---- writing ----

    @Test
    void manyAndLargeRowsGoIntoSeveralBlocks() {
        Seeds.repeat(2, random -> {
            FaultyStorage files = new FaultyStorage(random);
            try (SampleDatabase database = new SampleDatabase(random, new ChronicleStores())) {
                TableSchema table = database.addTable(PrimitiveType.U32, PrimitiveType.STRING);
                for (int i = 0; i < 4_000; i++) {
                    database.add(table, BigInteger.valueOf(random.nextInt()), "x".repeat(
                            i % 1500 == 7 ? 3_000_000 : random.nextInt(1000)));
                }
                database.commit();
                List<Long> progress = new ArrayList<>();
                try (SnapshotView view = database.committed.openSnapshot(Limits.Reads.DEFAULTS)) {
                    SnapshotStore.Draft draft = store(files).write(view, SnapshotInfo.of(view, 0), (done, total) -> {
                        assertTrue(done <= total);
                        progress.add(done);
                    });
                    assertTrue(files.forces() > 1, "forced from time to time");
                    draft.publish();
                }
                assertTrue(progress.size() > 5, progress::toString);
                assertEquals(progress.stream().sorted().toList(), progress);
                SnapshotInfo info = store(files).info(1);
                try (SampleDatabase loaded = load(store(files), info, new ChronicleStores())) {
                    assertEquals(SampleDatabase.dump(database.committed), SampleDatabase.dump(loaded.committed));
                }
            }
        });
    }

    /** What comes and goes while a snapshot is written is not in it. */
    @Test
    @Proves("durability.md 7")
    void isOfOneOffsetWhileTheWriterGoesOn() {
        Seeds.repeat(4, random -> {
            FaultyStorage files = new FaultyStorage(random);
            try (SampleDatabase database = new SampleDatabase(random, STORES.get(random.nextInt(2)).get())) {
                for (int i = 0; i < 4; i++) {
                    database.transact(100);
                }
                TableSchema table = database.addTable(PrimitiveType.U32, PrimitiveType.STRING);
                for (int i = 0; i < 3000; i++) {
                    database.add(table, BigInteger.valueOf(i), "x".repeat(1000));
                }
                database.commit();
                Map<String, Set<String>> expected = SampleDatabase.dump(database.committed);
                SnapshotInfo info;
                try (SnapshotView view = database.committed.openSnapshot(Limits.Reads.DEFAULTS)) {
                    info = SnapshotInfo.of(view, 0);
                    store(files).write(view, info, (done, total) -> database.transact(50)).publish();
                }
                assertTrue(database.committed.nextTxOffset() > info.nextOffset());
                try (SampleDatabase loaded = load(store(files), info, new HeapStores());
                        SampleDatabase replayed = replay(
                                database.records.subList(0, (int) info.nextOffset()), new HeapStores())) {
                    assertEquals(expected, SampleDatabase.dump(loaded.committed));
                    assertEquals(replayed.counters(), loaded.counters());
                }
            }
        });
    }

    @Test
    void nothingIsLeftOfWhatWasNotPublished() throws IOException {
        FaultyStorage files = new FaultyStorage(new Random(1));
        SnapshotStore snapshots = store(files);
        try (SampleDatabase database = new SampleDatabase(new Random(1), new HeapStores())) {
            database.transact(50);
            try (SnapshotView view = database.committed.openSnapshot(Limits.Reads.DEFAULTS)) {
                SnapshotInfo info = SnapshotInfo.of(view, 0);
                snapshots.write(view, info, SnapshotProgress.NONE).discard();
                assertEquals(List.of(), files.list());
                assertThrows(IllegalStateException.class, () -> snapshots.write(view, info, (done, total) -> {
                    throw new IllegalStateException("enough");
                }));
                assertEquals(List.of(), files.list());
                view.cancel();
                assertEquals(ErrorCode.LIMIT_EXCEEDED, assertThrows(EngineException.class, () ->
                        snapshots.write(view, info, SnapshotProgress.NONE)).code());
                assertEquals(List.of(), files.list());
            }
            files.put(SnapshotStore.fileName(1) + ".0.tmp", new byte[100]);
            assertEquals(List.of(), store(files).offsets());
            assertEquals(List.of(), files.list());
            publish(snapshots, database.committed);
            publish(snapshots, database.committed);
            assertEquals(List.of(1L), snapshots.offsets());
            snapshots.setAside(1);
            assertEquals(List.of(), snapshots.offsets());
            assertEquals(List.of(SnapshotStore.fileName(1) + ".damaged"), files.list());
            publish(snapshots, database.committed);
            snapshots.delete(1);
            assertEquals(List.of(), snapshots.offsets());
        }
    }
}
