package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.TxRecord;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.ConstraintSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.snapshot.Snapshotter;
import dev.geodesic.engine.subscription.ConfirmedGate;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * Which databases exist, whose they are and what they are called: an ordinary state with an ordinary log, but no module and
 * no writer thread. Every change is durable when its method returns. Thread-safe.
 */
final class ControlDatabase implements AutoCloseable {

    private static final int DATABASES = SystemTables.FIRST_USER_ID;
    private static final int NAMES = SystemTables.FIRST_USER_ID + 1;
    private static final int DATABASES_BY_IDENTITY = SystemTables.FIRST_USER_ID;
    private static final int NAMES_BY_NAME = SystemTables.FIRST_USER_ID + 1;
    private static final int NAMES_BY_IDENTITY = SystemTables.FIRST_USER_ID + 2;
    private static final int ENVIRONMENT = SystemTables.FIRST_USER_ID + 2;
    private static final int ENVIRONMENT_BY_IDENTITY = SystemTables.FIRST_USER_ID + 3;
    private static final int FORMER_NAMES = SystemTables.FIRST_USER_ID + 3;
    private static final int FORMER_NAMES_BY_NAME = SystemTables.FIRST_USER_ID + 4;
    private static final int FORMER_NAMES_BY_OWNER = SystemTables.FIRST_USER_ID + 5;
    /** Of one owner: renaming must not be a way to take all names. */
    private static final int FORMER_NAMES_MAX = 1000;

    private final CommittedState committed;
    private final Durability durability;
    private final Optional<Snapshotter> snapshots;
    private final Clock clock;
    private final MutTx tx;
    private final ConfirmedGate gate;
    private final BsatnWriter row = new BsatnWriter();

    /**
     * Takes a recovered, or empty, state into service.
     *
     * @param owner of the name; stays when the database is deleted, so that nobody else gets the name
     */
    record NameEntry(String name, Identity identity, Identity owner) {
    }

    ControlDatabase(
            CommittedState committed, Catalog catalog, Durability durability, Clock clock,
            Optional<Snapshotter> snapshots) {
        this.committed = committed;
        this.durability = durability;
        this.snapshots = snapshots;
        this.clock = clock;
        this.tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        this.gate = new ConfirmedGate(durability.durableOffset());
        durability.listen(gate::durable, e -> gate.fail(CloseReason.MODULE_EXITED));
        if (committed.writerView().table(DATABASES).isEmpty()) {
            change(() -> {
                catalog.createTable(tx, databases());
                catalog.createTable(tx, names());
            });
        }
        if (committed.writerView().table(ENVIRONMENT).isEmpty()) {
            change(() -> catalog.createTable(tx, environmentTable()));
        }
        if (committed.writerView().table(FORMER_NAMES).isEmpty()) {
            change(() -> catalog.createTable(tx, formerNames()));
        }
    }

    private static TableSchema databases() {
        return table(DATABASES, "database", List.of(
                        column(0, "identity", PrimitiveType.U256),
                        column(1, "owner", PrimitiveType.U256),
                        column(2, "incarnation", PrimitiveType.U64),
                        column(3, "initial_program", PrimitiveType.U256),
                        column(4, "locked", PrimitiveType.BOOL)),
                List.of(index(DATABASES_BY_IDENTITY, "database_identity_idx_btree", 0, true)));
    }

    private static TableSchema names() {
        return table(NAMES, "name", List.of(
                        column(0, "name", PrimitiveType.STRING),
                        column(1, "identity", PrimitiveType.U256),
                        column(2, "owner", PrimitiveType.U256)),
                List.of(index(NAMES_BY_NAME, "name_name_idx_btree", 0, true),
                        index(NAMES_BY_IDENTITY, "name_identity_idx_btree", 1, false)));
    }

