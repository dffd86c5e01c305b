package dev.geodesic.engine.database;

import dev.geodesic.engine.auth.Hashes;
import dev.geodesic.engine.auth.IdentityDerivation;
import dev.geodesic.engine.auth.SigningKeys;
import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.backup.PastState;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
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
import dev.geodesic.engine.host.abi.HostFunctions;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import dev.geodesic.engine.host.wasmtime.WasmtimeOptions;
import dev.geodesic.engine.host.wasmtime.WasmtimeRuntime;
import dev.geodesic.engine.modulelog.ModuleLog;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.schema.EnvironmentRules;
import dev.geodesic.engine.schema.MigrationPlanner;
import dev.geodesic.engine.snapshot.SnapshotWorker;
import dev.geodesic.engine.snapshot.Snapshotter;
import dev.geodesic.engine.snapshot.WatchedLog;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.sats.Identity;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * All databases of one data directory. Thread-safe; methods that publish or delete take their time and run one at a time
 * per database. Errors are {@link EngineException}s with the code that each method names.
 *
 * <pre>
 *   data directory
 *     server.lock                          held while the server runs
 *     keys/                                {@link SigningKeys}
 *     control/                             log/ and snapshots/ of the control database
 *     databases/{identity}/{incarnation}/  log/, snapshots/ and module-logs/ of one database
 *     compiled/                            compiled programs; may be deleted
 * </pre>
 */
