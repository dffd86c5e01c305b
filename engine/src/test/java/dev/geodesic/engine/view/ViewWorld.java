package dev.geodesic.engine.view;

import dev.geodesic.engine.auth.Hashes;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.port.ManualTimer;
import dev.geodesic.engine.query.SqlEngine;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableDef;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.schema.ViewDef;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/** Tables of {@link Item}s and views over them whose functions are Java. */
final class ViewWorld implements AutoCloseable {

    /** What a test calls a row of a table, and of most views. */
    record Item(int id, int group, String text) implements Comparable<Item> {

        byte[] bytes() {
            BsatnWriter out = new BsatnWriter();
            out.writeU32(id);
            out.writeU32(group);
            out.writeString(text);
            return out.toByteArray();
        }

        static Item read(BsatnReader in) {
            return new Item(in.readU32(), in.readU32(), in.readString());
        }

        @Override
        public int compareTo(Item other) {
            return toString().compareTo(other.toString());
        }
    }

    static final List<ColumnSchema> COLUMNS = List.of(
            column(0, "id", PrimitiveType.U32), column(1, "group", PrimitiveType.U32), column(2, "text", PrimitiveType.STRING));

    /** What a view does. */
    @FunctionalInterface
    interface Body {
        ViewResult run(Optional<Identity> caller, Reads reads);
    }

    private final CommittedState committed = new CommittedState(new HeapStores());
    final Catalog catalog = Catalog.bootstrap(committed);
    final MutTx tx = new MutTx(committed, Limits.DEFAULTS, catalog);
    final ManualTimer timer = new ManualTimer(1_000_000);
    final Views views = new Views(Limits.DEFAULTS, new SqlEngine(Limits.DEFAULTS), timer);
    final Map<String, Body> bodies = new HashMap<>();
    final List<ViewDef> defs = new ArrayList<>();
    /** Names of the views that were run, since somebody emptied the list. */
    final List<String> runs = new ArrayList<>();

    static ColumnSchema column(int position, String name, AlgebraicType type) {
        return new ColumnSchema(position, name, type, Optional.empty());
    }

    // ---- shapes ----

    /** A table with a unique index over id, one over group, and one over group and text. */
    TableSchema table(String name) {
        return table(name, COLUMNS, false);
    }

    TableSchema table(String name, List<ColumnSchema> columns, boolean event) {
        TableDef def = new TableDef(
                name, name, 0, columns, OptionalInt.of(0),
                List.of(index(name + "_id", 0), index(name + "_group", 1), index(name + "_group_text", 1, 2)),
                List.of(new TableDef.Constraint(name + "_id_key", List.of(0))), List.of(), Optional.empty(),
                TableAccess.PUBLIC, event, List.of());
        TableSchema schema = def.toSchema(catalog);
        transact(() -> catalog.createTable(tx, schema));
        return schema;
    }

    private static TableDef.Index index(String name, Integer... columns) {
        return new TableDef.Index(name, name, Optional.empty(), new IndexAlgorithm.BTree(List.of(columns)));
    }

    TableSchema anonymousView(String name, Body body) {
        return view(name, true, COLUMNS, OptionalInt.empty(), body);
    }

    TableSchema senderView(String name, Body body) {
        return view(name, false, COLUMNS, OptionalInt.empty(), body);
    }

    TableSchema view(String name, boolean anonymous, List<ColumnSchema> columns, OptionalInt key, Body body) {
        ViewDef def = new ViewDef(
                name, name, defs.size(), true, anonymous, ProductType.UNIT, new ArrayType(new AlgebraicType.Ref(0)), 0,
                Optional.empty(), columns, key);
        defs.add(def);
        bodies.put(name, body);
        TableSchema[] schema = new TableSchema[1];
        transact(() -> schema[0] = catalog.createView(tx, def));
        views.start(defs, this::run);
        return schema[0];
    }

    ViewResult run(ViewDef view, Optional<Identity> caller, Transaction reads) {
        runs.add(view.name());
        return bodies.get(view.name()).run(caller, new Reads(reads));
    }

    // ---- transactions ----

