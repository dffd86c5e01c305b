package dev.geodesic.engine.durability;

import java.nio.file.Path;

/** Opens the log of a database. */
@FunctionalInterface
public interface LogFactory {

    /** Receives the records of a log, in order, before anything is appended. */
    @FunctionalInterface
    interface Replay {
        void record(long txOffset, byte[] buffer, int offset, int length);
    }

    /** Nothing is ever kept. */
    LogFactory MEMORY = (directory, start, replay) -> new MemoryDurability();

    /**
     * Opens or creates the log in a directory and replays what it holds from the start on. If it ends before the start it goes
     * on there.
     *
     * @throws dev.geodesic.engine.base.EngineException STORAGE_CORRUPT with file, offset and remedy, STORAGE_FAILED
     */
    Durability open(Path directory, LogStart start, Replay replay);

    /**
     * Says durably that the log in a directory, which is empty, begins behind a snapshot: what opens it knows then that nothing
     * has been lost.
     *
     * @throws dev.geodesic.engine.base.EngineException STORAGE_FAILED
     */
    default void begin(Path directory, long offset) {
    }
}
