package dev.geodesic.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ProtocolException;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.wire.Compression;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** decode(encode(x)) = x, and no bytes make a decoder do anything but refuse. */
class RoundTripTest {

    private static String hex(Frame frame) {
        return HexFormat.of().formatHex(frame.bytes(), 0, frame.length());
    }

    @Property(tries = 1500)
    void serverMessages(
            @ForAll Subprotocol subprotocol, @ForAll Compression compression, @ForAll boolean inner, @ForAll long seed) {
        List<ServerMessage> messages = new RandomMessages(subprotocol, seed).servers(4);
        ServerEncoder encoder = new ServerEncoder(subprotocol, compression, inner);
        ServerDecoder decoder = new ServerDecoder(subprotocol);
        List<ServerMessage> decoded = new ArrayList<>();
        encoder.encodeAll(messages, frame -> decoded.addAll(decoder.decode(frame)));
        assertEquals(messages.size(), decoded.size());
        ServerEncoder plain = new ServerEncoder(subprotocol, Compression.NONE);
        for (int i = 0; i < messages.size(); i++) {
            Frame again = plain.encode(decoded.get(i));
            assertEquals(hex(plain.encode(messages.get(i))), hex(again));
            assertEquals(hex(again), hex(plain.encode(new ServerMessage.Shared(messages.get(i)))));
            if (!subprotocol.isText()) {
                assertEquals(Rendering.of(subprotocol, List.of(messages.get(i))),
                        Rendering.of(subprotocol, List.of(decoded.get(i))));
            }
        }
    }

    @Property(tries = 1500)
    void clientMessages(@ForAll Subprotocol subprotocol, @ForAll long seed) {
        ClientMessage message = new RandomMessages(subprotocol, seed).client();
        Frame frame = new ClientEncoder(subprotocol).encode(message);
        List<ClientMessage> decoded = new ClientDecoder(subprotocol).decode(frame);
        assertEquals(1, decoded.size());
        assertEquals(describe(message), describe(decoded.getFirst()));
    }

    /** Records with arrays do not compare by content. */
    private static String describe(ClientMessage message) {
        return switch (message) {
            case ClientMessage.CallReducer m ->
                "call " + m.reducer() + describe(m.arguments()) + m.requestId() + m.notifySuccess();
            case ClientMessage.CallProcedure m -> "procedure " + m.procedure() + describe(m.arguments()) + m.requestId();
            case ClientMessage.OneOffQuery m -> "query " + m.requestId() + Arrays.toString(m.messageId()) + m.query();
            case ClientMessage.Subscribe m -> m.toString();
            case ClientMessage.SubscribeBatch m -> m.toString();
            case ClientMessage.Unsubscribe m -> m.toString();
        };
    }

    private static String describe(Arguments arguments) {
        return switch (arguments) {
            case Arguments.Bsatn bsatn -> HexFormat.of().formatHex(bsatn.bytes());
            case Arguments.Json json -> json.text();
        };
    }

    @Property(tries = 2500)
    void damagedServerMessagesAreDecodedOrRefused(
            @ForAll Subprotocol subprotocol, @ForAll Compression compression, @ForAll long seed) {
        Frame frame = new ServerEncoder(subprotocol, compression).encode(new RandomMessages(subprotocol, seed).server());
        byte[] damaged = damage(frame, new Random(seed));
        decodeOrRefuse(() -> new ServerDecoder(subprotocol).decode(new Frame(frame.isText(), damaged, damaged.length)));
    }

    @Property(tries = 2500)
    void damagedClientMessagesAreDecodedOrRefused(@ForAll Subprotocol subprotocol, @ForAll long seed) {
        Frame frame = new ClientEncoder(subprotocol).encode(new RandomMessages(subprotocol, seed).client());
        byte[] damaged = damage(frame, new Random(seed));
        decodeOrRefuse(() -> new ClientDecoder(subprotocol).decode(new Frame(frame.isText(), damaged, damaged.length)));
    }

    @Property(tries = 2500)
    void randomBytesAreDecodedOrRefused(@ForAll Subprotocol subprotocol, @ForAll byte[] bytes, @ForAll boolean text) {
        Frame frame = new Frame(text, bytes, bytes.length);
        decodeOrRefuse(() -> new ClientDecoder(subprotocol).decode(frame));
        decodeOrRefuse(() -> new ServerDecoder(subprotocol).decode(frame));
    }

    private static byte[] damage(Frame frame, Random random) {
        byte[] bytes = Arrays.copyOf(frame.bytes(), frame.length());
        if (random.nextInt(3) == 0) {
            return Arrays.copyOf(bytes, random.nextInt(bytes.length));
        }
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            int at = random.nextInt(bytes.length);
            bytes[at] = switch (random.nextInt(3)) {
                case 0 -> (byte) 0xff;
                case 1 -> 0x7f;
                default -> (byte) random.nextInt();
            };
        }
        return bytes;
    }

    private static void decodeOrRefuse(Runnable decode) {
        try {
            decode.run();
        } catch (ProtocolException e) {
            // The only thing that may come out of a decoder.
            assertEquals(true, e.closeReason().reason().length() <= 123);
        }
    }
}
