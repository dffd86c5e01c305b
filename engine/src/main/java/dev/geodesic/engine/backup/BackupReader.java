package dev.geodesic.engine.backup;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Takes a backup out of a zip or a directory and checks every byte of it. What it says of itself is believed under its checksum
 * and within limits only; so much is unpacked as it says, and no more. One thread. Errors of all methods: BACKUP_INVALID with
 * the entry, LIMIT_EXCEEDED, STORAGE_FAILED.
 */
public final class BackupReader {

    /** Behind the last entry of a zip: the central directory of a hundred entries, and its end. */
    private static final int ZIP_END_BYTES_MAX = 1 << 20;
    private static final int END_RECORD_BYTES = 22;
    private static final byte[] END_MAGIC = {'P', 'K', 5, 6};

    private final long bytesMax;

    /** @param bytesMax of all files */
    public BackupReader(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    private interface Entry {
        InputStream open(String name);
    }

    /**
     * Unpacks a zip into an empty directory. The files need not survive a power loss.
     *
     * @param agree looks at what it is before the files are unpacked; throws if they are not wanted
     */
    public Manifest unpack(InputStream zip, Storage into, Consumer<Manifest> agree) {
        Tail tail = new Tail(zip);
        try (ZipInputStream in = new ZipInputStream(tail)) {
            return unpack(in, tail, into, agree);
        } catch (IOException e) {
            throw BackupFormat.invalid("its end cannot be read (" + e.getMessage() + ")");
        }
    }

    private Manifest unpack(ZipInputStream in, Tail tail, Storage into, Consumer<Manifest> agree) {
        Manifest manifest = read(name -> entry(in, name), agree);
        for (BackupFile file : manifest.files()) {
            copy(file, entry(in, file.name()), into);
        }
        if (next(in, "the end") != null) {
            throw BackupFormat.invalid("there are more entries than " + BackupFormat.MANIFEST + " says");
        }
        if (!tail.isEnd()) {
            throw BackupFormat.invalid("the end of the zip is missing or wrong: it was cut off or changed");
        }
        return manifest;
    }

    /** Copies a backup that was written into a directory. */
    public Manifest copy(Path directory, Storage into, Consumer<Manifest> agree) {
        Manifest manifest = manifest(directory, agree);
        for (BackupFile file : manifest.files()) {
            try (InputStream in = open(directory, file.name())) {
                copy(file, in, into);
            } catch (IOException e) {
                throw unreadable(file.name(), e);
            }
        }
        return manifest;
    }

    /** Reads what a directory is a backup of, and no more. */
    public Manifest manifest(Path directory, Consumer<Manifest> agree) {
        return read(name -> open(directory, name), agree);
    }

    private static InputStream open(Path directory, String name) {
        try {
            return Files.newInputStream(directory.resolve(name));
        } catch (NoSuchFileException e) {
            throw BackupFormat.invalid(name + " is missing");
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    private Manifest read(Entry entries, Consumer<Manifest> agree) {
        byte[] text = read(entries, BackupFormat.MANIFEST, Manifest.BYTES_MAX);
        byte[] checksum = read(entries, BackupFormat.MANIFEST_CHECKSUM, BackupFormat.CHECKSUM_BYTES_MAX);
        if (!new String(checksum, StandardCharsets.US_ASCII).equals(BackupFormat.checksumText(text))) {
            throw BackupFormat.invalid(
                    BackupFormat.MANIFEST + " does not have the checksum in " + BackupFormat.MANIFEST_CHECKSUM);
        }
        Manifest manifest = Manifest.read(text);
        if (manifest.bytes() > bytesMax) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED, "the backup has " + manifest.bytes() + " bytes of files, more than the limit"
                            + " geodesic.backup.bytes of " + bytesMax);
        }
        agree.accept(manifest);
        return manifest;
    }

    private static byte[] read(Entry entries, String name, int bytesMax) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (InputStream in = entries.open(name)) {
            copy(name, in, bytes, bytesMax);
        } catch (IOException e) {
            throw unreadable(name, e);
        }
        return bytes.toByteArray();
    }

