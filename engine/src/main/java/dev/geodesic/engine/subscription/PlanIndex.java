package dev.geodesic.engine.subscription;

import dev.geodesic.engine.query.ColumnEquality;
import dev.geodesic.engine.query.RowTuple;
import dev.geodesic.engine.table.RowLayout;
import it.unimi.dsi.fastutil.longs.Long2IntOpenHashMap;
import it.unimi.dsi.fastutil.longs.Long2ObjectOpenHashMap;
import it.unimi.dsi.fastutil.longs.LongArrayList;
import it.unimi.dsi.fastutil.longs.LongList;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Plans by the rows that they may be interested in: one row of each of their tables. Plans that compare the same columns
 * with constants form a group, in which the values of the rows find them, so that ten thousand of them cost a row one look-up
 * (spec/sql.md section 12). All terms of a plan count, of every table.
 */
final class PlanIndex {

    /** A plan has an entry for each combination of its alternatives ({@code column = 1 OR column = 2}), up to so many. */
    private static final int KEYS_MAX = 16;
    private static final long SEED = 0xcbf29ce484222325L;
    private static final long PRIME = 0x100000001b3L;

    private final RowLayout[] layouts;
    private final List<Group> groups = new ArrayList<>();

    /** @param layouts of the plans' tables, by number */
    PlanIndex(RowLayout... layouts) {
        this.layouts = layouts;
    }

    boolean isEmpty() {
        return groups.isEmpty();
    }

    void add(Plan plan) {
        List<List<ColumnEquality>> terms = terms(plan);
        int[][] columns = columns(terms);
        Group group = group(columns);
        if (group == null) {
            group = new Group(columns);
            groups.add(group);
        }
        for (long[] key : keys(terms)) {
            group.add(key, plan);
        }
    }

    void remove(Plan plan) {
        List<List<ColumnEquality>> terms = terms(plan);
        Group group = group(columns(terms));
        for (long[] key : keys(terms)) {
            group.remove(key, plan);
        }
        if (group.plans.isEmpty()) {
            groups.remove(group);
        }
    }

    private Group group(int[][] columns) {
        for (Group group : groups) {
            if (Arrays.deepEquals(group.columns, columns)) {
                return group;
            }
        }
        return null;
    }

    /** Appends every plan that the rows may matter to, each once. */
    void find(RowTuple rows, List<Plan> out) {
        for (int g = 0; g < groups.size(); g++) {
            Group group = groups.get(g);
            long hash = SEED;
            for (int table = 0; table < layouts.length; table++) {
                hash = combine(hash, group.hash(table, rows));
            }
            List<Plan> plans = group.plans.get(hash);
            if (plans != null) {
                // Without the array that addAll makes; this happens for every changed row.
                for (int i = 0; i < plans.size(); i++) {
                    out.add(plans.get(i));
                }
            }
        }
    }

    /** Whether {@link #find} may find any plan for this row of a table and whatever rows of the others. */
    boolean wants(int table, RowTuple rows) {
        for (int g = 0; g < groups.size(); g++) {
            Group group = groups.get(g);
            if (group.columns[table].length == 0 || group.counts[table].containsKey(group.hash(table, rows))) {
                return true;
            }
        }
        return false;
    }

    /** All plans; some more than once. */
    void all(List<Plan> out) {
        groups.forEach(group -> group.plans.values().forEach(out::addAll));
    }

    // ---- what a plan is found by ----

    /** By table, the terms that count, ascending by column: one per column, and as many as their alternatives allow. */
    private List<List<ColumnEquality>> terms(Plan plan) {
        List<List<ColumnEquality>> terms = new ArrayList<>();
        int keys = 1;
        for (int table = 0; table < layouts.length; table++) {
            List<ColumnEquality> chosen = new ArrayList<>();
            List<ColumnEquality> all = new ArrayList<>(plan.query().equalities(table));
            all.sort(Comparator.comparingInt(t -> t.values().size()));
            for (ColumnEquality term : all) {
                int size = term.values().size();
                if (size * keys <= KEYS_MAX && chosen.stream().noneMatch(t -> t.column() == term.column())) {
                    keys *= size;
                    chosen.add(term);
                }
            }
            chosen.sort(Comparator.comparingInt(ColumnEquality::column));
            terms.add(chosen);
        }
        return terms;
    }

