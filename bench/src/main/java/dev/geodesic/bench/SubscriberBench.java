package dev.geodesic.bench;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.engine.query.Caller;
import dev.geodesic.engine.query.SqlEngine;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.subscription.ConfirmedGate;
import dev.geodesic.engine.subscription.Subscriber;
import dev.geodesic.engine.subscription.Subscriptions;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A small transaction and who is told of it, up to the outboxes: begin, one row, commit, evaluation, and the gate of confirmed
 * reads. The row matters to one subscriber of many, or to all.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class SubscriberBench {

    private static final Identity OWNER = new Identity(1, 0, 0, 0);

    @Param({"0", "1", "100", "10000"})
    private int subscribers;

    /** Keys of their own, with another term that is the same for all; the same query; a join with a row with keys of its own. */
    @Param({"keys", "twoKeys", "same", "joins"})
    private String watch;

    private final byte[] row = ItemRows.row(1, 7, Items.NAME);
    private final MemorySegment segment = MemorySegment.ofArray(row);
    private final ReducerCall cause =
            new ReducerCall(1, OWNER, ConnectionId.NONE, "work", 0, EncodedValue.EMPTY, 1, 0, 0, true);
    private Items items;
    private Subscriptions subscriptions;
    private ConfirmedGate gate;
    /** A transaction that inserted the row, after which there was no other. */
    private TxData inserted;
    private long txOffset;
    private long sent;

    /** Counts what would be put into the outbox. */
    private final class Counter implements ClientSink {

        @Override
        public void send(ServerMessage message) {
            sent++;
        }

        @Override
        public void close(CloseReason reason) {
            throw new IllegalStateException(reason.reason());
        }
    }

    @Setup(Level.Trial)
    public void open() {
        items = new Items("heap", 0);
        TableSchema teams = items.create("team");
        items.tx.begin();
        for (int i = 0; i < subscribers; i++) {
            items.insert(teams, ItemRows.row(1 + i, 7 + i, "a team"));
        }
        items.commit();
        subscriptions = new Subscriptions(Limits.DEFAULTS, items.committed.writerView());
        gate = new ConfirmedGate(0);
        SqlEngine sql = new SqlEngine(Limits.DEFAULTS);
        for (int i = 0; i < subscribers; i++) {
            Counter counter = new Counter();
            Subscriber subscriber = new Subscriber(counter, gate.lane(counter), false, false);
            subscriptions.subscribe(subscriber, SubscriptionKind.SET, 1,
                    sql.compileSubscription(query(7 + i), items.committed.writerView(), new Caller(OWNER, true)),
                    items.committed.writerView());
        }
    }

    private String query(int key) {
        return switch (watch) {
            case "keys" -> "SELECT * FROM item WHERE grp = " + key;
            case "twoKeys" -> "SELECT * FROM item WHERE id = 1 AND grp = " + key;
            case "same" -> "SELECT * FROM item WHERE grp = 7";
            default -> "SELECT i.* FROM item i JOIN team t ON i.id = t.id WHERE t.grp = " + key;
        };
    }

    @TearDown(Level.Trial)
    public void close() {
        items.close();
    }

    /** Inserts a row, or deletes it again: the table stays small. */
    @Benchmark
    public long oneRow() {
        items.tx.begin();
        if (!items.tx.delete(items.table(), segment, 0, row.length)) {
            items.tx.insert(items.table(), segment, 0, row.length);
        }
        subscriptions.broadcast(items.commit(), ++txOffset, cause, false, null);
        gate.durable(txOffset);
        return sent;
    }

    /** The evaluation alone: always that of the same inserted row. */
    @Benchmark
    public long evaluate() {
        if (inserted == null) {
            items.tx.begin();
            items.tx.insert(items.table(), segment, 0, row.length);
            inserted = items.commit();
        }
        subscriptions.broadcast(inserted, ++txOffset, cause, false, null);
        gate.durable(txOffset);
        return sent;
    }

    /** CPU time of the thread instead of time on the clock, for a machine that does other things too: best of four. */
    public static void main(String[] arguments) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        for (String watch : List.of("keys", "twoKeys", "joins", "same")) {
            for (int subscribers : new int[] {1, 1, 100, 10_000}) {
                SubscriberBench bench = new SubscriberBench();
                bench.subscribers = subscribers;
                bench.watch = watch;
                bench.open();
                long best = Long.MAX_VALUE;
                for (int run = 0; run < 4; run++) {
                    long start = threads.getCurrentThreadCpuTime();
                    long taken = 0;
                    long count = 0;
                    while (taken < TimeUnit.SECONDS.toNanos(1)) {
                        bench.oneRow();
                        if (++count % 16 == 0) {
                            taken = threads.getCurrentThreadCpuTime() - start;
                        }
                    }
                    best = Math.min(best, taken / count);
                }
                bench.close();
                // The first line of a kind is about the compiler.
                System.out.printf("%-8s %6d subscribers %10d ns%n", watch, subscribers, best);
            }
        }
    }
}
