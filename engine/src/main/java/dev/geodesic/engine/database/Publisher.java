package dev.geodesic.engine.database;

import dev.geodesic.engine.auth.Hashes;
import dev.geodesic.engine.auth.IdentityDerivation;
import dev.geodesic.engine.backup.PastState;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.catalog.ModuleRow;
import dev.geodesic.engine.durability.DiskWatch;
import dev.geodesic.engine.durability.SnapshotStore;
import dev.geodesic.engine.schema.EnvironmentRules;
import dev.geodesic.engine.schema.MigrationPlanner;
import dev.geodesic.sats.Identity;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Optional;

/**
 * Makes databases, changes what they are, and deletes them. Each of these takes its time, and is done or not done, also if the
 * server dies on the way. Thread-safe; one at a time for each database.
 */
final class Publisher {

    private static final System.Logger LOG = System.getLogger(Publisher.class.getName());

    private final ServerOptions options;
    private final DataDirectory directory;
    private final DatabaseOpener opener;
    private final ControlDatabase control;
    private final Databases databases;
    private final Environments environments;
    private final DiskWatch disk;

    Publisher(
            ServerOptions options, DataDirectory directory, DatabaseOpener opener, ControlDatabase control, Databases databases,
            Environments environments, DiskWatch disk) {
        this.options = options;
        this.directory = directory;
        this.opener = opener;
        this.control = control;
        this.databases = databases;
        this.environments = environments;
        this.disk = disk;
    }

    /** {@link Server#publish}. */
    PublishResult install(PublishRequest request) {
        Optional<Identity> identity = request.database().flatMap(DatabaseNames::identity);
        if (identity.isPresent() || request.database().isEmpty()) {
            // Who comes by one of these names trusts its owner.
            if (identity.isPresent() && control.database(identity.get()).isEmpty()
                    && control.namesOf(identity.get()).stream().anyMatch(n -> !n.owner().equals(request.caller()))) {
                throw ControlDatabase.notAuthorized(identity.get(), request.caller(), "update database");
            }
            return install(identity.orElseGet(Publisher::newIdentity), Optional.empty(), false, request);
        }
        String name = DatabaseNames.check(request.database().get());
        return databases.alone(name, () -> {
            Optional<ControlDatabase.NameEntry> known = control.name(name);
            // A name without a database belongs to whoever registered it: nobody else may take it over.
            if (known.isPresent() && control.database(known.get().identity()).isEmpty()
                    && !known.get().owner().equals(request.caller())) {
                throw new EngineException(ErrorCode.NAME_TAKEN, "the name " + name + " is registered to somebody else");
            }
            if (known.isEmpty() && control.formerOwner(name).filter(owner -> !owner.equals(request.caller())).isPresent()) {
                throw new EngineException(ErrorCode.NAME_RESERVED, "the name `" + name + "` is registered to somebody else");
            }
            return install(known.map(ControlDatabase.NameEntry::identity).orElseGet(Publisher::newIdentity), Optional.of(name),
                    known.isEmpty(), request);
        });
    }

    private PublishResult install(Identity identity, Optional<String> name, boolean isNewName, PublishRequest request) {
        return databases.alone(identity, () -> {
            Optional<DatabaseEntry> existing = control.database(identity);
            if (existing.isPresent()) {
                control.requireOwner(identity, request.caller(), request.clear() ? "reset database" : "update database");
            } else if (!request.mayCreate()) {
                throw new EngineException(ErrorCode.NOT_AUTHORIZED, request.caller().toHex() + " may not create databases");
            }
            return environments.change(identity, request.environment()).during(variables -> {
                if (existing.isEmpty()) {
                    DatabaseEntry entry = new DatabaseEntry(
                            identity, request.caller(), 0, LoadedModule.hash(request.program()), false);
                    return new PublishResult(name, identity, true, create(
                            entry, name.filter(n -> isNewName), request.program(), variables));
                }
                long offset = request.clear()
                        ? reset(existing.get(), request.program(), variables)
                        : update(identity, request, variables);
                return new PublishResult(name, identity, false, offset);
            });
        });
    }

    /** Errors: INVALID_NAME; NAME_TAKEN, NAME_RESERVED unless nobody has, or had, the name. */
    void requireFreeName(String name, Identity caller) {
        if (control.name(DatabaseNames.check(name)).isPresent()) {
            throw new EngineException(ErrorCode.NAME_TAKEN, "the name " + name + " is in use");
        }
        if (control.formerOwner(name).filter(owner -> !owner.equals(caller)).isPresent()) {
            throw new EngineException(ErrorCode.NAME_RESERVED, "the name `" + name + "` is registered to somebody else");
        }
    }