    /** Names that databases had before they were renamed: nobody but their owner may use them again. */
    private static TableSchema formerNames() {
        return table(FORMER_NAMES, "former_name", List.of(
                        column(0, "name", PrimitiveType.STRING),
                        column(1, "owner", PrimitiveType.U256)),
                List.of(index(FORMER_NAMES_BY_NAME, "former_name_name_idx_btree", 0, true),
                        index(FORMER_NAMES_BY_OWNER, "former_name_owner_idx_btree", 1, false)));
    }

    private static TableSchema environmentTable() {
        return new TableSchema(
                ENVIRONMENT, "environment", Optional.empty(),
                List.of(column(0, "identity", PrimitiveType.U256),
                        column(1, "name", PrimitiveType.STRING),
                        column(2, "value", PrimitiveType.STRING)),
                OptionalInt.empty(), List.of(index(ENVIRONMENT_BY_IDENTITY, "environment_identity_idx_btree", 0, false)),
                List.of(), List.of(), TableAccess.PRIVATE, TableKind.USER, TableRole.STORED);
    }

    private static TableSchema table(int id, String name, List<ColumnSchema> columns, List<IndexSchema> indexes) {
        return new TableSchema(
                id, name, Optional.empty(), columns, OptionalInt.of(0), indexes,
                List.of(new ConstraintSchema(id, name + '_' + columns.getFirst().name() + "_key", List.of(0))), List.of(),
                TableAccess.PRIVATE, TableKind.USER, TableRole.STORED);
    }

    private static ColumnSchema column(int position, String name, AlgebraicType type) {
        return new ColumnSchema(position, name, type, Optional.empty());
    }

    private static IndexSchema index(int id, String name, int column, boolean unique) {
        return new IndexSchema(id, name, Optional.empty(), new IndexAlgorithm.BTree(List.of(column)), unique);
    }

    /** Whoever reads meanwhile waits for no disk. */
    private void change(Runnable work) {
        long txOffset = commit(work);
        if (txOffset >= 0) {
            Database.join(gate.whenDurable(txOffset));
        }
    }

    /** Offset of the transaction, or -1 if nothing has changed. */
    private synchronized long commit(Runnable work) {
        tx.begin();
        try {
            work.run();
        } catch (Throwable e) {
            tx.rollback();
            throw e;
        }
        TxData data = tx.finish();
        if (data.isEmpty()) {
            tx.end();
            return -1;
        }
        long txOffset = committed.apply(data, Database.micros(clock.instant()));
        tx.end();
        BsatnWriter record = new BsatnWriter();
        TxRecord.write(data, committed.commitMicros(), record);
        durability.append(txOffset, record.buffer(), 0, record.length());
        return txOffset;
    }

    /** Empty if none are taken. */
    Optional<Snapshotter> snapshots() {
        return snapshots;
    }

    // ---- databases ----

    synchronized Optional<DatabaseEntry> database(Identity identity) {
        RowIterator rows = byIdentity(DATABASES_BY_IDENTITY, identity);
        return rows.next() ? Optional.of(readDatabase(rows)) : Optional.empty();
    }

    synchronized List<DatabaseEntry> allDatabases() {
        List<DatabaseEntry> all = new ArrayList<>();
        RowIterator rows = committed.writerView().scan(DATABASES);
        while (rows.next()) {
            all.add(readDatabase(rows));
        }
        return all;
    }

    /** Adds or replaces a database, with a name to add, at once or not at all. Errors: as {@link #addName}. */
    void put(DatabaseEntry entry, Optional<String> newName) {
        change(() -> write(entry, newName));
    }

    /** As {@link #put}, with all variables of the database. */
    void replace(DatabaseEntry entry, Optional<String> newName, Map<String, String> variables) {
        change(() -> {
            write(entry, newName);
            writeEnvironment(entry.identity(), variables);
        });
    }

