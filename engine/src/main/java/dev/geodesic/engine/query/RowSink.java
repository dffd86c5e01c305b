package dev.geodesic.engine.query;

import java.lang.foreign.MemorySegment;

/** Takes the rows of a result. */
@FunctionalInterface
public interface RowSink {

    /** One row as BSATN of the result's product type; the bytes are valid during the call only. */
    void row(MemorySegment segment, long offset, int length);
}
