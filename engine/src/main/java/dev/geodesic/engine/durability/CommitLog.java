package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.sats.LittleEndian;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * The commit log of one database with group commit: records are copied into a buffer; the log's thread takes the whole
 * buffer, writes it as one commit and forces it, while the other buffer fills up. See {@link LogFormat} for the bytes and
 * {@link LogReader} for what is done after a crash.
 *
 * <p>Always holds: at most one commit has been written and not yet forced; {@code durableOffset} is the last record of the
 * last forced commit; after any failure nothing is written, forced or accepted again.
 */
public final class CommitLog implements Durability {

    private static final System.Logger LOG = System.getLogger(CommitLog.class.getName());

    private static final Duration LOOK = Duration.ofMillis(50);

    private final Storage storage;
    private final CommitLogOptions options;
    private final Thread thread;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition space = lock.newCondition();
    /** Under the lock, like all up to {@code closed}. */
    private Group filling = new Group();
    private long nextOffset;
    private boolean idle;
    /** The log's thread waits for more records. */
    private boolean gathering;
    /** It should not. */
    private boolean flush;
    private boolean closing;
    private EngineException failure;

    private LongConsumer onDurable = offset -> { };
    private Consumer<RuntimeException> onFailed = e -> { };
    private volatile long durableOffset;
    /** When the disk was last asked for something, on a clock that nobody sets; 0 if nobody waits for it. */
    private volatile long askedNanos;
    /** Closed without waiting for the disk: when it answers at last, nothing is done any more. */
    private volatile boolean abandoned;

    /** The log's thread only, once it runs. */
    private Group writing = new Group();
    private StorageFile file;
    private long forcedAt;
    private final long gatherNanos;
    private long end;
    private long salt;
    private SegmentIndex index;
    /** Null while the index has nothing to write, and after that has failed. */
    private StorageFile indexFile;
    /** The index was read at the start: its file is written as a whole with the next entry. */
    private boolean indexAnew;
    /** The first commit of a segment has been written and not yet been marked. */
    private boolean begun;
    /** What the directory says that the log holds. */
    private long marked;
    private final long epoch;
    private final LogFiles files;

    /** Records that become one commit. The bytes leave room for the header of the commit, and for the checksum behind. */
    private static final class Group {

        private static final int START_BYTES = 16 << 10;
        private static final int KEEP_BYTES = 1 << 20;

        private byte[] bytes = new byte[START_BYTES];
        private int length = LogFormat.COMMIT_HEADER_BYTES;
        private int count;

        boolean hasRoom(int records, int bytesMax) {
            return count == 0 || count < records && length < bytesMax;
        }

        boolean fits(int recordLength) {
            return recordLength <= LogFormat.ARRAY_BYTES_MAX - length - LogFormat.LENGTH_BYTES - LogFormat.CHECKSUM_BYTES;
        }

        void add(byte[] record, int offset, int recordLength) {
            int needed = length + LogFormat.LENGTH_BYTES + recordLength + LogFormat.CHECKSUM_BYTES;
            if (needed > bytes.length) {
                int doubled = (int) Math.min(2L * bytes.length, LogFormat.ARRAY_BYTES_MAX);
                bytes = Arrays.copyOf(bytes, Math.max(needed, doubled));
            }
            LittleEndian.putInt(bytes, length, recordLength);
            System.arraycopy(record, offset, bytes, length + LogFormat.LENGTH_BYTES, recordLength);
            length += LogFormat.LENGTH_BYTES + recordLength;
            count++;
        }

        /** The finished commit. */
        ByteBuffer seal(long salt, long firstOffset, long epoch) {
            LogFormat.sealCommit(salt, bytes, 0, firstOffset, epoch, count, length - LogFormat.COMMIT_HEADER_BYTES);
            return ByteBuffer.wrap(bytes, 0, length + LogFormat.CHECKSUM_BYTES);
        }

        /** When the first transaction was committed; 0 if it does not say. */
        long micros() {
            int first = LogFormat.COMMIT_HEADER_BYTES;
            return LittleEndian.getInt(bytes, first) < TxRecord.TIME_BYTES
                    ? 0 : TxRecord.microsOrZero(bytes, first + LogFormat.LENGTH_BYTES);
        }

        void clear() {
            if (bytes.length > KEEP_BYTES) {
                bytes = new byte[START_BYTES];
            }
            length = LogFormat.COMMIT_HEADER_BYTES;
            count = 0;
        }
    }

