package dev.geodesic.engine.catalog;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.ModuleDef;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableDef;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.schema.ViewDef;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonBool;
import dev.geodesic.sats.JsonValue.JsonNumber;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.JsonString;
import dev.geodesic.sats.SatsJson;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Vectors;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The rows of the catalogue: as recorded, in transactions, and read back into tables. */
class CatalogTest {

    private static final Identity SOMEBODY = new Identity(1, 2, 3, 4);

    private final CommittedState committed = new CommittedState(new HeapStores());
    private final Catalog catalog = Catalog.bootstrap(committed);
    private final MutTx tx = new MutTx(committed, Limits.DEFAULTS, catalog);

    private static ModuleDef recordedModule() {
        return ModuleDef.decode(Vectors.bytes(CatalogTest.class, "/golden/schema/golden-2.8.3.bsatn"));
    }

    private TxData commit() {
        TxData data = tx.finish();
        committed.apply(data);
        tx.end();
        return data;
    }

    private List<TableSchema> createRecordedTables() {
        List<TableSchema> schemas = new ArrayList<>();
        for (TableDef table : recordedModule().tables()) {
            schemas.add(table.toSchema(catalog));
            catalog.createTable(tx, schemas.getLast());
        }
        recordedModule().sortedViews().forEach(v -> schemas.add(catalog.createView(tx, v)));
        return schemas;
    }

    private static int idOf(List<TableSchema> schemas, String name) {
        return schemas.stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow().tableId();
    }

    /** A row of zeros: numbered, where a column is. */
    private void insertZeros(int tableId, int length) {
        tx.insert(tableId, MemorySegment.ofArray(new byte[length]), 0, length);
    }

    // ---- rows as JSON text ----

    private static List<String> rows(ReadView view, int tableId, Predicate<JsonArray> which) {
        TableSchema schema = view.table(tableId).orElseThrow();
        RowIterator rows = view.scan(tableId);
        TreeSet<String> all = new TreeSet<>();
        while (rows.next()) {
            JsonArray row = (JsonArray)
                    Json.parse(SatsJson.toString(schema.rowType(), CatalogRows.bytes(rows), SatsJson.Flavor.UNTYPED));
            if (which.test(row)) {
                assertTrue(all.add(text(row)), "twice: " + row);
            }
        }
        return List.copyOf(all);
    }

    private static String text(JsonValue value) {
        return switch (value) {
            case JsonNumber n -> n.text();
            case JsonString s -> '"' + s.value() + '"';
            case JsonArray a -> a.items().stream().map(CatalogTest::text).collect(Collectors.joining(",", "[", "]"));
            case JsonBool b -> Boolean.toString(b.value());
            default -> throw new AssertionError(value);
        };
    }

    private Map<Integer, List<String>> everything() {
        Map<Integer, List<String>> all = new TreeMap<>();
        for (TableSchema table : committed.writerView().tables()) {
            all.put(table.tableId(), rows(committed.writerView(), table.tableId(), r -> true));
        }
        return all;
    }

    private static List<JsonArray> recorded(String query) {
        for (String line : Vectors.lines(CatalogTest.class, "/golden/sql/sql.jsonl")) {
            JsonObject vector = (JsonObject) Json.parse(line);
            if (vector.get("query").equals(Optional.of(new JsonString(query)))
                    && vector.get("caller").equals(Optional.of(new JsonString("owner")))) {
                return ((JsonArray) vector.get("rows").orElseThrow()).items().stream().map(r -> (JsonArray) r).toList();
            }
        }
        throw new AssertionError("not recorded: " + query);
    }

    private static int number(JsonArray row, int column) {
        return Integer.parseInt(((JsonNumber) row.items().get(column)).text());
    }

    private static String without(JsonArray row, int column) {
        return text(new JsonArray(row.items().stream().filter(v -> v != row.items().get(column)).toList()));
    }

    // ---- as recorded ----

