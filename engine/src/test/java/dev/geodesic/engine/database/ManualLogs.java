package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.LogStart;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/** Logs that keep nothing and are durable when the test says so. */
final class ManualLogs implements LogFactory {

    private final List<Log> logs = new ArrayList<>();
    private boolean holding;
    private boolean refusing;

    @Override
    public synchronized Durability open(Path directory, LogStart start, Replay replay) {
        Log log = new Log();
        logs.add(log);
        return log;
    }

    /** What is appended from now on is not durable. */
    synchronized void hold() {
        holding = true;
    }

    /** Everything is durable. */
    synchronized void release() {
        holding = false;
        logs.forEach(Log::force);
    }

    /** The next append fails. */
    synchronized void refuse() {
        refusing = true;
    }

    /** What is not durable yet never will be; the logs with such records say so from another thread. */
    synchronized void lose() throws InterruptedException {
        for (Log log : logs) {
            if (log.durable < log.appended) {
                Thread thread = Thread.ofPlatform().start(() ->
                        log.onFailure.accept(new EngineException(ErrorCode.STORAGE_FAILED, "the disk is gone")));
                thread.join();
            }
        }
    }

    private final class Log implements Durability {

        private long appended = -1;
        private long durable = -1;
        private LongConsumer onDurable = offset -> { };
        private Consumer<RuntimeException> onFailure = e -> { };

        @Override
        public void append(long txOffset, byte[] record, int offset, int length) {
            synchronized (ManualLogs.this) {
                if (refusing) {
                    throw new EngineException(ErrorCode.STORAGE_FAILED, "the disk is full");
                }
                appended = txOffset;
                if (!holding) {
                    force();
                }
            }
        }

        void force() {
            durable = appended;
            onDurable.accept(durable);
        }

        @Override
        public long durableOffset() {
            synchronized (ManualLogs.this) {
                return durable;
            }
        }

        @Override
        public long epoch() {
            return 0;
        }

        @Override
        public void listen(LongConsumer listener, Consumer<RuntimeException> failed) {
            onDurable = listener;
            onFailure = failed;
        }

        @Override
        public void close() {
        }
    }
}
