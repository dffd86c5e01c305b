package dev.geodesic.engine.durability;

import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.sats.LittleEndian;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Where some commits of a segment begin: the first one that begins {@link #INTERVAL_BYTES} or more behind the one before. A hint:
 * its file is never forced, and what it says is checked at the place to which it points. Thread-safe.
 */
final class SegmentIndex {

    /** Few enough entries to cost nothing, and little enough to walk over. */
    static final int INTERVAL_BYTES = 64 << 10;

    private final long firstOffset;
    private final long salt;
    private long[] offsets = new long[8];
    private long[] positions = new long[8];
    private long[] micros = new long[8];
    private int size;

    /** An empty one. */
    SegmentIndex(long firstOffset, long salt) {
        this.firstOffset = firstOffset;
        this.salt = salt;
    }

    /**
     * Reads the index of a segment: as many entries as are right, none if there is no index for this segment.
     *
     * @param segmentBytes length of the segment in plain form
     */
    static SegmentIndex read(Storage storage, long firstOffset, long salt, long segmentBytes) {
        SegmentIndex index = new SegmentIndex(firstOffset, salt);
        String name = LogFormat.fileName(firstOffset, LogFormat.INDEX_SUFFIX);
        try (StorageFile file = storage.open(name)) {
            long entries = Math.min(
                    (file.size() - LogFormat.SEGMENT_HEADER_BYTES) / LogFormat.INDEX_ENTRY_BYTES, segmentBytes / INTERVAL_BYTES);
            if (entries < 1) {
                return index;
            }
            byte[] bytes = new byte[LogFormat.SEGMENT_HEADER_BYTES + Math.toIntExact(entries) * LogFormat.INDEX_ENTRY_BYTES];
            CompressedSegment.readFully(file, name, ByteBuffer.wrap(bytes), 0);
            if (Arrays.equals(index.header(), 0, LogFormat.SEGMENT_HEADER_BYTES, bytes, 0, LogFormat.SEGMENT_HEADER_BYTES)) {
                for (int at = LogFormat.SEGMENT_HEADER_BYTES; at < bytes.length; at += LogFormat.INDEX_ENTRY_BYTES) {
                    if (!index.addStored(bytes, at, segmentBytes)) {
                        break;
                    }
                }
            }
        } catch (IOException e) {
            // As good as none.
        }
        return index;
    }

    /** Makes the file what this says, if it is not; what goes wrong is no harm. */
    void repair(Storage storage) {
        String name = LogFormat.fileName(firstOffset, LogFormat.INDEX_SUFFIX);
        byte[] wanted = size() == 0 ? new byte[0] : bytes(0);
        byte[] found = new byte[wanted.length];
        try (StorageFile file = storage.open(name)) {
            if (file.size() == wanted.length) {
                CompressedSegment.readFully(file, name, ByteBuffer.wrap(found), 0);
            }
        } catch (IOException e) {
            // Most likely there is none.
        }
        if (!Arrays.equals(found, wanted)) {
            CommitLog.closeQuietly(write(storage));
        }
    }

    private boolean addStored(byte[] bytes, int at, long segmentBytes) {
        long offset = LittleEndian.getLong(bytes, at + LogFormat.INDEX_OFFSET);
        long position = LittleEndian.getLong(bytes, at + LogFormat.INDEX_POSITION_OFFSET);
        boolean right = LittleEndian.getInt(bytes, at + LogFormat.INDEX_CHECKSUM_OFFSET)
                == LogFormat.checksum(salt, bytes, at, LogFormat.INDEX_CHECKSUM_OFFSET)
                && wants(position) && position < segmentBytes && offset > (size == 0 ? firstOffset : offsets[size - 1]);
        if (right) {
            add(offset, position, LittleEndian.getLong(bytes, at + LogFormat.INDEX_MICROS_OFFSET));
        }
        return right;
    }

    /** Whether a commit that begins here gets an entry. */
    synchronized boolean wants(long position) {
        return position - (size == 0 ? LogFormat.SEGMENT_HEADER_BYTES : positions[size - 1]) >= INTERVAL_BYTES;
    }

    /** @param commitMicros of the first transaction of the commit; 0 if unknown */
    synchronized void add(long offset, long position, long commitMicros) {
        if (size == offsets.length) {
            offsets = Arrays.copyOf(offsets, 2 * size);
            positions = Arrays.copyOf(positions, 2 * size);
            micros = Arrays.copyOf(micros, 2 * size);
        }
        offsets[size] = offset;
        positions[size] = position;
        micros[size++] = commitMicros;
    }

    synchronized int size() {
        return size;
    }

    /** The last entry at or before a transaction; -1 if there is none. */
    synchronized int floor(long offset) {
        int found = Arrays.binarySearch(offsets, 0, size, offset);
        return found >= 0 ? found : -found - 2;
    }

    /** The last entry whose commit is from a time or earlier; -1 if there is none. */
    synchronized int floorTime(long commitMicros) {
        int low = 0;
        int high = size;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (micros[middle] <= commitMicros) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    synchronized long offset(int entry) {
        return offsets[entry];
    }

    synchronized long position(int entry) {
        return positions[entry];
    }

    /** A copy without what comes behind an entry. */
    synchronized SegmentIndex upTo(int entry) {
        SegmentIndex copy = new SegmentIndex(firstOffset, salt);
        for (int i = 0; i <= entry; i++) {
            copy.add(offsets[i], positions[i], micros[i]);
        }
        return copy;
    }

    private byte[] header() {
        return LogFormat.header(LogFormat.INDEX_MAGIC, firstOffset, salt);
    }

    /** The bytes of the file from an entry on; from the first one with its header. */
    synchronized byte[] bytes(int from) {
        byte[] header = from == 0 ? header() : new byte[0];
        byte[] bytes = Arrays.copyOf(header, header.length + (size - from) * LogFormat.INDEX_ENTRY_BYTES);
        for (int i = from; i < size; i++) {
            int at = header.length + (i - from) * LogFormat.INDEX_ENTRY_BYTES;
            LittleEndian.putLong(bytes, at + LogFormat.INDEX_OFFSET, offsets[i]);
            LittleEndian.putLong(bytes, at + LogFormat.INDEX_POSITION_OFFSET, positions[i]);
            LittleEndian.putLong(bytes, at + LogFormat.INDEX_MICROS_OFFSET, micros[i]);
            LittleEndian.putInt(bytes, at + LogFormat.INDEX_CHECKSUM_OFFSET,
                    LogFormat.checksum(salt, bytes, at, LogFormat.INDEX_CHECKSUM_OFFSET));
        }
        return bytes;
    }

    /** Writes the file anew, if there is anything to write; what goes wrong is no harm. The caller closes the file. */
    StorageFile write(Storage storage) {
        String name = LogFormat.fileName(firstOffset, LogFormat.INDEX_SUFFIX);
        StorageFile file = null;
        try {
            if (storage.list().contains(name)) {
                storage.delete(name);
            }
            if (size() == 0) {
                return null;
            }
            file = storage.create(name);
            file.write(ByteBuffer.wrap(bytes(0)), 0);
            return file;
        } catch (IOException e) {
            CommitLog.closeQuietly(file);
            return null;
        }
    }
}
