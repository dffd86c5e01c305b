package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.ServerMemory;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.ModuleRow;
import dev.geodesic.engine.durability.DatabaseRecovery;
import dev.geodesic.engine.durability.DiskWatch;
import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.RecoveryProgress;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.durability.SnapshotStore;
import dev.geodesic.engine.egress.HttpEgress;
import dev.geodesic.engine.egress.Network;
import dev.geodesic.engine.host.abi.GuestOptions;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import dev.geodesic.engine.modulelog.ModuleLog;
import dev.geodesic.engine.schema.EnvironmentRules;
import dev.geodesic.engine.snapshot.SnapshotWorker;
import dev.geodesic.engine.snapshot.Snapshotter;
import dev.geodesic.engine.snapshot.WatchedLog;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.sats.Identity;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Opens databases: their log and snapshots, recovered into tables, and the programs that they run. Has what all of them share,
 * and closes it. Thread-safe.
 */
final class DatabaseOpener implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(DatabaseOpener.class.getName());

    private final ServerOptions options;
    private final DataDirectory directory;
    private final ServerMemory memory;
    private final WasmRuntime runtime;
    private final HttpEgress egress;
    /** For large reads of all databases; they leave the writers some processors. */
    private final ThreadPoolExecutor readers;
    private final ExecutorService snapshotThread;
    private final SnapshotWorker snapshotWorker;
    /** Null until {@link #watch}. */
    private volatile DiskWatch disk;

    DatabaseOpener(
            ServerOptions options, DataDirectory directory, ServerMemory memory, WasmRuntime runtime,
            ExecutorService snapshotThread) {
        this.options = options;
        this.directory = directory;
        this.memory = memory;
        this.runtime = runtime;
        this.snapshotThread = snapshotThread;
        this.egress = new HttpEgress(
                options.procedures().egress(), Network.SYSTEM, Thread.ofPlatform().daemon().name("egress-", 0).factory());
        int readersMax = Math.max(2, Runtime.getRuntime().availableProcessors() / 2);
        this.readers = new ThreadPoolExecutor(
                readersMax, readersMax, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name("reader-", 0).factory());
        readers.allowCoreThreadTimeOut(true);
        this.snapshotWorker =
                new SnapshotWorker(snapshotThread, options.timer(), System::nanoTime, this::snapshotObstacle);
    }

    /** Before the first database, but after the control database. */
    void watch(DiskWatch watch) {
        disk = watch;
    }

    /** After the last database. */
    @Override
    public void close() {
        runtime.close();
        snapshotThread.shutdownNow();
        readers.shutdownNow();
        egress.close();
    }

    ThreadPoolExecutor readers() {
        return readers;
    }

    private record Opened(
            CommittedState committed, Catalog catalog, Durability durability, Optional<Snapshotter> snapshotter) {
    }

    /** Opens the control database. Errors: STORAGE_CORRUPT, STORAGE_FAILED. */
    ControlDatabase openControl() {
        return open("control", directory.control(), progress -> { }, opened -> {
            if (opened.committed().nextTxOffset() == 0) {
                directory.requireNoDatabases();
            }
            return new ControlDatabase(
                    opened.committed(), opened.catalog(), opened.durability(), options.clock(), opened.snapshotter());
        });
    }

    /** Opens a database; its program is loaded after. Errors: STORAGE_CORRUPT, STORAGE_FAILED, and others of recovery. */
    Database open(DatabaseEntry entry) {
        return open(entry, progress -> { });
    }

    /** As {@link #open(DatabaseEntry)}; what {@code progress} throws ends it. */
    Database open(DatabaseEntry entry, Consumer<RecoveryProgress> progress) {
        Path files = directory.of(entry);
        return open(entry.identity().toHex(), files, progress, opened -> new Database(
                entry.identity(), options.limits(), opened.committed(), opened.catalog(), opened.durability(),
                opened.snapshotter(),
                new ModuleLog(Optional.of(files.resolve("module-logs")), options.limits()), options.guestThreads(),
                options.clock(), options.timer(), options.procedures(), egress, readers,
                disk, options.resources()));
    }

    /**
     * Recovers a database and gives it to {@code user}; if that fails, everything is closed again. What {@code progress} throws
     * ends the recovery.
     */
    private <T> T open(String name, Path files, Consumer<RecoveryProgress> progress, Function<Opened, T> user) {
        Optional<SnapshotStore> snapshots = options.snapshots().map(s -> openSnapshots(s, files.resolve("snapshots")));
        DatabaseRecovery.Recovered recovered = null;
        Durability durability = null;
        try {
            recovered = new DatabaseRecovery(
                    this::newStores, snapshots, options.logs(), files.resolve("log"), progress).run();
            durability = recovered.durability();
            Optional<Snapshotter> snapshotter = snapshots.isEmpty() ? Optional.empty() : Optional.of(new Snapshotter(
                    name, recovered.committed(), durability, snapshots.get(), options.snapshots().orElseThrow(),
                    snapshotWorker));
            if (snapshotter.isPresent()) {
                durability = new WatchedLog(durability, snapshotter.get());
            }
            return user.apply(new Opened(recovered.committed(), recovered.catalog(), durability, snapshotter));
        } catch (Throwable e) {
            if (recovered != null) {
                closeQuietly(durability);
                recovered.committed().close();
            }
            snapshots.ifPresent(DatabaseOpener::closeQuietly);
            throw e;
        }
    }

    static void closeQuietly(AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (Exception e) {
            LOG.log(System.Logger.Level.WARNING, "could not close: " + e);
        }
    }

    /** Where the snapshots of a new database go. Errors: STORAGE_FAILED. */
    SnapshotStore newSnapshots(DatabaseEntry entry) {
        return openSnapshots(options.snapshots().orElseThrow(), directory.of(entry).resolve("snapshots"));
    }

    /** Why no snapshot may be begun. */
    private Optional<String> snapshotObstacle() {
        // The control database is opened before anybody watches the disk.
        return disk == null || disk.isAmple() ? Optional.empty() : Optional.of("the disk of the server is nearly full: "
                + disk.usableBytes() + " bytes are left, less than the setting geodesic.disk.warn.bytes");
    }

    TableStores newStores() {
        TableStores stores = options.stores().get();
        stores.memory().join(memory);
        return stores;
    }

    private static SnapshotStore openSnapshots(SnapshotOptions options, Path directory) {
        try {
            return SnapshotStore.open(options.disk().open(directory));
        } catch (IOException e) {
            throw new EngineException(ErrorCode.STORAGE_FAILED, "the directory " + directory + " cannot be opened: " + e, e);
        }
    }

    /** Reads the snapshots of a database; empty if the server takes none. Errors: STORAGE_FAILED. */
    Optional<SnapshotStore> snapshots(DatabaseEntry entry) {
        return options.snapshots().map(s -> {
            Path files = directory.of(entry).resolve("snapshots");
            try {
                return SnapshotStore.reader(s.disk().open(files));
            } catch (IOException e) {
                throw new EngineException(
                        ErrorCode.STORAGE_FAILED, "the directory " + files + " cannot be opened: " + e, e);
            }
        });
    }

    /** The program that a database has stored. Errors: STORAGE_CORRUPT if it has none, or is another database. */
    ModuleRow storedModule(DatabaseEntry entry, Database database) {
        // Its creation was durable before it was registered: without a program the log has lost its beginning.
        ModuleRow module = database.storedModule().orElseThrow(() -> new EngineException(
                ErrorCode.STORAGE_CORRUPT,
                "the log in " + directory.of(entry) + " holds no program; restore it from a backup or delete the database"));
        checkIdentity(entry, module);
        return module;
    }

    /** Files of another database may have been put there (spec/durability.md 8, step 10). */
    private void checkIdentity(DatabaseEntry entry, ModuleRow module) {
        if (!module.database().equals(entry.identity()) || !module.owner().equals(entry.owner())) {
            throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT, "the data in " + directory.of(entry) + " is that of database "
                            + module.database().toHex() + " of owner " + module.owner().toHex() + ", but the control database "
                            + "expects " + entry.identity().toHex() + " of owner " + entry.owner().toHex()
                            + "; put the right directory there, restore the database from a backup, or delete it");
        }
    }

    /**
     * Loads a program for a database. Errors: those of a program that is no good; ENVIRONMENT_MISSING.
     *
     * @param variables what the program must find in its environment, now or soon
     * @param environments where it finds it
     */
    LoadedModule load(
            Database database, byte[] program, Identity hash, Map<String, String> variables, Environments environments) {
        return onGuestThread(() -> loadHere(database, program, hash, variables, environments));
    }

    private LoadedModule loadHere(
            Database database, byte[] program, Identity hash, Map<String, String> variables, Environments environments) {
        LoadedModule module = LoadedModule.load(runtime, program, hash, new GuestOptions(
                database.identity(), options.limits(), database.log(), database::callImmediately, options.clock(),
                () -> environments.of(database.identity())));
        try {
            EnvironmentRules.check(module.definition().raw(), variables);
            return module;
        } catch (Throwable e) {
            module.close();
            throw e;
        }
    }

    /** Runs work that may call guests. */
    private <T> T onGuestThread(Supplier<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        options.guestThreads().newThread(() -> {
            try {
                result.complete(work.get());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        }).start();
        return Database.join(result);
    }
}
