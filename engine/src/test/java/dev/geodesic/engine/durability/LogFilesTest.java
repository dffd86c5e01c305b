package dev.geodesic.engine.durability;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.testkit.Proves;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Starts, the index, compressed segments, trimming and verification. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LogFilesTest {

    private static final CommitLogOptions OPTIONS = CommitLogOptions.DEFAULTS;
    private static final Logger READER = Logger.getLogger(LogReader.class.getName());

    @BeforeAll
    static void silence() {
        READER.setLevel(Level.OFF);
    }

    @AfterAll
    static void speak() {
        READER.setLevel(null);
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
        List<byte[]> all = fill(storage, new Random(1), 100, 40, 500);
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

    @Test
    void theStartSaysWhichEpochTheLogHasAtLeast() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(4));
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
}
