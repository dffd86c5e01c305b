package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.port.Storage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads a whole log and collects what is wrong, for {@link LogFiles#verify}. One thread; memory as {@link SegmentReader}. */
final class LogVerifier {

    private static final int FINDINGS_MAX = 1000;
    private static final long PROGRESS_BYTES = 1 << 20;

    private final LogFiles files;
    private final Storage storage;
    private final long until;
    private final LogFiles.Progress progress;
    private final List<LogDamage> findings = new ArrayList<>();
    private long bytes;
    private long bytesBefore;
    private long reported;
    /** Offset behind the segments so far; -1 if unknown. */
    private long expected = -1;
    private long epoch;

    /** @param until behind the last transaction that counts */
    LogVerifier(LogFiles files, Storage storage, long until, LogFiles.Progress progress) {
        this.files = files;
        this.storage = storage;
        this.until = until;
        this.progress = progress;
    }

    List<LogDamage> run() {
        bytes = files.segments().stream().mapToLong(LogFiles.SegmentInfo::bytes).sum();
        report(0);
        Optional<LogFiles.Next> next = files.next(0);
        while (next.isPresent() && next.get().segment().firstOffset() < until && findings.size() < FINDINGS_MAX) {
            verify(next.get());
            next = files.next(next.get().segment().firstOffset() + 1);
        }
        // If everything up to the next segment has been trimmed meanwhile, nothing is known about it.
        boolean trimmed = next.isPresent() && next.get().oldest();
        if (expected >= 0 && expected < until && findings.isEmpty() && !trimmed) {
            findings.add(new LogDamage(
                    storage.toString(), 0, "transactions " + expected + " to " + (until - 1) + " are not in the log",
                    "The database has started from a snapshot that includes them; keep that until there is a newer one"));
        }
        verifyMark();
        progress.at(bytes, bytes);
        return findings;
    }

    private void verify(LogFiles.Next next) {
        LogFiles.Segment segment = next.segment();
        String path = storage + "/" + segment.name();
        try {
            Optional<SegmentReader> opened = files.open(segment);
            if (opened.isEmpty()) {
                // Trimmed, and so is everything before it.
                expected = -1;
                return;
            }
            try (SegmentReader reader = opened.get()) {
                if (expected >= 0 && expected != segment.firstOffset() && !next.oldest()) {
                    findings.add(reader.gap(expected).damage());
                }
                expected = segment.firstOffset();
                verify(reader, next.open());
                bytesBefore += reader.fileBytes();
            }
        } catch (LogDamage.Found e) {
            findings.add(e.damage());
            expected = -1;
        } catch (IOException e) {
            findings.add(isMissing(segment) ? missing(next) : new LogDamage(
                    path, 0, "it cannot be read: " + e, "Check the disk and the permissions of the file"));
            expected = -1;
        }
    }

    private boolean isMissing(LogFiles.Segment segment) {
        try {
            List<String> names = storage.list();
            return !names.contains(segment.name()) && !names.contains(segment.plain().name());
        } catch (IOException e) {
            return false;
        }
    }

    private LogDamage missing(LogFiles.Next next) {
        LogFiles.Segment segment = next.segment();
        long end = files.next(segment.firstOffset() + 1).map(n -> n.segment().firstOffset()).orElse(until);
        return new LogDamage(
                storage + "/" + segment.name(), 0,
                "the file is missing, and with it transactions " + segment.firstOffset() + " to " + (end - 1), next.open()
                ? "The running database has them still, but neither they nor any later ones outlive it: take a backup now, and"
                + " restore the database in place from it"
                : "It is needed for starting from, or going back to, transactions that are in it or before it: put it back;"
                + " or take a snapshot and a backup now, which the running database still can");
    }

    /** Whoever puts files there, or takes them away, can make the next start fail. */
    private void verifyMark() {
        try {
            for (String name : storage.list()) {
                long marked = LogFormat.firstOffset(name, LogFormat.END_SUFFIX);
                if (marked > files.durable()) {
                    findings.add(new LogDamage(
                            storage + "/" + name, 0, "it says that the log holds all transactions before " + marked
                            + ", but " + files.durable() + " comes next", "Delete the file: the next start would take it at its"
                            + " word and refuse the log"));
                }
            }
        } catch (IOException e) {
            findings.add(new LogDamage(
                    storage.toString(), 0, "it cannot be listed: " + e, "Check the disk and the permissions of the directory"));
        }
    }

    private void verify(SegmentReader reader, boolean open) throws IOException {
        long end = open ? until : Long.MAX_VALUE;
        reader.readHeader();
        int before = findings.size();
        boolean more = true;
        while (more && reader.at() < reader.size() && reader.nextOffset() < end && findings.size() < FINDINGS_MAX) {
            files.running();
            more = verifyCommit(reader);
            report(bytesBefore + (long) ((double) reader.at() / reader.size() * reader.fileBytes()));
        }
        expected = reader.nextOffset();
        if (findings.size() > before) {
            expected = reader.compressed() ? -1 : expected;
        } else if (!open) {
            reader.index().repair(storage);
        } else if (expected < end) {
            throw reader.damaged(reader.at(), "it ends before transaction " + (until - 1) + ", which was durable");
        }
    }

    /** False if nothing behind the commit can be found. */
    private boolean verifyCommit(SegmentReader reader) throws IOException {
        long at = reader.at();
        try {
            SegmentReader.Found found = reader.commit();
            if (found == SegmentReader.Found.COMMIT) {
                if (reader.epoch() < epoch) {
                    findings.add(reader.damaged(
                            at, "a commit of epoch " + reader.epoch() + " follows one of epoch " + epoch).damage());
                }
                epoch = reader.epoch();
                reader.replay(0, Long.MAX_VALUE, (offset, buffer, from, length) -> parse(reader, offset, buffer, from, length));
                reader.advance();
                return true;
            }
            findings.add(reader.damaged(at, found.problem()).damage());
        } catch (LogDamage.Found e) {
            findings.add(e.damage());
        }
        long next = reader.compressed() ? -1 : reader.nextHeader(at + 1, reader.nextOffset());
        if (next >= 0) {
            reader.goTo(next);
        }
        return next >= 0;
    }

    private void parse(SegmentReader reader, long offset, byte[] buffer, int from, int length) {
        try {
            TxRecord.read(buffer, from, length, STEP_OVER);
        } catch (EngineException e) {
            findings.add(reader.damaged(reader.at(), "transaction " + offset + ": " + e.getMessage()).damage());
        }
    }

    private void report(long done) {
        if (done - reported >= PROGRESS_BYTES || done == 0) {
            reported = done;
            progress.at(Math.min(done, bytes), bytes);
        }
    }

    private static final TxRecord.Visitor STEP_OVER = new TxRecord.Visitor() {

        @Override
        public boolean table(int tableId) {
            return false;
        }

        @Override
        public void delete(byte[] buffer, int offset, int length) {
        }

        @Override
        public void insert(byte[] buffer, int offset, int length) {
        }
    };
}
