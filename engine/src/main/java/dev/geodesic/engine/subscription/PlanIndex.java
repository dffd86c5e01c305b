package dev.geodesic.engine.subscription;

import dev.geodesic.engine.query.ColumnEquality;
import dev.geodesic.engine.table.RowLayout;
import it.unimi.dsi.fastutil.longs.Long2ObjectOpenHashMap;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Plans by a row of one table that they may be interested in. Plans with a {@code column = constant} condition are found by
 * the value in the row, so that ten thousand of them cost a row one look-up (spec/sql.md section 12).
 */
final class PlanIndex {

    private final int table;
    private final List<Plan> everyRow = new ArrayList<>();
    private final List<ByColumn> byColumn = new ArrayList<>();

    private record ByColumn(int column, Long2ObjectOpenHashMap<List<Plan>> plans) {
    }

    /** @param table number of the table in the plans' queries */
    PlanIndex(int table) {
        this.table = table;
    }

    boolean isEmpty() {
        return everyRow.isEmpty() && byColumn.isEmpty();
    }

    /** Whether a row is no help to find the plan. */
    boolean wantsEveryRow(Plan plan) {
        return plan.query().equalities(table).isEmpty();
    }

    void add(Plan plan) {
        if (wantsEveryRow(plan)) {
            everyRow.add(plan);
            return;
        }
        ColumnEquality key = plan.query().equalities(table).getFirst();
        ByColumn index = byColumn.stream()
                .filter(c -> c.column() == key.column())
                .findFirst()
                .orElseGet(() -> {
                    ByColumn added = new ByColumn(key.column(), new Long2ObjectOpenHashMap<>());
                    byColumn.add(added);
                    return added;
                });
        index.plans().computeIfAbsent(hash(key.value()), h -> new ArrayList<>(1)).add(plan);
    }

    void remove(Plan plan) {
        if (wantsEveryRow(plan)) {
            everyRow.remove(plan);
            return;
        }
        ColumnEquality key = plan.query().equalities(table).getFirst();
        long hash = hash(key.value());
        byColumn.removeIf(c -> {
            if (c.column() != key.column()) {
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

    /** Appends every plan that the row may matter to. */
    void find(RowLayout layout, MemorySegment segment, long row, List<Plan> out) {
        append(everyRow, out);
        for (int c = 0; c < byColumn.size(); c++) {
            ByColumn index = byColumn.get(c);
            long at = layout.columnOffset(segment, row, index.column());
            List<Plan> plans = index.plans().get(hash(segment, at, layout.columnLength(segment, row, index.column())));
            if (plans != null) {
                append(plans, out);
            }
        }
    }

    /** Without the array that {@code addAll} makes; this happens for every changed row. */
    private static void append(List<Plan> plans, List<Plan> out) {
        for (int i = 0; i < plans.size(); i++) {
            out.add(plans.get(i));
        }
    }

    /** Whether {@link #find} would append any. */
    boolean finds(RowLayout layout, MemorySegment segment, long row) {
        for (int c = 0; everyRow.isEmpty() && c < byColumn.size(); c++) {
            ByColumn index = byColumn.get(c);
            long at = layout.columnOffset(segment, row, index.column());
            if (index.plans().containsKey(hash(segment, at, layout.columnLength(segment, row, index.column())))) {
                return true;
            }
        }
        return !everyRow.isEmpty();
    }

    /** All plans. */
    void all(List<Plan> out) {
        out.addAll(everyRow);
        byColumn.forEach(c -> c.plans().values().forEach(out::addAll));
    }

    private static long hash(byte[] value) {
        return hash(MemorySegment.ofArray(value), 0, value.length);
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
