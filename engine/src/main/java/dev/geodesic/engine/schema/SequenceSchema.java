package dev.geodesic.engine.schema;

import java.math.BigInteger;

/** An auto-increment column; the numbers are i128. */
public record SequenceSchema(
        int sequenceId,
        String name,
        int column,
        BigInteger increment,
        BigInteger start,
        BigInteger minValue,
        BigInteger maxValue) {
}
