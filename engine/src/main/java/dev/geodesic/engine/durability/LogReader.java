package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.Storage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads a log at the start of its database, replays its records, and leaves it ready to be continued. It relies on the
 * order in which {@link CommitLog} writes: a segment's header is forced before its first commit is written, each commit
 * before the next one, a segment before the next one exists. So a crash can only have hurt the last commit of the last
 * segment, and nothing lies behind that; it is cut off. Anything else is damage, and refused; so is a log that ends before the
 * place to which a file says it went.
 *
 * <p>What lies before the start is not needed: segments wholly before it are not opened, and in the segment that holds it only
 * the way to it must be found. The end of the log keeps its rules wherever the start is. One thread.
 */
final class LogReader {

    private static final System.Logger LOG = System.getLogger(LogReader.class.getName());

    private final Storage storage;
    private final LogStart start;
    private final LogFactory.Replay replay;
    private final List<LogFiles.Segment> segments = new ArrayList<>();
    private SegmentReader segment;
    private SegmentIndex storedIndex;
    private long nextOffset;
    private long epoch;
    private long marked;

    LogReader(Storage storage, LogStart start, LogFactory.Replay replay) {
        this.storage = storage;
        this.start = start;
        this.replay = replay;
    }

    /** Offset behind the last record. */
    long nextOffset() {
        return nextOffset;
    }

    /** Of the last commit or of the start. */
    long epoch() {
        return epoch;
    }

    /** The log has held everything before this offset, as a file in its directory says; 0 if none does. */
    long marked() {
        return marked;
    }

    /** What there is, in order. */
    List<LogFiles.Segment> segments() {
        return segments;
    }

    /**
     * The last segment, if it is to be continued; null if the next commit needs a new one. The caller closes it, also after
     * errors.
     */
    SegmentReader segment() {
        return segment;
    }

    /**
     * Reads everything from the start on. Afterwards all that was replayed is on stable storage.
     *
     * @throws EngineException STORAGE_CORRUPT, or what the replay throws
     */
    void read() throws IOException {
        try {
            cleanUp();
            readSegments();
        } catch (LogDamage.Found e) {
            throw e.corrupt();
        }
        storage.force();
        epoch = Math.max(epoch, start.epoch());
        if (nextOffset < start.offset()) {
            close();
            nextOffset = start.offset();
        }
    }

