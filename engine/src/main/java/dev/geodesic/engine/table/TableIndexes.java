package dev.geodesic.engine.table;

import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;

/** Makes indexes. */
public final class TableIndexes {

    private TableIndexes() {
    }

    /** An empty index over rows of one store. */
    public static TableIndex create(IndexSchema schema, RowLayout layout, TableStore store) {
        KeyLayout key = new KeyLayout(layout, schema.algorithm().columns());
        return switch (schema.algorithm()) {
            case IndexAlgorithm.Hash h -> new HashIndex(key, store);
            // A direct column fits the tree's 64-bit prefix; an array by value would need as much memory as the largest value.
            case IndexAlgorithm.BTree b -> new OrderedIndex(key, store);
            case IndexAlgorithm.Direct d -> new OrderedIndex(key, store);
        };
    }
}
