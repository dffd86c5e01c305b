package dev.geodesic.engine.durability;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.sats.LittleEndian;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * A segment in compressed form, read as if it were plain (docs/formats/commitlog.md): a zstd frame for each MiB of it, then a
 * table of the frames, in a frame that decompressors step over. So any byte can be reached with one frame, {@code zstd -d}
 * gives back the segment, and every byte is under a checksum that is looked at before the decompressor sees it.
 *
 * <p>Memory: a frame, compressed and plain, and eight bytes for each, whatever the file says. One thread.
 */
final class CompressedSegment implements StorageFile {

    static final int FRAME_BYTES = 1 << 20;

    private static final int SKIPPABLE = 0x184D2A50;
    private static final int VERSION = 1;
    private static final int LEVEL = 3;
    private static final int FRAMES_MAX = 1 << 20;
    private static final int TABLE_HEADER_BYTES = 8;
    private static final int TABLE_ENTRY_BYTES = 8;

    // The end of the table.
    private static final int SIZE_OFFSET = 0;
    private static final int FRAME_BYTES_OFFSET = SIZE_OFFSET + Long.BYTES;
    private static final int FRAMES_OFFSET = FRAME_BYTES_OFFSET + Integer.BYTES;
    private static final int VERSION_OFFSET = FRAMES_OFFSET + Integer.BYTES;
    private static final int MAGIC_OFFSET = VERSION_OFFSET + Integer.BYTES;
    private static final int CHECKSUM_OFFSET = MAGIC_OFFSET + Long.BYTES;
    private static final int FOOTER_BYTES = CHECKSUM_OFFSET + Integer.BYTES;

    private final String name;
    private final StorageFile file;
    private final long size;
    private final int[] checksums;
    /** Where each frame begins, and where the last one ends. */
    private final long[] positions;
    private final ZstdDecompressCtx decompressor;
    private final byte[] compressed;
    private final byte[] plain;
    private int loaded = -1;

    private static int frameBytesMax() {
        return (int) Zstd.compressBound(FRAME_BYTES);
    }

