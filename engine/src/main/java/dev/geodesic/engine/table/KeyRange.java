package dev.geodesic.engine.table;

import java.lang.foreign.MemorySegment;

/**
 * Arguments of a range scan: undecoded BSATN in one segment (guest memory, or a buffer of the SQL executor). Not
 * validated; {@link TableIndex#range} does that.
 */
public record KeyRange(
        MemorySegment segment,
        long prefixOffset,
        int prefixLength,
        int prefixElements,
        long startOffset,
        int startLength,
        long endOffset,
        int endLength) {
}
