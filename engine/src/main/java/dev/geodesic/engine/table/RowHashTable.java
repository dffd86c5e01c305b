package dev.geodesic.engine.table;

import dev.geodesic.engine.base.Invariants;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A hash table of longs that stand for rows, without the rows: 32 bits of each one's hash are kept, and subclasses say
 * whether a value with the right hash matches. Extendible hashing over small open-addressed segments, so that no
 * insert rehashes more than one segment: a table of ten million rows grows without a pause.
 */
abstract class RowHashTable {

    private static final int SLOTS_START = 8;
    private static final int SLOTS_MAX = 4096;
    /** Beyond this many hash bits in the directory, segments grow instead; reached by billions of rows only. */
    private static final int DEPTH_MAX = 20;
    private static final int SEGMENT_BYTES = 72;

    /* Holds after every call: the directory has 2^depth places; a segment of depth d stands in 2^(depth - d) neighbouring
       places and has all values whose hash starts with the d bits of these places; slots with hash 0 are free; no value is
       separated from its home slot by a free one. */
    private Segment[] directory = {new Segment(0, SLOTS_START)};
    private int depth;
    private long count;
    private long bytes = directory[0].bytes();

    private static final class Segment {
        final int depth;
        int[] hashes;
        long[] values;
        int count;

        Segment(int depth, int slots) {
            this.depth = depth;
            hashes = new int[slots];
            values = new long[slots];
        }

        long bytes() {
            return SEGMENT_BYTES + hashes.length * 12L;
        }

        void add(int hash, long value) {
            int mask = hashes.length - 1;
            int i = hash & mask;
            while (hashes[i] != 0) {
                i = i + 1 & mask;
            }
            hashes[i] = hash;
            values[i] = value;
            count++;
        }

        int slotOf(int hash, long value) {
            int mask = hashes.length - 1;
            for (int i = hash & mask; hashes[i] != 0; i = i + 1 & mask) {
                if (hashes[i] == hash && values[i] == value) {
                    return i;
                }
            }
            return -1;
        }

        /** Empties a slot and moves up what stands behind it away from home. */
        void empty(int slot) {
            int mask = hashes.length - 1;
            int hole = slot;
            for (int i = slot + 1 & mask; hashes[i] != 0; i = i + 1 & mask) {
                int home = hashes[i] & mask;
                if ((i - home & mask) >= (i - hole & mask)) {
                    hashes[hole] = hashes[i];
                    values[hole] = values[i];
                    hole = i;
                }
            }
            hashes[hole] = 0;
            count--;
        }
    }

    /** Whether a value with the hash of the probe is what the probe asks for. */
    abstract boolean matches(long value, MemorySegment s, long offset, int kind);

    /** 32 bits for {@link #find}, never 0. */
    static int fold(long hash) {
        int h = (int) (hash ^ hash >>> 32);
        return h == 0 ? 1 : h;
    }

    private Segment segment(int hash) {
        return directory[depth == 0 ? 0 : hash >>> Integer.SIZE - depth];
    }

    /** The value that matches the probe {@code (s, offset, kind)}, or -1. */
    final long find(int hash, MemorySegment s, long offset, int kind) {
        Segment g = segment(hash);
        int[] hashes = g.hashes;
        int mask = hashes.length - 1;
        for (int i = hash & mask;; i = i + 1 & mask) {
            int h = hashes[i];
            if (h == 0) {
                return -1;
            }
            if (h == hash && matches(g.values[i], s, offset, kind)) {
                return g.values[i];
            }
        }
    }

    final void add(int hash, long value) {
        Segment g = segment(hash);
        while (g.count >= g.hashes.length / 4 * 3) {
            grow(g, hash);
            g = segment(hash);
        }
        g.add(hash, value);
        count++;
    }

    final void removeValue(int hash, long value) {
        Segment g = segment(hash);
        int slot = g.slotOf(hash, value);
        Invariants.check(slot >= 0, "row is not in the hash table", "row", value);
        g.empty(slot);
        count--;
    }

    final void replaceValue(int hash, long value, long newValue) {
        Invariants.check(replaceIfThere(hash, value, newValue), "row is not in the hash table", "row", value);
    }

    final boolean replaceIfThere(int hash, long value, long newValue) {
        Segment g = segment(hash);
        int slot = g.slotOf(hash, value);
        if (slot < 0) {
            return false;
        }
        g.values[slot] = newValue;
        return true;
    }

    private void grow(Segment g, int hash) {
        bytes -= g.bytes();
        if (g.hashes.length < SLOTS_MAX || g.depth == DEPTH_MAX) {
            Segment larger = new Segment(g.depth, g.hashes.length * 2);
            copy(g, larger, larger, 0);
            g.hashes = larger.hashes;
            g.values = larger.values;
            bytes += g.bytes();
            return;
        }
        if (g.depth == depth) {
            Segment[] doubled = new Segment[directory.length * 2];
            for (int i = 0; i < doubled.length; i++) {
                doubled[i] = directory[i >> 1];
            }
            bytes += directory.length * 4L;
            directory = doubled;
            depth++;
        }
        Segment low = new Segment(g.depth + 1, SLOTS_MAX);
        Segment high = new Segment(g.depth + 1, SLOTS_MAX);
        copy(g, low, high, Integer.MIN_VALUE >>> g.depth);
        int places = 1 << depth - g.depth;
        int first = (g.depth == 0 ? 0 : hash >>> Integer.SIZE - g.depth) << depth - g.depth;
        for (int i = 0; i < places; i++) {
            directory[first + i] = i < places / 2 ? low : high;
        }
        bytes += low.bytes() + high.bytes();
    }

    private static void copy(Segment from, Segment low, Segment high, int bit) {
        for (int i = 0; i < from.hashes.length; i++) {
            int h = from.hashes[i];
            if (h != 0) {
                ((h & bit) == 0 ? low : high).add(h, from.values[i]);
            }
        }
    }

    /** Number of values. */
    final long count() {
        return count;
    }

    final void forgetAll() {
        if (count == 0) {
            return;
        }
        if (depth == 0 && directory[0].hashes.length <= SLOTS_START * 8) {
            Arrays.fill(directory[0].hashes, 0);
            directory[0].count = 0;
        } else {
            directory = new Segment[] {new Segment(0, SLOTS_START)};
            depth = 0;
            bytes = directory[0].bytes();
        }
        count = 0;
    }

    final long tableBytes() {
        return bytes;
    }
}