    /** Errors: DISK_FULL. */
    void checkDisk() {
        if (!disk.isWritable()) {
            throw new EngineException(
                    ErrorCode.DISK_FULL, "the disk of the server is full: " + disk.usableBytes()
                            + " bytes are left, less than the setting geodesic.disk.stop.bytes; nothing has changed");
        }
    }

    static Identity newIdentity() {
        return IdentityDerivation.newDatabase(new SecureRandom());
    }

    /** @param newName registered together with the database */
    private long create(DatabaseEntry entry, Optional<String> newName, byte[] program, Map<String, String> variables) {
        checkDisk();
        if (databases.count() >= options.limits().databasesMax() && databases.running(entry.identity()).isEmpty()) {
            throw tooManyDatabases();
        }
        directory.clear(entry);
        directory.mark(entry);
        Database database = opener.open(entry);
        boolean created = false;
        boolean registered = false;
        try {
            Database.join(database.initialize(
                    opener.load(database, program, entry.initialProgram(), variables, environments), entry.owner()));
            long offset = Database.join(database.committedOffset());
            database.awaitDurable(offset);
            try {
                control.put(entry, newName);
            } catch (EngineException e) {
                // Any other failure may or may not have registered it; the next start knows.
                registered = e.code() != ErrorCode.NAME_TAKEN && e.code() != ErrorCode.NAME_RESERVED;
                throw e;
            }
            databases.put(database);
            created = true;
            directory.unmarkQuietly(entry);
            return offset;
        } finally {
            if (!created) {
                database.close();
                if (!registered) {
                    directory.discard(entry);
                }
            }
        }
    }

    private long reset(DatabaseEntry old, byte[] program, Map<String, String> variables) {
        if (old.locked()) {
            throw new EngineException(
                    ErrorCode.NOT_AUTHORIZED,
                    "Database is locked and cannot be reset with --delete-data. Run `spacetime unlock` first.");
        }
        Database before = databases.running(old.identity()).orElse(null);
        directory.mark(old);
        long offset = create(new DatabaseEntry(
                old.identity(), old.owner(), old.incarnation() + 1, LoadedModule.hash(program), false),
                Optional.empty(), program, variables);
        if (before != null) {
            before.close();
        }
        directory.discard(old);
        return offset;
    }

    /**
     * Makes a state a database, or puts it in the place of what a database was. Whoever calls this has the turn of the
     * database. A crash leaves the old one or the new one.
     *
     * @param old what it was
     * @param newName registered together with the database
     * @param variables of the module from now on
     * @param state closed on the way, so that it is in memory once only
     * @param epoch of the log from which the state comes
     */
    void adopt(
            Identity identity, Identity owner, Optional<DatabaseEntry> old, Optional<String> newName,
            Map<String, String> variables, PastState state, long epoch) {
        checkDisk();
        if (old.isEmpty() && databases.count() >= options.limits().databasesMax()) {
            throw tooManyDatabases();
        }
        EnvironmentRules.bounded(variables);
        state.belongTo(identity, owner, Database.micros(options.clock().instant()));
        DatabaseEntry entry = new DatabaseEntry(
                identity, owner, old.map(e -> e.incarnation() + 1).orElse(0L), state.module().programHash(), false);
        Database before = databases.running(identity).orElse(null);
        Map<String, String> variablesBefore = environments.of(identity);
        long nextEpoch = Math.max(epoch, before == null ? 0 : before.epoch()) + 1;
        directory.clear(entry);
        directory.mark(entry);
        Database database = null;
        boolean deciding = false;
        boolean registered = false;
        try {
            writeSnapshot(entry, state, nextEpoch);
            state.close();
            database = opener.open(entry);
            Database opened = database;
            ModuleRow module = database.storedModule().orElseThrow();
            if (!LoadedModule.hash(module.program()).equals(module.programHash())) {
                throw new EngineException(ErrorCode.STORAGE_CORRUPT, "the program is not the one that its hash names");
            }
            environments.show(identity, variables);
            LoadedModule loaded = opener.load(opened, module.program(), module.programHash(), variables, environments);
            boolean taken = false;
            try {
                newName.ifPresent(name -> requireFreeName(name, owner));
                old.ifPresent(directory::mark);
                deciding = true;
                control.replace(entry, newName, variables);
                registered = true;
                directory.unmarkQuietly(entry);
                if (before != null) {
                    before.close();
                }
                taken = true;
                Database.join(database.resume(loaded, owner));
            } finally {
                if (!taken) {
                    loaded.close();
                }
            }
            databases.put(database);
            old.ifPresent(directory::discard);
        } catch (Throwable e) {
            if (database != null) {
                database.close();
            }
            if (registered) {
                EngineException reason = e instanceof EngineException known
                        ? known : new EngineException(ErrorCode.INTERNAL, "the restored database cannot be started: " + e, e);
                databases.putFailed(identity, reason);
                old.ifPresent(directory::discard);
            } else {
                environments.show(identity, variablesBefore);
                // Else only the next start knows which of the two was registered, and removes the other one.
                if (!deciding) {
                    directory.discard(entry);
                }
            }
            throw e;
        }
    }

