package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * The segments of a log while it runs: for reading what is durable, and for making old segments small or removing them. Any
 * thread; what changes files runs one at a time. Nothing here makes the log's thread wait longer than the change of a name takes.
 *
 * <p>Errors of all methods: STORAGE_FAILED, STORAGE_CORRUPT with file, position and remedy, DATABASE_STOPPED after the log has
 * been closed or has failed.
 */
public final class LogFiles {

    /** A file of the log. */
    record Segment(long firstOffset, boolean compressed) {

        static final Comparator<Segment> ORDER = Comparator.comparingLong(Segment::firstOffset);

        Segment plain() {
            return new Segment(firstOffset, false);
        }

        String name() {
            return LogFormat.fileName(firstOffset, compressed ? LogFormat.COMPRESSED_SUFFIX : LogFormat.SUFFIX);
        }
    }

    /**
     * A segment as others see it.
     *
     * @param file name in the directory of the log
     * @param firstOffset of its first transaction
     * @param nextOffset with which the next segment begins; behind the last durable transaction if this is the last one
     * @param bytes length of the file; 0 if it cannot be read
     * @param open whether transactions may still be added
     */
    public record SegmentInfo(String file, long firstOffset, long nextOffset, long bytes, boolean compressed, boolean open) {
    }

    /** Hears how far a long operation is. May throw, which ends it. */
    @FunctionalInterface
    public interface Progress {

        Progress NONE = (done, all) -> { };

        /** @param done bytes of {@code all} that have been looked at */
        void at(long done, long all);
    }

    /** A reader and the first transaction that it still needs. */
    private static final class Reading {
        private long from;
    }

    private final Storage storage;
    private final LongSupplier durableOffset;
    /** Held by what compresses and trims, for as long as it runs. */
    private final ReentrantLock maintenance = new ReentrantLock();
    /** Held by whoever changes or looks up names, for as long as that takes; guards the fields below. */
    private final ReentrantLock names = new ReentrantLock();
    private final List<Segment> segments;
    private final List<Reading> readings = new ArrayList<>();
    /** Of closed segments, as far as somebody has asked. */
    private final Map<Segment, Long> sizes = new HashMap<>();
    /** Of the segment that is open, null if none is. */
    private SegmentIndex openIndex;
    private boolean hasOpen;
    private volatile boolean closed;

    LogFiles(Storage storage, List<Segment> segments, Optional<SegmentIndex> openIndex, LongSupplier durableOffset) {
        this.storage = storage;
        this.segments = new ArrayList<>(segments);
        this.openIndex = openIndex.orElse(null);
        this.hasOpen = openIndex.isPresent();
        this.durableOffset = durableOffset;
    }

    // ---- for the log's thread ----

    /** Makes a new segment, durably, with its header. */
    StorageFile create(long firstOffset, long salt, SegmentIndex index) throws IOException {
        names.lock();
        try {
            StorageFile file = storage.create(LogFormat.fileName(firstOffset));
            try {
                file.write(ByteBuffer.wrap(LogFormat.segmentHeader(firstOffset, salt)), 0);
                file.force();
                // Under the lock: this must not profit from a force that another operation saw fail.
                storage.force();
            } catch (Throwable e) {
                CommitLog.closeQuietly(file);
                throw e;
            }
            segments.add(new Segment(firstOffset, false));
            openIndex = index;
            hasOpen = true;
            return file;
        } finally {
            names.unlock();
        }
    }

    /**
     * Says durably that the log holds everything before an offset, which must be on stable storage: who opens it then knows if it
     * does not. What such files said earlier is true still, but of no use any more.
     */
    void markEnd(long offset) throws IOException {
        String marker = LogFormat.fileName(offset, LogFormat.END_SUFFIX);
        names.lock();
        try {
            List<String> listed = storage.list();
            if (!listed.contains(marker)) {
                // All there is of it is its name.
                storage.create(marker).close();
            }
            storage.force();
            for (String name : listed) {
                if (LogFormat.firstOffset(name, LogFormat.END_SUFFIX) >= 0 && !name.equals(marker)) {
                    storage.delete(name);
                }
            }
        } finally {
            names.unlock();
        }
    }

