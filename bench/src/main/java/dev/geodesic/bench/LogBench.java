package dev.geodesic.bench;

import dev.geodesic.engine.durability.CommitLog;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.durability.LogStart;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The commit log: records of 200 bytes, from append to durable, on the disk and on one that costs nothing. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LogBench {

    private static final int RECORDS = 20_000;
    private static final int RECORD_BYTES = 200;

    @Param({"disk", "nothing"})
    private String storage;

    private Path directory;
    private CommitLog log;
    private long next;
    private final byte[] record = new byte[RECORD_BYTES];

    @Setup(Level.Iteration)
    public void open() throws IOException {
        new SplittableRandom(1).nextBytes(record);
        record[0] = 2;
        next = 0;
        Storage files = new Nothing();
        if (storage.equals("disk")) {
            directory = Files.createTempDirectory(Path.of(System.getProperty("geodesic.bench.directory", "/tmp")), "log");
            files = FileStorage.open(directory);
        }
        log = CommitLog.open(files, CommitLogOptions.DEFAULTS, LogStart.EMPTY, (offset, buffer, at, length) -> { });
    }

    @TearDown(Level.Iteration)
    public void close() throws IOException {
        log.close();
        if (directory != null) {
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
        }
    }

    /** Time for each record when nobody waits for a single one. */
    @Benchmark
    @OperationsPerInvocation(RECORDS)
    public void appendMany() {
        for (int i = 0; i < RECORDS; i++) {
            log.append(next++, record, 0, RECORD_BYTES);
        }
        while (log.durableOffset() < next - 1) {
            Thread.onSpinWait();
        }
    }

    /** One record alone: a write and a force. */
    @Benchmark
    public void appendOne() {
        log.append(next++, record, 0, RECORD_BYTES);
        while (log.durableOffset() < next - 1) {
            Thread.onSpinWait();
        }
    }

    /** A directory that keeps nothing, to see what the log itself costs. */
    private static final class Nothing implements Storage {

        private final List<String> names = new ArrayList<>();

        @Override
        public List<String> list() {
            return List.copyOf(names);
        }

        @Override
        public StorageFile create(String name) {
            names.add(name);
            return new NoFile();
        }

        @Override
        public StorageFile open(String name) {
            return new NoFile();
        }

        @Override
        public void rename(String from, String to) {
            names.remove(from);
            names.add(to);
        }

        @Override
        public void delete(String name) {
            names.remove(name);
        }

        @Override
        public void force() {
        }

        @Override
        public void close() {
        }
    }

    private static final class NoFile implements StorageFile {

        @Override
        public long size() {
            return 0;
        }

        @Override
        public int read(ByteBuffer target, long position) {
            return -1;
        }

        @Override
        public void write(ByteBuffer source, long position) {
            source.position(source.limit());
        }

        @Override
        public void truncate(long size) {
        }

        @Override
        public void force() {
        }

        @Override
        public void close() {
        }
    }
}
