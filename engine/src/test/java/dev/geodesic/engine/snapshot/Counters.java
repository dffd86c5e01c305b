package dev.geodesic.engine.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.durability.CommitLog;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.DatabaseRecovery;
import dev.geodesic.engine.durability.FaultyStorage;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.LogFiles;
import dev.geodesic.engine.durability.Recovery;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.durability.SnapshotProgress;
import dev.geodesic.engine.durability.SnapshotStore;
import dev.geodesic.engine.durability.TxRecord;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.ConstraintSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/** A database of numbered counters with a log and snapshots on storages that may fail, and what it was at every moment. */
final class Counters implements AutoCloseable {

    static final long START = 1_700_000_000_000_000L;
    /** Failures and snapshots of tests are no news. */
    private static final Logger QUIET = Logger.getLogger(Snapshotter.class.getName());
    private static final long HANG_NANOS = TimeUnit.SECONDS.toNanos(30);

    /** A state: when its last transaction was committed, and its counters; they are only kept of small databases. */
    record Moment(long micros, Map<Long, Long> values) {
    }

    final Random random;
    final FaultyStorage logStorage;
    final FaultyStorage snapshotStorage;
    final ManualTimer timer;
    final AtomicLong nanos = new AtomicLong();
    /** The turns of the worker, unless a thread takes them. */
    final Queue<Runnable> turns = new ArrayDeque<>();
    final Snapshotter snapshotter;
    Optional<String> obstacle = Optional.empty();
    /** By number of transactions. */
    final List<Moment> moments = new ArrayList<>();
    private final Map<Long, Long> values = new TreeMap<>();
    /** What was done to open it. */
    final DatabaseRecovery.Summary summary;
    private final CommittedState committed;
    private final WatchedLog log;
    private final SnapshotStore store;
    private final MutTx tx;
    private final BsatnWriter row = new BsatnWriter();
    private int table;
    private int key;

    Counters(Random random, SnapshotOptions options) {
        this(random, options, null);
    }

    /** @param executor takes the turns instead of {@link #turn} */
    Counters(Random random, SnapshotOptions options, Executor executor) {
        this(random, options, executor, new FaultyStorage(random), new FaultyStorage(random), new ManualTimer(START));
    }

    private Counters(
            Random random, SnapshotOptions options, Executor executor, FaultyStorage logStorage,
            FaultyStorage snapshotStorage, ManualTimer timer) {
        this(random, options, executor, logStorage, snapshotStorage, timer, SnapshotStore.open(snapshotStorage),
                (directory, start, replay) ->
                        CommitLog.open(logStorage, CommitLogOptions.DEFAULTS.withSegmentBytesMax(2_000), start, replay),
                Path.of("log"));
    }

    /** On a real disk, which is good. */
    static Counters on(Path directory, Random random, SnapshotOptions options, Executor executor) throws IOException {
        return new Counters(random, options, executor, null, null, new ManualTimer(START),
                SnapshotStore.open(FileStorage.open(directory.resolve("snapshots"))),
                new CommitLogs(CommitLogOptions.DEFAULTS.withSegmentBytesMax(1 << 20)), directory.resolve("log"));
    }

    private Counters(
            Random random, SnapshotOptions options, Executor executor, FaultyStorage logStorage,
            FaultyStorage snapshotStorage, ManualTimer timer, SnapshotStore store, LogFactory logs, Path logDirectory) {
        QUIET.setLevel(Level.OFF);
        this.random = random;
        this.logStorage = logStorage;
        this.snapshotStorage = snapshotStorage;
        this.timer = timer;
        this.store = store;
        DatabaseRecovery.Recovered recovered = new DatabaseRecovery(
                HeapStores::new, Optional.of(store), logs, logDirectory, progress -> { }).run();
        summary = recovered.summary();
        committed = recovered.committed();
        snapshotter = new Snapshotter(
                "test", committed, recovered.durability(), store, options,
                new SnapshotWorker(executor == null ? turns::add : executor, timer, nanos::get, () -> obstacle));
        log = new WatchedLog(recovered.durability(), snapshotter);
        log.listen(offset -> { }, failure -> { });
        tx = new MutTx(committed, Limits.DEFAULTS, recovered.catalog());
        if (committed.nextTxOffset() == 0) {
            moments.add(new Moment(0, Map.of()));
            tx.begin();
            recovered.catalog().createTable(tx, schema(recovered.catalog()));
            commit();
        }
        find();
    }

    /** The process was killed, and is started again. */
    Counters restarted(SnapshotOptions options) {
        settle();
        Counters next = new Counters(random, options, null, logStorage.restarted(), snapshotStorage.restarted(), timer);
        next.moments.addAll(moments);
        next.values.putAll(values);
        next.nanos.set(random.nextLong());
        assertEquals(values, next.read(next.committed));
        return next;
    }

