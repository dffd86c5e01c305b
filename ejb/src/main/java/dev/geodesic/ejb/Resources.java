package dev.geodesic.ejb;

import com.sun.management.OperatingSystemMXBean;
import dev.geodesic.engine.database.ResourceOptions;
import dev.geodesic.engine.durability.DiskOptions;
import dev.geodesic.engine.port.DiskSpace;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What the machine, or the container, has for the databases, as far as the operator leaves that open. */
final class Resources {

    private static final long MIB = 1L << 20;
    /** For what nobody counts: code, threads, buffers of the network. */
    private static final long SERVER_BYTES_MIN = 256 * MIB;
    private static final long WARN_BYTES = 2048 * MIB;
    private static final int WARN_PERCENT = 10;
    private static final long STOP_BYTES = 512 * MIB;
    private static final int STOP_PERCENT = 3;

    private Resources() {
    }

    /** A part of the disk, or a number of bytes. */
    record Watermark(long bytes, int percent) {

        /** Bytes of a disk of this size. */
        long of(long totalBytes) {
            return percent < 0 ? bytes : totalBytes / 100 * percent;
        }
    }

    /** Half of the heap for indexes, and rows if they lie there: the other half is for what is being worked on. */
    static long heapBytes() {
        return Runtime.getRuntime().maxMemory() / 2;
    }

    /** Three quarters of what the heap leaves of the memory, and the heap's part. */
    static long serverBytes() {
        long all = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
        return Math.max(SERVER_BYTES_MIN, (all - Runtime.getRuntime().maxMemory()) / 4 * 3) + heapBytes();
    }

    /** Three quarters: one database cannot take everything from the others. */
    static long databaseBytes(long serverBytes) {
        return serverBytes / 4 * 3;
    }

    /** With the disk of the data directory, if databases are kept on it. */
    static ResourceOptions withDisk(ServerConfig config) throws IOException {
        if (config.storage() == ServerConfig.Storage.MEMORY) {
            return config.resources();
        }
        Path data = config.dataDirectory();
        Files.createDirectories(data);
        FileStore store = Files.getFileStore(data);
        long total = store.getTotalSpace();
        long stop = config.diskStop().map(mark -> mark.of(total)).orElse(Math.min(STOP_BYTES, total / 100 * STOP_PERCENT));
        long warn = config.diskWarn().map(mark -> mark.of(total)).orElse(Math.min(WARN_BYTES, total / 100 * WARN_PERCENT));
        DiskSpace space = store::getUsableSpace;
        return config.resources().withDisk(new DiskOptions(space, Math.max(warn, stop), stop, DiskOptions.INTERVAL));
    }

    /** A number of bytes, or of percent; empty if the text is neither. */
    static Optional<Watermark> watermark(String text) {
        boolean percent = text.endsWith("%");
        try {
            long number = Long.parseLong(percent ? text.substring(0, text.length() - 1).strip() : text);
            if (number < 0 || percent && number > 100) {
                return Optional.empty();
            }
            return Optional.of(percent ? new Watermark(0, (int) number) : new Watermark(number, -1));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }
}
