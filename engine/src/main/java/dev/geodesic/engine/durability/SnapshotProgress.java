package dev.geodesic.engine.durability;

/** Hears how far the writing or loading of a snapshot has come, about once a block. What it throws ends the work. */
@FunctionalInterface
public interface SnapshotProgress {

    SnapshotProgress NONE = (done, total) -> { };

    /** @param done rows written, or bytes loaded, of {@code total} */
    void at(long done, long total);
}
