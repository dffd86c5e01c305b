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
 * Walks the commits of one segment, plain or compressed; what a damaged one means is for the caller to say. Positions are those
 * in the plain segment.
 *
 * <p>Memory: a buffer of 1 MiB, or of the largest commit; a length is believed only under its checksum and if the file is
 * that long. One thread.
 */
final class SegmentReader implements AutoCloseable {

    static final String COMPRESSED_REMEDY = "It is needed for starting from, or going back to, transactions that are in it or "
            + "before it: restore it from a backup; or, if a newer snapshot exists, take a backup now and delete this segment "
            + "and all earlier ones";

    private static final int BUFFER_BYTES = 1 << 20;

    /** What lies at a place where a commit should begin. */
    enum Found {
        COMMIT(""),
        NO_ROOM_FOR_HEADER("a commit is incomplete"),
        BAD_HEADER("the header of a commit has a wrong checksum"),
        INCOMPLETE("a commit is incomplete"),
        BAD_CHECKSUM("a commit has a wrong checksum");

        private final String problem;

        Found(String problem) {
            this.problem = problem;
        }

        String problem() {
            return problem;
        }
    }

    private final Storage storage;
    private final String name;
    private final boolean compressed;
    private final StorageFile file;
    private final long firstOffset;
    private byte[] buffer;
    private long size;
    private long salt;
    /** The buffer holds {@code buffered} bytes of the file from {@code bufferStart}. */
    private long bufferStart;
    private int buffered;

    /** Where the next commit begins, and its first transaction. */
    private long at = LogFormat.SEGMENT_HEADER_BYTES;
    private long nextOffset;
    private long lastCommit = -1;
    private SegmentIndex index;

    /** Of the commit whose header was looked at last. */
    private long first;
    private long epoch;
    private int count;
    private int length;
    private long total;
    private int commit;

    private SegmentReader(Storage storage, String name, boolean compressed, StorageFile file, long firstOffset)
            throws IOException {
        this.storage = storage;
        this.name = name;
        this.compressed = compressed;
        this.file = file;
        this.firstOffset = firstOffset;
        this.nextOffset = firstOffset;
        this.size = file.size();
        this.buffer = new byte[(int) Math.min(BUFFER_BYTES, size)];
    }

    /** @throws LogDamage.Found if it is compressed and the table of its frames is damaged */
    static SegmentReader open(Storage storage, long firstOffset, boolean compressed) throws IOException {
        String name = LogFormat.fileName(firstOffset, compressed ? LogFormat.COMPRESSED_SUFFIX : LogFormat.SUFFIX);
        return of(storage, name, firstOffset, compressed);
    }

    /** The same for a file of another name. */
    static SegmentReader of(Storage storage, String name, long firstOffset, boolean compressed) throws IOException {
        StorageFile file = storage.open(name);
        try {
            StorageFile plain = compressed ? new CompressedSegment(storage + "/" + name, file) : file;
            return new SegmentReader(storage, name, compressed, plain, firstOffset);
        } catch (LinkageError e) {
            file.close();
            throw new IOException(name + " cannot be read: the library for zstd does not load: " + e, e);
        } catch (Throwable e) {
            file.close();
            throw e;
        }
    }

    boolean compressed() {
        return compressed;
    }

    /** Length of the file as it is. */
    long fileBytes() throws IOException {
        return file instanceof CompressedSegment c ? c.fileBytes() : file.size();
    }

    String path() {
        return storage + "/" + name;
    }

    /** In plain form; what is compressed cannot be written. */
    StorageFile file() {
        return file;
    }

    long firstOffset() {
        return firstOffset;
    }

    long size() {
        return size;
    }

    long salt() {
        return salt;
    }

    long at() {
        return at;
    }

    long nextOffset() {
        return nextOffset;
    }

    /** Where the last commit begins that was gone behind; -1 if there is none. */
    long lastCommit() {
        return lastCommit;
    }

    SegmentIndex index() {
        return index;
    }

    /** First transaction, epoch, number of transactions, and length, of the commit that was looked at. */
    long first() {
        return first;
    }

    long epoch() {
        return epoch;
    }

    int count() {
        return count;
    }

    long total() {
        return total;
    }

    // ---- headers ----

