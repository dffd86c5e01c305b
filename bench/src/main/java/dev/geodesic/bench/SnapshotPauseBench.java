package dev.geodesic.bench;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.durability.LogStart;
import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.durability.SnapshotStore;
import dev.geodesic.engine.durability.TxRecord;
import dev.geodesic.engine.schedule.ClockTimer;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.snapshot.SnapshotEntry;
import dev.geodesic.engine.snapshot.SnapshotWorker;
import dev.geodesic.engine.snapshot.Snapshotter;
import dev.geodesic.engine.snapshot.WatchedLog;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.LittleEndian;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * How long a writer waits while snapshots of its database are taken: small transactions (an update, an insert or a delete each)
 * as fast as they go, with the log on disk, on a table with two indexes. Prints the gaps between the ends of transactions without
 * a snapshot and with one after the other. Arguments: rows (10 million), seconds without (20), snapshots (3), directory.
 */
public final class SnapshotPauseBench implements AutoCloseable {

    private static final int ROWS_AT_ONCE = 1_000;
    private static final int GROUPS = 1_000;

    private final Path directory;
    private final int rows;
    private final ThreadPoolExecutor thread = SnapshotWorker.thread();
    private final CommittedState committed = new CommittedState(new ChronicleStores());
    private final Durability log;
    private final Snapshotter snapshotter;
    private final MutTx tx;
    private final int table;
    private final int key;
    private final byte[] row = ItemRows.row(0, 7, "an item with a name of some length");
    private final MemorySegment rowSegment = MemorySegment.ofArray(row);
    private final byte[] id = new byte[Long.BYTES];
    private final MemorySegment idSegment = MemorySegment.ofArray(id);
    private final BsatnWriter record = new BsatnWriter();
    private final SplittableRandom random = new SplittableRandom(42);
    private long lastId;
    private int salt;

    /** Times between transactions, in classes that are an eighth apart. */
    private static final class Gaps {

        private static final int PER_DOUBLING = 8;

        private final long[] counts = new long[Long.SIZE * PER_DOUBLING];
        private final long start = System.nanoTime();
        private long count;
        private long longest;
        private long end;

        void add(long nanos, long now) {
            int bits = Long.SIZE - Long.numberOfLeadingZeros(nanos | PER_DOUBLING);
            counts[bits * PER_DOUBLING + (int) (nanos >>> bits - 4 & PER_DOUBLING - 1)]++;
            longest = Math.max(longest, nanos);
            count++;
            end = now;
        }

        /** Upper end of the class in which the gap lies. */
        private double micros(double part) {
            long left = (long) Math.ceil(count * (1 - part));
            int at = counts.length - 1;
            while (left > counts[at]) {
                left -= counts[at--];
            }
            return ((at % PER_DOUBLING + PER_DOUBLING + 1L) << at / PER_DOUBLING - 4) / 1000.0;
        }

        void print(String what) {
            System.out.printf("%-28s %,9.0f tx/s   gaps in us: p50 %,.1f   p99 %,.1f   p99.99 %,.0f   longest %,.0f%n", what,
                    count * 1e9 / (end - start), micros(0.5), micros(0.99), micros(0.9999), longest / 1000.0);
        }
    }

    private SnapshotPauseBench(Path directory, int rows) throws IOException {
        this.directory = directory;
        this.rows = rows;
        Durability opened = new CommitLogs(CommitLogOptions.DEFAULTS)
                .open(directory.resolve("log"), LogStart.EMPTY, (offset, buffer, at, length) -> { });
        // Snapshots are taken when asked for only.
        SnapshotOptions options = new SnapshotOptions(
                FileStorage::open, Long.MAX_VALUE / 2, Long.MAX_VALUE / 2, new Retention(1, Duration.ZERO));
        Catalog catalog = Catalog.bootstrap(committed);
        snapshotter = new Snapshotter(
                "bench", committed, opened, SnapshotStore.open(FileStorage.open(directory.resolve("snapshots"))), options,
                new SnapshotWorker(
                        thread, new ClockTimer(Clock.systemUTC(), Thread.ofPlatform().daemon().factory()), System::nanoTime,
                        Optional::empty));
        log = new WatchedLog(opened, snapshotter);
        log.listen(offset -> { }, failure -> {
            throw failure;
        });
        tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        tx.begin();
        TableSchema schema = ItemRows.schema(catalog);
        catalog.createTable(tx, schema);
        table = schema.tableId();
        key = schema.indexes().getFirst().indexId();
        commit();
    }