    private static void copy(BackupFile file, InputStream in, Storage into) {
        MessageDigest digest = BackupFormat.sha256();
        long bytes;
        try (StorageFile to = into.create(file.name())) {
            bytes = copy(file.name(), in, new DigestOutputStream(StorageStreams.out(into + "/" + file.name(), to), digest),
                    file.bytes());
        } catch (IOException e) {
            throw StorageStreams.failed(into + "/" + file.name(), e);
        }
        if (bytes < file.bytes()) {
            throw BackupFormat.invalid(file.name() + " ends after " + bytes + " of " + file.bytes() + " bytes");
        }
        if (!BackupFormat.hex(digest.digest()).equals(file.sha256())) {
            throw BackupFormat.invalid(file.name() + " does not have the checksum in " + BackupFormat.MANIFEST);
        }
    }

    /** Copies an entry to its end, which comes after so many bytes at most. */
    private static long copy(String name, InputStream in, OutputStream out, long bytesMax) throws IOException {
        byte[] buffer = new byte[StorageStreams.BUFFER_BYTES];
        long bytes = 0;
        while (true) {
            int length;
            try {
                length = in.read(buffer);
            } catch (IOException e) {
                throw unreadable(name, e);
            }
            if (length < 0) {
                return bytes;
            }
            bytes += length;
            if (bytes > bytesMax) {
                throw BackupFormat.invalid(name + " has more than " + bytesMax + " bytes");
            }
            out.write(buffer, 0, length);
        }
    }

    /** The next entry, which must have this name. */
    private static InputStream entry(ZipInputStream in, String name) {
        ZipEntry entry = next(in, name);
        if (entry == null || !entry.getName().equals(name)) {
            throw BackupFormat.invalid(entry == null
                    ? name + " is missing, or it is no zip"
                    : "`" + printable(entry.getName()) + "` is in the place of " + name);
        }
        return new FilterInputStream(in) {
            @Override
            public void close() {
                // The next entry is read from it.
            }
        };
    }

    private static String printable(String name) {
        return name.length() > 100 || !name.chars().allMatch(c -> c >= ' ' && c < 0x7f) ? "another entry" : name;
    }

    private static ZipEntry next(ZipInputStream in, String name) {
        try {
            return in.getNextEntry();
        } catch (IOException | IllegalArgumentException e) {
            throw BackupFormat.invalid(name + " cannot be read (" + e.getMessage() + ")");
        }
    }

    private static EngineException unreadable(String name, IOException e) {
        return BackupFormat.invalid(name + " cannot be read (" + e + ")");
    }

    /** Remembers the last bytes that came. */
    private static final class Tail extends FilterInputStream {

        private final byte[] last = new byte[END_RECORD_BYTES];

        Tail(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int read = super.read(target, offset, length);
            if (read >= last.length) {
                System.arraycopy(target, offset + read - last.length, last, 0, last.length);
            } else if (read > 0) {
                System.arraycopy(last, read, last, 0, last.length - read);
                System.arraycopy(target, offset, last, last.length - read, read);
            }
            return read;
        }

        /** Reads to the end, which is that of a zip without a comment. */
        boolean isEnd() {
            byte[] buffer = new byte[StorageStreams.BUFFER_BYTES];
            long bytes = 0;
            try {
                int read = read(buffer, 0, buffer.length);
                while (read >= 0 && bytes <= ZIP_END_BYTES_MAX) {
                    bytes += read;
                    read = read(buffer, 0, buffer.length);
                }
            } catch (IOException e) {
                return false;
            }
            return bytes <= ZIP_END_BYTES_MAX && Arrays.equals(last, 0, END_MAGIC.length, END_MAGIC, 0, END_MAGIC.length)
                    && last[END_RECORD_BYTES - 2] == 0 && last[END_RECORD_BYTES - 1] == 0;
        }
    }
}