    /** Lets nothing more begin or go on. */
    void refuse() {
        closed = true;
    }

    /** Waits also until nothing changes files any more. */
    void close() {
        refuse();
        maintenance.lock();
        maintenance.unlock();
    }

    // ---- looking ----

    /** All in order. Those before the start have not been looked at; there may be gaps before it. */
    public List<SegmentInfo> segments() {
        List<Segment> all;
        boolean open;
        names.lock();
        try {
            all = List.copyOf(segments);
            open = hasOpen;
        } finally {
            names.unlock();
        }
        long durable = durable();
        List<SegmentInfo> infos = new ArrayList<>(all.size());
        for (int i = 0; i < all.size(); i++) {
            boolean last = i == all.size() - 1;
            Segment segment = all.get(i);
            long next = last ? Math.max(durable, segment.firstOffset()) : all.get(i + 1).firstOffset();
            sizeOf(segment, last && open).ifPresent(size -> infos.add(new SegmentInfo(
                    size.segment().name(), segment.firstOffset(), next, size.bytes(), size.segment().compressed(),
                    last && open)));
        }
        return infos;
    }

    private record Size(Segment segment, long bytes) {
    }

    /** Empty if it has been removed meanwhile. */
    private Optional<Size> sizeOf(Segment segment, boolean grows) {
        names.lock();
        try {
            Optional<Segment> now = segments.stream().filter(s -> s.firstOffset() == segment.firstOffset()).findFirst();
            if (now.isEmpty()) {
                return Optional.empty();
            }
            Long known = sizes.get(now.get());
            if (known != null) {
                return Optional.of(new Size(now.get(), known));
            }
            try (StorageFile file = storage.open(now.get().name())) {
                long bytes = file.size();
                if (!grows) {
                    sizes.put(now.get(), bytes);
                }
                return Optional.of(new Size(now.get(), bytes));
            }
        } catch (IOException e) {
            return Optional.of(new Size(segment, 0));
        } finally {
            names.unlock();
        }
    }

    // ---- reading ----

    /**
     * Gives the durable transactions from one offset up to, and without, another one. While it runs, nothing that it needs is
     * trimmed; compression does not disturb it.
     *
     * @throws EngineException STORAGE_CORRUPT also if the log does not go back to {@code from}; INVALID_ARGUMENTS if not all of
     *     it is durable
     */
    public void read(long from, long until, LogFactory.Replay replay) {
        if (from < 0 || until > durable()) {
            throw new EngineException(
                    ErrorCode.INVALID_ARGUMENTS,
                    "transactions " + from + " to " + (until - 1) + " of the log in " + storage + " are not all durable");
        }
        Reading reading = begin(from);
        try {
            while (reading.from < until) {
                long next = readSegment(reading.from, until, replay);
                names.lock();
                try {
                    reading.from = next;
                } finally {
                    names.unlock();
                }
            }
        } catch (LogDamage.Found e) {
            throw e.corrupt();
        } catch (IOException e) {
            throw failed("the log cannot be read", e);
        } finally {
            end(reading);
        }
    }

    /** From now on nothing from an offset on is trimmed. */
    private Reading begin(long from) {
        Reading reading = new Reading();
        reading.from = from;
        names.lock();
        try {
            readings.add(reading);
        } finally {
            names.unlock();
        }
        return reading;
    }

    private void end(Reading reading) {
        names.lock();
        try {
            readings.remove(reading);
        } finally {
            names.unlock();
        }
    }