    private void commit() {
        TxData data = tx.finish();
        if (data.isEmpty()) {
            tx.end();
            return;
        }
        long offset = committed.apply(data, System.currentTimeMillis() * 1000);
        tx.end();
        record.clear();
        TxRecord.write(data, committed.commitMicros(), record);
        log.append(offset, record.buffer(), 0, record.length());
    }

    private void insert() {
        LittleEndian.putLong(row, 0, 0);
        LittleEndian.putInt(row, Long.BYTES, salt++ % GROUPS);
        tx.insert(table, rowSegment, 0, row.length);
        lastId++;
    }

    private void fill() {
        for (int i = 0; i < rows; i += ROWS_AT_ONCE) {
            tx.begin();
            for (int j = 0; j < ROWS_AT_ONCE; j++) {
                insert();
            }
            commit();
        }
    }

    private void transact() {
        tx.begin();
        switch (random.nextInt(4)) {
            case 0 -> insert();
            case 1 -> {
                LittleEndian.putLong(id, 0, 1 + random.nextLong(lastId));
                tx.deletePoint(key, idSegment, 0, id.length);
            }
            default -> {
                long any = 1 + random.nextLong(lastId);
                LittleEndian.putLong(id, 0, any);
                if (tx.point(key, idSegment, 0, id.length).next()) {
                    LittleEndian.putLong(row, 0, any);
                    LittleEndian.putInt(row, Long.BYTES, salt++ % GROUPS);
                    tx.update(table, key, rowSegment, 0, row.length);
                }
            }
        }
        commit();
    }

    private Gaps write(Gaps gaps, BooleanSupplier done) {
        long last = System.nanoTime();
        while (!done.getAsBoolean()) {
            transact();
            long now = System.nanoTime();
            gaps.add(now - last, now);
            last = now;
        }
        return gaps;
    }

    private Gaps write(long seconds) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        return write(new Gaps(), () -> System.nanoTime() > end);
    }

    private void run(int seconds, int snapshots) throws IOException {
        long start = System.nanoTime();
        fill();
        System.out.printf("%,d rows in %d s, %,d MiB%n", rows, TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start),
                memoryBytes() >> 20);
        write(5).print("warming up");
        write(seconds).print("without snapshots");
        Gaps gaps = new Gaps();
        for (int i = 0; i < snapshots; i++) {
            long begin = System.nanoTime();
            CompletableFuture<SnapshotEntry> taken = snapshotter.take();
            write(gaps, taken::isDone);
            System.out.printf("snapshot: %,d bytes, %.1f s, status %s%n", taken.join().bytes(), (System.nanoTime() - begin) / 1e9,
                    snapshotter.status());
        }
        gaps.print("with snapshots");
        write(seconds).print("afterwards");
    }

    private long memoryBytes() {
        try (CommittedState.Snapshot snapshot = committed.read()) {
            return snapshot.memoryBytes();
        }
    }

    @Override
    public void close() throws IOException {
        log.close();
        thread.shutdown();
        committed.close();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    public static void main(String[] arguments) throws IOException {
        int rows = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 10_000_000;
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 20;
        int snapshots = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 3;
        Path base = arguments.length > 3 ? Path.of(arguments[3]) : Path.of(System.getProperty("java.io.tmpdir"));
        try (SnapshotPauseBench bench = new SnapshotPauseBench(Files.createTempDirectory(base, "geodesic-pause"), rows)) {
            bench.run(seconds, snapshots);
        }
    }
}