    private void write(DatabaseEntry entry, Optional<String> newName) {
        deleteDatabase(entry.identity());
        row.clear();
        row.writeIdentity(entry.identity());
        row.writeIdentity(entry.owner());
        row.writeU64(entry.incarnation());
        row.writeIdentity(entry.initialProgram());
        row.writeBool(entry.locked());
        tx.insert(DATABASES, MemorySegment.ofArray(row.buffer()), 0, row.length());
        newName.ifPresent(name -> insertName(new NameEntry(name, entry.identity(), entry.owner())));
    }

    /** Forgets a database; its names keep pointing to its identity. */
    void removeDatabase(Identity identity) {
        change(() -> {
            deleteDatabase(identity);
            deleteEnvironment(identity);
        });
    }

    private void deleteDatabase(Identity identity) {
        row.clear();
        row.writeIdentity(identity);
        tx.deletePoint(DATABASES_BY_IDENTITY, MemorySegment.ofArray(row.buffer()), 0, row.length());
    }

    private RowIterator byIdentity(int indexId, Identity identity) {
        return committed.writerView().point(indexId, MemorySegment.ofArray(identity.toLittleEndian()), 0, Identity.BYTE_COUNT);
    }

    private static BsatnReader reader(RowIterator rows) {
        byte[] bytes = new byte[rows.length()];
        MemorySegment.copy(rows.segment(), ValueLayout.JAVA_BYTE, rows.offset(), bytes, 0, bytes.length);
        return new BsatnReader(bytes);
    }

    private static DatabaseEntry readDatabase(RowIterator rows) {
        BsatnReader in = reader(rows);
        return new DatabaseEntry(in.readIdentity(), in.readIdentity(), in.readU64(), in.readIdentity(), in.readBool());
    }

    // ---- names ----

    synchronized Optional<NameEntry> name(String name) {
        RowIterator rows = byName(NAMES_BY_NAME, name);
        return rows.next() ? Optional.of(readName(rows)) : Optional.empty();
    }

    private RowIterator byName(int indexId, String name) {
        BsatnWriter key = new BsatnWriter();
        key.writeString(name);
        return committed.writerView().point(indexId, MemorySegment.ofArray(key.buffer()), 0, key.length());
    }

    /** Who registered a name that resolves to nothing now. */
    synchronized Optional<Identity> formerOwner(String name) {
        RowIterator rows = byName(FORMER_NAMES_BY_NAME, name);
        if (!rows.next()) {
            return Optional.empty();
        }
        BsatnReader in = reader(rows);
        in.readString();
        return Optional.of(in.readIdentity());
    }

    synchronized List<NameEntry> namesOf(Identity identity) {
        List<NameEntry> names = new ArrayList<>();
        RowIterator rows = byIdentity(NAMES_BY_IDENTITY, identity);
        while (rows.next()) {
            names.add(readName(rows));
        }
        return names;
    }

    private static NameEntry readName(RowIterator rows) {
        BsatnReader in = reader(rows);
        return new NameEntry(in.readString(), in.readIdentity(), in.readIdentity());
    }

    /** Adds a name. Errors: NAME_TAKEN; NAME_RESERVED with the name between backticks. */
    void addName(NameEntry entry) {
        change(() -> {
            if (name(entry.name()).isPresent()) {
                // The same row again would change nothing, and so not be refused.
                throw taken(entry.name());
            }
            insertName(entry);
        });
    }

    private static EngineException taken(String name) {
        return new EngineException(ErrorCode.NAME_TAKEN, "record with the name " + name + " already exists");
    }

    private void insertName(NameEntry entry) {
        Optional<Identity> former = formerOwner(entry.name());
        if (former.isPresent()) {
            if (!former.get().equals(entry.owner())) {
                throw new EngineException(
                        ErrorCode.NAME_RESERVED, "the name `" + entry.name() + "` is registered to somebody else");
            }
            row.clear();
            row.writeString(entry.name());
            tx.deletePoint(FORMER_NAMES_BY_NAME, MemorySegment.ofArray(row.buffer()), 0, row.length());
        }
        row.clear();
        row.writeString(entry.name());
        row.writeIdentity(entry.identity());
        row.writeIdentity(entry.owner());
        try {
            tx.insert(NAMES, MemorySegment.ofArray(row.buffer()), 0, row.length());
        } catch (EngineException e) {
            if (e.code() == ErrorCode.UNIQUE_ALREADY_EXISTS) {
                throw taken(entry.name());
            }
            throw e;
        }
    }

