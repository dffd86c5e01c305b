package dev.geodesic.engine.durability;

import dev.geodesic.sats.LittleEndian;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * The bytes of a log segment (docs/formats/commitlog.md). Integers are little-endian; a checksum is CRC-32C over the salt
 * of the segment and then everything before it in the same header or commit.
 *
 * <pre>
 *   segment header            commit                       record
 *    0  magic       8          0  first offset  8           0  length  4
 *    8  version     1          8  epoch         8           4  bytes
 *    9  checksum    1         16  count         4
 *   10  zero        2         20  length        4
 *   12  first offset 8        24  checksum      4
 *   20  salt        8         28  records       length
 *   28  checksum    4         ..  checksum      4
 * </pre>
 */
final class LogFormat {

    static final int VERSION = 1;
    static final int CHECKSUM_CRC32C = 0;

    static final int VERSION_OFFSET = 8;
    static final int CHECKSUM_KIND_OFFSET = VERSION_OFFSET + 1;
    static final int SEGMENT_FIRST_OFFSET = CHECKSUM_KIND_OFFSET + 3;
    static final int SALT_OFFSET = SEGMENT_FIRST_OFFSET + Long.BYTES;
    static final int SEGMENT_CHECKSUM_OFFSET = SALT_OFFSET + Long.BYTES;
    static final int SEGMENT_HEADER_BYTES = SEGMENT_CHECKSUM_OFFSET + Integer.BYTES;

    static final int FIRST_OFFSET = 0;
    static final int EPOCH_OFFSET = FIRST_OFFSET + Long.BYTES;
    static final int COUNT_OFFSET = EPOCH_OFFSET + Long.BYTES;
    static final int LENGTH_OFFSET = COUNT_OFFSET + Integer.BYTES;
    static final int HEADER_CHECKSUM_OFFSET = LENGTH_OFFSET + Integer.BYTES;
    static final int COMMIT_HEADER_BYTES = HEADER_CHECKSUM_OFFSET + Integer.BYTES;
    static final int CHECKSUM_BYTES = Integer.BYTES;
    /** Of a record's length. */
    static final int LENGTH_BYTES = Integer.BYTES;
    /** No array is longer; with room for what the virtual machine keeps. */
    static final int ARRAY_BYTES_MAX = Integer.MAX_VALUE - 64;

    /** Of an index: its header is laid out as that of its segment. */
    static final int INDEX_OFFSET = 0;
    static final int INDEX_POSITION_OFFSET = INDEX_OFFSET + Long.BYTES;
    static final int INDEX_MICROS_OFFSET = INDEX_POSITION_OFFSET + Long.BYTES;
    static final int INDEX_CHECKSUM_OFFSET = INDEX_MICROS_OFFSET + Long.BYTES;
    static final int INDEX_ENTRY_BYTES = INDEX_CHECKSUM_OFFSET + Integer.BYTES;

    static final byte[] MAGIC = "GEODESIC".getBytes(StandardCharsets.US_ASCII);
    static final byte[] INDEX_MAGIC = "GEODINDX".getBytes(StandardCharsets.US_ASCII);
    static final String SUFFIX = ".log";
    static final String COMPRESSED_SUFFIX = SUFFIX + ".zst";
    /** An empty file that says where a log without segments begins. */
    static final String BEGIN_SUFFIX = ".begin";
    /** An empty file that says that a log holds everything before its offset. */
    static final String END_SUFFIX = ".end";
    static final String TEMPORARY_SUFFIX = COMPRESSED_SUFFIX + ".tmp";
    static final String INDEX_SUFFIX = ".idx";
    private static final int NAME_DIGITS = 20;

    private LogFormat() {
    }

    static String fileName(long firstOffset) {
        return fileName(firstOffset, SUFFIX);
    }

    static String fileName(long firstOffset, String suffix) {
        return String.format("%0" + NAME_DIGITS + "d", firstOffset) + suffix;
    }

    /** First offset in the name of a file of this kind; -1 if it is no such name. */
    static long firstOffset(String fileName, String suffix) {
        String digits = fileName.endsWith(suffix) ? fileName.substring(0, fileName.length() - suffix.length()) : "";
        if (digits.length() != NAME_DIGITS || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return -1;
        }
        try {
            return Long.parseLong(digits);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    static byte[] segmentHeader(long firstOffset, long salt) {
        return header(MAGIC, firstOffset, salt);
    }

    static byte[] header(byte[] magic, long firstOffset, long salt) {
        byte[] header = new byte[SEGMENT_HEADER_BYTES];
        System.arraycopy(magic, 0, header, 0, magic.length);
        header[VERSION_OFFSET] = VERSION;
        header[CHECKSUM_KIND_OFFSET] = CHECKSUM_CRC32C;
        LittleEndian.putLong(header, SEGMENT_FIRST_OFFSET, firstOffset);
        LittleEndian.putLong(header, SALT_OFFSET, salt);
        LittleEndian.putInt(header, SEGMENT_CHECKSUM_OFFSET, checksum(salt, header, 0, SEGMENT_CHECKSUM_OFFSET));
        return header;
    }

    static boolean isSegmentHeader(byte[] buffer, int at) {
        return isHeader(MAGIC, buffer, at);
    }

    static boolean isHeader(byte[] magic, byte[] buffer, int at) {
        return Arrays.equals(buffer, at, at + magic.length, magic, 0, magic.length)
                && LittleEndian.getInt(buffer, at + SEGMENT_CHECKSUM_OFFSET)
                == checksum(LittleEndian.getLong(buffer, at + SALT_OFFSET), buffer, at, SEGMENT_CHECKSUM_OFFSET);
    }

    static boolean isCommitHeader(long salt, byte[] buffer, int at) {
        return LittleEndian.getInt(buffer, at + HEADER_CHECKSUM_OFFSET) == checksum(salt, buffer, at, HEADER_CHECKSUM_OFFSET);
    }

    /** Fills in the header of a commit whose records are in place, and its checksums. */
    static void sealCommit(long salt, byte[] buffer, int at, long firstOffset, long epoch, int count, int length) {
        LittleEndian.putLong(buffer, at + FIRST_OFFSET, firstOffset);
        LittleEndian.putLong(buffer, at + EPOCH_OFFSET, epoch);
        LittleEndian.putInt(buffer, at + COUNT_OFFSET, count);
        LittleEndian.putInt(buffer, at + LENGTH_OFFSET, length);
        LittleEndian.putInt(buffer, at + HEADER_CHECKSUM_OFFSET, checksum(salt, buffer, at, HEADER_CHECKSUM_OFFSET));
        int end = COMMIT_HEADER_BYTES + length;
        LittleEndian.putInt(buffer, at + end, checksum(salt, buffer, at, end));
    }

    static int checksum(long salt, byte[] buffer, int at, int length) {
        CRC32C crc = new CRC32C();
        byte[] start = new byte[Long.BYTES];
        LittleEndian.putLong(start, 0, salt);
        crc.update(start, 0, start.length);
        crc.update(buffer, at, length);
        return (int) crc.getValue();
    }
}
