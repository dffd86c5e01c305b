package dev.geodesic.engine.database;

import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.LogStart;
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
    private final List<Tape> open = new ArrayList<>();
    /** Guarded by the tapes: what is appended to databases meanwhile is not durable. */
    private boolean holding;

    @Override
    public Durability open(Path directory, LogStart start, Replay replay) {
        List<byte[]> tape;
        synchronized (tapes) {
            tape = tapes.computeIfAbsent(directory, d -> new ArrayList<>());
            for (int i = Math.toIntExact(start.offset()); i < tape.size(); i++) {
                replay.record(i, tape.get(i), 0, tape.get(i).length);
            }
        }
        Tape opened = new Tape(tape, directory.toString().contains("databases"));
        synchronized (tapes) {
            open.add(opened);
        }
        return opened;
    }

    /** What databases append from now on is not durable. */
    void hold() {
        synchronized (tapes) {
            holding = true;
        }
    }

    /** Everything is durable. */
    void release() {
        List<Tape> all;
        synchronized (tapes) {
            holding = false;
            all = List.copyOf(open);
        }
        all.forEach(Tape::force);
    }

    /** Durable transactions of the only database. */
    int durable() {
        synchronized (tapes) {
            return open.stream().filter(t -> t.records == database()).mapToInt(t -> t.durable).max().orElseThrow();
        }
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
        private final boolean canBeHeld;
        private volatile LongConsumer onDurable = offset -> { };
        /** Guarded by the tapes. */
        private int durable;

        Tape(List<byte[]> records, boolean canBeHeld) {
            this.records = records;
            this.canBeHeld = canBeHeld;
            durable = records.size();
        }

        @Override
        public void append(long txOffset, byte[] record, int offset, int length) {
            boolean held;
            synchronized (tapes) {
                if (txOffset != records.size()) {
                    throw new AssertionError("offset " + txOffset + " instead of " + records.size());
                }
                records.add(Arrays.copyOfRange(record, offset, offset + length));
                held = holding && canBeHeld;
            }
            if (!held) {
                force();
            }
        }

        void force() {
            long last;
            synchronized (tapes) {
                durable = records.size();
                last = durable - 1L;
            }
            onDurable.accept(last);
        }

        @Override
        public long durableOffset() {
            synchronized (tapes) {
                return durable - 1L;
            }
        }

        @Override
        public long epoch() {
            return 0;
        }

        @Override
        public void listen(LongConsumer listener, Consumer<RuntimeException> failed) {
            onDurable = listener;
        }

        @Override
        public void close() {
            // The tape stays as it is: what was not forced is lost, or not.
        }
    }
}
