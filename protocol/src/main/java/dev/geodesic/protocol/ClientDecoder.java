package dev.geodesic.protocol;

import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ProtocolException;
import dev.geodesic.protocol.message.ProtocolLimits;
import dev.geodesic.protocol.v1.V1ClientCodec;
import dev.geodesic.protocol.v1.V1JsonClientCodec;
import dev.geodesic.protocol.v2.V2ClientCodec;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import java.util.ArrayList;
import java.util.List;

/**
 * Turns the WebSocket messages of a client into requests. Every failure is a {@link ProtocolException} that says how to close
 * the connection. What is decoded has no reference to the input. Stateless and thread-safe; the length of the input is for
 * the caller to bound ({@link ProtocolLimits#INBOUND_BYTES_MAX}).
 */
public final class ClientDecoder {

    private final Subprotocol subprotocol;

    public ClientDecoder(Subprotocol subprotocol) {
        this.subprotocol = subprotocol;
    }

    public List<ClientMessage> decode(Frame frame) {
        return frame.isText() ? decodeText(frame.text()) : decodeBinary(frame.bytes(), 0, frame.length());
    }

    /** Never empty; more than one message only in v3, where one bad message spoils the whole payload. */
    public List<ClientMessage> decodeBinary(byte[] payload, int offset, int length) {
        BsatnReader in = new BsatnReader(payload, offset, length);
        try {
            return switch (subprotocol) {
                // Bytes after a complete message are ignored in v1 and v2.
                case V1_BSATN, V1_JSON -> List.of(V1ClientCodec.read(in));
                case V2 -> List.of(V2ClientCodec.read(in));
                case V3 -> decodeBatch(in);
            };
        } catch (BsatnException e) {
            throw new ProtocolException(e.getMessage());
        }
    }

    private static List<ClientMessage> decodeBatch(BsatnReader in) {
        if (in.remaining() == 0) {
            throw new ProtocolException("v3 websocket binary payload must contain at least one v2 client message");
        }
        ClientMessage first = V2ClientCodec.read(in);
        if (in.remaining() == 0) {
            return List.of(first);
        }
        List<ClientMessage> messages = new ArrayList<>();
        messages.add(first);
        while (in.remaining() > 0) {
            if (messages.size() == ProtocolLimits.MESSAGES_PER_PAYLOAD_MAX) {
                throw new ProtocolException(CloseReason.TOO_MANY_REQUESTS);
            }
            messages.add(V2ClientCodec.read(in));
        }
        return messages;
    }

    /** One message. A v1 connection takes text whatever it negotiated, v2 and v3 never do. */
    public List<ClientMessage> decodeText(String text) {
        return switch (subprotocol) {
            case V1_BSATN, V1_JSON -> List.of(V1JsonClientCodec.read(text));
            case V2 -> throw new ProtocolException("v2 websocket does not support text messages");
            case V3 -> throw new ProtocolException("v3 websocket does not support text messages");
        };
    }
}
