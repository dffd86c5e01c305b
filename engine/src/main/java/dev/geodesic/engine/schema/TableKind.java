package dev.geodesic.engine.schema;

/** Whether a table belongs to the catalogue or to the module. */
public enum TableKind {
    SYSTEM,
    USER
}
