package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.tx.CommittedState;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Makes the state of a database from what is stored (spec/durability.md section 8): the newest snapshot that is whole, else the
 * next older one, else nothing, and then the log from there. Damaged snapshots are set aside. A snapshot is published only when
 * the log is durable up to it; if the log ends before it nevertheless, the log has lost something, and goes on behind the
 * snapshot. One thread.
 */
public final class DatabaseRecovery {

    private static final System.Logger LOG = System.getLogger(DatabaseRecovery.class.getName());
    private static final long REPORT_NANOS = TimeUnit.SECONDS.toNanos(1);
    /** From then on the log of the server has lines about it. */
    private static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(2);
    /** A look at the clock takes as long as a small transaction. */
    private static final int TRANSACTIONS_PER_LOOK = 256;

    private final Supplier<TableStores> stores;
    private final Optional<SnapshotStore> snapshots;
    private final LogFactory logs;
    private final Path logDirectory;
    private final Consumer<RecoveryProgress> listener;
    private final List<String> setAside = new ArrayList<>();
    private final long start = System.nanoTime();
    private long phaseStart;
    private long reported = start;

    /** @param listener hears of progress about once a second, on the thread of {@link #run} */
    public DatabaseRecovery(
            Supplier<TableStores> stores, Optional<SnapshotStore> snapshots, LogFactory logs, Path logDirectory,
            Consumer<RecoveryProgress> listener) {
        this.stores = stores;
        this.snapshots = snapshots;
        this.logs = logs;
        this.logDirectory = logDirectory;
        this.listener = listener;
    }

    /** A database that can go on. Whoever has it closes the state and the log. */
    public record Recovered(CommittedState committed, Catalog catalog, Durability durability, Summary summary) {
    }

    /**
     * What was done.
     *
     * @param snapshot next offset of the snapshot that was loaded
     * @param setAside names of the files of damaged snapshots
     * @param rowsLoaded from the snapshot
     * @param transactions replayed from the log
     * @param rowOperations inserts and deletes of these
     */
    public record Summary(
            OptionalLong snapshot, List<String> setAside, long rowsLoaded, long transactions, long rowOperations, Duration time) {

        /** For an operator. */
        public String text() {
            return (snapshot.isPresent()
                    ? "loaded the snapshot of transaction " + snapshot.getAsLong() + " with " + rowsLoaded + " rows"
                    : "loaded no snapshot")
                    + ", replayed " + transactions + " transactions with " + rowOperations + " row operations, in "
                    + time.toMillis() + " ms";
        }
    }

    /**
     * Recovers the database; nothing is open after an error.
     *
     * @throws EngineException STORAGE_CORRUPT with file, byte and remedy; STORAGE_FAILED; LIMIT_EXCEEDED if there is no memory
     */
    public Recovered run() {
        for (long offset : snapshots.map(SnapshotStore::offsets).orElse(List.of())) {
            Optional<Recovered> recovered = recover(OptionalLong.of(offset));
            if (recovered.isPresent()) {
                return recovered.get();
            }
        }
        return recover(OptionalLong.empty()).orElseThrow();
    }

    /** Empty if the snapshot is damaged. */
    private Optional<Recovered> recover(OptionalLong snapshot) {
        CommittedState committed = new CommittedState(stores.get());
        boolean complete = false;
        try {
            Catalog catalog = Catalog.bootstrap(committed);
            long rows = 0;
            LogStart from = LogStart.EMPTY;
            if (snapshot.isPresent()) {
                long offset = snapshot.getAsLong();
                SnapshotStore store = snapshots.orElseThrow();
                phaseStart = System.nanoTime();
                try {
                    SnapshotStore.Loaded loaded = store.load(offset, committed, catalog,
                            (done, total) -> report(RecoveryProgress.Phase.LOADING_SNAPSHOT, done, total));
                    rows = loaded.rows();
                    from = new LogStart(offset, loaded.info().epoch());
                } catch (EngineException e) {
                    // Anything else may pass, and then the snapshot is as good as ever.
                    if (e.code() != ErrorCode.STORAGE_CORRUPT) {
                        throw e;
                    }
                    String file = store.setAside(offset);
                    setAside.add(file);
                    LOG.log(System.Logger.Level.WARNING, e.getMessage() + ". It is now " + file
                            + "; the server goes on with an older one, or with the log alone");
                    return Optional.empty();
                }
            }
            Recovered recovered = replay(snapshot, committed, catalog, rows, from);
            complete = true;
            return Optional.of(recovered);
        } finally {
            if (!complete) {
                committed.close();
            }
        }
    }

    private Recovered replay(
            OptionalLong snapshot, CommittedState committed, Catalog catalog, long rows, LogStart from) {
        Recovery recovery = new Recovery(committed, catalog);
        phaseStart = System.nanoTime();
        Durability durability;
        try {
            durability = logs.open(logDirectory, from, (txOffset, record, offset, length) -> {
                recovery.apply(txOffset, record, offset, length);
                if (recovery.transactions() % TRANSACTIONS_PER_LOOK == 0) {
                    report(RecoveryProgress.Phase.REPLAYING_LOG, recovery.transactions(), -1);
                }
            });
        } catch (EngineException e) {
            if (e.code() == ErrorCode.STORAGE_CORRUPT && !setAside.isEmpty()) {
                throw new EngineException(
                        e.code(), e.describe() + ". Before that, damaged snapshots were set aside: "
                                + String.join(", ", setAside), e);
            }
            throw e;
        }
        boolean complete = false;
        try {
            recovery.finish();
            Summary summary = new Summary(
                    snapshot, List.copyOf(setAside), rows, recovery.transactions(), recovery.rowOperations(),
                    Duration.ofNanos(System.nanoTime() - start));
            boolean tell = System.nanoTime() - start > SLOW_NANOS || !setAside.isEmpty();
            LOG.log(tell ? System.Logger.Level.INFO : System.Logger.Level.DEBUG, () -> logDirectory + ": " + summary.text());
            complete = true;
            return new Recovered(committed, catalog, durability, summary);
        } finally {
            if (!complete) {
                durability.close();
            }
        }
    }

    private void report(RecoveryProgress.Phase phase, long done, long total) {
        long now = System.nanoTime();
        if (now - reported < REPORT_NANOS) {
            return;
        }
        reported = now;
        RecoveryProgress progress = new RecoveryProgress(phase, done, total, done * 1e9 / Math.max(1, now - phaseStart));
        if (now - start > SLOW_NANOS) {
            LOG.log(System.Logger.Level.INFO, () -> logDirectory + ": " + progress.text());
        }
        listener.accept(progress);
    }
}
