package dev.geodesic.engine.schema;

import dev.geodesic.sats.AlgebraicType;
import java.util.Optional;

/**
 * One column.
 *
 * @param position index in the row, from 0
 * @param name canonical name
 * @param type resolved type, free of references
 * @param accessor name in the module's source, if it differs from the canonical one
 */
public record ColumnSchema(int position, String name, AlgebraicType type, Optional<String> accessor) {
}
