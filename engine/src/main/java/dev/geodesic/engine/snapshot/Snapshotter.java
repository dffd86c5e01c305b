package dev.geodesic.engine.snapshot;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.LogFiles;
import dev.geodesic.engine.durability.SnapshotInfo;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.durability.SnapshotProgress;
import dev.geodesic.engine.durability.SnapshotStore;
import dev.geodesic.engine.port.Timer;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.SnapshotView;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Takes the snapshots of one database and applies its retention. One is due after so many transactions or bytes of log, or
 * when somebody asks; it is taken on the thread of the {@link SnapshotWorker}, and the writer notices nothing but a counter.
 * After a failure it is tried again, later and later. Public methods may be called on any thread.
 *
 * <p>Always holds: at most one task of this is queued or runs; a snapshot has its name only once the log is durable up to its
 * last transaction; nothing is deleted unless every snapshot that is kept for it has been read from end to end by this
 * process; nothing is deleted at or above a pinned offset.
 */
public final class Snapshotter implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Snapshotter.class.getName());
    private static final int WAITING_MAX = 256;
    private static final long NEVER = Long.MAX_VALUE;
    private static final long RETRY_MICROS = TimeUnit.SECONDS.toMicros(5);
    private static final long RETRY_MICROS_MAX = TimeUnit.MINUTES.toMicros(10);
    private static final long DURABLE_NANOS_MAX = TimeUnit.SECONDS.toNanos(60);
    private static final long CLOSE_NANOS_MAX = TimeUnit.SECONDS.toNanos(10);
    /** A snapshot that loses its moment to changes may hold back twice as much the next time, up to so many times. */
    private static final int BUDGETS = 8;
    /** All databases together take one snapshot at a time, so that this is bounded. */
    private static final int HEAP_PART = 4;

    private final String database;
    private final CommittedState committed;
    private final Durability log;
    private final Optional<LogFiles> files;
    private final SnapshotStore store;
    private final SnapshotOptions options;
    private final SnapshotWorker worker;
    /** What the clocks said at the beginning: the wall clock may only be believed as far as the other one agrees. */
    private final long startMicros;
    private final long startNanos;

    // ---- the writer's side ----

    /** Bytes of the log since the opening, and what the newest snapshot left before it. */
    private final AtomicLong appended = new AtomicLong();
    private volatile long dueOffset = NEVER;
    private volatile long dueBytes = NEVER;

    // ---- guarded by this ----

    private List<CompletableFuture<SnapshotEntry>> waiting = new ArrayList<>();
    private boolean queued;
    private volatile boolean running;
    private volatile boolean stopped;
    private SnapshotView view;
    private Timer.Wake retry = () -> { };
    private int failuresInARow;
    private long failures;
    private long taken;
    private Optional<String> failure = Optional.empty();
    private long lastMicros;
    private long lastMillis;

    // ---- the worker's ----

    private long budget;
    private final long budgetMax;
    /** Snapshots that were read from end to end. */
    private final Set<Long> readable = ConcurrentHashMap.newKeySet();

    // ---- guarded by itself: what is deleted, and what must not be ----

    private final TreeMap<Long, Integer> pins = new TreeMap<>();
    private final Map<Long, SnapshotEntry> entries = new ConcurrentHashMap<>();
    /** When each was taken, or seen first if it says that it comes from the future. */
    private final Map<Long, Long> times = new ConcurrentHashMap<>();

    /**
     * Begins to watch a recovered database.
     *
     * @param database how messages name it
     * @param log the database's log, not yet watched
     * @param store owned from now on
     */
    public Snapshotter(
            String database, CommittedState committed, Durability log, SnapshotStore store, SnapshotOptions options,
            SnapshotWorker worker) {
        this.database = database;
        this.committed = committed;
        this.log = log;
        this.files = log.files();
        this.store = store;
        this.options = options;
        this.worker = worker;
        this.budget = options.retainedBytes();
        this.budgetMax = Math.max(
                budget, Math.min(BUDGETS * budget, Runtime.getRuntime().maxMemory() / HEAP_PART));
        this.startMicros = Math.max(worker.timer().nowMicros(), committed.commitMicros());
        this.startNanos = worker.nanoTime().getAsLong();
        List<SnapshotEntry> known = look();
        long newest = known.isEmpty() ? 0 : known.getLast().offset();
        lastMicros = known.isEmpty() ? 0 : known.getLast().commitMicros();
        appended.set(segments().stream().mapToLong(s -> bytesBehind(s, newest)).sum());
        rearm(newest, 0);
    }

    /** About what of a segment lies behind a snapshot. */
    private static long bytesBehind(LogFiles.SegmentInfo segment, long offset) {
        long all = Math.max(1, segment.nextOffset() - segment.firstOffset());
        long behind = Math.clamp(segment.nextOffset() - offset, 0, all);
        return (long) (segment.bytes() * (double) behind / all);
    }

    // ---- triggers ----

    /** The writer, or whoever appends: one thread at a time. */
    void appended(long txOffset, int length) {
        long bytes = appended.get() + length;
        appended.setRelease(bytes);
        if (txOffset + 1 >= dueOffset || bytes >= dueBytes) {
            enqueue();
        }
    }

    /** A snapshot with so many transactions was begun when the log had so many bytes. */
    private synchronized void rearm(long newestOffset, long bytes) {
        dueOffset = newestOffset + options.transactions();
        dueBytes = bytes + options.logBytes();
        if (committed.nextTxOffset() >= dueOffset || appended.get() >= dueBytes) {
            enqueue();
        }
    }

    private synchronized void enqueue() {
        dueOffset = NEVER;
        dueBytes = NEVER;
        if (!queued && !stopped) {
            queued = true;
            worker.executor().execute(this::run);
        }
    }

    /**
     * Takes a snapshot of everything that has been committed, as soon as its turn comes. Completes when it is published, or at
     * once if the newest one is of the same state; exceptionally with STORAGE_FAILED, DISK_FULL, LIMIT_EXCEEDED if too much
     * changed meanwhile, BUSY if too many wait, or DATABASE_STOPPED.
     */
    public CompletableFuture<SnapshotEntry> take() {
        CompletableFuture<SnapshotEntry> answer = new CompletableFuture<>();
        synchronized (this) {
            if (stopped) {
                return CompletableFuture.failedFuture(stopping());
            }
            if (waiting.size() >= WAITING_MAX) {
                return CompletableFuture.failedFuture(new EngineException(
                        ErrorCode.BUSY, "more than " + WAITING_MAX + " wait for a snapshot of the database; try again later"));
            }
            waiting.add(answer);
            if (!running) {
                enqueue();
            }
        }
        return answer;
    }

    private static EngineException stopping() {
        return new EngineException(ErrorCode.DATABASE_STOPPED, "the database is stopping");
    }

    // ---- the log's side ----

    /** The durable offset has risen. */
    void durable() {
        if (running) {
            synchronized (this) {
                notifyAll();
            }
        }
    }

    /** Begins nothing any more and gives up what runs, without waiting for it. Idempotent. */
    public void stop() {
        List<CompletableFuture<SnapshotEntry>> refused;
        synchronized (this) {
            stopped = true;
            retry.cancel();
            if (view != null) {
                view.cancel();
            }
            notifyAll();
            refused = waiting;
            waiting = new ArrayList<>();
        }
        refused.forEach(answer -> answer.completeExceptionally(stopping()));
    }

    /** Stops, and waits until nothing of this touches a file any more, unless the disk does not answer. */
    @Override
    public void close() {
        stop();
        boolean interrupted = false;
        long end = System.nanoTime() + CLOSE_NANOS_MAX;
        synchronized (this) {
            long left;
            while (running && (left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime())) > 0) {
                try {
                    wait(left);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (running) {
            LOG.log(System.Logger.Level.ERROR, "database " + database + ": a snapshot that is being written to " + store
                    + " is not waited for any longer: the disk does not answer");
        } else {
            store.close();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** After {@link #close}: whether nothing of this touches a file any more. */
    boolean isReleased() {
        return !running;
    }

    // ---- the worker's side ----

    private void run() {
        List<CompletableFuture<SnapshotEntry>> asked;
        synchronized (this) {
            if (stopped) {
                queued = false;
                return;
            }
            running = true;
            retry.cancel();
            asked = waiting;
            waiting = new ArrayList<>();
        }
        long bytes = appended.get();
        long newest = -1;
        try {
            SnapshotEntry entry = takeNow();
            newest = entry.offset();
            asked.forEach(answer -> answer.complete(entry));
            retain();
            succeeded();
        } catch (Throwable e) {
            EngineException reason = e instanceof EngineException known
                    ? known
                    : new EngineException(ErrorCode.INTERNAL, "the snapshot failed: " + e, e);
            failed(reason);
            asked.forEach(answer -> answer.completeExceptionally(reason));
        } finally {
            boolean again;
            synchronized (this) {
                running = false;
                queued = false;
                again = !waiting.isEmpty();
                notifyAll();
            }
            if (newest >= 0) {
                rearm(newest, bytes);
            }
            if (again) {
                enqueue();
            }
        }
    }

    private SnapshotEntry takeNow() {
        Optional<String> obstacle = worker.obstacle().get();
        if (obstacle.isPresent()) {
            throw new EngineException(ErrorCode.DISK_FULL, "no snapshot is begun: " + obstacle.get());
        }
        long start = worker.nanoTime().getAsLong();
        long startedMicros = worker.timer().nowMicros();
        SnapshotStore.Draft draft;
        try (SnapshotView moment = committed.openWalk(new Limits.Reads(NEVER, budget, 0, 0))) {
            SnapshotEntry newest = entries.get(moment.nextTxOffset());
            if (newest != null && readable.contains(newest.offset())) {
                return newest;
            }
            draft = write(moment);
        }
        long offset = draft.info().nextOffset();
        try (draft) {
            publish(draft);
        }
        verify(offset);
        SnapshotEntry entry;
        synchronized (pins) {
            entry = entry(offset);
        }
        long millis = TimeUnit.NANOSECONDS.toMillis(worker.nanoTime().getAsLong() - start);
        synchronized (this) {
            lastMicros = startedMicros;
            lastMillis = millis;
            taken++;
        }
        LOG.log(System.Logger.Level.INFO, "database " + database + ": snapshot of " + offset + " transactions, "
                + entry.bytes() + " bytes in " + millis + " ms");
        return entry;
    }

    private SnapshotStore.Draft write(SnapshotView moment) {
        synchronized (this) {
            requireRunning();
            view = moment;
        }
        try {
            return store.write(moment, SnapshotInfo.of(moment, log.epoch()), whileRunning());
        } catch (EngineException e) {
            requireRunning();
            if (e.code() != ErrorCode.LIMIT_EXCEEDED || moment.limitError().isEmpty()) {
                throw e;
            }
            long used = budget;
            budget = Math.min(2 * budget, budgetMax);
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED, "so much changed while the snapshot was written that it would have held back more"
                            + " than " + used + " bytes; " + (budget > used ? "the next one may hold back " + budget
                            : "that is the most that is tried. Raise geodesic.snapshot.retained.bytes, and the Java heap with"
                            + " it: without a snapshot the log grows, and a start has to read all of it since the last one"));
        } finally {
            synchronized (this) {
                view = null;
            }
        }
    }

    private SnapshotProgress whileRunning() {
        return (done, total) -> requireRunning();
    }

    private void requireRunning() {
        if (stopped) {
            throw stopping();
        }
    }

    private void publish(SnapshotStore.Draft draft) {
        long last = draft.info().nextOffset() - 1;
        long end = System.nanoTime() + DURABLE_NANOS_MAX;
        synchronized (this) {
            while (log.durableOffset() < last) {
                requireRunning();
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (left <= 0) {
                    throw new EngineException(
                            ErrorCode.STORAGE_FAILED,
                            "the log has not become durable up to transaction " + last + " for a minute");
                }
                try {
                    wait(left);
                } catch (InterruptedException e) {
                    throw stopping();
                }
            }
            requireRunning();
        }
        draft.publish();
    }

    /** What cannot be read again counts for nothing, and gets out of the way. */
    private void verify(long offset) {
        try {
            store.verify(offset, whileRunning());
            readable.add(offset);
        } catch (EngineException e) {
            if (e.code() == ErrorCode.STORAGE_CORRUPT) {
                setAside(offset, e);
            }
            throw e;
        }
    }

    private void setAside(long offset, EngineException damage) {
        synchronized (pins) {
            LOG.log(System.Logger.Level.ERROR, "database " + database + ": a snapshot is not used any more, its file is now "
                    + store.setAside(offset) + ": " + damage.getMessage());
            entries.remove(offset);
            readable.remove(offset);
        }
    }

    private synchronized void succeeded() {
        failuresInARow = 0;
        failure = Optional.empty();
    }

    private synchronized void failed(EngineException reason) {
        if (stopped) {
            return;
        }
        failures++;
        failure = Optional.of(reason.getMessage());
        long micros = Math.min(RETRY_MICROS << Math.min(failuresInARow++, 20), RETRY_MICROS_MAX);
        LOG.log(System.Logger.Level.WARNING, "database " + database + ": no snapshot could be taken, it is tried again in "
                + TimeUnit.MICROSECONDS.toSeconds(micros) + " s: " + reason.describe(), reason.getCause());
        dueOffset = NEVER;
        dueBytes = NEVER;
        retry = worker.timer().after(micros, this::enqueue);
    }

    // ---- retention ----

    /**
     * Nothing at or above this offset is deleted until the result is closed. What had been deleted before stays so: look at
     * {@link #list} afterwards.
     */
    public Pin pin(long offset) {
        synchronized (pins) {
            pins.merge(offset, 1, Integer::sum);
        }
        return new Pin(offset);
    }

    /** See {@link #pin}. */
    public final class Pin implements AutoCloseable {

        private final long offset;
        private boolean closed;

        private Pin(long offset) {
            this.offset = offset;
        }

        @Override
        public void close() {
            synchronized (pins) {
                if (!closed) {
                    closed = true;
                    pins.merge(offset, -1, (a, b) -> a + b == 0 ? null : a + b);
                }
            }
        }
    }

    private void retain() {
        long newest;
        while (true) {
            List<RetentionPlan.Point> points = points();
            newest = points.getLast().offset();
            boolean all = true;
            for (long offset : plan(points).snapshots()) {
                if (entries.containsKey(offset) && !readable.contains(offset)) {
                    all &= isReadable(offset);
                }
            }
            if (all && delete(points)) {
                break;
            }
        }
        if (options.compressLog() && files.isPresent()) {
            requireRunning();
            files.get().compress(newest);
        }
    }

    private boolean isReadable(long offset) {
        try {
            verify(offset);
            return true;
        } catch (EngineException e) {
            if (e.code() == ErrorCode.STORAGE_CORRUPT) {
                return false;
            }
            throw e;
        }
    }

    private RetentionPlan plan(List<RetentionPlan.Point> points) {
        synchronized (pins) {
            return RetentionPlan.of(points, options.retention(), believedMicros(), pins.isEmpty() ? NEVER : pins.firstKey());
        }
    }

    /** Snapshots first: what is left over of the log then can be deleted the next time. False if it has to be thought over. */
    private boolean delete(List<RetentionPlan.Point> points) {
        synchronized (pins) {
            requireRunning();
            RetentionPlan plan = plan(points);
            if (plan.snapshots().stream().anyMatch(o -> entries.containsKey(o) && !readable.contains(o))) {
                return false;
            }
            for (long offset : store.offsets()) {
                if (!plan.snapshots().contains(offset) && offset < points.getLast().offset()) {
                    store.delete(offset);
                    entries.remove(offset);
                    times.remove(offset);
                    readable.remove(offset);
                }
            }
            files.ifPresent(f -> f.trim(plan.logFrom()));
            return true;
        }
    }

    /** The states from which the log goes on, oldest first. */
    private List<RetentionPlan.Point> points() {
        List<RetentionPlan.Point> points = new ArrayList<>();
        long logFrom = logFrom();
        if (logFrom == 0) {
            points.add(RetentionPlan.Point.BEGINNING);
        }
        for (SnapshotEntry entry : look()) {
            if (entry.offset() >= logFrom && entry.offset() > 0) {
                points.add(new RetentionPlan.Point(entry.offset(), times.get(entry.offset())));
            }
        }
        return points;
    }

    private List<LogFiles.SegmentInfo> segments() {
        return files.map(LogFiles::segments).orElse(List.of());
    }

    /** First transaction in the log; of an empty log, the one that comes. */
    private long logFrom() {
        List<LogFiles.SegmentInfo> segments = segments();
        return files.isEmpty() ? 0 : segments.isEmpty() ? log.durableOffset() + 1 : segments.getFirst().firstOffset();
    }

    /** Compares what is known with the directory; oldest first. */
    private List<SnapshotEntry> look() {
        synchronized (pins) {
            List<SnapshotEntry> known = new ArrayList<>();
            long now = believedMicros();
            List<Long> offsets = store.offsets();
            entries.keySet().retainAll(offsets);
            readable.retainAll(offsets);
            for (long offset : offsets) {
                try {
                    SnapshotEntry entry = entry(offset);
                    known.add(entry);
                    times.putIfAbsent(offset, Math.min(entry.commitMicros(), now));
                } catch (EngineException e) {
                    if (e.code() != ErrorCode.STORAGE_CORRUPT) {
                        throw e;
                    }
                    setAside(offset, e);
                }
            }
            known.sort(Comparator.comparingLong(SnapshotEntry::offset));
            return known;
        }
    }

    private SnapshotEntry entry(long offset) {
        return entries.computeIfAbsent(offset, o -> {
            SnapshotInfo info = store.info(o);
            return new SnapshotEntry(o, info.epoch(), info.timeMicros(), store.size(o));
        });
    }

    /** The wall clock, unless it has run ahead of the other one since the start. */
    private long believedMicros() {
        long passed = TimeUnit.NANOSECONDS.toMicros(worker.nanoTime().getAsLong() - startNanos);
        return Math.min(worker.timer().nowMicros(), startMicros + passed);
    }

    // ---- looking ----

    /** What there is on disk. */
    public SnapshotListing list() {
        synchronized (pins) {
            return listing();
        }
    }

    /** Deletes the files of damaged snapshots; returns their names. Errors: STORAGE_FAILED. */
    public List<String> deleteDamaged() {
        synchronized (pins) {
            List<String> deleted = store.deleteDamaged();
            if (!deleted.isEmpty()) {
                LOG.log(System.Logger.Level.INFO, "database " + database + ": damaged snapshots were deleted: " + deleted);
            }
            return deleted;
        }
    }

    private SnapshotListing listing() {
        List<SnapshotEntry> snapshots = look();
        List<LogFiles.SegmentInfo> segments = segments();
        List<RetentionPlan.Point> points = points();
        return new SnapshotListing(
                snapshots, store.damagedFiles(), segments,
                points.isEmpty() ? log.durableOffset() + 1 : points.getFirst().offset(),
                points.isEmpty() ? 0 : points.getFirst().timeMicros(), log.durableOffset() + 1, committed.commitMicros());
    }

    /** Why the last attempt failed; empty if it did not. */
    public synchronized Optional<String> failure() {
        return failure;
    }

    /** Looks at the sizes of the log's segments, and at nothing else on disk. */
    public SnapshotStatus status() {
        Optional<SnapshotEntry> last = entries.values().stream().max(Comparator.comparingLong(SnapshotEntry::offset));
        long snapshotBytes = entries.values().stream().mapToLong(SnapshotEntry::bytes).sum();
        long logBytes;
        try {
            logBytes = segments().stream().mapToLong(LogFiles.SegmentInfo::bytes).sum();
        } catch (EngineException e) {
            // Reported elsewhere.
            logBytes = 0;
        }
        synchronized (this) {
            return new SnapshotStatus(last, lastMicros, lastMillis, running, taken, failures, failure, snapshotBytes, logBytes);
        }
    }
}