    @Test
    @Proves("execution.md 12")
    @Proves("module-def.md 7")
    void rowsAreTheRecordedOnes() {
        tx.begin();
        List<TableSchema> schemas = createRecordedTables();
        commit();
        tx.begin();
        insertZeros(idOf(schemas, "note"), 8 + 32 + 4);
        insertZeros(idOf(schemas, "scalars"), 8 + 1 + 2 * (1 + 2 + 4 + 8 + 16 + 32) + 4 + 8 + 4);
        commit();
        compare("SELECT * FROM st_table", SystemTables.TABLE, 0);
        compare(
                "SELECT table_id, col_pos, col_name, col_type FROM st_column WHERE table_id < 4096",
                SystemTables.COLUMN, 0, 4095);
        compare("SELECT * FROM st_sequence", SystemTables.SEQUENCE, 2);
        compare("SELECT * FROM st_scheduled", SystemTables.SCHEDULED, 1);
        compare("SELECT * FROM st_view", SystemTables.VIEW, 0);
        compare("SELECT * FROM st_view_column", SystemTables.VIEW_COLUMN, 0);
        compare("SELECT * FROM st_view_param", SystemTables.VIEW_PARAM, 0);
        for (String accessors : List.of("st_table_accessor", "st_index_accessor", "st_column_accessor")) {
            int id = committed.writerView().tableByName(accessors).orElseThrow().tableId();
            assertEquals(
                    recorded("SELECT * FROM " + accessors).stream().map(CatalogTest::text).sorted().toList(),
                    rows(committed.writerView(), id, r -> true));
        }
        List<JsonArray> columns = recorded("SELECT table_id, col_pos, col_name FROM st_column WHERE table_id > 4095");
        assertEquals(
                columns.stream().map(CatalogTest::text).sorted().toList(),
                rows(committed.writerView(), SystemTables.COLUMN, r -> number(r, 0) > 4095).stream()
                        .map(r -> r.substring(0, r.lastIndexOf(',')) + ']').sorted().toList());
    }

    private void compare(String query, int tableId, int tableColumn) {
        compare(query, tableId, tableColumn, Integer.MAX_VALUE);
    }

    private void compare(String query, int tableId, int tableColumn, int lastTable) {
        assertEquals(
                recorded(query).stream()
                        .filter(r -> number(r, tableColumn) <= lastTable)
                        .map(CatalogTest::text)
                        .sorted()
                        .toList(),
                rows(committed.writerView(), tableId, r -> number(r, tableColumn) <= lastTable));
    }

    @Test
    @Proves("execution.md 12")
    void indexesAndConstraintsAreTheRecordedOnes() {
        tx.begin();
        createRecordedTables();
        commit();
        compareNumbered("SELECT * FROM st_index", SystemTables.INDEX, 1);
        compareNumbered("SELECT * FROM st_constraint", SystemTables.CONSTRAINT, 2);
    }

    /** Within one user table the recorded server numbers in no particular order. */
    private void compareNumbered(String query, int tableId, int tableColumn) {
        List<JsonArray> expected = recorded(query);
        List<JsonArray> rows =
                rows(committed.writerView(), tableId, r -> true).stream().map(r -> (JsonArray) Json.parse(r)).toList();
        assertEquals(
                expected.stream().map(r -> without(r, 0)).sorted().toList(),
                rows.stream().map(r -> without(r, 0)).sorted().toList());
        assertEquals(
                expected.stream().map(r -> number(r, 0) + " of " + number(r, tableColumn)).sorted().toList(),
                rows.stream().map(r -> number(r, 0) + " of " + number(r, tableColumn)).sorted().toList());
        assertEquals(
                expected.stream().filter(r -> number(r, 0) < 4096).map(CatalogTest::text).sorted().toList(),
                rows.stream().filter(r -> number(r, 0) < 4096).map(CatalogTest::text).sorted().toList());
    }

    // ---- views ----

    @Test
    @Proves("module-def.md 8")
    void aViewThatKeepsItsRowsKeepsItsTable() {
        ViewDef recorded = recordedModule().sortedViews().getFirst();
        assertEquals("active_members", recorded.name());
        tx.begin();
        TableSchema old = catalog.createView(tx, recorded);
        commit();
        Map<Integer, List<String>> before = everything();
        assertTrue(Catalog.isTableOf(recorded, old));
        ViewDef hidden = new ViewDef(
                recorded.name(), "activeMembers", recorded.index(), false, recorded.isAnonymous(), recorded.params(),
                recorded.returnType(), recorded.rowRef(), recorded.primaryKey(), recorded.columns(), recorded.keyColumn());
        assertFalse(Catalog.isTableOf(hidden, old));
        tx.begin();
        catalog.updateView(tx, recorded, old);
        assertTrue(commit().isEmpty(), "nothing has changed");
        tx.begin();
        catalog.updateView(tx, hidden, old);
        commit();
        TableSchema now = committed.writerView().table(old.tableId()).orElseThrow();
        assertTrue(Catalog.isTableOf(hidden, now));
        assertEquals(TableAccess.PRIVATE, now.access());
        assertEquals(old.indexes(), now.indexes());
        assertEquals(List.of(now), catalog.userTables(committed.writerView()));
        String row = rows(committed.writerView(), SystemTables.VIEW, r -> true).getFirst();
        assertTrue(row.endsWith(",false,false]"), row);
        tx.begin();
        catalog.updateView(tx, recorded, now);
        commit();
        assertEquals(before, everything());
        for (ViewDef other : recordedModule().sortedViews()) {
            assertEquals(other.equals(recorded), Catalog.isTableOf(other, old));
        }
    }

