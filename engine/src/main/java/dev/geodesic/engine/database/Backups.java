package dev.geodesic.engine.database;

import dev.geodesic.engine.backup.BackupOptions;
import dev.geodesic.engine.backup.BackupPast;
import dev.geodesic.engine.backup.BackupReader;
import dev.geodesic.engine.backup.BackupWriter;
import dev.geodesic.engine.backup.Manifest;
import dev.geodesic.engine.backup.Past;
import dev.geodesic.engine.backup.PastState;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.durability.LogDamage;
import dev.geodesic.engine.durability.LogFiles;
import dev.geodesic.engine.durability.SnapshotProgress;
import dev.geodesic.engine.durability.SnapshotStore;
import dev.geodesic.engine.port.Disk;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.engine.snapshot.Snapshotter;
import dev.geodesic.sats.Identity;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Backups of databases, and earlier states of them. All methods take their time, and any thread may call them. Databases go on
 * meanwhile; one that is set back is replaced at the end, as by clearing it.
 *
 * <p>What a restored state is: every row, sequence and schedule of the moment. Connections that were open then are ended as
 * after a crash, with {@code client_disconnected} for each; numbers that a sequence had handed out, or reserved, until that
 * moment are not handed out again; what is overdue runs at once.
 */
public final class Backups {

