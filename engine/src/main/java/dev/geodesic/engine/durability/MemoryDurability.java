package dev.geodesic.engine.durability;

import java.util.function.Consumer;
import java.util.function.LongConsumer;

/** For databases in memory: nothing is kept, and nobody waits. */
public final class MemoryDurability implements Durability {

    @Override
    public void append(long txOffset, byte[] record, int offset, int length) {
    }

    @Override
    public long durableOffset() {
        return Long.MAX_VALUE;
    }

    @Override
    public long epoch() {
        return 0;
    }

    @Override
    public void listen(LongConsumer durable, Consumer<RuntimeException> failed) {
    }

    @Override
    public void close() {
    }
}
