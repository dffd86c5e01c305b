package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.backup.BackupReader;
import dev.geodesic.engine.backup.Manifest;
import dev.geodesic.engine.backup.Moment;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.testkit.Seeds;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
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
}
