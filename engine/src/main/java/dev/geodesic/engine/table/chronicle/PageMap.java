package dev.geodesic.engine.table.chronicle;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import net.openhft.chronicle.bytes.RandomDataInput;
import net.openhft.chronicle.bytes.RandomDataOutput;
import net.openhft.chronicle.hash.AbstractData;
import net.openhft.chronicle.hash.Data;
import net.openhft.chronicle.hash.serialization.SizeMarshaller;
import net.openhft.chronicle.map.ChronicleMap;
import net.openhft.chronicle.map.ChronicleMapBuilder;
import net.openhft.chronicle.map.ExternalMapQueryContext;

/**
 * One Chronicle Map from page number to page: a fixed number of entries of one size, which stay where they are until
 * {@link #close}. Writer thread only.
 */
final class PageMap implements AutoCloseable {

    /** Keeps rows of 64 bytes, or parts of them, within cache lines. */
    private static final int ALIGNMENT = 64;

    private final ChronicleMap<Integer, byte[]> map;
    private final UntouchedPage initial;
    private final int capacity;
    private final long[] free;
    private int freeCount;
    private int count;

    /** Errors: LIMIT_EXCEEDED if there is no memory. */
    PageMap(long pageBytes, int capacity) {
        this.capacity = capacity;
        this.initial = new UntouchedPage(pageBytes);
        this.free = new long[capacity];
        try {
            map = ChronicleMapBuilder.of(Integer.class, byte[].class)
                    .constantKeySizeBySample(0)
                    .valueSizeMarshaller(SizeMarshaller.constant(pageBytes))
                    .entries(capacity)
                    .actualSegments(1)
                    .entryAndValueOffsetAlignment(ALIGNMENT)
                    .checksumEntries(false)
                    // The hook would free pages at exit while the engine still uses their addresses; their owner closes them.
                    .skipCloseOnExitHook(true)
                    .create();
        } catch (OutOfMemoryError e) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "no memory for " + capacity + " pages of " + pageBytes + " bytes",
                    e);
        }
    }

    boolean hasFree() {
        return freeCount > 0 || count < capacity;
    }

    boolean isUnused() {
        return freeCount == count;
    }

    /** Address of an unused page; its bytes are left over or zero. Needs {@link #hasFree}. */
    long acquire() {
        return freeCount > 0 ? free[--freeCount] : insert(count++);
    }

    private long insert(int number) {
        try (ExternalMapQueryContext<Integer, byte[], ?> context = map.queryContext(number)) {
            context.updateLock().lock();
            context.insert(context.absentEntry(), initial);
            Data<byte[]> page = context.entry().value();
            return page.bytes().addressForRead(page.offset());
        }
    }

    void release(long address) {
        free[freeCount++] = address;
    }

    long bytes() {
        return capacity * initial.size();
    }

    @Override
    public void close() {
        map.close();
    }

    /** A first value that writes nothing: the operating system gives memory when a row is first written to it. */
    private static final class UntouchedPage extends AbstractData<byte[]> {

        private final long bytes;

        UntouchedPage(long bytes) {
            this.bytes = bytes;
        }

        @Override
        public long size() {
            return bytes;
        }

        @Override
        public long offset() {
            return 0;
        }

        @Override
        @SuppressWarnings("rawtypes") // so it is declared
        public void writeTo(RandomDataOutput target, long offset) {
            // on purpose
        }

        @Override
        public RandomDataInput bytes() {
            throw new UnsupportedOperationException();
        }

        @Override
        public byte[] get() {
            throw new UnsupportedOperationException();
        }

        @Override
        public byte[] getUsing(byte[] using) {
            throw new UnsupportedOperationException();
        }
    }
}