public final class Server implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Server.class.getName());

    /** Of one database. */
    private static final int NAMES_MAX = 100;
    private static final long PUBLISHING_END_SECONDS = 60;
    /** A file in the directory of a database that is not registered yet, or not any more. */
    private static final String UNREGISTERED = "unregistered";

    private final ServerOptions options;
    private final FileChannel lock;
    private final TokenAuthority tokens;
    private final WasmRuntime runtime;
    private final ControlDatabase control;
    private final Backups backups;
    /** Held by whoever ends what is under way; the next one finds it done. */
    private final ReentrantLock draining = new ReentrantLock();
    private final HttpEgress egress;
    private final ServerMemory memory;
    private final DiskWatch disk;
    private final Openings openings;
    /** For large reads of all databases; they leave the writers some processors. */
    private final ThreadPoolExecutor readers;
    private final ExecutorService snapshotThread;
    private final SnapshotWorker snapshotWorker;
    private final Map<Identity, Database> databases = new ConcurrentHashMap<>();
    /** Held, shared, by whoever has a program open that no database runs; {@link #close} waits for them. */
    private final ReentrantReadWriteLock publishingAtAll = new ReentrantReadWriteLock();
    /** Who has entered {@link #publishingAtAll} sees it, or is waited for. */
    private volatile boolean closed;
    private final AtomicBoolean gone = new AtomicBoolean();
    private volatile boolean openingsEnded;
    /** Why a database could not be opened. */
    private final Map<Identity, EngineException> failed = new ConcurrentHashMap<>();
    /** What the modules of running databases read. */
    private final Map<Identity, Map<String, String>> environments = new ConcurrentHashMap<>();
    /** Databases and names that somebody works on, or waits for. */
    private final Map<Object, Turn> turns = new HashMap<>();

    private static final class Turn {

        private final ReentrantLock lock = new ReentrantLock();
        /** Guarded by {@link #turns}. */
        private int users;
    }

    /**
     * What only tests put in other places; all of it is closed with the server.
     *
     * @param runtime makes the runtime over what guests may take
     * @param keys opens the keys of a directory
     * @param snapshots takes the snapshots of all databases
     */
    record Parts(
            Function<ServerMemory, WasmRuntime> runtime, Function<Path, SigningKeys> keys, ExecutorService snapshots) {

        private static Parts of(ServerOptions options) {
            return new Parts(
                    memory -> WasmtimeRuntime.open(new WasmtimeOptions(
                            Optional.of(options.dataDirectory().resolve("compiled")), options.guestThreads(), memory),
                            HostFunctions.TABLE),
                    directory -> openKeys(options, directory), SnapshotWorker.thread());
        }
    }

    private Server(ServerOptions options, FileChannel lock, Parts parts) {
        this.options = options;
        this.lock = lock;
        this.snapshotThread = parts.snapshots();
        this.memory = new ServerMemory(options.resources().serverBytesMax(), options.resources().serverHeapBytesMax());
        this.openings = new Openings(options.resources().openThreads(), options.resources().openWait());
        this.egress = new HttpEgress(
                options.procedures().egress(), Network.SYSTEM, Thread.ofPlatform().daemon().name("egress-", 0).factory());
        int readersMax = Math.max(2, Runtime.getRuntime().availableProcessors() / 2);
        this.readers = new ThreadPoolExecutor(
                readersMax, readersMax, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name("reader-", 0).factory());
        readers.allowCoreThreadTimeOut(true);
        this.snapshotWorker =
                new SnapshotWorker(snapshotThread, options.timer(), System::nanoTime, this::snapshotObstacle);
        Path data = options.dataDirectory();
        this.tokens = new TokenAuthority(
                parts.keys().apply(data.resolve("keys")), options.issuers(), limits -> new HttpEgress(
                        limits, Network.SYSTEM, Thread.ofPlatform().daemon().name("issuers-", 0).factory()), options.clock());
        this.runtime = parts.runtime().apply(memory);
        try {
            this.control = open("control", data.resolve("control"), progress -> { }, opened -> {
                if (opened.committed().nextTxOffset() == 0) {
                    requireNoDatabases();
                }
                return new ControlDatabase(
                        opened.committed(), opened.catalog(), opened.durability(), options.clock(), opened.snapshotter());
            });
            this.backups = new Backups(this, options, control);
        } catch (EngineException e) {
            closeParts();
            throw new EngineException(
                    e.code(), "no database can be served, because the control database, which says what databases there are, "
                            + "cannot be opened: " + e.getMessage(), e);
        } catch (Throwable e) {
            closeParts();
            throw e;
        }
        // At last, because it goes on until it is closed.
        this.disk = new DiskWatch(
                options.resources().disk(), options.timer(),
                task -> Thread.ofPlatform().daemon().name("disk-watch").start(task));
    }

    private void closeParts() {
        runtime.close();
        snapshotThread.shutdownNow();
        readers.shutdownNow();
        tokens.close();
        egress.close();
    }

    /** As {@link #launch}, and waits until every database has been opened, or cannot be. */
    public static Server start(ServerOptions options) {
        Server server = launch(options);
        server.openings.awaitAll();
        return server;
    }

    /** As {@link #start(ServerOptions)}, with other parts. */
    static Server start(ServerOptions options, Parts parts) {
        Server server = launch(options, parts);
        server.openings.awaitAll();
        return server;
    }

    /**
     * Opens a data directory and begins to recover the databases in it, several at a time; each is served as soon as it is
     * ready. A database that cannot be recovered does not keep the others from being served.
     *
     * @throws EngineException STORAGE_LOCKED if another process uses the directory; STORAGE_CORRUPT, STORAGE_FAILED
     */
    public static Server launch(ServerOptions options) {
        return launch(options, Parts.of(options));
    }

    private static Server launch(ServerOptions options, Parts parts) {
        FileChannel lock = lock(options.dataDirectory());
        Server server = null;
        try {
            server = new Server(options, lock, parts);
            server.recover();
            return server;
        } catch (Throwable e) {
            if (server != null) {
                server.close();
            } else {
                closeQuietly(lock);
            }
            throw e;
        }
    }

    private static FileChannel lock(Path data) {
        try {
            Files.createDirectories(data);
            FileChannel channel =
                    FileChannel.open(data.resolve("server.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            boolean locked = false;
            try {
                locked = channel.tryLock() != null;
            } catch (OverlappingFileLockException e) {
                locked = false;
            } finally {
                if (!locked) {
                    channel.close();
                }
            }
            if (!locked) {
                throw new EngineException(
                        ErrorCode.STORAGE_LOCKED, "another server uses the data directory " + data
                                + "; stop it or choose another");
            }
            return channel;
        } catch (IOException e) {
            throw new EngineException(ErrorCode.STORAGE_FAILED, "data directory " + data + " cannot be used: " + e, e);
        }
    }

    private static void closeQuietly(AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (Exception e) {
            LOG.log(System.Logger.Level.WARNING, "could not close: " + e);
        }
    }

    // ---- opening ----

    private static SigningKeys openKeys(ServerOptions options, Path directory) {
        Path data = options.dataDirectory();
        try (Storage storage = options.disk().open(directory)) {
            if (storage.list().isEmpty() && options.disk().directories(data).contains("control")) {
                LOG.log(System.Logger.Level.WARNING,
                        "the keys in " + directory + " are gone and are made anew: earlier tokens are not valid any more");
            }
            return SigningKeys.open(storage);
        } catch (IOException e) {
            throw new EngineException(ErrorCode.STORAGE_FAILED, "the directory " + directory + " cannot be opened: " + e, e);
        }
    }

    private record Opened(
            CommittedState committed, Catalog catalog, Durability durability, Optional<Snapshotter> snapshotter) {
    }

    /**
     * Recovers a database and gives it to {@code user}; if that fails, everything is closed again. What {@code progress} throws
     * ends the recovery.
     */
    private <T> T open(String name, Path directory, Consumer<RecoveryProgress> progress, Function<Opened, T> user) {
        Optional<SnapshotStore> snapshots = options.snapshots().map(s -> openSnapshots(s, directory.resolve("snapshots")));
        DatabaseRecovery.Recovered recovered = null;
        Durability durability = null;
        try {
            recovered = new DatabaseRecovery(
                    this::newStores, snapshots, options.logs(), directory.resolve("log"), progress).run();
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
            snapshots.ifPresent(Server::closeQuietly);
            throw e;
        }
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

    private void recover() {
        // First: later there are directories of databases that are being created.
        removeLeftovers();
        backups.removeInterrupted();
        for (DatabaseEntry entry : control.allDatabases()) {
            openings.start(entry.identity(), opening -> recover(entry, opening));
        }
    }

    /** Takes a database into service, or notes why that is not possible: no other may suffer from it, whatever it is. */
    private void recover(DatabaseEntry entry, Openings.Opening opening) {
        try {
            tryToRecover(entry, opening);
            failed.remove(entry.identity());
        } catch (Throwable e) {
            EngineException reason = e instanceof EngineException known
                    ? known
                    : new EngineException(ErrorCode.INTERNAL, "the database cannot be read: " + e, e);
            LOG.log(System.Logger.Level.ERROR,
                    "database " + entry.identity() + " could not be opened: " + reason.describe(), reason.getCause());
            failed.put(entry.identity(), reason);
        }
    }

    private void tryToRecover(DatabaseEntry entry, Openings.Opening opening) {
        opening.phase("reading its log");
        Database database = open(entry, progress -> opening.phase(progress.text()));
        boolean running = false;
        try {
            opening.phase("loading its program");
            // Its creation was durable before it was registered: without a program the log has lost its beginning.
            ModuleRow module = database.storedModule().orElseThrow(() -> new EngineException(
                    ErrorCode.STORAGE_CORRUPT,
                    "the log in " + directory(entry) + " holds no program; restore it from a backup or delete the database"));
            checkIdentity(entry, module);
            Map<String, String> variables = control.environment(entry.identity());
            environments.put(entry.identity(), variables);
            Database.join(database.resume(
                    onGuestThread(() -> load(database, module.program(), module.programHash(), variables)), entry.owner()));
            databases.put(entry.identity(), database);
            running = true;
        } finally {
            if (!running) {
                database.close();
            }
        }
    }

    /** Files of another database may have been put there (spec/durability.md 8, step 10). */
    private void checkIdentity(DatabaseEntry entry, ModuleRow module) {
        if (!module.database().equals(entry.identity()) || !module.owner().equals(entry.owner())) {
            throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT, "the data in " + directory(entry) + " is that of database "
                            + module.database().toHex() + " of owner " + module.owner().toHex() + ", but the control database "
                            + "expects " + entry.identity().toHex() + " of owner " + entry.owner().toHex()
                            + "; put the right directory there, restore the database from a backup, or delete it");
        }
    }

    private Path directory(DatabaseEntry entry) {
        return options.dataDirectory().resolve("databases").resolve(entry.identity().toHex())
                .resolve(Long.toString(entry.incarnation()));
    }

    private Database open(DatabaseEntry entry) {
        return open(entry, progress -> { });
    }

    private Database open(DatabaseEntry entry, Consumer<RecoveryProgress> progress) {
        Path directory = directory(entry);
        return open(entry.identity().toHex(), directory, progress, opened -> new Database(
                entry.identity(), options.limits(), opened.committed(), opened.catalog(), opened.durability(),
                opened.snapshotter(),
                new ModuleLog(Optional.of(directory.resolve("module-logs")), options.limits()), options.guestThreads(),
                options.clock(), options.timer(), options.procedures(), egress, readers,
                disk, options.resources()));
    }

    /** @param variables what the program must find in its environment, now or soon */
    private LoadedModule load(Database database, byte[] program, Identity hash, Map<String, String> variables) {
        LoadedModule module = LoadedModule.load(runtime, program, hash, new GuestOptions(
                database.identity(), options.limits(), database.log(), database::callImmediately, options.clock(),
                () -> environments.getOrDefault(database.identity(), Map.of())));
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

    /** Deletes what is marked, of deleted databases, earlier incarnations and publishes that failed; warns of anything else. */
    private void removeLeftovers() {
        Path all = databasesDirectory();
        try {
            options.disk().delete(options.dataDirectory().resolve(Backups.STAGING));
            for (String name : options.disk().directories(all)) {
                Optional<DatabaseEntry> entry = DatabaseNames.identity(name).flatMap(control::database);
                for (String incarnation : options.disk().directories(all.resolve(name))) {
                    Path directory = all.resolve(name).resolve(incarnation);
                    if (entry.isPresent() && incarnation.equals(Long.toString(entry.get().incarnation()))) {
                        unmark(directory);
                    } else if (!holdsDatabase(directory)) {
                        options.disk().delete(directory);
                    } else {
                        LOG.log(System.Logger.Level.WARNING,
                                directory + " holds a database that the control database does not know. It is left alone;"
                                        + " if it is not wanted any more, delete the directory");
                    }
                }
                if (entry.isEmpty() && options.disk().directories(all.resolve(name)).isEmpty()) {
                    options.disk().delete(all.resolve(name));
                }
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "leftovers in " + all + " could not be deleted: " + e);
        }
    }

    private Path databasesDirectory() {
        return options.dataDirectory().resolve("databases");
    }

    /** Databases come after the control database's first transactions: if these are gone, it was no crash. */
    private void requireNoDatabases() {
        Path all = databasesDirectory();
        try {
            for (String name : options.disk().directories(all)) {
                for (String incarnation : options.disk().directories(all.resolve(name))) {
                    Path directory = all.resolve(name).resolve(incarnation);
                    if (holdsDatabase(directory)) {
                        throw new EngineException(
                                ErrorCode.STORAGE_CORRUPT,
                                "its log is gone, but there are databases, such as " + directory + "; restore "
                                        + options.dataDirectory().resolve("control")
                                        + " from a backup, or move " + all + " away to begin anew without them");
                    }
                }
            }
        } catch (IOException e) {
            throw new EngineException(ErrorCode.STORAGE_FAILED, all + " cannot be read: " + e, e);
        }
    }

    /** Whether there is anything in it, and no mark says that it may be deleted. */
    private boolean holdsDatabase(Path directory) throws IOException {
        List<String> parts = options.disk().directories(directory);
        try (Storage storage = options.disk().open(directory)) {
            if (storage.list().contains(UNREGISTERED)) {
                return false;
            }
        }
        for (String part : List.of("log", "snapshots")) {
            if (parts.contains(part)) {
                try (Storage storage = options.disk().open(directory.resolve(part))) {
                    if (!storage.list().isEmpty()) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    /** From now on the directory may be deleted, unless the control database knows it at the next start. */
    private void mark(DatabaseEntry entry) {
        try (Storage storage = options.disk().open(directory(entry))) {
            if (!storage.list().contains(UNREGISTERED)) {
                storage.create(UNREGISTERED).close();
                storage.force();
            }
        } catch (IOException e) {
            throw new EngineException(
                    ErrorCode.STORAGE_FAILED, "the directory " + directory(entry) + " cannot be written: " + e, e);
        }
    }

    private void unmark(Path directory) throws IOException {
        try (Storage storage = options.disk().open(directory)) {
            if (storage.list().contains(UNREGISTERED)) {
                storage.delete(UNREGISTERED);
                storage.force();
            }
        }
    }

    private void unmarkQuietly(DatabaseEntry entry) {
        try {
            unmark(directory(entry));
        } catch (IOException e) {
            // The next start does it.
            LOG.log(System.Logger.Level.WARNING, "a mark in " + directory(entry) + " could not be deleted: " + e);
        }
    }

    // ---- looking up ----

    public TokenAuthority tokens() {
        return tokens;
    }

    public Limits limits() {
        return options.limits();
    }

    public Clock clock() {
        return options.clock();
    }

    long nowMicros() {
        return Database.micros(options.clock().instant());
    }

    /** Copies and earlier states of databases. */
    public Backups backups() {
        return backups;
    }

    /** Identity that a name or an identity's text stands for. Errors: INVALID_NAME, NO_SUCH_DATABASE for unknown names. */
    public Identity resolve(String nameOrIdentity) {
        Optional<Identity> identity = DatabaseNames.identity(nameOrIdentity);
        if (identity.isPresent()) {
            return identity.get();
        }
        return control.name(DatabaseNames.check(nameOrIdentity))
                .orElseThrow(() -> new EngineException(ErrorCode.NO_SUCH_DATABASE, "`" + nameOrIdentity + "` not found"))
                .identity();
    }

    /**
     * A running database; waits a while for one that is being opened. Errors: NO_SUCH_DATABASE, DATABASE_FAILED if it could
     * not be opened, BUSY if it is not open yet.
     */
    public Database database(Identity identity) {
        Database database = databases.get(identity);
        if (database == null) {
            openings.await(identity);
            database = databases.get(identity);
        }
        if (database == null) {
            EngineException reason = failed.get(identity);
            throw reason != null
                    ? new EngineException(ErrorCode.DATABASE_FAILED, "the database could not be opened: " + reason.getMessage())
                    : new EngineException(ErrorCode.NO_SUCH_DATABASE, "No such database.");
        }
        return database;
    }

    /** What the control database knows. */
    public Optional<DatabaseEntry> entry(Identity identity) {
        return control.database(identity);
    }

    /** Databases of an owner. */
    public List<Identity> databasesOf(Identity owner) {
        return control.allDatabases().stream().filter(d -> d.owner().equals(owner)).map(DatabaseEntry::identity).toList();
    }

    /** Running databases. */
    public List<Database> databases() {
        return List.copyOf(databases.values());
    }

    /** Databases that could not be opened at the start, with the reason. */
    public Map<Identity, EngineException> failedDatabases() {
        return Map.copyOf(failed);
    }

    /** Databases that are being opened, with what is being done. */
    public Map<Identity, String> openingDatabases() {
        return Map.copyOf(openings.phases());
    }

    /** Databases that stopped by themselves since they were opened, with the reason. */
    public Map<Identity, Throwable> stoppedDatabases() {
        Map<Identity, Throwable> stopped = new HashMap<>();
        databases.forEach((identity, database) ->
                database.failure().ifPresent(reason -> stopped.put(identity, reason)));
        return stopped;
    }

    /**
     * Opens a database once more that could not be opened, or has stopped by itself; does nothing for one that runs. Errors:
     * NO_SUCH_DATABASE, NOT_AUTHORIZED; DATABASE_FAILED with the reason.
     */
    public void reopen(Identity identity, Identity caller) {
        whileOpen(() -> alone(identity, () -> {
            DatabaseEntry entry = requireOwner(identity, caller, "open database");
            Database before = databases.get(identity);
            if (before == null || before.failure().isPresent()) {
                openings.run(identity, opening -> {
                    if (before != null) {
                        before.close();
                        if (!before.isReleased()) {
                            throw new EngineException(
                                    ErrorCode.DATABASE_FAILED, "the disk has not answered for long, and what the database has"
                                            + " begun to write may still be written; try again when the disk answers, or restart"
                                            + " the server");
                        }
                        databases.remove(identity);
                    }
                    recover(entry, opening);
                });
            }
            return database(identity);
        }));
    }

    /** Databases whose disk has not answered for so long that it may never do. */
    public Set<Identity> hangingDatabases() {
        Set<Identity> hanging = new HashSet<>();
        databases.forEach((identity, database) -> {
            if (database.hangs()) {
                hanging.add(identity);
            }
        });
        return hanging;
    }

    // ---- names ----

    public List<String> names(Identity identity) {
        return control.namesOf(identity).stream().map(ControlDatabase.NameEntry::name).toList();
    }

    /**
     * Adds a name. Errors: INVALID_NAME, NO_SUCH_DATABASE, NOT_AUTHORIZED unless the caller owns the database; NAME_TAKEN;
     * NAME_RESERVED with the name between backticks if it was somebody else's; LIMIT_EXCEEDED.
     */
    public void addName(Identity identity, String name, Identity caller) {
        requireOwner(identity, caller, "rename database");
        if (control.namesOf(identity).size() >= NAMES_MAX) {
            throw tooManyNames();
        }
        control.addName(new ControlDatabase.NameEntry(DatabaseNames.check(name), identity, caller));
    }

    private static EngineException tooManyNames() {
        return new EngineException(ErrorCode.LIMIT_EXCEEDED, "more than " + NAMES_MAX + " names for one database");
    }

    /** Replaces all names; those before stay registered to the owner and nobody else. Errors: as {@link #addName}. */
    public void setNames(Identity identity, List<String> names, Identity caller) {
        requireOwner(identity, caller, "rename database");
        if (names.size() > NAMES_MAX) {
            throw tooManyNames();
        }
        Set<String> distinct = new HashSet<>();
        for (String name : names) {
            if (!distinct.add(name)) {
                throw new EngineException(ErrorCode.NAME_TAKEN, "record with the name " + name + " already exists");
            }
            if (control.name(DatabaseNames.check(name)).isPresent()) {
                throw new EngineException(ErrorCode.NAME_TAKEN, "Cannot rename to " + name + " because it already is in use.");
            }
        }
        control.setNames(identity, names.stream().map(n -> new ControlDatabase.NameEntry(n, identity, caller)).toList());
    }

    /** Errors: NO_SUCH_DATABASE; NOT_AUTHORIZED with the text of spec/http-api.md 3.5. */
    public DatabaseEntry requireOwner(Identity identity, Identity caller, String action) {
        DatabaseEntry entry = control.database(identity)
                .orElseThrow(() -> new EngineException(ErrorCode.NO_SUCH_DATABASE, "No such database."));
        if (!entry.owner().equals(caller)) {
            throw notAuthorized(identity, caller, action);
        }
        return entry;
    }

    static EngineException notAuthorized(Identity identity, Identity caller, String action) {
        return new EngineException(
                ErrorCode.NOT_AUTHORIZED,
                caller.toHex() + " is not authorized to perform action on database " + identity.toHex() + ": " + action);
    }

    // ---- publishing ----

    /**
     * Installs a program: creates a database, or updates or clears an existing one.
     *
     * @throws EngineException INVALID_NAME; NAME_TAKEN, NAME_RESERVED if the name is or was somebody else's; NOT_AUTHORIZED, also
     *     for the identity of a deleted database that has names of somebody else; INVALID_MODULE,
     *     INVALID_MODULE_DEF, UNSUPPORTED_FEATURE; REDUCER_FAILED if {@code init} failed; MIGRATION_REFUSED, MIGRATION_FAILED;
     *     LIMIT_EXCEEDED. Nothing has changed then; a new name is free again.
     */
    public PublishResult publish(PublishRequest request) {
        return whileOpen(() -> install(request));
    }

    /** Errors: DATABASE_STOPPED once the server closes. */
    <T> T whileOpen(Supplier<T> work) {
        publishingAtAll.readLock().lock();
        try {
            if (closed) {
                throw new EngineException(ErrorCode.DATABASE_STOPPED, "the server is stopping");
            }
            return work.get();
        } finally {
            publishingAtAll.readLock().unlock();
        }
    }

    private PublishResult install(PublishRequest request) {
        Optional<Identity> identity = request.database().flatMap(DatabaseNames::identity);
        if (identity.isPresent() || request.database().isEmpty()) {
            // Who comes by one of these names trusts its owner.
            if (identity.isPresent() && control.database(identity.get()).isEmpty()
                    && control.namesOf(identity.get()).stream().anyMatch(n -> !n.owner().equals(request.caller()))) {
                throw notAuthorized(identity.get(), request.caller(), "update database");
            }
            return install(identity.orElseGet(Server::newIdentity), Optional.empty(), false, request);
        }
        String name = DatabaseNames.check(request.database().get());
        return alone(name, () -> {
            Optional<ControlDatabase.NameEntry> known = control.name(name);
            // A name without a database belongs to whoever registered it: nobody else may take it over.
            if (known.isPresent() && control.database(known.get().identity()).isEmpty()
                    && !known.get().owner().equals(request.caller())) {
                throw new EngineException(ErrorCode.NAME_TAKEN, "the name " + name + " is registered to somebody else");
            }
            if (known.isEmpty() && control.formerOwner(name).filter(owner -> !owner.equals(request.caller())).isPresent()) {
                throw new EngineException(ErrorCode.NAME_RESERVED, "the name `" + name + "` is registered to somebody else");
            }
            return install(known.map(ControlDatabase.NameEntry::identity).orElseGet(Server::newIdentity), Optional.of(name),
                    known.isEmpty(), request);
        });
    }

    /** Errors: INVALID_NAME; NAME_TAKEN, NAME_RESERVED unless nobody has, or had, the name. */
    void requireFreeName(String name, Identity caller) {
        if (control.name(DatabaseNames.check(name)).isPresent()) {
            throw new EngineException(ErrorCode.NAME_TAKEN, "the name " + name + " is in use");
        }
        if (control.formerOwner(name).filter(owner -> !owner.equals(caller)).isPresent()) {
            throw new EngineException(ErrorCode.NAME_RESERVED, "the name `" + name + "` is registered to somebody else");
        }
    }

    private PublishResult install(Identity identity, Optional<String> name, boolean isNewName, PublishRequest request) {
        return alone(identity, () -> {
            Optional<DatabaseEntry> existing = control.database(identity);
            if (existing.isPresent()) {
                requireOwner(identity, request.caller(), request.clear() ? "reset database" : "update database");
            } else if (!request.mayCreate()) {
                throw new EngineException(ErrorCode.NOT_AUTHORIZED, request.caller().toHex() + " may not create databases");
            }
            return new Environment(identity, request.environment()).during(variables -> {
                if (existing.isEmpty()) {
                    DatabaseEntry entry = new DatabaseEntry(
                            identity, request.caller(), 0, LoadedModule.hash(request.program()), false);
                    return new PublishResult(name, identity, true, create(
                            entry, name.filter(n -> isNewName), request.program(), variables));
                }
                long offset = request.clear()
                        ? reset(existing.get(), request.program(), variables)
                        : update(identity, request, variables);
                return new PublishResult(name, identity, false, offset);
            });
        });
    }

    // ---- variables of modules ----

    /** A change of a database's variables that comes true together with something else. */
    private final class Environment {

        private final Identity identity;
        private final Map<String, String> before;
        private final Map<String, String> after;

        Environment(Identity identity, EnvironmentChange change) {
            this.identity = identity;
            this.before = control.environment(identity);
            this.after = EnvironmentRules.bounded(change.applyTo(before));
        }

        /** Lets the module see the new variables while it works; they stay if that succeeds. */
        <T> T during(Function<Map<String, String>, T> work) {
            set(before, after);
            boolean done = false;
            try {
                T result = work.apply(after);
                done = true;
                return result;
            } finally {
                if (!done) {
                    set(after, before);
                }
            }
        }

        /** On disk first: after a crash the program must not miss what it was published with. */
        private void set(Map<String, String> from, Map<String, String> to) {
            if (!from.equals(to)) {
                control.setEnvironment(identity, to);
            }
            setEnvironment(identity, to);
        }
    }

    /** Variables that the module of a database reads, by name. Errors: NO_SUCH_DATABASE, NOT_AUTHORIZED. */
    public Map<String, String> environment(Identity identity, Identity caller) {
        requireOwner(identity, caller, "view environment");
        return control.environment(identity);
    }

    /**
     * Changes variables of the running module. Errors: NO_SUCH_DATABASE, NOT_AUTHORIZED, DATABASE_STOPPED,
     * ENVIRONMENT_MISSING, INVALID_ENVIRONMENT.
     */
    public void changeEnvironment(Identity identity, EnvironmentChange change, Identity caller) {
        alone(identity, () -> {
            requireOwner(identity, caller, "update environment");
            Database database = database(identity);
            new Environment(identity, change).during(variables -> {
                EnvironmentRules.check(database.definition().raw(), variables);
                return null;
            });
            return null;
        });
    }

    /** Runs work while nobody else works on the same database, or the same name; a name's turn comes first. */
    <T> T alone(Object databaseOrName, Supplier<T> work) {
        if (databaseOrName instanceof Identity identity) {
            openings.await(identity);
        }
        Turn turn;
        synchronized (turns) {
            turn = turns.computeIfAbsent(databaseOrName, k -> new Turn());
            turn.users++;
        }
        turn.lock.lock();
        try {
            return work.get();
        } finally {
            turn.lock.unlock();
            synchronized (turns) {
                if (--turn.users == 0) {
                    turns.remove(databaseOrName);
                }
            }
        }
    }

    static Identity newIdentity() {
        return IdentityDerivation.newDatabase(new SecureRandom());
    }

    /** @param newName registered together with the database */
    private long create(DatabaseEntry entry, Optional<String> newName, byte[] program, Map<String, String> variables) {
        checkDisk();
        if (databases.size() >= options.limits().databasesMax() && !databases.containsKey(entry.identity())) {
            throw tooManyDatabases();
        }
        clear(entry);
        mark(entry);
        Database database = open(entry);
        boolean created = false;
        boolean registered = false;
        try {
            Database.join(database.initialize(
                    onGuestThread(() -> load(database, program, entry.initialProgram(), variables)), entry.owner()));
            long offset = Database.join(database.committedOffset());
            database.awaitDurable(offset);
            try {
                control.put(entry, newName);
            } catch (EngineException e) {
                // Any other failure may or may not have registered it; the next start knows.
                registered = e.code() != ErrorCode.NAME_TAKEN && e.code() != ErrorCode.NAME_RESERVED;
                throw e;
            }
            databases.put(entry.identity(), database);
            failed.remove(entry.identity());
            created = true;
            unmarkQuietly(entry);
            return offset;
        } finally {
            if (!created) {
                database.close();
                if (!registered) {
                    discard(entry);
                }
            }
        }
    }

    /** Errors: DISK_FULL. */
    void checkDisk() {
        if (!disk.isWritable()) {
            throw new EngineException(
                    ErrorCode.DISK_FULL, "the disk of the server is full: " + disk.usableBytes()
                            + " bytes are left, less than the setting geodesic.disk.stop.bytes; nothing has changed");
        }
    }

    /** What a deleted database may have left there must not become part of a new one. */
    private void clear(DatabaseEntry entry) {
        Path directory = directory(entry);
        try {
            options.disk().delete(directory);
        } catch (IOException e) {
            throw new EngineException(
                    ErrorCode.STORAGE_FAILED,
                    "the directory " + directory + " of an earlier database cannot be deleted: " + e, e);
        }
    }

    private void discard(DatabaseEntry entry) {
        Path directory = directory(entry);
        try {
            options.disk().delete(directory);
            if (options.disk().directories(directory.getParent()).isEmpty()) {
                options.disk().delete(directory.getParent());
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "data of database " + entry.identity() + " could not be deleted: " + e);
        }
    }

    private long reset(DatabaseEntry old, byte[] program, Map<String, String> variables) {
        if (old.locked()) {
            throw new EngineException(
                    ErrorCode.NOT_AUTHORIZED,
                    "Database is locked and cannot be reset with --delete-data. Run `spacetime unlock` first.");
        }
        Database before = databases.get(old.identity());
        mark(old);
        long offset = create(new DatabaseEntry(
                old.identity(), old.owner(), old.incarnation() + 1, LoadedModule.hash(program), false),
                Optional.empty(), program, variables);
        if (before != null) {
            before.close();
        }
        discard(old);
        return offset;
    }

    // ---- restoring ----

    /** Reads the snapshots of a database; empty if the server takes none. Errors: STORAGE_FAILED. */
    Optional<SnapshotStore> snapshots(DatabaseEntry entry) {
        return options.snapshots().map(s -> {
            Path directory = directory(entry).resolve("snapshots");
            try {
                return SnapshotStore.reader(s.disk().open(directory));
            } catch (IOException e) {
                throw new EngineException(
                        ErrorCode.STORAGE_FAILED, "the directory " + directory + " cannot be opened: " + e, e);
            }
        });
    }

    /**
     * Makes a state a database, or puts it in the place of what a database was. Whoever calls this has the turn of the
     * database. A crash leaves the old one or the new one.
     *
     * @param old what it was
     * @param newName registered together with the database
     * @param variables of the module from now on
     * @param state closed on the way, so that it is in memory once only
     * @param epoch of the log from which the state comes
     */
    void adopt(
            Identity identity, Identity owner, Optional<DatabaseEntry> old, Optional<String> newName,
            Map<String, String> variables, PastState state, long epoch) {
        checkDisk();
        if (old.isEmpty() && databases.size() >= options.limits().databasesMax()) {
            throw tooManyDatabases();
        }
        EnvironmentRules.bounded(variables);
        state.belongTo(identity, owner, nowMicros());
        DatabaseEntry entry = new DatabaseEntry(
                identity, owner, old.map(e -> e.incarnation() + 1).orElse(0L), state.module().programHash(), false);
        Database before = databases.get(identity);
        Map<String, String> variablesBefore = environments.get(identity);
        long nextEpoch = Math.max(epoch, before == null ? 0 : before.epoch()) + 1;
        clear(entry);
        mark(entry);
        Database database = null;
        boolean deciding = false;
        boolean registered = false;
        try {
            writeSnapshot(entry, state, nextEpoch);
            state.close();
            database = open(entry);
            Database opened = database;
            ModuleRow module = database.storedModule().orElseThrow();
            if (!LoadedModule.hash(module.program()).equals(module.programHash())) {
                throw new EngineException(ErrorCode.STORAGE_CORRUPT, "the program is not the one that its hash names");
            }
            setEnvironment(identity, variables);
            LoadedModule loaded = onGuestThread(() -> load(opened, module.program(), module.programHash(), variables));
            boolean taken = false;
            try {
                newName.ifPresent(name -> requireFreeName(name, owner));
                old.ifPresent(this::mark);
                deciding = true;
                control.replace(entry, newName, variables);
                registered = true;
                unmarkQuietly(entry);
                if (before != null) {
                    before.close();
                }
                taken = true;
                Database.join(database.resume(loaded, owner));
            } finally {
                if (!taken) {
                    loaded.close();
                }
            }
            databases.put(identity, database);
            failed.remove(identity);
            old.ifPresent(this::discard);
        } catch (Throwable e) {
            if (database != null) {
                database.close();
            }
            if (registered) {
                EngineException reason = e instanceof EngineException known
                        ? known : new EngineException(ErrorCode.INTERNAL, "the restored database cannot be started: " + e, e);
                databases.remove(identity);
                failed.put(identity, reason);
                old.ifPresent(this::discard);
            } else {
                setEnvironment(identity, variablesBefore == null ? Map.of() : variablesBefore);
                // Else only the next start knows which of the two was registered, and removes the other one.
                if (!deciding) {
                    discard(entry);
                }
            }
            throw e;
        }
    }

    private void setEnvironment(Identity identity, Map<String, String> variables) {
        if (variables.isEmpty()) {
            environments.remove(identity);
        } else {
            environments.put(identity, variables);
        }
    }

    private void writeSnapshot(DatabaseEntry entry, PastState state, long epoch) {
        try (SnapshotStore store = openSnapshots(options.snapshots().orElseThrow(), directory(entry).resolve("snapshots"))) {
            state.writeTo(store, epoch);
        }
        options.logs().begin(directory(entry).resolve("log"), state.transactions());
    }

    private EngineException tooManyDatabases() {
        return new EngineException(
                ErrorCode.LIMIT_EXCEEDED, "the server has reached the limit databases-max of " + options.limits().databasesMax());
    }

    private long update(Identity identity, PublishRequest request, Map<String, String> variables) {
        Database database = database(identity);
        Identity hash = LoadedModule.hash(request.program());
        // Nobody asks for the token if the program stays the same.
        if (!hash.equals(database.programHash()) && request.breakClients().isPresent()
                && !request.breakClients().get().equals(token(database, hash))) {
            throw new EngineException(
                    ErrorCode.MIGRATION_FAILED, "Token provided is invalid or does not match expected hash");
        }
        LoadedModule next = onGuestThread(() -> load(database, request.program(), hash, variables));
        boolean taken = false;
        try {
            long offset = Database.join(database.update(next, request.breakClients().isPresent()));
            taken = true;
            return offset;
        } finally {
            if (!taken) {
                next.close();
            }
        }
    }

    /** What a publisher shows to agree to the update by a program (spec/module-def.md section 9). */
    private static String token(Database database, Identity nextProgram) {
        return Hashes.toNumberText(Hashes.migrationToken(
                database.identity(), database.programHash().toLittleEndian(), nextProgram.toLittleEndian()));
    }

    /**
     * What {@link #publish} would do with a program, without doing it. Errors: NO_SUCH_DATABASE, NOT_AUTHORIZED,
     * DATABASE_STOPPED, and those of a program that is no good.
     */
    public UpdatePreview preview(Identity identity, Identity caller, byte[] program) {
        return whileOpen(() -> plan(identity, caller, program));
    }

    private UpdatePreview plan(Identity identity, Identity caller, byte[] program) {
        requireOwner(identity, caller, "update database");
        Database database = database(identity);
        Identity hash = LoadedModule.hash(program);
        try (LoadedModule next = onGuestThread(() -> load(database, program, hash, control.environment(identity)))) {
            boolean majorUpgrade = database.definition().version() < next.definition().version();
            try {
                return new UpdatePreview.Automatic(
                        MigrationPlanner.plan(database.definition(), next.definition()), token(database, next.hash()),
                        majorUpgrade);
            } catch (EngineException e) {
                if (e.code() == ErrorCode.MIGRATION_REFUSED) {
                    return new UpdatePreview.Refused(e.getMessage(), majorUpgrade);
                }
                throw e;
            }
        }
    }

    /** The program that a database runs; for a reset that keeps it. Errors: NO_SUCH_DATABASE. */
    public byte[] program(Identity identity) {
        return database(identity).program();
    }

    /** Deletes a database and its data; its names stay registered. Errors: NO_SUCH_DATABASE, NOT_AUTHORIZED. */
    public void delete(Identity identity, Identity caller) {
        alone(identity, () -> {
            DatabaseEntry entry = requireOwner(identity, caller, "delete database");
            if (entry.locked()) {
                throw new EngineException(
                        ErrorCode.NOT_AUTHORIZED, "Database is locked and cannot be deleted. Run `spacetime unlock` first.");
            }
            try {
                mark(entry);
            } catch (EngineException e) {
                // A disk that is full or broken must not keep it; if the server dies now, its directory stays, with a warning.
                LOG.log(System.Logger.Level.WARNING, e.getMessage());
            }
            control.removeDatabase(identity);
            failed.remove(identity);
            environments.remove(identity);
            Database database = databases.remove(identity);
            if (database != null) {
                database.close();
            }
            discard(entry);
            return null;
        });
    }

    /** Protects a database against {@link #delete} and clearing, or ends that. Errors: NO_SUCH_DATABASE, NOT_AUTHORIZED. */
    public void setLocked(Identity identity, boolean locked, Identity caller) {
        alone(identity, () -> {
            DatabaseEntry entry = requireOwner(identity, caller, "delete database");
            control.put(
                    new DatabaseEntry(entry.identity(), entry.owner(), entry.incarnation(), entry.initialProgram(), locked),
                    Optional.empty());
            return null;
        });
    }

    /**
     * Takes the snapshots of a database. Errors: NO_SUCH_DATABASE, NOT_AUTHORIZED; DATABASE_FAILED, BUSY as {@link #database};
     * UNSUPPORTED_FEATURE if the server takes none.
     */
    public Snapshotter snapshots(Identity identity, Identity caller) {
        requireOwner(identity, caller, "manage snapshots");
        return database(identity).snapshots().orElseThrow(() -> new EngineException(
                ErrorCode.UNSUPPORTED_FEATURE,
                "this server takes no snapshots: it keeps databases in memory only"));
    }

    /** Of the control database; empty if the server takes none. */
    public Optional<Snapshotter> controlSnapshots() {
        return control.snapshots();
    }

    /** Databases whose last snapshot failed, and why; the control database is {@code control}. They run nevertheless. */
    public Map<String, String> failedSnapshots() {
        Map<String, String> reasons = new HashMap<>();
        control.snapshots().flatMap(Snapshotter::failure).ifPresent(reason -> reasons.put("control", reason));
        databases.forEach((identity, database) -> database.snapshots().flatMap(Snapshotter::failure)
                .ifPresent(reason -> reasons.put(identity.toHex(), reason)));
        return reasons;
    }

    /** Memory of all databases, and what it may be. */
    public ServerMemory memory() {
        return memory;
    }

    /** Room on the disk of the data directory; what can wait asks it before it begins. */
    public DiskWatch disk() {
        return disk;
    }

    ThreadPoolExecutor readers() {
        return readers;
    }

    /**
     * Takes nothing new, and finishes what is under way for as long as the setting says: calls are run, made durable, and
     * answered. Blocks; {@link #close} does it too. Any thread.
     */
    public void drain() {
        closed = true;
        draining.lock();
        try {
            drainOnce();
        } finally {
            draining.unlock();
        }
    }

    private void drainOnce() {
        if (!awaitPublishing()) {
            LOG.log(System.Logger.Level.ERROR,
                    "a publish or a restore is not waited for any longer; the next start removes what it leaves");
        }
        openingsEnded = openings.close();
        long deadline = System.nanoTime() + options.resources().stopWait().toNanos();
        List<Thread> threads = databases.values().stream()
                .map(database -> Thread.ofPlatform().daemon().name("drain").start(() -> database.drain(deadline))).toList();
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    /** Whether those who had begun when the server closed have ended, which may hang if the disk does. */
    private boolean awaitPublishing() {
        try {
            if (publishingAtAll.writeLock().tryLock(PUBLISHING_END_SECONDS, TimeUnit.SECONDS)) {
                publishingAtAll.writeLock().unlock();
                return true;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    /**
     * Stops every database, in order ({@link #drain}); what was committed is durable afterwards, unless a disk does not answer:
     * then the data directory stays locked until the process ends.
     */
    @Override
    public void close() {
        drain();
        if (gone.getAndSet(true)) {
            return;
        }
        List<Database> all = List.copyOf(databases.values());
        List<Thread> threads = all.stream().map(database -> Thread.ofPlatform().daemon().name("close")
                .start(() -> closeQuietly(database))).toList();
        for (Thread thread : threads) {
            joinUninterruptibly(thread);
        }
        databases.clear();
        control.close();
        disk.close();
        if (publishingAtAll.writeLock().tryLock()) {
            publishingAtAll.writeLock().unlock();
            if (openingsEnded && control.isReleased() && all.stream().allMatch(Database::isReleased)) {
                closeParts();
                closeQuietly(lock);
            }
        }
    }

    private static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
