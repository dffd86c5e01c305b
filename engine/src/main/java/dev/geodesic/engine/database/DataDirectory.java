package dev.geodesic.engine.database;

import dev.geodesic.engine.auth.SigningKeys;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.Disk;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.sats.Identity;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Where a server keeps its files, and which of them may be deleted. Whoever has one has the directory for itself. Thread-safe.
 *
 * <pre>
 *   data directory
 *     server.lock                          held while the server runs
 *     keys/                                {@link SigningKeys}
 *     control/                             log/ and snapshots/ of the control database
 *     databases/{identity}/{incarnation}/  log/, snapshots/ and module-logs/ of one database
 *     restores/                            {@link Backups}: what is being restored
 *     compiled/                            compiled programs; may be deleted
 * </pre>
 */
final class DataDirectory implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(DataDirectory.class.getName());
    /** A file in the directory of a database that is not registered yet, or not any more. */
    private static final String UNREGISTERED = "unregistered";

    private final Path path;
    private final Disk disk;
    private final FileChannel lock;

    private DataDirectory(Path path, Disk disk, FileChannel lock) {
        this.path = path;
        this.disk = disk;
        this.lock = lock;
    }

    /** Errors: STORAGE_LOCKED if another process uses the directory; STORAGE_FAILED. */
    static DataDirectory open(Path path, Disk disk) {
        return new DataDirectory(path, disk, lock(path));
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

    /** Lets others have it. */
    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "could not close: " + e);
        }
    }

    Path control() {
        return path.resolve("control");
    }

    private Path databases() {
        return path.resolve("databases");
    }

    Path of(DatabaseEntry entry) {
        return databases().resolve(entry.identity().toHex()).resolve(Long.toString(entry.incarnation()));
    }

    /** Errors: STORAGE_FAILED, STORAGE_CORRUPT. */
    SigningKeys openKeys() {
        Path directory = path.resolve("keys");
        try (Storage storage = disk.open(directory)) {
            if (storage.list().isEmpty() && disk.directories(path).contains("control")) {
                LOG.log(System.Logger.Level.WARNING,
                        "the keys in " + directory + " are gone and are made anew: earlier tokens are not valid any more");
            }
            return SigningKeys.open(storage);
        } catch (IOException e) {
            throw new EngineException(ErrorCode.STORAGE_FAILED, "the directory " + directory + " cannot be opened: " + e, e);
        }
    }

    /** Deletes what is marked, of deleted databases, earlier incarnations and publishes that failed; warns of anything else. */
    void removeLeftovers(Function<Identity, Optional<DatabaseEntry>> registered) {
        Path all = databases();
        try {
            disk.delete(path.resolve(Backups.STAGING));
            for (String name : disk.directories(all)) {
                Optional<DatabaseEntry> entry = DatabaseNames.identity(name).flatMap(registered);
                for (String incarnation : disk.directories(all.resolve(name))) {
                    Path directory = all.resolve(name).resolve(incarnation);
                    if (entry.isPresent() && incarnation.equals(Long.toString(entry.get().incarnation()))) {
                        unmark(directory);
                    } else if (!holdsDatabase(directory)) {
                        disk.delete(directory);
                    } else {
                        LOG.log(System.Logger.Level.WARNING,
                                directory + " holds a database that the control database does not know. It is left alone;"
                                        + " if it is not wanted any more, delete the directory");
                    }
                }
                if (entry.isEmpty() && disk.directories(all.resolve(name)).isEmpty()) {
                    disk.delete(all.resolve(name));
                }
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "leftovers in " + all + " could not be deleted: " + e);
        }
    }

    /** Databases come after the control database's first transactions: if these are gone, it was no crash. */
    void requireNoDatabases() {
        Path all = databases();
        try {
            for (String name : disk.directories(all)) {
                for (String incarnation : disk.directories(all.resolve(name))) {
                    Path directory = all.resolve(name).resolve(incarnation);
                    if (holdsDatabase(directory)) {
                        throw new EngineException(
                                ErrorCode.STORAGE_CORRUPT,
                                "its log is gone, but there are databases, such as " + directory + "; restore "
                                        + path.resolve("control")
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
        List<String> parts = disk.directories(directory);
        try (Storage storage = disk.open(directory)) {
            if (storage.list().contains(UNREGISTERED)) {
                return false;
            }
        }
        for (String part : List.of("log", "snapshots")) {
            if (parts.contains(part)) {
                try (Storage storage = disk.open(directory.resolve(part))) {
                    if (!storage.list().isEmpty()) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    /** From now on the directory may be deleted, unless the control database knows it at the next start. */
    void mark(DatabaseEntry entry) {
        try (Storage storage = disk.open(of(entry))) {
            if (!storage.list().contains(UNREGISTERED)) {
                storage.create(UNREGISTERED).close();
                storage.force();
            }
        } catch (IOException e) {
            throw new EngineException(
                    ErrorCode.STORAGE_FAILED, "the directory " + of(entry) + " cannot be written: " + e, e);
        }
    }

    private void unmark(Path directory) throws IOException {
        try (Storage storage = disk.open(directory)) {
            if (storage.list().contains(UNREGISTERED)) {
                storage.delete(UNREGISTERED);
                storage.force();
            }
        }
    }

    void unmarkQuietly(DatabaseEntry entry) {
        try {
            unmark(of(entry));
        } catch (IOException e) {
            // The next start does it.
            LOG.log(System.Logger.Level.WARNING, "a mark in " + of(entry) + " could not be deleted: " + e);
        }
    }

    /** What a deleted database may have left there must not become part of a new one. */
    void clear(DatabaseEntry entry) {
        Path directory = of(entry);
        try {
            disk.delete(directory);
        } catch (IOException e) {
            throw new EngineException(
                    ErrorCode.STORAGE_FAILED,
                    "the directory " + directory + " of an earlier database cannot be deleted: " + e, e);
        }
    }

    void discard(DatabaseEntry entry) {
        Path directory = of(entry);
        try {
            disk.delete(directory);
            if (disk.directories(directory.getParent()).isEmpty()) {
                disk.delete(directory.getParent());
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "data of database " + entry.identity() + " could not be deleted: " + e);
        }
    }
}
