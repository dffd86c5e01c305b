package dev.geodesic.engine.durability;

import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/** Where the records of committed transactions go (spec/durability.md section 3). */
public interface Durability extends AutoCloseable {

    /**
     * Queues the record of a transaction; offsets come without gaps. Blocks while the queue is full. The bytes are copied.
     * Writer thread only.
     *
     * @throws dev.geodesic.engine.base.EngineException STORAGE_FAILED after any write or force has failed, for good
     */
    void append(long txOffset, byte[] record, int offset, int length);

    /** Nothing more is appended for now: what has been is not held back for more to come. Writer thread only. */
    default void flush() {
    }

    /** Offset of the last transaction on stable storage, -1 if there is none. Any thread. */
    long durableOffset();

    /** Of the transactions that are appended: it rises when a database is set back to an earlier state. */
    long epoch();

    /** Its files; empty if it keeps none. */
    default Optional<LogFiles> files() {
        return Optional.empty();
    }

    /**
     * Called once, before the first {@link #append}: {@code durable} hears of every rise of the durable offset,
     * {@code failed} of the first failure. Both run on the log's thread and must not block.
     */
    void listen(LongConsumer durable, Consumer<RuntimeException> failed);

    /** Whether the disk has not answered for so long that it may never do. Any thread. */
    default boolean hangs() {
        return false;
    }

    /** Makes everything appended durable, if it still can, and stops. A disk that {@link #hangs} is not waited for. */
    @Override
    void close();

    /** After {@link #close}: whether nothing of this touches a file any more. Until then nobody else may open the log. */
    default boolean isReleased() {
        return true;
    }
}
