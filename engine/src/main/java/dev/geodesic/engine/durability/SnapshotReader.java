package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.sats.LittleEndian;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads a snapshot block by block ({@link SnapshotFormat}). Opening looks at both ends of the file, so a cut one is known at
 * once; {@link #next} compares what has come with the totals. A length is believed only under its checksum and if the file is
 * that long. Memory: a block, 1 MiB or the largest row. One thread. Errors: STORAGE_CORRUPT with file, byte and remedy.
 */
final class SnapshotReader implements AutoCloseable {

    /** Of one table. */
    record Total(long rows, long bytes) {
    }

    private final String file;
    private final StorageFile from;
    private final long size;
    private final long rowBytesMax;
    private final SnapshotInfo info;
    private final long salt;
    private final long totalsPlace;
    /** By table id, rising. */
    private final Map<Integer, Total> totals = new LinkedHashMap<>();
    private byte[] buffer = new byte[SnapshotFormat.BLOCK_HEADER_BYTES];
    private long place;
    private long nextPlace = SnapshotFormat.HEADER_BYTES;
    private int tableId;
    private int rows;
    private int length;
    /** Of the present table, with the present block. */
    private long tableRows;
    private long tableBytes;
    private final Map<Integer, Total> missing;

    /** @param rowBytesMax more is refused with LIMIT_EXCEEDED before there is memory for it */
    SnapshotReader(Storage storage, long nextOffset, long rowBytesMax) throws IOException {
        this.rowBytesMax = rowBytesMax;
        String name = SnapshotFormat.fileName(nextOffset);
        file = storage + "/" + name;
        from = storage.open(name);
        try {
            size = from.size();
            if (size < SnapshotFormat.HEADER_BYTES + SnapshotFormat.END_BYTES) {
                throw damaged(size, "the file is too short");
            }
            byte[] header = read(0, SnapshotFormat.HEADER_BYTES);
            if (!SnapshotFormat.hasMagic(header) || !SnapshotFormat.isHeader(header)) {
                throw damaged(0, "the header is wrong");
            }
            int version = header[SnapshotFormat.VERSION_OFFSET] & 0xff;
            int checksum = header[SnapshotFormat.CHECKSUM_KIND_OFFSET] & 0xff;
            if (version != SnapshotFormat.VERSION || checksum != SnapshotFormat.CHECKSUM_CRC32C) {
                throw new EngineException(
                        ErrorCode.STORAGE_FAILED, "snapshot " + file + " has format version " + version + " and checksum kind "
                                + checksum + "; use the server that wrote it, or a newer one");
            }
            info = new SnapshotInfo(
                    LittleEndian.getLong(header, SnapshotFormat.NEXT_OFFSET),
                    LittleEndian.getLong(header, SnapshotFormat.EPOCH_OFFSET),
                    LittleEndian.getLong(header, SnapshotFormat.TIME_OFFSET));
            if (info.nextOffset() != nextOffset) {
                throw damaged(0, "the file holds " + info.nextOffset() + " transactions");
            }
            salt = LittleEndian.getLong(header, SnapshotFormat.SALT_OFFSET);
            long endPlace = size - SnapshotFormat.END_BYTES;
            byte[] end = read(endPlace, SnapshotFormat.END_BYTES);
            if (!SnapshotFormat.isEnd(salt, endPlace, end)) {
                throw damaged(endPlace, "the end is missing or wrong");
            }
            totalsPlace = LittleEndian.getLong(end, 0);
            readTotals(endPlace);
            missing = new LinkedHashMap<>(totals);
            missing.values().removeIf(t -> t.rows() == 0);
        } catch (Throwable e) {
            from.close();
            throw e;
        }
    }

    private void readTotals(long end) throws IOException {
        if (totalsPlace < SnapshotFormat.HEADER_BYTES || totalsPlace > end - SnapshotFormat.BLOCK_HEADER_BYTES) {
            throw damaged(end, "the end says that the totals are at byte " + totalsPlace);
        }
        readBlock(totalsPlace, end);
        if (tableId != SnapshotFormat.TOTALS || nextPlace != end || length != (long) rows * SnapshotFormat.TOTAL_BYTES) {
            throw damaged(totalsPlace, "there are no totals");
        }
        int last = 0;
        for (int i = 0; i < rows; i++) {
            int at = SnapshotFormat.BLOCK_HEADER_BYTES + i * SnapshotFormat.TOTAL_BYTES;
            int id = LittleEndian.getInt(buffer, at);
            Total total = new Total(
                    LittleEndian.getLong(buffer, at + SnapshotFormat.TOTAL_ROWS_OFFSET),
                    LittleEndian.getLong(buffer, at + SnapshotFormat.TOTAL_BYTES_OFFSET));
            if (id <= last || total.rows() < 0 || total.bytes() < 0) {
                throw damaged(totalsPlace, "the totals are wrong");
            }
            last = id;
            totals.put(id, total);
        }
        tableId = SnapshotFormat.TOTALS;
        nextPlace = SnapshotFormat.HEADER_BYTES;
    }

    SnapshotInfo info() {
        return info;
    }

    /** By table id, rising. */
    Map<Integer, Total> totals() {
        return totals;
    }

    /** Reads the next block; false, once, behind the last one. */
    boolean next() throws IOException {
        int before = tableId;
        if (nextPlace == totalsPlace) {
            endTable(before);
            if (!missing.isEmpty()) {
                throw damaged(totalsPlace, "rows of table " + missing.keySet().iterator().next() + " are missing");
            }
            return false;
        }
        readBlock(nextPlace, totalsPlace);
        if (tableId != before) {
            if (tableId < before) {
                throw damaged(place, "table " + tableId + " follows table " + before);
            }
            endTable(before);
            tableRows = 0;
            tableBytes = 0;
        }
        tableRows += rows;
        tableBytes += length;
        return true;
    }

    private void endTable(int id) {
        if (id != SnapshotFormat.TOTALS && !new Total(tableRows, tableBytes).equals(missing.remove(id))) {
            throw damaged(place, "table " + id + " ends with " + tableRows + " rows of " + tableBytes
                    + " bytes, which the totals do not say");
        }
    }

    private void readBlock(long at, long until) throws IOException {
        place = at;
        if (until - at < SnapshotFormat.BLOCK_HEADER_BYTES) {
            throw damaged(at, "there is no room for a block");
        }
        read(at, buffer, 0, SnapshotFormat.BLOCK_HEADER_BYTES);
        if (!SnapshotFormat.isBlockHeader(salt, at, buffer)) {
            throw damaged(at, "the header of a block has a wrong checksum");
        }
        tableId = LittleEndian.getInt(buffer, SnapshotFormat.TABLE_OFFSET);
        rows = LittleEndian.getInt(buffer, SnapshotFormat.ROWS_OFFSET);
        length = LittleEndian.getInt(buffer, SnapshotFormat.LENGTH_OFFSET);
        long total = (long) SnapshotFormat.BLOCK_HEADER_BYTES + length + SnapshotFormat.CHECKSUM_BYTES;
        if (rows < 0 || length < 0 || total > until - at || total > LogFormat.ARRAY_BYTES_MAX) {
            throw damaged(at, "a block says it has " + rows + " rows in " + length + " bytes");
        }
        if (tableId == SnapshotFormat.TOTALS ? length > SnapshotFormat.TOTALS_BYTES_MAX
                : rows > 1 && (total > SnapshotWriter.BLOCK_BYTES || rows > length)) {
            throw damaged(at, "a block of table " + tableId + " says it has " + rows + " rows in " + length + " bytes");
        }
        if (length > rowBytesMax && total > SnapshotWriter.BLOCK_BYTES && tableId != SnapshotFormat.TOTALS) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED, "snapshot " + file + " has a row of " + length + " bytes at byte " + at
                            + ", and " + rowBytesMax + " are taken here; raise geodesic.limits.row.bytes, or"
                            + " geodesic.limits.module.bytes if it is a program");
        }
        if (buffer.length < total) {
            byte[] larger = new byte[(int) total];
            System.arraycopy(buffer, 0, larger, 0, SnapshotFormat.BLOCK_HEADER_BYTES);
            buffer = larger;
        }
        read(at + SnapshotFormat.BLOCK_HEADER_BYTES, buffer, SnapshotFormat.BLOCK_HEADER_BYTES,
                length + SnapshotFormat.CHECKSUM_BYTES);
        if (!SnapshotFormat.isBlock(salt, at, buffer, length)) {
            throw damaged(at, "a block has a wrong checksum");
        }
        nextPlace = at + total;
    }

    private byte[] read(long at, int count) throws IOException {
        byte[] bytes = new byte[count];
        read(at, bytes, 0, count);
        return bytes;
    }

    private void read(long at, byte[] into, int offset, int count) throws IOException {
        ByteBuffer target = ByteBuffer.wrap(into, offset, count);
        while (target.hasRemaining()) {
            if (from.read(target, at + target.position() - offset) < 0) {
                throw new EOFException(file + " became shorter while it was read");
            }
        }
    }

    /** Of the present block, as the next ones. */
    int tableId() {
        return tableId;
    }

    int rows() {
        return rows;
    }

    /** The rows lie from {@link #from} to {@link #to}; another one after the next block. */
    byte[] buffer() {
        return buffer;
    }

    int from() {
        return SnapshotFormat.BLOCK_HEADER_BYTES;
    }

    int to() {
        return SnapshotFormat.BLOCK_HEADER_BYTES + length;
    }

    /** Where the block begins in the file. */
    long place() {
        return place;
    }

    long size() {
        return size;
    }

    EngineException damaged(long at, String problem) {
        return new EngineException(
                ErrorCode.STORAGE_CORRUPT,
                "snapshot " + file + " is damaged at byte " + at + ": " + problem
                        + ". Delete it: the database then starts from an older snapshot and the log; if it cannot, restore it"
                        + " from a backup");
    }

    @Override
    public void close() throws IOException {
        from.close();
    }
}
