package dev.geodesic.engine.schema;

/** Who may read a table: everybody, or the owner and module code only. */
public enum TableAccess {
    PUBLIC,
    PRIVATE
}
