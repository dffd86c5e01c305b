package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.sats.LittleEndian;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Reads the segments of a log in order, replays their records, and leaves the log ready to be continued. It relies on the
 * order in which {@link CommitLog} writes: a segment's header is forced before its first commit is written, each commit
 * before the next one, a segment before the next one exists. So a crash can only have hurt the last commit of the last
 * segment, and nothing lies behind that; it is cut off. Anything else is damage, and refused.
 *
 * <p>Memory: a buffer of 1 MiB, or of the largest commit; a length is believed only under its checksum and if the file is
 * that long. One thread.
 */
final class LogReader {

    private static final System.Logger LOG = System.getLogger(LogReader.class.getName());
    private static final int BUFFER_BYTES = 1 << 20;

    private final Storage storage;
    private final LogStart start;
    private final LogFactory.Replay replay;
    private byte[] buffer = new byte[BUFFER_BYTES];
    private StorageFile file;
    private String name;
    private long size;
    private long salt;
    /** The buffer holds {@code buffered} bytes of the file from {@code bufferStart}. */
    private long bufferStart;
    private int buffered;
    private long lastCommit;
    private long nextOffset;
    private long epoch;

    LogReader(Storage storage, LogStart start, LogFactory.Replay replay) {
        this.storage = storage;
        this.start = start;
        this.replay = replay;
    }

    /** Offset behind the last record. */
    long nextOffset() {
        return nextOffset;
    }

    /** Epoch of the last commit, 0 if there is none. */
    long epoch() {
        return epoch;
    }

    /**
     * The open segment that is to be continued; null if the next commit needs a new one. The caller closes it, also after
     * errors.
     */
    StorageFile file() {
        return file;
    }

    /** Of {@link #file}. */
    long salt() {
        return salt;
    }

    /** Of {@link #file}. */
    long size() {
        return size;
    }

    /**
     * Reads everything. Afterwards all that was replayed is on stable storage.
     *
     * @throws EngineException STORAGE_CORRUPT, or what the replay throws
     */
    void read() throws IOException {
        long[] segments = storage.list().stream().mapToLong(LogFormat::firstOffset).filter(o -> o >= 0).sorted().toArray();
        for (int i = 0; i < segments.length; i++) {
            boolean last = i == segments.length - 1;
            open(segments[i]);
            boolean kept = readSegment(segments[i], last);
            if (kept && last) {
                forceLastCommit();
            } else {
                if (kept) {
                    file.force();
                }
                file.close();
                file = null;
                if (!kept) {
                    storage.delete(name);
                }
            }
        }
        storage.force();
        epoch = Math.max(epoch, start.epoch());
        if (nextOffset < start.offset()) {
            if (file != null) {
                file.close();
                file = null;
            }
            nextOffset = start.offset();
        }
    }

    private void open(long firstOffset) throws IOException {
        name = LogFormat.fileName(firstOffset);
        file = storage.open(name);
        size = file.size();
        bufferStart = 0;
        buffered = 0;
        lastCommit = 0;
    }

    /** Reads the open segment; false if it holds no commit and is to be deleted. */
    private boolean readSegment(long firstOffset, boolean last) throws IOException {
        if (firstOffset != nextOffset) {
            throw damaged(0, "it continues the log at transaction " + firstOffset + " where " + nextOffset + " is missing");
        }
        if (last && size <= LogFormat.SEGMENT_HEADER_BYTES) {
            return false;
        }
        readSegmentHeader(firstOffset);
        long at = LogFormat.SEGMENT_HEADER_BYTES;
        while (at < size) {
            long end = readCommit(at, last);
            if (end < 0) {
                LOG.log(System.Logger.Level.WARNING, "{0}/{1}: the last {2} bytes are an unfinished write and are cut off",
                        storage, name, size - at);
                file.truncate(at);
                size = at;
            } else {
                lastCommit = at;
                at = end;
            }
        }
        return lastCommit > 0;
    }

