package dev.geodesic.engine.table;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import it.unimi.dsi.fastutil.longs.LongIterator;
import it.unimi.dsi.fastutil.longs.LongOpenHashSet;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Points by hash. A key has one value in the hash table: its row, or, as a negative number, the group of its rows. Keys
 * over several columns of fixed size compare by bytes, all others by value (spec/bsatn.md section 5).
 */
final class HashIndex extends RowHashTable implements TableIndex {

    /** Kinds of probes: an encoded row, or a packed key. */
    private static final int ROW = 0;
    private static final int PACKED = 1;
    private static final int GROUP_BYTES = 64;

    private final KeyLayout key;
    private final boolean strict;
    private final TableStore store;
    private final List<LongOpenHashSet> groups = new ArrayList<>();
    private final BitSet freeGroups = new BitSet();
    private long size;
    private long groupedRows;

    HashIndex(KeyLayout key, TableStore store) {
        this.key = key;
        this.strict = key.isStrict();
        this.store = store;
    }

    private static long valueOf(int group) {
        return -2L - group;
    }

    private LongOpenHashSet group(long value) {
        return groups.get((int) (-2 - value));
    }

    private int hashOf(MemorySegment s, long offset, int kind) {
        long h = 0;
        long at = offset;
        for (int i = 0; i < key.parts.length; i++) {
            TypeLayout part = key.parts[i];
            if (kind == ROW) {
                at = key.partOffset(s, offset, i);
            }
            h = strict ? Bytes.hash(s, at, part.minSize, h) : part.hash(s, at, h);
            if (kind == PACKED) {
                at += part.size(s, at);
            }
        }
        return fold(h);
    }

    @Override
    boolean matches(long value, MemorySegment s, long offset, int kind) {
        long row = value >= 0 ? value : group(value).iterator().nextLong();
        MemorySegment rowSegment = store.segment(row);
        long rowOffset = store.offset(row);
        long at = offset;
        for (int i = 0; i < key.parts.length; i++) {
            TypeLayout part = key.parts[i];
            long mine = key.partOffset(rowSegment, rowOffset, i);
            if (kind == ROW) {
                at = key.partOffset(s, offset, i);
            }
            if (!(strict ? Bytes.same(rowSegment, mine, s, at, part.minSize) : part.equal(rowSegment, mine, s, at))) {
                return false;
            }
            if (kind == PACKED) {
                at += part.size(s, at);
            }
        }
        return true;
    }

    @Override
    public void insert(long row) {
        MemorySegment s = store.segment(row);
        long offset = store.offset(row);
        int hash = hashOf(s, offset, ROW);
        long value = find(hash, s, offset, ROW);
        size++;
        if (value == -1) {
            add(hash, row);
        } else if (value >= 0) {
            int free = freeGroups.nextSetBit(0);
            LongOpenHashSet rows = new LongOpenHashSet(new long[] {value, row});
            if (free >= 0) {
                freeGroups.clear(free);
                groups.set(free, rows);
            } else {
                free = groups.size();
                groups.add(rows);
            }
            replaceValue(hash, value, valueOf(free));
            groupedRows += 2;
        } else {
            group(value).add(row);
            groupedRows++;
        }
    }

    @Override
    public void insertAll(RowPointers rows) {
        for (int i = 0; i < rows.size(); i++) {
            insert(rows.get(i));
        }
    }

    @Override
    public boolean hasEqualKeys() {
        return groupedRows > 0;
    }

    @Override
    public void remove(long row) {
        MemorySegment s = store.segment(row);
        long offset = store.offset(row);
        int hash = hashOf(s, offset, ROW);
        long value = find(hash, s, offset, ROW);
        if (value >= -1) {
            removeValue(hash, row);
        } else {
            LongOpenHashSet rows = group(value);
            Invariants.check(rows.remove(row), "row is not in the index", "row", row);
            groupedRows--;
            if (rows.size() == 1) {
                replaceValue(hash, value, rows.iterator().nextLong());
                int free = (int) (-2 - value);
                groups.set(free, null);
                freeGroups.set(free);
                groupedRows--;
            }
        }
        size--;
    }

    @Override
    public void replace(long row, long by) {
        MemorySegment s = store.segment(by);
        long offset = store.offset(by);
        int hash = hashOf(s, offset, ROW);
        if (hash != hashOf(store.segment(row), store.offset(row), ROW) || !matches(row, s, offset, ROW)) {
            remove(row);
            insert(by);
        } else if (!replaceIfThere(hash, row, by)) {
            LongOpenHashSet rows = group(find(hash, s, offset, ROW));
            Invariants.check(rows.remove(row), "row is not in the index", "row", row);
            rows.add(by);
        }
    }

    @Override
    public long findByRow(MemorySegment row, long offset) {
        long value = find(hashOf(row, offset, ROW), row, offset, ROW);
        return value >= -1 ? value : group(value).iterator().nextLong();
    }

    @Override
    public void point(MemorySegment s, long offset, int length, RowPointers out) {
        key.validateKey(s, offset, length);
        long value = find(hashOf(s, offset, PACKED), s, offset, PACKED);
        if (value >= 0) {
            out.add(value);
        } else if (value != -1) {
            for (LongIterator rows = group(value).iterator(); rows.hasNext();) {
                out.add(rows.nextLong());
            }
        }
    }

    @Override
    public void range(KeyRange range, RowPointers out) {
        throw new EngineException(ErrorCode.WRONG_INDEX_ALGO, "a hash index has no ranges");
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void clear() {
        forgetAll();
        groups.clear();
        freeGroups.clear();
        size = 0;
        groupedRows = 0;
    }

    @Override
    public long memoryBytes() {
        return tableBytes() + groups.size() * (long) GROUP_BYTES + groupedRows * 16;
    }
}
