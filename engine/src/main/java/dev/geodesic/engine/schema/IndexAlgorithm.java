package dev.geodesic.engine.schema;

import java.util.List;

/** How an index finds rows, and over which columns, in index order. */
public sealed interface IndexAlgorithm {

    List<Integer> columns();

    /** True if range scans work. */
    default boolean isOrdered() {
        return !(this instanceof Hash);
    }

    /** Suffix of generated index names: {@code btree}, {@code hash} or {@code direct}. */
    default String suffix() {
        return switch (this) {
            case BTree b -> "btree";
            case Hash h -> "hash";
            case Direct d -> "direct";
        };
    }

    /** Ordered; points, prefixes and ranges. */
    record BTree(List<Integer> columns) implements IndexAlgorithm {
        public BTree {
            columns = List.copyOf(columns);
        }
    }

    /** Points only. */
    record Hash(List<Integer> columns) implements IndexAlgorithm {
        public Hash {
            columns = List.copyOf(columns);
        }
    }

    /** One small unsigned column as position in an array; unique and ordered. */
    record Direct(int column) implements IndexAlgorithm {
        @Override
        public List<Integer> columns() {
            return List.of(column);
        }
    }
}
