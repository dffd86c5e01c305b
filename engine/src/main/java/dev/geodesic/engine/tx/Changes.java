package dev.geodesic.engine.tx;

/** A queue of (row, step), in pieces, so that it grows and shrinks without copying. */
final class Changes {

    static final long ENTRY_BYTES = 16;
    private static final int PIECE = 4_096;

    private static final class Piece {
        private final long[] values = new long[PIECE];
        private Piece next;
    }

    private Piece first = new Piece();
    private Piece last = first;
    private int start;
    private int end;
    private long size;

    void add(long row, long step) {
        if (end == PIECE) {
            last.next = new Piece();
            last = last.next;
            end = 0;
        }
        last.values[end++] = row;
        last.values[end++] = step;
        size++;
    }

    boolean isEmpty() {
        return size == 0;
    }

    long firstRow() {
        return first.values[start];
    }

    long firstStep() {
        return first.values[start + 1];
    }

    void removeFirst() {
        start += 2;
        size--;
        if (start == PIECE && size > 0) {
            first = first.next;
            start = 0;
        } else if (size == 0) {
            first = last;
            start = end;
        }
    }

    long memoryBytes() {
        return size * ENTRY_BYTES;
    }
}