    private CommitLog(Storage storage, CommitLogOptions options, LogReader reader) {
        this.storage = storage;
        this.options = options;
        this.gatherNanos = TimeUnit.MICROSECONDS.toNanos(options.gatherMicrosMax());
        this.forcedAt = System.nanoTime() - gatherNanos;
        this.nextOffset = reader.nextOffset();
        this.durableOffset = reader.nextOffset() - 1;
        this.epoch = reader.epoch();
        this.marked = reader.marked();
        SegmentReader last = reader.segment();
        if (last != null) {
            this.file = last.file();
            this.end = last.size();
            this.salt = last.salt();
            this.index = last.index();
            this.indexAnew = true;
        }
        this.files = new LogFiles(storage, reader.segments(), Optional.ofNullable(index), () -> durableOffset);
        this.thread = options.threads().newThread(this::run);
    }

    /**
     * Opens the log in a storage, which it owns from then on, and replays what it holds from the start on. An unfinished write at
     * the end is cut off. The caller has made sure that nobody else has the log open.
     *
     * @throws EngineException STORAGE_CORRUPT with file, offset and remedy if anything else is damaged; STORAGE_FAILED; what
     *     the replay throws
     */
    public static CommitLog open(Storage storage, CommitLogOptions options, LogStart start, LogFactory.Replay replay) {
        LogReader reader = new LogReader(storage, start, replay);
        try {
            reader.read();
            CommitLog log = new CommitLog(storage, options, reader);
            log.thread.start();
            return log;
        } catch (IOException e) {
            closeQuietly(reader.segment());
            closeQuietly(storage);
            throw new EngineException(ErrorCode.STORAGE_FAILED, "the log in " + storage + " cannot be opened: " + e, e);
        } catch (Throwable e) {
            closeQuietly(reader.segment());
            closeQuietly(storage);
            throw e;
        }
    }

