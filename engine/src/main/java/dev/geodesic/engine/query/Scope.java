package dev.geodesic.engine.query;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.query.parse.Expr;
import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.TableSchema;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The tables of a query under their names there, in FROM order (spec/sql.md 3). */
final class Scope {

    private final List<Entry> entries = new ArrayList<>();

    private record Entry(String alias, TableSchema table) {
    }

    /** A column and the number of its table. */
    record Resolved(int table, ColumnSchema column) {
    }

    static Scope of(String alias, TableSchema table) {
        Scope scope = new Scope();
        scope.add(alias, table);
        return scope;
    }

    void add(String alias, TableSchema table) {
        if (entries.stream().anyMatch(e -> e.alias().equals(alias))) {
            throw SqlError.of("Duplicate name `" + SqlError.shorten(alias) + "`");
        }
        entries.add(new Entry(alias, table));
    }

    int tableCount() {
        return entries.size();
    }

    /** In FROM order. */
    List<TableSchema> tables() {
        return entries.stream().map(Entry::table).toList();
    }

    String alias(int number) {
        return entries.get(number).alias();
    }

    TableSchema table(int number) {
        return entries.get(number).table();
    }

    /** Number of the table with this name. Errors: SQL if there is none. */
    int tableNumber(String alias) {
        for (int i = 0; i < entries.size(); i++) {
            if (entries.get(i).alias().equals(alias)) {
                return i;
            }
        }
        throw SqlError.notInScope(alias);
    }

    Resolved resolve(Expr.Column name) {
        if (name.table().isEmpty() && entries.size() > 1) {
            throw mustBeQualified();
        }
        int number = name.table().map(this::tableNumber).orElse(0);
        return column(table(number), name.name())
                .map(c -> new Resolved(number, c))
                .orElseThrow(() -> SqlError.notInScope(name.name()));
    }

    /** As {@link #resolve}; empty if there is no such column. */
    Optional<Resolved> find(Expr.Column name) {
        for (int i = 0; i < entries.size(); i++) {
            if (name.table().isEmpty() ? entries.size() == 1 : name.table().get().equals(entries.get(i).alias())) {
                int number = i;
                return column(table(i), name.name()).map(c -> new Resolved(number, c));
            }
        }
        return Optional.empty();
    }

    static EngineException mustBeQualified() {
        return SqlError.of("Names must be qualified when using joins");
    }

    /** By accessor, then by canonical name. */
    static Optional<ColumnSchema> column(TableSchema table, String name) {
        List<ColumnSchema> columns = VisibleColumns.of(table);
        return columns.stream()
                .filter(c -> c.accessor().filter(name::equals).isPresent())
                .findFirst()
                .or(() -> columns.stream().filter(c -> c.name().equals(name)).findFirst());
    }
}
