package dev.geodesic.engine.backup;

import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.SnapshotStore;
import dev.geodesic.engine.durability.TxRecord;
import dev.geodesic.engine.port.Storage;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongConsumer;

/** A backup that {@link BackupReader} has unpacked. */
public final class BackupPast implements Past, AutoCloseable {

    private final Manifest manifest;
    private final Storage storage;
    private final SnapshotStore snapshots;
    private final Room room;

    /**
     * What a backup may make a reader take memory for at once: it may say anything of itself.
     *
     * @param rowBytesMax of one row
     * @param recordBytesMax of one transaction
     * @param check throws LIMIT_EXCEEDED if there is no memory for so many bytes
     */
    public record Room(long rowBytesMax, long recordBytesMax, LongConsumer check) {
    }

    /** @param storage closed with this */
    public BackupPast(Manifest manifest, Storage storage, Room room) {
        this.manifest = manifest;
        this.storage = storage;
        this.snapshots = SnapshotStore.reader(storage, room.rowBytesMax());
        this.room = room;
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
    public long fromMicros() {
        return manifest.fromMicros();
    }

    @Override
    public long untilMicros() {
        return Math.max(manifest.createdMicros(), manifest.commitMicros());
    }

    @Override
    public long at(long micros) {
        if (micros >= manifest.commitMicros() || manifest.from() == manifest.transactions()) {
            return manifest.transactions();
        }
        long[] state = {manifest.from()};
        boolean[] later = {false};
        transactions(manifest.from(), manifest.transactions(), (txOffset, record, offset, length) -> {
            later[0] |= TxRecord.commitMicros(record, offset, length) > micros;
            state[0] = later[0] ? state[0] : txOffset + 1;
        });
        return state[0];
    }

    @Override
    public void transactions(long first, long next, LogFactory.Replay replay) {
        String name = BackupFormat.transactionsName(manifest.from());
        try (InputStream in = new BufferedInputStream(
                StorageStreams.in(name, storage.open(name)), StorageStreams.BUFFER_BYTES)) {
            Transactions.read(name, in, first, next, room, replay);
        } catch (IOException e) {
            throw StorageStreams.failed(name, e);
        }
    }

    @Override
    public void close() {
        snapshots.close();
    }
}
