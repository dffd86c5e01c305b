package dev.geodesic.engine.schema;

import java.util.List;

/** A type with a name, for client code; {@code ref} points into the typespace. Names are canonical. */
public record TypeDef(List<String> scope, String name, int ref, boolean customOrdering) {

    public TypeDef {
        scope = List.copyOf(scope);
    }
}
