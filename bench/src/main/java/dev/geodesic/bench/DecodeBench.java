package dev.geodesic.bench;

import dev.geodesic.protocol.ClientDecoder;
import dev.geodesic.protocol.ClientEncoder;
import dev.geodesic.protocol.Frame;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.sats.BsatnWriter;
import java.util.List;
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

/** The bytes of reducer calls become messages; 40 calls, in frames of their own but for v3. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DecodeBench {

    private static final int CALLS = 40;

    @Param({"V1_BSATN", "V1_JSON", "V2", "V3"})
    private Subprotocol version;

    private ClientDecoder decoder;
    private List<Frame> frames;

    @Setup(Level.Trial)
    public void encode() {
        BsatnWriter arguments = new BsatnWriter();
        arguments.writeU32(17);
        arguments.writeU32(4711);
        arguments.writeU64(1);
        ClientEncoder encoder = new ClientEncoder(version);
        List<ClientMessage> calls = IntStream.range(0, CALLS).<ClientMessage>mapToObj(i -> new ClientMessage.CallReducer(
                "transfer", version.isText() ? new Arguments.Json("[17,4711,1]") : new Arguments.Bsatn(arguments.toByteArray()),
                i, true)).toList();
        frames = version == Subprotocol.V3
                ? List.of(encoder.encodeAll(calls))
                : calls.stream().map(encoder::encode).toList();
        decoder = new ClientDecoder(version);
    }

    @Benchmark
    @OperationsPerInvocation(CALLS)
    public void call(Blackhole hole) {
        for (Frame frame : frames) {
            decoder.decode(frame).forEach(hole::consume);
        }
    }
}
