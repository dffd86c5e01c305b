package dev.geodesic.engine.table;

import dev.geodesic.engine.base.Invariants;
import it.unimi.dsi.fastutil.longs.LongArrays;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A B+tree of (key prefix, row pointer). The prefix is the first 64 bits of the key in an order-preserving form, or the
 * first 128 where 64 do not hold it. Only where these are equal and do not decide, the keys are compared in the rows'
 * bytes. Entries with equal keys are ordered by row pointer, so every entry has one place.
 *
 * <p>An inner node holds for each child the first entry below it (the one at 0 is not used). These entries are kept up
 * to date, because comparing with one may read its row. Leaves are chained in order.
 */
final class OrderedIndex implements TableIndex {

    private static final int LEAF_MAX = 64;
    private static final int INNER_MAX = 64;
    private static final int LEAF_MIN = LEAF_MAX / 4;
    private static final int INNER_MIN = INNER_MAX / 4;
    private static final int LEAF_START = 8;
    private static final int NODE_BYTES = 56;
    /** How many places are remembered, a power of 2, and what that takes. */
    private static final int PLACES = 16;
    private static final int PLACES_BYTES = 2 * 16 + PLACES * 8;
    /** Row of a target that stands before, or behind, all entries with an equal key. */
    private static final long FIRST = -1;
    private static final long LAST = Long.MAX_VALUE;

    /* Holds after every call: entries rise strictly; every node but the root holds at least one entry; all leaves are
       equally deep; size is the number of entries in leaves; tail is the last leaf; a leaf that has left the tree is empty. */
    private final KeyLayout key;
    private final TableStore store;
    private Node root;
    private Node tail;
    private long size;
    private long bytes;

    // Where the writer found entries last, by a hash of their prefixes: who changes them next need not search again. A place
    // is a guess, because leaves change.
    private Node[] foundIn;
    private int[] foundAt;

    // Set by a removal that took the first entry of a node away: the entry that is first there now.
    private boolean firstChanged;
    private long firstKey;
    private long firstSecond;
    private long firstRow;

    OrderedIndex(KeyLayout key, TableStore store) {
        this.key = key;
        this.store = store;
        makeEmpty();
    }

    private void makeEmpty() {
        root = new Node(LEAF_START, false, key.hasSecond);
        tail = root;
        bytes = root.bytes();
        foundIn = null;
        foundAt = null;
    }

    private static final class Node {
        long[] keys;
        long[] seconds; // null if the key has none
        long[] rows;
        Node[] children; // null in a leaf
        int count;
        Node next; // leaves only
        Node previous;

        Node(int capacity, boolean inner, boolean hasSeconds) {
            keys = new long[capacity];
            seconds = hasSeconds ? new long[capacity] : null;
            rows = new long[capacity];
            children = inner ? new Node[capacity] : null;
        }

        boolean isLeaf() {
            return children == null;
        }

        long bytes() {
            return NODE_BYTES + keys.length * ((seconds == null ? 16L : 24L) + (isLeaf() ? 0 : 4));
        }

        long second(int at) {
            return seconds == null ? 0 : seconds[at];
        }

        void set(int at, long key, long second, long row) {
            keys[at] = key;
            rows[at] = row;
            if (seconds != null) {
                seconds[at] = second;
            }
        }

        void setFirstOf(int at, Node n) {
            set(at, n.keys[0], n.second(0), n.rows[0]);
        }

        void grow() {
            keys = Arrays.copyOf(keys, keys.length * 2);
            rows = Arrays.copyOf(rows, keys.length);
            seconds = seconds == null ? null : Arrays.copyOf(seconds, keys.length);
        }

        void open(int at) {
            move(at, this, at + 1, count - at);
            count++;
        }

        void close(int at) {
            move(at + 1, this, at, count - at - 1);
            count--;
            if (children != null) {
                children[count] = null;
            }
        }

        /** Gives an entry another row and another place among entries with the same key. */
        void moveRow(int from, int to, long row) {
            if (from < to) {
                System.arraycopy(rows, from + 1, rows, from, to - from);
            } else {
                System.arraycopy(rows, to, rows, to + 1, from - to);
            }
            rows[to] = row;
        }

        void moveTo(Node target, int from) {
            move(from, target, target.count, count - from);
            if (children != null) {
                Arrays.fill(children, from, count, null);
            }
            target.count += count - from;
            count = from;
        }

