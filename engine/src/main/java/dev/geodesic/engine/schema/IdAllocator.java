package dev.geodesic.engine.schema;

/** Hands out ids of a database when a definition becomes tables; every call takes a new one, never used before. */
public interface IdAllocator {

    int nextTableId();

    int nextIndexId();

    int nextConstraintId();

    int nextSequenceId();

    int nextScheduleId();
}
