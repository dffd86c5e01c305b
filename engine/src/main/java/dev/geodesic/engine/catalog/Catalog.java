package dev.geodesic.engine.catalog;

import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.schema.IdAllocator;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.schema.ViewDef;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.SequenceLog;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Reads and writes the rows of the system tables. The rows that describe the system tables themselves are the same in
 * every database; {@link #bootstrap} puts them there before anything else, and no log has them. Writer thread only,
 * except for methods that take a {@link ReadView}.
 */
public final class Catalog implements IdAllocator, SequenceLog {

    /** Version text of {@code st_module}. */
    private static final String MODULE_VERSION = "0.0.1";

    private final CommittedState committed;
    private final BsatnWriter row = new BsatnWriter();
    private int nextTableId = SystemTables.FIRST_USER_ID;
    private int nextIndexId = SystemTables.FIRST_USER_ID;
    private int nextConstraintId = SystemTables.FIRST_USER_ID;
    private int nextSequenceId = SystemTables.FIRST_USER_ID;
    private int nextScheduleId = SystemTables.FIRST_USER_ID;
    private int nextViewId = SystemTables.FIRST_USER_ID;

    private Catalog(CommittedState committed) {
        this.committed = committed;
    }

    /** Creates the system tables in an empty state. */
    public static Catalog bootstrap(CommittedState committed) {
        Map<Integer, Table> tables = new HashMap<>();
        Map<Integer, RowPointers> rows = new HashMap<>();
        List<Table> created = new ArrayList<>();
        for (TableSchema schema : SystemTables.ALL) {
            Table table = new Table(schema, committed.stores(), SystemTables::firstAllocated);
            tables.put(schema.tableId(), table);
            created.add(table);
        }
        for (TableSchema schema : SystemTables.ALL) {
            CatalogRows.writeTable(schema, false, SystemTables::firstAllocated, (id, bytes) -> rows
                    .computeIfAbsent(id, i -> new RowPointers())
                    .add(tables.get(id).store().allocate(MemorySegment.ofArray(bytes.buffer()), 0, bytes.length())));
        }
        List<TxData.TableChange> changes = new ArrayList<>();
        rows.forEach((id, pointers) -> changes.add(new TxData.TableChange(tables.get(id), pointers, new RowPointers())));
        committed.applyPart(new TxData(changes, created, List.of()));
        return new Catalog(committed);
    }

    // ---- tables ----

    /** Creates an empty table and its catalogue rows in the transaction. */
    public void createTable(MutTx tx, TableSchema schema) {
        tx.createTable(new Table(schema, committed.stores(), SequenceSchema::start));
        CatalogRows.writeTable(schema, true, SequenceSchema::start, (id, bytes) -> insert(tx, id, bytes));
    }

    /** Deletes a table or a view, its rows and its catalogue rows in the transaction. */
    public void dropTable(MutTx tx, TableSchema schema) {
        tx.dropTable(schema.tableId());
        if (schema.role().isView()) {
            deleteView(tx, schema.tableId());
        }
        deleteRows(tx, schema);
    }

    private static void deleteRows(MutTx tx, TableSchema schema) {
        deleteWhere(tx, SystemTables.SEQUENCE, in -> CatalogRows.readSequence(in).tableId() == schema.tableId());
        CatalogRows.writeTable(schema, true, SequenceSchema::start, (id, bytes) -> {
            if (id != SystemTables.SEQUENCE) {
                tx.delete(id, MemorySegment.ofArray(bytes.buffer()), 0, bytes.length());
            }
        });
    }

    /** Creates a view: its empty table and the rows that describe both. */
    public TableSchema createView(MutTx tx, ViewDef view) {
        TableSchema schema = view.toSchema(this);
        createTable(tx, schema);
        CatalogRows.writeView(nextViewId++, view, schema.tableId(), (id, bytes) -> insert(tx, id, bytes));
        return schema;
    }

    /** Whether the table is what the view's definition makes of it. */
    public static boolean isTableOf(ViewDef view, TableSchema table) {
        return table.name().equals(view.name())
                && table.indexes().size() == (view.keyColumn().isPresent() ? 2 : 1)
                && table.constraints().size() == (view.keyColumn().isPresent() ? 1 : 0)
                && view.toSchema(new SameIds(table)).equals(table);
    }

    /** Records who sees a view from now on, and its names in the source. Its rows and keys are the same. */
    public void updateView(MutTx tx, ViewDef view, TableSchema stored) {
        TableSchema now = view.toSchema(new SameIds(stored));
        if (now.equals(stored)) {
            return;
        }
        tx.reshapeTable(now);
        describeAgain(tx, List.of(stored), List.of(now));
        int viewId = deleteView(tx, stored.tableId());
        CatalogRows.writeView(viewId, view, stored.tableId(), (id, bytes) -> insert(tx, id, bytes));
    }

    /** @return id of the view */
    private static int deleteView(MutTx tx, int tableId) {
        List<Integer> ids = new ArrayList<>();
        deleteWhere(tx, SystemTables.VIEW, in -> {
            int viewId = in.readU32();
            in.readString();
            boolean found = in.readU8() == 0 && in.readU32() == tableId;
            if (found) {
                ids.add(viewId);
            }
            return found;
        });
        deleteWhere(tx, SystemTables.VIEW_COLUMN, in -> ids.contains(in.readU32()));
        deleteWhere(tx, SystemTables.VIEW_PARAM, in -> ids.contains(in.readU32()));
        return ids.getFirst();
    }

    /**
     * Rewrites the catalogue rows of tables that get other shapes. The end of the last block of a sequence that stays is
     * kept. What becomes of the tables themselves is for the caller to say with {@link MutTx#reshapeTable} or
     * {@link MutTx#extendTable}.
     *
     * @param before the shapes as recorded, {@code after} those that take their places; ids of tables may differ
     */
    public void describeAgain(MutTx tx, Collection<TableSchema> before, Collection<TableSchema> after) {
        Set<Integer> ids = before.stream().map(TableSchema::tableId).collect(Collectors.toSet());
        Map<Integer, BigInteger> allocated = new HashMap<>();
        for (CatalogRows.SequenceRow row : CatalogRows.readSequences(tx)) {
            if (ids.contains(row.tableId())) {
                allocated.put(row.sequence().sequenceId(), row.allocated());
            }
        }
        // All go before any comes: names may pass from one table to another.
        before.forEach(t -> deleteRows(tx, t));
        for (TableSchema table : after) {
            CatalogRows.writeTable(
                    table, true, s -> allocated.getOrDefault(s.sequenceId(), s.start()), (id, bytes) -> insert(tx, id, bytes));
        }
    }

    /** Replaces the rules of row-level security: SQL texts with the ids of the tables that they protect. */
    public void setRowLevelSecurity(MutTx tx, Map<String, Integer> rules) {
        tx.clear(SystemTables.ROW_LEVEL_SECURITY);
        rules.forEach((sql, tableId) -> {
            row.clear();
            row.writeU32(tableId);
            row.writeString(sql);
            insert(tx, SystemTables.ROW_LEVEL_SECURITY, row);
        });
    }

    private interface RowTest {
        boolean test(BsatnReader in);
    }

    private static int deleteWhere(MutTx tx, int tableId, RowTest test) {
        int deleted = 0;
        RowIterator rows = tx.scan(tableId);
        while (rows.next()) {
            byte[] bytes = CatalogRows.bytes(rows);
            if (test.test(new BsatnReader(bytes))) {
                tx.delete(tableId, MemorySegment.ofArray(bytes), 0, bytes.length);
                deleted++;
            }
        }
        return deleted;
    }

    private static void insert(MutTx tx, int tableId, BsatnWriter bytes) {
        tx.insert(tableId, MemorySegment.ofArray(bytes.buffer()), 0, bytes.length());
    }

    /** Shapes of the user tables that the catalogue rows of a view describe. */
    public List<TableSchema> userTables(ReadView view) {
        return CatalogRows.readTables(view, false);
    }

    private static int keyIndex(int tableId) {
        return SystemTables.ALL.get(tableId - 1).indexes().getFirst().indexId();
    }

    // ---- ids and sequences ----

    @Override
    public int nextTableId() {
        return nextTableId++;
    }

    @Override
    public int nextIndexId() {
        return nextIndexId++;
    }

    @Override
    public int nextConstraintId() {
        return nextConstraintId++;
    }

    @Override
    public int nextSequenceId() {
        return nextSequenceId++;
    }

    @Override
    public int nextScheduleId() {
        return nextScheduleId++;
    }

    @Override
    public void reserved(MutTx tx, SequenceSchema sequence, long allocated) {
        byte[] key = new byte[Integer.BYTES];
        LittleEndian.putInt(key, 0, sequence.sequenceId());
        int indexId = keyIndex(SystemTables.SEQUENCE);
        RowIterator rows = tx.point(indexId, MemorySegment.ofArray(key), 0, key.length);
        Invariants.check(rows.next(), "every sequence has a row", "sequence", sequence.sequenceId());
        int tableId = CatalogRows.readSequence(new BsatnReader(CatalogRows.bytes(rows))).tableId();
        BsatnWriter out = new BsatnWriter();
        CatalogRows.writeSequence(out, tableId, sequence, BigInteger.valueOf(allocated));
        tx.update(SystemTables.SEQUENCE, indexId, MemorySegment.ofArray(out.buffer()), 0, out.length());
    }

    /** Takes ids and counters up where the recovered rows left them, whatever they were before. */
    public void recover() {
        ReadView view = committed.writerView();
        nextTableId = SystemTables.FIRST_USER_ID;
        nextIndexId = SystemTables.FIRST_USER_ID;
        nextConstraintId = SystemTables.FIRST_USER_ID;
        nextSequenceId = SystemTables.FIRST_USER_ID;
        nextScheduleId = SystemTables.FIRST_USER_ID;
        nextViewId = SystemTables.FIRST_USER_ID;
        for (TableSchema table : userTables(view)) {
            nextTableId = Math.max(nextTableId, table.tableId() + 1);
            table.indexes().forEach(i -> nextIndexId = Math.max(nextIndexId, i.indexId() + 1));
            table.constraints().forEach(c -> nextConstraintId = Math.max(nextConstraintId, c.constraintId() + 1));
            table.sequences().forEach(s -> nextSequenceId = Math.max(nextSequenceId, s.sequenceId() + 1));
            table.schedule().ifPresent(s -> nextScheduleId = Math.max(nextScheduleId, s.scheduleId() + 1));
        }
        RowIterator views = view.scan(SystemTables.VIEW);
        while (views.next()) {
            nextViewId = Math.max(nextViewId, new BsatnReader(CatalogRows.bytes(views)).readU32() + 1);
        }
        for (CatalogRows.SequenceRow sequence : CatalogRows.readSequences(view)) {
            committed.requireTable(sequence.tableId())
                    .restoreSequence(sequence.sequence().sequenceId(), sequence.allocated());
        }
    }

    // ---- the program ----

    /** Replaces the program of the database. */
    public void setModule(MutTx tx, ModuleRow module) {
        tx.clear(SystemTables.MODULE);
        row.clear();
        row.writeIdentity(module.database());
        row.writeIdentity(module.owner());
        row.writeU8(0);
        row.writeIdentity(module.programHash());
        row.writeBytes(module.program());
        row.writeString(MODULE_VERSION);
        insert(tx, SystemTables.MODULE, row);
    }

    /** The program, if one was published. */
    public Optional<ModuleRow> module(ReadView view) {
        RowIterator rows = view.scan(SystemTables.MODULE);
        if (!rows.next()) {
            return Optional.empty();
        }
        BsatnReader in = new BsatnReader(CatalogRows.bytes(rows));
        Identity database = in.readIdentity();
        Identity owner = in.readIdentity();
        in.readU8();
        return Optional.of(new ModuleRow(database, owner, in.readIdentity(), in.readBytes()));
    }

    // ---- clients ----

    /** Notes a connection and what its token says. */
    public void addClient(MutTx tx, ClientRow client, String jwtPayload) {
        writeClient(client);
        insert(tx, SystemTables.CLIENT, row);
        row.clear();
        row.writeConnectionId(client.connection());
        row.writeString(jwtPayload);
        insert(tx, SystemTables.CONNECTION_CREDENTIALS, row);
    }

    public boolean hasClient(ReadView view, ClientRow client) {
        writeClient(client);
        int indexId = keyIndex(SystemTables.CLIENT);
        return view.point(indexId, MemorySegment.ofArray(row.buffer()), 0, row.length()).next();
    }

    /** Forgets a connection; nothing happens if it is unknown. */
    public void removeClient(MutTx tx, ClientRow client) {
        writeClient(client);
        tx.delete(SystemTables.CLIENT, MemorySegment.ofArray(row.buffer()), 0, row.length());
        row.clear();
        row.writeConnectionId(client.connection());
        int indexId = keyIndex(SystemTables.CONNECTION_CREDENTIALS);
        tx.deletePoint(indexId, MemorySegment.ofArray(row.buffer()), 0, row.length());
    }

    /** The payload of the token of a connection. */
    public Optional<String> jwtPayload(ReadView view, ConnectionId connection) {
        row.clear();
        row.writeConnectionId(connection);
        int indexId = keyIndex(SystemTables.CONNECTION_CREDENTIALS);
        RowIterator rows = view.point(indexId, MemorySegment.ofArray(row.buffer()), 0, row.length());
        if (!rows.next()) {
            return Optional.empty();
        }
        BsatnReader in = new BsatnReader(CatalogRows.bytes(rows));
        in.skip(ConnectionId.BYTE_COUNT);
        return Optional.of(in.readString());
    }

    /** All connections that the rows know. */
    public List<ClientRow> clients(ReadView view) {
        List<ClientRow> clients = new ArrayList<>();
        RowIterator rows = view.scan(SystemTables.CLIENT);
        while (rows.next()) {
            BsatnReader in = new BsatnReader(CatalogRows.bytes(rows));
            clients.add(new ClientRow(in.readIdentity(), in.readConnectionId()));
        }
        return clients;
    }

    private void writeClient(ClientRow client) {
        row.clear();
        row.writeIdentity(client.identity());
        row.writeConnectionId(client.connection());
    }
}
