package dev.geodesic.engine.database;

import dev.geodesic.engine.durability.DiskOptions;
import java.time.Duration;
import java.util.Optional;

/**
 * What the databases of a server may use of the machine, and how long a start and a stop may make others wait.
 *
 * @param databaseBytesMax memory of one database's rows and indexes
 * @param serverBytesMax memory of those of all databases, and of their programs
 * @param serverHeapBytesMax the part of it that lies on the heap
 * @param writerTasksMax requests that wait for the writer of one database
 * @param disk how full the disk may be; empty: nobody looks
 * @param openThreads databases that are opened at the same time
 * @param openWait how long a request waits for a database that is being opened
 * @param stopWait how long a stop lets work under way be finished
 */
public record ResourceOptions(
        long databaseBytesMax,
        long serverBytesMax,
        long serverHeapBytesMax,
        int writerTasksMax,
        Optional<DiskOptions> disk,
        int openThreads,
        Duration openWait,
        Duration stopWait) {

    /** No limits but that of the queue. */
    public static final ResourceOptions DEFAULTS = new ResourceOptions(
            Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, 65_536, Optional.empty(),
            Math.max(1, Runtime.getRuntime().availableProcessors() / 2), Duration.ofSeconds(10), Duration.ofSeconds(10));

    /** The same with other memory limits. */
    public ResourceOptions withMemory(long databaseMax, long serverMax, long serverHeapMax) {
        return new ResourceOptions(
                databaseMax, serverMax, serverHeapMax, writerTasksMax, disk, openThreads, openWait, stopWait);
    }

    /** The same with another bound of the queue. */
    public ResourceOptions withWriterTasks(int max) {
        return new ResourceOptions(
                databaseBytesMax, serverBytesMax, serverHeapBytesMax, max, disk, openThreads, openWait, stopWait);
    }

    /** The same with a disk to watch. */
    public ResourceOptions withDisk(DiskOptions options) {
        return new ResourceOptions(
                databaseBytesMax, serverBytesMax, serverHeapBytesMax, writerTasksMax, Optional.of(options), openThreads,
                openWait, stopWait);
    }

    /** The same with other times. */
    public ResourceOptions withTimes(Duration open, Duration stop) {
        return new ResourceOptions(
                databaseBytesMax, serverBytesMax, serverHeapBytesMax, writerTasksMax, disk, openThreads, open, stop);
    }
}
