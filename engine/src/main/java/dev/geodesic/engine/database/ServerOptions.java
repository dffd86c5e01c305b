package dev.geodesic.engine.database;

import dev.geodesic.engine.auth.IssuerOptions;
import dev.geodesic.engine.backup.BackupOptions;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.port.Disk;
import dev.geodesic.engine.port.Timer;
import dev.geodesic.engine.schedule.ClockTimer;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.engine.table.TableStores;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;

/**
 * What a server stands on.
 *
 * @param dataDirectory where everything durable lies
 * @param stores makes the row stores of one database
 * @param guestThreads makes platform threads with stacks large enough for guests
 * @param timer when scheduled calls are due
 * @param procedures how procedures and HTTP handlers run
 * @param issuers whose tokens are accepted besides our own
 * @param disk where everything lies that a power loss must leave, below the data directory
 * @param snapshots when snapshots of databases are taken; empty: never
 * @param resources what databases may use of the machine
 * @param backups how they are backed up
 */
public record ServerOptions(
        Path dataDirectory,
        Limits limits,
        Supplier<TableStores> stores,
        LogFactory logs,
        ThreadFactory guestThreads,
        Clock clock,
        Timer timer,
        ProcedureOptions procedures,
        IssuerOptions issuers,
        Disk disk,
        Optional<SnapshotOptions> snapshots,
        ResourceOptions resources,
        BackupOptions backups) {

    /** With our own tokens only, and without snapshots. */
    public ServerOptions(
            Path dataDirectory,
            Limits limits,
            Supplier<TableStores> stores,
            LogFactory logs,
            ThreadFactory guestThreads,
            Clock clock,
            Timer timer,
            ProcedureOptions procedures) {
        this(dataDirectory, limits, stores, logs, guestThreads, clock, timer, procedures, IssuerOptions.NONE, FileStorage::open,
                Optional.empty(), ResourceOptions.DEFAULTS, BackupOptions.DEFAULTS);
    }

    /** With real time for schedules, and without snapshots. */
    public ServerOptions(
            Path dataDirectory,
            Limits limits,
            Supplier<TableStores> stores,
            LogFactory logs,
            ThreadFactory guestThreads,
            Clock clock,
            ProcedureOptions procedures,
            IssuerOptions issuers) {
        this(dataDirectory, limits, stores, logs, guestThreads, clock,
                new ClockTimer(clock, Thread.ofPlatform().daemon().name("geodesic-timer").factory()), procedures, issuers,
                FileStorage::open, Optional.empty(), ResourceOptions.DEFAULTS, BackupOptions.DEFAULTS);
    }

    /** With real time for schedules, the default for procedures, and our own tokens only. */
    public ServerOptions(
            Path dataDirectory,
            Limits limits,
            Supplier<TableStores> stores,
            LogFactory logs,
            ThreadFactory guestThreads,
            Clock clock) {
        this(dataDirectory, limits, stores, logs, guestThreads, clock, ProcedureOptions.DEFAULTS, IssuerOptions.NONE);
    }

    /** The same with snapshots. */
    public ServerOptions withSnapshots(SnapshotOptions options) {
        return new ServerOptions(
                dataDirectory, limits, stores, logs, guestThreads, clock, timer, procedures, issuers, disk,
                Optional.of(options), resources, backups);
    }

    /** The same on another disk; logs and snapshots bring their own. */
    public ServerOptions withDisk(Disk other) {
        return new ServerOptions(
                dataDirectory, limits, stores, logs, guestThreads, clock, timer, procedures, issuers, other, snapshots,
                resources, backups);
    }

    /** The same with other limits. */
    public ServerOptions withResources(ResourceOptions options) {
        return new ServerOptions(
                dataDirectory, limits, stores, logs, guestThreads, clock, timer, procedures, issuers, disk, snapshots, options,
                backups);
    }

    /** The same with other backups. */
    public ServerOptions withBackups(BackupOptions options) {
        return new ServerOptions(
                dataDirectory, limits, stores, logs, guestThreads, clock, timer, procedures, issuers, disk, snapshots, resources,
                options);
    }
}