    private void readSegmentHeader(long firstOffset) throws IOException {
        if (size < LogFormat.SEGMENT_HEADER_BYTES) {
            throw damaged(0, "it is too short");
        }
        int header = require(0, LogFormat.SEGMENT_HEADER_BYTES);
        if (!LogFormat.isSegmentHeader(buffer, header)) {
            throw damaged(0, "its header has a wrong checksum");
        }
        int version = buffer[header + LogFormat.VERSION_OFFSET];
        int kind = buffer[header + LogFormat.CHECKSUM_KIND_OFFSET];
        if (version != LogFormat.VERSION || kind != LogFormat.CHECKSUM_CRC32C) {
            throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT,
                    "log segment " + storage + '/' + name + " has format version " + version + " with checksum kind " + kind
                            + "; start the newer server that wrote it");
        }
        if (LittleEndian.getLong(buffer, header + LogFormat.SEGMENT_FIRST_OFFSET) != firstOffset) {
            throw damaged(0, "its header belongs to another segment");
        }
        salt = LittleEndian.getLong(buffer, header + LogFormat.SALT_OFFSET);
    }

    /** Replays a commit and returns where it ends; -1 if it is the unfinished write at the end of the log. */
    private long readCommit(long at, boolean last) throws IOException {
        long remaining = size - at;
        if (remaining < LogFormat.COMMIT_HEADER_BYTES) {
            return unfinished(at, last, "a commit is incomplete");
        }
        int header = require(at, LogFormat.COMMIT_HEADER_BYTES);
        if (!LogFormat.isCommitHeader(salt, buffer, header)) {
            return unfinished(at, last && !commitFollows(at), "the header of a commit has a wrong checksum");
        }
        long first = LittleEndian.getLong(buffer, header + LogFormat.FIRST_OFFSET);
        long commitEpoch = LittleEndian.getLong(buffer, header + LogFormat.EPOCH_OFFSET);
        int count = LittleEndian.getInt(buffer, header + LogFormat.COUNT_OFFSET);
        int length = LittleEndian.getInt(buffer, header + LogFormat.LENGTH_OFFSET);
        if (first != nextOffset) {
            throw damaged(at, "a commit begins with transaction " + first + " instead of " + nextOffset);
        }
        if (commitEpoch < epoch) {
            throw damaged(at, "a commit of epoch " + commitEpoch + " follows one of epoch " + epoch);
        }
        long total = (long) LogFormat.COMMIT_HEADER_BYTES + length + LogFormat.CHECKSUM_BYTES;
        if (count < 1 || length < 0 || total > LogFormat.ARRAY_BYTES_MAX) {
            throw damaged(at, "a commit says it has " + count + " records in " + length + " bytes");
        }
        if (remaining < total) {
            return unfinished(at, last, "a commit is incomplete");
        }
        int commit = require(at, (int) total);
        int end = commit + LogFormat.COMMIT_HEADER_BYTES + length;
        if (LittleEndian.getInt(buffer, end) != LogFormat.checksum(salt, buffer, commit, end - commit)) {
            return unfinished(at, last && remaining == total, "a commit has a wrong checksum");
        }
        epoch = commitEpoch;
        replayRecords(at, count, commit + LogFormat.COMMIT_HEADER_BYTES, end);
        return at + total;
    }

    private long unfinished(long at, boolean last, String problem) {
        if (!last) {
            throw damaged(at, problem);
        }
        return -1;
    }

    /** Whether the header of a later commit lies somewhere behind this place. */
    private boolean commitFollows(long at) throws IOException {
        for (long next = at + 1; next <= size - LogFormat.COMMIT_HEADER_BYTES; next++) {
            int header = require(next, LogFormat.COMMIT_HEADER_BYTES);
            long first = LittleEndian.getLong(buffer, header + LogFormat.FIRST_OFFSET);
            // The first tests are for speed: a record takes some bytes at least.
            if (first > nextOffset && first - nextOffset < size - at && LogFormat.isCommitHeader(salt, buffer, header)) {
                return true;
            }
        }
        return false;
    }

    private void replayRecords(long at, int count, int from, int end) {
        int record = from;
        for (int i = 0; i < count; i++) {
            int length = end - record < LogFormat.LENGTH_BYTES ? -1 : LittleEndian.getInt(buffer, record);
            record += LogFormat.LENGTH_BYTES;
            if (length < 0 || length > end - record) {
                throw damaged(at, "a record is longer than its commit");
            }
            try {
                if (nextOffset >= start.offset()) {
                    replay.record(nextOffset, buffer, record, length);
                }
            } catch (EngineException e) {
                throw e.with("file", storage + "/" + name).with("commitAt", at).with("transaction", nextOffset);
            }
            record += length;
            nextOffset++;
        }
        if (record != end) {
            throw damaged(at, "a commit has bytes behind its records");
        }
    }

    /**
     * Writes the last commit once more before it counts as durable: if the force of an earlier process failed, the page cache
     * may show bytes that the disk never got, and only bytes that are written again are certain to be forced.
     */
    private void forceLastCommit() throws IOException {
        int length = (int) (size - lastCommit);
        file.write(ByteBuffer.wrap(buffer, require(lastCommit, length), length), lastCommit);
        file.force();
    }

    /** Brings these bytes of the file into the buffer and returns where they begin there. */
    private int require(long at, int length) throws IOException {
        if (at < bufferStart || at + length > bufferStart + buffered) {
            if (buffer.length < length) {
                buffer = new byte[length];
            }
            bufferStart = at;
            buffered = (int) Math.min(buffer.length, size - at);
            ByteBuffer target = ByteBuffer.wrap(buffer, 0, buffered);
            while (target.hasRemaining()) {
                if (file.read(target, at + target.position()) < 0) {
                    throw new EOFException(storage + "/" + name + " became shorter while it was read");
                }
            }
        }
        return (int) (at - bufferStart);
    }

    private EngineException damaged(long at, String problem) {
        return new EngineException(
                ErrorCode.STORAGE_CORRUPT,
                "log segment " + storage + '/' + name + " is damaged at byte " + at + ": " + problem
                        + ". Restore the directory from a backup; or, to go on without transaction " + nextOffset
                        + " and all later ones, stop the server, cut the file to " + at + " bytes and delete later segments");
    }
}