    /** Gives what the segment with {@code from} has of the range; returns where to go on. */
    private long readSegment(long from, long until, LogFactory.Replay replay) throws IOException {
        Opened opened = open(from);
        try (SegmentReader segment = opened.reader()) {
            segment.readHeader();
            SegmentIndex stored = skipTo(segment, opened, from);
            while (segment.nextOffset() < until && segment.at() < segment.size()) {
                running();
                SegmentReader.Found found = segment.commit();
                if (found != SegmentReader.Found.COMMIT) {
                    throw segment.damaged(segment.at(), found.problem());
                }
                segment.replay(from, until, replay);
                segment.advance();
            }
            if (!opened.open() && segment.index().size() > stored.size()) {
                CommitLog.closeQuietly(segment.index().write(storage));
            }
            if (segment.nextOffset() <= from) {
                throw missing(from);
            }
            return segment.nextOffset();
        }
    }

    private SegmentIndex skipTo(SegmentReader segment, Opened opened, long offset) throws IOException {
        SegmentIndex stored = opened.index().isPresent() ? opened.index().get()
                : SegmentIndex.read(storage, opened.firstOffset(), segment.salt(), segment.size());
        segment.skipTo(offset, stored);
        return stored;
    }

    /**
     * A segment that is being read.
     *
     * @param index if the segment is open
     */
    private record Opened(long firstOffset, SegmentReader reader, Optional<SegmentIndex> index, boolean open) {
    }

    /** Opens the segment that should hold a transaction. Under the lock, so that its name stands for it. */
    private Opened open(long offset) throws IOException {
        names.lock();
        try {
            running();
            int i = segments.size() - 1;
            while (i >= 0 && segments.get(i).firstOffset() > offset) {
                i--;
            }
            if (i < 0) {
                throw missing(offset);
            }
            Segment segment = segments.get(i);
            boolean open = hasOpen && i == segments.size() - 1;
            return new Opened(
                    segment.firstOffset(), SegmentReader.open(storage, segment.firstOffset(), segment.compressed()),
                    open ? Optional.of(openIndex) : Optional.empty(), open);
        } finally {
            names.unlock();
        }
    }

    private EngineException missing(long from) {
        names.lock();
        try {
            Optional<Segment> next = segments.stream().filter(s -> s.firstOffset() > from).findFirst();
            return new EngineException(
                    ErrorCode.STORAGE_CORRUPT,
                    "the log in " + storage + " does not have transactions " + from + " to "
                            + (next.map(Segment::firstOffset).orElse(durable()) - 1) + next.map(s ->
                            ": " + s.name() + " begins behind them").orElse("")
                            + ". They have been trimmed or are lost; use a snapshot or a backup that includes them");
        } finally {
            names.unlock();
        }
    }

    /**
     * Offset of the first durable transaction in the log that was committed after a time; the one behind the last if there is
     * none. Transactions that do not say when count as older.
     *
     * @param commitMicros microseconds since 1970
     */
    public long offsetAfter(long commitMicros) {
        Reading reading = begin(0);
        try {
            return findAfter(commitMicros);
        } finally {
            end(reading);
        }
    }

    private long findAfter(long commitMicros) {
        long end = durable();
        List<SegmentInfo> all = segments();
        int low = 0;
        int high = all.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            long first = all.get(middle).firstOffset();
            if (first < end && firstTime(first) <= commitMicros) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (low == 0) {
            return all.isEmpty() ? end : Math.min(end, all.getFirst().firstOffset());
        }
        SegmentInfo segment = all.get(low - 1);
        long until = Math.min(end, segment.nextOffset());
        long[] found = {until};
        read(placeOfTime(segment, commitMicros), until, (offset, buffer, at, length) -> {
            if (found[0] > offset && TxRecord.commitMicros(buffer, at, length) > commitMicros) {
                found[0] = offset;
            }
        });
        return found[0];
    }

    private long firstTime(long offset) {
        long[] time = {0};
        read(offset, offset + 1, (o, buffer, at, length) -> time[0] = TxRecord.commitMicros(buffer, at, length));
        return time[0];
    }