    /**
     * Replaces all names of a database, at once or not at all; those that it had stay with their owners. Errors: as
     * {@link #addName}, LIMIT_EXCEEDED.
     */
    void setNames(Identity identity, List<NameEntry> names) {
        change(() -> {
            List<NameEntry> before = namesOf(identity);
            tx.deletePoint(
                    NAMES_BY_IDENTITY, MemorySegment.ofArray(identity.toLittleEndian()), 0, Identity.BYTE_COUNT);
            names.forEach(this::insertName);
            before.stream().filter(old -> names.stream().noneMatch(name -> name.name().equals(old.name())))
                    .forEach(this::reserve);
        });
    }

    private void reserve(NameEntry old) {
        if (count(byIdentity(FORMER_NAMES_BY_OWNER, old.owner())) >= FORMER_NAMES_MAX) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED, "more than " + FORMER_NAMES_MAX + " former names of one owner");
        }
        row.clear();
        row.writeString(old.name());
        row.writeIdentity(old.owner());
        tx.insert(FORMER_NAMES, MemorySegment.ofArray(row.buffer()), 0, row.length());
    }

    private static int count(RowIterator rows) {
        int count = 0;
        while (rows.next()) {
            count++;
        }
        return count;
    }

    // ---- variables of modules ----

    /** By name. */
    synchronized Map<String, String> environment(Identity identity) {
        Map<String, String> variables = new TreeMap<>();
        RowIterator rows = byIdentity(ENVIRONMENT_BY_IDENTITY, identity);
        while (rows.next()) {
            BsatnReader in = reader(rows);
            in.readIdentity();
            variables.put(in.readString(), in.readString());
        }
        return variables;
    }

    /** Replaces all variables of a database. */
    void setEnvironment(Identity identity, Map<String, String> variables) {
        change(() -> writeEnvironment(identity, variables));
    }

    private void writeEnvironment(Identity identity, Map<String, String> variables) {
        deleteEnvironment(identity);
        variables.forEach((name, value) -> {
            row.clear();
            row.writeIdentity(identity);
            row.writeString(name);
            row.writeString(value);
            tx.insert(ENVIRONMENT, MemorySegment.ofArray(row.buffer()), 0, row.length());
        });
    }

    private void deleteEnvironment(Identity identity) {
        tx.deletePoint(ENVIRONMENT_BY_IDENTITY, MemorySegment.ofArray(identity.toLittleEndian()), 0, Identity.BYTE_COUNT);
    }

    /** Not under the lock: who has it may wait for the disk. */
    @Override
    public void close() {
        durability.close();
        gate.fail(CloseReason.MODULE_EXITED);
        synchronized (this) {
            committed.close();
        }
    }

    /** After {@link #close}: whether nothing of this touches a file any more. */
    boolean isReleased() {
        return durability.isReleased();
    }

    /** Errors: NO_SUCH_DATABASE; NOT_AUTHORIZED with the text of spec/http-api.md 3.5. */
    DatabaseEntry requireOwner(Identity identity, Identity caller, String action) {
        DatabaseEntry entry = database(identity)
                .orElseThrow(() -> new EngineException(ErrorCode.NO_SUCH_DATABASE, "No such database."));
        if (!entry.owner().equals(caller)) {
            throw notAuthorized(identity, caller, action);
        }
        return entry;
    }

    static EngineException notAuthorized(Identity identity, Identity caller, String action) {
        return new EngineException(
                ErrorCode.NOT_AUTHORIZED,
                caller.toHex() + " is not authorized to perform action on database " + identity.toHex() + ": " + action);
    }
}