    @Override
    public void listen(LongConsumer durable, Consumer<RuntimeException> failed) {
        lock.lock();
        try {
            onDurable = durable;
            onFailed = failed;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void append(long txOffset, byte[] record, int offset, int length) {
        lock.lock();
        try {
            while (failure == null && !closing && !filling.hasRoom(options.queueRecordsMax(), options.queueBytesMax())) {
                endGathering();
                space.awaitUninterruptibly();
            }
            if (failure != null) {
                throw new EngineException(ErrorCode.STORAGE_FAILED, failure.getMessage(), failure);
            }
            if (closing) {
                throw new EngineException(ErrorCode.DATABASE_STOPPED, "the log in " + storage + " is closed");
            }
            Invariants.check(txOffset == nextOffset, "offsets of the log rise by one", "next", nextOffset, "offset", txOffset);
            Invariants.check(filling.fits(length), "a record fits into an array with others", "length", length);
            filling.add(record, offset, length);
            nextOffset++;
            if (idle) {
                idle = false;
                work.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void flush() {
        lock.lock();
        try {
            if (filling.count > 0) {
                endGathering();
            }
        } finally {
            lock.unlock();
        }
    }

    private void endGathering() {
        flush = true;
        if (gathering) {
            work.signal();
        }
    }

    @Override
    public long durableOffset() {
        return durableOffset;
    }

    @Override
    public boolean hangs() {
        long since = askedNanos;
        return since != 0 && System.nanoTime() - since > options.patience().toNanos();
    }

    @Override
    public boolean isReleased() {
        return !thread.isAlive();
    }

    @Override
    public long epoch() {
        return epoch;
    }

    @Override
    public Optional<LogFiles> files() {
        return Optional.of(files);
    }

    // ---- the log's thread ----

    private void run() {
        try {
            while (takeGroup()) {
                long first = durableOffset + 1;
                long last = durableOffset + writing.count;
                askedNanos = System.nanoTime() | 1;
                writeGroup(first);
                askedNanos = 0;
                durableOffset = last;
                onDurable.accept(last);
                indexGroup(first);
                writing.clear();
                if (begun) {
                    // From now on nobody can take the segment away unnoticed.
                    markEnd();
                }
            }
            if (!abandoned) {
                markEnd();
            }
        } catch (IOException e) {
            fail(new EngineException(ErrorCode.STORAGE_FAILED, "the log in " + storage + " cannot be written: " + e, e));
        } catch (Throwable e) {
            fail(new EngineException(ErrorCode.INTERNAL, "the log in " + storage + " has stopped: " + e, e));
        } finally {
            askedNanos = System.nanoTime() | 1;
            files.close();
            closeQuietly(indexFile);
            closeQuietly(file);
            closeQuietly(storage);
        }
    }

    /** Waits for records and takes all there are; false at the end. */
    private boolean takeGroup() {
        lock.lock();
        try {
            if (abandoned) {
                return false;
            }
            while (filling.count == 0) {
                if (closing) {
                    return false;
                }
                idle = true;
                work.awaitUninterruptibly();
            }
            idle = false;
            gather();
            Group empty = writing;
            writing = filling;
            filling = empty;
            space.signalAll();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lets records come together: a force costs more than many of them, and so does waking everybody who waits for it. Nobody
     * waits for longer than the writer has something else to do.
     */
    private void gather() {
        gathering = true;
        long left;
        while (!flush && !closing && (left = forcedAt + gatherNanos - System.nanoTime()) > 0) {
            try {
                work.awaitNanos(left);
            } catch (InterruptedException e) {
                flush = true;
            }
        }
        gathering = false;
        flush = false;
    }

    private void writeGroup(long firstOffset) throws IOException {
        boolean full = end + writing.length + LogFormat.CHECKSUM_BYTES > options.segmentBytesMax();
        if (file == null || full && end > LogFormat.SEGMENT_HEADER_BYTES) {
            startSegment(firstOffset);
        }
        ByteBuffer commit = writing.seal(salt, firstOffset, epoch);
        file.write(commit, end);
        file.force();
        forcedAt = System.nanoTime();
        end += commit.limit();
    }

    /** The header is on stable storage, under its name, before the first commit is written: see {@link LogReader}. */
    private void startSegment(long firstOffset) throws IOException {
        closeQuietly(indexFile);
        indexFile = null;
        indexAnew = false;
        if (file != null) {
            file.close();
        }
        salt = options.salts().getAsLong();
        index = new SegmentIndex(firstOffset, salt);
        file = files.create(firstOffset, salt, index);
        end = LogFormat.SEGMENT_HEADER_BYTES;
        begun = true;
    }

    /** Without the file, or with an older one, less of a loss is noticed; so what goes wrong is no harm. */
    private void markEnd() {
        begun = false;
        long next = durableOffset + 1;
        if (next == marked) {
            return;
        }
        askedNanos = System.nanoTime() | 1;
        try {
            files.markEnd(next);
            marked = next;
        } catch (IOException | RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "the end of the log in {0} cannot be marked: {1}", storage, e);
        }
        askedNanos = 0;
    }

    /** The commit just written gets an entry in the index, if one is due. It is not forced, and what goes wrong is no harm. */
    private void indexGroup(long firstOffset) {
        long position = end - writing.length - LogFormat.CHECKSUM_BYTES;
        if (!index.wants(position)) {
            return;
        }
        index.add(firstOffset, position, writing.micros());
        int entry = index.size() - 1;
        if (entry == 0 || indexAnew) {
            closeQuietly(indexFile);
            indexFile = index.write(storage);
            indexAnew = false;
        } else if (indexFile != null) {
            try {
                indexFile.write(ByteBuffer.wrap(index.bytes(entry)), LogFormat.SEGMENT_HEADER_BYTES
                        + (long) entry * LogFormat.INDEX_ENTRY_BYTES);
            } catch (IOException e) {
                LOG.log(System.Logger.Level.WARNING, "the index of a log segment in {0} cannot be written: {1}", storage, e);
                closeQuietly(indexFile);
                indexFile = null;
            }
        }
    }

    private void fail(EngineException cause) {
        files.refuse();
        lock.lock();
        try {
            failure = cause;
            space.signalAll();
        } finally {
            lock.unlock();
        }
        onFailed.accept(cause);
    }

    static void closeQuietly(AutoCloseable closeable) {
        try {
            if (closeable != null) {
                closeable.close();
            }
        } catch (Exception e) {
            LOG.log(System.Logger.Level.WARNING, "could not close: " + e);
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closing = true;
            work.signal();
            space.signalAll();
        } finally {
            lock.unlock();
        }
        if (Thread.currentThread() == thread) {
            return;
        }
        boolean interrupted = false;
        while (!abandoned) {
            try {
                if (thread.join(LOOK)) {
                    break;
                }
                if (hangs()) {
                    abandoned = true;
                    LOG.log(System.Logger.Level.ERROR, "the log in " + storage + " is not waited for any longer: the disk has not"
                            + " answered for " + options.patience().toSeconds() + " s. What was confirmed is on it; transactions"
                            + " from " + (durableOffset + 1) + " on may be lost");
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
