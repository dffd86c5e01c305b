package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.SnapshotView;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * The snapshots of one database: a directory with one file each, {@code {20 digits}.snapshot}, the digits being the number of
 * transactions in it (docs/formats/snapshot.md). What is being written has another name until it is published. Thread-safe.
 * Errors of all methods: STORAGE_FAILED.
 */
public final class SnapshotStore implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(SnapshotStore.class.getName());
    private static final String UNFINISHED = ".tmp";
    private static final String DAMAGED = ".damaged";

    private final Storage storage;
    private final LongSupplier salts;
    private final long rowBytesMax;
    private final AtomicLong drafts = new AtomicLong();

    private SnapshotStore(Storage storage, LongSupplier salts, long rowBytesMax) {
        this.storage = storage;
        this.salts = salts;
        this.rowBytesMax = rowBytesMax;
    }

    /** Takes a directory over, which nobody else may use, and removes what a crash left there unfinished. */
    public static SnapshotStore open(Storage storage) {
        return open(storage, new SecureRandom()::nextLong);
    }

    /** For reading beside the store that owns the directory. */
    public static SnapshotStore reader(Storage storage) {
        return reader(storage, Long.MAX_VALUE);
    }

    /** The same for snapshots that somebody has sent: a longer row is refused with LIMIT_EXCEEDED. */
    public static SnapshotStore reader(Storage storage, long rowBytesMax) {
        return new SnapshotStore(storage, () -> 0, rowBytesMax);
    }

    static SnapshotStore open(Storage storage, LongSupplier salts) {
        SnapshotStore store = new SnapshotStore(storage, salts, Long.MAX_VALUE);
        store.io("opened", () -> {
            for (String name : storage.list()) {
                if (name.endsWith(UNFINISHED)) {
                    storage.delete(name);
                }
            }
            return null;
        });
        return store;
    }

    private interface Work<T> {
        T run() throws IOException;
    }

    private <T> T io(String what, Work<T> work) {
        try {
            return work.run();
        } catch (IOException e) {
            throw new EngineException(ErrorCode.STORAGE_FAILED, "snapshots in " + storage + " cannot be " + what + ": " + e, e);
        }
    }

    /** Name of the file of a published snapshot. */
    public static String fileName(long nextOffset) {
        return SnapshotFormat.fileName(nextOffset);
    }

    /** Next offsets of the published snapshots, newest first. */
    public List<Long> offsets() {
        return io("listed", () -> storage.list().stream()
                .map(SnapshotFormat::nextOffset).filter(o -> o >= 0).sorted(Comparator.reverseOrder()).toList());
    }

    // ---- writing ----

    /** A snapshot that is on stable storage under another name: {@link #publish} or {@link #discard} it. One thread. */
    public final class Draft implements AutoCloseable {

        private final String name;
        private final SnapshotInfo info;
        private final long rows;
        private final long bytes;
        private boolean done;

        private Draft(String name, SnapshotInfo info, SnapshotWriter writer) {
            this.name = name;
            this.info = info;
            this.rows = writer.allRows();
            this.bytes = writer.bytes();
        }

        public SnapshotInfo info() {
            return info;
        }

        public long rows() {
            return rows;
        }

        /** Size of the file. */
        public long bytes() {
            return bytes;
        }

        /**
         * Gives it its name, durably; one of the same offset is replaced. Call it only when the log is durable up to its last
         * transaction.
         */
        public void publish() {
            Invariants.check(!done, "a draft is published or discarded once");
            io("published", () -> {
                storage.rename(name, SnapshotFormat.fileName(info.nextOffset()));
                done = true;
                storage.force();
                return null;
            });
        }

        /** Deletes it if it was not published. */
        public void discard() {
            if (!done) {
                done = true;
                deleteQuietly(name);
            }
        }

        /** As {@link #discard}. */
        @Override
        public void close() {
            discard();
        }
    }

    private void deleteQuietly(String name) {
        try {
            storage.delete(name);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, storage + "/" + name + " could not be deleted: " + e);
        }
    }

    /**
     * Writes all rows that a view shows, and forces them. Takes the lock of the database for a moment per batch of rows only,
     * and never while it writes. Nothing is left over after an error.
     *
     * @param progress hears of rows
     * @throws EngineException also what the view throws: LIMIT_EXCEEDED, DATABASE_STOPPED
     */
    public Draft write(SnapshotView view, SnapshotInfo info, SnapshotProgress progress) {
        Invariants.check(
                info.nextOffset() == view.nextTxOffset(), "a snapshot is of its view", "view", view.nextTxOffset(),
                "snapshot", info.nextOffset());
        String name = SnapshotFormat.fileName(info.nextOffset()) + '.' + drafts.getAndIncrement() + UNFINISHED;
        return io("written", () -> {
            StorageFile file = storage.create(name);
            boolean complete = false;
            try (file) {
                SnapshotWriter writer = new SnapshotWriter(file, info, salts.getAsLong());
                writeTables(view, writer, progress);
                writer.finish();
                complete = true;
                return new Draft(name, info, writer);
            } finally {
                if (!complete) {
                    deleteQuietly(name);
                }
            }
        });
    }

    private static void writeTables(SnapshotView view, SnapshotWriter writer, SnapshotProgress progress) throws IOException {
        List<TableSchema> tables = view.tables().stream()
                .filter(SnapshotLoader::isStored).sorted(Comparator.comparingInt(TableSchema::tableId)).toList();
        long total = 0;
        for (TableSchema table : tables) {
            total += view.rowCount(table.tableId());
        }
        for (TableSchema table : tables) {
            int id = table.tableId();
            boolean system = id < SystemTables.FIRST_USER_ID;
            writer.begin(id);
            RowIterator rows = view.scan(id);
            while (rows.next()) {
                // Every server makes the rows that describe the system tables by itself, its own ones.
                if (system && SystemTables.isBuiltIn(id, rows.segment(), rows.offset())) {
                    continue;
                }
                if (writer.row(rows.segment(), rows.offset(), rows.length())) {
                    progress.at(writer.allRows(), total);
                }
            }
            writer.end();
        }
        progress.at(writer.allRows(), total);
    }

    // ---- reading ----

    /** What was loaded. */
    public record Loaded(SnapshotInfo info, long rows) {
    }

    /** What a snapshot is of, from its two ends. Errors: STORAGE_CORRUPT. */
    public SnapshotInfo info(long offset) {
        return io("read", () -> {
            try (SnapshotReader reader = new SnapshotReader(storage, offset, rowBytesMax)) {
                return reader.info();
            }
        });
    }

    /** The file of a snapshot, for copying it: what was opened can be read even if the snapshot is deleted meanwhile. */
    public StorageFile file(long offset) {
        return io("read", () -> storage.open(SnapshotFormat.fileName(offset)));
    }

    /** Size of the file in bytes. */
    public long size(long offset) {
        return io("read", () -> {
            try (StorageFile file = storage.open(SnapshotFormat.fileName(offset))) {
                return file.size();
            }
        });
    }

    /**
     * Loads a snapshot into a state that holds only what {@link Catalog#bootstrap} made, with ids and sequences. Nobody else may
     * read the state yet; after an error it is to be closed.
     *
     * @param progress hears of bytes
     * @throws EngineException STORAGE_CORRUPT with file, byte and remedy; LIMIT_EXCEEDED if there is no memory
     */
    public Loaded load(long offset, CommittedState committed, Catalog catalog, SnapshotProgress progress) {
        return io("read", () -> {
            try (SnapshotReader reader = new SnapshotReader(storage, offset, rowBytesMax)) {
                return new Loaded(reader.info(), new SnapshotLoader(reader, committed, catalog).load(progress));
            }
        });
    }

    /**
     * Reads a whole snapshot and checks everything that can be checked without its schema.
     *
     * @param progress hears of bytes
     * @throws EngineException STORAGE_CORRUPT with file, byte and remedy
     */
    public SnapshotInfo verify(long offset, SnapshotProgress progress) {
        return io("read", () -> {
            try (SnapshotReader reader = new SnapshotReader(storage, offset, rowBytesMax)) {
                while (reader.next()) {
                    progress.at(reader.place(), reader.size());
                }
                progress.at(reader.size(), reader.size());
                return reader.info();
            }
        });
    }

    // ---- the files ----

    /** Takes a damaged snapshot out of the way; returns the name that its file has now. */
    public String setAside(long offset) {
        return io("renamed", () -> {
            String name = SnapshotFormat.fileName(offset) + DAMAGED;
            storage.rename(SnapshotFormat.fileName(offset), name);
            storage.force();
            return storage + "/" + name;
        });
    }

    /** Names of the files of damaged snapshots. */
    public List<String> damagedFiles() {
        return io("listed", () -> storage.list().stream().filter(name -> name.endsWith(DAMAGED)).sorted().toList());
    }

    /** Deletes the files of damaged snapshots; returns their names. */
    public List<String> deleteDamaged() {
        List<String> names = damagedFiles();
        return io("deleted", () -> {
            for (String name : names) {
                storage.delete(name);
            }
            storage.force();
            return names;
        });
    }

    public void delete(long offset) {
        io("deleted", () -> {
            storage.delete(SnapshotFormat.fileName(offset));
            storage.force();
            return null;
        });
    }

    @Override
    public void close() {
        io("closed", () -> {
            storage.close();
            return null;
        });
    }

    @Override
    public String toString() {
        return storage.toString();
    }
}
