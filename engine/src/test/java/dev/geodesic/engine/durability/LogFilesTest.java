package dev.geodesic.engine.durability;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdInputStream;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Starts, the index, compressed segments, trimming and verification. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LogFilesTest {

    private static final CommitLogOptions OPTIONS = CommitLogOptions.DEFAULTS;
    private static final int RUNS = Integer.getInteger("geodesic.simulation.runs", 30);
    private static final List<Logger> LOGGERS =
            List.of(Logger.getLogger(LogReader.class.getName()), Logger.getLogger(CommitLog.class.getName()));

    @BeforeAll
    static void silence() {
        LOGGERS.forEach(logger -> logger.setLevel(Level.OFF));
    }

    @AfterAll
    static void speak() {
        LOGGERS.forEach(logger -> logger.setLevel(null));
    }

    /** A record that parses: one row in table 5000, with a time. */
    static byte[] record(long micros, byte[] row) {
        BsatnWriter out = new BsatnWriter();
        out.writeU8(2);
        out.writeU64(micros);
        for (int number : new int[] {1, 5000, 0, 1, row.length}) {
            int rest = number;
            for (; rest > 0x7f; rest >>>= 7) {
                out.writeU8(rest & 0x7f | 0x80);
            }
            out.writeU8(rest);
        }
        for (byte b : row) {
            out.writeU8(b & 0xff);
        }
        return out.toByteArray();
    }

    /** A log of such records, committed in groups; the time of each is ten times its offset. */
    static final class Log implements AutoCloseable {

        final Map<Long, byte[]> replayed = new HashMap<>();
        final long start;
        final CommitLog log;
        final LogFiles files;
        private boolean failed;
        private long durable;
        long next;

        Log(FaultyStorage storage, CommitLogOptions options, LogStart start) {
            this.start = start.offset();
            log = CommitLog.open(storage, options, start, (offset, buffer, at, length) -> {
                assertEquals(start.offset() + replayed.size(), offset);
                replayed.put(offset, Arrays.copyOfRange(buffer, at, at + length));
            });
            files = log.files().orElseThrow();
            next = start.offset() + replayed.size();
            durable = log.durableOffset();
            assertEquals(next - 1, durable);
            log.listen(this::durable, e -> failed());
        }

        private synchronized void durable(long offset) {
            durable = offset;
            notifyAll();
        }

        private synchronized void failed() {
            failed = true;
            notifyAll();
        }

        synchronized void await() throws InterruptedException {
            while (durable < next - 1 && !failed) {
                wait();
            }
        }

        byte[] append(byte[] row) {
            byte[] record = record(10 * next, row);
            log.append(next, record, 0, record.length);
            next++;
            return record;
        }

        @Override
        public void close() {
            log.close();
        }
    }

    private static Log open(FaultyStorage storage, long start) {
        return new Log(storage, OPTIONS, new LogStart(start, 0));
    }

    private static byte[] row(Random random, int length) {
        byte[] row = new byte[length];
        random.nextBytes(row);
        // Half of it can be made smaller.
        Arrays.fill(row, 0, length / 2, (byte) 'a');
        return row;
    }

    /** A log of many commits of one to three records, in segments of about this size; returns its records. */
    static List<byte[]> fill(FaultyStorage storage, Random random, int records, int rowMax, long segmentBytes)
            throws InterruptedException {
        List<byte[]> all = new ArrayList<>();
        try (Log log = new Log(storage, OPTIONS.withSegmentBytesMax(segmentBytes).withQueue(3, 1 << 30), LogStart.EMPTY)) {
            while (all.size() < records) {
                all.add(log.append(row(random, random.nextInt(rowMax))));
                if (random.nextBoolean()) {
                    log.await();
                }
            }
        }
        return all;
    }

    private static void assertReplayed(List<byte[]> all, Log log) {
        assertEquals(all.size() - log.start, log.replayed.size());
        log.replayed.forEach((offset, record) -> assertArrayEquals(all.get(Math.toIntExact(offset)), record));
    }

    private static List<byte[]> read(LogFiles files, long from, long until) {
        List<byte[]> found = new ArrayList<>();
        files.read(from, until, (offset, buffer, at, length) -> {
            assertEquals(from + found.size(), offset);
            found.add(Arrays.copyOfRange(buffer, at, at + length));
        });
        return found;
    }

    private static void assertRead(List<byte[]> all, LogFiles files, int from, int until) {
        List<byte[]> found = read(files, from, until);
        assertEquals(until - from, found.size());
        for (int i = 0; i < found.size(); i++) {
            assertArrayEquals(all.get(from + i), found.get(i));
        }
    }

    private static EngineException refused(FaultyStorage storage, long start) {
        EngineException e = assertThrows(EngineException.class, () -> open(storage, start).close());
        assertEquals(ErrorCode.STORAGE_CORRUPT, e.code());
        return e;
    }

    private static List<String> segments(FaultyStorage storage) {
        return storage.list().stream().filter(n -> n.endsWith(".log") || n.endsWith(".zst")).toList();
    }

    // ---- starts ----

    @Test
    @Proves("durability.md 6.5")
    void startsAtEveryOffset() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(1));
        List<byte[]> all = fill(storage, new Random(1), 60, 40, 400);
        assertTrue(segments(storage).size() > 5);
        for (int start = 0; start <= all.size() + 3; start++) {
            FaultyStorage files = storage.restarted();
            List<byte[]> now = new ArrayList<>(all);
            try (Log log = open(files, start)) {
                assertEquals(Math.max(0, all.size() - start), log.replayed.size());
                log.replayed.forEach((offset, record) -> assertArrayEquals(all.get(Math.toIntExact(offset)), record));
                now.add(log.append(new byte[1]));
                log.await();
            }
            // From the same start and from a newer one it goes on; from an older one only if nothing is missing.
            try (Log log = open(files, start)) {
                assertEquals(Math.max(all.size(), start) + 1 - start, log.replayed.size());
            }
            try (Log log = open(files, Math.max(all.size(), start) + 1)) {
                assertEquals(0, log.replayed.size());
            }
            if (start <= all.size()) {
                try (Log log = open(files, 0)) {
                    assertReplayed(now, log);
                }
            } else {
                assertTrue(refused(files, all.size()).getMessage().contains("where " + all.size() + " is missing"));
            }
        }
    }

    @Test
    void segmentsBeforeTheStartMayBeDamagedOrMissing() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(2));
        List<byte[]> all = fill(storage, new Random(2), 60, 40, 500);
        List<String> names = segments(storage);
        for (int i = 0; i < names.size(); i++) {
            long first = LogFormat.firstOffset(names.get(i), LogFormat.SUFFIX);
            FaultyStorage damaged = storage.restarted();
            FaultyStorage missing = storage.restarted();
            for (int j = 0; j < i; j++) {
                damaged.put(names.get(j), new byte[j]);
                missing.delete(names.get(j));
            }
            for (FaultyStorage files : List.of(damaged, missing)) {
                try (Log log = open(files, first)) {
                    assertReplayed(all, log);
                }
                if (i > 0) {
                    EngineException e = refused(files, first - 1);
                    assertTrue(e.getMessage().contains("transaction"), e.getMessage());
                }
            }
        }
        FaultyStorage gap = storage.restarted();
        gap.delete(names.get(2));
        String name = names.get(3);
        EngineException e = refused(gap, 1);
        assertTrue(e.getMessage().contains(name) && e.getMessage().contains("is missing"), e.getMessage());
    }

    /** In the segment that holds the start, nothing in commits wholly before it matters, except at the end of the log. */
    @Test
    void damageBeforeTheStartInItsSegmentDoesNotMatter() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(3));
        List<byte[]> all = fill(storage, new Random(3), 12, 20, 1 << 20);
        String name = LogFormat.fileName(0);
        byte[] whole = storage.content(name);
        SegmentReader reader = SegmentReader.open(storage, 0, false);
        reader.readHeader();
        int opened = 0;
        int refused = 0;
        while (reader.at() < reader.size()) {
            assertEquals(SegmentReader.Found.COMMIT, reader.commit());
            int at = Math.toIntExact(reader.at());
            int start = Math.toIntExact(reader.nextOffset());
            for (int flipped = LogFormat.SEGMENT_HEADER_BYTES; flipped < whole.length; flipped++) {
                byte[] content = whole.clone();
                content[flipped] ^= 0x20;
                FaultyStorage files = new FaultyStorage(new Random(1)).put(name, content);
                if (flipped < at) {
                    try (Log log = open(files, start)) {
                        assertReplayed(all, log);
                        opened++;
                    }
                } else {
                    try (Log log = open(files, start)) {
                        assertTrue(log.replayed.size() < all.size() - start, "the last commit, which is cut off");
                    } catch (EngineException e) {
                        assertEquals(ErrorCode.STORAGE_CORRUPT, e.code());
                        refused++;
                    }
                }
            }
            reader.advance();
        }
        assertTrue(opened > 1000 && refused > 1000);
    }

    /** Only the last commit is lost, and what is kept can be continued. */
    @Test
    void anUnfinishedTailIsCutWhereverTheStartIs() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(3));
        List<byte[]> all = fill(storage, new Random(3), 12, 20, 1 << 20);
        String name = LogFormat.fileName(0);
        byte[] whole = storage.content(name);
        SegmentReader reader = SegmentReader.open(storage, 0, false);
        reader.readHeader();
        reader.skipTo(all.size(), reader.index());
        int lastCommit = Math.toIntExact(reader.at());
        int kept = Math.toIntExact(reader.nextOffset());
        assertTrue(kept > 2 && kept < all.size());
        for (int length = lastCommit; length < whole.length; length++) {
            for (int start = 0; start <= all.size(); start++) {
                FaultyStorage files = new FaultyStorage(new Random(1)).put(name, Arrays.copyOf(whole, length));
                List<byte[]> now = new ArrayList<>(all.subList(0, kept));
                try (Log log = open(files, start)) {
                    assertEquals(Math.max(0, kept - start), log.replayed.size());
                    now.add(log.append(new byte[1]));
                }
                if (start > kept) {
                    assertEquals(lastCommit, files.content(name).length);
                } else {
                    try (Log log = open(files.powerLoss(), 0)) {
                        assertReplayed(now, log);
                    }
                }
            }
        }
    }

    @Test
    void theStartSaysWhichEpochTheLogHasAtLeast() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(4));
        storage.put(LogFormat.fileName(5, LogFormat.BEGIN_SUFFIX), new byte[0]);
        try (Log log = new Log(storage, OPTIONS, new LogStart(5, 2))) {
            assertEquals(2, log.log.epoch());
            log.append(new byte[3]);
        }
        assertEquals(List.of(LogFormat.fileName(5)), segments(storage));
        try (Log log = new Log(storage, OPTIONS, new LogStart(5, 1))) {
            assertEquals(2, log.log.epoch());
        }
        EngineException e = assertThrows(EngineException.class, () -> new Log(storage, OPTIONS, new LogStart(5, 3)).close());
        assertTrue(e.getMessage().contains("epoch 2 follows one of epoch 3"), e.getMessage());
        try (Log log = new Log(storage, OPTIONS, new LogStart(6, 3))) {
            assertEquals(3, log.log.epoch());
        }
    }

    // ---- reading, compressing, trimming ----

    @Test
    void readsCompressesAndTrims() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(5));
        Random random = new Random(5);
        List<byte[]> all = fill(storage, random, 100, 200, 1500);
        try (Log log = open(storage, 0)) {
            for (int i = 0; i < 200; i++) {
                int from = random.nextInt(all.size());
                assertRead(all, log.files, from, from + random.nextInt(all.size() - from + 1));
            }
            List<LogFiles.SegmentInfo> before = log.files.segments();
            assertEquals(0, before.getFirst().firstOffset());
            assertEquals(all.size(), before.getLast().nextOffset());
            assertTrue(before.getLast().open());
            long below = before.get(4).firstOffset();
            assertEquals(0, log.files.compress(0));
            assertEquals(4, log.files.compress(below + 1));
            assertEquals(before.size() - 1 - 4, log.files.compress(Long.MAX_VALUE));
            assertEquals(0, log.files.compress(Long.MAX_VALUE));
            List<LogFiles.SegmentInfo> after = log.files.segments();
            assertEquals(before.size(), after.size());
            assertFalse(after.getLast().compressed());
            for (int i = 0; i < 4; i++) {
                assertTrue(after.get(i).compressed());
                assertTrue(after.get(i).bytes() < before.get(i).bytes());
                assertEquals(before.get(i).nextOffset(), after.get(i).nextOffset());
            }
            for (int i = 0; i < 200; i++) {
                int from = random.nextInt(all.size());
                assertRead(all, log.files, from, from + random.nextInt(all.size() - from + 1));
            }
            assertEquals(0, log.files.trim(before.get(1).firstOffset() - 1));
            assertEquals(4, log.files.trim(below));
            assertEquals(before.size() - 4, log.files.segments().size());
            assertRead(all, log.files, Math.toIntExact(below), all.size());
            EngineException e = assertThrows(EngineException.class, () -> read(log.files, below - 1, below));
            assertTrue(e.getMessage().contains("does not have transactions " + (below - 1)), e.getMessage());
            assertEquals(ErrorCode.INVALID_ARGUMENTS, assertThrows(
                    EngineException.class, () -> read(log.files, 0, all.size() + 1)).code());
        }
        try (Log log = open(storage, LogFormat.firstOffset(segments(storage).getFirst(), LogFormat.COMPRESSED_SUFFIX))) {
            assertReplayed(all, log);
        }
    }

    @Test
    void theToolForZstdGivesBackTheSegment(@TempDir Path directory) throws Exception {
        CommitLogs logs = new CommitLogs(OPTIONS.withSegmentBytesMax(3 << 20));
        Random random = new Random(6);
        byte[] before;
        try (Durability log = logs.open(directory, LogStart.EMPTY, (o, b, a, l) -> { })) {
            for (int i = 0; i < 40; i++) {
                byte[] record = record(i, row(random, 100_000));
                log.append(i, record, 0, record.length);
                while (i == 0 && log.durableOffset() < 0) {
                    Thread.onSpinWait();
                }
            }
            while (log.durableOffset() < 39) {
                Thread.onSpinWait();
            }
            before = Files.readAllBytes(directory.resolve(LogFormat.fileName(0)));
            assertTrue(log.files().orElseThrow().compress(Long.MAX_VALUE) >= 1);
        }
        assertFalse(Files.exists(directory.resolve(LogFormat.fileName(0))));
        Path compressed = directory.resolve(LogFormat.fileName(0) + ".zst");
        try (InputStream in = new ZstdInputStream(Files.newInputStream(compressed))) {
            assertArrayEquals(before, in.readAllBytes());
        }
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/zstd")), "zstd is installed");
        Process zstd = new ProcessBuilder("/usr/bin/zstd", "-d", "-q", compressed.toString()).inheritIO().start();
        assertEquals(0, zstd.waitFor());
        assertArrayEquals(before, Files.readAllBytes(directory.resolve(LogFormat.fileName(0))));
        // Both forms are there now, as after a crash; the plain one counts.
        try (Durability log = logs.open(directory, LogStart.EMPTY, (o, b, a, l) -> { })) {
            assertFalse(Files.exists(compressed));
            assertEquals(List.of(), log.files().orElseThrow().verify(LogFiles.Progress.NONE));
        }
    }

    /** As in a server that gets the same application again. */
    @Test
    void theLibraryForZstdLoadsInSeveralClassLoaders() throws Exception {
        URL jar = Zstd.class.getProtectionDomain().getCodeSource().getLocation();
        for (int i = 0; i < 3; i++) {
            try (URLClassLoader loader = new URLClassLoader(new URL[] {jar}, ClassLoader.getPlatformClassLoader())) {
                Class<?> zstd = loader.loadClass(Zstd.class.getName());
                assertNotSame(Zstd.class, zstd);
                byte[] compressed = (byte[]) zstd.getMethod("compress", byte[].class).invoke(null, new byte[1000]);
                assertArrayEquals(new byte[1000], Zstd.decompress(compressed, 1000));
            }
        }
    }

    /** Of every byte of a log with plain and compressed segments, whatever is changed is found, and never given out as data. */
    @Test
    void everyChangedByteIsFound() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(7));
        List<byte[]> all = fill(storage, new Random(7), 12, 40, 250);
        long last;
        try (Log log = open(storage, 0)) {
            last = log.files.segments().getLast().firstOffset();
            log.files.compress(log.files.segments().get(2).firstOffset());
        }
        Random random = new Random(8);
        for (String name : segments(storage)) {
            byte[] whole = storage.content(name);
            for (int at = 0; at < whole.length; at++) {
                FaultyStorage files = storage.restarted();
                try (Log log = open(files, last)) {
                    byte[] content = whole.clone();
                    content[at] ^= (byte) (1 << random.nextInt(8));
                    files.put(name, content);
                    List<LogDamage> findings = log.files.verify(LogFiles.Progress.NONE);
                    assertFalse(findings.isEmpty(), name + " byte " + at);
                    assertTrue(findings.getFirst().file().endsWith("memory/" + name), findings.toString());
                    assertTrue(findings.getFirst().position() <= at, findings.toString());
                    assertFalse(findings.getFirst().remedy().isBlank());
                    EngineException e = assertThrows(EngineException.class, () -> assertRead(all, log.files, 0, all.size()));
                    assertEquals(ErrorCode.STORAGE_CORRUPT, e.code());
                    assertTrue(e.getMessage().contains("memory/" + name), e.getMessage());
                }
                if (name.endsWith(".zst")) {
                    assertTrue(refused(files, 0).getMessage().contains("memory/" + name));
                }
            }
        }
    }

    @Test
    void verificationGoesOnBehindDamage() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(9));
        fill(storage, new Random(9), 60, 60, 500);
        try (Log log = open(storage, 0)) {
            List<Long> progress = new ArrayList<>();
            assertEquals(List.of(), log.files.verify((done, bytes) -> {
                assertTrue(done <= bytes);
                progress.add(done);
            }));
            long bytes = log.files.segments().stream().mapToLong(LogFiles.SegmentInfo::bytes).sum();
            assertEquals(bytes, progress.getLast());
            List<String> names = segments(storage);
            for (int i = 0; i < 3; i++) {
                byte[] content = storage.content(names.get(i));
                content[40] ^= 1;
                content[content.length - 3] ^= 1;
                storage.put(names.get(i), content);
            }
            storage.delete(names.get(4));
            List<LogDamage> findings = log.files.verify(LogFiles.Progress.NONE);
            assertEquals(6, findings.stream().filter(f -> !f.problem().contains("is missing")).count(), findings.toString());
            String missing = names.get(4);
            long first = LogFormat.firstOffset(missing, LogFormat.SUFFIX);
            long next = LogFormat.firstOffset(names.get(5), LogFormat.SUFFIX);
            assertTrue(findings.stream().anyMatch(f -> f.file().endsWith(missing)
                    && f.problem().equals("the file is missing, and with it transactions " + first + " to " + (next - 1))
                    && f.remedy().contains("take a snapshot and a backup now")), findings.toString());
        }
    }

    @Test
    void verificationMissesTheLastSegmentAndDoesNotBelieveAWrongMark() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(9));
        fill(storage, new Random(9), 60, 60, 500);
        try (Log log = open(storage, 0)) {
            log.append(new byte[1]);
            log.await();
            String last = segments(storage).getLast();
            storage.delete(last);
            String wrong = LogFormat.fileName(62, LogFormat.END_SUFFIX);
            storage.put(wrong, new byte[0]);
            List<LogDamage> findings = log.files.verify(LogFiles.Progress.NONE);
            assertEquals(List.of("memory/" + last, "memory/" + wrong), findings.stream().map(LogDamage::file).toList());
            assertTrue(findings.getFirst().problem().endsWith(" to 60"), findings.toString());
            assertTrue(findings.getFirst().remedy().contains("restore the database in place"), findings.toString());
            assertTrue(findings.getLast().problem().contains("before 62, but 61 comes next"), findings.toString());
        }
    }

    /** A log whose second segment ends where a start has left a gap. */
    @Test
    void verificationTellsOfGaps() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(10));
        fill(storage, new Random(10), 10, 60, 1 << 20);
        try (Log log = open(storage, 20)) {
            List<LogDamage> findings = log.files.verify(LogFiles.Progress.NONE);
            assertEquals(1, findings.size());
            assertTrue(findings.getFirst().problem().contains("transactions 10 to 19"), findings.toString());
            log.append(new byte[1]);
            log.await();
            findings = log.files.verify(LogFiles.Progress.NONE);
            assertEquals(1, findings.size());
            assertTrue(findings.getFirst().problem().contains("at transaction 20 where 10 is missing"), findings.toString());
            byte[] none = {1, 0};
            log.log.append(log.next++, none, 0, none.length);
            byte[] junk = {2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 5};
            log.log.append(log.next++, junk, 0, junk.length);
            log.await();
            assertEquals(2, log.files.verify(LogFiles.Progress.NONE).size());
            assertTrue(log.files.verify(LogFiles.Progress.NONE).getLast().problem().contains("transaction 22"));
        }
    }

    /** What is being written is unfinished, not damaged. */
    @Test
    void verificationDoesNotJudgeWhatIsBeingWritten() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(11));
        try (Log log = open(storage, 0)) {
            log.append(new byte[10]);
            log.await();
            int writes = storage.writes();
            storage.hold();
            log.append(new byte[100]);
            while (storage.writes() == writes) {
                Thread.onSpinWait();
            }
            String name = LogFormat.fileName(0);
            byte[] content = storage.content(name);
            content[content.length - 20] ^= 1;
            storage.put(name, content);
            assertEquals(List.of(), log.files.verify(LogFiles.Progress.NONE));
            content[50] ^= 1;
            storage.put(name, content);
            assertEquals(1, log.files.verify(LogFiles.Progress.NONE).size());
            storage.release();
        }
    }

    // ---- the index ----

    private static final int INDEXED = 400;

    /** About 440 KiB in one segment. */
    private static List<byte[]> fillIndexed(FaultyStorage storage) throws InterruptedException {
        List<byte[]> all = new ArrayList<>();
        try (Log log = new Log(storage, OPTIONS.withQueue(2, 1 << 20), LogStart.EMPTY)) {
            Random random = new Random(12);
            for (int i = 0; i < INDEXED; i++) {
                all.add(log.append(row(random, 900 + random.nextInt(400))));
            }
        }
        return all;
    }

    private static final String INDEX = LogFormat.fileName(0, LogFormat.INDEX_SUFFIX);

    @Test
    @Proves("durability.md 6.1")
    void theIndexSavesReadingAndIsMadeAnew() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(12));
        List<byte[]> all = fillIndexed(storage);
        byte[] index = storage.content(INDEX);
        int entries = (index.length - LogFormat.SEGMENT_HEADER_BYTES) / LogFormat.INDEX_ENTRY_BYTES;
        assertTrue(entries >= 5 && entries <= 7);
        assertEquals(0, (index.length - LogFormat.SEGMENT_HEADER_BYTES) % LogFormat.INDEX_ENTRY_BYTES);
        // Damage in front of what the index leads to is never met.
        byte[] content = storage.content(LogFormat.fileName(0));
        Arrays.fill(content, 200, 60_000, (byte) 7);
        FaultyStorage damaged = storage.restarted().put(LogFormat.fileName(0), content);
        try (Log log = open(damaged, INDEXED - 10)) {
            assertReplayed(all, log);
        }
        for (byte[] wrong : List.of(new byte[0], new byte[index.length], Arrays.copyOf(index, index.length - 1))) {
            FaultyStorage closed = storage.restarted().put(LogFormat.fileName(INDEXED), LogFormat.segmentHeader(INDEXED, 9));
            try (Log log = open(closed, INDEXED + 5)) {
                log.append(new byte[1]);
                log.await();
                closed.put(INDEX, wrong);
                log.files.verify(LogFiles.Progress.NONE);
                assertArrayEquals(index, closed.content(INDEX), "made anew by verification");
            }
        }
        FaultyStorage missing = storage.restarted();
        missing.delete(INDEX);
        try (Log log = new Log(missing, OPTIONS.withQueue(2, 1 << 20), LogStart.EMPTY)) {
            assertArrayEquals(index, missing.content(INDEX), "made anew");
            for (int i = 0; i < 200; i++) {
                log.append(row(new Random(i), 1500));
            }
        }
        assertTrue(missing.content(INDEX).length > index.length);
        assertArrayEquals(index, Arrays.copyOf(missing.content(INDEX), index.length), "and continued");
    }

    @Test
    void theIndexMayLeadToTheUnfinishedTail() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(12));
        List<byte[]> all = fillIndexed(storage);
        byte[] index = storage.content(INDEX);
        byte[] whole = storage.content(LogFormat.fileName(0));
        int entry = index.length - LogFormat.INDEX_ENTRY_BYTES;
        int offset = Math.toIntExact(LittleEndian.getLong(index, entry + LogFormat.INDEX_OFFSET));
        int position = Math.toIntExact(LittleEndian.getLong(index, entry + LogFormat.INDEX_POSITION_OFFSET));
        for (int length : new int[] {position + 1, position + 50}) {
            // As of a process that was killed: nothing says how far the log went.
            FaultyStorage files = storage.restarted().put(LogFormat.fileName(0), Arrays.copyOf(whole, length))
                    .without(LogFormat.fileName(INDEXED, LogFormat.END_SUFFIX));
            List<byte[]> now = new ArrayList<>(all.subList(0, offset));
            try (Log log = open(files, offset)) {
                assertEquals(0, log.replayed.size());
                now.add(log.append(new byte[1]));
            }
            try (Log log = open(files.powerLoss(), 0)) {
                assertReplayed(now, log);
                assertEquals(List.of(), log.files.verify(LogFiles.Progress.NONE));
            }
        }
    }

    @Test
    @Proves("durability.md 6.1")
    void aWrongIndexDoesNoHarm() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(12));
        List<byte[]> all = fillIndexed(storage);
        byte[] index = storage.content(INDEX);
        Random random = new Random(13);
        List<byte[]> wrong = new ArrayList<>();
        for (int at = 0; at < index.length; at++) {
            byte[] flipped = index.clone();
            flipped[at] ^= (byte) (1 << random.nextInt(8));
            wrong.add(flipped);
            wrong.add(Arrays.copyOf(index, at));
        }
        // Right checksums, wrong places.
        long salt = LittleEndian.getLong(index, LogFormat.SALT_OFFSET);
        for (int i = 0; i < 50; i++) {
            byte[] lying = index.clone();
            int entry = LogFormat.SEGMENT_HEADER_BYTES
                    + random.nextInt((index.length - LogFormat.SEGMENT_HEADER_BYTES) / LogFormat.INDEX_ENTRY_BYTES)
                    * LogFormat.INDEX_ENTRY_BYTES;
            int field = random.nextInt(3) * Long.BYTES;
            LittleEndian.putLong(lying, entry + field, LittleEndian.getLong(lying, entry + field) + random.nextInt(9) - 4);
            LittleEndian.putInt(lying, entry + LogFormat.INDEX_CHECKSUM_OFFSET,
                    LogFormat.checksum(salt, lying, entry, LogFormat.INDEX_CHECKSUM_OFFSET));
            wrong.add(lying);
        }
        wrong.add(new byte[10_000_000]);
        FaultyStorage other = new FaultyStorage(new Random(14));
        fillIndexed(other);
        wrong.add(other.content(INDEX));
        for (byte[] bytes : wrong) {
            FaultyStorage files = storage.restarted().put(INDEX, bytes);
            int start = random.nextInt(all.size());
            try (Log log = open(files, start)) {
                assertReplayed(all, log);
                int from = random.nextInt(all.size());
                assertRead(all, log.files, from, Math.min(from + 5, all.size()));
                assertEquals(from, log.files.offsetAfter(10 * from - 1));
                assertEquals(from + 1, log.files.offsetAfter(10 * from));
                assertEquals(List.of(), log.files.verify(LogFiles.Progress.NONE));
            }
        }
    }

    @Test
    void findsTransactionsByTime() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(15));
        List<byte[]> all = fill(storage, new Random(15), 100, 100, 1000);
        try (Log log = open(storage, 0)) {
            log.files.compress(50);
            log.files.trim(20);
            int first = Math.toIntExact(log.files.segments().getFirst().firstOffset());
            assertTrue(first > 5);
            for (int offset = -3; offset < all.size() + 3; offset++) {
                int expected = Math.min(Math.max(offset, first), all.size());
                assertEquals(expected, log.files.offsetAfter(10L * offset - 1));
                assertEquals(expected, log.files.offsetAfter(10L * offset - 10));
            }
        }
        FaultyStorage behind = new FaultyStorage(new Random(16));
        behind.put(LogFormat.fileName(7, LogFormat.BEGIN_SUFFIX), new byte[0]);
        try (Log log = open(behind, 7)) {
            assertEquals(7, log.files.offsetAfter(0));
        }
    }

    // ---- faults ----

    private static void compressAndTrim(Log log, int all) {
        log.files.compress(all * 3 / 4);
        log.files.trim(all / 2);
        log.files.compress(all);
    }

    /** Whatever a crash interrupts, a start from what is not to be trimmed finds everything, and nothing half done. */
    @Test
    @Proves("durability.md 6.5")
    void dyingAtEveryOperationOfCompressingAndTrimmingLosesNothing() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(17));
        List<byte[]> all = fill(storage, new Random(17), 30, 60, 300);
        FaultyStorage whole = storage.restarted();
        long opened;
        try (Log log = open(whole, 0)) {
            opened = whole.operations();
            compressAndTrim(log, all.size());
        }
        long operations = whole.operations();
        assertTrue(operations > opened + 20);
        Seeds.repeat(4, random -> {
            for (long n = opened; n <= operations; n++) {
                FaultyStorage files = storage.restarted();
                long at = n;
                files.dieWhen(o -> o == at);
                try (Log log = open(files, 0)) {
                    assertEquals(at < operations, !dies(() -> compressAndTrim(log, all.size())).isEmpty());
                }
                FaultyStorage next = random.nextBoolean() ? files.restarted() : files.powerLoss();
                long first = LogFormat.firstOffset(segments(next).getFirst().substring(0, 20) + ".log", ".log");
                assertTrue(first <= all.size() / 2);
                try (Log log = open(next, first)) {
                    assertReplayed(all, log);
                    assertEquals(List.of(), log.files.verify(LogFiles.Progress.NONE));
                    assertTrue(next.list().stream().noneMatch(f -> f.endsWith(".tmp")));
                    assertEquals(log.files.segments().size(), segments(next).size());
                    compressAndTrim(log, all.size());
                    assertRead(all, log.files, all.size() / 2, all.size());
                }
                try (Log log = open(next, all.size() / 2)) {
                    assertReplayed(all, log);
                }
            }
        });
    }

    private static String dies(Runnable action) {
        try {
            action.run();
            return "";
        } catch (EngineException e) {
            assertEquals(ErrorCode.STORAGE_FAILED, e.code());
            return e.getMessage();
        }
    }

    /** One operation fails, as when the disk is full, and the process lives on. */
    @Test
    void aFailureOfCompressingOrTrimmingLeavesTheLogRunning() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(18));
        List<byte[]> all = fill(storage, new Random(18), 30, 60, 300);
        for (long n = 0; n < 60; n++) {
            FaultyStorage files = storage.restarted();
            List<byte[]> now = new ArrayList<>(all);
            try (Log log = open(files, 0)) {
                long at = files.operations() + n;
                files.failWhen(o -> o == at);
                dies(() -> compressAndTrim(log, all.size()));
                files.failWhen(o -> false);
                now.add(log.append(new byte[5]));
                log.await();
                assertEquals(all.size(), log.log.durableOffset());
                assertRead(now, log.files, all.size() / 2, now.size());
                compressAndTrim(log, all.size());
                assertRead(now, log.files, all.size() / 2, now.size());
                assertEquals(List.of(), log.files.verify(LogFiles.Progress.NONE));
            }
            try (Log log = open(files, all.size() / 2)) {
                assertReplayed(now, log);
            }
        }
    }

    /** Every commit begins a segment here: whichever operation fails, it is the last one. */
    @Test
    @Proves("durability.md 1")
    void afterAFailedOperationOfAChangeOfSegmentsNothingMoreIsWritten() throws Exception {
        for (long n = 0; n < 25; n++) {
            FaultyStorage storage = new FaultyStorage(new Random(n));
            long durable;
            int sent = 0;
            long at;
            try (Log log = new Log(storage, OPTIONS.withSegmentBytesMax(1), LogStart.EMPTY)) {
                at = storage.operations() + n;
                storage.failOnceFrom(at);
                try {
                    for (; sent < 20; sent++) {
                        log.append(new byte[10]);
                        log.await();
                    }
                } catch (EngineException e) {
                    assertEquals(ErrorCode.STORAGE_FAILED, e.code());
                }
                durable = log.log.durableOffset();
                assertTrue(sent < 20 && durable < sent);
                assertEquals(ErrorCode.DATABASE_STOPPED, assertThrows(
                        EngineException.class, () -> log.files.compress(Long.MAX_VALUE)).code());
            }
            long operations = storage.operations();
            assertTrue(operations > at && operations <= at + 5, "nothing was tried again");
            try (Log log = open(storage.restarted(), 0)) {
                assertTrue(log.replayed.size() > durable && log.replayed.size() <= sent + 1);
            }
        }
    }

    /** Readers, a verifier, a compressor and a trimmer beside the log's thread. */
    @Test
    void everythingAtOnce() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(19));
        List<byte[]> all = Collections.synchronizedList(new ArrayList<>());
        AtomicLong trimmed = new AtomicLong();
        AtomicBoolean stop = new AtomicBoolean();
        AtomicLong reads = new AtomicLong();
        try (Log log = new Log(storage, OPTIONS.withSegmentBytesMax(4000).withQueue(5, 1 << 20), LogStart.EMPTY);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                Random random = new Random(i);
                running.add(threads.submit(() -> {
                    while (!stop.get()) {
                        int until = Math.toIntExact(log.log.durableOffset() + 1);
                        int from = Math.toIntExact(trimmed.get());
                        from += random.nextInt(Math.max(1, until - from));
                        int end = from + random.nextInt(Math.max(1, until - from));
                        try {
                            assertRead(all, log.files, from, end);
                            reads.incrementAndGet();
                        } catch (EngineException e) {
                            assertTrue(from < trimmed.get(), e.getMessage());
                        }
                    }
                }));
            }
            running.add(threads.submit(() -> {
                while (!stop.get()) {
                    assertEquals(List.of(), log.files.verify(LogFiles.Progress.NONE));
                }
            }));
            running.add(threads.submit(() -> {
                while (!stop.get()) {
                    log.files.compress(log.log.durableOffset() - 100);
                    long below = Math.max(0, log.log.durableOffset() - 400);
                    trimmed.set(below);
                    log.files.trim(below);
                }
            }));
            Random random = new Random(20);
            for (int i = 0; i < 6000; i++) {
                byte[] row = row(random, random.nextInt(200));
                all.add(record(10L * i, row));
                log.append(row);
                if (i % 500 == 0) {
                    log.await();
                }
            }
            log.await();
            stop.set(true);
            for (Future<?> f : running) {
                f.get(60, TimeUnit.SECONDS);
            }
            assertTrue(reads.get() > 10);
            assertTrue(trimmed.get() > 5000);
            assertTrue(segments(storage).size() < 100);
        }
    }

    /** While a reader stands in a segment, that is compressed under it and not trimmed. */
    @Test
    void aReaderIsNotDisturbed() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(21));
        List<byte[]> all = fill(storage, new Random(21), 40, 60, 400);
        try (Log log = open(storage, 0)) {
            long second = log.files.segments().get(1).firstOffset();
            List<byte[]> found = new ArrayList<>();
            log.files.read(0, all.size(), (offset, buffer, at, length) -> {
                found.add(Arrays.copyOfRange(buffer, at, at + length));
                if (offset == 0) {
                    assertEquals(0, log.files.trim(all.size()));
                    assertTrue(log.files.compress(all.size()) > 3);
                }
                if (offset == second) {
                    assertEquals(1, log.files.trim(all.size()));
                }
            });
            assertEquals(all.size(), found.size());
            for (int i = 0; i < all.size(); i++) {
                assertArrayEquals(all.get(i), found.get(i));
            }
            log.files.trim(Long.MAX_VALUE);
            assertEquals(1, log.files.segments().size());
        }
    }

    /** A life of a log: starts from ever newer snapshots, segments that shrink and go, crashes of every kind. */
    @Test
    @Proves("durability.md 1")
    @Proves("durability.md 8")
    @SuppressWarnings("try") // closed early on purpose
    void whatIsDurableFromASnapshotOnSurvives() {
        Seeds.repeat(RUNS, random -> {
            FaultyStorage files = new FaultyStorage(random);
            List<byte[]> sent = new ArrayList<>();
            long reported = -1;
            int snapshot = 0;
            // Large enough for indexes, or small enough for many segments.
            int scale = random.nextInt(3) == 0 ? 100 : 1;
            for (int crash = 0; crash < 6; crash++) {
                FaultyStorage running = files;
                long at = random.nextInt(120);
                running.dieWhen(n -> n == at);
                CommitLogOptions options = OPTIONS.withSegmentBytesMax(1 + random.nextInt(3000 * scale))
                        .withQueue(1 + random.nextInt(20), 1 + random.nextInt(2000 * scale));
                try (Log log = new Log(running, options, new LogStart(snapshot, 0))) {
                    try {
                        assertTrue(log.next > reported, "transaction " + reported + " was durable");
                        sent.subList(Math.toIntExact(log.next), sent.size()).clear();
                        assertReplayed(sent, log);
                        while (true) {
                            snapshot = act(random, log, sent, snapshot, scale);
                        }
                    } finally {
                        log.log.close();
                        reported = log.log.durableOffset();
                    }
                } catch (EngineException e) {
                    assertTrue(e.code() == ErrorCode.STORAGE_FAILED || e.code() == ErrorCode.DATABASE_STOPPED, e.describe());
                }
                files = random.nextInt(3) == 0 ? files.restarted() : files.powerLoss();
            }
            try (Log log = open(files, snapshot)) {
                assertReplayed(sent.subList(0, Math.toIntExact(log.next)), log);
                assertTrue(log.next > reported);
                assertEquals(List.of(), log.files.verify(LogFiles.Progress.NONE));
            }
        });
    }

    private static int act(Random random, Log log, List<byte[]> sent, int snapshot, int scale) throws InterruptedException {
        int durable = Math.toIntExact(log.log.durableOffset());
        switch (random.nextInt(12)) {
            case 0 -> log.files.compress(random.nextInt(durable + 2));
            case 1 -> log.files.trim(snapshot);
            case 2 -> {
                if (durable >= snapshot) {
                    int from = snapshot + random.nextInt(durable + 1 - snapshot);
                    assertRead(sent, log.files, from, from + random.nextInt(durable + 2 - from));
                }
            }
            case 3 -> {
                return snapshot + random.nextInt(durable + 2 - snapshot);
            }
            case 4 -> log.await();
            default -> {
                byte[] row = row(random, random.nextInt((random.nextInt(20) == 0 ? 3000 : 60) * scale));
                // Before it is appended: that may fail, and the record be there all the same.
                sent.add(record(10 * log.next, row));
                log.append(row);
            }
        }
        return snapshot;
    }

    // ---- compressed files that nobody wrote ----

    @Test
    void aHostileCompressedSegmentIsRefusedWithinLittleMemory() throws Exception {
        byte[] bomb = Zstd.compress(new byte[200 << 20]);
        byte[] two = Zstd.compress(new byte[CompressedSegment.FRAME_BYTES + 1]);
        byte[] few = Zstd.compress(new byte[3]);
        byte[] junk = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        List<byte[]> hostile = List.of(
                compressedFile(1 << 20, 1, bomb), compressedFile(1 << 20, 1, two), compressedFile(100, 1, few),
                compressedFile(100, 1, junk), compressedFile(100, 2, few), compressedFile(-1, 1, few),
                compressedFile(Long.MAX_VALUE, 1, few), compressedFile(100, Integer.MAX_VALUE, few), compressedFile(100, -1, few),
                compressedFile(100, 0, few), new byte[0], new byte[100]);
        for (byte[] bytes : hostile) {
            FaultyStorage files = new FaultyStorage(new Random(1)).put(LogFormat.fileName(0) + ".zst", bytes);
            assertTrue(refused(files, 0).getMessage().contains(".log.zst is damaged at byte "));
        }
    }

    /** One frame with a right table around it that says it has so many bytes and frames. */
    private static byte[] compressedFile(long size, int frames, byte[] frame) {
        byte[] all = Arrays.copyOf(frame, frame.length + 8 + 8 + 32);
        int table = frame.length;
        LittleEndian.putInt(all, table, 0x184D2A50);
        LittleEndian.putInt(all, table + 4, 8 + 32);
        LittleEndian.putInt(all, table + 8, frame.length);
        CRC32C crc = new CRC32C();
        crc.update(frame);
        LittleEndian.putInt(all, table + 12, (int) crc.getValue());
        LittleEndian.putLong(all, table + 16, size);
        LittleEndian.putInt(all, table + 24, CompressedSegment.FRAME_BYTES);
        LittleEndian.putInt(all, table + 28, frames);
        LittleEndian.putInt(all, table + 32, 1);
        System.arraycopy(LogFormat.MAGIC, 0, all, table + 36, 8);
        crc.reset();
        crc.update(all, table, 44);
        LittleEndian.putInt(all, table + 44, (int) crc.getValue());
        return all;
    }
}