    /** Checks the segment's header and begins an index. */
    void readHeader() throws IOException {
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
                    "log segment " + path() + " has format version " + version + " with checksum kind " + kind
                            + "; start the newer server that wrote it");
        }
        if (LittleEndian.getLong(buffer, header + LogFormat.SEGMENT_FIRST_OFFSET) != firstOffset) {
            throw damaged(0, "its header belongs to another segment");
        }
        salt = LittleEndian.getLong(buffer, header + LogFormat.SALT_OFFSET);
        rewind();
    }

    /** Looks at the header of the commit at {@link #at}; its length is right if it is found whole or incomplete. */
    Found header() throws IOException {
        long remaining = size - at;
        if (remaining < LogFormat.COMMIT_HEADER_BYTES) {
            return Found.NO_ROOM_FOR_HEADER;
        }
        commit = require(at, LogFormat.COMMIT_HEADER_BYTES);
        if (!LogFormat.isCommitHeader(salt, buffer, commit)) {
            return Found.BAD_HEADER;
        }
        first = LittleEndian.getLong(buffer, commit + LogFormat.FIRST_OFFSET);
        epoch = LittleEndian.getLong(buffer, commit + LogFormat.EPOCH_OFFSET);
        count = LittleEndian.getInt(buffer, commit + LogFormat.COUNT_OFFSET);
        length = LittleEndian.getInt(buffer, commit + LogFormat.LENGTH_OFFSET);
        total = (long) LogFormat.COMMIT_HEADER_BYTES + length + LogFormat.CHECKSUM_BYTES;
        if (first != nextOffset) {
            throw damaged(at, "a commit begins with transaction " + first + " instead of " + nextOffset);
        }
        if (count < 1 || length < 0 || total > LogFormat.ARRAY_BYTES_MAX || first > Long.MAX_VALUE - count) {
            throw damaged(at, "a commit says it has " + count + " records in " + length + " bytes");
        }
        return remaining < total ? Found.INCOMPLETE : Found.COMMIT;
    }

    /** Looks at the whole commit at {@link #at}. */
    Found commit() throws IOException {
        Found found = header();
        if (found != Found.COMMIT) {
            return found;
        }
        commit = require(at, (int) total);
        int end = commit + LogFormat.COMMIT_HEADER_BYTES + length;
        return LittleEndian.getInt(buffer, end) == LogFormat.checksum(salt, buffer, commit, end - commit)
                ? Found.COMMIT : Found.BAD_CHECKSUM;
    }

    /** Goes behind the commit that was looked at; its place goes into the index if one is due. */
    void advance() throws IOException {
        if (index.wants(at)) {
            index.add(first, at, micros());
        }
        lastCommit = at;
        at += total;
        nextOffset = first + count;
    }

    /** When the first transaction of the commit was committed; 0 if it does not say. A hint. */
    private long micros() throws IOException {
        int from = LogFormat.COMMIT_HEADER_BYTES + LogFormat.LENGTH_BYTES;
        int bytes = (int) Math.min(total, from + TxRecord.TIME_BYTES);
        int start = require(at, bytes);
        return bytes < from + TxRecord.TIME_BYTES || LittleEndian.getInt(buffer, start + from - LogFormat.LENGTH_BYTES)
                < TxRecord.TIME_BYTES ? 0 : TxRecord.microsOrZero(buffer, start + from);
    }

    // ---- places ----

    /**
     * Goes to the commit that holds a transaction, or where it should be, by the index if that is right and over the headers
     * of earlier commits otherwise. What lies in earlier commits is not looked at, and a damaged header among them is stepped
     * over if a right one lies behind it. Never goes behind the last commit.
     */
    void skipTo(long offset, SegmentIndex stored) throws IOException {
        int entry = stored.floor(offset);
        if (entry >= 0 && isHeaderOf(stored.position(entry), stored.offset(entry))) {
            at = stored.position(entry);
            nextOffset = stored.offset(entry);
            index = stored.upTo(entry);
        }
        while (nextOffset < offset) {
            Found found = header();
            if (found == Found.COMMIT && first + count <= offset && at + total < size) {
                advance();
            } else if (found == Found.BAD_HEADER) {
                long next = nextHeader(at + 1, nextOffset);
                if (next < 0 || headerOffset(next) > offset) {
                    return;
                }
                goTo(next);
            } else {
                return;
            }
        }
    }

    private boolean isHeaderOf(long position, long offset) throws IOException {
        if (position < LogFormat.SEGMENT_HEADER_BYTES || position > size - LogFormat.COMMIT_HEADER_BYTES) {
            return false;
        }
        int header = require(position, LogFormat.COMMIT_HEADER_BYTES);
        return LogFormat.isCommitHeader(salt, buffer, header)
                && LittleEndian.getLong(buffer, header + LogFormat.FIRST_OFFSET) == offset;
    }

    private long headerOffset(long position) throws IOException {
        return LittleEndian.getLong(buffer, require(position, LogFormat.COMMIT_HEADER_BYTES) + LogFormat.FIRST_OFFSET);
    }

    /** Position of the next header of a commit behind a transaction; -1 if there is none. */
    long nextHeader(long from, long behind) throws IOException {
        for (long next = from; next <= size - LogFormat.COMMIT_HEADER_BYTES; next++) {
            int header = require(next, LogFormat.COMMIT_HEADER_BYTES);
            long offset = LittleEndian.getLong(buffer, header + LogFormat.FIRST_OFFSET);
            // The first tests are for speed: a record takes some bytes at least.
            if (offset > behind && offset - behind < size && LogFormat.isCommitHeader(salt, buffer, header)) {
                return next;
            }
        }
        return -1;
    }

    /** Goes back to the first commit, and forgets the index. */
    void rewind() {
        at = LogFormat.SEGMENT_HEADER_BYTES;
        nextOffset = firstOffset;
        index = new SegmentIndex(firstOffset, salt);
    }

    /** Goes to the header of a commit, wherever it belongs. */
    void goTo(long position) throws IOException {
        at = position;
        nextOffset = headerOffset(position);
    }

    // ---- records ----

    /** Gives the records of the commit that {@link #commit} found, from an offset and up to another one. */
    void replay(long from, long until, LogFactory.Replay replay) {
        int record = commit + LogFormat.COMMIT_HEADER_BYTES;
        int end = record + length;
        for (long offset = first; offset < first + count; offset++) {
            int recordLength = end - record < LogFormat.LENGTH_BYTES ? -1 : LittleEndian.getInt(buffer, record);
            record += LogFormat.LENGTH_BYTES;
            if (recordLength < 0 || recordLength > end - record) {
                throw damaged(at, "a record is longer than its commit");
            }
            if (offset >= from && offset < until) {
                try {
                    replay.record(offset, buffer, record, recordLength);
                } catch (EngineException e) {
                    throw e.with("file", path()).with("commitAt", at).with("transaction", offset);
                }
            }
            record += recordLength;
        }
        if (record != end) {
            throw damaged(at, "a commit has bytes behind its records");
        }
    }

    /** Writes the bytes from a position on again, and forces them. */
    void writeAgain(long position) throws IOException {
        int bytes = (int) (size - position);
        file.write(ByteBuffer.wrap(buffer, require(position, bytes), bytes), position);
        file.force();
    }

    void truncate() throws IOException {
        file.truncate(at);
        size = at;
    }

    /** Brings these bytes of the file into the buffer and returns where they begin there. */
    private int require(long position, int bytes) throws IOException {
        if (position < bufferStart || position + bytes > bufferStart + buffered) {
            if (buffer.length < bytes) {
                buffer = new byte[bytes];
            }
            buffered = 0;
            bufferStart = position;
            int wanted = (int) Math.min(buffer.length, size - position);
            if (wanted < bytes) {
                throw new EOFException(path() + " became shorter while it was read");
            }
            CompressedSegment.readFully(file, path(), ByteBuffer.wrap(buffer, 0, wanted), position);
            buffered = wanted;
        }
        return (int) (position - bufferStart);
    }

    LogDamage.Found damaged(long position, String problem) {
        return new LogDamage.Found(compressed
                ? new LogDamage(path(), position, problem + " (a byte of the decompressed segment)", COMPRESSED_REMEDY)
                : new LogDamage(path(), position, problem,
                        "Restore the directory from a backup; or, to go on without transaction " + nextOffset
                                + " and all later ones, stop the server, cut the file to " + position
                                + " bytes and delete later segments and files .end"));
    }

    /** The transaction that should begin this segment is not there. */
    LogDamage.Found gap(long missing) {
        return new LogDamage.Found(new LogDamage(
                path(), 0, "it continues the log at transaction " + firstOffset + " where " + missing + " is missing",
                "Restore the directory from a backup; or, to go on without transaction " + missing
                        + " and all later ones, stop the server and delete this segment, all later ones and files .end"));
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
