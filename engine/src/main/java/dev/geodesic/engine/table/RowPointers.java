package dev.geodesic.engine.table;

import java.util.Arrays;

/** A growable list of row pointers. Not thread-safe. */
public final class RowPointers {

    private long[] rows = new long[8];
    private int size;

    public void add(long row) {
        if (size == rows.length) {
            rows = Arrays.copyOf(rows, size * 2);
        }
        rows[size++] = row;
    }

    public long get(int index) {
        if (index >= size) {
            throw new IndexOutOfBoundsException(index);
        }
        return rows[index];
    }

    public int size() {
        return size;
    }

    public void clear() {
        size = 0;
    }

    /** Keeps the first {@code newSize} entries. */
    public void truncate(int newSize) {
        if (newSize < 0 || newSize > size) {
            throw new IndexOutOfBoundsException(newSize);
        }
        size = newSize;
    }

    public void set(int index, long row) {
        if (index >= size) {
            throw new IndexOutOfBoundsException(index);
        }
        rows[index] = row;
    }
}
