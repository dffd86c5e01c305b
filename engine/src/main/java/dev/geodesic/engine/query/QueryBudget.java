package dev.geodesic.engine.query;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;

/**
 * What one run of a query may still use. A join of a few small tables can have more combinations of rows than anybody can
 * wait for, or hold in memory. Not thread-safe.
 */
public final class QueryBudget {

    private static final int STEPS_PER_CLOCK = 1_024;
    private static final long NANOS_PER_MILLI = 1_000_000;
    /** What keeping a few bytes costs beside them; about. */
    private static final int ENTRY_BYTES = 64;

    /** What a query without an index may take of the time in which nobody can write. */
    private static final int ON_WRITER = 10;

    private final Limits limits;
    private final long millis;
    private final long start = System.nanoTime();
    private int steps;
    private long bytes;
    private long ordered;

    public QueryBudget(Limits limits) {
        this(limits, limits.callMillisMax());
    }

    private QueryBudget(Limits limits, long millis) {
        this.limits = limits;
        this.millis = millis;
    }

    /** For queries of any shape that run on the writer thread. */
    public static QueryBudget onWriter(Limits limits) {
        return new QueryBudget(limits, Math.max(1, limits.callMillisMax() / ON_WRITER));
    }

    /** Counts one row that is looked at. Errors: LIMIT_EXCEEDED. */
    public void step() {
        if (++steps % STEPS_PER_CLOCK == 0 && System.nanoTime() - start > millis * NANOS_PER_MILLI) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    millis == limits.callMillisMax()
                            ? "the query runs longer than the limit call-millis-max of " + millis
                            : "the query runs longer than " + millis + " milliseconds, a tenth of the limit call-millis-max");
        }
    }

    /** A sink that keeps the rows of a join in memory: they are not limited by what the tables hold. */
    RowSink limit(RowSink sink) {
        return (segment, offset, length) -> {
            keep(length);
            sink.row(segment, offset, length);
        };
    }

    private void keep(int length) {
        bytes += length;
        checkKept(bytes);
    }

    /**
     * Counts bytes that a sorted, grouped or distinct result keeps before its first row can be given; less than zero if it
     * keeps fewer again. Errors: LIMIT_EXCEEDED.
     */
    void keepInOrder(int count) {
        ordered += count + (count < 0 ? -ENTRY_BYTES : ENTRY_BYTES);
        if (ordered > limits.reads().sortBytesMax()) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "ORDER BY, GROUP BY or DISTINCT keeps more bytes than the limit read-sort-bytes-max of "
                            + limits.reads().sortBytesMax());
        }
    }

    /** Whether so many bytes of the rows of a join may be in memory. Errors: LIMIT_EXCEEDED. */
    public void checkKept(long kept) {
        if (kept > limits.queueBytesMax()) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "the result of the join has more bytes than the limit queue-bytes-max of " + limits.queueBytesMax());
        }
    }
}