    private static int[][] columns(List<List<ColumnEquality>> terms) {
        return terms.stream()
                .map(table -> table.stream().mapToInt(ColumnEquality::column).toArray())
                .toArray(int[][]::new);
    }

    /** Every combination of the hashes of the tables. */
    private static List<long[]> keys(List<List<ColumnEquality>> terms) {
        List<long[]> keys = List.of(new long[terms.size()]);
        for (int table = 0; table < terms.size(); table++) {
            List<long[]> longer = new ArrayList<>();
            for (long[] key : keys) {
                for (long hash : hashes(terms.get(table))) {
                    long[] next = key.clone();
                    next[table] = hash;
                    longer.add(next);
                }
            }
            keys = longer;
        }
        return keys;
    }

    private static LongList hashes(List<ColumnEquality> terms) {
        LongList hashes = LongList.of(SEED);
        for (ColumnEquality term : terms) {
            LongList longer = new LongArrayList();
            for (long hash : hashes) {
                for (byte[] value : term.values()) {
                    longer.add(combine(hash, hash(MemorySegment.ofArray(value), 0, value.length)));
                }
            }
            hashes = longer;
        }
        return hashes;
    }

    private static long combine(long hash, long next) {
        return (hash ^ next) * PRIME + (hash >>> 29);
    }

    /** FNV-1a with a final mix; equal hashes of different values only cost a look at the predicate. */
    private static long hash(MemorySegment segment, long offset, int length) {
        long h = SEED;
        for (int i = 0; i < length; i++) {
            h = (h ^ segment.get(ValueLayout.JAVA_BYTE, offset + i)) * PRIME;
        }
        return h ^ h >>> 32;
    }

    /** The plans that compare the same columns with constants. */
    private final class Group {

        /** By table, ascending. */
        final int[][] columns;
        final Long2ObjectOpenHashMap<List<Plan>> plans = new Long2ObjectOpenHashMap<>();
        /** By table, how many entries there are for each hash of its columns. */
        final Long2IntOpenHashMap[] counts;

        Group(int[][] columns) {
            this.columns = columns;
            counts = new Long2IntOpenHashMap[columns.length];
            for (int table = 0; table < counts.length; table++) {
                counts[table] = new Long2IntOpenHashMap();
            }
        }

        private static long whole(long[] key) {
            long hash = SEED;
            for (long part : key) {
                hash = combine(hash, part);
            }
            return hash;
        }

        void add(long[] key, Plan plan) {
            plans.computeIfAbsent(whole(key), h -> new ArrayList<>(1)).add(plan);
            for (int table = 0; table < key.length; table++) {
                counts[table].addTo(key[table], 1);
            }
        }

        void remove(long[] key, Plan plan) {
            long whole = whole(key);
            List<Plan> same = plans.get(whole);
            same.remove(plan);
            if (same.isEmpty()) {
                plans.remove(whole);
            }
            for (int table = 0; table < key.length; table++) {
                if (counts[table].addTo(key[table], -1) == 1) {
                    counts[table].remove(key[table]);
                }
            }
        }

        /** Of this group's columns in a row. */
        long hash(int table, RowTuple rows) {
            long hash = SEED;
            MemorySegment segment = rows.segment(table);
            long row = rows.offset(table);
            for (int column : columns[table]) {
                long at = layouts[table].columnOffset(segment, row, column);
                hash = combine(hash, PlanIndex.hash(segment, at, layouts[table].columnLength(segment, row, column)));
            }
            return hash;
        }
    }
}
