package dev.geodesic.engine.backup;

import dev.geodesic.engine.durability.SnapshotInfo;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A backup that is ready to be written: its files are chosen and known by their checksums. They are read from disk while it is
 * written, as fast as the other side takes them; nothing of the database waits. One thread. Errors: STORAGE_FAILED,
 * STORAGE_CORRUPT.
 */
public final class BackupWriter implements AutoCloseable {

    /** Fills in what a backup is of; the files come behind. */
    @FunctionalInterface
    public interface Description {
        Manifest of(SnapshotInfo last, long from, long fromMicros, List<BackupFile> files);
    }

    private interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    private record Part(String name, Content content) {
    }

    private final List<Part> parts = new ArrayList<>();
    private final List<StorageFile> open = new ArrayList<>();
    private final Runnable release;
    private Manifest manifest;

    private BackupWriter(Runnable release) {
        this.release = release;
    }

    /**
     * Looks at a snapshot, and at everything before it if that is wanted.
     *
     * @param past where the snapshot and the history lie; nothing of it may be deleted until {@link #close}
     * @param snapshot its number of transactions
     * @param history whether earlier moments are to be restored from the backup, too
     * @param release called at {@link #close}
     */
    public static BackupWriter of(Past past, long snapshot, boolean history, Runnable release, Description description) {
        BackupWriter writer = new BackupWriter(release);
        boolean complete = false;
        try {
            writer.prepare(past, snapshot, history, description);
            complete = true;
            return writer;
        } finally {
            if (!complete) {
                writer.close();
            }
        }
    }

    private void prepare(Past past, long snapshot, boolean history, Description description) {
        SnapshotInfo last = past.snapshots().info(snapshot);
        long from = history ? past.from() : snapshot;
        long fromMicros = last.timeMicros();
        add(past, snapshot);
        if (from < snapshot) {
            if (from > 0) {
                fromMicros = past.snapshots().info(from).timeMicros();
                add(past, from);
            } else {
                fromMicros = 0;
            }
            parts.add(new Part(
                    BackupFormat.transactionsName(from), out -> Transactions.write(past, from, snapshot, out)));
        }
        List<BackupFile> files = new ArrayList<>();
        for (Part part : parts) {
            files.add(checksum(part));
        }
        manifest = description.of(last, from, fromMicros, files);
    }

    private void add(Past past, long snapshot) {
        StorageFile file = past.snapshots().file(snapshot);
        open.add(file);
        String name = BackupFormat.snapshotName(snapshot);
        // The file is closed with this, not with the stream.
        parts.add(new Part(name, out -> StorageStreams.in(name, file).transferTo(out)));
    }

    private static BackupFile checksum(Part part) {
        MessageDigest digest = BackupFormat.sha256();
        Counter counter = new Counter();
        try (OutputStream out = new BufferedOutputStream(new DigestOutputStream(counter, digest), StorageStreams.BUFFER_BYTES)) {
            part.content().writeTo(out);
        } catch (IOException e) {
            throw StorageStreams.failed(part.name(), e);
        }
        return new BackupFile(part.name(), counter.bytes, BackupFormat.hex(digest.digest()));
    }

    private static final class Counter extends OutputStream {

        private long bytes;

        @Override
        public void write(int b) {
            bytes++;
        }

        @Override
        public void write(byte[] source, int offset, int length) {
            bytes += length;
        }
    }

    public Manifest manifest() {
        return manifest;
    }

    /**
     * Writes it as a zip. Other virtual threads get their turn meanwhile.
     *
     * @throws IOException what {@code target} throws
     */
    public void writeZip(OutputStream target) throws IOException {
        ZipOutputStream zip = new ZipOutputStream(new BufferedOutputStream(target, StorageStreams.BUFFER_BYTES) {
            @Override
            public synchronized void write(byte[] source, int offset, int length) throws IOException {
                super.write(source, offset, length);
                if (Thread.currentThread().isVirtual() && count == 0) {
                    Thread.yield();
                }
            }
        });
        zip.setLevel(Deflater.BEST_SPEED);
        byte[] text = manifest.write();
        put(zip, new Part(BackupFormat.MANIFEST, out -> out.write(text)));
        put(zip, new Part(BackupFormat.MANIFEST_CHECKSUM, out ->
                out.write(BackupFormat.checksumText(text).getBytes(StandardCharsets.US_ASCII))));
        for (Part part : parts) {
            put(zip, part);
        }
        zip.finish();
        zip.flush();
    }

    private void put(ZipOutputStream zip, Part part) throws IOException {
        ZipEntry entry = new ZipEntry(part.name());
        entry.setTime(manifest.createdMicros() / 1000);
        zip.putNextEntry(entry);
        part.content().writeTo(zip);
        zip.closeEntry();
    }

    /** Writes it as files, durably, into an empty directory; what names the directory is for the caller to make durable. */
    public void writeTo(Storage storage) {
        try {
            for (Part part : parts) {
                put(storage, part);
            }
            byte[] text = manifest.write();
            put(storage, new Part(BackupFormat.MANIFEST_CHECKSUM, out ->
                    out.write(BackupFormat.checksumText(text).getBytes(StandardCharsets.US_ASCII))));
            put(storage, new Part(BackupFormat.MANIFEST, out -> out.write(text)));
            storage.force();
        } catch (IOException e) {
            throw StorageStreams.failed(storage.toString(), e);
        }
    }

    private static void put(Storage storage, Part part) throws IOException {
        try (StorageFile file = storage.create(part.name())) {
            try (OutputStream out = new BufferedOutputStream(
                    StorageStreams.out(part.name(), file), StorageStreams.BUFFER_BYTES)) {
                part.content().writeTo(out);
            }
            file.force();
        }
    }

    @Override
    public void close() {
        for (StorageFile file : open) {
            try {
                file.close();
            } catch (IOException e) {
                // It was only read.
            }
        }
        open.clear();
        release.run();
    }
}
