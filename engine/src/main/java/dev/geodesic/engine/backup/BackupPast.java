package dev.geodesic.engine.backup;

import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.SnapshotStore;
import dev.geodesic.engine.port.Storage;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;

/** A backup that {@link BackupReader} has unpacked. */
public final class BackupPast implements Past, AutoCloseable {

    private final Manifest manifest;
    private final Storage storage;
    private final SnapshotStore snapshots;
    private final long recordBytesMax;

    /**
     * @param storage closed with this
     * @param recordBytesMax of one transaction
     */
    public BackupPast(Manifest manifest, Storage storage, long recordBytesMax) {
        this.manifest = manifest;
        this.storage = storage;
        this.snapshots = SnapshotStore.reader(storage);
        this.recordBytesMax = recordBytesMax;
    }

    public Manifest manifest() {
        return manifest;
    }

    @Override
    public SnapshotStore snapshots() {
        return snapshots;
    }

    @Override
    public long from() {
        return manifest.from();
    }

    @Override
    public long until() {
        return manifest.transactions();
    }

    @Override
    public void transactions(long first, long next, LogFactory.Replay replay) {
        String name = BackupFormat.transactionsName(manifest.from());
        try (InputStream in = new BufferedInputStream(
                StorageStreams.in(name, storage.open(name)), StorageStreams.BUFFER_BYTES)) {
            Transactions.read(name, in, first, next, recordBytesMax, replay);
        } catch (IOException e) {
            throw StorageStreams.failed(name, e);
        }
    }

    @Override
    public void close() {
        snapshots.close();
    }
}
