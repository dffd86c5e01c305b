package dev.geodesic.engine.simulation;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.LogFiles;
import dev.geodesic.engine.durability.LogStart;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * Logs of which the one of a database goes on when the simulation says so: what the writer appends waits here, as it would in
 * the log's own queue, and is handed to the real log record by record. Thread-safe.
 */
final class SteppedLogs implements LogFactory {

    private final LogFactory logs;
    private volatile Stepped database;

    SteppedLogs(LogFactory logs) {
        this.logs = logs;
    }

    /** The log of the database that was opened last. */
    Stepped database() {
        return database;
    }

    /** Another database is no longer. */
    void goOnWith(Stepped log) {
        database = log;
    }

    @Override
    public Durability open(Path directory, LogStart start, Replay replay) {
        if (!directory.toString().contains("databases")) {
            return logs.open(directory, start, replay);
        }
        long[] next = {start.offset()};
        Durability log = logs.open(directory, start, (offset, buffer, at, length) -> {
            replay.record(offset, buffer, at, length);
            next[0] = offset + 1;
        });
        database = new Stepped(log, next[0]);
        return database;
    }

    @Override
    public void begin(Path directory, long offset) {
        logs.begin(directory, offset);
    }

    /** The log of one database. */
    static final class Stepped implements Durability {

        private final Durability log;
        /** Number of transactions that were found at the start. */
        private final long recovered;
        /** Everything appended, in order. */
        private final List<byte[]> records = new ArrayList<>();
        private final Deque<byte[]> waiting = new ArrayDeque<>();
        private long passed;
        private long announced;
        private boolean flowing;
        private boolean abandoned;
        private boolean failed;
        private Consumer<RuntimeException> onFailure = e -> { };

        Stepped(Durability log, long recovered) {
            this.log = log;
            this.recovered = recovered;
            this.passed = recovered - 1;
            this.announced = recovered - 1;
        }

        long recovered() {
            return recovered;
        }

        /** Records since the start. */
        synchronized List<byte[]> records() {
            return List.copyOf(records);
        }

        synchronized int waiting() {
            return waiting.size();
        }

        /** Offset of the last transaction that the real log knows. */
        synchronized long passed() {
            return passed;
        }

        /** Offset of the last transaction that was reported durable. */
        synchronized long announced() {
            return announced;
        }

        synchronized boolean failed() {
            return failed;
        }

        /** Whether records go on by themselves. */
        synchronized void flow(boolean flows) {
            flowing = flows;
            while (flows && !waiting.isEmpty()) {
                pass();
            }
        }

        private synchronized void pass() {
            byte[] record = waiting.remove();
            log.append(passed + 1, record, 0, record.length);
            passed++;
        }

        /** Hands so many records to the log, which has another moment to take each of them. */
        void pass(int count) {
            for (int i = 0; i < count && waiting() > 0 && !failed(); i++) {
                pass();
            }
        }

        /** Waits until the log has done what it was handed, or has failed. */
        synchronized void await() throws InterruptedException {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (announced < passed && !failed) {
                if (System.nanoTime() > end) {
                    throw new AssertionError("the log does not go on behind " + announced);
                }
                wait(100);
            }
        }

        /** Waits until the writer has appended so many records since the start. */
        synchronized void awaitRecords(int count) throws InterruptedException {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (records.size() < count) {
                if (System.nanoTime() > end) {
                    throw new AssertionError("nobody appends record " + count);
                }
                wait(100);
            }
        }

        /** What waits never gets anywhere, and whoever waits for it hears that. */
        void abandon() {
            Consumer<RuntimeException> listener;
            synchronized (this) {
                abandoned = true;
                waiting.clear();
                listener = onFailure;
            }
            listener.accept(new EngineException(ErrorCode.STORAGE_FAILED, "the process is as good as dead"));
        }

        @Override
        public synchronized void append(long txOffset, byte[] record, int offset, int length) {
            if (txOffset != recovered + records.size()) {
                throw new AssertionError("offset " + txOffset + " instead of " + (recovered + records.size()));
            }
            byte[] copy = Arrays.copyOfRange(record, offset, offset + length);
            if (abandoned || failed) {
                // Says what is wrong.
                log.append(txOffset, record, offset, length);
                return;
            }
            records.add(copy);
            notifyAll();
            waiting.add(copy);
            if (flowing) {
                pass();
            }
        }

        @Override
        public long durableOffset() {
            return log.durableOffset();
        }

        @Override
        public long epoch() {
            return log.epoch();
        }

        @Override
        public Optional<LogFiles> files() {
            return log.files();
        }

        @Override
        public void listen(LongConsumer durable, Consumer<RuntimeException> failure) {
            synchronized (this) {
                onFailure = failure;
            }
            log.listen(offset -> {
                durable.accept(offset);
                synchronized (this) {
                    announced = offset;
                    notifyAll();
                }
            }, e -> {
                failure.accept(e);
                synchronized (this) {
                    failed = true;
                    notifyAll();
                }
            });
        }

        @Override
        public void close() {
            synchronized (this) {
                while (!abandoned && !failed && !waiting.isEmpty()) {
                    pass();
                }
            }
            log.close();
        }
    }
}