    /** A transaction of the segment that is not from later than a time; the index may help. */
    private long placeOfTime(SegmentInfo info, long commitMicros) {
        try {
            Opened opened = open(info.firstOffset());
            try (SegmentReader segment = opened.reader()) {
                segment.readHeader();
                SegmentIndex index = opened.index().isPresent() ? opened.index().get()
                        : SegmentIndex.read(storage, opened.firstOffset(), segment.salt(), segment.size());
                int entry = index.floorTime(commitMicros);
                // The index is a hint: its time counts only if the transaction says the same.
                long place = entry < 0 ? info.firstOffset() : index.offset(entry);
                return place > info.firstOffset() && place < info.nextOffset() && firstTime(place) <= commitMicros
                        ? place : info.firstOffset();
            }
        } catch (LogDamage.Found e) {
            throw e.corrupt();
        } catch (IOException e) {
            throw failed("the log cannot be read", e);
        }
    }

    // ---- compressing ----

    /**
     * Compresses the plain segments that are closed and lie wholly below an offset, the oldest first. Each is replaced when its
     * compressed form is on stable storage and has been read back. A damaged one stays as it is, and is reported after the others
     * have been dealt with.
     *
     * @return how many were compressed
     */
    public int compress(long below) {
        int done = 0;
        LogDamage.Found damaged = null;
        maintenance.lock();
        try {
            running();
            Set<String> listed = Set.copyOf(storage.list());
            for (Segment segment : below(below)) {
                if (segment.compressed()) {
                    // An earlier compression may have failed to delete it.
                    if (listed.contains(segment.plain().name())) {
                        remove(segment.plain().name());
                    }
                    continue;
                }
                try {
                    compress(segment);
                    done++;
                } catch (LogDamage.Found e) {
                    damaged = damaged == null ? e : damaged;
                }
            }
        } catch (IOException e) {
            throw failed("a segment cannot be compressed", e);
        } catch (LinkageError e) {
            throw new EngineException(
                    ErrorCode.STORAGE_FAILED, "segments cannot be compressed: the library for zstd does not load: " + e, e);
        } finally {
            maintenance.unlock();
        }
        if (damaged != null) {
            throw damaged.corrupt();
        }
        return done;
    }

    /** Closed segments that end at or before an offset. */
    private List<Segment> below(long below) {
        names.lock();
        try {
            List<Segment> found = new ArrayList<>();
            for (int i = 0; i < segments.size(); i++) {
                boolean last = i == segments.size() - 1;
                long end = last ? durable() : segments.get(i + 1).firstOffset();
                if (end <= below && !(last && hasOpen)) {
                    found.add(segments.get(i));
                }
            }
            return found;
        } finally {
            names.unlock();
        }
    }

    private void compress(Segment plain) throws IOException {
        String temporary = LogFormat.fileName(plain.firstOffset(), LogFormat.TEMPORARY_SUFFIX);
        Segment compressed = new Segment(plain.firstOffset(), true);
        running();
        remove(temporary);
        boolean renamed = false;
        try {
            try (SegmentReader from = SegmentReader.open(storage, plain.firstOffset(), false);
                    StorageFile to = storage.create(temporary)) {
                walk(from);
                CompressedSegment.write(from.path(), from.file(), to, this::running);
                to.force();
            }
            try (SegmentReader back = SegmentReader.of(storage, temporary, plain.firstOffset(), true)) {
                walk(back);
                SegmentIndex stored = SegmentIndex.read(storage, plain.firstOffset(), back.salt(), back.size());
                if (stored.size() < back.index().size()) {
                    CommitLog.closeQuietly(back.index().write(storage));
                }
            }
            names.lock();
            try {
                running();
                storage.rename(temporary, compressed.name());
                renamed = true;
                storage.force();
                segments.set(segments.indexOf(plain), compressed);
                sizes.remove(plain);
                remove(plain.name());
                storage.force();
            } finally {
                names.unlock();
            }
        } finally {
            if (!renamed && !closed) {
                removeQuietly(temporary);
            }
        }
    }