    private static final System.Logger LOG = System.getLogger(Backups.class.getName());
    /** Below the data directory; what is in it is of no use after a crash. */
    static final String STAGING = "restores";
    private static final String ZIP = "backup.zip";
    /** Of the directory of a backup that is not complete. */
    private static final String UNFINISHED = ".part";
    private static final Duration INTERRUPTED_AGE = Duration.ofHours(1);
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,98}[A-Za-z0-9]|[A-Za-z0-9]");
    private static final Disk FILES = FileStorage::open;
    private static final int UPLOAD_BUFFER_BYTES = 256 << 10;
    /** A transaction's record is a little longer than its rows. */
    private static final long RECORD_BYTES_MIN = 64L << 20;
    private static final int RECORD_HEAP_PART = 4;
    /** What the row of a program has beside the program. */
    private static final int MODULE_ROW_BYTES = 1 << 10;

    private final Server server;
    private final Publisher publisher;
    private final DatabaseOpener opener;
    private final ServerOptions options;
    private final ControlDatabase control;
    private final AtomicLong staged = new AtomicLong();

    Backups(
            Server server, Publisher publisher, DatabaseOpener opener, ServerOptions options, ControlDatabase control) {
        this.server = server;
        this.publisher = publisher;
        this.opener = opener;
        this.options = options;
        this.control = control;
    }

    private BackupOptions limits() {
        return options.backups();
    }

    // ---- taking ----

    /**
     * Takes a snapshot of a database and makes a backup ready to be written. Close it afterwards: the history of the database
     * grows meanwhile.
     *
     * @param history whether earlier moments are to be in it, as far as the database has them
     * @throws EngineException NO_SUCH_DATABASE, NOT_AUTHORIZED, DATABASE_STOPPED, UNSUPPORTED_FEATURE if the server keeps nothing
     *     on disk, STORAGE_FAILED, STORAGE_CORRUPT
     */
    public BackupWriter prepare(Identity identity, boolean history, Identity caller) {
        DatabaseEntry entry = server.requireOwner(identity, caller, "back up database");
        Database database = server.database(identity);
        Kept kept = new Kept(entry, database, history ? 0 : database.durableOffset() + 1);
        boolean prepared = false;
        try {
            long snapshot = kept.takeSnapshot();
            Map<String, String> variables = control.environment(identity);
            BackupWriter writer = BackupWriter.of(kept.past(snapshot), snapshot, history, kept::close,
                    (last, from, fromMicros, files) -> new Manifest(
                            identity, entry.owner(), server.names(identity), variables, database.programHash(), snapshot,
                            last.timeMicros(), last.epoch(), from, fromMicros, server.nowMicros(), caller,
                            "Geodesic", files));
            prepared = true;
            return writer;
        } finally {
            if (!prepared) {
                kept.close();
            }
        }
    }

    /**
     * Writes a backup into a directory of its own below that of the setting geodesic.backup.directory. It has its name when it
     * is complete and on stable storage.
     *
     * @throws EngineException as {@link #prepare}; INVALID_ARGUMENTS for the name, or without the setting
     */
    public Manifest write(Identity identity, String name, boolean history, Identity caller) {
        server.requireOwner(identity, caller, "back up database");
        Path directory = directory(name);
        return server.alone(directory, () -> {
            if (Files.exists(directory)) {
                throw new EngineException(ErrorCode.INVALID_ARGUMENTS, "there is a backup of the name `" + name + "` already");
            }
            removeInterrupted();
            try (BackupWriter writer = prepare(identity, history, caller)) {
                write(writer, directory);
                LOG.log(System.Logger.Level.INFO, "database " + identity + ": backup of " + writer.manifest().transactions()
                        + " transactions, " + writer.manifest().bytes() + " bytes in " + directory);
                return writer.manifest();
            }
        });
    }

    /**
     * Deletes what a crash has left of backups in the directory for them. Another server may be writing there, so only what
     * nobody has written to for an hour.
     */
    void removeInterrupted() {
        Path all = limits().directory().orElse(null);
        try {
            List<String> names = all == null ? List.of() : FILES.directories(all);
            for (String name : names) {
                if (name.startsWith(".") && name.endsWith(UNFINISHED) && isOld(all.resolve(name))) {
                    FILES.delete(all.resolve(name));
                    LOG.log(System.Logger.Level.INFO, all.resolve(name) + ", an interrupted backup, has been deleted");
                }
            }
        } catch (IOException | UncheckedIOException e) {
            LOG.log(System.Logger.Level.WARNING, "interrupted backups in " + all + " could not be deleted: " + e);
        }
    }

    private static boolean isOld(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.toList()) {
                if (Files.getLastModifiedTime(path).toInstant().isAfter(Instant.now().minus(INTERRUPTED_AGE))) {
                    return false;
                }
            }
            return true;
        }
    }

    private static void write(BackupWriter writer, Path directory) {
        String unfinished = "." + directory.getFileName() + UNFINISHED;
        Path part = directory.resolveSibling(unfinished);
        boolean complete = false;
        try (Storage parent = FileStorage.open(directory.getParent())) {
            FILES.delete(part);
            try (Storage storage = FileStorage.open(part)) {
                writer.writeTo(storage);
            }
            parent.rename(unfinished, directory.getFileName().toString());
            complete = true;
            parent.force();
        } catch (IOException e) {
            throw new EngineException(ErrorCode.STORAGE_FAILED, "the backup " + directory + " cannot be written: " + e, e);
        } finally {
            if (!complete) {
                deleteQuietly(part);
            }
        }
    }

    private static void deleteQuietly(Path directory) {
        try {
            FILES.delete(directory);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, directory + " could not be deleted: " + e);
        }
    }

    /** Errors: INVALID_ARGUMENTS. */
    private Path directory(String name) {
        Path all = limits().directory().orElseThrow(() -> new EngineException(
                ErrorCode.INVALID_ARGUMENTS,
                "this server has no directory for backups: its operator can set geodesic.backup.directory"));
        if (!NAME.matcher(name).matches()) {
            throw new EngineException(
                    ErrorCode.INVALID_ARGUMENTS, "the name of a backup has up to 100 letters, digits, dots, hyphens and"
                            + " underlines, and begins and ends with a letter or digit");
        }
        return all.resolve(name);
    }

    // ---- what a running database has ----

    /** Nothing of a database's past is deleted until this is closed. */
    private final class Kept implements AutoCloseable {

        private final Snapshotter snapshotter;
        private final SnapshotStore store;
        private final LogFiles files;
        private final Snapshotter.Pin pin;

        /** @param from what is needed of it */
        Kept(DatabaseEntry entry, Database database, long from) {
            files = database.logFiles().orElseThrow(Backups::keepsNothing);
            snapshotter = database.snapshots().orElseThrow(Backups::keepsNothing);
            store = opener.snapshots(entry).orElseThrow(Backups::keepsNothing);
            pin = snapshotter.pin(from);
        }

        long takeSnapshot() {
            return Database.join(snapshotter.take()).offset();
        }

        DatabasePast past(long until) {
            // The clock may have been set back since the last commit.
            return new DatabasePast(store, files, until, Math.max(server.nowMicros(), snapshotter.list().untilMicros()));
        }

        @Override
        public void close() {
            pin.close();
            store.close();
        }
    }

    private static EngineException keepsNothing() {
        return new EngineException(
                ErrorCode.UNSUPPORTED_FEATURE, "this server keeps databases in memory only: there are no backups and no history");
    }

    /**
     * Reads every snapshot and every segment of the log of a running database. Errors: NO_SUCH_DATABASE, NOT_AUTHORIZED,
     * DATABASE_STOPPED, UNSUPPORTED_FEATURE, STORAGE_FAILED.
     */
    public List<Finding> verify(Identity identity, Identity caller) {
        DatabaseEntry entry = server.requireOwner(identity, caller, "verify database");
        List<Finding> findings = new ArrayList<>();
        Database database = server.database(identity);
        try (Kept kept = new Kept(entry, database, 0)) {
            for (long snapshot : kept.store.offsets()) {
                find(findings, "snapshots/" + SnapshotStore.fileName(snapshot), () ->
                        kept.store.verify(snapshot, SnapshotProgress.NONE));
            }
            for (LogDamage damage : kept.files.verify(LogFiles.Progress.NONE)) {
                findings.add(new Finding("log/" + Path.of(damage.file()).getFileName(), damage.toString()));
            }
        }
        LOG.log(findings.isEmpty() ? System.Logger.Level.INFO : System.Logger.Level.ERROR,
                "database " + identity + ": its files were verified: " + (findings.isEmpty() ? "all are whole" : findings));
        return findings;
    }

    private static void find(List<Finding> findings, String file, Runnable reading) {
        try {
            reading.run();
        } catch (EngineException e) {
            if (e.code() != ErrorCode.STORAGE_CORRUPT) {
                throw e;
            }
            findings.add(new Finding(file, e.getMessage()));
        }
    }

    // ---- receiving ----

    /** A zip that lies on disk until this is closed. */
    public final class Upload implements AutoCloseable {

        private final Path directory;
        private final Storage storage;
        private boolean closed;

        private Upload() {
            directory = options.dataDirectory().resolve(STAGING).resolve(Long.toString(staged.getAndIncrement()));
            try {
                options.disk().delete(directory);
                storage = options.disk().open(directory);
            } catch (IOException e) {
                throw failed(directory, e);
            }
        }

        private void receive(InputStream body) throws IOException {
            byte[] buffer = new byte[UPLOAD_BUFFER_BYTES];
            long bytes = 0;
            StorageFile file;
            try {
                file = storage.create(ZIP);
            } catch (IOException e) {
                throw failed(directory, e);
            }
            try (file) {
                for (int length = body.read(buffer); length >= 0; length = body.read(buffer)) {
                    if (bytes + length > limits().uploadBytesMax()) {
                        throw new EngineException(
                                ErrorCode.LIMIT_EXCEEDED, "the backup has more bytes than the limit"
                                        + " geodesic.backup.upload.bytes of " + limits().uploadBytesMax());
                    }
                    publisher.checkDisk();
                    try {
                        file.write(ByteBuffer.wrap(buffer, 0, length), bytes);
                    } catch (IOException e) {
                        throw failed(directory, e);
                    }
                    bytes += length;
                }
            }
        }

        private InputStream zip() throws IOException {
            StorageFile file = storage.open(ZIP);
            return new InputStream() {
                private long at;

                @Override
                public int read() throws IOException {
                    byte[] one = new byte[1];
                    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
                }

                @Override
                public int read(byte[] target, int offset, int length) throws IOException {
                    int read = file.read(ByteBuffer.wrap(target, offset, length), at);
                    at += Math.max(0, read);
                    return read;
                }

                @Override
                public void close() throws IOException {
                    file.close();
                }
            };
        }

        /** Deletes it. */
        @Override
        public synchronized void close() {
            if (closed) {
                return;
            }
            closed = true;
            try {
                storage.close();
                options.disk().delete(directory);
            } catch (IOException e) {
                LOG.log(System.Logger.Level.WARNING, directory + " could not be deleted: " + e);
            }
        }
    }

    private static EngineException failed(Path directory, IOException e) {
        return new EngineException(ErrorCode.STORAGE_FAILED, directory + " cannot be written: " + e, e);
    }

    /**
     * Takes in a zip that somebody sends. The caller has made sure that they may.
     *
     * @throws EngineException LIMIT_EXCEEDED, STORAGE_FAILED, DISK_FULL
     * @throws IOException what {@code body} throws
     */
    public Upload receive(InputStream body) throws IOException {
        Upload upload = new Upload();
        boolean complete = false;
        try {
            upload.receive(body);
            complete = true;
            return upload;
        } finally {
            if (!complete) {
                upload.close();
            }
        }
    }

    // ---- restoring ----

    /**
     * Makes an earlier state a database, or a database an earlier state of itself: everybody is disconnected then, and what has
     * happened since is gone.
     *
     * @throws EngineException NO_SUCH_DATABASE, NO_SUCH_BACKUP, NOT_AUTHORIZED unless the caller owns the database that is set
     *     back, or owned the deleted one that comes back, or may create databases; BACKUP_INVALID; INVALID_ARGUMENTS for a moment
     *     that is not there, or a backup of another database; INVALID_NAME, NAME_TAKEN, NAME_RESERVED; INVALID_MODULE and the
     *     like for the program; LIMIT_EXCEEDED, DISK_FULL, STORAGE_FAILED. Nothing has changed then.
     */
    public RestoreResult restore(RestoreRequest request) {
        return server.whileOpen(() -> {
            if (options.snapshots().isEmpty()) {
                throw keepsNothing();
            }
            checkTarget(request);
            publisher.checkDisk();
            return switch (request.source()) {
                case RestoreRequest.Source.Sent sent -> restoreBackup(request, (reader, into) -> {
                    try (InputStream zip = sent.upload().zip()) {
                        return reader.unpack(zip, into, manifest -> agree(request, manifest));
                    }
                });
                case RestoreRequest.Source.Directory directory -> {
                    Path path = directory(directory.name());
                    if (!Files.isDirectory(path)) {
                        throw new EngineException(ErrorCode.NO_SUCH_BACKUP, "there is no backup `" + directory.name() + "`");
                    }
                    yield restoreBackup(request, (reader, into) -> reader.copy(path, into, manifest -> {
                        requireOwnBackup(directory.name(), manifest, request.caller());
                        agree(request, manifest);
                    }));
                }
                case RestoreRequest.Source.History history -> restoreHistory(request, history.database());
            };
        });
    }

    /** What can be refused before anything is read. */
    private void checkTarget(RestoreRequest request) {
        switch (request.target()) {
            case RestoreRequest.Target.Another another -> {
                if (!request.mayCreate()) {
                    throw new EngineException(
                            ErrorCode.NOT_AUTHORIZED, request.caller().toHex() + " may not create databases");
                }
                another.name().ifPresent(name -> publisher.requireFreeName(name, request.caller()));
            }
            case RestoreRequest.Target.Same same -> {
                if (control.database(same.database()).isPresent()) {
                    requireUnlocked(same.database(), request.caller());
                }
            }
        }
    }

    private DatabaseEntry requireUnlocked(Identity identity, Identity caller) {
        DatabaseEntry entry = server.requireOwner(identity, caller, "restore database");
        if (entry.locked()) {
            throw new EngineException(
                    ErrorCode.NOT_AUTHORIZED, "Database is locked and cannot be restored. Run `spacetime unlock` first.");
        }
        return entry;
    }

    /** Who may read a database may read its backups. */
    private void requireOwnBackup(String name, Manifest manifest, Identity caller) {
        boolean owns = control.database(manifest.database()).map(DatabaseEntry::owner).orElse(manifest.owner()).equals(caller);
        if (!owns) {
            throw new EngineException(
                    ErrorCode.NOT_AUTHORIZED, caller.toHex() + " does not own the database of the backup `" + name + "`");
        }
    }

    private void agree(RestoreRequest request, Manifest manifest) {
        if (request.target() instanceof RestoreRequest.Target.Same same) {
            if (!manifest.database().equals(same.database())) {
                throw new EngineException(
                        ErrorCode.INVALID_ARGUMENTS, "the backup is of the database " + manifest.database().toHex()
                                + "; restore it as a new database");
            }
            requireMayReturn(request, manifest);
        }
        long usable = server.disk().usableBytes();
        if (usable >= 0 && manifest.bytes() > usable) {
            throw new EngineException(
                    ErrorCode.DISK_FULL, "the backup needs " + manifest.bytes() + " bytes, and the disk of the server has "
                            + usable + "; nothing has changed");
        }
    }

    /** A deleted database comes back only for whom the backup says that it was, if nobody else has its names. */
    private void requireMayReturn(RestoreRequest request, Manifest manifest) {
        Identity identity = manifest.database();
        if (control.database(identity).isPresent()) {
            return;
        }
        if (!request.mayCreate() || !manifest.owner().equals(request.caller())
                || control.namesOf(identity).stream().anyMatch(n -> !n.owner().equals(request.caller()))) {
            throw ControlDatabase.notAuthorized(identity, request.caller(), "restore database");
        }
    }

    private interface Unpacking {
        Manifest into(BackupReader reader, Storage into) throws IOException;
    }

    private RestoreResult restoreBackup(RestoreRequest request, Unpacking unpacking) {
        Path directory = options.dataDirectory().resolve(STAGING).resolve(Long.toString(staged.getAndIncrement()));
        try {
            options.disk().delete(directory);
            Storage storage = options.disk().open(directory);
            Manifest manifest = unpacking.into(new BackupReader(limits().bytesMax()), storage);
            long recordBytesMax = Math.max(RECORD_BYTES_MIN, Math.min(
                    2 * options.limits().transactionBytesMax(), Runtime.getRuntime().maxMemory() / RECORD_HEAP_PART));
            long rowBytesMax = Math.max(
                    options.limits().rowBytesMax(), options.limits().moduleBytesMax() + MODULE_ROW_BYTES);
            try (BackupPast past = new BackupPast(manifest, storage, new BackupPast.Room(
                    rowBytesMax, recordBytesMax, bytes -> server.memory().check(0, bytes)))) {
                return restore(request, past, manifest.epoch(), manifest.environment());
            } catch (EngineException e) {
                throw e.code() != ErrorCode.STORAGE_CORRUPT ? e : new EngineException(
                        ErrorCode.BACKUP_INVALID, "the backup cannot be restored: " + e.getMessage()
                                + ". Nothing has changed; take another backup");
            }
        } catch (IOException e) {
            throw failed(directory, e);
        } finally {
            try {
                options.disk().delete(directory);
            } catch (IOException e) {
                LOG.log(System.Logger.Level.WARNING, directory + " could not be deleted: " + e);
            }
        }
    }

    private RestoreResult restoreHistory(RestoreRequest request, Identity identity) {
        DatabaseEntry entry = server.requireOwner(identity, request.caller(), "restore database");
        if (request.target() instanceof RestoreRequest.Target.Same same && !same.database().equals(identity)) {
            throw new EngineException(ErrorCode.INVALID_ARGUMENTS, "a database is set back to its own past only");
        }
        Database database = server.database(identity);
        try (Kept kept = new Kept(entry, database, 0); DatabasePast past = kept.past(database.durableOffset() + 1)) {
            return restore(request, past, database.epoch(), control.environment(identity));
        }
    }

    private RestoreResult restore(RestoreRequest request, Past past, long epoch, Map<String, String> variables) {
        long start = System.nanoTime();
        long transactions = request.moment().in(past);
        try (PastState state = PastState.of(
                past, transactions, opener::newStores, options.resources().databaseBytesMax())) {
            long commitMicros = state.commitMicros();
            RestoreResult result = switch (request.target()) {
                case RestoreRequest.Target.Same same -> server.alone(same.database(), () -> {
                    Optional<DatabaseEntry> old = control.database(same.database())
                            .map(entry -> requireUnlocked(same.database(), request.caller()));
                    publisher.adopt(same.database(), request.caller(), old, Optional.empty(), variables, state, epoch);
                    return new RestoreResult(Optional.empty(), same.database(), old.isEmpty(), transactions, commitMicros);
                });
                case RestoreRequest.Target.Another another -> another.name().isEmpty()
                        ? create(request.caller(), another.name(), variables, state, epoch, transactions, commitMicros)
                        : server.alone(another.name().get(), () -> {
                            publisher.requireFreeName(another.name().get(), request.caller());
                            return create(request.caller(), another.name(), variables, state, epoch, transactions, commitMicros);
                        });
            };
            LOG.log(System.Logger.Level.INFO, "database " + result.identity() + ": restored " + transactions
                    + " transactions in " + (System.nanoTime() - start) / 1_000_000 + " ms");
            return result;
        }
    }

    private RestoreResult create(
            Identity owner, Optional<String> name, Map<String, String> variables, PastState state, long epoch, long transactions,
            long commitMicros) {
        Identity identity = Publisher.newIdentity();
        return server.alone(identity, () -> {
            publisher.adopt(identity, owner, Optional.empty(), name, variables, state, epoch);
            return new RestoreResult(name, identity, true, transactions, commitMicros);
        });
    }
}