    private void writeSnapshot(DatabaseEntry entry, PastState state, long epoch) {
        try (SnapshotStore store = opener.newSnapshots(entry)) {
            state.writeTo(store, epoch);
        }
        options.logs().begin(directory.of(entry).resolve("log"), state.transactions());
    }

    private EngineException tooManyDatabases() {
        return new EngineException(
                ErrorCode.LIMIT_EXCEEDED, "the server has reached the limit databases-max of " + options.limits().databasesMax());
    }

    private long update(Identity identity, PublishRequest request, Map<String, String> variables) {
        Database database = databases.require(identity);
        Identity hash = LoadedModule.hash(request.program());
        // Nobody asks for the token if the program stays the same.
        if (!hash.equals(database.programHash()) && request.breakClients().isPresent()
                && !request.breakClients().get().equals(token(database, hash))) {
            throw new EngineException(
                    ErrorCode.MIGRATION_FAILED, "Token provided is invalid or does not match expected hash");
        }
        LoadedModule next = opener.load(database, request.program(), hash, variables, environments);
        boolean taken = false;
        try {
            long offset = Database.join(database.update(next, request.breakClients().isPresent()));
            taken = true;
            return offset;
        } finally {
            if (!taken) {
                next.close();
            }
        }
    }

    /** What a publisher shows to agree to the update by a program (spec/module-def.md section 9). */
    private static String token(Database database, Identity nextProgram) {
        return Hashes.toNumberText(Hashes.migrationToken(
                database.identity(), database.programHash().toLittleEndian(), nextProgram.toLittleEndian()));
    }

    /** {@link Server#preview}. */
    UpdatePreview preview(Identity identity, Identity caller, byte[] program) {
        control.requireOwner(identity, caller, "update database");
        Database database = databases.require(identity);
        Identity hash = LoadedModule.hash(program);
        try (LoadedModule next = opener.load(database, program, hash, control.environment(identity), environments)) {
            boolean majorUpgrade = database.definition().version() < next.definition().version();
            try {
                return new UpdatePreview.Automatic(
                        MigrationPlanner.plan(database.definition(), next.definition()), token(database, next.hash()),
                        majorUpgrade);
            } catch (EngineException e) {
                if (e.code() == ErrorCode.MIGRATION_REFUSED) {
                    return new UpdatePreview.Refused(e.getMessage(), majorUpgrade);
                }
                throw e;
            }
        }
    }

    /** Deletes a database and its data; its names stay registered. Errors: NO_SUCH_DATABASE, NOT_AUTHORIZED. */
    void delete(Identity identity, Identity caller) {
        databases.alone(identity, () -> {
            DatabaseEntry entry = control.requireOwner(identity, caller, "delete database");
            if (entry.locked()) {
                throw new EngineException(
                        ErrorCode.NOT_AUTHORIZED, "Database is locked and cannot be deleted. Run `spacetime unlock` first.");
            }
            try {
                directory.mark(entry);
            } catch (EngineException e) {
                // A disk that is full or broken must not keep it; if the server dies now, its directory stays, with a warning.
                LOG.log(System.Logger.Level.WARNING, e.getMessage());
            }
            control.removeDatabase(identity);
            environments.show(identity, Map.of());
            databases.remove(identity).ifPresent(Database::close);
            directory.discard(entry);
            return null;
        });
    }
}
