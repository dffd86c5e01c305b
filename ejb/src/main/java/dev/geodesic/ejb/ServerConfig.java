package dev.geodesic.ejb;

import dev.geodesic.engine.auth.IssuerOptions;
import dev.geodesic.engine.auth.PublishPolicy;
import dev.geodesic.engine.backup.BackupOptions;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.database.ResourceOptions;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.egress.EgressOptions;
import dev.geodesic.engine.egress.EgressRule;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.pgwire.PgOptions;
import dev.geodesic.pgwire.Tls;
import java.net.InetSocketAddress;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import javax.net.ssl.SSLContext;

/**
 * What the operator set: the settings {@code geodesic.*} of {@code docs/operating.md}.
 *
 * @param dataDirectory where everything durable lies; absolute
 * @param storage whether transactions are kept
 * @param log how the commit logs work, if they are
 * @param store where rows live
 * @param gzip whether WebSocket clients that ask for gzip get it
 * @param transport how the messages of WebSocket clients are carried
 * @param wasmtimeLibrary libwasmtime, or the directory that holds it; empty means the engine's own search
 * @param guestStackBytes stack of a thread that runs guests
 * @param limits what one database may use
 * @param procedures how procedures and HTTP handlers run, and what their requests may reach
 * @param postgres the PostgreSQL endpoint; empty means that there is none
 * @param requests how many HTTP requests are worked on at a time
 * @param issuers whose tokens are accepted besides our own
 * @param publishers who may create databases
 * @param resources what databases may use of the machine; without the disk
 * @param snapshots when snapshots of databases are taken, and what is kept; empty if transactions are not
 * @param diskWarn below so much room on the disk the operator is warned; empty: the default for its size
 * @param diskStop below so much nothing is written; empty: the default for its size
 * @param backups where backups are written, and how large they may be
 */