    private static TableSchema schema(Catalog ids) {
        return new TableSchema(
                ids.nextTableId(), "counter", Optional.empty(),
                List.of(new ColumnSchema(0, "id", PrimitiveType.U64, Optional.empty()),
                        new ColumnSchema(1, "value", PrimitiveType.U64, Optional.empty())),
                OptionalInt.of(0),
                List.of(new IndexSchema(
                        ids.nextIndexId(), "counter_id_idx_btree", Optional.empty(), new IndexAlgorithm.BTree(List.of(0)), true)),
                List.of(new ConstraintSchema(ids.nextConstraintId(), "counter_id_key", List.of(0))), List.of(),
                TableAccess.PUBLIC, TableKind.USER, TableRole.STORED);
    }

    private void find() {
        TableSchema schema = committed.writerView().tableByName("counter").orElseThrow();
        table = schema.tableId();
        key = schema.indexes().getFirst().indexId();
    }

    // ---- changing ----

    /** Sets counters in one transaction, at the time of the clock. */
    void set(long first, int count, long value) {
        tx.begin();
        for (long id = first; id < first + count; id++) {
            row.clear();
            row.writeU64(id);
            row.writeU64(value);
            MemorySegment bytes = MemorySegment.ofArray(row.buffer());
            if (tx.point(key, bytes, 0, Long.BYTES).next()) {
                tx.update(table, key, bytes, 0, row.length());
            } else {
                tx.insert(table, bytes, 0, row.length());
            }
            values.put(id, value);
        }
        commit();
    }

    /** So many transactions that change one of a few counters, in commits of no more than 20, so that segments are small. */
    void transact(int count) {
        for (int i = 0; i < count; i++) {
            if (logStorage != null && i % 20 == 19) {
                settle();
            }
            set(random.nextInt(5), 1, 1_000_000 + moments.size());
        }
    }

    private void commit() {
        TxData data = tx.finish();
        assertTrue(!data.isEmpty());
        long offset = committed.apply(data, timer.nowMicros());
        tx.end();
        BsatnWriter record = new BsatnWriter();
        TxRecord.write(data, committed.commitMicros(), record);
        moments.add(new Moment(committed.commitMicros(), values.size() < 100 ? Map.copyOf(values) : Map.of()));
        log.append(offset, record.buffer(), 0, record.length());
    }

    /** Number of transactions. */
    long count() {
        return committed.nextTxOffset();
    }

    /** Lets the worker do everything that waits for it. */
    void turn() {
        settle();
        for (Runnable next = turns.poll(); next != null; next = turns.poll()) {
            next.run();
        }
    }

    /** Waits until everything is durable. */
    void settle() {
        await(() -> log.durableOffset() == count() - 1);
    }

    static void await(BooleanSupplier condition) {
        long end = System.nanoTime() + HANG_NANOS;
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, "waited too long");
            Thread.onSpinWait();
        }
    }

    /** Takes a snapshot now. */
    SnapshotEntry take() {
        CompletableFuture<SnapshotEntry> taken = snapshotter.take();
        turn();
        return taken.join();
    }

    /** Both clocks go on. */
    void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
        timer.advance(time.toMillis() * 1000);
    }

    // ---- looking ----

    /** Published snapshots, oldest first. */
    List<Long> snapshots() {
        return store.offsets().reversed();
    }

    List<String> files() {
        return snapshotStorage.list().stream().sorted().toList();
    }

    List<LogFiles.SegmentInfo> segments() {
        return log.files().orElseThrow().segments();
    }

    long logFrom() {
        return segments().getFirst().firstOffset();
    }

    /** The counters as they are. */
    Map<Long, Long> values() {
        return read(committed);
    }

    private Map<Long, Long> read(CommittedState state) {
        Map<Long, Long> found = new TreeMap<>();
        ReadView view = state.writerView();
        Optional<TableSchema> counters = view.tableByName("counter");
        if (counters.isPresent()) {
            for (RowIterator rows = view.scan(counters.get().tableId()); rows.next();) {
                byte[] bytes = new byte[rows.length()];
                MemorySegment.copy(rows.segment(), ValueLayout.JAVA_BYTE, rows.offset(), bytes, 0, bytes.length);
                BsatnReader in = new BsatnReader(bytes);
                found.put(in.readU64(), in.readU64());
            }
        }
        return found;
    }

    /** What a database contains that is set back to so many transactions, from a snapshot with {@code from} of them. */
    Map<Long, Long> recover(long from, long until) {
        try (CommittedState state = new CommittedState(new HeapStores())) {
            Catalog catalog = Catalog.bootstrap(state);
            if (from > 0) {
                store.load(from, state, catalog, SnapshotProgress.NONE);
            }
            Recovery recovery = new Recovery(state, catalog);
            if (from < until) {
                log.files().orElseThrow().read(from, until, recovery::apply);
            }
            recovery.finish();
            assertEquals(until, state.nextTxOffset());
            return read(state);
        }
    }

    /** Number of transactions of the state at a time. */
    long countAt(long micros) {
        int count = moments.size() - 1;
        while (moments.get(count).micros() > micros) {
            count--;
        }
        return count;
    }

    @Override
    public void close() {
        log.close();
        committed.close();
    }
}