    /** As the transactor of a database does it. */
    TxData transact(Runnable work) {
        tx.begin();
        TxData data;
        try {
            work.run();
            views.refresh(tx);
            data = tx.finish();
        } catch (Throwable e) {
            tx.rollback();
            views.rolledBack();
            throw e;
        }
        if (data.isVolatile()) {
            committed.applyPart(data);
        } else {
            committed.apply(data);
        }
        tx.end();
        views.committed();
        return data;
    }

    void insert(TableSchema table, Item item) {
        byte[] row = item.bytes();
        tx.insert(table.tableId(), MemorySegment.ofArray(row), 0, row.length);
    }

    boolean delete(TableSchema table, Item item) {
        byte[] row = item.bytes();
        return tx.delete(table.tableId(), MemorySegment.ofArray(row), 0, row.length);
    }

    TxData materialize(ViewKey key) {
        return transact(() -> views.materialize(key, tx));
    }

    ReadView view() {
        return committed.writerView();
    }

    @Override
    public void close() {
        committed.close();
    }

    // ---- rows ----

    /** The rows of a view for one caller, as they are stored. */
    Set<Item> rows(ViewKey key) {
        byte[] hash = Hashes.viewArguments(key.caller());
        Set<Item> items = new TreeSet<>();
        RowIterator rows = view().scan(key.tableId());
        while (rows.next()) {
            byte[] row = bytes(rows);
            if (Arrays.equals(hash, Arrays.copyOf(row, hash.length))) {
                BsatnReader in = new BsatnReader(row);
                in.skip(hash.length);
                items.add(Item.read(in));
            }
        }
        return items;
    }

    long storedRows(TableSchema view) {
        return view().rowCount(view.tableId());
    }

    /** What a view gives when it is run now. */
    Set<Item> fresh(ViewKey key) {
        String name = view().table(key.tableId()).orElseThrow().name();
        tx.begin();
        try {
            ViewResult result = bodies.get(name).run(key.caller(), new Reads(tx));
            BsatnReader in = new BsatnReader(((ViewResult.Rows) result).array());
            Set<Item> items = new TreeSet<>();
            for (int i = in.readU32(); i > 0; i--) {
                items.add(Item.read(in));
            }
            return items;
        } finally {
            tx.rollback();
        }
    }

    static byte[] bytes(RowIterator rows) {
        return rows.segment().asSlice(rows.offset(), rows.length()).toArray(ValueLayout.JAVA_BYTE);
    }

    static ViewResult rows(Iterable<Item> items) {
        BsatnWriter out = new BsatnWriter();
        int count = 0;
        for (Item item : items) {
            out.writeRaw(item.bytes());
            count++;
        }
        BsatnWriter array = new BsatnWriter();
        array.writeU32(count);
        array.writeRaw(out.toByteArray());
        return new ViewResult.Rows(array.toByteArray());
    }

    /** What a guest can read. */
    record Reads(Transaction tx) {

        private static List<Item> items(RowIterator rows) {
            List<Item> items = new ArrayList<>();
            while (rows.next()) {
                items.add(Item.read(new BsatnReader(bytes(rows))));
            }
            return items;
        }

        List<Item> all(TableSchema table) {
            return items(tx.scan(table.tableId()));
        }

        int count(TableSchema table) {
            return (int) tx.rowCount(table.tableId());
        }

        List<Item> point(TableSchema table, String index, byte[] key) {
            return items(tx.point(tx.indexId(table.name() + index), MemorySegment.ofArray(key), 0, key.length));
        }

        List<Item> byId(TableSchema table, int id) {
            return point(table, "_id", u32(id));
        }

        List<Item> byGroup(TableSchema table, int group) {
            return point(table, "_group", u32(group));
        }

        List<Item> byGroupAndText(TableSchema table, int group, String text) {
            BsatnWriter key = new BsatnWriter();
            key.writeU32(group);
            key.writeString(text);
            return point(table, "_group_text", key.toByteArray());
        }

        static byte[] u32(int value) {
            BsatnWriter key = new BsatnWriter();
            key.writeU32(value);
            return key.toByteArray();
        }
    }
}
