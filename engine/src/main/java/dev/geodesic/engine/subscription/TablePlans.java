package dev.geodesic.engine.subscription;

import dev.geodesic.engine.query.ColumnEquality;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.TableStore;
import it.unimi.dsi.fastutil.longs.Long2ObjectOpenHashMap;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The plans over one table. Plans with a {@code column = constant} condition are found by the value of the changed row, so
 * that ten thousand of them cost a row one look-up (spec/sql.md section 12).
 */
final class TablePlans {

    private final TableRows rows;
    private final List<Plan> everyRow = new ArrayList<>();
    private final List<ByColumn> byColumn = new ArrayList<>();

    private record ByColumn(int column, Long2ObjectOpenHashMap<List<Plan>> plans) {
    }

    TablePlans(TableRows rows) {
        this.rows = rows;
    }

    TableRows rows() {
        return rows;
    }

    boolean isEmpty() {
        return everyRow.isEmpty() && byColumn.isEmpty();
    }

    void add(Plan plan) {
        Optional<ColumnEquality> key = plan.query().equalities().stream().findFirst();
        if (key.isEmpty()) {
            everyRow.add(plan);
            return;
        }
        ByColumn index = byColumn.stream()
                .filter(c -> c.column() == key.get().column())
                .findFirst()
                .orElseGet(() -> {
                    ByColumn added = new ByColumn(key.get().column(), new Long2ObjectOpenHashMap<>());
                    byColumn.add(added);
                    return added;
                });
        byte[] value = key.get().value();
        index.plans()
                .computeIfAbsent(hash(MemorySegment.ofArray(value), 0, value.length), h -> new ArrayList<>(1))
                .add(plan);
    }

    void remove(Plan plan) {
        Optional<ColumnEquality> key = plan.query().equalities().stream().findFirst();
        if (key.isEmpty()) {
            everyRow.remove(plan);
            return;
        }
        byte[] value = key.get().value();
        long hash = hash(MemorySegment.ofArray(value), 0, value.length);
        byColumn.removeIf(c -> {
            if (c.column() != key.get().column()) {
                return false;
            }
            List<Plan> plans = c.plans().get(hash);
            plans.remove(plan);
            if (plans.isEmpty()) {
                c.plans().remove(hash);
            }
            return c.plans().isEmpty();
        });
    }

    /** Shows a changed row to every plan that may match it; plans that matched their first row are appended. */
    void change(RowLayout layout, TableStore store, long row, boolean inserted, List<Plan> changed) {
        for (int i = 0; i < everyRow.size(); i++) {
            if (everyRow.get(i).change(store, row, inserted)) {
                changed.add(everyRow.get(i));
            }
        }
        for (int c = 0; c < byColumn.size(); c++) {
            ByColumn index = byColumn.get(c);
            MemorySegment segment = store.segment(row);
            long at = layout.columnOffset(segment, store.offset(row), index.column());
            int length = layout.columnLength(segment, store.offset(row), index.column());
            List<Plan> plans = index.plans().get(hash(segment, at, length));
            if (plans != null) {
                for (int i = 0; i < plans.size(); i++) {
                    if (plans.get(i).change(store, row, inserted)) {
                        changed.add(plans.get(i));
                    }
                }
            }
        }
    }

    /** FNV-1a with a final mix; equal hashes of different values only cost a look at the predicate. */
    private static long hash(MemorySegment segment, long offset, int length) {
        long h = 0xcbf29ce484222325L;
        for (int i = 0; i < length; i++) {
            h = (h ^ segment.get(ValueLayout.JAVA_BYTE, offset + i)) * 0x100000001b3L;
        }
        return h ^ h >>> 32;
    }
}
