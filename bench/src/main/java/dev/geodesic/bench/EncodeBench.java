package dev.geodesic.bench;

import dev.geodesic.protocol.ServerEncoder;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.RowJson;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.RowList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;

/**
 * Answers and updates become frames, 64 messages that wait at once: an answer to a committed call, an update of one row that
 * only one client sees, and the update that many clients share, which was encoded for another one before.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class EncodeBench {

    private static final int MESSAGES = 64;
    private static final Identity CALLER = new Identity(1, 2, 3, 4);

    @Param({"V1_BSATN", "V2", "V3"})
    private Subprotocol version;

    private ServerEncoder encoder;
    private List<ServerMessage> answers;
    private List<ServerMessage> shared;

    @Setup(Level.Trial)
    public void make() {
        encoder = new ServerEncoder(version, Compression.NONE);
        answers = IntStream.range(0, MESSAGES).<ServerMessage>mapToObj(i -> new ServerMessage.ReducerResult(
                call(i), new ReducerOutcome.Committed(List.of()))).toList();
        shared = IntStream.range(0, MESSAGES).<ServerMessage>mapToObj(i -> new ServerMessage.Shared(update())).toList();
        encoder.encodeAll(shared, frame -> { });
    }

    private static ReducerCall call(int requestId) {
        return new ReducerCall(1, CALLER, ConnectionId.NONE, "transfer", 3, EncodedValue.EMPTY, requestId, 17, 0, true);
    }

    private ServerMessage update() {
        byte[] row = ItemRows.row(1, 7, Items.NAME);
        Fragment fragment = Fragment.of(new RowList.Builder(row.length).add(row).build(), RowList.EMPTY, RowJson.NONE);
        List<QuerySetUpdate> sets = List.of(new QuerySetUpdate(1, List.of(TableUpdate.of(4096, "item", fragment))));
        return version.isV1()
                ? new ServerMessage.TransactionUpdate(Optional.of(call(0)), 0, sets)
                : new ServerMessage.TransactionUpdate(0, sets);
    }

    @Benchmark
    @OperationsPerInvocation(MESSAGES)
    public void answers(Blackhole hole) {
        encoder.encodeAll(answers, hole::consume);
    }

    /** With the making of the messages: rows are encoded once per fragment, so that old ones would be for free. */
    @Benchmark
    @OperationsPerInvocation(MESSAGES)
    public void updates(Blackhole hole) {
        encoder.encodeAll(IntStream.range(0, MESSAGES).mapToObj(i -> update()).toList(), hole::consume);
    }

    @Benchmark
    @OperationsPerInvocation(MESSAGES)
    public void sharedUpdates(Blackhole hole) {
        encoder.encodeAll(shared, hole::consume);
    }
}