    // ---- create and drop ----

    @Test
    void tablesAreReadBackAsTheyWereMade() {
        tx.begin();
        List<TableSchema> schemas = createRecordedTables();
        assertEquals(Set.of(), Set.copyOf(catalog.userTables(committed.writerView())), "nothing before the commit");
        commit();
        // Event tables are refused elsewhere: the catalogue does not record the flag.
        assertEquals(
                schemas.stream().filter(t -> !t.event()).collect(Collectors.toSet()),
                catalog.userTables(committed.writerView()).stream()
                        .filter(t -> !t.name().equals("flash")).collect(Collectors.toSet()));
        for (TableSchema schema : SystemTables.ALL) {
            assertEquals(schema, CatalogRows.readTables(committed.writerView(), true).stream()
                    .filter(t -> t.tableId() == schema.tableId()).findFirst().orElseThrow());
        }
    }

    @Test
    @Proves("execution.md 1")
    void creationIsRolledBackButIdsAreGone() {
        Map<Integer, List<String>> before = everything();
        tx.begin();
        List<TableSchema> first = createRecordedTables();
        insertZeros(idOf(first, "note"), 44);
        tx.rollback();
        assertEquals(before, everything());
        assertTrue(committed.writerView().tableByName("note").isEmpty());
        tx.begin();
        List<TableSchema> second = createRecordedTables();
        commit();
        Set<Integer> ids = first.stream().map(TableSchema::tableId).collect(Collectors.toSet());
        assertTrue(second.stream().noneMatch(t -> ids.contains(t.tableId())));
    }

    @Test
    void dropIsRolledBackOrRemovesEverything() {
        Map<Integer, List<String>> empty = everything();
        tx.begin();
        List<TableSchema> schemas = createRecordedTables();
        insertZeros(idOf(schemas, "note"), 44);
        commit();
        Map<Integer, List<String>> before = everything();
        tx.begin();
        schemas.forEach(s -> catalog.dropTable(tx, s));
        assertEquals(SystemTables.ALL.size(), tx.tables().size());
        tx.rollback();
        assertEquals(before, everything());
        tx.begin();
        schemas.forEach(s -> catalog.dropTable(tx, s));
        TxData data = commit();
        assertEquals(schemas.size(), data.dropped().size());
        assertEquals(empty, everything());
        EngineException e = assertThrows(EngineException.class, () -> committed.writerView().rowCount(idOf(schemas, "note")));
        assertEquals(ErrorCode.NO_SUCH_TABLE, e.code());
    }