    /** Finds the segments and removes what an interrupted compression or trimming has left. */
    private void cleanUp() throws IOException {
        List<String> names = storage.list();
        for (String name : names) {
            long plain = LogFormat.firstOffset(name, LogFormat.SUFFIX);
            long compressed = LogFormat.firstOffset(name, LogFormat.COMPRESSED_SUFFIX);
            long index = LogFormat.firstOffset(name, LogFormat.INDEX_SUFFIX);
            marked = Math.max(marked, LogFormat.firstOffset(name, LogFormat.END_SUFFIX));
            if (plain >= 0) {
                segments.add(new LogFiles.Segment(plain, false));
            } else if (compressed >= 0 && !names.contains(LogFormat.fileName(compressed))) {
                segments.add(new LogFiles.Segment(compressed, true));
            } else if (compressed >= 0 || LogFormat.firstOffset(name, LogFormat.TEMPORARY_SUFFIX) >= 0
                    || index >= 0 && !names.contains(LogFormat.fileName(index))
                    && !names.contains(LogFormat.fileName(index, LogFormat.COMPRESSED_SUFFIX))) {
                storage.delete(name);
            }
        }
        segments.sort(LogFiles.Segment.ORDER);
        if (segments.isEmpty() && start.offset() > 0
                && !names.contains(LogFormat.fileName(start.offset(), LogFormat.BEGIN_SUFFIX))) {
            throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT, "the log in " + storage + " is gone: it must hold what came after the snapshot of "
                            + start.offset() + " transactions. Restore the directory from a backup; or, to go on without all that"
                            + " came later, make an empty file " + LogFormat.fileName(start.offset(), LogFormat.BEGIN_SUFFIX)
                            + " in it" + (start.offset() < marked ? " and delete " + marker() : ""));
        }
        if (segments.isEmpty() && start.offset() < marked) {
            throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT, "the log in " + storage + " is gone: " + marker() + " says that it held all"
                            + " transactions before " + marked + ". " + markerRemedy(start.offset()));
        }
    }

    private String marker() {
        return LogFormat.fileName(marked, LogFormat.END_SUFFIX);
    }

    private String markerRemedy(long first) {
        return "Put back what is missing, or restore the directory from a backup; or, to go on without transactions " + first
                + " to " + (marked - 1) + ", stop the server and delete " + marker();
    }

    /** Called where the log ends, before anything is changed. What a snapshot has is not lost. */
    private void requireMarked(String problem) {
        long end = Math.max(segment.nextOffset(), start.offset());
        if (end < marked) {
            throw new LogDamage.Found(new LogDamage(
                    segment.path(), Math.min(segment.at(), segment.size()), problem + " before transaction "
                            + segment.nextOffset() + ", but " + marker() + " says that the log held all transactions before "
                            + marked, markerRemedy(end)));
        }
    }

    private void readSegments() throws IOException {
        int holdsStart = segments.size() - 1;
        while (holdsStart > 0 && segments.get(holdsStart).firstOffset() > start.offset()) {
            holdsStart--;
        }
        if (holdsStart >= 0) {
            nextOffset = Math.min(segments.get(holdsStart).firstOffset(), start.offset());
        }
        for (int i = Math.max(0, holdsStart); i < segments.size(); i++) {
            boolean last = i == segments.size() - 1;
            boolean kept = readSegment(segments.get(i), last);
            String name = LogFormat.fileName(segments.get(i).firstOffset());
            if (kept && storedIndex.size() != segment.index().size()) {
                CommitLog.closeQuietly(segment.index().write(storage));
            }
            if (kept && last && !segments.get(i).compressed()) {
                // If the force of an earlier process failed, the page cache may show bytes that the disk never got, and only
                // bytes that are written again are certain to be forced.
                segment.writeAgain(segment.lastCommit());
            } else {
                if (kept) {
                    segment.file().force();
                }
                close();
                if (!kept) {
                    segments.remove(i);
                    storage.delete(name);
                }
            }
        }
    }

    private void close() throws IOException {
        if (segment != null) {
            segment.close();
            segment = null;
        }
    }

    /** Opens and reads a segment; false if it holds no commit and is to be deleted. */
    private boolean readSegment(LogFiles.Segment from, boolean lastOfAll) throws IOException {
        segment = SegmentReader.open(storage, from.firstOffset(), from.compressed());
        if (from.firstOffset() != nextOffset) {
            throw segment.gap(nextOffset);
        }
        boolean last = lastOfAll && !from.compressed();
        if (last && segment.size() <= LogFormat.SEGMENT_HEADER_BYTES) {
            requireMarked("the log ends");
            return false;
        }
        segment.readHeader();
        storedIndex = SegmentIndex.read(storage, from.firstOffset(), segment.salt(), segment.size());
        segment.skipTo(start.offset(), storedIndex);
        while (segment.at() < segment.size()) {
            SegmentReader.Found found = segment.commit();
            if (found == SegmentReader.Found.COMMIT) {
                replayCommit();
            } else if (last && isUnfinished(found)) {
                requireMarked(found.problem() + ", and the log ends");
                LOG.log(System.Logger.Level.WARNING, "{0}: the last {1} bytes are an unfinished write and are cut off",
                        segment.path(), segment.size() - segment.at());
                segment.truncate();
                if (segment.lastCommit() < 0) {
                    // The index led straight to it; what lies before it is to be continued.
                    segment.rewind();
                    segment.skipTo(start.offset(), segment.index());
                }
            } else {
                throw segment.damaged(segment.at(), found.problem());
            }
        }
        nextOffset = segment.nextOffset();
        if (lastOfAll) {
            requireMarked("the log ends");
        }
        boolean kept = segment.lastCommit() >= 0;
        if (!kept && !last) {
            throw segment.damaged(segment.at(), "it ends without a commit");
        }
        return kept;
    }

    private void replayCommit() throws IOException {
        boolean loaded = segment.first() + segment.count() <= start.offset();
        long least = loaded ? epoch : Math.max(epoch, start.epoch());
        if (segment.epoch() < least) {
            throw segment.damaged(segment.at(), "a commit of epoch " + segment.epoch() + " follows one of epoch " + least);
        }
        epoch = segment.epoch();
        segment.replay(start.offset(), Long.MAX_VALUE, replay);
        segment.advance();
    }

    /** Whether that is what a crash leaves of the last commit: then there is nothing behind it. */
    private boolean isUnfinished(SegmentReader.Found found) throws IOException {
        return switch (found) {
            case NO_ROOM_FOR_HEADER, INCOMPLETE -> true;
            case BAD_HEADER -> segment.nextHeader(segment.at() + 1, segment.nextOffset()) < 0;
            case BAD_CHECKSUM -> segment.at() + segment.total() == segment.size();
            case COMMIT -> false;
        };
    }
}
