package dev.geodesic.protocol;

import dev.geodesic.protocol.message.ProtocolException;
import dev.geodesic.protocol.message.ProtocolLimits;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.v1.V1JsonServerCodec;
import dev.geodesic.protocol.v1.V1ServerCodec;
import dev.geodesic.protocol.v2.V2ServerCodec;
import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import java.util.ArrayList;
import java.util.List;

/**
 * Turns the WebSocket messages of a server into its answers, as a client does; stricter than clients have to be: nothing may
 * follow a message. Failures are {@link ProtocolException}s. Stateless and thread-safe.
 */
public final class ServerDecoder {

    private final Subprotocol subprotocol;

    public ServerDecoder(Subprotocol subprotocol) {
        this.subprotocol = subprotocol;
    }

    /** Never empty; more than one message only in v3. */
    public List<ServerMessage> decode(Frame frame) {
        return frame.isText() ? decodeText(frame.text()) : decodeBinary(frame.bytes(), 0, frame.length());
    }

    public List<ServerMessage> decodeText(String text) {
        if (!subprotocol.isText()) {
            throw new ProtocolException("text message on a binary connection");
        }
        return List.of(V1JsonServerCodec.read(text));
    }

    public List<ServerMessage> decodeBinary(byte[] payload, int offset, int length) {
        if (subprotocol.isText()) {
            throw new ProtocolException("binary message on a text connection");
        }
        if (length == 0) {
            throw new ProtocolException("message without compression tag");
        }
        Compression compression = Compression.ofTag(payload[offset] & 0xff);
        if (compression == Compression.NONE) {
            return decode(new BsatnReader(payload, offset + 1, length - 1));
        }
        return decode(new BsatnReader(
                compression.decompress(payload, offset + 1, length - 1, ProtocolLimits.DECOMPRESSED_BYTES_MAX)));
    }

    private List<ServerMessage> decode(BsatnReader in) {
        List<ServerMessage> messages = new ArrayList<>(1);
        try {
            do {
                messages.add(subprotocol.isV1() ? V1ServerCodec.read(in) : V2ServerCodec.read(in));
            } while (in.remaining() > 0 && subprotocol == Subprotocol.V3);
        } catch (BsatnException e) {
            throw new ProtocolException(e.getMessage());
        }
        if (in.remaining() > 0) {
            throw new ProtocolException(in.remaining() + " bytes behind the message");
        }
        return messages;
    }
}
