package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.sats.BsatnWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;

/** Puts rows into blocks and blocks into a file ({@link SnapshotFormat}). One thread; allocates nothing per row. */
final class SnapshotWriter {

    static final int BLOCK_BYTES = 1 << 20;
    /** One force of a huge file would hold up the force of the log on the same disk. */
    private static final long FORCE_BYTES = 8 << 20;

    private final StorageFile file;
    private final long salt;
    private final BsatnWriter totals = new BsatnWriter();
    private byte[] buffer = new byte[BLOCK_BYTES];
    /** Of the block that fills up. */
    private int length = SnapshotFormat.BLOCK_HEADER_BYTES;
    private int rows;
    private int tableId;
    private long tableRows;
    private long tableBytes;
    private int tables;
    private long allRows;
    private long place;
    private long forcedTo;

    SnapshotWriter(StorageFile file, SnapshotInfo info, long salt) throws IOException {
        this.file = file;
        this.salt = salt;
        write(SnapshotFormat.header(info, salt), SnapshotFormat.HEADER_BYTES);
    }

    /** The rows that follow, if any, belong to this table; tables come by rising id. */
    void begin(int nextTableId) {
        tableId = nextTableId;
        tableRows = 0;
        tableBytes = 0;
    }

    /** Returns whether a block was finished before the row. */
    boolean row(MemorySegment segment, long offset, int rowLength) throws IOException {
        boolean full = rows > 0 && rowLength > BLOCK_BYTES - SnapshotFormat.CHECKSUM_BYTES - length;
        if (full) {
            writeBlock();
        }
        long needed = (long) length + rowLength + SnapshotFormat.CHECKSUM_BYTES;
        if (needed > buffer.length) {
            if (needed > LogFormat.ARRAY_BYTES_MAX) {
                throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "a row of " + rowLength + " bytes fits into no snapshot");
            }
            buffer = new byte[(int) needed];
        }
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, offset, buffer, length, rowLength);
        length += rowLength;
        rows++;
        tableRows++;
        tableBytes += rowLength;
        return full;
    }

    /** The table of {@link #begin} is complete. */
    void end() throws IOException {
        if (rows > 0) {
            writeBlock();
        }
        totals.writeU32(tableId);
        totals.writeU64(tableRows);
        totals.writeU64(tableBytes);
        tables++;
        allRows += tableRows;
        tableRows = 0;
    }

    /** All tables are complete: the file is whole and on stable storage. */
    void finish() throws IOException {
        int bytes = totals.length();
        byte[] block = new byte[SnapshotFormat.BLOCK_HEADER_BYTES + bytes + SnapshotFormat.CHECKSUM_BYTES];
        System.arraycopy(totals.buffer(), 0, block, SnapshotFormat.BLOCK_HEADER_BYTES, bytes);
        long totalsPlace = place;
        SnapshotFormat.sealBlock(salt, place, block, SnapshotFormat.TOTALS, tables, bytes);
        write(block, block.length);
        write(SnapshotFormat.end(salt, place, totalsPlace), SnapshotFormat.END_BYTES);
        file.force();
    }

    /** Rows so far. */
    long allRows() {
        return allRows + tableRows;
    }

    /** Bytes written. */
    long bytes() {
        return place;
    }

    private void writeBlock() throws IOException {
        SnapshotFormat.sealBlock(salt, place, buffer, tableId, rows, length - SnapshotFormat.BLOCK_HEADER_BYTES);
        write(buffer, length + SnapshotFormat.CHECKSUM_BYTES);
        if (buffer.length > BLOCK_BYTES) {
            buffer = new byte[BLOCK_BYTES];
        }
        length = SnapshotFormat.BLOCK_HEADER_BYTES;
        rows = 0;
    }

    private void write(byte[] bytes, int count) throws IOException {
        file.write(ByteBuffer.wrap(bytes, 0, count), place);
        place += count;
        if (place - forcedTo >= FORCE_BYTES) {
            file.force();
            forcedTo = place;
        }
    }
}
