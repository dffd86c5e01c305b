package dev.geodesic.engine.tx;

import dev.geodesic.engine.schema.SequenceSchema;
import java.math.BigInteger;

/**
 * The counter of one auto-increment column. It stands outside of rollback: a value that was taken is gone. Values come
 * from blocks of {@link #BLOCK}; the end of a block is a row of {@code st_sequence}, written in the transaction that
 * needs the block, so that a value of a durable transaction is never handed out again (spec/durability.md 2.3).
 *
 * <p>Bounds outside of a {@code long} are cut to it: no counter gets there. Writer thread only.
 */
public final class SequenceState {

    /** Values reserved at once. */
    public static final int BLOCK = 4096;

    private static final BigInteger LONG_MIN = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger LONG_MAX = BigInteger.valueOf(Long.MAX_VALUE);

    private final SequenceSchema schema;
    private final long increment;
    private final long min;
    private final long max;
    private long next;
    private long allocated;
    private int left;

    /** @param allocated the recorded end of the last block, or the start of a new sequence */
    public SequenceState(SequenceSchema schema, BigInteger allocated) {
        this.schema = schema;
        this.increment = clamp(schema.increment());
        this.min = clamp(schema.minValue());
        this.max = clamp(schema.maxValue());
        this.next = clamp(allocated);
        this.allocated = next;
    }

    private static long clamp(BigInteger v) {
        return v.max(LONG_MIN).min(LONG_MAX).longValue();
    }

    public SequenceSchema schema() {
        return schema;
    }

    /** True if {@link #reserveBlock} must be called, and its result recorded, before {@link #take}. */
    boolean needsBlock() {
        return left == 0;
    }

    /** Reserves a block and returns its end, the first value behind it. */
    long reserveBlock() {
        for (int i = 0; i < BLOCK; i++) {
            allocated = step(allocated);
        }
        left = BLOCK;
        return allocated;
    }

    long take() {
        long value = next;
        next = step(next);
        left--;
        return value;
    }

    /** The record of the block was rolled back: the next value needs a new one. */
    void blockLost() {
        left = 0;
        allocated = next;
    }

    private long step(long value) {
        if (increment >= 0) {
            return value > max - increment ? min : value + increment;
        }
        return value < min - increment ? max : value + increment;
    }
}