    @Test
    void aTableMayReplaceOneOfTheSameName() {
        tx.begin();
        TableDef note = recordedModule().tables().stream().filter(t -> t.name().equals("note")).findFirst().orElseThrow();
        TableSchema old = note.toSchema(catalog);
        catalog.createTable(tx, old);
        insertZeros(old.tableId(), 44);
        commit();
        tx.begin();
        catalog.dropTable(tx, old);
        TableSchema replaced = note.toSchema(catalog);
        catalog.createTable(tx, replaced);
        assertEquals(replaced.tableId(), tx.tableId("note"));
        assertEquals(replaced.indexes().getFirst().indexId(), tx.indexId("note_id_idx_btree"));
        insertZeros(replaced.tableId(), 44);
        insertZeros(replaced.tableId(), 44);
        commit();
        ReadView view = committed.writerView();
        assertEquals(replaced, view.tableByName("note").orElseThrow());
        assertEquals(2, view.rowCount(replaced.tableId()));
        assertEquals(List.of(replaced), catalog.userTables(view));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aTableThatComesAndGoesIsNoChangeAndKeepsNoMemory(boolean offHeap) {
        TableStores stores = offHeap ? new ChronicleStores() : new HeapStores();
        try (CommittedState state = new CommittedState(stores)) {
            Catalog rows = Catalog.bootstrap(state);
            MutTx transaction = new MutTx(state, Limits.DEFAULTS, rows);
            TableDef def = recordedModule().tables().stream().filter(t -> t.name().equals("note")).findFirst().orElseThrow();
            long memory = 0;
            for (int i = 0; i < 40; i++) {
                transaction.begin();
                TableSchema schema = def.toSchema(rows);
                rows.createTable(transaction, schema);
                for (int k = 0; k < 100; k++) {
                    transaction.insert(schema.tableId(), MemorySegment.ofArray(new byte[44]), 0, 44);
                }
                if (i % 2 == 0) {
                    rows.dropTable(transaction, schema);
                    assertTrue(transaction.finish().isEmpty());
                    transaction.end();
                } else {
                    transaction.rollback();
                }
                if (i == 10) {
                    memory = stores.memoryBytes();
                }
            }
            assertEquals(memory, stores.memoryBytes(), "memory of dropped tables is kept");
        }
    }

    // ---- numbers ----

    private String lastNote(int tableId) {
        List<String> rows = rows(tx, tableId, r -> true);
        return rows.stream().map(r -> r.substring(1, r.indexOf(','))).map(BigInteger::new).sorted().toList().getLast().toString();
    }

    @Test
    @Proves("durability.md 2.3")
    void numbersContinueBehindTheRecordedBlockAfterARestart() {
        tx.begin();
        int note = idOf(createRecordedTables(), "note");
        commit();
        for (String first : List.of("1", "4097", "8193")) {
            tx.begin();
            insertZeros(note, 44);
            assertEquals(first, lastNote(note));
            insertZeros(note, 44);
            commit();
            catalog.recover();
        }
        assertEquals(4113, catalog.nextTableId());
    }

    @Test
    void aRolledBackBlockIsTakenAgainBehindTheValuesThatAreGone() {
        tx.begin();
        int note = idOf(createRecordedTables(), "note");
        commit();
        tx.begin();
        insertZeros(note, 44);
        insertZeros(note, 44);
        tx.rollback();
        assertTrue(sequenceRow(note).endsWith(",1]"), sequenceRow(note));
        tx.begin();
        insertZeros(note, 44);
        assertEquals("3", lastNote(note));
        commit();
        assertTrue(sequenceRow(note).endsWith(",4099]"), sequenceRow(note));
        tx.begin();
        for (int i = 0; i < 4096; i++) {
            insertZeros(note, 44);
        }
        assertEquals("4099", lastNote(note));
        commit();
        assertTrue(sequenceRow(note).endsWith(",8195]"), sequenceRow(note));
    }

    private String sequenceRow(int tableId) {
        return rows(committed.writerView(), SystemTables.SEQUENCE, r -> number(r, 2) == tableId).getFirst();
    }

    // ---- program and clients ----

    @Test
    void theProgramIsOneRow() {
        assertTrue(catalog.module(committed.writerView()).isEmpty());
        for (int i = 1; i <= 2; i++) {
            byte[] program = new byte[i * 100_000];
            program[5] = (byte) i;
            tx.begin();
            catalog.setModule(tx, new ModuleRow(SOMEBODY, new Identity(i, 0, 0, 0), new Identity(9, 9, 9, i), program));
            commit();
            ModuleRow stored = catalog.module(committed.writerView()).orElseThrow();
            assertEquals(new Identity(i, 0, 0, 0), stored.owner());
            assertEquals(new Identity(9, 9, 9, i), stored.programHash());
            assertArrayEquals(program, stored.program());
            assertEquals(1, committed.writerView().rowCount(SystemTables.MODULE));
        }
    }

    @Test
    @Proves("execution.md 12")
    void clientsComeAndGo() {
        ClientRow one = new ClientRow(SOMEBODY, new ConnectionId(1, 7));
        ClientRow other = new ClientRow(SOMEBODY, new ConnectionId(2, 7));
        Map<Integer, List<String>> before = everything();
        tx.begin();
        catalog.addClient(tx, one, "{\"sub\":\"1\"}");
        catalog.addClient(tx, other, "{\"sub\":\"2\"}");
        commit();
        ReadView view = committed.writerView();
        assertTrue(catalog.hasClient(view, one));
        assertEquals(Set.of(one, other), Set.copyOf(catalog.clients(view)));
        assertEquals(Optional.of("{\"sub\":\"2\"}"), catalog.jwtPayload(view, other.connection()));
        tx.begin();
        catalog.removeClient(tx, other);
        commit();
        assertFalse(catalog.hasClient(view, other));
        assertEquals(Optional.empty(), catalog.jwtPayload(view, other.connection()));
        assertTrue(catalog.hasClient(view, one));
        tx.begin();
        catalog.removeClient(tx, one);
        catalog.removeClient(tx, other);
        commit();
        assertEquals(before, everything());
    }

    @Test
    void indexesKeepTheirKind() {
        tx.begin();
        createRecordedTables();
        commit();
        TableSchema score = committed.writerView().tableByName("PlayerScore2D").orElseThrow();
        assertEquals("player_score_2_d", score.name());
        Set<IndexAlgorithm> algorithms =
                score.indexes().stream().map(i -> i.algorithm()).collect(Collectors.toSet());
        assertTrue(algorithms.contains(new IndexAlgorithm.Direct(4)));
        assertTrue(algorithms.contains(new IndexAlgorithm.Hash(List.of(2))));
        assertTrue(algorithms.contains(new IndexAlgorithm.BTree(List.of(2, 3))));
        assertTrue(score.indexes().stream()
                .filter(i -> i.algorithm() instanceof IndexAlgorithm.Direct)
                .allMatch(i -> i.unique()));
    }
}
