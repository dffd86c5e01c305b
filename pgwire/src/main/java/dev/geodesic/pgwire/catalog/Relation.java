package dev.geodesic.pgwire.catalog;

import dev.geodesic.pgwire.type.PgType;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows with named columns.
 *
 * @param open whether it stands for one of PostgreSQL's tables that is empty here: any column may be asked for, and is null
 */
record Relation(List<Column> columns, List<Object[]> rows, boolean open) {

    static final Relation EMPTY = new Relation(List.of(), List.of(), true);

    record Column(String name, PgType type) {
    }

    int indexOf(String name) {
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).name().equals(name)) {
                return i;
            }
        }
        return -1;
    }

    /** Collects rows of one shape. */
    static final class Builder {

        private final List<Column> columns = new ArrayList<>();
        private final List<Object[]> rows = new ArrayList<>();

        /** @param specification names and types: {@code "oid oid, relname name"} */
        Builder(String specification) {
            for (String column : specification.split(",")) {
                String[] parts = column.strip().split(" ");
                columns.add(new Column(parts[0], PgTypes.named(parts[1])));
            }
        }

        Builder row(Object... values) {
            if (values.length != columns.size()) {
                throw new IllegalArgumentException(values.length + " values for " + columns.size() + " columns");
            }
            for (int i = 0; i < values.length; i++) {
                values[i] = values[i] instanceof Integer n ? (Long) (long) n : values[i];
            }
            rows.add(values);
            return this;
        }

        Relation build() {
            return new Relation(List.copyOf(columns), rows, false);
        }
    }
}
