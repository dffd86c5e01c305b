package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.geodesic.engine.backup.BackupReader;
import dev.geodesic.engine.backup.Manifest;
import dev.geodesic.engine.backup.Moment;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.durability.DiskOptions;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What is no backup, or no whole one, is refused with the entry and the remedy, and harms nothing. */
class BackupDamageTest {

    private static final String MANIFEST = "backup.json";
    private static final int FLIPS = Integer.getInteger("geodesic.backup.flips", 400);

    @TempDir
    private Path directory;

    private BackupWorld world;
    private Database source;
    private byte[] zip;
    private int unpacked;

    @BeforeEach
    void takeOne() {
        world = new BackupWorld(directory, HeapStores::new);
        source = world.create("source");
        world.changes(source, new Random(5), 10, 20);
        zip = world.zip(source.identity(), true);
    }

    @AfterEach
    void close() {
        world.close();
    }

    /** Returns what was unpacked, by the names of the files. */
    private Map<String, byte[]> unpack(byte[] bytes) throws IOException {
        Path into = directory.resolve("unpacked").resolve(Integer.toString(unpacked++));
        Manifest manifest;
        try (FileStorage storage = FileStorage.open(into)) {
            manifest = new BackupReader(10_000_000).unpack(new ByteArrayInputStream(bytes), storage, m -> { });
        }
        Map<String, byte[]> files = new LinkedHashMap<>();
        for (var file : manifest.files()) {
            files.put(file.name(), Files.readAllBytes(into.resolve(file.name())));
        }
        return files;
    }

    private String refused(byte[] bytes, String what) {
        EngineException e = assertThrows(EngineException.class, () -> unpack(bytes), what);
        assertEquals(ErrorCode.BACKUP_INVALID, e.code(), () -> what + ": " + e.describe());
        assertTrue(e.getMessage().matches("(?s)the backup cannot be restored: .*Nothing has changed; .*take another backup"),
                e::getMessage);
        return e.getMessage();
    }

