package dev.geodesic.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.Form;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ProcedureOutcome;
import dev.geodesic.protocol.message.ProtocolLimits;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.RowJson;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.ServerMessage.ReducerResult;
import dev.geodesic.protocol.message.ServerMessage.Shared;
import dev.geodesic.protocol.message.ServerMessage.SubscribeApplied;
import dev.geodesic.protocol.message.ServerMessage.SubscriptionError;
import dev.geodesic.protocol.message.ServerMessage.TransactionUpdate;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.RowList;
import dev.geodesic.testkit.Proves;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ServerEncoderTest {

    private static final ProductType ROW = ProductType.of(
            new ProductElement(Optional.of("id"), PrimitiveType.U32),
            new ProductElement(Optional.of("name"), PrimitiveType.STRING));

    private static RowList rows(String... names) {
        RowList.Builder rows = new RowList.Builder();
        for (int i = 0; i < names.length; i++) {
            BsatnWriter row = new BsatnWriter();
            row.writeU32(i);
            row.writeString(names[i]);
            rows.add(row.toByteArray());
        }
        return rows.build();
    }

    private static Fragment fragment(int nameLength) {
        return Fragment.of(rows("x".repeat(nameLength)), RowList.EMPTY, RowJson.positional(ROW));
    }

    private static TransactionUpdate update(int querySetId, Fragment fragment) {
        return new TransactionUpdate(
                9, List.of(new QuerySetUpdate(querySetId, List.of(TableUpdate.of(4100, "person", fragment)))));
    }

    @Test
    @Proves("websocket.md 11")
    void batchesAreAnsweredSetBySet() {
        ServerMessage message = new ServerMessage.SubscribeBatchApplied(7, List.of(
                new ServerMessage.SetOutcome.Applied(
                        1, List.of(TableUpdate.of(4096, "t", Fragment.inserts(rows("a"), RowJson.NONE)))),
                new ServerMessage.SetOutcome.Failed(2, "no")));
        Frame frame = new ServerEncoder(Subprotocol.V3, Compression.NONE).encode(message);
        String rows = "00 0900 09000000 00000000 01000000 61";
        assertEquals(
                ("00 08 07000000 02000000 01000000 00 01000000 01000000 74" + rows + "02000000 01 02000000 6e6f")
                        .replace(" ", ""),
                HexFormat.of().formatHex(frame.bytes(), 0, frame.length()));
        assertThrows(IllegalArgumentException.class,
                () -> new ServerEncoder(Subprotocol.V1_BSATN, Compression.NONE).encode(message));
    }

    @Test
    void rowsInJsonAreStringsInTheFormTheirSourceAsksFor() {
        RowList rows = rows("a\"ü");
        ServerEncoder encoder = new ServerEncoder(Subprotocol.V1_JSON, Compression.BROTLI);
        Fragment delta = Fragment.of(rows, rows, RowJson.positional(ROW));
        assertEquals("{\"TransactionUpdateLight\":{\"request_id\":9,\"update\":{\"tables\":[{\"table_id\":4100,"
                        + "\"table_name\":\"person\",\"num_rows\":2,\"updates\":[{\"deletes\":[\"[0,\\\"a\\\\\\\"ü\\\"]\"],"
                        + "\"inserts\":[\"[0,\\\"a\\\\\\\"ü\\\"]\"]}]}]}}}",
                encoder.encode(update(1, delta)).text());
        Fragment stored = Fragment.inserts(rows, RowJson.stored(ROW));
        assertEquals("{\"SubscribeMultiApplied\":{\"request_id\":1,\"total_host_execution_duration_micros\":5,\"query_id\":"
                        + "{\"id\":2},\"update\":{\"tables\":[{\"table_id\":3,\"table_name\":\"person\",\"num_rows\":1,"
                        + "\"updates\":[{\"deletes\":[],\"inserts\":[\"{\\\"id\\\":0,\\\"name\\\":\\\"a\\\\\\\"ü\\\"}\"]}]}]}}}",
                encoder.encode(new SubscribeApplied(
                        SubscriptionKind.MULTI, 1, 2, List.of(TableUpdate.of(3, "person", stored)), 5)).text());
    }

    @Test
    void aFragmentIsEncodedOnceForAllSessions() {
        AtomicInteger rendered = new AtomicInteger();
        Fragment fragment = Fragment.of(rows("a", "b"), RowList.EMPTY, (rows, offset, length, out) -> {
            rendered.incrementAndGet();
            out.nullValue();
        });
        for (Subprotocol subprotocol : Subprotocol.values()) {
            ServerEncoder encoder = new ServerEncoder(subprotocol, Compression.NONE);
            for (int set = 0; set < 5; set++) {
                encoder.encode(update(set, fragment));
            }
        }
        assertEquals(2, rendered.get());
        byte[] kept = fragment.bytes(Form.V2, f -> {
            throw new AssertionError("encoded again");
        });
        assertSame(kept, fragment.bytes(Form.V2, f -> new byte[0]));
    }

    @ParameterizedTest
    @EnumSource
    void aSharedMessageIsOneArrayForAllSessions(Compression compression) {
        for (Subprotocol subprotocol : Subprotocol.values()) {
            Shared shared = new Shared(update(1, fragment(5000)));
            Frame first = new ServerEncoder(subprotocol, compression).encode(shared);
            Frame second = new ServerEncoder(subprotocol, compression).encode(shared);
            assertSame(first.bytes(), second.bytes());
            assertEquals(first.bytes().length, first.length());
            List<ServerMessage> decoded = new ServerDecoder(subprotocol).decode(first);
            assertEquals(1, decoded.size());
            if (!subprotocol.isText()) {
                assertEquals(compression.tag(), first.bytes()[0]);
            }
        }
    }

    @Test
    void formsAreEncodedOnceEvenByManyThreads() throws Exception {
        AtomicInteger encodings = new AtomicInteger();
        Fragment fragment = fragment(10);
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<byte[]>> results = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                results.add(threads.submit(() -> fragment.bytes(Form.V2, f -> {
                    encodings.incrementAndGet();
                    return new byte[] {1};
                })));
            }
            for (Future<byte[]> result : results) {
                assertSame(results.getFirst().get(), result.get());
            }
        }
        assertEquals(1, encodings.get());
    }

    /** The envelope of an error in v2: tag, request id as option, set id, length of the text. */
    private static final int ERROR_BYTES = 1 + 5 + 4 + 4;

    @ParameterizedTest
    @CsvSource({"1024, NONE, 0", "1024, GZIP, 0", "1024, BROTLI, 0", "1025, NONE, 0", "1025, GZIP, 2", "1025, BROTLI, 1"})
    @Proves("websocket.md 2")
    void onlyMoreThan1024BytesAreCompressed(int length, Compression compression, int tag) {
        ServerMessage error = new SubscriptionError(
                OptionalInt.of(1), OptionalInt.of(2), "e".repeat(length - ERROR_BYTES), 0);
        Frame frame = new ServerEncoder(Subprotocol.V2, compression).encode(error);
        assertEquals(tag, frame.bytes()[0]);
        assertEquals(error, new ServerDecoder(Subprotocol.V2).decode(frame).getFirst());
    }

    @Test
    void whatDoesNotBecomeSmallerStaysPlain() {
        byte[] noise = new byte[3000];
        new Random(7).nextBytes(noise);
        ReducerResult result = new ReducerResult(call(1), new ReducerOutcome.Committed(noise, List.of()));
        for (Compression compression : Compression.values()) {
            assertEquals(0, new ServerEncoder(Subprotocol.V2, compression).encode(result).bytes()[0]);
        }
    }

    private static ReducerCall call(int requestId) {
        return new ReducerCall(
                1, Identity.ZERO, ConnectionId.NONE, "f", 2, EncodedValue.of(new byte[] {7}, "[7]"), requestId, 3, 4, true);
    }

    @Test
    @Proves("websocket.md 7")
    void v3PutsManyMessagesIntoOneFrameUpToABound() {
        ServerEncoder encoder = new ServerEncoder(Subprotocol.V3, Compression.NONE);
        List<ServerMessage> messages = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            ServerMessage update = update(i, fragment(i == 500 ? ProtocolLimits.BATCH_BYTES_MAX : 1500));
            messages.add(i % 3 == 0 ? new Shared(update) : update);
        }
        List<Frame> frames = new ArrayList<>();
        encoder.encodeAll(messages, frames::add);
        assertTrue(frames.size() >= 4 && frames.size() <= 6, frames.size() + " frames");
        List<Integer> setIds = new ArrayList<>();
        int large = 0;
        for (Frame frame : frames) {
            List<ServerMessage> decoded = new ServerDecoder(Subprotocol.V3).decode(frame);
            decoded.forEach(m -> setIds.add(((TransactionUpdate) m).querySets().getFirst().querySetId()));
            if (frame.length() > ProtocolLimits.BATCH_BYTES_MAX) {
                assertEquals(1, decoded.size());
                large++;
            }
        }
        assertEquals(1, large);
        assertEquals(1000, setIds.size());
        for (int i = 0; i < 1000; i++) {
            assertEquals(i, setIds.get(i));
        }
    }

    @Test
    void v3KeepsTheBoundWhenMessagesAreLongerThanExpected() {
        ServerEncoder encoder = new ServerEncoder(Subprotocol.V3, Compression.NONE);
        List<ServerMessage> messages = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            byte[] value = new byte[i == 30 ? ProtocolLimits.BATCH_BYTES_MAX + 1 : 100_000];
            messages.add(new ServerMessage.ProcedureResult(
                    i, new ProcedureOutcome.Returned(EncodedValue.ofBsatn(value)), 1, 2));
        }
        List<Integer> requestIds = new ArrayList<>();
        encoder.encodeAll(messages, frame -> {
            List<ServerMessage> decoded = new ServerDecoder(Subprotocol.V3).decode(frame);
            assertTrue(frame.length() <= ProtocolLimits.BATCH_BYTES_MAX || decoded.size() == 1, "length " + frame.length());
            decoded.forEach(m -> requestIds.add(((ServerMessage.ProcedureResult) m).requestId()));
        });
        assertEquals(IntStream.range(0, 50).boxed().toList(), requestIds);
    }

    @Test
    void v3CompressesTheSumOfAFrame() {
        ServerEncoder encoder = new ServerEncoder(Subprotocol.V3, Compression.GZIP);
        List<ServerMessage> messages = List.of(update(1, fragment(600)), update(2, fragment(600)));
        List<Frame> frames = new ArrayList<>();
        encoder.encodeAll(messages, frames::add);
        assertEquals(1, frames.size());
        assertEquals(2, frames.getFirst().bytes()[0]);
        assertEquals(0, encoder.encode(messages.getFirst()).bytes()[0]);
        assertEquals(2, new ServerDecoder(Subprotocol.V3).decode(frames.getFirst()).size());
    }

    @Test
    @Proves("websocket.md 6.2")
    void v2GivesEachMessageAFrame() {
        List<Frame> frames = new ArrayList<>();
        new ServerEncoder(Subprotocol.V2, Compression.NONE)
                .encodeAll(List.of(update(1, fragment(1)), update(2, fragment(1))), frames::add);
        assertEquals(2, frames.size());
    }

    @ParameterizedTest
    @EnumSource(names = {"BROTLI", "GZIP"})
    @Proves("websocket.md 2")
    void v1CompressesFragmentsSoThatSessionsShareThem(Compression compression) {
        ServerEncoder encoder = new ServerEncoder(Subprotocol.V1_BSATN, compression, true);
        Fragment fragment = fragment(50_000);
        Frame first = encoder.encode(update(1, fragment));
        assertEquals(0, first.bytes()[0]);
        assertTrue(first.length() < 2000, "length " + first.length());
        Form form = compression == Compression.GZIP ? Form.V1_BSATN_GZIP : Form.V1_BSATN_BROTLI;
        byte[] kept = fragment.bytes(form, f -> {
            throw new AssertionError("not kept");
        });
        assertEquals(compression.tag(), kept[0]);
        TransactionUpdate decoded = (TransactionUpdate) new ServerDecoder(Subprotocol.V1_BSATN).decode(first).getFirst();
        assertEquals(50_008,
                decoded.querySets().getFirst().tables().getFirst().fragments().getFirst().inserts().dataLength());
        // Answers to one session are compressed as a whole.
        Frame initial = encoder.encode(new SubscribeApplied(
                SubscriptionKind.MULTI, 1, 2, List.of(TableUpdate.of(3, "person", fragment)), 0));
        assertEquals(compression.tag(), initial.bytes()[0]);
        assertNotSame(first.bytes(), initial.bytes());
    }

    @Test
    @Proves("websocket.md 5.3")
    @Proves("websocket.md 6.3")
    void aRefusedCallIsReportedByVersion() {
        ReducerResult refused = new ReducerResult(
                ReducerCall.refused(1, Identity.ZERO, ConnectionId.NONE, "nope", ReducerCall.UNKNOWN_REDUCER, 77),
                new ReducerOutcome.InternalError("no such reducer"));
        ReducerResult v1 = (ReducerResult) new ServerDecoder(Subprotocol.V1_BSATN)
                .decode(new ServerEncoder(Subprotocol.V1_BSATN, Compression.NONE).encode(refused)).getFirst();
        assertEquals(0, v1.call().requestId());
        assertEquals(ReducerCall.UNKNOWN_REDUCER, v1.call().reducerId());
        assertEquals(new ReducerOutcome.Failed("no such reducer"), v1.outcome());
        ReducerResult v2 = (ReducerResult) new ServerDecoder(Subprotocol.V2)
                .decode(new ServerEncoder(Subprotocol.V2, Compression.NONE).encode(refused)).getFirst();
        assertEquals(77, v2.call().requestId());
        assertEquals(new ReducerOutcome.InternalError("no such reducer"), v2.outcome());
        assertTrue(new ServerEncoder(Subprotocol.V1_JSON, Compression.NONE).encode(refused).text()
                .contains("\"reducer_id\":4294967295,\"args\":\"[]\",\"request_id\":0}"));
    }

    @Test
    void messagesOfAnotherVersionAreRefused() {
        ServerEncoder v1 = new ServerEncoder(Subprotocol.V1_BSATN, Compression.NONE);
        ServerEncoder json = new ServerEncoder(Subprotocol.V1_JSON, Compression.NONE);
        ServerMessage set = new SubscribeApplied(SubscriptionKind.SET, 1, 2, List.of(), 0);
        assertThrows(IllegalArgumentException.class, () -> v1.encode(set));
        assertThrows(IllegalArgumentException.class, () -> json.encode(set));
        TransactionUpdate event = update(1, Fragment.events(rows("a")));
        assertThrows(IllegalArgumentException.class, () -> v1.encode(event));
        assertThrows(IllegalArgumentException.class, () -> json.encode(event));
        ServerMessage anonymous = new SubscriptionError(OptionalInt.of(1), OptionalInt.empty(), "", 0);
        assertThrows(IllegalArgumentException.class,
                () -> new ServerEncoder(Subprotocol.V2, Compression.NONE).encode(anonymous));
    }
}
