package dev.geodesic.engine.simulation;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.database.Inside;
import dev.geodesic.engine.database.PublishRequest;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.ServerOptions;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.FaultyDisk;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.port.Disk;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.Identity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Supplier;

/** A server's directory with an empty database in it, from which every simulation starts, and what runs in the database. */
final class Template {

    static final long START = 1_800_000_000 * Model.SECOND;
    static final String NAME = "simulation";
    static final Identity OWNER = new Identity(1, 1, 1, 1);
    /** The second one has a table more; the third one is the same with another hash. */
    static final List<byte[]> PROGRAMS;

    static {
        byte[] grown = read("simulation/simulation_grown.wasm");
        PROGRAMS = List.of(read("simulation/simulation.wasm"), grown, withComment(grown));
    }

    private final Path root;
    private final Map<Path, byte[]> files = new TreeMap<>();
    private final Identity database;
    private final long offset;

    Template(Path root) throws IOException {
        this.root = root;
        FaultyDisk disk = new FaultyDisk(new Random(1), root);
        ServerOptions options = options(
                new CommitLogs(CommitLogOptions.DEFAULTS, disk), disk, new ManualTimer(START), HeapStores::new);
        try (Server server = Inside.start(
                options, SharedRuntime.INSTANCE, SharedRuntime.KEYS, new SteppedSnapshots())) {
            database = server.publish(new PublishRequest(Optional.of(NAME), OWNER, PROGRAMS.getFirst(), false)).identity();
            offset = Inside.settle(server.database(database));
        }
        disk.files().forEach(file -> files.put(file, disk.content(file)));
    }

    private static byte[] read(String module) {
        try {
            return Files.readAllBytes(Path.of("../samples/modules").resolve(module));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] withComment(byte[] wasm) {
        byte[] longer = Arrays.copyOf(wasm, wasm.length + 4);
        System.arraycopy(new byte[] {0, 2, 1, 'c'}, 0, longer, wasm.length, 4);
        return longer;
    }

    Identity database() {
        return database;
    }

    /** Of the last transaction. */
    long offset() {
        return offset;
    }

    /** A copy of the files. */
    FaultyDisk disk(Random random) throws IOException {
        FaultyDisk disk = new FaultyDisk(random, root);
        for (Map.Entry<Path, byte[]> file : files.entrySet()) {
            Storage storage = disk.open(file.getKey().getParent());
            StorageFile copy = storage.create(file.getKey().getFileName().toString());
            copy.write(ByteBuffer.wrap(file.getValue()), 0);
            copy.force();
            storage.force();
        }
        return disk;
    }

    ServerOptions options(LogFactory logs, Disk disk, ManualTimer timer, Supplier<TableStores> stores) {
        return new ServerOptions(
                root, Limits.DEFAULTS, stores, logs, SharedRuntime.THREADS, clock(timer), timer, ProcedureOptions.DEFAULTS)
                .withDisk(disk);
    }

    private static Clock clock(ManualTimer timer) {
        InstantSource source = () -> Instant.EPOCH.plus(timer.nowMicros(), ChronoUnit.MICROS);
        return source.withZone(ZoneOffset.UTC);
    }
}