    @Test
    void everyCutIsNoticed() {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            int length = i < 40 ? zip.length - 1 - i : random.nextInt(zip.length);
            refused(Arrays.copyOf(zip, length), length + " of " + zip.length + " bytes, seed " + seed);
        }
    }

    /** A bit that no reader of zips looks at, such as a time, may change; then all files are the same. */
    @Test
    void aFlippedBitIsNoticedOrChangesNothing() throws IOException {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        Map<String, byte[]> files = unpack(zip);
        int noticed = 0;
        for (int i = 0; i < FLIPS; i++) {
            byte[] flipped = zip.clone();
            int bit = random.nextInt(8 * zip.length);
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            try {
                Map<String, byte[]> found = unpack(flipped);
                assertEquals(files.keySet(), found.keySet());
                files.forEach((name, bytes) -> assertTrue(
                        Arrays.equals(bytes, found.get(name)), name + " at bit " + bit + ", seed " + seed));
            } catch (EngineException e) {
                assertEquals(ErrorCode.BACKUP_INVALID, e.code(), () -> "bit " + bit + ", seed " + seed + ": " + e.describe());
                noticed++;
            }
        }
        int all = noticed;
        assertTrue(noticed > FLIPS * 9 / 10, () -> "noticed " + all + ", seed " + seed);
    }

    // ---- a directory ----

    private interface Damage {
        void to(Path file) throws IOException;
    }

    /** Refused by the reader with the name of the file; then nothing is unpacked under the name of a backup either. */
    private void refusedDirectory(Path backup, String file, String what, Damage damage) throws IOException {
        Path path = backup.resolve(file);
        byte[] whole = Files.readAllBytes(path);
        damage.to(path);
        Path into = directory.resolve("unpacked").resolve(Integer.toString(unpacked++));
        try (FileStorage storage = FileStorage.open(into)) {
            EngineException e = assertThrows(
                    EngineException.class, () -> new BackupReader(10_000_000).copy(backup, storage, m -> { }), what);
            assertEquals(ErrorCode.BACKUP_INVALID, e.code(), () -> what + ": " + e.describe());
            assertTrue(e.getMessage().contains(file) || file.startsWith(MANIFEST) && e.getMessage().contains(MANIFEST),
                    () -> what + " is not named: " + e.getMessage());
            assertTrue(e.getMessage().contains("Nothing has changed; send it again, or take another backup"), e::getMessage);
        } finally {
            Files.write(path, whole);
        }
    }

    private static void flip(Path file, int at, int bit) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[at] ^= (byte) (1 << bit);
        Files.write(file, bytes);
    }

    /** Both ends of each file byte by byte, and a byte in each of many regions between them. */
    @Test
    @Proves("durability.md 13")
    void everyRegionOfEveryFileOfADirectoryIsChecked() throws IOException {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        world.server.backups().write(source.identity(), "directory", true, world.me());
        Path backup = world.backups.resolve("directory");
        List<String> names;
        try (Stream<Path> all = Files.list(backup)) {
            names = all.map(p -> p.getFileName().toString()).sorted().toList();
        }
        assertTrue(names.contains(MANIFEST) && names.contains(MANIFEST + ".sha256") && names.size() == 4, names::toString);
        for (String name : names) {
            int length = (int) Files.size(backup.resolve(name));
            Set<Integer> places = new TreeSet<>();
            for (int i = 0; i < Math.min(48, length); i++) {
                places.add(i);
                places.add(length - 1 - i);
            }
            int regions = FLIPS / 8;
            for (int i = 0; i < regions; i++) {
                places.add((int) ((long) length * i / regions) + random.nextInt(Math.max(1, length / regions)));
            }
            for (int at : places) {
                int bit = random.nextInt(8);
                refusedDirectory(backup, name, name + " with bit " + bit + " of byte " + at + " of " + length
                        + " flipped, seed " + seed, file -> flip(file, Math.min(at, length - 1), bit));
            }
            for (int cut : new int[] {0, 1, length / 2, length - 1, random.nextInt(length)}) {
                refusedDirectory(backup, name, name + " cut to " + cut + " of " + length + " bytes",
                        file -> Files.write(file, Arrays.copyOf(Files.readAllBytes(file), cut)));
            }
            refusedDirectory(backup, name, name + " with a byte more",
                    file -> Files.write(file, Arrays.copyOf(Files.readAllBytes(file), length + 1)));
            refusedDirectory(backup, name, name + " missing", Files::delete);
        }
    }

    /** Through the server: the database and all that lies on the disk are as before. The whole backup is restored after it. */
    @Test
    @Proves("durability.md 8")
    void aDamagedBackupChangesNothingAtAll() throws IOException {
        world.server.backups().write(source.identity(), "directory", true, world.me());
        world.changes(source, new Random(6), 100, 5);
        Map<String, Set<String>> before = world.contents(source);
        Set<Path> files = dataFiles();
        Path backup = world.backups.resolve("directory");
        List<Path> damaged;
        try (Stream<Path> all = Files.list(backup)) {
            damaged = all.sorted().toList();
        }
        for (Path file : damaged) {
            byte[] whole = Files.readAllBytes(file);
            flip(file, whole.length / 2, 3);
            for (RestoreRequest.Target target : List.of(
                    BackupWorld.same(source.identity()), BackupWorld.another("copy-of-damage"))) {
                EngineException e = assertThrows(EngineException.class, () -> world.restore(
                        new RestoreRequest.Source.Directory("directory"), new Moment.Latest(), target), file::toString);
                assertEquals(ErrorCode.BACKUP_INVALID, e.code(), e::describe);
            }
            Files.write(file, whole);
        }
        byte[] flipped = zip.clone();
        flipped[zip.length / 2] ^= 1;
        assertEquals(ErrorCode.BACKUP_INVALID, assertThrows(
                EngineException.class, () -> world.restore(flipped, BackupWorld.same(source.identity()))).code());
        assertEquals(files, dataFiles());
        assertEquals(before, world.contents(world.server.database(source.identity())));
        assertEquals(List.of(source.identity()), world.server.databasesOf(world.me()));
        world.restore(new RestoreRequest.Source.Directory("directory"), new Moment.Latest(), BackupWorld.another("whole"));
    }

    private Set<Path> dataFiles() throws IOException {
        try (Stream<Path> all = Files.walk(world.data)) {
            return all.filter(p -> !p.startsWith(world.data.resolve("restores"))).collect(Collectors.toCollection(TreeSet::new));
        }
    }

    // ---- what somebody made ----

    private static Map<String, byte[]> entries(byte[] zip) throws IOException {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(zip))) {
            for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                entries.put(entry.getName(), in.readAllBytes());
            }
        }
        return entries;
    }

    private static byte[] zip(Map<String, byte[]> entries) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                zip.putNextEntry(new ZipEntry(entry.getKey()));
                zip.write(entry.getValue());
                zip.closeEntry();
            }
        }
        return out.toByteArray();
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    /** With another manifest, whose checksum is right. */
    private byte[] withManifest(String from, String to) throws Exception {
        Map<String, byte[]> entries = entries(zip);
        String text = new String(entries.get(MANIFEST), StandardCharsets.UTF_8);
        assertTrue(text.contains(from), text);
        return sealed(entries, text.replace(from, to));
    }

    private static byte[] sealed(Map<String, byte[]> entries, String manifest) throws Exception {
        byte[] bytes = manifest.getBytes(StandardCharsets.UTF_8);
        entries.put(MANIFEST, bytes);
        entries.put(MANIFEST + ".sha256", (sha256(bytes) + "  backup.json\n").getBytes(StandardCharsets.US_ASCII));
        return zip(entries);
    }

    @Test
    void whatIsNoBackupIsRefused() throws Exception {
        refused(new byte[0], "nothing");
        refused(new byte[100_000], "zeros");
        refused(TestServer.KITCHEN, "a program");
        refused(zip(Map.of("a.txt", new byte[10])), "another zip");
        refused(zip(Map.of()), "an empty zip");
        Map<String, byte[]> entries = entries(zip);
        entries.put("more", new byte[1]);
        refused(zip(entries), "one more entry");
        Map<String, byte[]> turned = new LinkedHashMap<>();
        entries(zip).entrySet().stream().toList().reversed().forEach(e -> turned.put(e.getKey(), e.getValue()));
        refused(zip(turned), "another order");
        byte[] behind = Arrays.copyOf(zip, zip.length + 2_000_000);
        refused(behind, "something behind it");
    }

    @Test
    void hostileManifestsAreRefused() throws Exception {
        Map<String, byte[]> entries = entries(zip);
        List<String> names = entries.keySet().stream().skip(2).toList();
        String snapshot = names.getFirst();
        for (String name : List.of("../../x", "/etc/passwd", "..\\\\x", "x", "00000000000000000001.log", "")) {
            assertTrue(refused(withManifest("\"name\":\"" + snapshot + "\"", "\"name\":\"" + name + "\""), name)
                    .contains("backup.json is malformed"));
        }
        refused(withManifest("\"name\":\"" + names.get(1) + "\"", "\"name\":\"" + snapshot + "\""), "twice");
        for (String[] change : new String[][] {
            {"\"version\":1", "\"version\":2"}, {"geodesic-backup", "tar"}, {"\"epoch\":", "\"epoch\":-1"},
            {"\"files\":[", "\"files\":[1,"}, {"\"names\":[", "\"names\":[{},"},
            {"\"environment\":{", "\"environment\":{\"a\":1"},
            {"\"from\":0", "\"from\":1"}, {"\"transactions\":", "\"transactions\":1"}, {"{\"format\"", "[{\"format\""},
            {"\"owner\":\"", "\"owner\":\"x"}}) {
            refused(withManifest(change[0], change[1]), change[1]);
        }
        // More than it says, less, and far too much.
        String size = "\"name\":\"" + snapshot + "\",\"bytes\":";
        int bytes = entries.get(snapshot).length;
        assertTrue(refused(withManifest(size + bytes, size + (bytes - 1)), "longer").contains(snapshot + " has more than"));
        assertTrue(refused(withManifest(size + bytes, size + (bytes + 1)), "shorter").contains(snapshot + " ends after"));
        EngineException large = assertThrows(
                EngineException.class, () -> unpack(withManifest(size + bytes, size + 1_000_000_000_000L)));
        assertEquals(ErrorCode.LIMIT_EXCEEDED, large.code());
        assertTrue(large.getMessage().contains("geodesic.backup.bytes"), large::getMessage);
        refused(withManifest(size + bytes, size + Long.MAX_VALUE), "sum");
        // A bomb: much more in the entry than is declared is not unpacked.
        entries.put(snapshot, new byte[50_000_000]);
        refused(zip(entries), "a bomb");
    }

    /** Whose checksums are all right: what the rows say is checked when they are loaded. */
    @Test
    void damagedContentsUnderRightChecksumsHarmNothing() throws Exception {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        Map<String, byte[]> entries = entries(zip);
        String text = new String(entries.get(MANIFEST), StandardCharsets.UTF_8);
        int refused = 0;
        for (int i = 0; i < 30; i++) {
            Map<String, byte[]> changed = new LinkedHashMap<>(entries);
            List<String> names = entries.keySet().stream().skip(2).toList();
            String name = names.get(random.nextInt(names.size()));
            byte[] bytes = entries.get(name).clone();
            int at = random.nextInt(bytes.length);
            bytes[at] ^= (byte) (1 << random.nextInt(8));
            changed.put(name, bytes);
            byte[] sealed = sealed(changed, text.replace(sha256(entries.get(name)), sha256(bytes)));
            try {
                world.restore(sealed, new Moment.Offset(
                        1 + random.nextInt(20)), BackupWorld.another(null), world.owner);
            } catch (EngineException e) {
                assertTrue(e.code() != ErrorCode.INTERNAL && e.code() != ErrorCode.STORAGE_FAILED,
                        () -> name + " byte " + at + ", seed " + seed + ": " + e.describe());
                refused++;
            }
            world.server.databasesOf(world.me()).stream().filter(d -> !d.equals(source.identity()))
                    .forEach(d -> world.server.delete(d, world.me()));
            assertEquals(Map.of(), world.server.failedDatabases(), () -> name + " byte " + at + ", seed " + seed);
        }
        assertTrue(refused > 0, "seed " + seed);
        world.commit(source, "add_note", "[\"still here\"]");
        assertTrue(Files.notExists(world.data.resolve("restores").resolve("0")));
    }

    // ---- memory ----

    private static void seal(byte[] bytes, int from, int to, long place) {
        CRC32C crc = new CRC32C();
        byte[] under = new byte[16];
        LittleEndian.putLong(under, 8, place);
        crc.update(under);
        crc.update(bytes, from, to - from);
        LittleEndian.putInt(bytes, to, (int) crc.getValue());
    }

    /** A snapshot in which all checksums are right (docs/formats/snapshot.md), of one block of zeros. Its salt is 0. */
    private static byte[] snapshotOfOneBlock(long transactions, int tableId, int rows, int length) {
        int block = 48;
        int totals = block + 16 + length + 4;
        int end = totals + 16 + 20 + 4;
        byte[] bytes = new byte[end + 20];
        System.arraycopy("GEODSNAP".getBytes(StandardCharsets.US_ASCII), 0, bytes, 0, 8);
        bytes[8] = 1;
        LittleEndian.putLong(bytes, 12, transactions);
        seal(bytes, 0, 44, 0);
        for (int[] one : new int[][] {{block, tableId, rows, length}, {totals, 0, 1, 20}}) {
            LittleEndian.putInt(bytes, one[0], one[1]);
            LittleEndian.putInt(bytes, one[0] + 4, one[2]);
            LittleEndian.putInt(bytes, one[0] + 8, one[3]);
            seal(bytes, one[0], one[0] + 12, one[0]);
        }
        LittleEndian.putInt(bytes, totals + 16, tableId);
        LittleEndian.putLong(bytes, totals + 20, rows);
        LittleEndian.putLong(bytes, totals + 28, length);
        seal(bytes, block, block + 16 + length, block);
        seal(bytes, totals, totals + 36, totals);
        LittleEndian.putLong(bytes, end, totals);
        System.arraycopy("SNAP.END".getBytes(StandardCharsets.US_ASCII), 0, bytes, end + 8, 8);
        seal(bytes, end, end + 16, end);
        return bytes;
    }

    /** The zip of a backup whose last snapshot is this one. */
    private byte[] withSnapshot(byte[] snapshot) throws Exception {
        Map<String, byte[]> entries = entries(world.zip(source.identity(), false));
        String name = entries.keySet().stream().filter(n -> n.endsWith(".snapshot")).findFirst().orElseThrow();
        String text = new String(entries.get(MANIFEST), StandardCharsets.UTF_8)
                .replace(sha256(entries.get(name)), sha256(snapshot))
                .replace("\"bytes\":" + entries.get(name).length, "\"bytes\":" + snapshot.length);
        entries.put(name, snapshot);
        return sealed(entries, text);
    }

    private EngineException refusedRestore(byte[] sent) {
        return assertThrows(EngineException.class, () -> world.restore(sent, BackupWorld.another("hostile")));
    }

    /** A few hundred kilobytes are sent that claim, under right checksums, to be one row of 120 MB. */
    @Test
    @Proves("durability.md 13")
    void aRowOfAHundredMegabytesIsRefusedBeforeThereIsMemoryForIt() throws Exception {
        long transactions = source.durableOffset() + 1;
        byte[] large = withSnapshot(snapshotOfOneBlock(transactions, SystemTables.MODULE, 1, 120_000_000));
        assertTrue(large.length < 1_000_000, () -> large.length + " bytes");
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        EngineException e = refusedRestore(large);
        long taken = threads.getCurrentThreadAllocatedBytes() - before;
        assertEquals(ErrorCode.LIMIT_EXCEEDED, e.code(), e::describe);
        assertTrue(e.getMessage().contains("geodesic.limits.module.bytes"), e::getMessage);
        assertTrue(taken < 60_000_000, () -> taken + " bytes");

        // Many rows in one large block, more rows than bytes, and too many totals are in no file that a server has written.
        for (byte[] snapshot : List.of(
                snapshotOfOneBlock(transactions, SystemTables.MODULE, 2, 2_000_000),
                snapshotOfOneBlock(transactions, SystemTables.MODULE, 2_000_000_000, 10))) {
            EngineException damaged = refusedRestore(withSnapshot(snapshot));
            assertEquals(ErrorCode.BACKUP_INVALID, damaged.code(), damaged::describe);
            assertTrue(damaged.getMessage().contains(" rows in "), damaged::getMessage);
        }
        world.commit(source, "add_note", "[\"still here\"]");
    }

    /** What is restored is held to the budget of a database, before anything has changed. */
    @Test
    @Proves("durability.md 13")
    void aBackupThatIsLargerThanADatabaseMayBeIsRefused() {
        for (int i = 0; i < 40; i++) {
            world.commit(source, "add_note", "[\"" + "x".repeat(100_000) + i + "\"]");
        }
        for (boolean history : new boolean[] {false, true}) {
            byte[] large = world.zip(source.identity(), history);
            world.resources = ResourceOptions.DEFAULTS.withMemory(2_000_000, Long.MAX_VALUE, Long.MAX_VALUE);
            world.restart();
            Database again = world.server.database(source.identity());
            int notes = world.count(again, "SELECT * FROM note");
            for (RestoreRequest.Target target : List.of(BackupWorld.another("copy"), BackupWorld.same(source.identity()))) {
                EngineException e = assertThrows(EngineException.class, () -> world.restore(large, target));
                assertEquals(ErrorCode.LIMIT_EXCEEDED, e.code(), e::describe);
                assertTrue(e.getMessage().contains("geodesic.limits.database.bytes"), e::getMessage);
            }
            assertEquals(1, world.server.databasesOf(world.me()).size());
            assertEquals(notes, world.count(world.server.database(source.identity()), "SELECT * FROM note"));
            world.resources = ResourceOptions.DEFAULTS;
            world.restart();
            source = world.server.database(source.identity());
            world.restore(large, BackupWorld.same(source.identity()));
            source = world.server.database(source.identity());
            assertEquals(notes, world.count(source, "SELECT * FROM note"));
        }
    }

    @Test
    @Proves("durability.md 13")
    void whenTheDiskIsNearlyFullNoBackupIsTakenAndTheErrorSaysWhy() throws Exception {
        AtomicLong usable = new AtomicLong(1000);
        world.resources = ResourceOptions.DEFAULTS.withDisk(new DiskOptions(usable::get, 500, 100, Duration.ofMillis(5)));
        world.restart();
        usable.set(400);
        Await.until("the watch notices", () -> !world.server.disk().isAmple());
        for (Executable backup : List.<Executable>of(
                () -> world.zip(source.identity(), true),
                () -> world.server.backups().write(source.identity(), "low", false, world.me()))) {
            EngineException e = assertThrows(EngineException.class, backup);
            assertEquals(ErrorCode.DISK_FULL, e.code(), e::describe);
            assertTrue(e.getMessage().contains("geodesic.disk.warn.bytes"), e::getMessage);
        }
        assertTrue(world.server.failedSnapshots().get(source.identity().toHex()).contains("geodesic.disk.warn.bytes"));
        usable.set(50);
        Await.until("the watch notices", () -> !world.server.disk().isWritable());
        EngineException e = assertThrows(EngineException.class, () -> world.restore(zip, BackupWorld.another("low")));
        assertEquals(ErrorCode.DISK_FULL, e.code(), e::describe);
        usable.set(1000);
        Await.until("the watch notices", () -> world.server.disk().isAmple());
        world.server.backups().write(source.identity(), "low", false, world.me());
        world.resources = ResourceOptions.DEFAULTS;
    }
}
