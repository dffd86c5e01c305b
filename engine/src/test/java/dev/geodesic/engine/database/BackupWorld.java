package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.backup.BackupOptions;
import dev.geodesic.engine.backup.BackupWriter;
import dev.geodesic.engine.backup.Manifest;
import dev.geodesic.engine.backup.Moment;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.Recovery;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.durability.SnapshotProgress;
import dev.geodesic.engine.durability.SnapshotStore;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.sats.Identity;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;

/** A server with backups, somebody who owns databases on it, and the contents of databases for comparing. */
final class BackupWorld implements AutoCloseable {

    private static final Set<Integer> OF_THE_MOMENT =
            Set.of(SystemTables.CLIENT, SystemTables.CONNECTION_CREDENTIALS, SystemTables.MODULE);

    final Path data;
    final Path backups;
    private final Supplier<TableStores> stores;
    /** Of the next start. */
    ResourceOptions resources = ResourceOptions.DEFAULTS;
    Clock clock = Clock.systemUTC();
    Server server;
    TokenAuthority.Issued owner;
    TokenAuthority.Issued other;

    BackupWorld(Path directory, Supplier<TableStores> stores) {
        this.data = directory.resolve("data");
        this.backups = directory.resolve("backups");
        this.stores = stores;
        start();
        owner = server.tokens().issueAnonymous();
        other = server.tokens().issueAnonymous();
    }

    void start() {
        try {
            // Programs need to be compiled once, not once per test.
            Path shared = Path.of("target", "compiled-modules").toAbsolutePath();
            Files.createDirectories(shared);
            Files.createDirectories(data);
            if (!Files.exists(data.resolve("compiled"))) {
                Files.createSymbolicLink(data.resolve("compiled"), shared);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server = Server.start(options(data, stores, clock).withResources(resources).withBackups(
                new BackupOptions(Optional.of(backups), 1L << 30, 1L << 30)));
    }

    static ServerOptions options(Path data, Supplier<TableStores> stores) {
        return options(data, stores, Clock.systemUTC());
    }

    private static ServerOptions options(Path data, Supplier<TableStores> stores, Clock clock) {
        return new ServerOptions(
                data, Limits.DEFAULTS, stores, new CommitLogs(CommitLogOptions.DEFAULTS.withSegmentBytesMax(20_000)),
                Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), clock)
                .withSnapshots(SnapshotOptions.DEFAULTS);
    }

    void restart() {
        server.close();
        start();
    }

    @Override
    public void close() {
        server.close();
        try {
            Files.deleteIfExists(data.resolve("compiled"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Identity me() {
        return owner.claims().identity();
    }

    Database create(String name) {
        return create(name, TestServer.KITCHEN);
    }

    Database create(String name, byte[] program) {
        server.publish(new PublishRequest(Optional.of(name), me(), program, false));
        return server.database(server.resolve(name));
    }

    void commit(Database database, String reducer, String arguments) {
        assertInstanceOf(CallResult.Committed.class, Database.join(
                database.call(TestServer.client(owner), reducer, new Arguments.Json(arguments))), reducer + arguments);
    }

    /** Something that may change any table: rows, sequences, schedules. */
    void change(Database database, Random random, int id) {
        switch (random.nextInt(6)) {
            case 0 -> commit(database, "add_note", "[\"note " + id + " " + "x".repeat(random.nextInt(300)) + "\"]");
            case 1 -> commit(database, "add_job", "[{\"Time\":{\"__timestamp_micros_since_unix_epoch__\":"
                    + (4_000_000_000_000_000L + id) + "}}, \"job " + id + "\"]");
            case 2 -> commit(database, "delete_member", "[" + random.nextInt(id + 1) + "]");
            case 3 -> commit(database, "add_secret", "[" + id + ", \"secret\"]");
            default -> commit(database, "add_member", "[" + id + ", 1, \"member " + id + "\", true]");
        }
    }

    void changes(Database database, Random random, int from, int count) {
        for (int i = 0; i < count; i++) {
            change(database, random, from + i);
        }
    }

    int count(Database database, String sql) {
        return database.sql(TestServer.client(owner), sql).result().rows().count();
    }

    // ---- backups ----

    byte[] zip(Identity identity, boolean history) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (BackupWriter writer = server.backups().prepare(identity, history, me())) {
            writer.writeZip(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    Manifest prepared(Identity identity, boolean history, ByteArrayOutputStream out) {
        try (BackupWriter writer = server.backups().prepare(identity, history, me())) {
            writer.writeZip(out);
            return writer.manifest();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    RestoreResult restore(byte[] zip, Moment moment, RestoreRequest.Target target, TokenAuthority.Issued caller) {
        try (Backups.Upload upload = server.backups().receive(new ByteArrayInputStream(zip))) {
            return server.backups().restore(new RestoreRequest(
                    new RestoreRequest.Source.Sent(upload), moment, target, caller.claims().identity(), true));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    RestoreResult restore(byte[] zip, RestoreRequest.Target target) {
        return restore(zip, new Moment.Latest(), target, owner);
    }

    RestoreResult restore(RestoreRequest.Source source, Moment moment, RestoreRequest.Target target) {
        return server.backups().restore(new RestoreRequest(source, moment, target, me(), true));
    }

    static RestoreRequest.Target another(String name) {
        return new RestoreRequest.Target.Another(Optional.ofNullable(name));
    }

    static RestoreRequest.Target same(Identity identity) {
        return new RestoreRequest.Target.Same(identity);
    }

    // ---- contents ----

    /** Every row of every table that has rows which last, but who is connected and what the database is called. */
    Map<String, Set<String>> contents(Database database) {
        long offset = database.snapshots().orElseThrow().take().join().offset();
        try (SnapshotStore store = server.opener().snapshots(server.entry(database.identity()).orElseThrow()).orElseThrow();
                CommittedState state = new CommittedState(new HeapStores())) {
            store.load(offset, state, Catalog.bootstrap(state), SnapshotProgress.NONE);
            return contents(state);
        }
    }

    /** The same of the state after so many transactions, from the log alone. */
    static Map<String, Set<String>> contents(Database database, long transactions) {
        try (CommittedState state = new CommittedState(new HeapStores())) {
            Recovery recovery = new Recovery(state, Catalog.bootstrap(state));
            database.logFiles().orElseThrow().read(0, transactions, recovery::apply);
            recovery.finish();
            assertEquals(transactions, state.nextTxOffset());
            return contents(state);
        }
    }

    private static Map<String, Set<String>> contents(CommittedState state) {
        Map<String, Set<String>> all = new TreeMap<>();
        for (Table table : state.allTables()) {
            if (OF_THE_MOMENT.contains(table.id()) || table.schema().role().isView()) {
                continue;
            }
            Set<String> rows = new TreeSet<>();
            RowIterator scan = state.writerView().scan(table.id());
            while (scan.next()) {
                rows.add(HexFormat.of().formatHex(
                        scan.segment().asSlice(scan.offset(), scan.length()).toArray(ValueLayout.JAVA_BYTE)));
            }
            all.put(table.schema().toString(), rows);
        }
        return all;
    }
}