public record ServerConfig(
        Path dataDirectory,
        Storage storage,
        CommitLogOptions log,
        Store store,
        boolean gzip,
        Transport transport,
        Optional<Path> wasmtimeLibrary,
        int guestStackBytes,
        Limits limits,
        ProcedureOptions procedures,
        Optional<PgOptions> postgres,
        RequestOptions requests,
        IssuerOptions issuers,
        PublishPolicy publishers,
        ResourceOptions resources,
        Optional<SnapshotOptions> snapshots,
        Optional<Resources.Watermark> diskWarn,
        Optional<Resources.Watermark> diskStop,
        BackupOptions backups) {

    private static final int PG_CONNECTIONS_MAX = 100;
    /** A hundred years. */
    private static final long HISTORY_HOURS_MAX = 876_600;
    /** Results and parameters of all PostgreSQL clients may take this part of the heap: one in eight. */
    private static final int PG_HEAP_PART = 8;

    /** Databases are logged on disk, or gone when the server stops. */
    public enum Storage { DISK, MEMORY }

    /** Frames of our own on upgraded connections, or the container's Jakarta WebSocket. */
    public enum Transport { UPGRADE, JAKARTA }

    private enum Switch { ON, OFF }

    /** Where rows live: off-heap in Chronicle Map, or on the Java heap. */
    public enum Store { CHRONICLE, HEAP }

    /**
     * Reads and checks every setting.
     *
     * @param settings value of a setting by its full name
     * @throws IllegalArgumentException names the setting, its value and what was expected
     */
    public static ServerConfig read(Function<String, Optional<String>> settings) {
        Settings read = new Settings(settings);
        return new ServerConfig(
                read.path("data.directory").orElse(Path.of("geodesic-data")).toAbsolutePath().normalize(),
                read.choice("storage", Storage.DISK),
                log(read),
                read.choice("store", Store.CHRONICLE),
                read.choice("websocket.gzip", Switch.OFF) == Switch.ON,
                read.choice("websocket.transport", Transport.UPGRADE),
                read.path("wasmtime.library"),
                Math.toIntExact(read.number("guest.stack.bytes", WasmRuntime.GUEST_THREAD_STACK_BYTES, 1 << 20, 1 << 30)),
                limits(read),
                procedures(read),
                postgres(read),
                requests(read),
                read.parsed("oidc.issuers", "any", text -> IssuerOptions.parse(text, read.destinations("http.outbound.deny"))),
                read.parsed("publish.allowed", "anyone", PublishPolicy::parse),
                resources(read),
                read.choice("storage", Storage.DISK) == Storage.DISK ? Optional.of(snapshots(read)) : Optional.empty(),
                watermark(read, "disk.warn.bytes"),
                watermark(read, "disk.stop.bytes"),
                backups(read));
    }

    private static ResourceOptions resources(Settings read) {
        ResourceOptions defaults = ResourceOptions.DEFAULTS;
        long server = read.number("limits.server.bytes", Resources.serverBytes());
        return new ResourceOptions(
                read.number("limits.database.bytes", Resources.databaseBytes(server)),
                server,
                read.number("limits.server.heap.bytes", Resources.heapBytes()),
                read.number("limits.database.queue", defaults.writerTasksMax()),
                Optional.empty(),
                read.number("open.threads", defaults.openThreads()),
                Duration.ofMillis(read.number("open.wait.millis", (int) defaults.openWait().toMillis())),
                Duration.ofMillis(read.number("stop.millis", (int) defaults.stopWait().toMillis())));
    }

    private static SnapshotOptions snapshots(Settings read) {
        SnapshotOptions defaults = SnapshotOptions.DEFAULTS;
        return new SnapshotOptions(
                defaults.disk(),
                read.number("snapshot.transactions", defaults.transactions()),
                read.number("snapshot.log.bytes", defaults.logBytes()),
                new Retention(
                        read.number("snapshot.keep", defaults.retention().snapshots()),
                        Duration.ofHours(read.number(
                                "snapshot.history.hours", defaults.retention().history().toHours(), 0, HISTORY_HOURS_MAX))),
                read.number("snapshot.retained.bytes", defaults.retainedBytes()),
                read.choice("log.compress", Switch.ON) == Switch.ON);
    }

    private static Optional<Resources.Watermark> watermark(Settings read, String name) {
        return read.text(name).map(value -> Resources.watermark(value)
                .orElseThrow(() -> Settings.refused(name, value, "bytes, or a part of the disk such as 5%")));
    }

    private static BackupOptions backups(Settings read) {
        BackupOptions defaults = BackupOptions.DEFAULTS;
        return new BackupOptions(
                read.path("backup.directory").map(path -> path.toAbsolutePath().normalize()),
                read.number("backup.upload.bytes", defaults.uploadBytesMax()),
                read.number("backup.bytes", defaults.bytesMax()));
    }

    private static RequestOptions requests(Settings read) {
        RequestOptions defaults = RequestOptions.DEFAULTS;
        return new RequestOptions(
                read.number("requests.threads", defaults.threads()),
                read.number("requests.database.threads", defaults.threadsOfDatabase()),
                read.number("requests.database.waiting", defaults.waitingOfDatabase()),
                read.number("requests.programs", defaults.programs()));
    }

    private static Optional<PgOptions> postgres(Settings read) {
        int port = Math.toIntExact(read.number("pg.port", 0, 0, 65_535));
        if (port == 0) {
            return Optional.empty();
        }
        String host = read.text("pg.host").orElse("*");
        InetSocketAddress address = host.equals("*") ? new InetSocketAddress(port) : new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
            throw Settings.refused("pg.host", host, "an address of this machine, or *");
        }
        Optional<SSLContext> tls = read.path("pg.tls.keystore")
                .map(file -> Tls.of(file, read.text("pg.tls.password").orElse("").toCharArray()));
        boolean required = read.choice("pg.tls.required", Switch.OFF) == Switch.ON;
        if (required && tls.isEmpty()) {
            throw Settings.refused("pg.tls.required", "on", "off, or a key in geodesic.pg.tls.keystore");
        }
        return Optional.of(new PgOptions(
                address, tls, required, read.number("pg.connections", PG_CONNECTIONS_MAX),
                Runtime.getRuntime().maxMemory() / PG_HEAP_PART, PgOptions.Times.DEFAULTS));
    }

    private static ProcedureOptions procedures(Settings read) {
        ProcedureOptions defaults = ProcedureOptions.DEFAULTS;
        return new ProcedureOptions(
                read.number("procedure.instances", defaults.instances()),
                read.number("procedure.queue", defaults.queueMax()),
                new EgressOptions(
                        read.choice("http.outbound", EgressOptions.Mode.PUBLIC),
                        read.destinations("http.outbound.allow"),
                        read.destinations("http.outbound.deny"),
                        read.number("http.outbound.response.bytes", defaults.egress().responseBytesMax())));
    }

    private static CommitLogOptions log(Settings read) {
        CommitLogOptions defaults = CommitLogOptions.DEFAULTS;
        return defaults
                .withSegmentBytesMax(read.number("log.segment.bytes", defaults.segmentBytesMax()))
                .withQueue(
                        read.number("log.queue.records", defaults.queueRecordsMax()),
                        read.number("log.queue.bytes", defaults.queueBytesMax()))
                .withGatherMicrosMax(read.number("log.gather.micros", defaults.gatherMicrosMax()));
    }

    private static Limits limits(Settings read) {
        Limits defaults = Limits.DEFAULTS;
        return new Limits(
                read.number("limits.memory.bytes", defaults.memoryBytesMax()),
                read.number("limits.call.millis", defaults.callMillisMax()),
                read.number("limits.row.bytes", defaults.rowBytesMax()),
                read.number("limits.transaction.rows", defaults.transactionRowsMax()),
                read.number("limits.transaction.bytes", defaults.transactionBytesMax()),
                read.number("limits.handles", defaults.handlesMax()),
                read.number("limits.log.line.bytes", defaults.logLineBytesMax()),
                read.number("limits.log.lines.per.second", defaults.logLinesPerSecondMax()),
                read.number("limits.queue.messages", defaults.queueMessagesMax()),
                read.number("limits.queue.bytes", defaults.queueBytesMax()),
                read.number("limits.message.bytes", defaults.messageBytesMax()),
                read.number("limits.module.bytes", defaults.moduleBytesMax()),
                read.number("limits.subscription.queries", defaults.subscriptionQueriesMax()),
                read.number("limits.query.tables", defaults.queryTablesMax()),
                read.number("limits.query.nodes", defaults.queryNodesMax()),
                read.number("limits.query.text.bytes", defaults.queryTextBytesMax()),
                read.number("limits.databases", defaults.databasesMax()),
                read.number("limits.connections", defaults.connectionsMax()),
                new Limits.Calls(
                        read.number("limits.procedure.millis", defaults.calls().procedureMillisMax()),
                        read.number("limits.procedure.transaction.millis", defaults.calls().procedureTransactionMillisMax()),
                        read.number("limits.result.bytes", defaults.calls().resultBytesMax()),
                        read.number("limits.iterator.bytes", defaults.calls().iteratorBytesMax())),
                new Limits.Reads(
                        read.number("limits.read.millis", defaults.reads().millisMax()),
                        read.number("limits.read.retained.bytes", defaults.reads().retainedBytesMax()),
                        read.number("limits.read.writer.rows", defaults.reads().writerRowsMax()),
                        read.number("limits.read.sort.bytes", defaults.reads().sortBytesMax())));
    }

    private record Settings(Function<String, Optional<String>> values) {

        private Optional<String> text(String name) {
            return values.apply("geodesic." + name).map(String::strip).filter(value -> !value.isEmpty());
        }

        private Optional<Path> path(String name) {
            return text(name).map(value -> {
                try {
                    return Path.of(value);
                } catch (InvalidPathException e) {
                    throw refused(name, value, "a path");
                }
            });
        }

        private List<EgressRule> destinations(String name) {
            return parsed(name, "", EgressRule::parseAll);
        }

        /** @param parser throws IllegalArgumentException for what it does not understand */
        private <T> T parsed(String name, String byDefault, Function<String, T> parser) {
            String value = text(name).orElse(byDefault);
            try {
                return parser.apply(value);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("geodesic." + name + "=" + value + ": " + e.getMessage());
            }
        }

        private <E extends Enum<E>> E choice(String name, E byDefault) {
            String value = text(name).orElse(byDefault.name());
            E[] all = byDefault.getDeclaringClass().getEnumConstants();
            return Arrays.stream(all).filter(one -> one.name().equalsIgnoreCase(value)).findFirst()
                    .orElseThrow(() -> refused(name, value, "one of " + Arrays.toString(all).toLowerCase(Locale.ROOT)));
        }

        private int number(String name, int byDefault) {
            return Math.toIntExact(number(name, byDefault, 1, Integer.MAX_VALUE));
        }

        private long number(String name, long byDefault) {
            return number(name, byDefault, 1, Long.MAX_VALUE);
        }

        private long number(String name, long byDefault, long min, long max) {
            return text(name).map(value -> {
                try {
                    long number = Long.parseLong(value);
                    if (number >= min && number <= max) {
                        return number;
                    }
                } catch (NumberFormatException e) {
                    // Refused below, like a number out of bounds.
                }
                throw refused(name, value, "a whole number from " + min + " to " + max);
            }).orElse(byDefault);
        }

        private static IllegalArgumentException refused(String name, String value, String expected) {
            return new IllegalArgumentException("geodesic." + name + "=" + value + ": expected " + expected);
        }
    }
}