    /**
     * Reads the table of a file, which belongs to the new object if this succeeds.
     *
     * @param name directory and name, for messages
     * @throws LogDamage.Found if it is not right
     */
    CompressedSegment(String name, StorageFile file) throws IOException {
        this.name = name;
        this.file = file;
        long end = file.size();
        if (end < TABLE_HEADER_BYTES + FOOTER_BYTES) {
            throw damaged(0, "it is too short");
        }
        byte[] footer = read(end - FOOTER_BYTES, FOOTER_BYTES);
        int frames = LittleEndian.getInt(footer, FRAMES_OFFSET);
        long tableBytes = TABLE_HEADER_BYTES + (long) frames * TABLE_ENTRY_BYTES + FOOTER_BYTES;
        if (frames < 1 || frames > FRAMES_MAX || tableBytes > end) {
            throw damaged(end - FOOTER_BYTES, "its table has a wrong checksum");
        }
        byte[] table = read(end - tableBytes, (int) tableBytes);
        int checked = table.length - Integer.BYTES;
        if (LittleEndian.getInt(table, checked) != checksum(table, checked)) {
            throw damaged(end - tableBytes, "its table has a wrong checksum");
        }
        int at = table.length - FOOTER_BYTES;
        int version = LittleEndian.getInt(table, at + VERSION_OFFSET);
        if (version != VERSION) {
            throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT,
                    "log segment " + name + " is compressed in version " + version + "; start the newer server that wrote it");
        }
        size = LittleEndian.getLong(table, at + SIZE_OFFSET);
        checksums = new int[frames];
        positions = new long[frames + 1];
        int largest = 0;
        for (int i = 0; i < frames; i++) {
            int entry = TABLE_HEADER_BYTES + i * TABLE_ENTRY_BYTES;
            int length = LittleEndian.getInt(table, entry);
            largest = Math.max(largest, length);
            if (length < 1 || length > frameBytesMax()) {
                throw damaged(end - tableBytes + entry, "a frame says it has " + length + " bytes");
            }
            positions[i + 1] = positions[i] + length;
            checksums[i] = LittleEndian.getInt(table, entry + Integer.BYTES);
        }
        boolean fits = LittleEndian.getInt(table, 0) == SKIPPABLE
                && LittleEndian.getInt(table, Integer.BYTES) == table.length - TABLE_HEADER_BYTES
                && Arrays.equals(LogFormat.MAGIC, Arrays.copyOfRange(table, at + MAGIC_OFFSET, at + CHECKSUM_OFFSET))
                && LittleEndian.getInt(table, at + FRAME_BYTES_OFFSET) == FRAME_BYTES
                && positions[frames] == end - tableBytes
                && size > (frames - 1L) * FRAME_BYTES && size <= (long) frames * FRAME_BYTES;
        if (!fits) {
            throw damaged(end - tableBytes, "its table does not fit the file");
        }
        compressed = new byte[largest];
        plain = new byte[(int) Math.min(FRAME_BYTES, size)];
        decompressor = new ZstdDecompressCtx();
    }

    /** Of the segment in plain form. */
    @Override
    public long size() {
        return size;
    }

    /** Of the compressed file. */
    long fileBytes() throws IOException {
        return file.size();
    }

    /** @throws LogDamage.Found with the position of the frame in the compressed file */
    @Override
    public int read(ByteBuffer target, long position) throws IOException {
        if (position >= size) {
            return -1;
        }
        int frame = (int) (position / FRAME_BYTES);
        load(frame);
        int from = (int) (position % FRAME_BYTES);
        int length = Math.min(target.remaining(), length(frame) - from);
        target.put(plain, from, length);
        return length;
    }

    private int length(int frame) {
        return (int) Math.min(FRAME_BYTES, size - (long) frame * FRAME_BYTES);
    }

    private void load(int frame) throws IOException {
        if (frame == loaded) {
            return;
        }
        loaded = -1;
        int length = (int) (positions[frame + 1] - positions[frame]);
        read(positions[frame], compressed, length);
        if (checksum(compressed, length) != checksums[frame]) {
            throw damaged(positions[frame], "a frame has a wrong checksum");
        }
        int got;
        try {
            got = decompressor.decompressByteArray(plain, 0, plain.length, compressed, 0, length);
        } catch (ZstdException e) {
            throw damaged(positions[frame], "a frame cannot be decompressed: " + e.getMessage());
        }
        if (got != length(frame)) {
            throw damaged(positions[frame], "a frame has " + got + " bytes instead of " + length(frame));
        }
        loaded = frame;
    }

    private byte[] read(long position, int length) throws IOException {
        byte[] bytes = new byte[length];
        read(position, bytes, length);
        return bytes;
    }

    private void read(long position, byte[] bytes, int length) throws IOException {
        readFully(file, name, ByteBuffer.wrap(bytes, 0, length), position);
    }

    static void readFully(StorageFile file, String name, ByteBuffer target, long position) throws IOException {
        long at = position;
        while (target.hasRemaining()) {
            int read = file.read(target, at);
            if (read < 0) {
                throw new EOFException(name + " became shorter while it was read");
            }
            at += read;
        }
    }

    private LogDamage.Found damaged(long position, String problem) {
        return new LogDamage.Found(new LogDamage(name, position, problem, SegmentReader.COMPRESSED_REMEDY));
    }

    private static int checksum(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    /**
     * Writes the compressed form of a segment; does not force it.
     *
     * @param step runs before each frame; may throw
     */
    static void write(String name, StorageFile segment, StorageFile target, Runnable step) throws IOException {
        long size = segment.size();
        int frames = Math.toIntExact((size + FRAME_BYTES - 1) / FRAME_BYTES);
        byte[] table = new byte[TABLE_HEADER_BYTES + frames * TABLE_ENTRY_BYTES + FOOTER_BYTES];
        byte[] plain = new byte[FRAME_BYTES];
        byte[] compressed = new byte[frameBytesMax()];
        long written = 0;
        try (ZstdCompressCtx compressor = new ZstdCompressCtx()) {
            compressor.setLevel(LEVEL).setChecksum(true).setContentSize(true);
            for (int i = 0; i < frames; i++) {
                step.run();
                long from = (long) i * FRAME_BYTES;
                int length = (int) Math.min(FRAME_BYTES, size - from);
                readFully(segment, name, ByteBuffer.wrap(plain, 0, length), from);
                int got = compressor.compressByteArray(compressed, 0, compressed.length, plain, 0, length);
                target.write(ByteBuffer.wrap(compressed, 0, got), written);
                written += got;
                LittleEndian.putInt(table, TABLE_HEADER_BYTES + i * TABLE_ENTRY_BYTES, got);
                LittleEndian.putInt(table, TABLE_HEADER_BYTES + i * TABLE_ENTRY_BYTES + Integer.BYTES, checksum(compressed, got));
            }
        }
        LittleEndian.putInt(table, 0, SKIPPABLE);
        LittleEndian.putInt(table, Integer.BYTES, table.length - TABLE_HEADER_BYTES);
        int footer = table.length - FOOTER_BYTES;
        LittleEndian.putLong(table, footer + SIZE_OFFSET, size);
        LittleEndian.putInt(table, footer + FRAME_BYTES_OFFSET, FRAME_BYTES);
        LittleEndian.putInt(table, footer + FRAMES_OFFSET, frames);
        LittleEndian.putInt(table, footer + VERSION_OFFSET, VERSION);
        System.arraycopy(LogFormat.MAGIC, 0, table, footer + MAGIC_OFFSET, LogFormat.MAGIC.length);
        LittleEndian.putInt(table, footer + CHECKSUM_OFFSET, checksum(table, footer + CHECKSUM_OFFSET));
        target.write(ByteBuffer.wrap(table), written);
    }

    @Override
    public void write(ByteBuffer source, long position) {
        throw new UnsupportedOperationException("a compressed segment never changes");
    }

    @Override
    public void truncate(long newSize) {
        throw new UnsupportedOperationException("a compressed segment never changes");
    }

    @Override
    public void force() {
        // Was forced before it had its name.
    }

    @Override
    public void close() throws IOException {
        decompressor.close();
        file.close();
    }
}
