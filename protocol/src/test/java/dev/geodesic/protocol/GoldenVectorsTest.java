package dev.geodesic.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ProtocolException;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.testkit.Proves;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Every message of the recorded scenarios through decoder and encoder. */
class GoldenVectorsTest {

    static final List<String> FILES = Scenario.FILES;

    /** Reasons that our reader words better. */
    private static final Map<String, String> REWORDED = Map.of(
            "unknown field `x`, expected , `message_id``query_string` at line 1 column 71",
            "unknown field `x`, expected `message_id`, `query_string` at line 1 column 71");

    @ParameterizedTest
    @FieldSource("FILES")
    @Proves("websocket.md 3")
    @Proves("websocket.md 5.1")
    @Proves("websocket.md 6.1")
    @Proves("websocket.md 7")
    void clientMessagesAreDecodedOrRefusedAsRecorded(String file) {
        ClientDecoder decoder = new ClientDecoder(Scenario.subprotocol(file));
        List<Scenario.Event> events = Scenario.read(file);
        int decoded = 0;
        int refused = 0;
        for (int i = 0; i < events.size(); i++) {
            Scenario.Event event = events.get(i);
            if (!event.is("dir", "out")) {
                continue;
            }
            Frame frame = event.string("text").isPresent()
                    ? Frame.text(event.text().getBytes(StandardCharsets.UTF_8))
                    : Frame.binary(event.bytes());
            Optional<CloseReason> expected = refusal(events, i);
            if (expected.isPresent()) {
                ProtocolException e = assertThrows(ProtocolException.class, () -> decoder.decode(frame), event::toString);
                assertEquals(1011, e.closeReason().code(), event::toString);
                String reason = expected.get().reason();
                if (!reason.isEmpty()) {
                    assertEquals(REWORDED.getOrDefault(reason, reason), e.closeReason().reason(), event::toString);
                }
                refused++;
            } else {
                List<ClientMessage> messages = decoder.decode(frame);
                assertReencodes(Scenario.subprotocol(file), frame, messages, event);
                decoded++;
            }
        }
        assertTrue(decoded > 25 && refused >= 3, file + ": " + decoded + " decoded, " + refused + " refused");
    }

    /** The close event that answers the message, if there is one; without a text if the connection was just dropped. */
    private static Optional<CloseReason> refusal(List<Scenario.Event> events, int index) {
        for (int i = index + 1; i < events.size(); i++) {
            Scenario.Event next = events.get(i);
            if (next.string("dir").isPresent()) {
                if (next.isOf(events.get(index))) {
                    return Optional.empty();
                }
            } else if (next.is("event", "closed") && next.isOf(events.get(index))) {
                boolean dropped = next.json().get("code").orElseThrow() instanceof JsonValue.JsonNull;
                return dropped ? Optional.of(CloseReason.error(""))
                        : next.number("code") == 1011 ? Optional.of(CloseReason.error(next.string("reason").orElseThrow()))
                        : Optional.empty();
            } else if (!next.string("conn").isPresent()) {
                return Optional.empty();
            }
        }
        return Optional.empty();
    }

    private static void assertReencodes(
            Subprotocol subprotocol, Frame frame, List<ClientMessage> messages, Scenario.Event event) {
        if (frame.isText()) {
            Frame again = new ClientEncoder(Subprotocol.V1_JSON).encode(messages.getFirst());
            String sent = frame.text().replace("\"message_id\":[1,2]", "\"message_id\":\"0102\"");
            assertEquals(Json.parse(sent), Json.parse(again.text()), event::toString);
            return;
        }
        ClientEncoder encoder = new ClientEncoder(subprotocol == Subprotocol.V1_JSON ? Subprotocol.V1_BSATN : subprotocol);
        Frame again = subprotocol == Subprotocol.V3 ? encoder.encodeAll(messages) : encoder.encode(messages.getFirst());
        // What follows a complete message is ignored in v1 and v2.
        int length = subprotocol == Subprotocol.V3 ? frame.length() : Math.min(again.length(), frame.length());
        assertEquals(hex(frame, 0, length), hex(again, 0, again.length()), event::toString);
    }

    private static String hex(Frame frame, int from, int to) {
        return HexFormat.of().formatHex(frame.bytes(), from, to);
    }

    @ParameterizedTest
    @FieldSource("FILES")
    @Proves("websocket.md 3")
    @Proves("websocket.md 4")
    @Proves("websocket.md 5.2")
    @Proves("websocket.md 6.2")
    @Proves("websocket.md 7")
    void serverMessagesAreReproduced(String file) {
        Subprotocol subprotocol = Scenario.subprotocol(file);
        ServerDecoder decoder = new ServerDecoder(subprotocol);
        ServerEncoder plain = new ServerEncoder(subprotocol, Compression.NONE);
        Map<String, Compression> asked = new HashMap<>();
        int compressed = 0;
        int count = 0;
        for (Scenario.Event event : Scenario.read(file)) {
            if (event.is("event", "open")) {
                asked.put(event.string("conn").orElseThrow(), compression(event));
            }
            if (!event.is("dir", "in")) {
                continue;
            }
            count++;
            if (subprotocol.isText()) {
                List<ServerMessage> messages = decoder.decodeText(event.text());
                assertEquals(event.text(), plain.encode(messages.getFirst()).text(), event::toString);
                continue;
            }
            byte[] body = event.bytes();
            Frame expected = Frame.binary(Compression.NONE.compress(body, 0, body.length, 1));
            List<ServerMessage> messages = decoder.decode(expected);
            assertEquals(event.decoded(), Json.parse(Rendering.of(subprotocol, messages)), event::toString);
            Frame again = one(plain, messages);
            assertEquals(hex(expected, 0, expected.length()), hex(again, 0, again.length()), event::toString);

            Frame packed = one(new ServerEncoder(subprotocol, asked.get(event.string("conn").orElseThrow())), messages);
            assertEquals(event.number("compression"), packed.bytes()[0], event::toString);
            assertEquals(hex(expected, 0, expected.length()), hex(one(plain, decoder.decode(packed)), 0, expected.length()));
            compressed += packed.bytes()[0] != 0 ? 1 : 0;
        }
        assertTrue(count > 30, file + ": " + count);
        assertTrue(subprotocol.isText() || compressed > 0, file + ": nothing was compressed");
    }

    private static Compression compression(Scenario.Event open) {
        JsonValue.JsonObject query = (JsonValue.JsonObject) open.json().get("query").orElseThrow();
        return query.get("compression")
                .map(v -> Compression.ofParameter(((JsonValue.JsonString) v).value()).orElseThrow())
                .orElse(ConnectParams.DEFAULTS.compression());
    }

    private static Frame one(ServerEncoder encoder, List<ServerMessage> messages) {
        List<Frame> frames = new ArrayList<>();
        encoder.encodeAll(messages, frames::add);
        assertEquals(1, frames.size());
        return frames.getFirst();
    }
}