        private void move(int from, Node target, int to, int length) {
            System.arraycopy(keys, from, target.keys, to, length);
            System.arraycopy(rows, from, target.rows, to, length);
            if (seconds != null) {
                System.arraycopy(seconds, from, target.seconds, to, length);
            }
            if (children != null) {
                System.arraycopy(children, from, target.children, to, length);
            }
        }
    }

    /**
     * A place in the order. In a tree of exact prefixes the numbers {@code (key, row)} are a place, and targets are null.
     * Elsewhere a target is an encoded row, or a packed key in two pieces (prefix and bound) that may leave the last parts
     * open. Only entries between {@code min} and {@code max} need a look at their rows; if both are equal, only those of
     * them whose second number lies between {@code secondMin} and {@code secondMax}.
     */
    private record Target(
            long min,
            long max,
            long secondMin,
            long secondMax,
            long row,
            MemorySegment segment,
            long offset,
            int parts,
            long boundOffset,
            int boundEnd) {

        static final int WHOLE_ROW = -1;

        /** What decides in a tree of exact prefixes. */
        long exactKey() {
            return row == LAST ? max : min;
        }
    }

    private Target ofRow(long prefix, long row, MemorySegment s, long offset) {
        long second = key.rowSecond(s, offset);
        return new Target(prefix, prefix, second, second, row, s, offset, Target.WHOLE_ROW, 0, 0);
    }

    private Target packed(MemorySegment s, long offset, int parts, long boundOffset, int boundEnd, long row) {
        long prefix = key.packedPrefix(s, offset, 0, parts) | key.packedPrefix(s, boundOffset, parts, boundEnd);
        long secondMin = Long.MIN_VALUE;
        long secondMax = Long.MAX_VALUE;
        if (key.hasSecond && key.cutPart < boundEnd) {
            secondMin = key.cutPart < parts ? key.packedSecond(s, offset, 0) : key.packedSecond(s, boundOffset, parts);
            secondMax = secondMin;
        }
        return new Target(
                prefix ^ Long.MIN_VALUE, (prefix | key.freeBits(boundEnd)) ^ Long.MIN_VALUE, secondMin, secondMax, row, s, offset,
                parts, boundOffset, boundEnd);
    }

    /** Sign of (key of the entry - key of the target), from the row's bytes. */
    private int compareKey(long entryRow, Target t) {
        MemorySegment s = store.segment(entryRow);
        long at = store.offset(entryRow);
        if (t.parts == Target.WHOLE_ROW) {
            return key.compareRows(s, at, t.segment, t.offset);
        }
        int c = key.compareRowWithPacked(s, at, t.segment, t.offset, 0, t.parts);
        return c != 0 ? c : key.compareRowWithPacked(s, at, t.segment, t.boundOffset, t.parts, t.boundEnd);
    }

    private boolean hasKey(Node n, int i, Target t) {
        if (n.keys[i] < t.min || n.keys[i] > t.max) {
            return false;
        }
        if (key.exact) {
            return true;
        }
        if (n.seconds != null && t.min == t.max && (n.seconds[i] < t.secondMin || n.seconds[i] > t.secondMax)) {
            return false;
        }
        return compareKey(n.rows[i], t) == 0;
    }

    /** First entry from {@code from} on that is not before the target, or before {@code (key, row)} if that is null. */
    private int search(Node n, int from, long key, long row, Target t) {
        return t == null ? searchExact(n, from, key, row) : searchFull(n, from, t);
    }

    private static int searchExact(Node n, int from, long key, long row) {
        int at = lowerBound(n.keys, from, n.count, key);
        int end = n.count;
        if (row == FIRST || at == end || n.keys[at] != key) {
            return at;
        }
        while (at < end) {
            int middle = at + end >>> 1;
            if (n.keys[middle] == key && n.rows[middle] < row) {
                at = middle + 1;
            } else {
                end = middle;
            }
        }
        return at;
    }

    /** First place whose key is not below {@code key}. Without branches that depend on the keys: those are not predictable. */
    private static int lowerBound(long[] keys, int from, int to, long key) {
        int length = to - from;
        while (length > 1) {
            int half = length >>> 1;
            from += keys[from + half - 1] < key ? half : 0;
            length -= half;
        }
        return length == 1 && keys[from] < key ? from + 1 : from;
    }

