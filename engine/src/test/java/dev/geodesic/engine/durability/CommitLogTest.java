package dev.geodesic.engine.durability;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CommitLogTest {

    private static final CommitLogOptions OPTIONS = CommitLogOptions.DEFAULTS;
    private static final String FIRST = "00000000000000000000.log";

    private static final Logger READER = Logger.getLogger(LogReader.class.getName());

    private final FaultyStorage storage = new FaultyStorage(new Random(Seeds.seed()));

    @BeforeAll
    static void silence() {
        READER.setLevel(Level.OFF);
    }

    @AfterAll
    static void speak() {
        READER.setLevel(null);
    }

    /** A log together with what it holds and reports. */
    static final class Log implements AutoCloseable {

        final List<byte[]> replayed = new ArrayList<>();
        final List<RuntimeException> failures = new ArrayList<>();
        final CompletableFuture<RuntimeException> failure = new CompletableFuture<>();
        final CommitLog log;
        private long reported = -1;
        long next;

        Log(FaultyStorage storage, CommitLogOptions options) {
            log = CommitLog.open(storage, options, LogStart.EMPTY, (offset, buffer, at, length) -> {
                assertEquals(replayed.size(), offset);
                replayed.add(Arrays.copyOfRange(buffer, at, at + length));
            });
            next = replayed.size();
            reported = next - 1;
            assertEquals(reported, log.durableOffset());
            log.listen(this::durable, this::failed);
        }

        private synchronized void durable(long offset) {
            assertTrue(offset > reported, "the durable offset rises");
            assertEquals(offset, log.durableOffset());
            reported = offset;
            notifyAll();
        }

        private synchronized void failed(RuntimeException e) {
            failures.add(e);
            failure.complete(e);
            notifyAll();
        }

        synchronized long reported() {
            return reported;
        }

        /** Waits until the record is durable, or the log has failed. */
        synchronized void await(long offset) throws InterruptedException {
            while (reported < offset && failures.isEmpty()) {
                wait();
            }
        }

        void append(byte[] record) {
            log.append(next, record, 0, record.length);
            next++;
        }

        void append(String record) {
            append(record.getBytes(StandardCharsets.UTF_8));
        }

        /** One commit of one record. */
        void commit(String record) throws InterruptedException {
            append(record);
            await(next - 1);
        }

        List<String> texts() {
            return replayed.stream().map(r -> new String(r, StandardCharsets.UTF_8)).toList();
        }

        @Override
        public void close() {
            log.close();
        }
    }

    private static Log open(FaultyStorage storage) {
        return new Log(storage, OPTIONS);
    }

    private static List<String> texts(FaultyStorage storage) {
        try (Log log = open(storage)) {
            return log.texts();
        }
    }

    private static EngineException refused(FaultyStorage storage) {
        EngineException e = assertThrows(EngineException.class, () -> open(storage).close());
        assertEquals(ErrorCode.STORAGE_CORRUPT, e.code());
        return e;
    }

    private static FaultyStorage with(byte[] segment) {
        return new FaultyStorage(new Random(1)).put(FIRST, segment);
    }

    // ---- round trips ----

    @Test
    void givesBackWhatWasAppended() {
        Seeds.repeat(20, random -> {
            FaultyStorage files = new FaultyStorage(random);
            List<byte[]> all = new ArrayList<>();
            for (int run = 0; run < 4; run++) {
                CommitLogOptions options = OPTIONS.withSegmentBytesMax(1 + random.nextInt(100_000))
                        .withQueue(1 + random.nextInt(100), 1 + random.nextInt(10_000));
                try (Log log = new Log(files, options)) {
                    assertEquals(all.size(), log.replayed.size());
                    for (int i = 0; i < all.size(); i++) {
                        assertArrayEquals(all.get(i), log.replayed.get(i));
                    }
                    for (int i = random.nextInt(200); i > 0; i--) {
                        byte[] record = new byte[random.nextInt(100) == 0 ? random.nextInt(50_000) : random.nextInt(100)];
                        random.nextBytes(record);
                        all.add(record);
                        log.append(record);
                    }
                }
            }
        });
    }

    @Test
    void copiesTheBytesOfARecord() throws Exception {
        byte[] buffer = "..abc..".getBytes(StandardCharsets.UTF_8);
        storage.hold();
        try (Log log = open(storage)) {
            log.log.append(0, buffer, 2, 3);
            Arrays.fill(buffer, (byte) 'x');
            storage.release();
            log.await(0);
        }
        assertEquals(List.of("abc"), texts(storage));
    }

    @Test
    void aRecordMayBeLargerThanBuffersAndSegments() throws Exception {
        byte[] large = new byte[5 << 20];
        new Random(1).nextBytes(large);
        try (Log log = new Log(storage, OPTIONS.withSegmentBytesMax(1000))) {
            log.append("a");
            log.append(large);
            log.append("b");
        }
        try (Log log = open(storage)) {
            assertEquals(3, log.replayed.size());
            assertArrayEquals(large, log.replayed.get(1));
        }
    }

    @Test
    void startsANewSegmentWhenTheLastOneIsFull() throws Exception {
        try (Log log = new Log(storage, OPTIONS.withSegmentBytesMax(200))) {
            for (int i = 0; i < 10; i++) {
                log.commit("record " + i);
            }
        }
        // 32 bytes of header; 44 of a commit: three fit.
        assertEquals(List.of(FIRST, "00000000000000000003.log", "00000000000000000006.log", "00000000000000000009.log",
                "00000000000000000010.end"), storage.list());
        assertEquals(10, texts(storage).size());
    }

    @Test
    void whatWaitsIsWrittenAndForcedAtOnce() throws Exception {
        try (Log log = open(storage)) {
            log.commit("first");
            int writes = storage.writes();
            int forces = storage.forces();
            storage.hold();
            log.append("second");
            while (storage.writes() == writes) {
                Thread.onSpinWait();
            }
            for (int i = 0; i < 1000; i++) {
                log.append("record " + i);
            }
            assertEquals(0, log.log.durableOffset());
            storage.release();
            log.await(1001);
            assertEquals(writes + 2, storage.writes());
            assertEquals(forces + 2, storage.forces());
        }
        assertEquals(1002, texts(storage).size());
    }

    @Test
    void appendWaitsWhileTheQueueIsFull() throws Exception {
        try (Log log = new Log(storage, OPTIONS.withQueue(4, 1 << 20))) {
            log.commit("first");
            int writes = storage.writes();
            storage.hold();
            log.append("second");
            while (storage.writes() == writes) {
                Thread.onSpinWait();
            }
            for (int i = 0; i < 4; i++) {
                log.append("queued");
            }
            CompletableFuture<Void> fifth = CompletableFuture.runAsync(() -> log.append("one too many"));
            assertThrows(TimeoutException.class, () -> fifth.get(50, TimeUnit.MILLISECONDS));
            storage.release();
            fifth.get(10, TimeUnit.SECONDS);
        }
        assertEquals(7, texts(storage).size());
    }

    @Test
    void closeWritesWhatWaitsAndEndsTheLog() {
        Log log = open(storage);
        for (int i = 0; i < 100; i++) {
            log.append("r");
        }
        log.close();
        assertEquals(99, log.reported());
        log.close();
        assertEquals(ErrorCode.DATABASE_STOPPED, assertThrows(EngineException.class, () -> log.append("late")).code());
        assertEquals(100, texts(storage).size());
    }

    @Test
    void offsetsMustRiseByOne() {
        try (Log log = open(storage)) {
            assertEquals(ErrorCode.INTERNAL,
                    assertThrows(EngineException.class, () -> log.log.append(1, new byte[1], 0, 1)).code());
        }
    }

    // ---- tails ----

    /** Two commits, the second of three records; returns where the second begins. */
    private int twoCommits() throws InterruptedException {
        try (Log log = open(storage)) {
            storage.hold();
            log.append("first");
            while (storage.writes() < 1) {
                Thread.onSpinWait();
            }
            log.append("second");
            log.append("");
            log.append("third");
            storage.release();
        }
        return LogFormat.SEGMENT_HEADER_BYTES + LogFormat.COMMIT_HEADER_BYTES + LogFormat.LENGTH_BYTES + 5
                + LogFormat.CHECKSUM_BYTES;
    }

    private static void opensWithTheFirstOnly(byte[] segment, String what) throws InterruptedException {
        FaultyStorage files = with(segment);
        try (Log log = open(files)) {
            assertEquals(List.of("first"), log.texts(), what);
            log.commit("another");
        }
        assertEquals(List.of("first", "another"), texts(files), what);
    }

    @Test
    @Proves("durability.md 8")
    void aTailCutAnywhereLosesTheLastCommitOnly() throws Exception {
        int second = twoCommits();
        byte[] whole = storage.content(FIRST);
        assertEquals(List.of("first", "second", "", "third"), texts(with(whole)));
        for (int length = second; length < whole.length; length++) {
            opensWithTheFirstOnly(Arrays.copyOf(whole, length), "cut to " + length);
            byte[] zeroed = Arrays.copyOf(Arrays.copyOf(whole, length), whole.length);
            if (!Arrays.equals(zeroed, whole)) {
                opensWithTheFirstOnly(zeroed, "zeros from " + length);
            }
        }
        for (int length = 0; length < second; length++) {
            FaultyStorage files = with(Arrays.copyOf(whole, length));
            assertEquals(List.of(), texts(files), "cut to " + length);
            assertEquals(List.of(), files.list());
        }
    }

    @Test
    void aFlippedBitInTheLastCommitLosesIt() throws Exception {
        int second = twoCommits();
        byte[] whole = storage.content(FIRST);
        for (int bit = second * 8; bit < whole.length * 8; bit++) {
            byte[] flipped = whole.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            opensWithTheFirstOnly(flipped, "bit " + bit);
        }
    }

    @Test
    @Proves("durability.md 8")
    void aFlippedBitBeforeTheLastCommitIsRefused() throws Exception {
        int second = twoCommits();
        byte[] whole = storage.content(FIRST);
        for (int bit = 0; bit < second * 8; bit++) {
            byte[] flipped = whole.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            FaultyStorage files = with(flipped);
            EngineException e = refused(files);
            int at = bit / 8 < LogFormat.SEGMENT_HEADER_BYTES ? 0 : LogFormat.SEGMENT_HEADER_BYTES;
            assertTrue(e.getMessage().contains("memory/" + FIRST + " is damaged at byte " + at), e.getMessage());
            assertTrue(e.getMessage().contains("Restore the directory from a backup"), e.getMessage());
            assertArrayEquals(flipped, files.content(FIRST), "nothing is changed");
        }
    }

    @Test
    void cuttingWhereTheMessageSaysOpensTheLogAgain() throws Exception {
        int second = twoCommits();
        byte[] damaged = storage.content(FIRST);
        damaged[second - 1] ^= 1;
        assertTrue(refused(with(damaged)).getMessage().contains("cut the file to 32 bytes"));
        assertEquals(List.of(), texts(with(Arrays.copyOf(damaged, 32))));
    }

    @Test
    @Timeout(60)
    void recordsAreGatheredUntilTheWriterRestsOrTheQueueIsFull() throws Exception {
        CommitLogOptions patient = OPTIONS.withQueue(4, 1 << 20).withGatherMicrosMax(Integer.MAX_VALUE);
        try (Log log = new Log(storage, patient)) {
            log.commit("the first one waits for nobody");
            long first = log.next;
            log.append("one");
            log.append("two");
            assertEquals(first - 1, log.log.durableOffset());
            log.log.flush();
            log.await(first + 1);
            for (int i = 0; i < 5; i++) {
                // The fifth finds the queue full.
                log.append("more");
            }
            log.await(first + 5);
            log.append("the end");
        }
        try (Log log = new Log(storage, patient)) {
            assertEquals(9, log.texts().size());
        }
    }

    @Test
    void oldBlocksBehindATornCommitAreNotTakenForCommits() throws Exception {
        int second = twoCommits();
        byte[] whole = storage.content(FIRST);
        // The same commits with another salt, as a deleted log leaves them on the disk; or as a row that holds log bytes.
        FaultyStorage other = new FaultyStorage(new Random(2));
        try (Log log = open(other)) {
            for (int i = 0; i < 5; i++) {
                log.commit("commit");
            }
        }
        byte[] old = other.content(FIRST);
        byte[] tail = Arrays.copyOf(whole, second + old.length);
        System.arraycopy(old, 0, tail, second, old.length);
        opensWithTheFirstOnly(tail, "old blocks");
    }

    @Test
    void damageInAnEarlierSegmentIsRefused() throws Exception {
        try (Log log = new Log(storage, OPTIONS.withSegmentBytesMax(100))) {
            for (int i = 0; i < 4; i++) {
                log.commit("record " + i);
            }
        }
        String middle = "00000000000000000001.log";
        byte[] content = storage.content(middle);
        for (int length = 0; length < content.length; length++) {
            FaultyStorage files = storage.restarted();
            files.put(middle, Arrays.copyOf(content, length));
            refused(files);
        }
        for (int at = 0; at < content.length; at++) {
            byte[] flipped = content.clone();
            flipped[at] ^= 0x10;
            FaultyStorage files = storage.restarted();
            files.put(middle, flipped);
            refused(files);
        }
        FaultyStorage missing = storage.restarted();
        missing.delete(middle);
        assertTrue(refused(missing).getMessage().contains("transaction 2 where 1 is missing"));
        FaultyStorage renamed = storage.restarted();
        renamed.rename("00000000000000000003.log", "00000000000000000004.log");
        refused(renamed);
        FaultyStorage swapped = storage.restarted();
        swapped.put(middle, storage.content("00000000000000000002.log"));
        assertTrue(refused(swapped).getMessage().contains("belongs to another segment"));
        FaultyStorage headless = storage.restarted();
        headless.delete(FIRST);
        refused(headless);
    }

    @Test
    void aLastSegmentWithoutACommitIsRemoved() throws Exception {
        try (Log log = open(storage)) {
            log.commit("first");
        }
        for (int length = 0; length <= 40; length++) {
            FaultyStorage files = storage.restarted();
            byte[] header = Arrays.copyOf(LogFormat.segmentHeader(1, 7), length);
            files.put("00000000000000000001.log", header);
            try (Log log = open(files)) {
                assertEquals(List.of("first"), log.texts());
                assertEquals(List.of(FIRST, "00000000000000000001.end"), files.list());
                log.commit("second");
            }
            assertEquals(List.of("first", "second"), texts(files));
        }
        FaultyStorage gap = storage.restarted();
        gap.put("00000000000000000002.log", new byte[0]);
        refused(gap);
    }

    @Test
    void otherFilesAreLeftAlone() throws Exception {
        List<String> names = List.of("notes.txt", "1.log", "99999999999999999999.log", "0000000000000000000a.log");
        names.forEach(n -> storage.put(n, new byte[100]));
        try (Log log = open(storage)) {
            log.commit("first");
        }
        assertEquals(List.of("first"), texts(storage));
        assertTrue(storage.list().containsAll(names));
    }

    // ---- the format ----

    private static byte[] example() {
        return HexFormat.of().parseHex(("""
                47454f4445534943 01 00 0000 0000000000000000 0102030405060708 94119cc7
                0000000000000000 0000000000000000 02000000 0b000000 75a602fb
                03000000 616263 00000000 059029f4
                """).replaceAll("\\s", ""));
    }

    @Test
    void theBytesOfLogsThatExistAreStillRight() throws Exception {
        CommitLogOptions options = new CommitLogOptions(
                1 << 20, 16, 1 << 20, 0, OPTIONS.threads(), () -> 0x0807060504030201L);
        byte[] commit = new byte[LogFormat.COMMIT_HEADER_BYTES + 11 + 4];
        System.arraycopy(HexFormat.of().parseHex("0300000061626300000000"), 0, commit, LogFormat.COMMIT_HEADER_BYTES, 11);
        LogFormat.sealCommit(0x0807060504030201L, commit, 0, 0, 0, 2, 11);
        byte[] header = LogFormat.segmentHeader(0, 0x0807060504030201L);
        byte[] all = Arrays.copyOf(header, header.length + commit.length);
        System.arraycopy(commit, 0, all, header.length, commit.length);
        assertEquals(HexFormat.of().formatHex(example()), HexFormat.of().formatHex(all));
        FaultyStorage files = with(example());
        try (Log log = new Log(files, options)) {
            assertEquals(List.of("abc", ""), log.texts());
        }
    }

    private static byte[] segment(byte[]... commits) {
        byte[] all = LogFormat.segmentHeader(0, 5);
        for (byte[] commit : commits) {
            int at = all.length;
            all = Arrays.copyOf(all, at + commit.length);
            System.arraycopy(commit, 0, all, at, commit.length);
        }
        return all;
    }

    private static byte[] commit(long firstOffset, long epoch, int count, String records) {
        byte[] bytes = HexFormat.of().parseHex(records);
        byte[] commit = new byte[LogFormat.COMMIT_HEADER_BYTES + bytes.length + LogFormat.CHECKSUM_BYTES];
        System.arraycopy(bytes, 0, commit, LogFormat.COMMIT_HEADER_BYTES, bytes.length);
        LogFormat.sealCommit(5, commit, 0, firstOffset, epoch, count, bytes.length);
        return commit;
    }

    @Test
    void theEpochIsKeptAndNeverFalls() throws Exception {
        FaultyStorage files = with(segment(commit(0, 3, 1, "0100000061")));
        try (Log log = open(files)) {
            log.commit("b");
        }
        byte[] content = files.content(FIRST);
        assertEquals(3, content[content.length - 5 - LogFormat.COMMIT_HEADER_BYTES - 4 + LogFormat.EPOCH_OFFSET]);
        refused(with(segment(commit(0, 3, 1, "0100000061"), commit(1, 2, 1, "0100000061"))));
        refused(with(segment(commit(0, -1, 1, "0100000061"))));
    }

    @Test
    void contentThatNoWriterMadeIsRefusedInSpiteOfRightChecksums() {
        assertEquals(List.of("a"), texts(with(segment(commit(0, 0, 1, "0100000061")))));
        for (byte[] commit : List.of(
                commit(1, 0, 1, "0100000061"),
                commit(0, 0, 0, ""),
                commit(0, 0, -1, "0100000061"),
                commit(0, 0, 2, "0100000061"),
                commit(0, 0, 1, "010000006161"),
                commit(0, 0, 1, "0200000061"),
                commit(0, 0, 1, "ffffffff61"),
                commit(0, 0, 1, "ffffff7f61"),
                commit(0, 0, 1, "010000"))) {
            refused(with(segment(commit)));
        }
        byte[] newer = segment(commit(0, 0, 1, "0100000061"));
        newer[LogFormat.VERSION_OFFSET] = 2;
        int crc = LogFormat.checksum(5, newer, 0, LogFormat.SEGMENT_CHECKSUM_OFFSET);
        LittleEndian.putInt(newer, LogFormat.SEGMENT_CHECKSUM_OFFSET, crc);
        assertTrue(refused(with(newer)).getMessage().contains("start the newer server"));
    }

    // ---- failures ----

    @Test
    void afterAFailureNothingIsAcceptedAndNothingCountsAsDurable() {
        Seeds.repeat(200, random -> {
            FaultyStorage files = new FaultyStorage(random);
            long at = random.nextInt(40);
            files.failOnceFrom(at);
            List<String> sent = new ArrayList<>();
            Log log;
            try {
                log = new Log(files, OPTIONS.withSegmentBytesMax(300));
            } catch (EngineException e) {
                assertEquals(ErrorCode.STORAGE_FAILED, e.code());
                return;
            }
            boolean thrown = false;
            while (!thrown && sent.size() < 100_000) {
                try {
                    log.append("record " + sent.size());
                    sent.add("record " + sent.size());
                    if (random.nextInt(4) == 0) {
                        Thread.yield();
                    }
                } catch (EngineException e) {
                    assertEquals(ErrorCode.STORAGE_FAILED, e.code());
                    thrown = true;
                }
            }
            assertTrue(thrown, "the failure was noticed");
            long reported = log.reported();
            long operations = files.operations();
            assertThrows(EngineException.class, () -> log.append("again"));
            log.failure.get(10, TimeUnit.SECONDS);
            log.close();
            assertEquals(1, log.failures.size());
            assertEquals(ErrorCode.STORAGE_FAILED, ((EngineException) log.failures.getFirst()).code());
            assertEquals(operations, files.operations(), "nothing was tried again");
            assertEquals(reported, log.log.durableOffset());
            // The process starts again on the same machine; then the power fails: only now what the kernel dropped is gone.
            FaultyStorage restarted = files.restarted();
            List<String> recovered;
            try (Log next = open(restarted)) {
                recovered = next.texts();
                assertEquals(recovered.size() - 1, next.log.durableOffset());
            }
            assertTrue(recovered.size() > reported);
            assertEquals(sent.subList(0, recovered.size()), recovered);
            assertEquals(recovered, texts(restarted.powerLoss()), "what was replayed counts as durable");
        });
    }

    @Test
    void aWaitingAppendIsToldOfTheFailure() throws Exception {
        try (Log log = new Log(storage, OPTIONS.withQueue(1, 1 << 20))) {
            log.commit("first");
            int writes = storage.writes();
            storage.hold();
            log.append("second");
            while (storage.writes() == writes) {
                Thread.onSpinWait();
            }
            log.append("third");
            CompletableFuture<Void> waiting = CompletableFuture.runAsync(() -> log.append("fourth"));
            assertFalse(waiting.isDone());
            storage.failWhen(n -> true);
            storage.release();
            Exception e = assertThrows(ExecutionException.class, () -> waiting.get(10, TimeUnit.SECONDS));
            assertEquals(ErrorCode.STORAGE_FAILED, ((EngineException) e.getCause()).code());
            assertEquals(0, log.log.durableOffset());
        }
    }

    // ---- the mark of the end ----

    private static String mark(long offset) {
        return LogFormat.fileName(offset, LogFormat.END_SUFFIX);
    }

    private void stopAfterFour(int segmentBytes) throws InterruptedException {
        try (Log log = new Log(storage, OPTIONS.withSegmentBytesMax(segmentBytes))) {
            for (int i = 0; i < 4; i++) {
                log.commit("record " + i);
            }
        }
    }

    @Test
    void aLogThatWasStoppedSaysHowFarItWent() throws Exception {
        open(storage).close();
        assertEquals(List.of(), storage.list(), "of nothing there is nothing to say");
        stopAfterFour(1000);
        assertEquals(List.of(FIRST, mark(4)), storage.list());
        assertTrue(storage.powerLoss().list().containsAll(List.of(FIRST, mark(4))), "durably");
        long operations = storage.operations();
        open(storage).close();
        assertTrue(storage.operations() <= operations + 3, "what is said is not said again");
        try (Log log = open(storage)) {
            assertEquals(4, log.replayed.size());
            log.commit("more");
            FaultyStorage killed = storage.restarted();
            assertEquals(List.of(FIRST, mark(4)), killed.list(), "what was true is true still");
            assertEquals(5, texts(killed).size());
        }
        assertEquals(List.of(FIRST, mark(5)), storage.list());
        // The newest one counts, if an older one could not be deleted.
        storage.put(mark(3), new byte[0]);
        assertEquals(5, texts(storage).size());
        assertTrue(refused(storage.restarted().put(mark(17), new byte[0])).getMessage().contains(mark(17)));
    }

    @Test
    @Proves("durability.md 8")
    void aLastSegmentThatIsGoneIsMissed() throws Exception {
        stopAfterFour(100);
        String last = "00000000000000000003.log";
        EngineException e = refused(storage.restarted().without(last));
        for (String part : List.of(
                "memory/00000000000000000002.log", "at byte 76", "the log ends before transaction 3, but " + mark(4)
                + " says that the log held all transactions before 4", "to go on without transactions 3 to 3",
                "delete " + mark(4))) {
            assertTrue(e.getMessage().contains(part), e.getMessage());
        }
        assertEquals(List.of("record 0", "record 1", "record 2"), texts(storage.restarted().without(last).without(mark(4))));
        FaultyStorage none = new FaultyStorage(new Random(1)).put(mark(4), new byte[0]);
        assertTrue(refused(none).getMessage().contains("the log in memory is gone: " + mark(4)));
        assertEquals(List.of(mark(4)), none.list());
        for (int length = 0; length <= LogFormat.SEGMENT_HEADER_BYTES; length++) {
            FaultyStorage files = storage.restarted();
            byte[] header = Arrays.copyOf(files.content(last), length);
            files.put(last, header);
            refused(files);
            assertArrayEquals(header, files.content(last), "nothing is changed");
        }
    }

    /** Nothing was being written when the log was stopped. */
    @Test
    @Proves("durability.md 8")
    void aLastCommitThatIsCutOrDamagedIsMissed() throws Exception {
        stopAfterFour(1000);
        byte[] whole = storage.content(FIRST);
        int commit = (whole.length - LogFormat.SEGMENT_HEADER_BYTES) / 4;
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            FaultyStorage files = storage.restarted().put(FIRST, cut);
            refused(files);
            assertArrayEquals(cut, files.content(FIRST), "nothing is changed");
        }
        for (int at = whole.length - commit; at < whole.length; at++) {
            byte[] flipped = whole.clone();
            flipped[at] ^= 0x20;
            EngineException e = refused(storage.restarted().put(FIRST, flipped));
            assertTrue(e.getMessage().contains(mark(4)), e.getMessage());
            assertEquals(3, texts(storage.restarted().put(FIRST, flipped).without(mark(4))).size());
        }
    }

    @Test
    void aSegmentThatWasBegunIsMissedAfterAKillToo() throws Exception {
        try (Log log = new Log(storage, OPTIONS.withSegmentBytesMax(200))) {
            for (int i = 0; i < 5; i++) {
                log.commit("record " + i);
            }
            FaultyStorage killed = storage.restarted();
            assertTrue(killed.list().contains(mark(4)), "the segment that begins with 3 holds it for sure");
            refused(killed.restarted().without("00000000000000000003.log"));
            byte[] last = killed.content("00000000000000000003.log");
            int unfinished = last.length - 1;
            assertEquals(4, texts(killed.restarted().put("00000000000000000003.log", Arrays.copyOf(last, unfinished))).size());
        }
    }

    @Test
    void whatASnapshotHasIsNotMissed() throws Exception {
        stopAfterFour(100);
        FaultyStorage files = storage.restarted().without("00000000000000000003.log");
        LogFactory.Replay none = (offset, buffer, at, length) -> { };
        EngineException e = assertThrows(
                EngineException.class, () -> CommitLog.open(files.restarted(), OPTIONS, new LogStart(3, 0), none));
        assertTrue(e.getMessage().contains("to go on without transactions 3 to 3"), e.getMessage());
        try (CommitLog log = CommitLog.open(files, OPTIONS, new LogStart(4, 0), none)) {
            assertEquals(3, log.durableOffset());
            log.append(4, new byte[1], 0, 1);
        }
        assertTrue(files.list().containsAll(List.of("00000000000000000004.log", mark(5))));
    }

    @Test
    void aStopWithoutRoomForTheMarkIsAStop() throws Exception {
        Logger logger = Logger.getLogger(CommitLog.class.getName());
        logger.setLevel(Level.OFF);
        try {
            for (Faults.Fault fault : List.of(Faults.Fault.FAIL, Faults.Fault.READ_ONLY)) {
                for (boolean later : new boolean[] {false, true}) {
                    FaultyStorage files = new FaultyStorage(new Random(7));
                    boolean[] marking = new boolean[1];
                    files.faults().plan(op -> {
                        marking[0] |= op.name().endsWith(LogFormat.END_SUFFIX);
                        return marking[0] && (!later || op.kind() == Faults.Kind.FORCE_NAMES) ? fault : Faults.Fault.NONE;
                    });
                    Log log = open(files);
                    log.append("first");
                    log.close();
                    assertTrue(marking[0], "it was tried");
                    assertEquals(List.of(), log.failures);
                    assertEquals(0, log.reported());
                    assertEquals(List.of("first"), texts(files.restarted()));
                    assertEquals(List.of("first"), texts(files.powerLoss()));
                }
            }
        } finally {
            logger.setLevel(null);
        }
    }

    /** Stops as well as crashes, at any operation, marks included: nothing is lost, and nothing is missed that is there. */
    @Test
    @Proves("durability.md 1")
    void noCrashMakesAMarkUntrue() {
        Logger logger = Logger.getLogger(CommitLog.class.getName());
        logger.setLevel(Level.OFF);
        int[] marked = new int[1];
        try {
            Seeds.repeat(300, random -> {
                FaultyStorage files = new FaultyStorage(random);
                List<String> sent = new ArrayList<>();
                long reported = -1;
                for (int life = 0; life < 10; life++) {
                    long at = random.nextInt(25);
                    if (random.nextInt(3) > 0) {
                        files.dieWhen(n -> n >= at);
                    } else {
                        files.failOnceFrom(at);
                    }
                    try {
                        Log log = new Log(files, OPTIONS.withSegmentBytesMax(1 + random.nextInt(300)));
                        try {
                            assertTrue(log.replayed.size() > reported, "transaction " + reported + " was durable");
                            assertEquals(sent.subList(0, log.replayed.size()), log.texts());
                            sent.subList(log.replayed.size(), sent.size()).clear();
                            for (int i = random.nextInt(6); i > 0; i--) {
                                sent.add("record " + random.nextInt());
                                log.commit(sent.getLast());
                            }
                        } finally {
                            log.close();
                            reported = log.reported();
                        }
                    } catch (EngineException e) {
                        assertEquals(ErrorCode.STORAGE_FAILED, e.code(), e.describe());
                    }
                    marked[0] += (int) files.list().stream().filter(n -> n.endsWith(LogFormat.END_SUFFIX)).count();
                    files = random.nextInt(3) == 0 ? files.restarted() : files.powerLoss();
                }
                long all = reported;
                assertTrue(texts(files).size() > all);
            });
        } finally {
            logger.setLevel(null);
        }
        assertTrue(marked[0] > 100, "there were marks");
    }

    // ---- simulation ----

    /** Appends, dies at a random operation, comes back after a restart or a power loss, many times over. */
    @Test
    @Proves("durability.md 1")
    @Proves("durability.md 3")
    void everythingReportedDurableSurvivesAndNothingIsMissingBefore() {
        Seeds.repeat(300, random -> {
            FaultyStorage files = new FaultyStorage(random);
            List<byte[]> sent = new ArrayList<>();
            long reported = -1;
            for (int crash = 0; crash < 6; crash++) {
                FaultyStorage running = files;
                long at = random.nextInt(60);
                running.dieWhen(n -> n == at);
                try {
                    Log log = new Log(running, OPTIONS.withSegmentBytesMax(1 + random.nextInt(5000))
                            .withQueue(1 + random.nextInt(20), 1 + random.nextInt(2000)));
                    try {
                        assertTrue(log.replayed.size() > reported, "transaction " + reported + " was durable");
                        assertTrue(log.replayed.size() <= sent.size());
                        for (int i = 0; i < log.replayed.size(); i++) {
                            assertArrayEquals(sent.get(i), log.replayed.get(i));
                        }
                        sent.subList(log.replayed.size(), sent.size()).clear();
                        reported = sent.size() - 1;
                        while (true) {
                            byte[] record = new byte[random.nextInt(20) == 0 ? random.nextInt(3000) : random.nextInt(60)];
                            random.nextBytes(record);
                            sent.add(record);
                            log.append(record);
                            if (random.nextInt(3) == 0) {
                                log.await(log.next - 1 - random.nextInt(10));
                            }
                        }
                    } finally {
                        log.close();
                        reported = log.reported();
                        assertEquals(reported, log.log.durableOffset());
                    }
                } catch (EngineException e) {
                    assertEquals(ErrorCode.STORAGE_FAILED, e.code());
                }
                files = random.nextInt(3) == 0 ? running.restarted() : running.powerLoss();
            }
        });
    }

    // ---- real files ----

    @Test
    void keepsFilesInADirectory(@TempDir Path directory) throws Exception {
        Path logs = directory.resolve("databases/a/1/log");
        CommitLogs factory = new CommitLogs(OPTIONS.withSegmentBytesMax(3 << 20));
        byte[] large = new byte[2_500_000];
        new Random(3).nextBytes(large);
        try (Durability log = factory.open(logs, LogStart.EMPTY, (offset, buffer, at, length) -> { })) {
            log.append(0, large, 0, large.length);
            log.append(1, large, 0, 1000);
        }
        try (Durability log = factory.open(logs, LogStart.EMPTY, (offset, buffer, at, length) -> { })) {
            log.append(2, large, 0, large.length);
        }
        try (Stream<Path> files = Files.list(logs)) {
            assertEquals(2, files.filter(f -> f.toString().endsWith(".log")).count());
        }
        Path mark = logs.resolve("00000000000000000003.end");
        assertEquals(0, Files.size(mark));
        Path last = logs.resolve("00000000000000000002.log");
        Files.write(last, Arrays.copyOf(Files.readAllBytes(last), 1_000_000));
        EngineException shorter = assertThrows(
                EngineException.class, () -> factory.open(logs, LogStart.EMPTY, (o, b, a, l) -> { }));
        assertTrue(shorter.getMessage().contains("delete " + mark.getFileName()), shorter.getMessage());
        assertEquals(1_000_000, Files.size(last));
        Files.delete(mark);
        List<Integer> lengths = new ArrayList<>();
        try (Durability log = factory.open(logs, LogStart.EMPTY, (offset, buffer, at, length) -> {
            lengths.add(length);
            assertArrayEquals(Arrays.copyOf(large, length), Arrays.copyOfRange(buffer, at, at + length));
        })) {
            assertEquals(1, log.durableOffset());
        }
        assertEquals(List.of(large.length, 1000), lengths);
        assertFalse(Files.exists(last));
        Files.write(logs.resolve(FIRST), new byte[40]);
        EngineException e = assertThrows(EngineException.class, () -> factory.open(logs, LogStart.EMPTY, (o, b, a, l) -> { }));
        assertTrue(e.getMessage().contains(logs.resolve(FIRST).toString()), e.getMessage());
        Files.writeString(directory.resolve("file"), "");
        EngineException noDirectory = assertThrows(
                EngineException.class, () -> factory.open(directory.resolve("file/log"), LogStart.EMPTY, (o, b, a, l) -> { }));
        assertEquals(ErrorCode.STORAGE_FAILED, noDirectory.code());
    }
}