    /** Reads a whole segment, and everything must be right. */
    private void walk(SegmentReader segment) throws IOException {
        segment.readHeader();
        while (segment.at() < segment.size()) {
            running();
            SegmentReader.Found found = segment.commit();
            if (found != SegmentReader.Found.COMMIT) {
                throw segment.damaged(segment.at(), found.problem());
            }
            segment.replay(0, 0, (offset, buffer, at, length) -> { });
            segment.advance();
        }
    }

    private void removeQuietly(String name) {
        try {
            remove(name);
        } catch (IOException e) {
            // The next start removes it.
        }
    }

    /** An earlier deletion may have failed after it was done. */
    private void remove(String name) throws IOException {
        if (storage.list().contains(name)) {
            storage.delete(name);
        }
    }

    // ---- trimming ----

    /**
     * Deletes the segments that lie wholly below an offset, and below what is being read; the oldest first and each for good
     * before the next one, so that what is left has no gaps whatever happens. Never the last one.
     *
     * @return how many were deleted
     */
    public int trim(long below) {
        maintenance.lock();
        try {
            running();
            int done = 0;
            for (Segment segment : below(below)) {
                names.lock();
                try {
                    running();
                    if (segments.size() < 2 || readings.stream().anyMatch(r -> r.from < segments.get(1).firstOffset())) {
                        break;
                    }
                    remove(segment.name());
                    remove(segment.plain().name());
                    segments.removeFirst();
                    sizes.remove(segment);
                    removeQuietly(LogFormat.fileName(segment.firstOffset(), LogFormat.INDEX_SUFFIX));
                    storage.force();
                    done++;
                } finally {
                    names.unlock();
                }
            }
            return done;
        } catch (IOException e) {
            throw failed("old segments cannot be deleted", e);
        } finally {
            maintenance.unlock();
        }
    }

    // ---- verifying ----

    /**
     * Looks at everything that was durable when this began: headers of files, checksums, whether transactions have gaps and
     * epochs fall, and whether records are records. What the log is writing meanwhile is not judged, and what is trimmed
     * meanwhile is left out. Indexes of closed segments are made anew if they are wrong.
     *
     * @param progress in bytes of the files
     * @return what is wrong, in order; it ends after a thousand
     */
    public List<LogDamage> verify(Progress progress) {
        return new LogVerifier(this, storage, durable(), progress).run();
    }

    /**
     * Where verification goes on.
     *
     * @param oldest whether no segment lies before it now
     */
    record Next(Segment segment, boolean oldest, boolean open) {
    }

    /** The first segment that begins at or behind an offset. */
    Optional<Next> next(long offset) {
        names.lock();
        try {
            for (int i = 0; i < segments.size(); i++) {
                if (segments.get(i).firstOffset() >= offset) {
                    return Optional.of(new Next(segments.get(i), i == 0, hasOpen && i == segments.size() - 1));
                }
            }
            return Optional.empty();
        } finally {
            names.unlock();
        }
    }

    /** Opens a segment by the name that it has now; empty if it has been trimmed. */
    Optional<SegmentReader> open(Segment segment) throws IOException {
        names.lock();
        try {
            for (Segment now : segments) {
                if (now.firstOffset() == segment.firstOffset()) {
                    return Optional.of(SegmentReader.open(storage, now.firstOffset(), now.compressed()));
                }
            }
            return Optional.empty();
        } finally {
            names.unlock();
        }
    }

    /** Offset behind the last durable transaction. */
    long durable() {
        return durableOffset.getAsLong() + 1;
    }

    /** @throws EngineException DATABASE_STOPPED */
    void running() {
        if (closed) {
            throw new EngineException(ErrorCode.DATABASE_STOPPED, "the log in " + storage + " is closed");
        }
    }

    private EngineException failed(String what, IOException e) {
        return new EngineException(ErrorCode.STORAGE_FAILED, "log in " + storage + ": " + what + ": " + e, e);
    }
}
