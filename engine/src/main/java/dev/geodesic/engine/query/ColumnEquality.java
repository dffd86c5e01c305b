package dev.geodesic.engine.query;

/**
 * A term that every row of a query fulfils: the column's bytes are exactly {@code value}. Made only for types whose equal
 * values have equal bytes, so not for floats.
 */
public record ColumnEquality(int column, byte[] value) {
}
