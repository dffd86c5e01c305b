package dev.geodesic.engine.database;

import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.LogFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/** Logs in memory that outlive their server, and a copy of which ends wherever a crash may have ended them. */
final class TapeLogs implements LogFactory {

    private final Map<Path, List<byte[]>> tapes = new TreeMap<>();

    @Override
    public Durability open(Path directory, Replay replay) {
        List<byte[]> tape;
        synchronized (tapes) {
            tape = tapes.computeIfAbsent(directory, d -> new ArrayList<>());
            for (int i = 0; i < tape.size(); i++) {
                replay.record(i, tape.get(i), 0, tape.get(i).length);
            }
        }
        return new Tape(tape);
    }

    /** The log of the only database. */
    private List<byte[]> database() {
        return tapes.entrySet().stream().filter(e -> e.getKey().toString().contains("databases")).findFirst().orElseThrow()
                .getValue();
    }

    /** Transactions of the only database. */
    int length() {
        synchronized (tapes) {
            return database().size();
        }
    }

    /** Whether a transaction wrote or deleted a row with this text. */
    boolean mentions(int txOffset, String text) {
        synchronized (tapes) {
            return new String(database().get(txOffset), StandardCharsets.ISO_8859_1).contains(text);
        }
    }

    /** What a start finds if only so many transactions of the only database had reached the disk. */
    TapeLogs crashedAt(int transactions) {
        TapeLogs copy = new TapeLogs();
        synchronized (tapes) {
            tapes.forEach((directory, tape) -> copy.tapes.put(directory, new ArrayList<>(
                    directory.toString().contains("databases") ? tape.subList(0, transactions) : tape)));
        }
        return copy;
    }

    private final class Tape implements Durability {

        private final List<byte[]> records;
        private volatile LongConsumer onDurable = offset -> { };

        Tape(List<byte[]> records) {
            this.records = records;
        }

        @Override
        public void append(long txOffset, byte[] record, int offset, int length) {
            synchronized (tapes) {
                if (txOffset != records.size()) {
                    throw new AssertionError("offset " + txOffset + " instead of " + records.size());
                }
                records.add(Arrays.copyOfRange(record, offset, offset + length));
            }
            onDurable.accept(txOffset);
        }

        @Override
        public long durableOffset() {
            synchronized (tapes) {
                return records.size() - 1L;
            }
        }

        @Override
        public void listen(LongConsumer durable, Consumer<RuntimeException> failed) {
            onDurable = durable;
        }

        @Override
        public void close() {
            // The tape stays.
        }
    }
}
