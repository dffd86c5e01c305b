package dev.geodesic.engine.tx;

import it.unimi.dsi.fastutil.ints.Int2ObjectMap;
import it.unimi.dsi.fastutil.ints.Int2ObjectOpenHashMap;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableSchema;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** A set of tables, found by id or name, with their indexes. Not thread-safe. */
final class Tables {

    private final Int2ObjectMap<Table> byId = new Int2ObjectOpenHashMap<>();
    private final Map<String, Table> byName = new HashMap<>();
    private final Map<String, Table> byAccessor = new HashMap<>();
    private final Int2ObjectMap<IndexRef> indexes = new Int2ObjectOpenHashMap<>();
    private final Map<String, IndexRef> indexByName = new HashMap<>();
    private final Map<String, IndexRef> indexBySourceName = new HashMap<>();

    /** One index of one table. */
    record IndexRef(Table table, int position) {
        int id() {
            return table.schema().indexes().get(position).indexId();
        }
    }

    Tables copy() {
        Tables copy = new Tables();
        byId.values().forEach(copy::add);
        return copy;
    }

    void add(Table table) {
        TableSchema schema = table.schema();
        byId.put(schema.tableId(), table);
        byName.put(schema.name(), table);
        schema.accessor().ifPresent(a -> byAccessor.put(a, table));
        for (int i = 0; i < schema.indexes().size(); i++) {
            IndexSchema index = schema.indexes().get(i);
            IndexRef ref = new IndexRef(table, i);
            indexes.put(index.indexId(), ref);
            indexByName.put(index.name(), ref);
            index.sourceName().ifPresent(n -> indexBySourceName.put(n, ref));
        }
    }

    void remove(Table table) {
        TableSchema schema = table.schema();
        byId.remove(schema.tableId());
        byName.remove(schema.name(), table);
        schema.accessor().ifPresent(a -> byAccessor.remove(a, table));
        for (int i = 0; i < schema.indexes().size(); i++) {
            IndexSchema index = schema.indexes().get(i);
            IndexRef ref = indexes.remove(index.indexId());
            indexByName.remove(index.name(), ref);
            index.sourceName().ifPresent(n -> indexBySourceName.remove(n, ref));
        }
    }

    boolean isEmpty() {
        return byId.isEmpty();
    }

    Collection<Table> all() {
        return Collections.unmodifiableCollection(byId.values());
    }

    Collection<TableSchema> schemas() {
        return byId.values().stream().map(Table::schema).toList();
    }

    /** Or null. */
    Table get(int tableId) {
        return byId.get(tableId);
    }

    /** Errors: NO_SUCH_TABLE. */
    Table require(int tableId) {
        Table table = byId.get(tableId);
        if (table == null) {
            throw new EngineException(ErrorCode.NO_SUCH_TABLE, "no such table: " + Integer.toUnsignedString(tableId));
        }
        return table;
    }

    /** By canonical name, then by accessor. */
    Optional<TableSchema> schema(String name) {
        Table table = byName.get(name);
        return Optional.ofNullable(table != null ? table : byAccessor.get(name)).map(Table::schema);
    }

    /** By canonical name only; or null. */
    Table byName(String name) {
        return byName.get(name);
    }

    /** Or null. */
    Table byAccessor(String name) {
        return byAccessor.get(name);
    }

    /** Or null. */
    IndexRef index(int indexId) {
        return indexes.get(indexId);
    }

    /** Errors: NO_SUCH_INDEX. */
    IndexRef requireIndex(int indexId) {
        IndexRef ref = indexes.get(indexId);
        if (ref == null) {
            throw new EngineException(ErrorCode.NO_SUCH_INDEX, "no such index: " + Integer.toUnsignedString(indexId));
        }
        return ref;
    }

    /** By canonical name only; or null. */
    IndexRef indexByName(String name) {
        return indexByName.get(name);
    }

    /** Or null. */
    IndexRef indexBySourceName(String name) {
        return indexBySourceName.get(name);
    }
}
