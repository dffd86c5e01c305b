package dev.geodesic.engine.durability;

import dev.geodesic.sats.LittleEndian;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * The bytes of a snapshot (docs/formats/snapshot.md). Integers are little-endian; a checksum is CRC-32C over the salt of the
 * file, the place in the file where the checked bytes begin, and these bytes.
 *
 * <pre>
 *   header                    block                     end
 *    0  magic       8          0  table     4            0  place of the totals  8
 *    8  version     1          4  rows      4            8  magic                8
 *    9  checksum    1          8  length    4           16  checksum             4
 *   10  zero        2         12  checksum  4
 *   12  next offset 8         16  rows      length      totals: a block of table 0, with "rows" of
 *   20  epoch       8         ..  checksum  4            0  table  4
 *   28  time        8                                    4  rows   8
 *   36  salt        8                                   12  bytes  8
 *   44  checksum    4
 * </pre>
 */
final class SnapshotFormat {

    static final int VERSION = 1;
    static final int CHECKSUM_CRC32C = 0;

    static final int VERSION_OFFSET = 8;
    static final int CHECKSUM_KIND_OFFSET = VERSION_OFFSET + 1;
    static final int NEXT_OFFSET = CHECKSUM_KIND_OFFSET + 3;
    static final int EPOCH_OFFSET = NEXT_OFFSET + Long.BYTES;
    static final int TIME_OFFSET = EPOCH_OFFSET + Long.BYTES;
    static final int SALT_OFFSET = TIME_OFFSET + Long.BYTES;
    static final int CHECKSUM_OFFSET = SALT_OFFSET + Long.BYTES;
    static final int HEADER_BYTES = CHECKSUM_OFFSET + Integer.BYTES;

    static final int TABLE_OFFSET = 0;
    static final int ROWS_OFFSET = TABLE_OFFSET + Integer.BYTES;
    static final int LENGTH_OFFSET = ROWS_OFFSET + Integer.BYTES;
    static final int BLOCK_CHECKSUM_OFFSET = LENGTH_OFFSET + Integer.BYTES;
    static final int BLOCK_HEADER_BYTES = BLOCK_CHECKSUM_OFFSET + Integer.BYTES;
    static final int CHECKSUM_BYTES = Integer.BYTES;
    /** No table has this id. */
    static final int TOTALS = 0;
    static final int TOTAL_ROWS_OFFSET = Integer.BYTES;
    static final int TOTAL_BYTES_OFFSET = TOTAL_ROWS_OFFSET + Long.BYTES;
    static final int TOTAL_BYTES = TOTAL_BYTES_OFFSET + Long.BYTES;
    /** Of the block of totals: more tables than any database has. */
    static final int TOTALS_BYTES_MAX = 16 << 20;

    static final int END_MAGIC_OFFSET = Long.BYTES;
    static final int END_CHECKSUM_OFFSET = END_MAGIC_OFFSET + 8;
    static final int END_BYTES = END_CHECKSUM_OFFSET + Integer.BYTES;

    private static final byte[] MAGIC = "GEODSNAP".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] END_MAGIC = "SNAP.END".getBytes(StandardCharsets.US_ASCII);
    private static final String SUFFIX = ".snapshot";
    private static final int NAME_DIGITS = 20;

    private SnapshotFormat() {
    }

    static String fileName(long nextOffset) {
        return String.format("%0" + NAME_DIGITS + "d" + SUFFIX, nextOffset);
    }

    /** Next offset in a snapshot's name; -1 if it is no such name. */
    static long nextOffset(String fileName) {
        return LogFormat.firstOffset(fileName, SUFFIX);
    }

    static byte[] header(SnapshotInfo info, long salt) {
        byte[] header = new byte[HEADER_BYTES];
        System.arraycopy(MAGIC, 0, header, 0, MAGIC.length);
        header[VERSION_OFFSET] = VERSION;
        header[CHECKSUM_KIND_OFFSET] = CHECKSUM_CRC32C;
        LittleEndian.putLong(header, NEXT_OFFSET, info.nextOffset());
        LittleEndian.putLong(header, EPOCH_OFFSET, info.epoch());
        LittleEndian.putLong(header, TIME_OFFSET, info.timeMicros());
        LittleEndian.putLong(header, SALT_OFFSET, salt);
        LittleEndian.putInt(header, CHECKSUM_OFFSET, checksum(salt, 0, header, 0, CHECKSUM_OFFSET));
        return header;
    }

    static boolean hasMagic(byte[] header) {
        return Arrays.equals(header, 0, MAGIC.length, MAGIC, 0, MAGIC.length);
    }

    static boolean isHeader(byte[] header) {
        return LittleEndian.getInt(header, CHECKSUM_OFFSET)
                == checksum(LittleEndian.getLong(header, SALT_OFFSET), 0, header, 0, CHECKSUM_OFFSET);
    }

    /** Fills in the header of a block at the start of the buffer whose rows are in place, and its checksums. */
    static void sealBlock(long salt, long place, byte[] buffer, int tableId, int rows, int length) {
        LittleEndian.putInt(buffer, TABLE_OFFSET, tableId);
        LittleEndian.putInt(buffer, ROWS_OFFSET, rows);
        LittleEndian.putInt(buffer, LENGTH_OFFSET, length);
        LittleEndian.putInt(buffer, BLOCK_CHECKSUM_OFFSET, checksum(salt, place, buffer, 0, BLOCK_CHECKSUM_OFFSET));
        int end = BLOCK_HEADER_BYTES + length;
        LittleEndian.putInt(buffer, end, checksum(salt, place, buffer, 0, end));
    }

    static boolean isBlockHeader(long salt, long place, byte[] buffer) {
        return LittleEndian.getInt(buffer, BLOCK_CHECKSUM_OFFSET) == checksum(salt, place, buffer, 0, BLOCK_CHECKSUM_OFFSET);
    }

    static boolean isBlock(long salt, long place, byte[] buffer, int length) {
        int end = BLOCK_HEADER_BYTES + length;
        return LittleEndian.getInt(buffer, end) == checksum(salt, place, buffer, 0, end);
    }

    static byte[] end(long salt, long place, long totals) {
        byte[] end = new byte[END_BYTES];
        LittleEndian.putLong(end, 0, totals);
        System.arraycopy(END_MAGIC, 0, end, END_MAGIC_OFFSET, END_MAGIC.length);
        LittleEndian.putInt(end, END_CHECKSUM_OFFSET, checksum(salt, place, end, 0, END_CHECKSUM_OFFSET));
        return end;
    }

    static boolean isEnd(long salt, long place, byte[] end) {
        return Arrays.equals(end, END_MAGIC_OFFSET, END_CHECKSUM_OFFSET, END_MAGIC, 0, END_MAGIC.length)
                && LittleEndian.getInt(end, END_CHECKSUM_OFFSET) == checksum(salt, place, end, 0, END_CHECKSUM_OFFSET);
    }

    private static int checksum(long salt, long place, byte[] buffer, int from, int length) {
        byte[] start = new byte[2 * Long.BYTES];
        LittleEndian.putLong(start, 0, salt);
        LittleEndian.putLong(start, Long.BYTES, place);
        CRC32C crc = new CRC32C();
        crc.update(start, 0, start.length);
        crc.update(buffer, from, length);
        return (int) crc.getValue();
    }
}
