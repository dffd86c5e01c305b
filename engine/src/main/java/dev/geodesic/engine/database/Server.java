package dev.geodesic.engine.database;

import dev.geodesic.engine.auth.SigningKeys;
import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.base.ServerMemory;
import dev.geodesic.engine.catalog.ModuleRow;
import dev.geodesic.engine.durability.DiskWatch;
import dev.geodesic.engine.egress.HttpEgress;
import dev.geodesic.engine.egress.Network;
import dev.geodesic.engine.host.abi.HostFunctions;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import dev.geodesic.engine.host.wasmtime.WasmtimeOptions;
import dev.geodesic.engine.host.wasmtime.WasmtimeRuntime;
import dev.geodesic.engine.schema.EnvironmentRules;
import dev.geodesic.engine.snapshot.SnapshotWorker;
import dev.geodesic.engine.snapshot.Snapshotter;
import dev.geodesic.sats.Identity;
import java.time.Clock;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * All databases of one data directory. Thread-safe; methods that publish or delete take their time and run one at a time
 * per database. Errors are {@link EngineException}s with the code that each method names. {@code DataDirectory} says where
 * the files are.
 */
public final class Server implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Server.class.getName());

    /** Of one database. */
    private static final int NAMES_MAX = 100;
    private static final long PUBLISHING_END_SECONDS = 60;

    private final ServerOptions options;
    private final DataDirectory directory;
    private final TokenAuthority tokens;
    private final ServerMemory memory;
    private final DatabaseOpener opener;
    private final ControlDatabase control;
    private final DiskWatch disk;
    private final Databases databases;
    private final Environments environments;
    private final Publisher publisher;
    private final Backups backups;
    /** Held, shared, by whoever has a program open that no database runs; {@link #close} waits for them. */
    private final ReentrantReadWriteLock publishingAtAll = new ReentrantReadWriteLock();
    /** Who has entered {@link #publishingAtAll} sees it, or is waited for. */
    private volatile boolean closed;
    private final AtomicBoolean gone = new AtomicBoolean();
    /** Held by whoever ends what is under way; the next one finds it done. */
    private final ReentrantLock draining = new ReentrantLock();
    private volatile boolean openingsEnded;

    /**
     * What only tests put in other places; all of it is closed with the server.
     *
     * @param runtime makes the runtime over what guests may take
     * @param keys opens the keys
     * @param snapshots takes the snapshots of all databases
     */
    record Parts(
            Function<ServerMemory, WasmRuntime> runtime, Function<DataDirectory, SigningKeys> keys, ExecutorService snapshots) {

        private static Parts of(ServerOptions options) {
            return new Parts(
                    memory -> WasmtimeRuntime.open(new WasmtimeOptions(
                            Optional.of(options.dataDirectory().resolve("compiled")), options.guestThreads(), memory),
                            HostFunctions.TABLE),
                    DataDirectory::openKeys, SnapshotWorker.thread());
        }
    }

    private Server(ServerOptions options, DataDirectory directory, Parts parts) {
        this.options = options;
        this.directory = directory;
        this.memory = new ServerMemory(options.resources().serverBytesMax(), options.resources().serverHeapBytesMax());
        this.databases = new Databases(new Openings(options.resources().openThreads(), options.resources().openWait()));
        this.tokens = new TokenAuthority(
                parts.keys().apply(directory), options.issuers(), limits -> new HttpEgress(
                        limits, Network.SYSTEM, Thread.ofPlatform().daemon().name("issuers-", 0).factory()), options.clock());
        this.opener = new DatabaseOpener(options, directory, memory, parts.runtime().apply(memory), parts.snapshots());
        try {
            this.control = opener.openControl();
        } catch (EngineException e) {
            closeParts();
            throw new EngineException(
                    e.code(), "no database can be served, because the control database, which says what databases there are, "
                            + "cannot be opened: " + e.getMessage(), e);
        } catch (Throwable e) {
            closeParts();
            throw e;
        }
        this.environments = new Environments(control);
        // It goes on until it is closed.
        this.disk = new DiskWatch(
                options.resources().disk(), options.timer(),
                task -> Thread.ofPlatform().daemon().name("disk-watch").start(task));
        opener.watch(disk);
        this.publisher = new Publisher(options, directory, opener, control, databases, environments, disk);
        this.backups = new Backups(this, publisher, opener, options, control);
    }

    private void closeParts() {
        opener.close();
        tokens.close();
    }

    /** As {@link #launch}, and waits until every database has been opened, or cannot be. */
    public static Server start(ServerOptions options) {
        Server server = launch(options);
        server.databases.openings().awaitAll();
        return server;
    }

    /** As {@link #start(ServerOptions)}, with other parts. */
    static Server start(ServerOptions options, Parts parts) {
        Server server = launch(options, parts);
        server.databases.openings().awaitAll();
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
        DataDirectory directory = DataDirectory.open(options.dataDirectory(), options.disk());
        Server server = null;
        try {
            server = new Server(options, directory, parts);
            server.recover();
            return server;
        } catch (Throwable e) {
            if (server != null) {
                server.close();
            } else {
                directory.close();
            }
            throw e;
        }
    }

    // ---- opening ----

    private void recover() {
        // First: later there are directories of databases that are being created.
        directory.removeLeftovers(control::database);
        backups.removeInterrupted();
        for (DatabaseEntry entry : control.allDatabases()) {
            databases.openings().start(entry.identity(), opening -> recover(entry, opening));
        }
    }

    /** Takes a database into service, or notes why that is not possible: no other may suffer from it, whatever it is. */
    private void recover(DatabaseEntry entry, Openings.Opening opening) {
        try {
            tryToRecover(entry, opening);
        } catch (Throwable e) {
            EngineException reason = e instanceof EngineException known
                    ? known
                    : new EngineException(ErrorCode.INTERNAL, "the database cannot be read: " + e, e);
            LOG.log(System.Logger.Level.ERROR,
                    "database " + entry.identity() + " could not be opened: " + reason.describe(), reason.getCause());
            databases.putFailed(entry.identity(), reason);
        }
    }

    private void tryToRecover(DatabaseEntry entry, Openings.Opening opening) {
        opening.phase("reading its log");
        Database database = opener.open(entry, progress -> opening.phase(progress.text()));
        boolean running = false;
        try {
            opening.phase("loading its program");
            ModuleRow module = opener.storedModule(entry, database);
            Map<String, String> variables = environments.load(entry.identity());
            Database.join(database.resume(
                    opener.load(database, module.program(), module.programHash(), variables, environments), entry.owner()));
            databases.put(database);
            running = true;
        } finally {
            if (!running) {
                database.close();
            }
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
        return databases.require(identity);
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
        return databases.running();
    }

    /** Databases that could not be opened at the start, with the reason. */
    public Map<Identity, EngineException> failedDatabases() {
        return databases.failed();
    }

    /** Databases that are being opened, with what is being done. */
    public Map<Identity, String> openingDatabases() {
        return Map.copyOf(databases.openings().phases());
    }

    /** Databases that stopped by themselves since they were opened, with the reason. */
    public Map<Identity, Throwable> stoppedDatabases() {
        Map<Identity, Throwable> stopped = new HashMap<>();
        databases.running().forEach(database ->
                database.failure().ifPresent(reason -> stopped.put(database.identity(), reason)));
        return stopped;
    }

    /**
     * Opens a database once more that could not be opened, or has stopped by itself; does nothing for one that runs. Errors:
     * NO_SUCH_DATABASE, NOT_AUTHORIZED; DATABASE_FAILED with the reason.
     */
    public void reopen(Identity identity, Identity caller) {
        whileOpen(() -> alone(identity, () -> {
            DatabaseEntry entry = requireOwner(identity, caller, "open database");
            Database before = databases.running(identity).orElse(null);
            if (before == null || before.failure().isPresent()) {
                databases.openings().run(identity, opening -> {
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
        return databases.running().stream().filter(Database::hangs).map(Database::identity).collect(Collectors.toSet());
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
        return control.requireOwner(identity, caller, action);
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
        return whileOpen(() -> publisher.install(request));
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

    // ---- variables of modules ----

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
            environments.change(identity, change).during(variables -> {
                EnvironmentRules.check(database.definition().raw(), variables);
                return null;
            });
            return null;
        });
    }

    /** Runs work while nobody else works on the same database, or the same name; a name's turn comes first. Errors: BUSY. */
    <T> T alone(Object databaseOrName, Supplier<T> work) {
        return databases.alone(databaseOrName, work);
    }

    /**
     * What {@link #publish} would do with a program, without doing it. Errors: NO_SUCH_DATABASE, NOT_AUTHORIZED,
     * DATABASE_STOPPED, and those of a program that is no good.
     */
    public UpdatePreview preview(Identity identity, Identity caller, byte[] program) {
        return whileOpen(() -> publisher.preview(identity, caller, program));
    }

    /** The program that a database runs; for a reset that keeps it. Errors: NO_SUCH_DATABASE. */
    public byte[] program(Identity identity) {
        return database(identity).program();
    }

    /** Deletes a database and its data; its names stay registered. Errors: NO_SUCH_DATABASE, NOT_AUTHORIZED. */
    public void delete(Identity identity, Identity caller) {
        publisher.delete(identity, caller);
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
        databases.running().forEach(database -> database.snapshots().flatMap(Snapshotter::failure)
                .ifPresent(reason -> reasons.put(database.identity().toHex(), reason)));
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

    DatabaseOpener opener() {
        return opener;
    }

    ThreadPoolExecutor readers() {
        return opener.readers();
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
        openingsEnded = databases.openings().close();
        long deadline = System.nanoTime() + options.resources().stopWait().toNanos();
        List<Thread> threads = databases.running().stream()
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
        List<Database> all = databases.running();
        List<Thread> threads = all.stream().map(database -> Thread.ofPlatform().daemon().name("close")
                .start(() -> DatabaseOpener.closeQuietly(database))).toList();
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
                directory.close();
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
