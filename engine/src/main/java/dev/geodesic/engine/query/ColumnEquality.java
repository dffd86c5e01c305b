package dev.geodesic.engine.query;

import java.util.List;

/**
 * A term that every row of a query fulfils: the column's bytes are exactly one of the {@code values}, which differ. Made only
 * for types whose equal values have equal bytes, so not for floats.
 */
public record ColumnEquality(int column, List<byte[]> values) {
}
