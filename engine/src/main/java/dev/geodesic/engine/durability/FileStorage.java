package dev.geodesic.engine.durability;

import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** A directory of the file system. */
public final class FileStorage implements Storage {

    /** The JDK copies heap buffers through a direct one of the same size and keeps that per thread. */
    private static final int CHUNK_BYTES = 1 << 20;

    private static final Set<StandardOpenOption> NEW =
            EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
    /** Data and keys are nobody else's business. */
    private static final FileAttribute<?>[] OWNER_ONLY =
            FileSystems.getDefault().supportedFileAttributeViews().contains("posix")
                    ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))}
                    : new FileAttribute<?>[0];

    private final Path directory;

    private FileStorage(Path directory) {
        this.directory = directory;
    }

    /** Opens a directory; creates it, with its parents, durably if it does not exist. */
    public static FileStorage open(Path directory) throws IOException {
        createDurably(directory.toAbsolutePath().normalize());
        return new FileStorage(directory);
    }

    /** Forces what exists already, too: an earlier process may have died between creating and forcing it. */
    private static void createDurably(Path directory) throws IOException {
        Path parent = directory.getParent();
        boolean exists = Files.isDirectory(directory);
        if (parent == null || exists && !Files.isWritable(parent)) {
            return;
        }
        createDurably(parent);
        if (!exists) {
            Files.createDirectories(directory);
        }
        force(parent);
    }

    private static void force(Path directory) throws IOException {
        // Windows cannot open directories; its file systems log changes of names by themselves.
        if (File.separatorChar != '\\') {
            try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    @Override
    public List<String> list() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(Files::isRegularFile).map(f -> f.getFileName().toString()).toList();
        }
    }

    @Override
    public StorageFile create(String name) throws IOException {
        return new ChannelFile(FileChannel.open(directory.resolve(name), NEW, OWNER_ONLY));
    }

    @Override
    public StorageFile open(String name) throws IOException {
        return new ChannelFile(
                FileChannel.open(directory.resolve(name), StandardOpenOption.READ, StandardOpenOption.WRITE));
    }

    @Override
    public void rename(String from, String to) throws IOException {
        Files.move(directory.resolve(from), directory.resolve(to), StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void delete(String name) throws IOException {
        Files.delete(directory.resolve(name));
    }

    @Override
    public void force() throws IOException {
        force(directory);
    }

    @Override
    public void close() {
    }

    @Override
    public String toString() {
        return directory.toString();
    }

    private record ChannelFile(FileChannel channel) implements StorageFile {

        @Override
        public long size() throws IOException {
            return channel.size();
        }

        @Override
        public int read(ByteBuffer target, long position) throws IOException {
            int limit = target.limit();
            target.limit(Math.min(limit, target.position() + CHUNK_BYTES));
            try {
                return channel.read(target, position);
            } finally {
                target.limit(limit);
            }
        }

        @Override
        public void write(ByteBuffer source, long position) throws IOException {
            int end = source.limit();
            long at = position;
            while (source.position() < end) {
                source.limit(Math.min(end, source.position() + CHUNK_BYTES));
                at += channel.write(source, at);
                source.limit(end);
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            channel.truncate(size);
        }

        @Override
        public void force() throws IOException {
            // Data, and what is needed to find it, such as the size; not the times.
            channel.force(false);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