    private static int upperBound(long[] keys, int from, int to, long key) {
        return key == Long.MAX_VALUE ? to : lowerBound(keys, from, to, key + 1);
    }

    private int searchFull(Node n, int from, Target t) {
        from = lowerBound(n.keys, from, n.count, t.min);
        int to = upperBound(n.keys, from, n.count, t.max);
        if (n.seconds != null && t.min == t.max) {
            from = lowerBound(n.seconds, from, to, t.secondMin);
            to = upperBound(n.seconds, from, to, t.secondMax);
        }
        while (from < to) {
            int middle = from + to >>> 1;
            long row = n.rows[middle];
            int c = row == t.row ? 0 : compareKey(row, t);
            if (c < 0 || c == 0 && row < t.row) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        return from;
    }

    /** The child in which the target lies, or would lie. */
    private int childOf(Node n, long key, long row, Target t) {
        int i = search(n, 1, key, row, t);
        return i < n.count && n.rows[i] == row ? i : i - 1;
    }

    private Node leafOf(long key, long row, Target t) {
        Node n = root;
        while (!n.isLeaf()) {
            n = n.children[childOf(n, key, row, t)];
        }
        return n;
    }

    private Node leafOf(Target t) {
        return key.exact ? leafOf(t.exactKey(), t.row, null) : leafOf(t.min, t.row, t);
    }

    private int search(Node n, Target t) {
        return key.exact ? searchExact(n, 0, t.exactKey(), t.row) : searchFull(n, 0, t);
    }

    @Override
    public void insert(long row) {
        MemorySegment s = store.segment(row);
        long at = store.offset(row);
        long prefix = key.rowPrefix(s, at);
        size++;
        if (tail.count < tail.keys.length && isBehindLast(prefix, row)) {
            tail.set(tail.count++, prefix, key.rowSecond(s, at), row);
            return;
        }
        Node right = insert(root, prefix, row, key.exact ? null : ofRow(prefix, row, s, at));
        if (right != null) {
            Node top = newNode(INNER_MAX, true);
            top.children[0] = root;
            top.children[1] = right;
            top.setFirstOf(1, right);
            top.count = 2;
            root = top;
        }
    }

    /** Whether an entry comes behind all others; false if that takes a look at the rows. */
    private boolean isBehindLast(long prefix, long row) {
        int last = tail.count - 1;
        return last >= 0
                && (prefix > tail.keys[last] || key.exact && prefix == tail.keys[last] && row > tail.rows[last]);
    }

    /** By rising prefix, so that neighbours come one after the other and the nodes on the way are in the caches. */
    @Override
    public void insertAll(RowPointers rows) {
        long[] prefixes = new long[rows.size()];
        long[] sorted = new long[rows.size()];
        boolean rising = true;
        for (int i = 0; i < sorted.length; i++) {
            long row = rows.get(i);
            prefixes[i] = key.rowPrefix(store.segment(row), store.offset(row));
            sorted[i] = row;
            rising &= i == 0 || prefixes[i - 1] < prefixes[i] || prefixes[i - 1] == prefixes[i] && sorted[i - 1] < row;
        }
        if (!rising) {
            LongArrays.radixSort(prefixes, sorted);
        }
        for (long row : sorted) {
            insert(row);
        }
    }

    @Override
    public boolean hasEqualKeys() {
        Node n = root;
        while (!n.isLeaf()) {
            n = n.children[0];
        }
        Node before = n;
        int last = 0;
        int i = 1;
        for (; n != null; n = n.next, i = 0) {
            for (; i < n.count; i++) {
                if (n.keys[i] == before.keys[last] && n.second(i) == before.second(last)
                        && (key.exact || compareRows(n.rows[i], before.rows[last]) == 0)) {
                    return true;
                }
                before = n;
                last = i;
            }
        }
        return false;
    }

    private int compareRows(long a, long b) {
        return key.compareRows(store.segment(a), store.offset(a), store.segment(b), store.offset(b));
    }

    private Node newNode(int capacity, boolean inner) {
        Node n = new Node(capacity, inner, key.hasSecond);
        bytes += n.bytes();
        return n;
    }

    /** Returns the new right neighbour if the node was split; its first entry stands in its place 0. */
    private Node insert(Node n, long prefix, long row, Target t) {
        if (n.isLeaf()) {
            int i = search(n, 0, prefix, row, t);
            Invariants.check(i == n.count || n.rows[i] != row, "row is in the index already", "row", row);
            Node right = split(n, i);
            Node into = right != null && i > n.count ? right : n;
            int at = into == n ? i : i - n.count;
            if (right != null && right.count == 0) {
                into = right;
                at = 0;
            }
            into.open(at);
            into.set(at, prefix, t == null ? 0 : t.secondMin, row);
            return right;
        }
        int i = childOf(n, prefix, row, t);
        Node child = insert(n.children[i], prefix, row, t);
        if (child == null) {
            return null;
        }
        i++;
        Node right = split(n, i);
        Node into = n;
        if (right != null && (i > n.count || right.count == 0)) {
            i -= n.count;
            into = right;
        }
        into.open(i);
        into.setFirstOf(i, child);
        into.children[i] = child;
        return right;
    }

    /** Makes room for an entry at {@code at}; returns the right neighbour if that took a split. */
    private Node split(Node n, int at) {
        if (n.count < n.keys.length) {
            return null;
        }
        int max = n.isLeaf() ? LEAF_MAX : INNER_MAX;
        if (n.keys.length < max) {
            bytes -= n.bytes();
            n.grow();
            bytes += n.bytes();
            return null;
        }
        Node right = newNode(max, !n.isLeaf());
        // Keys that only rise fill their nodes: the new entry alone moves on.
        if (at < n.count || n.next != null) {
            n.moveTo(right, max / 2);
        }
        if (n.isLeaf()) {
            right.next = n.next;
            right.previous = n;
            if (n.next != null) {
                n.next.previous = right;
            } else {
                tail = right;
            }
            n.next = right;
        }
        return right;
    }

    @Override
    public void remove(long row) {
        MemorySegment s = store.segment(row);
        long at = store.offset(row);
        long prefix = key.rowPrefix(s, at);
        int place = placeOf(prefix);
        Node leaf = noted(place, prefix);
        if (leaf != null && leaf.rows[foundAt[place]] == row && leaf.count > LEAF_MIN) {
            leaf.close(foundAt[place]);
            size--;
            return;
        }
        firstChanged = false;
        remove(root, prefix, row, key.exact ? null : ofRow(prefix, row, s, at));
        firstChanged = false;
        while (!root.isLeaf() && root.count == 1) {
            bytes -= root.bytes();
            root = root.children[0];
        }
        size--;
    }

    private void remove(Node n, long prefix, long row, Target t) {
        if (n.isLeaf()) {
            int i = search(n, 0, prefix, row, t);
            Invariants.check(i < n.count && n.rows[i] == row, "row is not in the index", "row", row);
            n.close(i);
            noteFirst(n, i);
            return;
        }
        int i = childOf(n, prefix, row, t);
        Node child = n.children[i];
        remove(child, prefix, row, t);
        if (child.count == 0) {
            unlink(child);
            n.close(i);
            firstChanged = false;
            noteFirst(n, i);
            return;
        }
        if (firstChanged && i > 0) {
            n.set(i, firstKey, firstSecond, firstRow);
            firstChanged = false;
        }
        if (child.count < (child.isLeaf() ? LEAF_MIN : INNER_MIN)) {
            if (i + 1 < n.count) {
                merge(n, i);
            } else if (i > 0) {
                merge(n, i - 1);
            }
        }
    }

    private void noteFirst(Node n, int removedAt) {
        if (removedAt == 0 && n.count > 0) {
            firstChanged = true;
            firstKey = n.keys[0];
            firstSecond = n.second(0);
            firstRow = n.rows[0];
        }
    }

    /** Moves the entries of child {@code i + 1} into child {@code i} if there is ample room. */
    private void merge(Node n, int i) {
        Node left = n.children[i];
        Node right = n.children[i + 1];
        int max = left.isLeaf() ? LEAF_MAX : INNER_MAX;
        if (left.count + right.count > max * 3 / 4) {
            return;
        }
        if (!right.isLeaf()) {
            right.set(0, n.keys[i + 1], n.second(i + 1), n.rows[i + 1]);
        }
        right.moveTo(left, 0);
        unlink(right);
        n.close(i + 1);
    }

    private void unlink(Node n) {
        bytes -= n.bytes();
        if (n.previous != null) {
            n.previous.next = n.next;
        }
        if (n.next != null) {
            n.next.previous = n.previous;
        } else if (n == tail) {
            tail = n.previous;
        }
    }

    private static int placeOf(long prefix) {
        return (int) (prefix * 0x9e3779b97f4a7c15L >>> Long.SIZE - 4) & PLACES - 1;
    }

    /** Remembers where an entry is. */
    private void note(Node leaf, int at) {
        if (foundIn == null) {
            foundIn = new Node[PLACES];
            foundAt = new int[PLACES];
        }
        int place = placeOf(leaf.keys[at]);
        foundIn[place] = leaf;
        foundAt[place] = at;
    }

    /** The leaf remembered for a prefix if it has an entry with it there, behind its first one; or null. */
    private Node noted(int place, long prefix) {
        Node leaf = foundIn == null ? null : foundIn[place];
        int at = leaf == null ? 0 : foundAt[place];
        return at > 0 && at < leaf.count && leaf.keys[at] == prefix ? leaf : null;
    }

    @Override
    public void replace(long row, long by) {
        MemorySegment s = store.segment(row);
        long at = store.offset(row);
        MemorySegment t = store.segment(by);
        long to = store.offset(by);
        long prefix = key.rowPrefix(s, at);
        if (prefix != key.rowPrefix(t, to) || !key.exact && key.compareRows(s, at, t, to) != 0
                || !replaceWithEqualKey(prefix, row, by, s, at)) {
            remove(row);
            insert(by);
        }
    }

    /** False, and nothing has changed, if the new entry belongs into another leaf, or if only the rows could tell. */
    private boolean replaceWithEqualKey(long prefix, long row, long by, MemorySegment s, long offset) {
        int place = placeOf(prefix);
        Node leaf = noted(place, prefix);
        if (leaf != null && leaf.rows[foundAt[place]] == row) {
            int to = placeOf(leaf, foundAt[place], by);
            if (to > 0) {
                leaf.moveRow(foundAt[place], to, by);
                return true;
            }
        }
        Target t = key.exact ? null : ofRow(prefix, row, s, offset);
        Node above = null;
        int aboveAt = 0;
        Node n = root;
        while (!n.isLeaf()) {
            int i = childOf(n, prefix, row, t);
            if (i > 0) {
                above = n;
                aboveAt = i;
            }
            n = n.children[i];
        }
        int i = search(n, 0, prefix, row, t);
        Invariants.check(i < n.count && n.rows[i] == row, "row is not in the index", "row", row);
        int to = placeOf(n, i, by);
        if (to < 0) {
            return false;
        }
        n.moveRow(i, to, by);
        if (above != null) {
            // The leaf's first entry: its key is the same as before.
            above.rows[aboveAt] = n.rows[0];
        }
        return true;
    }

    /** Where in its leaf an entry belongs once it has another row with an equal key; -1 if elsewhere. */
    private int placeOf(Node leaf, int at, long by) {
        int to = at;
        while (to + 1 < leaf.count && leaf.rows[to + 1] < by && looksEqual(leaf, to + 1, leaf, at)) {
            to++;
        }
        while (to > 0 && leaf.rows[to - 1] > by && looksEqual(leaf, to - 1, leaf, at)) {
            to--;
        }
        if (to != at && !key.exact) {
            return -1;
        }
        Node before = leaf.previous;
        Node after = leaf.next;
        boolean fits = (to > 0 || before == null || before.rows[before.count - 1] < by
                        || !looksEqual(before, before.count - 1, leaf, at))
                && (to + 1 < leaf.count || after == null || after.rows[0] > by || !looksEqual(after, 0, leaf, at));
        return fits ? to : -1;
    }

    private static boolean looksEqual(Node a, int i, Node b, int j) {
        return a.keys[i] == b.keys[j] && a.second(i) == b.second(j);
    }

    @Override
    public long findByRow(MemorySegment row, long offset) {
        long prefix = key.rowPrefix(row, offset);
        if (tail.count == 0 || prefix > tail.keys[tail.count - 1]) {
            return TableStore.NO_ROW;
        }
        int place = placeOf(prefix);
        Node leaf = noted(place, prefix);
        if (leaf != null && key.exact && leaf.keys[foundAt[place] - 1] != prefix) {
            return leaf.rows[foundAt[place]];
        }
        Target t = key.exact ? null : ofRow(prefix, FIRST, row, offset);
        Node n = leafOf(prefix, FIRST, t);
        int i = search(n, 0, prefix, FIRST, t);
        if (i == n.count) {
            n = n.next;
            i = 0;
            if (n == null) {
                return TableStore.NO_ROW;
            }
        }
        if (t == null ? n.keys[i] != prefix : !hasKey(n, i, t)) {
            return TableStore.NO_ROW;
        }
        note(n, i);
        return n.rows[i];
    }

    @Override
    public void point(MemorySegment s, long offset, int length, RowPointers out) {
        point(s, offset, length, out, false);
    }

    @Override
    public void pointToChange(MemorySegment s, long offset, int length, RowPointers out) {
        point(s, offset, length, out, true);
    }

    private void point(MemorySegment s, long offset, int length, RowPointers out, boolean note) {
        key.validateKey(s, offset, length);
        Target first = packed(s, offset, key.parts.length, 0, key.parts.length, FIRST);
        Node n = leafOf(first);
        int i = search(n, first);
        boolean found = false;
        for (; n != null; n = n.next, i = 0) {
            for (; i < n.count; i++) {
                if (!hasKey(n, i, first)) {
                    return;
                }
                if (note && !found) {
                    note(n, i);
                    found = true;
                }
                out.add(n.rows[i]);
            }
        }
    }

    @Override
    public void range(KeyRange r, RowPointers out) {
        int parts = r.prefixElements();
        if (parts < 0 || parts >= key.parts.length) {
            throw TypeLayout.malformed("a prefix of " + Integer.toUnsignedString(parts)
                    + " elements leaves no column for the bounds");
        }
        MemorySegment s = r.segment();
        if (parts > 0) {
            key.validateParts(s, r.prefixOffset(), r.prefixLength(), 0, parts);
        }
        int end = key.boundEnd(parts);
        int startKind = validateBound(s, r.startOffset(), r.startLength(), parts, end);
        int endKind = validateBound(s, r.endOffset(), r.endLength(), parts, end);
        if (startKind != UNBOUNDED && endKind != UNBOUNDED) {
            int c = key.comparePacked(s, r.startOffset() + 1, r.endOffset() + 1, parts, end);
            if (c > 0 || c == 0 && (startKind == EXCLUSIVE || endKind == EXCLUSIVE)) {
                return;
            }
        }
        Target from = packed(s, r.prefixOffset(), parts, r.startOffset() + 1, startKind == UNBOUNDED ? parts : end,
                startKind == EXCLUSIVE ? LAST : FIRST);
        Target to = packed(s, r.prefixOffset(), parts, r.endOffset() + 1, endKind == UNBOUNDED ? parts : end,
                endKind == EXCLUSIVE ? FIRST : LAST);
        copy(from, to, out);
    }

    private void copy(Target from, Target to, RowPointers out) {
        Node last = leafOf(to);
        int lastEnd = search(last, to);
        Node n = leafOf(from);
        int i = search(n, from);
        while (n != last) {
            for (; i < n.count; i++) {
                out.add(n.rows[i]);
            }
            n = n.next;
            i = 0;
        }
        for (; i < lastEnd; i++) {
            out.add(n.rows[i]);
        }
    }

    private static final int EXCLUSIVE = 1;
    private static final int UNBOUNDED = 2;

    private int validateBound(MemorySegment s, long offset, int length, int from, int to) {
        if (length < 1) {
            throw TypeLayout.tooShort("bound", 1, length);
        }
        int kind = Bytes.getU8(s, offset);
        if (kind > UNBOUNDED) {
            throw TypeLayout.malformed("unknown tag 0x" + Integer.toHexString(kind) + " for a bound");
        }
        if (kind != UNBOUNDED) {
            key.validateParts(s, offset + 1, length - 1L, from, to);
        }
        return kind;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void clear() {
        if (!root.isLeaf()) {
            makeEmpty();
        }
        root.count = 0;
        size = 0;
    }

    @Override
    public long memoryBytes() {
        return bytes + (foundIn == null ? 0 : PLACES_BYTES);
    }
}
