package dev.geodesic.engine.backup;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.sats.LittleEndian;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The file of a backup with the transactions between two states of it. Integers are little-endian.
 *
 * <pre>
 *   0  magic             8  GEODTXNS
 *   8  version           1
 *   9  zero              7
 *  16  first offset      8
 *  24  next offset       8
 *  32  per transaction: length 4, record as in the commit log
 * </pre>
 */
final class Transactions {

    private static final byte[] MAGIC = "GEODTXNS".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final int HEADER_BYTES = 32;
    private static final int FIRST_OFFSET = 16;
    private static final int NEXT_OFFSET = 24;
    private static final int BUFFER_BYTES = 64 << 10;

    private Transactions() {
    }

    static void write(Past past, long first, long next, OutputStream out) throws IOException {
        byte[] header = Arrays.copyOf(MAGIC, HEADER_BYTES);
        header[MAGIC.length] = VERSION;
        LittleEndian.putLong(header, FIRST_OFFSET, first);
        LittleEndian.putLong(header, NEXT_OFFSET, next);
        out.write(header);
        byte[] size = new byte[Integer.BYTES];
        try {
            past.transactions(first, next, (txOffset, buffer, offset, length) -> {
                try {
                    LittleEndian.putInt(size, 0, length);
                    out.write(size);
                    out.write(buffer, offset, length);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /**
     * Reads a file whose checksum was right.
     *
     * @param room more is refused, with LIMIT_EXCEEDED
     * @throws EngineException STORAGE_CORRUPT
     */
    static void read(String name, InputStream in, long from, long until, BackupPast.Room room, LogFactory.Replay replay)
            throws IOException {
        DataInputStream data = new DataInputStream(in);
        byte[] header = in.readNBytes(HEADER_BYTES);
        if (header.length < HEADER_BYTES || !Arrays.equals(header, 0, MAGIC.length, MAGIC, 0, MAGIC.length)
                || header[MAGIC.length] != VERSION) {
            throw corrupt(name, "it has no header of version " + VERSION);
        }
        long first = LittleEndian.getLong(header, FIRST_OFFSET);
        long next = LittleEndian.getLong(header, NEXT_OFFSET);
        if (first < 0 || from < first || until > next) {
            throw corrupt(name, "it has transactions " + first + " to " + (next - 1));
        }
        byte[] record = new byte[BUFFER_BYTES];
        for (long offset = first; offset < until; offset++) {
            byte[] size = in.readNBytes(Integer.BYTES);
            int length = size.length < Integer.BYTES ? -1 : LittleEndian.getInt(size, 0);
            if (length < 0) {
                throw corrupt(name, "it ends, or has no length, at transaction " + offset);
            }
            if (length > room.recordBytesMax()) {
                throw new EngineException(
                        ErrorCode.LIMIT_EXCEEDED, "transaction " + offset + " in " + name + " has " + length
                                + " bytes, more than this server restores (" + room.recordBytesMax()
                                + "); raise geodesic.limits.transaction.bytes");
            }
            if (record.length < length) {
                room.check().accept(length);
                record = new byte[length];
            }
            int filled = data.readNBytes(record, 0, length);
            if (filled < length) {
                throw corrupt(name, "it ends within transaction " + offset);
            }
            if (offset >= from) {
                replay.record(offset, record, 0, length);
            }
        }
    }

    private static EngineException corrupt(String name, String problem) {
        return new EngineException(ErrorCode.STORAGE_CORRUPT, name + " is damaged: " + problem);
    }
}
